# Sourced by ./run: a workspace to try things with, and commands that do so.

demo_fail()
{
	echo "occurd: $*" >&2
	exit 1
}

# demo_key DATA: the first key in demo.yaml.
demo_key()
{
	sed -n 's/^ *- secret: *//p' "$1/demo.yaml" | head -n 1
}

# demo_make DATA: demo.yaml, kept once it is there, and demo.key, which follows it; readable by their
# owner alone.
demo_make()
(
	umask 077
	mkdir -p "$1" 2>/dev/null && [ -w "$1" ] || demo_fail "cannot write into $1"
	if [ ! -s "$1/demo.yaml" ]; then
		read -r key </proc/sys/kernel/random/uuid || demo_fail "no random numbers: is /proc mounted?"
		sed "s/@KEY@/$key/" "$root/demo/provision.yaml" >"$1/demo.yaml.new" &&
			mv "$1/demo.yaml.new" "$1/demo.yaml" || demo_fail "cannot write $1/demo.yaml: is the disk full?"
	fi
	demo_key "$1" >"$1/demo.key" ||
		demo_fail "cannot write $1/demo.key: is the disk full?"
)

# demo_tell DATA ADDRESS: the key is the one in demo.yaml, whoever has edited it. No sed, because a
# path may hold any character.
demo_tell()
{
	local data=$1 at=$2 key text
	key=$(demo_key "$data")
	text=$(cat "$root/demo/commands.txt")
	text=${text//@KEY@/"$key"}
	text=${text//@AT@/"$at"}
	printf '%s\n' "${text//@DATA@/"$data"}"
}
