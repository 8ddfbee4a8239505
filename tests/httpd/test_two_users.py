# SPDX-License-Identifier: Apache-2.0
"""Two users, one child, many clients, backends that tie an identity to the connection: each gets his own mail."""

import re
from functools import partial

import pytest

from proxy import MAIL, section, virtual_host
from two_users import CLIENTS, PEOPLE, REQUESTS, Swarm, judge_mail

FEWER_REQUESTS = 1500   # to mod_auth_gssapi, and to persisters that behave at first
REFUSALS = 10           # tickets that the backend refuses under way
REJECTED = r"ECA\d+ reason=backend-rejected-ticket"
UNVERIFIED = r"ECA\d+ reason=backend-unverified"
NOT_KEPT = "ECA6003: connections to"
# one child; places for those that end slowly
WORKERS = "ServerLimit 8\nThreadLimit 96\nThreadsPerChild 96\nMaxRequestWorkers 192\nMaxSpareThreads 192\n"

KEEPS = {
    "announced": {"keeps": "first", "announce": True},
    "silent": {"keeps": "first", "announce": False},
}


@pytest.fixture(scope="module")
def certificates(holders):
    """By name, issued before many threads ask for them."""
    return {name: holders[name] for name in PEOPLE}


def check_log(log, requests):
    """Nothing was carried out as somebody else, or without a token."""
    assert log["wrong"] == []
    assert log["without_token"] == 0
    assert log["requests"] == requests


def ask_among_refusals(one, certificates, persister, requests):
    """Every client's requests, with refused tickets and two graceful restarts under way: the statuses."""
    def refuse_and_reload():
        persister.behave(refuse=REFUSALS)
        one.httpd.graceful()
    return Swarm(one, certificates, judge_mail, requests, {502}).disturb(refuse_and_reload, one.httpd.graceful)


@pytest.mark.parametrize("keeps", KEEPS)
def test_two_users_reuse_off_persister_sees_one_request_per_connection(lab, certificates, proxy, persister,
                                                                       expect_log, keeps):
    expect_log(REJECTED)
    persister.behave(**KEEPS[keeps])
    one = proxy(virtual_host(lab, section(MAIL, persister.url + MAIL)), workers=WORKERS)
    statuses = ask_among_refusals(one, certificates, persister, REQUESTS)
    log = persister.log()
    assert statuses.count(502) == log["refused"] == REFUSALS, "each a ticket dropped, and a fresh one the next time"
    check_log(log, REQUESTS - REFUSALS)
    assert log["longest"] == 1


@pytest.mark.parametrize("keeps", KEEPS)
def test_two_users_verified_persister_fails_the_probe(lab, certificates, proxy, persister, expect_log, keeps):
    expect_log(REJECTED)
    expect_log(NOT_KEPT)
    persister.behave(**KEEPS[keeps])
    one = proxy(virtual_host(lab, section(MAIL, persister.url + MAIL, EASBackendReuse="verified")), workers=WORKERS)
    statuses = ask_among_refusals(one, certificates, persister, REQUESTS)
    log = persister.log()
    assert (log["wrong"], log["without_token"]) == ([], 0)
    assert log["methods"]["GET"] == statuses.count(200)
    assert log["longest"] <= 2, "nobody's connection but the probes' own"


def test_two_users_verified_honest_backend_keeps_its_connections(lab, certificates, proxy, persister, expect_log):
    expect_log(REJECTED)
    one = proxy(virtual_host(lab, section(MAIL, persister.url + MAIL, EASBackendReuse="verified")), workers=WORKERS)
    statuses = ask_among_refusals(one, certificates, persister, FEWER_REQUESTS)
    log = persister.log()
    assert (log["wrong"], log["without_token"]) == ([], 0)
    assert statuses.count(502) <= REFUSALS
    assert log["connections"] < FEWER_REQUESTS / 2, "most went on a kept one"


@pytest.mark.parametrize("keeps", KEEPS)
def test_two_users_verified_backend_that_turns_persister_shows_nothing(lab, certificates, proxy, persister, expect_log,
                                                                       keeps):
    """What it carries out as the wrong one before the first answer cannot be undone, but nobody sees a byte of it."""
    expect_log(UNVERIFIED)
    expect_log(NOT_KEPT)
    one = proxy(virtual_host(lab, section(MAIL, persister.url + MAIL, EASBackendReuse="verified")), workers=WORKERS)
    swarm = Swarm(one, certificates, judge_mail, FEWER_REQUESTS, tolerated={502})
    statuses = swarm.disturb(partial(persister.behave, **KEEPS[keeps]), one.httpd.graceful)
    log = persister.log()
    assert log["without_token"] == 0
    assert 0 < statuses.count(502) <= CLIENTS * 2, "those under way, and each sees one"
    assert len(log["wrong"]) <= CLIENTS
    children = re.findall(r"\[pid (\d+):.*" + NOT_KEPT, one.whole_log())
    assert len(children) == len(set(children)), "each says it once"


# ---- mod_auth_gssapi ----------------------------------------------------------------------------

def judge_front_door(answer, name):
    """mod_auth_gssapi says whom the ticket proved, whatever SOGo makes of a GET."""
    assert answer.headers.get_all("X-Lab-User") == [name], (answer.status, answer.body[:200])
    assert answer.headers.get_all("WWW-Authenticate", []) == []
    assert answer.headers.get("Persistent-Auth") is None


@pytest.mark.parametrize("door", ["url", "bound_url"])
@pytest.mark.parametrize("reuse", ["Off", "verified"])
def test_two_users_mod_auth_gssapi_names_the_right_one(lab, certificates, proxy, reuse, door):
    one = proxy(virtual_host(lab, section(MAIL, getattr(lab.exchange, door), EASDelegationSPN=lab.exchange_spn,
                                          EASBackendReuse=reuse)), workers=WORKERS)
    swarm = Swarm(one, certificates, judge_front_door, FEWER_REQUESTS)
    swarm.disturb(one.httpd.graceful, one.httpd.graceful)
