#include "src/cli/progress.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define CLEAR "\r\033[K"

static const char *volatile phase = "working";
static volatile sig_atomic_t shown, seconds;

static void put(const char *text)
{
	/* a terminal that cannot be written to is no reason to fail */
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

/* Every second: what, and for how long. Async-signal-safe. */
static void on_tick(int signal_number)
{
	char count[16], *digit = count + sizeof(count);
	int error = errno, number = (int)++seconds;

	(void)signal_number;
	*--digit = '\0';
	do
		*--digit = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	put(CLEAR "refgraph: ");
	put(phase);
	put(", ");
	put(digit);
	put(" s");
	shown = 1;
	errno = error;
}

void rg_progress_start(void)
{
	struct sigaction action = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
	struct itimerval tick = { { 1, 0 }, { 1, 0 } };

	if (!isatty(STDERR_FILENO))
		return;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
}

void rg_progress_phase(const char *what)
{
	phase = what;
}

void rg_progress_stop(void)
{
	struct itimerval never = { { 0, 0 }, { 0, 0 } };

	setitimer(ITIMER_REAL, &never, NULL);
	if (shown)
		put(CLEAR);
	shown = 0;
}
