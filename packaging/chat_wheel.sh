#!/bin/sh
# Prints the path of a wheel of llama-cpp-python, built once from the source that requirements-chat.txt pins.
# Kept in the user's cache under a key of source, flags, Python and processor. Usage: chat_wheel.sh PYTHON
# It holds the kernels of each generation of processors; the chat server loads those that fit (models/chat/kernels.py).
set -eu
cd "$(dirname "$0")/.."
python=$1
flags="-DGGML_NATIVE=OFF -DGGML_BACKEND_DL=ON -DGGML_CPU_ALL_VARIANTS=ON -DGGML_BACKEND_DIR:STRING=llama_cpp/lib -DLLAVA_BUILD=OFF -DCMAKE_PLATFORM_NO_VERSIONED_SONAME=ON"
exclude="lib/**;include/**;bin/**"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk '/^[^ ]/ { wanted = /^llama-cpp-python==/ } wanted' requirements-chat.txt > "$work/pinned.txt"
key=$({ cat "$work/pinned.txt"; echo "$flags $exclude"; "$python" -c 'import sysconfig; print(sysconfig.get_platform())'; } |
	sha256sum | cut -c1-16)
kept=${XDG_CACHE_HOME:-$HOME/.cache}/outpost/wheels/$key

if ! ls "$kept"/*.whl >/dev/null 2>&1; then
	for tool in cc c++; do
		command -v $tool >/dev/null || { echo "hint: install a C++ compiler (Debian: apt-get install g++)" >&2; exit 1; }
	done
	echo "      compiling llama.cpp, once: some 6 minutes on two cores" >&2
	PATH=$(dirname "$python"):$PATH CMAKE_ARGS=$flags "$python" -m pip wheel --quiet --disable-pip-version-check --require-hashes --no-deps \
		--no-cache-dir --no-build-isolation --no-binary :all: --config-settings "wheel.exclude=$exclude" \
		--wheel-dir "$work" -r "$work/pinned.txt" >&2
	mkdir -p "$kept"
	mv "$work"/*.whl "$kept/"
fi
ls "$kept"/*.whl
