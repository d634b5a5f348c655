/* The answer of `ps`. */
#ifndef RG_ANSWER_PROCESSES_H
#define RG_ANSWER_PROCESSES_H

#include "src/answer/answer.h"

struct rg_answer_process {
	uint64_t pid, inner_pid, rss, threads;
	const char *runtime, *command, *why_not;
	bool attachable;
};

struct rg_answer_ps {
	struct rg_list processes;
};

extern const struct rg_record rg_record_process;
extern const struct rg_answer rg_answer_ps;

#endif
