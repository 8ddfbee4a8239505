# SPDX-License-Identifier: Apache-2.0
"""Accounts in httpd's shared memory: how many are found again, and what a look-up costs, mutex included.

`make bench-cache` runs main(); tests/httpd/test_cache_capacity.py asserts what must hold on any machine.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "httpd")]

from lab.laboratory import Laboratory
from proxy import TREE, Proxy, section, virtual_host, whole_site

MODULE = TREE / "build/bench/mod_eas_certauth.so"
SYMBOLS = ("eas_certauth_module", "eas_bench_module")
ACCOUNTS, FEW = 100_000, 1_000
REQUIRED = 0.99
LOOKUP_MICROSECONDS = 5.0
MUTEXES = {"pthread": "Mutex pthread eas-cache", "file": ""}    # the laboratory's default, as Debian's, is a file


@dataclass
class Kept:
    """What is left of `stored` accounts, `bytes` their records' sum; microseconds of one look-up."""

    stored: int
    bytes: int
    found: int
    microseconds: float
    slow_microseconds: float

    @property
    def share(self):
        """Found again, of those stored."""
        return self.found / self.stored


def site(lab, mutex=""):
    """An httpd with the default cache: shmcb, 64 MiB."""
    probe = "<Location /cache>\nRequire all granted\nSetHandler eas-bench-cache\n</Location>"
    host = virtual_host(lab, section("/mail", lab.standin.url), probe)
    return whole_site(f"{mutex}\n{host}", cache="shmcb")


def fill_and_find(proxy, count=ACCOUNTS, longest=False):
    """Stores so many accounts in an empty cache and looks for each of them."""
    with proxy.client("/", keep_alive=True, timeout=300) as client:
        stored = client.request("GET", f"/cache?fill={count}&longest={int(longest)}").json
        found = client.request("GET", f"/cache?find={count}").json
    return Kept(stored["good"], stored["bytes"], found["good"], found["median_ns"] / 1000, found["p99_ns"] / 1000)


def describe(name, kept):
    """One line."""
    return (f"{name:30} {kept.stored:7} of {kept.bytes // max(kept.stored, 1):3} bytes, found again "
            f"{100 * kept.share:6.2f} %, look-up {kept.microseconds:5.2f} µs (99 %: {kept.slow_microseconds:.1f})")


def measure(lab):
    """(name, Kept) of every variant, each in an httpd of its own."""
    for mutex, line in MUTEXES.items():
        for count, longest in ((FEW, False), (ACCOUNTS, False), (ACCOUNTS, True)):
            proxy = Proxy(lab, "cache-bench", lab.address("proxy"), site(lab, line), module=MODULE, symbols=SYMBOLS,
                          log_level="warn")
            proxy.start()
            try:
                name = f"mutex {mutex}, {'longest' if longest else 'usual'} records"
                yield name, fill_and_find(proxy, count, longest)
            finally:
                proxy.stop()


def main():
    """Prints the table; fails when accounts are lost."""
    with tempfile.TemporaryDirectory(prefix="eas-bench-") as folder, Laboratory(folder) as lab:
        Path(folder).chmod(0o755)
        rows = list(measure(lab))
        for name, kept in rows:
            print(describe(name, kept), flush=True)
    good = all(kept.share >= REQUIRED for _, kept in rows)
    print(f"at least {100 * REQUIRED:.0f} % found again: {'met' if good else 'not met'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
