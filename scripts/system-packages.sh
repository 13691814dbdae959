#!/usr/bin/env bash
# Makes sure of the system packages that the tests need: a browser, Python with venv, Redis with
# its Sentinel, coturn, proxies, Prometheus, systemd's checks, and the mediasoup worker.
# On Debian it installs what is missing, as root or with sudo; elsewhere it says what to install.
set -euo pipefail

missing=()
have() { command -v "$1" >/dev/null 2>&1; }

have cc || missing+=(gcc libc6-dev)
have curl || missing+=(curl)
have chromium || [ -x "${CHROMIUM:-}" ] || missing+=(chromium)
have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
have redis-server && have redis-cli || missing+=(redis-server)
have redis-sentinel || missing+=(redis-sentinel)
have turnserver && have turnadmin && have turnutils_uclient || missing+=(coturn)
have prometheus && have promtool || missing+=(prometheus)
have nginx || [ -x /usr/sbin/nginx ] || missing+=(nginx-light)
have caddy || missing+=(caddy)
have systemd-analyze || missing+=(systemd)
have openssl || missing+=(openssl)

mediasoup_worker=$(dirname "$0")/mediasoup-worker.sh
if [ ${#missing[@]} -eq 0 ]; then
  exec "$mediasoup_worker"
fi

echo "Missing system packages: ${missing[*]}" >&2
if ! have apt-get; then
  echo "Install them with your system's package manager (Debian's names are given), then try again." >&2
  exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! have sudo; then
    echo "Run as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

"${as_root[@]}" apt-get update -qq
# What is installed here for the tests alone, and would serve from then on.
services=()
for package in coturn nginx-light caddy prometheus; do
  [[ " ${missing[*]} " == *" $package "* ]] && services+=("${package%-light}")
done
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
# coturn as it comes relays for anybody who can reach it, without credentials.
if [ ${#services[@]} -gt 0 ] && [ -d /run/systemd/system ]; then
  "${as_root[@]}" systemctl disable --quiet --now "${services[@]}"
fi
exec "$mediasoup_worker"
