#!/bin/sh
# Runs schemathesis from a virtual environment of its own, made anew when the requirements change.
set -eu
cd "$(dirname "$0")/.."

if ! cmp -s requirements-api.txt .venv-api/requirements-api.txt; then
    rm -rf .venv-api
    python3 -m venv .venv-api
    .venv-api/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-api.txt
    cp requirements-api.txt .venv-api/requirements-api.txt
fi

exec .venv-api/bin/schemathesis --config-file schemathesis.toml "$@"
