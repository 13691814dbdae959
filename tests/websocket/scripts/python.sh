#!/bin/sh
# Runs the Python suite in a virtual environment of its own, made anew when the requirements change.
# It starts gateways as the suite in ../clients does.
set -eu
cd "$(dirname "$0")/.."

if ! cmp -s requirements.txt .venv/requirements.txt; then
    rm -rf .venv
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
    cp requirements.txt .venv/requirements.txt
fi

PYTHONPATH=../clients/python exec .venv/bin/python -m unittest discover --start-directory python --verbose "$@"
