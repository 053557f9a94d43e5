#!/bin/sh
# Buildroot's hook before the root file system is packed: post-build.sh TARGET.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/../$BRAGI_BOARD/board"
if [ -d "$here/../$BRAGI_BOARD/overlay" ]; then cp -a "$here/../$BRAGI_BOARD/overlay/." "$1/"; fi
"$here/finish.sh" "$1" "$BRAGI_BOARD" "$BRAGI_IMAGE_VERSION" "$here/../../../$CONFIG" "$BRAGI_KEYS/ca.cert.pem"
install -d "$1/boot/dtb"
mv "$1"/boot/*.dtb "$1/boot/dtb/" 2>/dev/null || :
for kernel in zImage Image; do
  [ ! -e "$1/boot/$kernel" ] || mv "$1/boot/$kernel" "$1/boot/vmlinuz"
done
