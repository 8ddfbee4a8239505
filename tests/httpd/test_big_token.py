# SPDX-License-Identifier: Apache-2.0
"""A user in so many groups that the ticket's header is larger than the backend takes."""

import re

import pytest

from lab.crowd import add_accounts
from lab.accounts import USERS_DN
from lab.persister import Persister
from proxy import ADDRESS, MAIL, WORKERS, section, virtual_host
from reasons import check_refusal
from reuse import UNVERIFIED, prove, verified

GROUPS = 800    # 8 bytes each in the ticket's PAC
MEMBER = "joiner"
BIG_TOKEN = r"eas_certauth:warn.*ECA6006: the backend answered 400 to a request of joiner@\S+ with .* of (\d+) bytes"
GROUP = "dn: CN=joined{number},{users}\nchangetype: add\nobjectClass: group\nmember: CN={member},{users}\n\n"


@pytest.fixture(scope="module")
def joiner(lab, holders):
    """The certificate of somebody in all of them."""
    sid = add_accounts(lab.dc, [MEMBER])[MEMBER]
    lab.dc.modify("".join(GROUP.format(number=number, users=USERS_DN, member=MEMBER) for number in range(GROUPS)))
    return holders.issue(MEMBER, sid=sid)


def test_big_token_that_the_backend_refuses_is_told_with_its_length(lab, proxy, joiner, expect_log):
    """The backend is an httpd with its LimitRequestFieldSize of 8190."""
    expect_log(BIG_TOKEN)
    backend = proxy(site=f"{WORKERS['event']}\nListen {ADDRESS}:8480\nServerName exch.example.test\n",
                    start_log=["AH01873"], module=None)
    one = proxy(virtual_host(lab, section(MAIL, f"http://{backend.address}:8480{MAIL}")))
    for _ in range(2):
        outcome = one.request(MAIL, joiner)
        assert (outcome.status, outcome.access["EAS_REASON"]) == (400, "granted")
    told = re.findall(BIG_TOKEN, one.whole_log())
    assert len(told) == 1, "once a minute"
    assert 8190 < int(told[0]) < 16384


@pytest.mark.parametrize("override", ["Off", "On"])
def test_big_token_refused_on_a_kept_connection_is_told_too(lab, proxy, holders, joiner, expect_log, override):
    """Who refuses before anybody looks at the ticket proves nothing, so the device gets our own answer."""
    expect_log(BIG_TOKEN)
    expect_log(UNVERIFIED)
    with Persister(lab, lab.root / "persister") as persister:
        one = proxy(virtual_host(lab, verified(persister.url, ProxyErrorOverride=override)))
        prove(one, holders["alice"], persister)
        persister.behave(status=400, proof="none")
        check_refusal(one.request(MAIL, joiner), "backend-unverified")


@pytest.mark.parametrize("reuse", ["Off", "verified"])
def test_big_token_that_the_backend_takes_serves(lab, proxy, joiner, reuse):
    with Persister(lab, lab.root / "persister") as persister:
        one = proxy(virtual_host(lab, section(MAIL, persister.url + MAIL, EASBackendReuse=reuse)))
        for _ in range(2):
            outcome = one.request(MAIL, joiner)
            assert (outcome.status, outcome.body) == (200, f"mail of {MEMBER} ".encode() * 100)


def test_400_to_a_small_token_says_nothing_of_it(lab, proxy, holders):
    with Persister(lab, lab.root / "persister") as persister:
        persister.behave(status=400)
        one = proxy(virtual_host(lab, section(MAIL, persister.url + MAIL)))
        assert one.request(MAIL, holders["alice"]).status == 400
    assert "ECA6006" not in one.whole_log()
