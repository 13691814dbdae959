#!/usr/bin/env bash
# Three nodes and a Redis on this machine, each with the demo: for trying things out by hand.
# Ends with Ctrl-C, which stops all of it. Takes the gateway's binary; PORTS and REDIS_PORT may be set.
set -euo pipefail

gateway=${1:?usage: $0 path/to/switchboard}
read -ra ports <<<"${PORTS:-3001 3002 3003}"
redis_port=${REDIS_PORT:-6390}

if ! command -v redis-server >/dev/null; then
  echo "redis-server is missing. Debian: apt-get install redis-server; macOS: brew install redis" >&2
  exit 1
fi

# shellcheck source=scripts/processes.sh
. "$(dirname "$0")/processes.sh"
state=$(mktemp -d)
nodes=()
redis=

stop() {
  end "${nodes[@]}"
  [ -z "$redis" ] || end "$redis"
  rm -rf "$state"
}
stop_at_end

redis_answers() { redis-cli -p "$redis_port" ping 2>/dev/null | grep -q PONG; }

if redis_answers; then
  echo "Port $redis_port is taken by another Redis: set REDIS_PORT." >&2
  exit 1
fi
start redis redis-server --port "$redis_port" --bind 127.0.0.1 --dir "$state" --save '' --loglevel warning
redis=$started
until redis_answers; do
  kill -0 "$redis" 2>/dev/null || { echo "Redis did not start." >&2; exit 1; }
  sleep 0.1
done

for index in "${!ports[@]}"; do
  start "n$((index + 1))" env -u REDIS_HOST -u REDIS_PORT \
    DEV=true DEV_KEY_FILE="$state/key.pem" HOST=127.0.0.1 PORT="${ports[index]}" ADMIN_PORT=0 \
    REDIS_URL="redis://127.0.0.1:$redis_port" NODE_ID="n$((index + 1))" \
    SHUTDOWN_GRACE_MS="${SHUTDOWN_GRACE_MS:-1000}" LOG_FORMAT="${LOG_FORMAT:-pretty}" "$gateway"
  nodes+=("$started")
done

for index in "${!ports[@]}"; do
  await "http://127.0.0.1:${ports[index]}/readyz" "${nodes[index]}" "Node n$((index + 1))"
done

echo
echo "Three nodes are one. Join the same room at two of them:"
for port in "${ports[@]}"; do echo "  http://localhost:$port/demo/"; done
echo "One login serves all. To end a node: kill -9 ${nodes[*]} (any of these). Ctrl-C stops everything."
wait "${nodes[@]}"
