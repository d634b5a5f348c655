/* The terminal: how large it is, whether it can show more than ASCII, whether to use colour. */
#ifndef RG_CLI_TERMINAL_H
#define RG_CLI_TERMINAL_H

#include <stdbool.h>

/* Columns of standard output, 100 where it is no terminal. */
unsigned rg_terminal_width(void);

/* Lines of standard output, 0 where it is no terminal. */
unsigned rg_terminal_height(void);

/* Take the locale's characters; what has no UTF-8 gets plain ASCII. Once, at the start. */
void rg_terminal_init(void);

/* True where text must be ASCII. */
bool rg_terminal_is_ascii(void);

#endif
