/*
 * Progress: one line on standard error, only when that is a terminal, only for work that takes
 * more than a second, gone when it is done.
 */
#ifndef RG_CLI_PROGRESS_H
#define RG_CLI_PROGRESS_H

void rg_progress_start(void);

/* What is being done now; a static string such as "reading the heap". */
void rg_progress_phase(const char *what);

/* Clear the line. Called before anything is printed. */
void rg_progress_stop(void);

#endif
