# SPDX-License-Identifier: Apache-2.0
"""Everybody at once: each costs the directory one search and the KDC one pair of tickets."""

from concurrent.futures import ThreadPoolExecutor

from lab import crowd
from proxy import section, virtual_host

USERS, AT_A_TIME = 300, 64    # make bench has 1,000
MOST = 1.05                   # searches and exchanges for each user
CHILDREN = ("ServerLimit 4\nStartServers 4\nThreadLimit 48\nThreadsPerChild 48\nMaxRequestWorkers 192\n"
            "MinSpareThreads 1\nMaxSpareThreads 192\n")
PATIENT = {"EASDirectoryTimeout": 60000, "EASKerberosTimeout": 60000}    # counted, not timed
S4U2SELF, S4U2PROXY = "for svc-proxy@EXAMPLE.TEST [", "for HTTP/exch.example.test@EXAMPLE.TEST ["


def test_storm_of_new_users_costs_one_search_and_one_pair_of_tickets_each(lab, proxy):
    names = [f"storm{number:05}" for number in range(USERS)]
    sids = crowd.add_accounts(lab.dc, names)
    issuer = crowd.Issuer(lab.pki.issuing, lab.root / "crowd")
    certificates = [issuer.issue(name, sids[name]) for name in names]
    one = proxy(virtual_host(lab, section("/", lab.standin.url), **PATIENT), workers=CHILDREN, cache="shmcb")
    before = len(lab.dc.log())

    def ask(certificate):
        return one.client("/", certificate, timeout=120).request("GET", "/").status
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        assert list(pool.map(ask, certificates)) == [200] * USERS
    log = lab.dc.log()[before:]
    assert USERS <= log.count(S4U2SELF) <= MOST * USERS
    assert USERS <= log.count(S4U2PROXY) <= MOST * USERS
    searches = one.eas_log.read_text(encoding="utf-8").count("\tmiss")
    assert USERS <= searches <= MOST * USERS
