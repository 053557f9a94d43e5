#!/bin/sh
# Writes board/testdata/abi-{amd64,arm,arm64}.txt: the kernel's structures and
# numbers as the C compiler of each architecture lays them out. Run it when
# board/ uses a new one (add it to abi.c first); commit what it writes.
# Needs gcc, the cross compilers and qemu-user (Debian: gcc-arm-linux-gnueabihf,
# gcc-aarch64-linux-gnu, qemu-user-static); scripts/setup installs them.
set -eu
here=$(dirname "$0")
out=$here/../../board/testdata
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$out"

table() { # goarch, compiler, runner...
	arch=$1 cc=$2
	shift 2
	"$cc" -Wall -Werror -static -o "$tmp/abi-$arch" "$here/abi.c"
	"$@" "$tmp/abi-$arch" >"$tmp/abi-$arch.txt"
	mv "$tmp/abi-$arch.txt" "$out/abi-$arch.txt"
}

table amd64 x86_64-linux-gnu-gcc env
table arm arm-linux-gnueabihf-gcc qemu-arm-static
table arm64 aarch64-linux-gnu-gcc qemu-aarch64-static
