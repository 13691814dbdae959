#!/bin/sh
# Runs the Python suite in a virtual environment of its own, made anew when the requirements change.
set -eu
cd "$(dirname "$0")/.."

if ! cmp -s requirements.txt .venv/requirements.txt; then
    rm -rf .venv
    python3 -m venv .venv
    # Wheels only: to build PyAV takes the headers of FFmpeg.
    .venv/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps -r requirements.txt
    cp requirements.txt .venv/requirements.txt
fi

exec .venv/bin/python -m unittest discover --start-directory test/python --verbose "$@"
