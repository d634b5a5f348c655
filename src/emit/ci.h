/*
 * Leak suspects for machines that build: annotations as GitHub's runners read them on standard
 * output, JUnit's XML, and the list of signatures that --known reads. Text of the heap is escaped
 * for each.
 */
#ifndef RG_EMIT_CI_H
#define RG_EMIT_CI_H

#include <stdio.h>

#include "src/answer/leaks.h"

/* "::error title=...::message", a line a suspect: a warning where it is not what fails the job. */
enum rg_code rg_ci_annotations(
	const struct rg_answer_leaks *answer, FILE *out, struct rg_error *err);

/* One test case a suspect, failed where it is what fails the job; one that passed where none is. */
enum rg_code rg_ci_junit(const struct rg_answer_leaks *answer, FILE *out, struct rg_error *err);

/* A signature a line, and behind a # what it is of. */
enum rg_code rg_ci_known(const struct rg_answer_leaks *answer, FILE *out, struct rg_error *err);

#endif
