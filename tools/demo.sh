# Sourced by ./run: a workspace to try things with, and commands that do so.

demo_fail()
{
	echo "occurd: $*" >&2
	exit 1
}

# demo_make DATA: demo.yaml and demo.key, readable by their owner alone; kept once they are there.
demo_make()
(
	umask 077
	mkdir -p "$1" 2>/dev/null && [ -w "$1" ] || demo_fail "cannot write into $1"
	if [ ! -s "$1/demo.yaml" ]; then
		read -r key </proc/sys/kernel/random/uuid || demo_fail "no random numbers: is /proc mounted?"
		sed "s/@KEY@/$key/" "$root/demo/provision.yaml" >"$1/demo.yaml.new" &&
			mv "$1/demo.yaml.new" "$1/demo.yaml" || demo_fail "cannot write $1/demo.yaml: is the disk full?"
		rm -f "$1/demo.key"
	fi
	[ -s "$1/demo.key" ] || sed -n 's/^ *- secret: //p' "$1/demo.yaml" | head -n 1 >"$1/demo.key" ||
		demo_fail "cannot write $1/demo.key: is the disk full?"
)

# demo_tell DATA ADDRESS
demo_tell()
{
	local data=$1 at=$2 key
	read -r key <"$data/demo.key"
	sed -e "s|@KEY@|$key|g" -e "s|@AT@|$at|g" -e "s|@DATA@|$data|g" "$root/demo/commands.txt"
}
