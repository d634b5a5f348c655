/*
 * A watched process as a plot, drawn with cairo: its memory above, below it by how many objects the
 * types have grown that grow, or else those that changed most; each line has its name at its end.
 * Lines differ by colour, dash and marker. The same answer gives the same bytes.
 */
#ifndef RG_EMIT_PLOT_H
#define RG_EMIT_PLOT_H

#include <stdio.h>

#include "src/answer/watch.h"

enum rg_plot_format { RG_PLOT_SVG, RG_PLOT_PNG };

/* Draw ANSWER, in a child process: RG_SYSTEM where cairo or OUT fails, RG_LIMIT after 10 s. */
enum rg_code rg_plot_write(const struct rg_answer_watch *answer, enum rg_plot_format format,
	FILE *out, struct rg_error *err);

#endif
