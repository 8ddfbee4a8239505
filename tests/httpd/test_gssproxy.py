# SPDX-License-Identifier: Apache-2.0
"""No keytab for httpd: Debian's gssproxy makes the tokens."""

import base64
import re
import shutil
from functools import partial

import pytest

from lab import process
from lab.acceptor import HEIMDAL, MIT, accept
from lab.accounts import OTHER_SPN
from lab.gssproxy import KEYTAB, GssProxy
from lab.httpd import RUN_AS
from lab.spnego import mechanism_token
from proxy import section, simple_bind, virtual_host
from reasons import check_answer, check_grant, check_refusal, line_of
from swarm import at_once, timed
from test_leaks import FEW_WORKERS, FEW_WORKERS_WARNING, ONE_HEAP, resident_kib

PEOPLE = ("alice", "bob")
NOBODYS_KEYTAB = "/nowhere.keytab"
SHORT = 0.5           # an EASKerberosTimeout
MARGIN = 3.0          # for TLS and a busy machine
WARM_UP, REQUESTS = 800, 400    # of which the second are measured; four workers have grown by then
BACK_SECONDS = 60     # the client library gives up a frozen daemon after 45 s
IN_USE = "ECA1082: section .*: GSS_USE_PROXY is set: gssproxy makes each token"


@pytest.fixture
def daemon(lab):
    """daemon(change=…, forwardable=…): a running GssProxy."""
    started = []

    def start(**options):
        started.append(GssProxy(lab, lab.root / "gssproxy", **options))
        return started[-1].start()
    yield start
    for one in started:
        one.thaw()
        one.stop()


@pytest.fixture
def simple(lab, tmp_path):
    """Settings of a host that needs gssproxy for the backend alone."""
    return {**simple_bind(lab, tmp_path), "EASKerberosKeytab": NOBODYS_KEYTAB}


def token_of(outcome):
    """The token (bytes) that the stand-in was sent."""
    (value,) = outcome.arrived("Authorization")
    scheme, _, token = value.partition(" ")
    assert scheme == "Negotiate"
    return base64.b64decode(token)


def served_as(one, holders, name):
    """One request to the exchange."""
    check_served(one.request("/", holders[name], method="OPTIONS"), name)


def check_served(outcome, name):
    """The exchange says whom the ticket proved."""
    check_grant(outcome, EAS_DELEGATION="kerberos")
    assert outcome.headers.get_all("X-Lab-User") == [name]


# ---- served ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("bind", ["gssapi", "simple"])
def test_gssproxy_each_user_is_served_as_himself(lab, holders, proxy, daemon, simple, bind):
    settings = simple if bind == "simple" else {"EASKerberosKeytab": NOBODYS_KEYTAB}
    one = proxy(virtual_host(lab, section("/", lab.exchange.url), **settings), env=daemon().env)
    assert re.search(IN_USE, one.httpd.error_log())
    for name in PEOPLE:
        holders[name]    # issued before many threads ask for it
    at_once(partial(served_as, one, holders, name) for name in PEOPLE * 10)


def test_gssproxy_each_request_has_a_token_of_its_own_that_acceptors_take(lab, holders, proxy, daemon, standin, simple):
    one = proxy(virtual_host(lab, section("/", standin.url), **simple), env=daemon().env)
    sent = [(name, token_of(one.request("/", holders[name]))) for name in PEOPLE * 3]
    tokens = [token for _, token in sent]
    assert all(mechanism_token(token) for token in tokens), "inside SPNEGO"
    for library, cache in ((MIT, "dfl:"), (HEIMDAL, "none:")):
        answers = accept(lab, library, tokens, cache)
        assert [answer["error"] for answer in answers] == [None] * len(tokens), library
        assert [answer["name"].partition("@")[0] for answer in answers] == [name for name, _ in sent]


def test_gssproxy_second_attempt_of_mod_proxy_has_a_token_too(lab, holders, proxy, daemon, standin, simple, allow_log):
    """Nobody listens where the balancer's first member is; the request's token was taken for it."""
    for pattern in ("AH00957: ", "AH00959: ", "AH01114: "):
        allow_log(pattern)
    balancer = (f"<Proxy balancer://mail>\nBalancerMember https://other.example.test timeout=3660 lbset=0\n"
                f"BalancerMember {standin.url} timeout=3660 lbset=1\n</Proxy>")
    one = proxy(virtual_host(lab, balancer, section("/", ProxyPass="balancer://mail"), **simple),
                env=daemon().env, modules=("proxy_balancer", "lbmethod_byrequests", "slotmem_shm"))
    tokens = [token_of(one.request("/", holders["alice"]))]
    assert "AH01114: " in one.whole_log()
    assert [answer["name"] for answer in accept(lab, MIT, tokens)] == ["alice@EXAMPLE.TEST"]


def test_gssproxy_credentials_of_httpds_own_are_never_used(lab, holders, proxy, daemon, simple):
    """The client library would look for them when the daemon refuses."""
    own = lab.root / "own-ccache"
    shutil.copy(lab.ticket("bob", "own").ccache, own)
    shutil.chown(own, RUN_AS, RUN_AS)
    one = proxy(virtual_host(lab, section("/", lab.exchange.url), **simple),
                env={**daemon().env, "KRB5CCNAME": f"FILE:{own}"})
    served_as(one, holders, "alice")
    check_refusal(one.request("/", holders["grace"]), "delegation-not-allowed")


def test_gssproxy_tokens_leave_nothing_behind(lab, holders, proxy, daemon, standin, simple):
    """The client library leaves a ccache of 4 KiB behind for each, unless it finds one of the daemon's principal."""
    one = proxy(virtual_host(lab, section("/", standin.url), **simple), env={**daemon().env, **ONE_HEAP},
                workers=FEW_WORKERS.format(4), start_log=[FEW_WORKERS_WARNING])
    (child,) = one.httpd.child_pids()
    sizes = []
    with one.client("/", holders["alice"]) as client:
        for requests in (WARM_UP, REQUESTS):
            for _ in range(requests):
                assert client.request("GET", "/").status == 200
            sizes.append(resident_kib(child))
    assert sizes[1] - sizes[0] < REQUESTS, "KiB: less than one for each"


# ---- refused -----------------------------------------------------------------------------------------

def test_gssproxy_refusal_is_explained_and_remembered(lab, holders, proxy, daemon, simple):
    one = proxy(virtual_host(lab, section("/", lab.standin.url), **simple), env=daemon().env)

    def asked():
        return lab.dc.log().count("TGS-REQ")
    check_refusal(one.request("/", holders["grace"]), "delegation-not-allowed",
                  r"^S4U2Proxy: grace is .*sensitive.*\(NOT_DELEGATED in userAccountControl\): unset it")
    before = asked()
    check_refusal(one.request("/", holders["grace"]), "delegation-not-allowed")
    assert before > 0 and asked() == before


def test_gssproxy_account_that_the_kdc_does_not_know_is_looked_up_once_more(lab, holders, proxy, daemon, directory,
                                                                            simple):
    """It is in the cache under its old name."""
    one = proxy(virtual_host(lab, section("/known", lab.standin.url, EASDelegation="none"),
                             section("/ticket", lab.standin.url), **simple), cache="shmcb", env=daemon().env)
    for cache in ("miss", "hit"):
        check_grant(one.request("/known", holders["alice"]), EAS_CACHE=cache)
    for attribute, value, before in (("sAMAccountName", "alicia", "alice"),
                                     ("userPrincipalName", "alicia@example.test", "alice@example.test")):
        directory.set(lab.people["alice"].dn, attribute, value, before=[before])
    outcome = one.request("/ticket", holders["alice"])
    check_grant(outcome, EAS_CACHE="miss")
    assert [answer["name"] for answer in accept(lab, MIT, [token_of(outcome)])] == ["alicia@EXAMPLE.TEST"]


TRANSITION, DELEGATION = "allow_protocol_transition = yes", "allow_constrained_delegation = yes"
NO_CREDENTIALS = "^gssproxy gives no credentials: it does not run, no KDC answers it, or its configuration"
REFUSED = [
    ("not forwardable", {"forwardable": False}, {}, "delegation-misconfigured",
     r"^S4U2Proxy for alice@EXAMPLE.TEST by svc-proxy@.* to HTTP/exch.* gssproxy has to say forwardable = true"),
    ("the SPN is not in the list", {}, {"EASDelegationSPN": OTHER_SPN}, "delegation-misconfigured",
     f"^S4U2Proxy: svc-proxy has other SPNs in msDS-AllowedToDelegateTo: add {OTHER_SPN}"),
    ("no account has the SPN", {}, {"EASDelegationSPN": "HTTP/unknown.example.test"}, "delegation-misconfigured",
     "^S4U2Proxy for alice@.* to HTTP/unknown.*no account has this SPN"),
    ("no protocol transition", {"change": (TRANSITION, "")}, {}, "delegation-misconfigured",
     f"^gssproxy may not do this: .* needs {TRANSITION}"),
    ("no constrained delegation", {"change": (DELEGATION, "")}, {}, "delegation-misconfigured",
     f"^gssproxy may not do this: .* needs {DELEGATION}"),
    ("another user's section", {"change": ("euid = www-data", "euid = nobody")}, {}, "kdc-unavailable", NO_CREDENTIALS),
    ("no keytab", {"change": (KEYTAB, NOBODYS_KEYTAB)}, {}, "kdc-unavailable", NO_CREDENTIALS),
]


@pytest.mark.parametrize("options, settings, reason, detail", [pytest.param(*row[1:], id=row[0]) for row in REFUSED])
def test_gssproxy_what_is_wrong_is_named(lab, holders, proxy, daemon, simple, expect_log, options, settings, reason,
                                         detail):
    expect_log(line_of(reason))
    one = proxy(virtual_host(lab, section("/", lab.standin.url), **{**simple, **settings}), env=daemon(**options).env)
    check_refusal(one.request("/", holders["alice"]), reason, detail)


# ---- gone, frozen --------------------------------------------------------------------------------------

def two_ways(lab, settings):
    """/ asks gssproxy, /known finds the account and delegates nothing."""
    return virtual_host(lab, section("/", lab.exchange.url), section("/known", lab.standin.url, EASDelegation="none"),
                        **settings)


def wait_until_back(one, holders, name):
    """Served within seconds, and nobody is told anything but 503 meanwhile."""
    def served():
        outcome = one.request("/", holders[name], method="OPTIONS")
        assert outcome.status in (200, 503), outcome.text
        return outcome if outcome.status == 200 else None
    check_served(process.wait_until(served, BACK_SECONDS, "served again"), name)


def test_gssproxy_that_is_gone_is_503_until_it_is_back(lab, holders, proxy, daemon, simple, expect_log):
    expect_log(line_of("kdc-unavailable"))
    gssproxy = daemon()
    one = proxy(two_ways(lab, simple), env=gssproxy.env)
    served_as(one, holders, "alice")
    gssproxy.stop()
    outcome, seconds = timed(one.request, "/", holders["alice"])
    check_refusal(outcome, "kdc-unavailable", NO_CREDENTIALS)
    assert seconds < MARGIN
    check_grant(one.request("/known", holders["alice"]))
    gssproxy.start()
    wait_until_back(one, holders, "alice")


def test_gssproxy_that_is_frozen_holds_nobody_longer_than_the_setting(lab, holders, proxy, daemon, simple, expect_log):
    expect_log(line_of("kdc-unavailable"))
    gssproxy = daemon()
    one = proxy(two_ways(lab, {**simple, "EASKerberosTimeout": int(SHORT * 1000)}), env=gssproxy.env)
    for name in PEOPLE:
        wait_until_back(one, holders, name)
    gssproxy.freeze()
    refused = at_once(partial(timed, one.request, "/", holders[name]) for name in PEOPLE * 5)
    for outcome, seconds in refused:
        check_answer(outcome, "kdc-unavailable")
        assert seconds < SHORT + MARGIN
        assert re.search("gssproxy did not answer (within|a moment ago)", outcome.decision.fields["detail"])
    for name in PEOPLE:
        check_grant(one.request("/known", holders[name]))
    gssproxy.thaw()
    for name in PEOPLE:
        wait_until_back(one, holders, name)


# ---- configuration ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("behavior", [None, "REMOTE_FIRST", "LOCAL_FIRST", "remote_only"])
def test_gssproxy_start_refused_unless_it_is_the_only_way(lab, unstarted, simple, behavior):
    env = {"GSS_USE_PROXY": "1", **({"GSSPROXY_BEHAVIOR": behavior} if behavior else {})}
    said = unstarted(virtual_host(lab, section("/mail", lab.standin.url), **simple), env=env).check()
    assert re.search("ECA1020: .*section /mail: .*export GSSPROXY_BEHAVIOR=REMOTE_ONLY", said)


@pytest.mark.parametrize("value", ["no", "0", "maybe"])
def test_gssproxy_not_used_the_keytab_is_needed(lab, unstarted, simple, value):
    said = unstarted(virtual_host(lab, section("/mail", lab.standin.url), **simple),
                     env={"GSS_USE_PROXY": value}).check()
    assert re.search("ECA1020: .*EASKerberosKeytab: /nowhere.keytab does not exist", said)


def test_gssproxy_reuse_is_off_and_said_so(lab, holders, proxy, daemon, standin, simple):
    one = proxy(virtual_host(lab, section("/mail", standin.url, EASBackendReuse="verified"), **simple),
                env=daemon().env,
                start_log=["eas_certauth:warn.*ECA1083: section /mail: EASBackendReuse verified is as Off: "])
    connections = {one.request("/mail", holders["alice"]).echo["connection"] for _ in range(3)}
    assert len(connections) == 3
    assert [request["method"] for request in standin.requests()] == ["GET"] * 3, "no probe"
