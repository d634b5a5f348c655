#include "src/cli/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEFAULT_WIDTH 100
#define LEAST_WIDTH 60
#define DEFAULT_HEIGHT 24

unsigned rg_terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 ||
		size.ws_col == 0)
		return DEFAULT_WIDTH;
	return size.ws_col < LEAST_WIDTH ? LEAST_WIDTH : size.ws_col;
}

unsigned rg_terminal_height(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_row ? DEFAULT_HEIGHT
									   : size.ws_row;
}

static bool ascii;

/* Whether the locale really converts UTF-8: a table that is drawn without that never ends. */
static bool converts_utf8(void)
{
	wchar_t arrow = 0;

	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 && mbtowc(NULL, NULL, 0) == 0 &&
	       mbtowc(&arrow, "\xe2\x86\x92", 3) == 3 && arrow == 0x2192;
}

void rg_terminal_init(void)
{
	setlocale(LC_CTYPE, "");
	ascii = !converts_utf8();
	/* other encodings than the two that we write would only be misread on the way */
	if (ascii)
		setlocale(LC_CTYPE, "C");
}

bool rg_terminal_is_ascii(void)
{
	return ascii;
}
