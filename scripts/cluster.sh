#!/usr/bin/env bash
# Three nodes and a Redis on this machine, each with the demo: for trying things out by hand.
# Ends with Ctrl-C, which stops all of it. Takes the gateway's binary; PORTS and REDIS_PORT may be set.
# With OBSERVE=true a Prometheus scrapes the nodes; then ADMIN_PORTS and PROMETHEUS_PORT may be set too.
set -euo pipefail

gateway=${1:?usage: $0 path/to/switchboard}
read -ra ports <<<"${PORTS:-3001 3002 3003}"
redis_port=${REDIS_PORT:-6390}
observe=${OBSERVE:-false}
# Prometheus has to know them; without it any will do.
admin_ports=(0 0 0)
[ "$observe" = false ] || read -ra admin_ports <<<"${ADMIN_PORTS:-9471 9472 9473}"
prometheus_port=${PROMETHEUS_PORT:-9090}
root=$(cd "$(dirname "$0")/.." && pwd)

if ! command -v redis-server >/dev/null; then
  echo "redis-server is missing. Debian: apt-get install redis-server; macOS: brew install redis" >&2
  exit 1
fi

if [ "$observe" != false ] && ! command -v prometheus >/dev/null; then
  echo "prometheus is missing. Debian: apt-get install prometheus; macOS: brew install prometheus" >&2
  exit 1
fi

# shellcheck source=scripts/processes.sh
. "$root/scripts/processes.sh"
state=$(mktemp -d)
nodes=()
redis=
prometheus=

stop() {
  [ -z "$prometheus" ] || end "$prometheus"
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
    DEV=true DEV_KEY_FILE="$state/key.pem" HOST=127.0.0.1 PORT="${ports[index]}" ADMIN_PORT="${admin_ports[index]:-0}" \
    REDIS_URL="redis://127.0.0.1:$redis_port" NODE_ID="n$((index + 1))" \
    SHUTDOWN_GRACE_MS="${SHUTDOWN_GRACE_MS:-1000}" LOG_FORMAT="${LOG_FORMAT:-pretty}" "$gateway"
  nodes+=("$started")
done

for index in "${!ports[@]}"; do
  await "http://127.0.0.1:${ports[index]}/readyz" "${nodes[index]}" "Node n$((index + 1))"
done

# Scraped more often than in production, so that there is something to see soon.
if [ "$observe" != false ]; then
  cat >"$state/prometheus.yml" <<END
global: {scrape_interval: 2s, evaluation_interval: 2s}
rule_files: ["$root/deploy/prometheus/alerts.yml"]
scrape_configs:
  - job_name: switchboard
    static_configs:
      - targets: [$(printf '"127.0.0.1:%s", ' "${admin_ports[@]}")]
END
  start prometheus prometheus --config.file="$state/prometheus.yml" --storage.tsdb.path="$state/prometheus" \
    --web.listen-address="127.0.0.1:$prometheus_port" --log.level=warn
  prometheus=$started
  await "http://127.0.0.1:$prometheus_port/-/ready" "$prometheus" Prometheus
fi

echo
echo "Three nodes are one. Join the same room at two of them:"
for port in "${ports[@]}"; do echo "  http://localhost:$port/demo/"; done
echo "One login serves all. To end a node: kill -9 ${nodes[*]} (any of these). Ctrl-C stops everything."
if [ "$observe" != false ]; then
  echo "Live data: http://localhost:$prometheus_port/graph?g0.expr=sum%20by%20(instance)%20(switchboard_connections)&g0.tab=0"
  echo "Alerts: http://localhost:$prometheus_port/alerts. For the dashboard give Grafana this data source."
fi
wait "${nodes[@]}"
