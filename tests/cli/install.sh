#!/bin/sh
# What is installed: the library shows heapdump_* and nothing else, a program of somebody else's
# compiles against it as the manual says, from C and C++, and uninstall leaves nothing behind.

number=0
failed=0
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL
root=$folder/root

is() { # NAME COMMAND...: one test, ok when the command succeeds
	number=$((number + 1))
	name=$1
	shift
	if "$@" >"$folder/log" 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		sed 's/^/# /' "$folder/log" | tail -n 20
		failed=1
	fi
}

here() { # what is installed under this name
	find "$root" -name "$1" | head -n 1
}

flags() { # of heapdump.pc, moved to where DESTDIR has put it
	PKG_CONFIG_PATH=$(dirname "$(here heapdump.pc)") PKG_CONFIG_SYSROOT_DIR=$root \
		PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 \
		pkg-config "$@" heapdump
}

only_heapdump() {
	others=$(nm -D --defined-only "$(here libheapdump.so)" | awk '{ print $3 }' |
		grep -v '^heapdump_')
	echo "$others"
	[ -z "$others" ] && nm -D --defined-only "$(here libheapdump.so)" | grep -q heapdump_open
}

build() { # COMPILER OUTPUT FLAGS...
	compiler=$1 output=$2
	shift 2
	$compiler -Wall -Wextra "$srcdir/examples/runtime/tiny.c" -o "$output" \
		$(flags --cflags) "$@"
}

works() {
	LD_LIBRARY_PATH=$(dirname "$(here libheapdump.so)") "$1" "$folder/tiny.rgs" &&
		"$REFGRAPH" garbage "$folder/tiny.rgs" | grep -q '^collectable    5 objects'
}

from_cxx() {
	cat >"$folder/a.cc" <<-'END'
	#include <heapdump.h>
	#include <string>
	int main(int, char **argv)
	{
		std::string name("T");
		heapdump *dump = heapdump_open(argv[1], 8);
		uint32_t type = heapdump_type(dump, name.c_str(), nullptr, HEAPDUMP_TYPE_GC);

		heapdump_object(dump, 0x1000, type, 8, 1, HEAPDUMP_GEN_0);
		heapdump_reference(dump, 0x1000, 0x1000, HEAPDUMP_OTHER);
		heapdump_status status = heapdump_finish(dump);
		heapdump_close(dump);
		return status;
	}
	END
	c++ -Wall -Wextra -pedantic "$folder/a.cc" -o "$folder/cxx" $(flags --cflags --libs) &&
		LD_LIBRARY_PATH=$(dirname "$(here libheapdump.so)") "$folder/cxx" "$folder/a.rgs" &&
		"$REFGRAPH" garbage "$folder/a.rgs" | grep -q '^collectable    1 object'
}

nothing_left() {
	make -C "$builddir" uninstall DESTDIR="$root" && find "$root" ! -type d | tee "$folder/left" &&
		[ ! -s "$folder/left" ]
}

if ldd "$REFGRAPH" 2>/dev/null | grep -q libasan; then
	echo "1..0 # SKIP a library with the address sanitizer is for programs that have it"
	exit 0
fi
if [ ! -e "$builddir/.libs/libheapdump.so" ]; then
	echo "1..0 # SKIP configured without shared libraries"
	exit 0
fi
echo "1..7"
is "make install" make -C "$builddir" install DESTDIR="$root"
is "the library shows heapdump_* only" only_heapdump
is "the example runtime compiles against what is installed" \
	build cc "$folder/tiny" $(flags --libs)
is "its dump is right" works "$folder/tiny"
is "so it does with the static library" \
	build cc "$folder/static" "$(here libheapdump.a)" -lxxhash
if command -v c++ >/dev/null; then
	is "a program in C++" from_cxx
else
	number=6
	echo "ok 6 - a program in C++ # SKIP no c++ here"
fi
is "make uninstall leaves no file" nothing_left
exit $failed
