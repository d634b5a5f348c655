#include "heapdump/agent/self.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "heapdump/image/process.h"

/* Include/object.h */
typedef int (*visitproc)(void *object, void *context);
typedef int (*traverseproc)(void *object, visitproc visit, void *context);

static int guard_fd;

/* --- memory ------------------------------------------------------------------------------- */

/* Everything is there already; what is asked for was found to be unreadable. */
static int64_t read_nothing(void *context, uint64_t address, void *buffer, size_t length)
{
	(void)context, (void)address, (void)buffer, (void)length;
	return -1;
}

enum rg_code rg_self_image(struct rg_image *image, struct rg_error *err)
{
	int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	enum rg_code code;

	if (maps < 0)
		return rg_fail(err, RG_SYSTEM, "maps", "/proc/self/maps cannot be read");
	rg_image_init(image, read_nothing, NULL);
	code = rg_process_map(image, maps, err);
	close(maps);
	if (!code)
		rg_image_be_direct(image);
	return code;
}

static void end_on_fault(int signal)
{
	static const char said[] = "a part of the process's memory cannot be read (a file that was "
				   "cut while it is mapped?)";
	ssize_t n = write(guard_fd, said, sizeof(said) - 1);

	_exit(n < 0 ? 128 + signal : RG_SYSTEM);
}

void rg_self_guard(int fd)
{
	struct sigaction action = { .sa_handler = end_on_fault };
	sigset_t faults;

	guard_fd = fd;
	sigemptyset(&faults);
	sigaddset(&faults, SIGSEGV);
	sigaddset(&faults, SIGBUS);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigprocmask(SIG_UNBLOCK, &faults, NULL);
}

/* --- objects ------------------------------------------------------------------------------ */

struct visits {
	void (*visit)(void *context, uint64_t target);
	void *context;
};

static int pass_on(void *object, void *context)
{
	const struct visits *visits = context;

	visits->visit(visits->context, (uint64_t)(uintptr_t)object);
	return 0;
}

static void *pointer(uint64_t address)
{
	return (void *)(uintptr_t)address;
}

static void traverse(uint64_t object, uint64_t tp_traverse,
	void (*visit)(void *context, uint64_t target), void *context)
{
	struct visits visits = { visit, context };
	traverseproc call;

	memcpy(&call, &tp_traverse, sizeof(call));
	call(pointer(object), pass_on, &visits);
}

/* PyMethodDescrObject.d_method and PyMethodDef, the same in all versions */
enum { DESCRIPTOR_METHOD = 40, METHOD_FUNCTION = 8, METHOD_FLAGS = 16, METH_NOARGS = 4 };

/* What the process or its libpython exports, or NULL. */
static void find(void *function_ret, const char *name)
{
	void *found = dlsym(RTLD_DEFAULT, name);

	memcpy(function_ret, &found, sizeof(found));
}

/*
 * The thread that forked held the GIL, and the child is that thread. The function itself is
 * called: to look it up would turn over the interpreter's cache of attributes, which is walked.
 */
static uint64_t size_of(uint64_t object, uint64_t method)
{
	static ptrdiff_t (*as_number)(void *);
	static void (*release)(void *);
	const char *definition = *(char **)pointer(method + DESCRIPTOR_METHOD);
	void *(*function)(void *self, void *nothing);
	ptrdiff_t size;
	void *made;
	int flags;

	if (!as_number || !release) {
		find(&as_number, "PyLong_AsSsize_t");
		find(&release, "Py_DecRef");
	}
	memcpy(&function, definition + METHOD_FUNCTION, sizeof(function));
	memcpy(&flags, definition + METHOD_FLAGS, sizeof(flags));
	made = as_number && release && flags == METH_NOARGS ? function(pointer(object), NULL)
							    : NULL;
	if (!made)
		return 0;
	size = as_number(made);
	release(made);
	return size < 0 ? 0 : (uint64_t)size;
}

const struct rg_inside rg_self_inside = { traverse, size_of };
