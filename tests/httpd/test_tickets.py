# SPDX-License-Identifier: Apache-2.0
"""The service account's and the users' tickets over time: rotation, expiry, restarts, many users."""

import os
import shutil
import signal
import threading

import pytest

from lab import kerberos, process
from lab.httpd import RUN_AS
from lab.standin import UNAUTHORIZED
from proxy import section, simple_bind, virtual_host, whole_site
from reasons import check_grant, check_refusal, line_of
from relay import Relay
from swarm import at_once

SERVICE = "svc-proxy"
NEW_PASSWORD = "Rotated.Key.2026"
BACK_SECONDS = 20    # from the new keytab to the first success: a refusal stands for five


def place_keytab(lab, path):
    """Exports the service account's keys of now and puts them in the place of `path`."""
    fresh = path.with_name("fresh.keytab")
    lab.dc.export_keytab(fresh, SERVICE)
    shutil.chown(fresh, RUN_AS, RUN_AS)
    fresh.chmod(0o600)
    os.replace(fresh, path)


@pytest.fixture
def keytab(lab):
    """A keytab of the test's own; the account's password and the laboratory's keytab are put right in the end."""
    folder = lab.root / "rotation"
    folder.mkdir(exist_ok=True)
    path = folder / "eas.keytab"
    place_keytab(lab, path)
    yield path
    lab.dc.set_password(SERVICE, lab.services[SERVICE].password)
    place_keytab(lab, lab.proxy_keytab)


class Load:
    """Somebody who asks all the time, with a ticket that is there."""

    def __init__(self, one, certificate):
        self.client = one.client("/", certificate)
        self.statuses, self.end = [], threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.end.is_set():
            self.statuses.append(self.client.request("OPTIONS", "/").status)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()


def test_rotation_of_the_keytab_under_load_needs_no_restart(lab, holders, proxy, keytab, allow_log):
    one = proxy(virtual_host(lab, section("/", lab.exchange.url), EASKerberosKeytab=keytab))
    (child,) = one.httpd.child_pids()
    check_grant(one.request("/", holders["alice"], method="OPTIONS"))
    # between the new password and the new keytab
    allow_log(line_of("delegation-misconfigured"))
    allow_log(line_of("directory-unavailable"))

    def served(name):
        outcome = one.request("/", holders[name], method="OPTIONS")
        assert outcome.status in (200, 503), outcome.text
        return outcome if outcome.status == 200 else None
    with Load(one, holders["alice"]) as load:
        lab.dc.set_password(SERVICE, NEW_PASSWORD)
        served("bob")
        place_keytab(lab, keytab)
        for name in ("bob", "dora", "erin"):
            check_grant(process.wait_until(lambda name=name: served(name), BACK_SECONDS, f"{name} served"))
    assert len(load.statuses) > 10 and set(load.statuses) == {200}
    assert one.httpd.child_pids() == [child]


# ---- what is kept of accounts and refusals -------------------------------------------------------

def swap_names(lab, directory):
    """alice's account gets another name, and bob's hers."""
    for name, new in (("alice", "first"), ("bob", "alice")):
        for attribute, value in (("sAMAccountName", new), ("userPrincipalName", f"{new}@example.test")):
            old = name if attribute == "sAMAccountName" else f"{name}@example.test"
            directory.set(lab.people[name].dn, attribute, value, before=[old])


def test_account_renamed_while_it_is_kept_is_looked_up_once_more(lab, holders, proxy, directory):
    one = proxy(virtual_host(lab, section("/known", lab.standin.url, EASDelegation="none"),
                             section("/ticket", lab.exchange.url)), cache="shmcb")
    check_grant(one.request("/known", holders["alice"]), EAS_CACHE="miss")
    swap_names(lab, directory)
    outcome = one.request("/ticket", holders["alice"], method="OPTIONS")
    check_grant(outcome, EAS_ACCOUNT_SID=holders.sid("alice"))
    check_grant(one.request("/known", holders["alice"]), EAS_CACHE="hit", user="first@example.test")


def test_refusal_is_remembered_and_the_kdc_not_asked_again(lab, holders, proxy):
    one = proxy(virtual_host(lab, section("/", lab.standin.url)))

    def asked():
        return lab.dc.log().count("TGS-REQ")
    first = one.request("/", holders["grace"])
    check_refusal(first, "delegation-not-allowed")
    before = asked()
    for _ in range(3):
        again = one.request("/", holders["grace"])
        check_refusal(again, "delegation-not-allowed")
        assert again.decision.fields["detail"] == first.decision.fields["detail"]
    assert before > 0 and asked() == before


# ---- children share their tickets ----------------------------------------------------------------

CHILDREN = ("ServerLimit 4\nStartServers 4\nThreadLimit 48\nThreadsPerChild 48\nMaxRequestWorkers 192\n"
            "MinSpareThreads 1\nMaxSpareThreads 192\n")
PIDS = '"${FOLDER}/log/pids.log" "%P"'
SELF, PROXY = "for svc-proxy@EXAMPLE.TEST [", "for HTTP/exch.example.test@EXAMPLE.TEST ["


def exchanges(lab):
    """How many (S4U2Self, S4U2Proxy) the KDC has been asked for."""
    text = lab.dc.log()
    return text.count(SELF), text.count(PROXY)


def since(lab, before):
    """The same since then."""
    return tuple(now - then for now, then in zip(exchanges(lab), before))


def pids_of(one):
    """The children that have served requests."""
    return set((one.httpd.folder / "log/pids.log").read_text(encoding="utf-8").split())


def test_shared_one_exchange_serves_all_children(lab, holders, proxy):
    host = virtual_host(lab, section("/", lab.exchange.url), CustomLog=[PIDS, '"${FOLDER}/log/eas.log" eas'])
    one = proxy(host, workers=CHILDREN)
    holders["alice"]
    before = exchanges(lab)
    check_grant(one.request("/", holders["alice"], method="OPTIONS"))

    def several_have_served():
        answers = at_once([one.client("/", holders["alice"]).options for _ in range(16)])
        assert {answer.status for answer in answers} == {200}
        return len(pids_of(one)) >= 3
    process.wait_until(several_have_served, 60, "three children have served")
    assert since(lab, before) == (1, 1)


@pytest.fixture
def behind_kdc_relay(lab, proxy, tmp_path):
    """(Relay in front of the KDC, an httpd that needs no KDC for its LDAP)."""
    relay = Relay(lab.address(196), 88, (lab.address("dc1"), 88))
    conf = kerberos.write_configuration(lab.root / "krb5-tickets.conf", [lab.address(196)])
    yield relay, proxy(virtual_host(lab, section("/", lab.exchange.url), **simple_bind(lab, tmp_path)),
                       env={"KRB5_CONFIG": str(conf)})
    relay.close()


def test_shared_tickets_serve_new_children_while_no_kdc_answers(lab, holders, behind_kdc_relay):
    relay, one = behind_kdc_relay
    check_grant(one.request("/", holders["alice"], method="OPTIONS"))
    relay.refuse()
    (child,) = one.httpd.child_pids()
    os.kill(child, signal.SIGKILL)
    process.wait_until(lambda: one.httpd.child_pids() not in ([], [child]) and child not in one.httpd.child_pids(),
                       20, "another child")
    check_grant(one.request("/", holders["alice"], method="OPTIONS"))


def test_shared_ticket_that_the_backend_refused_is_not_given_to_anybody(lab, holders, proxy, standin, expect_log):
    one = proxy(virtual_host(lab, section("/", standin.url)), workers=CHILDREN)
    expect_log(line_of("backend-rejected-ticket"))
    before = exchanges(lab)
    check_grant(one.request("/", holders["alice"]))
    standin.script("/", UNAUTHORIZED, times=1)
    process.wait_until(lambda: one.request("/", holders["alice"]).status == 502, 10, "refused")
    assert since(lab, before) == (1, 1)
    for _ in range(8):
        check_grant(one.request("/", holders["alice"]))
    assert since(lab, before)[1] >= 2


@pytest.fixture
def unshared(lab, unstarted):
    """An httpd without shared memory for tickets."""
    site = whole_site(virtual_host(lab, section("/", lab.exchange.url))).replace("SSLSessionCache", "#")
    one = unstarted(site=site)
    one.httpd.modules = tuple(name for name in one.httpd.modules if name != "socache_shmcb")
    one.start_log = ("ECA1080: mod_socache_shmcb is not loaded", "AH01873")    # mod_ssl misses it, too
    try:
        yield one.start()
    finally:
        one.stop()


def test_without_shmcb_a_warning_says_that_nothing_is_shared(holders, unshared):
    check_grant(unshared.request("/", holders["alice"], method="OPTIONS"))


def test_without_shmcb_many_requests_of_one_user_are_one_exchange(lab, holders, unshared):
    clients = [unshared.client("/", holders["alice"]) for _ in range(32)]
    before = exchanges(lab)
    assert {answer.status for answer in at_once([client.options for client in clients])} == {200}
    assert since(lab, before) == (1, 1)
