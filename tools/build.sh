# Sourced by ./run and ./test: build PRESET DIRECTORY. Quiet unless it fails; one at a time.

build_say_failed()
{
	if grep -q 'No space left on device' "$1"; then
		echo "occurd: the disk is full; cannot build in $2" >&2
	else
		tail -n 40 "$1" >&2
		echo "occurd: the build failed; all of it is in $1" >&2
	fi
	exit 1
}

build_steps()
{
	cd "$root" || return 1
	[ -f "$2/build.ninja" ] || cmake --preset "$1" || cmake --fresh --preset "$1" || return 1
	cmake --build "$2"
}

build()
{
	local free_kb log="$2/build.log"
	mkdir -p "$2" 2>/dev/null && [ -w "$2" ] || {
		echo "occurd: cannot write into $2" >&2
		exit 1
	}
	free_kb=$(df -Pk "$2" | awk 'NR == 2 { print $4 }')
	if [ ! -f "$2/build.ninja" ] && [ "${free_kb:-0}" -lt 100000 ]; then
		echo "occurd: $((free_kb / 1000)) MB free at $2; building needs 100 MB" >&2
		exit 1
	fi
	[ -f "$2/build.ninja" ] || echo "occurd: building ($1)" >&2
	(
		flock 9
		build_steps "$1" "$2" >"$log" 2>&1
	) 9>"$2/.lock" || build_say_failed "$log" "$2"
}
