# SPDX-License-Identifier: Apache-2.0
"""Target 9: directory and KDC frozen (one Samba is both), 200 cold requests waiting: what warm users notice."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from bench.load import Figure, run_ab
from bench.servers import ONE_CHILD, Backend, Site, open_section, ours
from lab import crowd, process
from swarm import at_once, timed

WAITING = 200
REQUESTS = 300
DEADLINE = 3.0    # EASDirectoryTimeout
STRANGER = "S-1-5-21-1111111111-2222222222-3333333333-{}"
PATHS = {"kerberos": "/mail", "no delegation": "/none", "plain": "/open"}


def make_site(lab):
    """Sections that need a ticket, an account, nothing."""
    return Site(lab, "bench-frozen", open_section("/open", Backend.url("http"), "Require all granted"),
                ours("/mail", Backend.url("http"), EASDelegation="kerberos"), ours("/none", Backend.url("http")),
                workers=ONE_CHILD)


def connect(site, certificate):
    """A connection that stands."""
    client = site.client(certificate)
    client.request("GET", "/open")
    return client


def measure_warm(site, certificate):
    """{row: median latency in milliseconds} of users who are known."""
    return {row: run_ab(site, path, REQUESTS, certificate).latency for row, path in PATHS.items()}


def measure_round(lab, site, known, strangers):
    """(latencies before, latencies while strangers wait, their answers as (status, seconds))."""
    before = measure_warm(site, known)
    clients = [connect(site, one) for one in strangers]
    lab.dc.freeze()
    try:
        with ThreadPoolExecutor(1) as pool:
            crowd_waits = pool.submit(at_once, [partial(timed, one.request, "GET", "/none") for one in clients])
            while_waiting = measure_warm(site, known)
            if crowd_waits.done():
                raise RuntimeError("the strangers had their answers before the warm requests were through")
            answers = [(answer.status, seconds) for answer, seconds in crowd_waits.result()]
    finally:
        lab.dc.thaw()
        for one in clients:
            one.close()
    process.wait_until(lambda: site.ask("/none", strangers[0]).status == 403, 30, "the directory answers again")
    return before, while_waiting, answers


def measure(lab, known, rounds):
    """({row: (Figure before, Figure while 200 wait)}, seconds of cold answers, their statuses)."""
    issuer = crowd.Issuer(lab.pki.issuing, lab.root / "strangers")
    found = {row: (Figure(), Figure()) for row in PATHS}
    slowest, statuses = Figure(), set()
    with make_site(lab) as site:
        for path in PATHS.values():
            site.warm(path, known)
        for number in range(rounds):
            strangers = [issuer.issue(f"stranger-{number}-{one}", STRANGER.format(number * WAITING + one))
                         for one in range(WAITING)]
            before, while_waiting, answers = measure_round(lab, site, known, strangers)
            for row, (first, second) in found.items():
                first.values.append(before[row])
                second.values.append(while_waiting[row])
            slowest.values.append(max(seconds for _, seconds in answers))
            statuses |= {status for status, _ in answers}
    return found, slowest, statuses
