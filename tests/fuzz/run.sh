#!/bin/sh
# Fuzz the targets named, one after the other, FUZZ_SECONDS each (60): make fuzz. New inputs go to
# fuzz/NAME/ in the build folder, what failed to fuzz/NAME-crash-*, the log to fuzz/NAME.log.
seconds=${FUZZ_SECONDS:-60}
failed=0
for program; do
	name=${program##*/}
	if ! "$builddir/$program" -help=1 2>&1 </dev/null | grep -q max_total_time; then
		echo 'make fuzz needs: configure --enable-fuzzing CC=clang' >&2
		exit 1
	fi
	mkdir -p "$builddir/fuzz/$name"
	dictionary=$srcdir/tests/fuzz/$name.dict
	[ -f "$dictionary" ] || dictionary=
	"$builddir/$program" -max_total_time="$seconds" -max_len=32768 -timeout=10 \
		-rss_limit_mb=2048 -print_final_stats=1 ${dictionary:+"-dict=$dictionary"} \
		-artifact_prefix="$builddir/fuzz/$name-" "$builddir/fuzz/$name" \
		"$srcdir/tests/fuzz/corpus/$name" >"$builddir/fuzz/$name.log" 2>&1
	status=$?
	executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$builddir/fuzz/$name.log")
	edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$builddir/fuzz/$name.log" | tail -n 1)
	[ "$status" = 0 ] && result=nothing || result="FAILED, see fuzz/$name.log"
	printf '%-10s %10s executions %6s edges  %s\n' "$name" "$executions" "$edges" "$result"
	[ "$status" = 0 ] || failed=1
done
exit $failed
