# SPDX-License-Identifier: Apache-2.0
"""Event, worker and prefork: requests, graceful restarts under load, children that end."""

import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from lab import process
from lab.eas_client import basic
from proxy import section, virtual_host
from reasons import check_grant, check_refusal, line_of
from swarm import at_once, get

MPMS = ("event", "worker", "prefork")
RESTARTS = 3
CLIENTS = 6
PER_RESTART = 20            # answers that every restart must live through
SHORT_LIFE = "MaxConnectionsPerChild 8\n"
CHILDREN = 4
STOP_SECONDS = 8    # 9 s after a stop httpd itself would kill them
PASSED_ON = re.compile(r"\[pid (\d+):tid \d+\].* reason=granted ")


@pytest.fixture(params=MPMS)
def mpm(request):
    """The name of a multi-processing module."""
    return request.param


def site(lab):
    """Sections for a certificate and for either."""
    return virtual_host(
        lab, section("/certificate", lab.standin.url),
        section("/either", lab.standin.url, EASAuthenticate="certificate-or-basic"),
        EASDirectoryCAFile=lab.dc.ca_file)


def check_no_crash(one):
    """No child ended by a signal (AH00050, AH00051, AH00052 are notices)."""
    assert not re.findall(r".*exit signal.*", one.httpd.error_log())


# ---- requests ----------------------------------------------------------------------------------

def test_mpm_serves_certificates_and_passwords_and_refuses(lab, holders, proxy, mpm):
    one = proxy(site(lab), mpm=mpm)
    for name in ("alice", "bob"):
        check_grant(one.request("/certificate", holders[name]), user=lab.people[name].upn)
    login = ("alice", lab.people["alice"].password)
    check_grant(one.request("/either", basic=login), user="alice@example.test")
    check_refusal(one.request("/certificate", holders["expired"]), "certificate-expired")
    check_refusal(one.request("/either", basic=("alice", "wrong")), "password-rejected")
    check_refusal(one.request("/certificate"), "certificate-required")
    one.stop()
    check_no_crash(one)


# ---- graceful restart ----------------------------------------------------------------------------

class Load:
    """Clients that ask without a pause until stop(): `answered` counts, every answer must be 200."""

    def __init__(self, one, certificate, login):
        self.one, self.certificate, self.login = one, certificate, login
        self.ended, self.answered = threading.Event(), [0] * CLIENTS
        self.pool = ThreadPoolExecutor(CLIENTS)
        self.clients = [self.pool.submit(self._run, number) for number in range(CLIENTS)]

    def _run(self, number):
        certificate = self.certificate if number % 3 else None
        path = "/certificate" if certificate else "/either"
        headers = {} if certificate else {"Authorization": basic(*self.login)}
        with self.one.client("/", certificate, keep_alive=number % 2 == 0) as client:
            while not self.ended.is_set():
                answer = get(client, path, headers)
                assert answer.status == 200, answer.body
                self.answered[number] += 1

    def wait_for_more(self, answers):
        """Waits until so many more have come; a client that failed raises here."""
        wanted = sum(self.answered) + answers
        process.wait_until(lambda: sum(self.answered) >= wanted or self._failed(), 30, "answers")

    def _failed(self):
        return next((client for client in self.clients if client.done()), None)

    def stop(self):
        """Ends all clients; raises the first failure."""
        self.ended.set()
        with self.pool:
            for client in self.clients:
                client.result()


def test_mpm_graceful_restart_under_load_loses_no_request(lab, holders, proxy, mpm):
    one = proxy(site(lab), mpm=mpm)
    load = Load(one, holders["alice"], ("bob", lab.people["bob"].password))
    try:
        for _ in range(RESTARTS):
            load.wait_for_more(PER_RESTART)
            one.httpd.graceful()
        load.wait_for_more(PER_RESTART)
    finally:
        load.stop()
    assert all(load.answered)
    one.stop()
    check_no_crash(one)


# ---- children that end ---------------------------------------------------------------------------

def children_that_served(one):
    """The pids that granted requests."""
    return set(PASSED_ON.findall(one.httpd.error_log()))


def test_mpm_children_end_after_their_connections_without_a_crash(lab, holders, proxy, mpm):
    one = proxy(site(lab), mpm=mpm, workers=f"{SHORT_LIFE}StartServers 1\nMinSpareServers 1\n"
                "MaxSpareServers 1\nMaxRequestWorkers 192\nServerLimit 192\n" if mpm == "prefork" else
                f"{SHORT_LIFE}StartServers 1\nServerLimit 8\nThreadsPerChild 25\n"
                "MaxRequestWorkers 200\nMinSpareThreads 1\nMaxSpareThreads 30\n")

    def served_by_enough():
        check_grant(one.request("/certificate", holders["alice"]), user="alice@example.test")
        return len(children_that_served(one)) >= CHILDREN
    process.wait_until(served_by_enough, 60, f"{CHILDREN} children one after the other")
    one.stop()
    check_no_crash(one)


def ask_the_frozen(one, lab, holders):
    """Requests whose helpers stay stuck in libldap and libkrb5."""
    login = ("bob", lab.people["bob"].password)
    for outcome in at_once([partial(one.request, "/certificate", holders["alice"]),
                            partial(one.request, "/either", basic=login)]):
        assert outcome.status == 503


@pytest.mark.parametrize("way", [
    pytest.param(signal.SIGTERM, id="stop"),
    pytest.param(signal.SIGUSR1, id="graceful restart"),
    pytest.param(signal.SIGWINCH, id="graceful stop"),
])
def test_mpm_children_with_stuck_helpers_end_within_seconds(lab, holders, proxy, expect_log, mpm, way):
    one = proxy(site(lab), mpm=mpm)
    expect_log(line_of("directory-unavailable"))
    lab.dc.freeze()
    try:
        ask_the_frozen(one, lab, holders)
        old = set(one.httpd.child_pids())
        one.httpd.daemon.signal(way)
        process.wait_until(lambda: not old & set(one.httpd.child_pids()), STOP_SECONDS,
                           "the children gone")
    finally:
        lab.dc.thaw()
    check_no_crash(one)
