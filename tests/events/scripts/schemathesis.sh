#!/bin/sh
# Runs schemathesis from a virtual environment of its own, made anew when the requirements change.
set -eu
cd "$(dirname "$0")/.."

if ! cmp -s requirements.txt .venv/requirements.txt; then
    rm -rf .venv
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
    cp requirements.txt .venv/requirements.txt
fi

exec .venv/bin/schemathesis --config-file schemathesis.toml "$@"
