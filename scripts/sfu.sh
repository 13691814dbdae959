#!/usr/bin/env bash
# A Media Service and a gateway with the demo on this machine: for trying rooms with an SFU by hand.
# Ends with Ctrl-C, which stops both. Takes the gateway's binary; PORT, MEDIA_PORT and MAX_P2P_PEERS
# may be set, and whatever either of both reads.
set -euo pipefail

gateway=${1:?usage: $0 path/to/switchboard}
root=$(cd "$(dirname "$0")/.." && pwd)
port=${PORT:-3000}
media_port=${MEDIA_PORT:-4000}
# Rooms have no mode of their own here. So that nobody needs eleven browsers, the third peer is one too many.
most=${MAX_P2P_PEERS:-2}

# shellcheck source=scripts/processes.sh
. "$root/scripts/processes.sh"

media= node=
# The gateway first: it would otherwise tell all rooms that their media server is gone.
stop() {
  [ -z "$node" ] || end "$node"
  [ -z "$media" ] || end "$media"
}
stop_at_end

if curl --silent --output /dev/null "http://127.0.0.1:$media_port/"; then
  echo "Port $media_port is taken: set MEDIA_PORT." >&2
  exit 1
fi
start media env HOST=127.0.0.1 PORT="$media_port" node "$root/media-service/src/main.js"
media=$started
await "http://127.0.0.1:$media_port/readyz" "$media" 'The Media Service'

start gateway env DEV=true HOST=127.0.0.1 PORT="$port" MEDIA_SERVICE_URL="http://127.0.0.1:$media_port" \
  MAX_P2P_PEERS="$most" SHUTDOWN_GRACE_MS="${SHUTDOWN_GRACE_MS:-1000}" LOG_FORMAT="${LOG_FORMAT:-pretty}" "$gateway"
node=$started
await "http://127.0.0.1:$port/readyz" "$node" 'The gateway'

cat <<END

Join the same room in $((most + 1)) browser windows: http://localhost:$port/demo/
Up to $most peers talk to each other directly; the next one turns the room into an SFU room
(MAX_P2P_PEERS sets another number).
To end the Media Service: kill -9 $media. With fewer than four peers the room is peer to peer again;
with more it waits for \`PORT=$media_port make media-service\`. Ctrl-C stops everything.
END
wait "$node"
