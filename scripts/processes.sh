# For scripts that run several processes until Ctrl-C: sourced, not run.

# A process group for each of them: Ctrl-C reaches the script alone, which ends them in order.
set -m

# Ends the processes with these ids, and waits until they are gone.
end() {
  for pid in "$@"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "$@"; do wait "$pid" 2>/dev/null || true; done
}

# Runs a command whose output is marked with a name; its process id is left in $started.
start() {
  local name=$1
  shift
  "$@" > >(trap '' INT; exec sed -u "s/^/$name │ /") 2>&1 &
  started=$!
}

# Calls `stop` once, however the script ends.
stop_at_end() {
  trap 'trap "" INT TERM; trap - EXIT; echo; echo "Stopping."; stop' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# Waits until a URL answers well, as long as the process lives: await URL PID NAME
await() {
  until curl --silent --fail --output /dev/null "$1"; do
    kill -0 "$2" 2>/dev/null || { echo "$3 did not start." >&2; exit 1; }
    sleep 0.1
  done
}
