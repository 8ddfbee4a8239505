# SPDX-License-Identifier: Apache-2.0
"""The service account's and the users' tickets over time: rotation, expiry, restarts, many users."""

import os
import shutil
import threading

import pytest

from lab import process
from lab.httpd import RUN_AS
from proxy import section, virtual_host
from reasons import check_grant, check_refusal, line_of

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
