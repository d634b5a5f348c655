#include "heapdump/capture/facts.h"

#include <stdio.h>

void rg_facts_runtime(struct rg_writer *writer, const struct rg_runtime *runtime,
	const char *source, const char *tool, time_t captured)
{
	char version[32], text[64];
	struct tm utc;

	rg_version_text(runtime->version, version, sizeof(version));
	snprintf(text, sizeof(text), "CPython %s", version);
	rg_writer_fact_text(writer, "runtime", text);
	rg_writer_fact_text(writer, "version", version);
	rg_writer_fact_text(writer, "source", source);
	rg_writer_fact_text(writer, "tool", tool);
	/* the year of a hostile file's time may not fit */
	if (!gmtime_r(&captured, &utc))
		return;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	rg_writer_fact_text(writer, "captured", text);
}

static void write_number(struct rg_writer *writer, const char *name, unsigned i, uint64_t value)
{
	char key[64];

	snprintf(key, sizeof(key), "gc.%s.%u", name, i);
	rg_writer_fact_number(writer, key, (int64_t)value);
}

void rg_facts_gc(struct rg_writer *writer, const struct rg_gc_state *gc)
{
	rg_writer_fact_number(writer, "gc.enabled", gc->enabled);
	for (unsigned i = 0; i < 3; i++) {
		write_number(writer, "threshold", i, gc->thresholds[i]);
		write_number(writer, "count", i, gc->counts[i]);
		write_number(writer, "collections", i, gc->collections[i]);
		write_number(writer, "collected", i, gc->collected[i]);
		write_number(writer, "uncollectable", i, gc->uncollectable[i]);
	}
	if (gc->collecting)
		rg_writer_fact_text(writer, "warning.gc-running",
			"a collection was running: objects that it was moving may be missing");
}
