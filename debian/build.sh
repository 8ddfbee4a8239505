#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# build.sh OUTDIR: builds the package from a clean copy of the tree, without network; OUTDIR receives the .deb alone.
set -eu

[ $# = 1 ] || { echo "usage: build.sh OUTDIR" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
tree=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# As the next commit would have it: what git ignores stays out. An unpacked archive is taken whole, without build/.
mkdir "$work/source"
cd "$tree"
if git -c safe.directory="$tree" ls-files -z --cached --others --exclude-standard >"$work/files" 2>/dev/null; then
    while IFS= read -r -d '' file; do
        [ ! -e "$file" ] || printf '%s\0' "$file"
    done <"$work/files" | tar --create --null --no-recursion --files-from=- | tar -x -C "$work/source"
else
    tar --create --exclude=./build --exclude=./.git . | tar -x -C "$work/source"
fi

cd "$work/source"
# The flags of a `make` that called this one are not the package's.
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CFLAGS -u CPPFLAGS -u LDFLAGS \
    DEB_BUILD_OPTIONS="parallel=$(nproc) noautodbgsym" \
    dpkg-buildpackage --build=binary --no-sign >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
rm -f "$out"/libapache2-mod-eas-certauth_*.deb
mv "$work"/libapache2-mod-eas-certauth_*.deb "$out/"
ls "$out"/libapache2-mod-eas-certauth_*.deb
