#!/bin/sh
# Buildroot's hook after the root file system is packed: post-image.sh BINARIES: the medium's image and the bundle.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
name=bragi-$BRAGI_BOARD-$BRAGI_IMAGE_VERSION
"$here/environment.sh" "$here/uboot.env" "$here/../$BRAGI_BOARD/uboot.env" >"$1/bragi.env"
"$here/disk.sh" "$1" "$here/../$BRAGI_BOARD/genimage-boot.cfg" "$name" 128M
"$here/bundle.sh" "$1/rootfs.squashfs" "$BRAGI_BOARD" "$BRAGI_IMAGE_VERSION" "$BRAGI_KEYS" "$1/$name.raucb"
