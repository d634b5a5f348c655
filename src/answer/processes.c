#include "src/answer/processes.h"

static const struct rg_field process_fields[] = {
	RG_FIELD(rg_answer_process, pid, RG_PLAIN, "PID", "its pid"),
	RG_FIELD(rg_answer_process, inner_pid, RG_OPTIONAL, NULL,
		"its pid in the pid namespace that it is in, null where that is ours"),
	RG_FIELD(rg_answer_process, runtime, RG_TEXT, "RUNTIME", "such as CPython 3.11.2"),
	RG_FIELD(rg_answer_process, rss, RG_BYTES, "RSS", "resident memory"),
	RG_FIELD(rg_answer_process, threads, RG_COUNT, "THREADS", "its threads"),
	RG_FIELD(rg_answer_process, attachable, RG_FLAG, "ATTACH", "whether it can be captured"),
	RG_FIELD(rg_answer_process, why_not, RG_TEXT, NULL, "why it cannot be captured, or null"),
	RG_FIELD(rg_answer_process, command, RG_TEXT, "COMMAND", "its command line"),
};
const struct rg_record rg_record_process = RG_RECORD_OF(rg_answer_process, process_fields);

static const struct rg_field ps_fields[] = {
	RG_FIELD_OF(
		rg_answer_ps, processes, RG_LIST, &rg_record_process, "the Python processes here"),
};
static const struct rg_record ps_record = RG_RECORD_OF(rg_answer_ps, ps_fields);

const struct rg_answer rg_answer_ps = { "ps", &ps_record };
