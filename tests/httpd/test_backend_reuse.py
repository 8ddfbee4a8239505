# SPDX-License-Identifier: Apache-2.0
"""EASBackendReuse verified: which connections are kept, and what an answer without a proof comes to."""

import re

import pytest

from lab.persister import Persister
from lab.process import wait_until
from proxy import MAIL, section, virtual_host
from reasons import check_decision, check_refusal, line_of
from reuse import NOT_KEPT, PROVEN, UNANSWERED, UNVERIFIED, check_mail, prove, verified, wait_for_line
from swarm import CLOSED

BALANCING = ("proxy_balancer", "lbmethod_byrequests", "slotmem_shm")


@pytest.fixture
def site(lab, proxy, persister):
    """make(*contents, …): httpd with a section whose backend connections may be kept; keywords are the section's."""
    def make(*contents, modules=(), **settings):
        return proxy(virtual_host(lab, *contents, verified(persister.url, **settings)), modules=modules)
    return make


# ---- kept ----------------------------------------------------------------------------------------

def test_reuse_after_a_probe_users_share_a_connection(site, holders, persister):
    one = site()
    assert one.request(MAIL, holders["alice"]).status == 200
    wait_for_line(one, PROVEN)
    assert persister.log()["methods"] == {"GET": 1, "OPTIONS": 2}
    assert persister.log()["longest"] == 2, "the probe's own connection"
    persister.forget()
    for name in ("alice", "bob") * 3:
        check_mail(one.request(MAIL, holders[name]), name)
    log = persister.log()
    assert (log["requests"], log["connections"], log["longest"], log["wrong"]) == (6, 1, 6, [])


def test_reuse_over_tls(lab, proxy, holders, running_persister):
    with Persister(lab, lab.root / "persister-tls", lab.server_certificate("standin"), port=8444) as persister:
        one = proxy(virtual_host(lab, verified(persister.url),
                                 SSLProxyCACertificateFile=lab.server_certificate("standin").root))
        prove(one, holders["alice"], persister)
        for name in ("bob", "alice"):
            check_mail(one.request(MAIL, holders[name]), name)
        assert persister.log()["longest"] == 2


def test_reuse_of_a_balancers_members_each_proves_itself(lab, site, holders, persister):
    with Persister(lab, lab.root / "persister-second", port=8444) as second:
        members = "\n".join(f"BalancerMember {url} timeout=3660" for url in (persister.url, second.url))
        one = site(f"<Proxy balancer://mail>\n{members}\n</Proxy>",
                   ProxyPass=f"balancer://mail{MAIL}", modules=BALANCING)
        wait_until(lambda: one.request(MAIL, holders["alice"]).status == 200
                   and len(set(re.findall(PROVEN, one.whole_log()))) == 2, 20, "both members have proven themselves")
        persister.forget()
        second.forget()
        for name in ("alice", "bob") * 3:
            check_mail(one.request(MAIL, holders[name]), name)
        for log in (persister.log(), second.log()):
            assert (log["requests"], log["wrong"]) == (3, []) and log["connections"] <= 1


@pytest.mark.parametrize("settings", [{"length": False}, {"status": 204}, {"status": 404}, {"status": 304}], ids=str)
def test_reuse_of_every_kind_of_answer(site, holders, persister, settings):
    one = site()
    prove(one, holders["alice"], persister)
    persister.behave(**settings)
    status = settings.get("status", 200)
    assert [one.request(MAIL, holders[name]).status for name in ("alice", "bob")] == [status, status]
    assert [one.request(MAIL, holders["alice"], method="HEAD").status] == [status]
    log = persister.log()
    assert (log["connections"], log["longest"]) == (1, 3)


def test_reuse_with_error_override_goes_on(site, holders, persister):
    one = site(ProxyErrorOverride="On")
    prove(one, holders["alice"], persister)
    persister.behave(status=404)
    for name in ("alice", "bob"):
        outcome = one.request(MAIL, holders[name])
        assert outcome.status == 404 and b"mail of" not in outcome.body
    assert not re.search(NOT_KEPT, one.whole_log())


def test_reuse_of_a_refused_ticket_answers_as_ever(site, holders, persister, expect_log):
    expect_log(line_of("backend-rejected-ticket"))
    one = site()
    prove(one, holders["alice"], persister)
    persister.behave(refuse=1)
    assert one.request(MAIL, holders["alice"]).headers["X-EAS-Reason"] == "backend-rejected-ticket"
    check_mail(one.request(MAIL, holders["alice"]), "alice")


def test_reuse_interim_answers_do_not_pass(site, holders, persister):
    one = site()
    prove(one, holders["alice"], persister)
    persister.behave(interim=True)
    for name in ("alice", "bob"):    # http.client would take a 103 for the answer
        check_mail(one.request(MAIL, holders[name]), name)


def test_reuse_of_a_connection_that_the_backend_closed_meanwhile(site, holders, persister):
    one = site()
    prove(one, holders["alice"], persister)
    persister.behave(closes=True)
    for name in ("alice", "bob"):
        check_mail(one.request(MAIL, holders[name]), name)
    assert persister.log()["longest"] == 1


# ---- not kept ------------------------------------------------------------------------------------

OWN = {
    "the default": {"EASBackendReuse": None},
    "Off": {"EASBackendReuse": "Off"},
    "proxy-nokeepalive": {"SetEnv": "proxy-nokeepalive 1"},
    "disablereuse": {"ProxyPass": "{url} disablereuse=on timeout=3660"},
    "a pattern": {"ProxyPass": None, "RewriteEngine": "On",
                  "RewriteRule": '"/(standin)$" "http://$1.example.test:8443/" [P]', "ProxyTimeout": "3660"},
}


@pytest.mark.parametrize("settings", OWN.values(), ids=OWN)
def test_own_connections_by_configuration(lab, proxy, holders, persister, settings):
    settings = {name: value and value.format(url=persister.url + MAIL) for name, value in settings.items()}
    server = {"ProxyTimeout": settings.pop("ProxyTimeout")} if "ProxyTimeout" in settings else {}
    one = proxy(virtual_host(lab, verified(persister.url, "/standin", **settings), **server), modules=("rewrite",))
    for name in ("alice", "bob") * 2:
        check_mail(one.request("/standin", holders[name]), name)
    log = persister.log()
    assert (log["longest"], log["methods"]) == (1, {"GET": 4})


@pytest.mark.parametrize("headers", [{"Expect": "100-continue"}, {"Upgrade": "websocket", "Connection": "Upgrade"}],
                         ids=str)
def test_own_connection_for_requests_that_are_answered_twice(site, holders, persister, headers):
    one = site()
    prove(one, holders["alice"], persister)
    for name in ("alice", "bob"):
        check_mail(one.request(MAIL, holders[name], method="POST", body=b"text", headers=headers), name)
    assert persister.log()["longest"] == 1


def test_own_connection_of_sections_without_verified(site, holders, persister):
    """A request without a token must never come where a user's connection is kept."""
    one = site(section("/none", persister.url + MAIL, EASDelegation="none"),
               section("/plain", persister.url + MAIL))
    prove(one, holders["alice"], persister)
    persister.behave(keeps="absent")
    for _ in range(4):
        check_mail(one.request(MAIL, holders["alice"]), "alice")
        assert one.request("/none", holders["bob"]).status == 401
        check_mail(one.request("/plain", holders["bob"]), "bob")
    assert (persister.log()["without_token"], persister.log()["wrong"]) == (0, [])


# ---- the probe -----------------------------------------------------------------------------------

@pytest.mark.parametrize("settings", [
    {"proof": "none"}, {"proof": "first"}, {"keeps": "first"}, {"keeps": "first", "announce": True}], ids=str)
def test_probe_of_a_backend_that_proves_nothing_ends_reuse(site, holders, persister, expect_log, settings):
    expect_log(NOT_KEPT)
    persister.behave(**settings)
    one = site()
    for name in ("alice", "bob") * 3:
        check_mail(one.request(MAIL, holders[name]), name)
        wait_for_line(one, NOT_KEPT)
    log = persister.log()
    assert log["methods"]["OPTIONS"] <= 2, "one probe"
    assert (log["methods"]["GET"], log["wrong"]) == (6, [])
    assert len(re.findall(NOT_KEPT, one.whole_log())) == 1


@pytest.mark.parametrize("settings, why", [
    ({"silent_to": ["OPTIONS"]}, "it did not answer OPTIONS"),
    ({"closes": True}, "it closes its connections"),
])
def test_probe_that_says_nothing_is_made_again_later(site, holders, persister, settings, why, allow_log):
    allow_log("proxy(_http)?:error.*(AH01102|AH00898)")
    persister.behave(**settings)
    one = site()
    for name in ("alice", "bob"):
        check_mail(one.request(MAIL, holders[name]), name)
        wait_for_line(one, UNANSWERED + why)
    assert len(re.findall(UNANSWERED, one.whole_log())) == 1, "not at every request"
    assert persister.log()["wrong"] == []


# ---- an answer without proof ---------------------------------------------------------------------

TURNED = [
    {"proof": "none"}, {"proof": "first"}, {"keeps": "first"}, {"keeps": "first", "announce": True},
    {"keeps": "first", "length": False}, {"keeps": "first", "status": 204}, {"keeps": "first", "status": 404},
    {"keeps": "first", "status": 304}, {"keeps": "first", "status": 302},
    {"keeps": "first", "interim": True},
]


@pytest.mark.parametrize("override", ["Off", "On"])
@pytest.mark.parametrize("settings", TURNED, ids=str)
def test_unproven_answer_is_dropped_and_reuse_ends(site, holders, persister, expect_log, settings, override):
    expect_log(NOT_KEPT)
    expect_log(UNVERIFIED)
    one = site(ProxyErrorOverride=override)
    prove(one, holders["alice"], persister)
    check_mail(one.request(MAIL, holders["alice"]), "alice")
    persister.behave(**settings)
    outcome = one.request(MAIL, holders["bob"])
    check_refusal(outcome, "backend-unverified")
    assert b"mail of" not in outcome.body
    assert persister.log()["longest"] == 2, "it came on the kept connection"
    persister.clear()
    for name in ("alice", "bob", "alice"):
        check_mail(one.request(MAIL, holders[name]), name)
    assert persister.log()["longest"] == 1


def test_unproven_answer_to_head_is_dropped(site, holders, persister, expect_log):
    expect_log(NOT_KEPT)
    expect_log(UNVERIFIED)
    one = site()
    prove(one, holders["alice"], persister)
    check_mail(one.request(MAIL, holders["alice"]), "alice")
    persister.behave(keeps="first")
    outcome = one.request(MAIL, holders["bob"], method="HEAD")
    assert (outcome.status, outcome.headers["X-EAS-Reason"]) == (502, "backend-unverified")
    check_decision(outcome, "backend-unverified")


def test_backend_that_is_gone_is_no_unproven_answer(lab, proxy, holders, running_persister, allow_log):
    allow_log("proxy(_http)?:error")
    with Persister(lab, lab.root / "persister-gone", port=8444) as persister:
        one = proxy(virtual_host(lab, verified(persister.url)))
        prove(one, holders["alice"], persister)
        check_mail(one.request(MAIL, holders["alice"]), "alice")
    outcome = one.request(MAIL, holders["alice"])
    assert outcome.status in (502, 503) and "X-EAS-Reason" not in outcome.headers
    assert not re.search(NOT_KEPT, one.whole_log())


@pytest.mark.parametrize("override", ["Off", "On"])
def test_connection_that_breaks_is_no_unproven_answer(site, holders, persister, allow_log, override):
    allow_log("proxy(_http)?:error.*(AH01102|AH00898)")
    one = site(ProxyErrorOverride=override)
    prove(one, holders["alice"], persister)
    check_mail(one.request(MAIL, holders["alice"]), "alice")
    persister.behave(silent_to=["GET"])
    outcome = one.request(MAIL, holders["bob"])
    assert outcome.status == 502 and "X-EAS-Reason" not in outcome.headers
    assert not re.search(NOT_KEPT, one.whole_log())


def test_connection_that_breaks_under_a_kept_client_is_no_unproven_answer(site, holders, persister, allow_log):
    """mod_proxy then ends the client's connection without an answer, for it to ask again."""
    allow_log("proxy(_http)?:error.*(AH01102|AH00898)")
    one = site()
    prove(one, holders["alice"], persister)
    with one.client(MAIL, holders["alice"], keep_alive=True) as client:
        assert client.request("GET").status == 200
        persister.behave(silent_to=["GET"])
        with pytest.raises(CLOSED):
            client.request("GET")
    assert not re.search(NOT_KEPT, one.whole_log())
    persister.behave(silent_to=[])
    persister.forget()
    for name in ("alice", "bob"):
        check_mail(one.request(MAIL, holders[name]), name)
    assert persister.log()["connections"] == 1
