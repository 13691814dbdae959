#!/bin/sh
# Puts the JSON schemas of Kubernetes into .schemas: those of the oldest and the newest version that are
# checked. They come with the package kubernetes-validate, of whose many files only these are unpacked.
set -eu
cd "$(dirname "$0")/.."

if ! cmp -s requirements.txt .schemas/requirements.txt; then
    rm -rf .schemas
    mkdir .schemas
    python3 -m venv .schemas/venv
    .schemas/venv/bin/pip download --quiet --disable-pip-version-check --no-deps --dest .schemas -r requirements.txt
    python3 - <<'EOF'
import glob, zipfile

[wheel] = glob.glob('.schemas/*.whl')
with zipfile.ZipFile(wheel) as archive:
    for version in ('1.27', '1.37'):
        path = f'kubernetes_validate/kubernetes-json-schema/v{version}.0-local-strict/_definitions.json'
        with archive.open(path) as source, open(f'.schemas/{version}.json', 'wb') as target:
            target.write(source.read())
EOF
    rm -rf .schemas/venv .schemas/*.whl
    cp requirements.txt .schemas/requirements.txt
fi
