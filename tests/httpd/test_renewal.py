# SPDX-License-Identifier: Apache-2.0
"""A whole day of tickets that live 290 seconds, for the KDC, the module and the backend that is sent them."""

import itertools
from functools import partial

import pytest

from lab import kerberos, process
from lab.clock import Clock
from lab.persister import Persister
from proxy import MAIL, section, simple_bind, virtual_host
from reuse import prove
from swarm import get
from two_users import PEOPLE, Swarm, judge_mail

LIFETIME = 290              # seconds: Samba gives none that live shorter
STEP, DAY = 27, 24 * 3600    # between two requests; a ticket is used until 30 s are left
RENEWED_BEFORE = 58          # seconds: a fifth
NEW_TGT = "AS-REQ ERR_PREAUTH_REQUIRED"    # the first half of each
EXPIRY_REQUESTS = 1500
S4U2PROXY = "for HTTP/exch.example.test@EXAMPLE.TEST ["


@pytest.fixture
def clock(lab):
    """The servers' clock; theirs alone, so that the laboratory's own domain controller keeps the machine's."""
    return Clock(lab.root / "clock")


@pytest.fixture
def controller(lab, clock):
    """A domain controller whose clock it is."""
    other = lab.second_controller()
    other.daemon.env = clock.environment(other.daemon.env)
    other.start()
    yield other
    other.stop()


@pytest.fixture
def persister(lab, clock):
    """A backend that lets libkrb5 judge every ticket by that clock."""
    one = Persister(lab, lab.root / "persister")
    one.daemon.env = clock.environment(one.daemon.env)
    yield one.start()
    one.stop()


@pytest.fixture
def site(lab, proxy, tmp_path, clock, controller, persister):
    """make(…): an httpd with that clock, too, whose tickets are short; keywords are its section's."""
    conf = kerberos.write_configuration(lab.root / "krb5-short.conf", [lab.address("dc2")])
    conf.write_text(conf.read_text(encoding="utf-8").replace(
        "[realms]", f"    ticket_lifetime = {LIFETIME}\n    udp_preference_limit = 1\n[realms]"), encoding="utf-8")

    def make(**settings):
        directory = simple_bind(lab, tmp_path, EASDirectory="ldaps://dc2.example.test")
        host = virtual_host(lab, section(MAIL, persister.url + MAIL, **settings), KeepAliveTimeout="3600",
                            MaxKeepAliveRequests="0", **directory)
        return proxy(host, cache="shmcb", env=clock.environment({**lab.env, "KRB5_CONFIG": str(conf)}, leaps=True))
    return make


def test_renewal_a_day_of_290_second_tickets_no_request_fails(site, holders, clock, controller, persister):
    one = site()
    client = one.client("/", holders["alice"], keep_alive=True)
    before = len(controller.log())
    for number in range(DAY // STEP):
        answer = get(client, f"{MAIL}?User=alice")
        assert (answer.status, answer.body[:14]) == (200, b"mail of alice "), number
        clock.forward(STEP)
    log = persister.log()
    assert (log["requests"], log["refused"], log["wrong"]) == (DAY // STEP, 0, [])
    log = controller.log()[before:]
    for exchange in (NEW_TGT, S4U2PROXY):
        assert DAY // LIFETIME <= log.count(exchange) < 2 * DAY // LIFETIME


def test_renewal_while_a_connection_asks_all_the_time(site, holders, clock, controller):
    """Its requests are remembered, but for one in a second: whoever sees that it is time has looked nothing up."""
    client = site().client("/", holders["alice"], keep_alive=True)
    before = len(controller.log())

    def is_renewed():
        assert get(client, f"{MAIL}?User=alice").status == 200
        return controller.log()[before:].count(S4U2PROXY) == 2
    assert not is_renewed()
    clock.forward(LIFETIME - RENEWED_BEFORE - 2)
    process.wait_until(is_renewed, 20, "the second ticket")
    assert get(client, f"{MAIL}?User=alice").status == 200


@pytest.mark.parametrize("reuse", ["Off", "verified"])
def test_ticket_that_ends_at_any_moment_of_a_request(site, holders, clock, persister, allow_log, reuse):
    """As when a virtual machine is stopped and goes on minutes later: whoever has just found the ticket good."""
    allow_log("proxy_http:warn.*(AH10404|AH01106)|proxy(_http)?:error.*(AH01102|AH00898)")  # a probe whose time is over
    one = site(EASBackendReuse=reuse)
    client = one.client("/", holders["alice"], keep_alive=True)
    if reuse == "verified":
        prove(one, holders["alice"], persister)
    for reads in itertools.count(1):
        assert get(client, f"{MAIL}?User=alice").status == 200, "its ticket is good"
        passed = clock.passed()
        clock.leap_after(reads, LIFETIME)
        answer = get(client, f"{MAIL}?User=alice")
        assert (answer.status, answer.body[:14]) == (200, b"mail of alice "), reads
        if clock.passed() == passed:
            break
    assert reads > 10, "a request reads the clock more often"


@pytest.mark.parametrize("reuse", ["Off", "verified"])
def test_two_users_while_their_tickets_expire(site, holders, clock, controller, persister, reuse):
    one = site(EASBackendReuse=reuse)
    certificates = {name: holders[name] for name in PEOPLE}
    before = len(controller.log())
    pass_by = partial(clock.forward, LIFETIME)
    Swarm(one, certificates, judge_mail, EXPIRY_REQUESTS).disturb(pass_by, pass_by)
    log = persister.log()
    assert (log["refused"], log["wrong"], log["without_token"]) == (0, [], 0)
    assert log["methods"]["GET"] == EXPIRY_REQUESTS
    assert (log["longest"] > 2) == (reuse == "verified"), "two is the probe"
    assert controller.log()[before:].count(S4U2PROXY) >= 3 * len(PEOPLE), "new ones each time"
