#!/bin/sh
# environment.sh FILE...: the boot loader's environment out of several files: a later line of a name replaces an earlier
# one, at its place.
set -eu
awk -F= '/^[^#]/ {name = $1; if (!(name in at)) {at[name] = ++n; names[n] = name}; line[name] = $0}
  END {for (i = 1; i <= n; i++) print line[names[i]]}' "$@"
