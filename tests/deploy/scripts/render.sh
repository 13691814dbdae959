#!/usr/bin/env bash
# Renders the chart with each of its ci/*-values.yaml into rendered/, for the tests: with Helm if it is
# there, else with chart/render.go. That needs Go, Sprig and a YAML library, which Debian has:
# apt-get install golang-go golang-github-masterminds-sprig-dev golang-github-ghodss-yaml-dev
set -euo pipefail
cd "$(dirname "$0")/.."
chart=../../deploy/helm/switchboard

if command -v helm >/dev/null; then
  render() { helm template switchboard "$chart" --namespace realtime --values "$1"; }
elif command -v go >/dev/null; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE="$work/cache" go build -o "$work/render" chart/render.go
  render() { "$work/render" "$chart" switchboard realtime "$1"; }
else
  echo "Needed: helm, or go with the packages that are named in $0" >&2
  exit 1
fi

inputs=$(node scripts/inputs.mjs)
for values in "$chart"/ci/*-values.yaml; do
  name=$(basename "$values" -values.yaml)
  { echo "# Rendered by scripts/render.sh from $inputs"; render "$values"; } >"rendered/$name.yaml"
done
