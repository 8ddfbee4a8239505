#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages listed in the files given when one is missing; names the command when not root. Those
# that are there are brought up to date with the new ones: an httpd of today warns at each start beside an OpenSSL of
# last year.
set -eu

mapfile -t wanted < <(cat "$@" | sed 's/#.*//' | xargs -n1 | sort -u)
missing=()
for package in "${wanted[@]}"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ]; then
    echo "These packages are missing; as root run: apt-get install --no-install-recommends ${wanted[*]}" >&2
    exit 1
fi

# The laboratory starts its own servers on loopback addresses: a package's own service must not start here.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    trap 'rm -f $policy' EXIT
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get install -y -q --no-install-recommends "${wanted[@]}" >/dev/null 2>&1 ||
    { apt-get update -q && apt-get install -y -q --no-install-recommends "${wanted[@]}"; }
