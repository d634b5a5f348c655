#include "heapdump/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void rg_error_init(struct rg_error *err)
{
	memset(err, 0, sizeof(*err));
	err->offset = RG_NO_OFFSET;
	err->name = "";
}

enum rg_code rg_fail(
	struct rg_error *err, enum rg_code code, const char *name, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return code;
	rg_error_init(err);
	err->code = code;
	err->name = name;
	va_start(args, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, args);
	va_end(args);
	return code;
}

enum rg_code rg_hint(struct rg_error *err, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return RG_SYSTEM;
	va_start(args, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, args);
	va_end(args);
	return err->code;
}

enum rg_code rg_at_file(struct rg_error *err, const char *file, uint64_t offset)
{
	if (!err)
		return RG_SYSTEM;
	snprintf(err->file, sizeof(err->file), "%s", file);
	err->offset = offset;
	return err->code;
}

enum rg_code rg_at_pid(struct rg_error *err, int pid)
{
	if (!err)
		return RG_SYSTEM;
	err->pid = pid;
	return err->code;
}

enum rg_code rg_nomem(struct rg_error *err)
{
	return rg_fail(err, RG_NOMEM, "out-of-memory", "out of memory");
}
