#!/bin/sh
# disk.sh FOLDER BOOT NAME SLOT: NAME.img in FOLDER, out of its rootfs.squashfs, the boot loader's files and bragi.env.
# BOOT: the lines of the board's boot loader (genimage-boot.cfg). SLOT: the size of a slot.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$1 boot=$2 name=$3 slot=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/root" "$work/tmp"
# U-Boot's environment is there from the first start on, so that Linux can write it.
mkenvimage -r -s 0x4000 -o "$folder/environment" "$folder/bragi.env"
: >"$folder/data.blank"
sed "s#@OUT@#$name#; s#@SLOT@#$slot#; /^@BOOT@/{r $boot
d}" "$here/genimage.cfg" >"$work/genimage.cfg"
genimage --config "$work/genimage.cfg" --inputpath "$folder" --outputpath "$folder" --rootpath "$work/root" --tmppath "$work/tmp"
rm "$folder/environment" "$folder/data.blank"
