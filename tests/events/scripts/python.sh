#!/bin/sh
# Runs the Python suite in a virtual environment of its own, made anew when the requirements change.
# It needs the client of the suites in ../clients, and an emitter.
set -eu
cd "$(dirname "$0")/.."

wanted=$(mktemp)
trap 'rm -f "$wanted"' EXIT
cat ../clients/requirements.txt requirements.txt >"$wanted"
if ! cmp -s "$wanted" .venv/requirements.txt; then
    rm -rf .venv
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -r ../clients/requirements.txt
    .venv/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
    cp "$wanted" .venv/requirements.txt
fi

.venv/bin/python -m unittest discover --start-directory python --verbose "$@"
