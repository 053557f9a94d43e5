#!/bin/sh
# finish.sh TREE BOARD VERSION CONFIG KEYRING: what makes a root file system the appliance of a board, whoever built its
# packages: names, the first configuration, the key of updates, links to what is made at each start.
set -eu
tree=$1 board=$2 version=$3 config=$4 keyring=$5
install -d "$tree/usr/share/bragi/factory" "$tree/data" "$tree/etc/bragi" "$tree/etc/rauc"
install -m 0644 "$config" "$tree/usr/share/bragi/factory/bragi.toml"
# chronyd's socket of this image (buildroot/overlay/etc/chrony/chrony.conf).
sed -i 's#^\#refclock = ""#refclock = "/run/refclock/bragi.sock"#' "$tree/usr/share/bragi/factory/bragi.toml"
grep -q '^refclock = "/run/refclock/bragi.sock"' "$tree/usr/share/bragi/factory/bragi.toml"
# Where the board names the receiver's serial port itself.
if grep -qs bragi/receiver "$tree"/usr/lib/udev/rules.d/71-bragi-receiver.rules; then
  sed -i 's#^device = .*#device = "/dev/bragi/receiver"#' "$tree/usr/share/bragi/factory/bragi.toml"
fi
install -m 0644 "$keyring" "$tree/etc/rauc/keyring.pem"
sed -i "s/^compatible=.*/compatible=bragi-$board/" "$tree/etc/rauc/system.conf"
{
  grep -vE '^(NAME|PRETTY_NAME|IMAGE_)' "$tree/usr/lib/os-release" || :
  printf 'NAME="bragi"\nPRETTY_NAME="bragi %s for %s"\nIMAGE_ID=bragi-%s\nIMAGE_VERSION="%s"\n' "$version" "$board" "$board" "$version"
} >"$tree/usr/lib/os-release.new"
mv "$tree/usr/lib/os-release.new" "$tree/usr/lib/os-release"
ln -sfn ../usr/lib/os-release "$tree/etc/os-release"
# Made at each start, or by whoever the network says.
: >"$tree/etc/machine-id"
rm -f "$tree/etc/hostname" "$tree/etc/motd" "$tree/etc/issue"
ln -sfn /run/systemd/resolve/resolv.conf "$tree/etc/resolv.conf"
ln -sfn /proc/self/mounts "$tree/etc/mtab"
printf '127.0.0.1 localhost\n' >"$tree/etc/hosts"
printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n' >"$tree/etc/nsswitch.conf"
# A remote login is root's by key, and leads to bragi alone; a login needs a shell that is there.
printf '/bin/sh\n' >"$tree/etc/shells"
sed -i 's#^\(root:.*\):[^:]*$#\1:/bin/sh#' "$tree/etc/passwd"
