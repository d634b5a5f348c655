#include "src/answer/neighbours.h"

static const struct rg_field neighbours_fields[] = {
	RG_ENVELOPE_FIELDS(rg_answer_neighbours),
	RG_FIELD(rg_answer_neighbours, selected, RG_COUNT, NULL,
		"objects of the selection; the first --limit of them are shown"),
	RG_FIELD_OF(rg_answer_neighbours, graph, RG_RECORD, &rg_record_graph, "what is shown"),
};
static const struct rg_record neighbours_record = RG_RECORD_OF(
	rg_answer_neighbours, neighbours_fields);
const struct rg_answer rg_answer_refs = { "refs", &neighbours_record };
const struct rg_answer rg_answer_backrefs = { "backrefs", &neighbours_record };
