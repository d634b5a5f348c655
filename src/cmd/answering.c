#include "src/cmd/answering.h"

#include <string.h>

#include "src/answer/common.h"
#include "src/cli/progress.h"
#include "src/heap/policy.h"
#include "src/select/select.h"

unsigned rg_answering_edges(const struct rg_context *context)
{
	static const unsigned edges[] = {
		[RG_CHOICE_AUTO] = RG_EDGES_DATA,
		[RG_CHOICE_DATA] = RG_EDGES_DATA,
		[RG_CHOICE_STRONG] = RG_EDGES_STRONG,
		[RG_CHOICE_ALL] = RG_EDGES_ALL,
	};

	return edges[context->settings.edges];
}

static enum rg_code select_words(struct rg_answering *answering)
{
	struct rg_context *context = answering->context;
	enum rg_code code = RG_OK;

	if (context->n_words < 2)
		return RG_OK;
	answering->has_selection = true;
	code = rg_bitset_init(
		&answering->selected, answering->source.heap.n_objects, &context->err);
	for (int i = 1; !code && i < context->n_words; i++)
		code = rg_select(&answering->source.heap, context->words[i], answering->source.live,
			&answering->selected, &context->err);
	return code;
}

/* @12 with a pid as source cannot mean anything: say so before the process is stopped. */
static enum rg_code check_numbers(struct rg_context *context)
{
	enum rg_code code;
	pid_t pid;

	for (int i = 1; i < context->n_words; i++) {
		if (context->words[i][0] != '@')
			continue;
		code = rg_source_pid(context->words[0], &pid, &context->err);
		if (code)
			return code;
		if (pid)
			return rg_select(NULL, context->words[i], true, NULL, &context->err);
	}
	return RG_OK;
}

enum rg_code rg_answering_open(
	struct rg_answering *answering, struct rg_context *context, uint64_t limit)
{
	enum rg_code code;

	memset(answering, 0, sizeof(*answering));
	answering->context = context;
	answering->limit = context->settings.limit ? context->settings.limit : limit;
	code = check_numbers(context);
	if (!code)
		code = rg_source_open(&answering->source, context, context->words[0]);
	if (!code)
		code = select_words(answering);
	if (!code) {
		answering->origin = rg_arena_new(&answering->arena, 1, sizeof(*answering->origin));
		if (!answering->origin)
			code = rg_nomem(&context->err);
	}
	if (code) {
		/* the process was stopped for it: the capture serves the next try */
		if (answering->source.live)
			rg_output_next(&answering->source, "types", "");
		rg_answering_close(answering);
		return code;
	}
	*answering->origin = (struct rg_answer_origin){ .path = answering->source.path,
		.live = answering->source.live,
		.ndjson = answering->source.ndjson,
		.edges = rg_policy_name(rg_answering_edges(context)),
		.raw = context->settings.raw };
	return RG_OK;
}

void rg_answering_close(struct rg_answering *answering)
{
	rg_source_close(&answering->source);
	rg_bitset_deinit(&answering->selected);
	rg_arena_deinit(&answering->arena);
	memset(answering, 0, sizeof(*answering));
}

enum rg_code rg_answering_cycles(struct rg_answering *answering, struct rg_cycles *cycles)
{
	struct rg_cycles_options options = {
		.edges = rg_answering_edges(answering->context),
		.raw = answering->context->settings.raw,
		.selected = answering->has_selection ? &answering->selected : NULL,
	};

	rg_progress_phase("finding the cycles");
	return rg_cycles_init(cycles, &answering->source.heap, &options, &answering->context->err);
}
