#!/bin/sh
# Runs the Python suite in a virtual environment of its own, made anew when the requirements change.
# It needs what the suites of both sides need: the client, and WebRTC.
set -eu
cd "$(dirname "$0")/.."

wanted=$(mktemp)
trap 'rm -f "$wanted"' EXIT
cat ../clients/requirements.txt ../../media-service/requirements.txt >"$wanted"
if ! cmp -s "$wanted" .venv/requirements.txt; then
    rm -rf .venv
    python3 -m venv .venv
    # Wheels only: to build PyAV takes the headers of FFmpeg.
    .venv/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps \
        -r ../clients/requirements.txt -r ../../media-service/requirements.txt
    cp "$wanted" .venv/requirements.txt
fi

.venv/bin/python -m unittest discover --start-directory python --verbose "$@"
