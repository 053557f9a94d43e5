#!/bin/sh
# bundle.sh ROOTFS BOARD VERSION KEYS OUT: a RAUC bundle (verity), signed with the signer of the folder KEYS.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$1" "$work/rootfs.squashfs"
cat >"$work/manifest.raucm" <<END
[update]
compatible=bragi-$2
version=$3
[bundle]
format=verity
[image.rootfs]
filename=rootfs.squashfs
END
rm -f "$5"
rauc --cert="$4/signer.cert.pem" --key="$4/signer.key.pem" --keyring="$4/ca.cert.pem" bundle "$work" "$5"
