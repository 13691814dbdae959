#!/usr/bin/env bash
# What the project is made of: scripts/supply-chain.sh deny|audit|sbom.
# The tools are installed if they are missing, in the versions that are named here.
set -euo pipefail
cd "$(dirname "$0")/.."

deny_version=0.20.2
cyclonedx_version=0.5.9

# Every project with a lock file.
node_projects() {
  git ls-files '*/package-lock.json' | xargs -n 1 dirname
}

have_cargo_tool() {
  cargo "$1" --version 2>/dev/null | grep -qF "$2"
}

deny() {
  have_cargo_tool deny $deny_version || cargo install --locked cargo-deny@$deny_version
  cargo deny --locked check licenses bans sources
  cargo deny --locked --manifest-path fuzz/Cargo.toml --config deny.toml check licenses bans sources
  # They need the advisory database, which is on the network: what can be checked without it has been.
  cargo deny --locked check advisories
}

# Some mirrors of the registry do not offer audits: that is said, and is a failure too.
audit() {
  local project failed=()
  for project in $(node_projects); do
    echo "== $project"
    (cd "$project" && npm audit --package-lock-only --audit-level=moderate) || failed+=("$project")
  done
  if [ ${#failed[@]} -gt 0 ]; then
    echo "vulnerable, or not audited: ${failed[*]}" >&2
    exit 1
  fi
}

sbom() {
  local project out=target/sbom
  mkdir -p "$out"
  have_cargo_tool cyclonedx $cyclonedx_version || cargo install --locked cargo-cyclonedx@$cyclonedx_version
  # It writes beside the manifest. It names what cargo metadata does, which is more than is built: ring, say, which
  # `deny` keeps out of the build.
  cargo cyclonedx --quiet --format json --target all --spec-version 1.5 --override-filename switchboard.cdx
  # What is vendored is named by its path, which is nobody's business.
  sed "s#file://$PWD\([/\#]\)#file://\1#g" switchboard.cdx.json >"$out/switchboard.cdx.json"
  rm switchboard.cdx.json
  for project in $(node_projects); do
    (cd "$project" && npm sbom --sbom-format cyclonedx --sbom-type application --package-lock-only) \
      >"$out/${project//\//-}.cdx.json"
  done
  ls "$out"
}

case ${1:-} in
deny | audit | sbom) "$1" ;;
*)
  echo "usage: $0 deny|audit|sbom" >&2
  exit 64
  ;;
esac
