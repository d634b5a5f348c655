#!/bin/sh
# Every fuzz target over its corpus: nothing crashes, hangs or says what is not so.
cd "$srcdir/tests/fuzz" || exit 1
set -- *.c
echo "1..$(($# - 1))"
number=0
for source; do
	target=${source%.c}
	[ "$target" != driver ] || continue
	number=$((number + 1))
	output=$("$builddir/tests/fuzz/$target" -runs=0 -timeout=10 "corpus/$target" 2>&1)
	status=$?
	count=$(ls "corpus/$target" | wc -l)
	if [ "$count" -gt 0 ] && [ "$status" = 0 ]; then
		echo "ok $number - $target: $count inputs"
	else
		printf '%s\n' "$output" | tail -n 40 | sed 's/^/# /'
		echo "not ok $number - $target: status $status"
	fi
done
