# SPDX-License-Identifier: Apache-2.0
"""Targets 1, 2 and 6: time in our hooks for one warm request, and what they keep of its and its connection's memory."""

from dataclasses import dataclass, field

from bench.load import Figure, run_ab
from bench.servers import DEBIAN_CHILD, Backend, Site, knows, ours

REQUESTS, WARM_UP = 400, 50
QUERY = "?Cmd=Sync&User=alice%40example.test&DeviceId=ApplDMPQ12345678F1K1&DeviceType=iPhone"    # as a phone asks
VERSION = "MS-ASProtocolVersion: 16.1"
MUTEX = "Mutex pthread eas-cache"

PROBE = "<Location /hooks>\nRequire all granted\nSetHandler eas-bench-hooks\n</Location>"
ROWS = {
    "no delegation": ("http", "plain", {}),
    "header": ("http", "plain", {"EASDelegation": "header"}),
    "kerberos, http": ("http", "kerberos", {"EASDelegation": "kerberos"}),
    "kerberos, https": ("https", "kerberos", {"EASDelegation": "kerberos"}),
}
if knows("EASBackendReuse"):
    ROWS["kerberos, verified"] = ("https", "kerberos", {"EASDelegation": "kerberos", "EASBackendReuse": "verified"})


@dataclass
class Spent:
    """Of one warm request: time in our hooks, what the stopwatch took, which is not in it; bytes that our hooks left in
    r->pool and in the connection's, and those of the token among them."""

    microseconds: Figure = field(default_factory=Figure)
    stopwatch: Figure = field(default_factory=Figure)
    bytes: Figure = field(default_factory=Figure)
    token: Figure = field(default_factory=Figure)


def path_of(name):
    """A URL path from a row's name."""
    return "/" + name.replace(",", "").replace(" ", "-")


def make_site(lab, name="bench-hooks", server=MUTEX, **more):
    """An httpd with a stopwatch around our hooks."""
    sections = [ours(path_of(row), Backend.url(scheme, kind), **settings)
                for row, (scheme, kind, settings) in ROWS.items()]
    return Site(lab, name, PROBE, *sections, server=server, workers=DEBIAN_CHILD,
                SSLProxyCACertificateFile=lab.server_certificate("exch").root, **more)


def measure_once(site, row, certificate):
    """What the probe says of REQUESTS requests that come one after the other."""
    site.ask("/hooks")
    run_ab(site, path_of(row) + QUERY, REQUESTS, certificate, clients=1, headers=(VERSION,))
    return site.ask("/hooks").json


def measure(site, certificate, rounds, rows=tuple(ROWS)):
    """{row: Spent}, rounds interleaved."""
    found = {row: Spent() for row in rows}
    for row in rows:
        site.warm(path_of(row), certificate)
        run_ab(site, path_of(row), WARM_UP, certificate, clients=1)
    for _ in range(rounds):
        for row, spent in found.items():
            numbers = measure_once(site, row, certificate)
            spent.microseconds.values.append(numbers["median_ns"] / 1000)
            spent.stopwatch.values.append(numbers["stopwatch_ns"] / 1000)
            spent.bytes.values.append(numbers["pool_bytes"] + numbers["connection_bytes"])
            spent.token.values.append(numbers["token_bytes"])
    return found
