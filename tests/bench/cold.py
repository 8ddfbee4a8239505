# SPDX-License-Identifier: Apache-2.0
"""Targets 4 and 5: the first request of a user, and of a thousand users in a storm."""

import itertools
import json
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.load import Figure
from bench.servers import FOUR_CHILDREN, Backend, Site, ours, open_section
from lab import crowd
from lab.kerberos import PYTHON

DIRECTLY = Path(__file__).with_name("directly.py")
EACH_ROUND = 20
STORM, AT_A_TIME = 1000, 64
KDC_HELPERS = 16    # of each child
SECTION = {"EASDelegation": "kerberos"}
CACHE_LOG = '"${FOLDER}/log/cache.log" "%{EAS_CACHE}e"'    # a miss is one search, or a part of one
PATIENT = {"EASDirectoryTimeout": 30000, "EASKerberosTimeout": 30000}    # exchanges are counted, not deadlines met


def ask_directly(lab, names, threads=1):
    """What directly.py measures for these accounts."""
    service, settings = lab.services["svc-proxy"], lab.root / "forwardable.conf"
    settings.write_text("[libdefaults]\n    forwardable = true\n", encoding="utf-8")
    done = subprocess.run(
        [PYTHON, DIRECTLY, lab.dc.ldaps_url, service.dn, service.password, lab.proxy_keytab, service.principal,
         lab.exchange_spn, str(threads)], input=" ".join(names) + "\n", text=True, capture_output=True, check=False,
        env={**lab.env, "KRB5_CONFIG": f"{lab.krb5_conf}:{settings}"})
    if done.returncode != 0:
        raise RuntimeError(f"directly.py: {done.stderr[-1500:]}")
    return json.loads(done.stdout)


def first_request(site, certificate):
    """Milliseconds from a request on a connection that stands to its answer."""
    with site.client(certificate) as client:
        client.request("GET", "/open")
        begin = time.monotonic()
        answer = client.request("GET", "/mail")
        seconds = time.monotonic() - begin
    if answer.status != 200:
        raise RuntimeError(f"first request: {answer.status} {answer.body[:200]}")
    return seconds * 1000


def make_site(lab, name, **more):
    """One section with Kerberos, one that asks nobody."""
    return Site(lab, name, open_section("/open", Backend.url("http"), "Require all granted"),
                ours("/mail", Backend.url("http"), **SECTION), **more)


def measure_first(lab, certificates, rounds):
    """Target 4: Figures of milliseconds (ours, directly) and of their ratio; every user is a new one."""
    ours_figure, direct, ratio = Figure(), Figure(), Figure()
    names = iter(certificates)
    with make_site(lab, "bench-first") as site:
        first_request(site, certificates[next(names)])    # connections and the service's own ticket
        for _ in range(rounds):
            parts = ask_directly(lab, list(itertools.islice(names, EACH_ROUND)))
            mine = [first_request(site, certificates[name]) for name in itertools.islice(names, EACH_ROUND)]
            ours_figure.values.append(statistics.median(mine))
            direct.values.append(sum(parts.values()))
            ratio.values.append(ours_figure.values[-1] / direct.values[-1])
    return ours_figure, direct, ratio


def exchanges(log):
    """(S4U2Self, S4U2Proxy) that a piece of the KDC's log shows."""
    return log.count("for svc-proxy@EXAMPLE.TEST ["), log.count("for HTTP/exch.example.test@EXAMPLE.TEST [")


def storm(lab, certificates):
    """Target 5: everybody's first request, AT_A_TIME at a time, on four children, and the same tickets without us."""
    names = list(certificates)
    alone = ask_directly(lab, names[:201], 4 * KDC_HELPERS)["pairs_per_second"]
    (lab.root / "httpd/bench-storm/log/cache.log").unlink(missing_ok=True)
    with make_site(lab, "bench-storm", workers=FOUR_CHILDREN, CustomLog=CACHE_LOG, **PATIENT) as site:
        before = len(lab.dc.log())

        def ask(name):
            with site.client(certificates[name], keep_alive=False) as client:
                return client.request("GET", "/mail").status
        begin = time.monotonic()
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            statuses = list(pool.map(ask, names))
        seconds = time.monotonic() - begin
        searches = (site.httpd.folder / "log/cache.log").read_text(encoding="utf-8").split().count("miss")
    own, delegated = exchanges(lab.dc.log()[before:])
    return {"users": len(names), "served": statuses.count(200), "searches": searches, "s4u2self": own,
            "s4u2proxy": delegated,
            "users_per_second": len(names) / seconds, "kdc_alone_per_second": alone}


def people(lab, kind, count):
    """{name: Certificate} of new accounts; `kind` has five letters."""
    names = [f"{kind}{number:05}" for number in range(count)]
    sids = crowd.add_accounts(lab.dc, names)
    issuer = crowd.Issuer(lab.pki.issuing, lab.root / "crowd")
    return {name: issuer.issue(name, sids[name]) for name in names}
