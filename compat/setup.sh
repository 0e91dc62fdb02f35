#!/usr/bin/env bash
# Installs what is missing. usage: compat/setup.sh build | compat
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); top=$(dirname "$here")

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

apt() { # apt PACKAGE... : installs those that are not there
  local missing=()
  for package in "$@"; do dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package"); done
  [ ${#missing[@]} = 0 ] && return
  command -v apt-get >/dev/null || { echo "setup: please install: ${missing[*]}" >&2; exit 1; }
  echo "setup: installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

build() {
  # clang for bindgen and, being faster than gcc there, for RocksDB; protoc for raft's messages; ccache so that RocksDB
  # is compiled once for all profiles, checkouts and clones.
  apt clang libclang-dev protobuf-compiler ccache pkg-config build-essential
  mkdir -p "$top/.cargo"
  local flags=""
  [ "$(uname -m)" = x86_64 ] && flags='-msse4.2 -mpclmul'
  cat > "$top/.cargo/config.toml" <<TOML
# Written by compat/setup.sh; not committed, so that a plain cargo build works without it.
[env]
CC = "ccache clang"
CXX = "ccache clang++"
CXXFLAGS = "$flags"
TOML
}

compat() {
  command -v java >/dev/null || apt openjdk-17-jdk-headless
  command -v mvn >/dev/null || apt maven
  command -v kcat >/dev/null || apt kcat
  command -v python3 >/dev/null || apt python3
  command -v curl >/dev/null || apt curl
  command -v strace >/dev/null || apt strace
  python3 -c "import ensurepip" 2>/dev/null || apt python3-venv
  command -v go >/dev/null || apt golang-go
  "$here/run" --prepare
}

case "${1:-}" in
  build) build ;;
  compat) compat ;;
  *) echo "usage: $0 build | compat" >&2; exit 2 ;;
esac
