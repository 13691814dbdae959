#!/usr/bin/env bash
# Installs the mediasoup worker that the tests of the SFU run: Debian has it in its `experimental`
# suite only. That suite is read from the machine's own Debian mirror into a scratch directory that
# goes at the end: no source and no pin stays behind, so nothing else can ever come from it. What
# the worker depends on comes from the suites of the machine.
set -euo pipefail

PACKAGE=mediasoup-worker
# The npm package of the same version drives it (media-service/package.json).
VERSION=3.8.4

have() { command -v "$1" >/dev/null 2>&1; }
fail() {
  cat >&2 <<END
$1
Take a current mediasoup instead, which brings its own worker (with Node.js 22 and internet access):
  cd media-service && npm install --save-exact mediasoup@latest
Or name a worker of version $VERSION in MEDIASOUP_WORKER_BIN.
END
  exit 1
}

installed() { dpkg-query --show --showformat '${db:Status-Status} ${Version}' "$PACKAGE" 2>/dev/null || true; }
own=$(dirname "$0")/../media-service/node_modules/mediasoup/worker/out/Release/mediasoup-worker
if [ -x "${MEDIASOUP_WORKER_BIN:-}" ] || [ -x "$own" ]; then
  exit 0
fi
have apt-get && have dpkg-query || fail "The mediasoup worker $VERSION is missing, and this is not a Debian system."
case "$(installed)" in
  "installed $VERSION"[~+-]*) exit 0 ;;
esac

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  have sudo || fail "The mediasoup worker $VERSION is missing. Run as root: $0"
  as_root=(sudo)
fi

"${as_root[@]}" apt-get -qq update
# The label tells Debian from its security archive and from anybody else's.
mirror=$(apt-get indextargets --format '$(IDENTIFIER) $(LABEL) $(REPO_URI)' |
  awk '!seen && $1 == "Packages" && $2 == "Debian" { print $3; seen = 1 }')
[ -n "$mirror" ] || fail 'None of the package sources of this machine is Debian.'

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# apt reads the package as a user of its own.
chmod 755 "$scratch"
mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keyring] $mirror experimental main" >"$scratch/experimental.list"
experimental=(
  -o "Dir::Etc::SourceList=$scratch/experimental.list" -o Dir::Etc::SourceParts=/dev/null
  -o "Dir::State::Lists=$scratch/lists" -o "Dir::Cache=$scratch/cache"
  -o "APT::Sandbox::User=$(id -un)"
)

echo "Installing $PACKAGE $VERSION from experimental at $mirror" >&2
apt-get "${experimental[@]}" -qq update
found=$(apt-cache "${experimental[@]}" madison "$PACKAGE" |
  awk -v want="$VERSION" '!seen && index($3, want) == 1 && substr($3, length(want) + 1) ~ /^[~+-]/ { print $3; seen = 1 }')
[ -n "$found" ] || fail "experimental has no $PACKAGE $VERSION for this machine."

(cd "$scratch" && apt-get "${experimental[@]}" -qq download "$PACKAGE=$found")
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends \
  "$scratch/${PACKAGE}_"*.deb
