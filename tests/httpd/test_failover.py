# SPDX-License-Identifier: Apache-2.0
"""Two domain controllers, and everything that can happen to the first of them."""

from functools import partial

import pytest

from lab import kerberos, process
from lab.network import HostNames
from proxy import section, simple_bind, virtual_host
from reasons import check_answer, check_grant, line_of
from relay import Relay
from swarm import at_once, timed

DEADLINE = 3.0        # EASDirectoryTimeout
MARGIN = 3.0          # for TLS and a busy machine
SHARE = DEADLINE / 2  # of the first of two servers
BACK_SECONDS = 60     # until a server that is back is used again
FROZEN_KDC_SECONDS = 90    # libkrb5 spends up to 10 s on it in each of three exchanges, on a helper
LDAPS_PORT = 636
RELAY = 197           # host number

FAULTS = ("refuse", "silence", "garble", "cut")


@pytest.fixture(scope="module")
def second(lab):
    """dc2, a copy of dc1."""
    other = lab.second_controller()
    other.start()
    yield other
    other.stop()


@pytest.fixture
def first(lab):
    """The relay in front of dc1."""
    relay = Relay(lab.address(RELAY), LDAPS_PORT, (lab.address("dc1"), LDAPS_PORT))
    yield relay
    relay.close()


@pytest.fixture
def both(lab, proxy, tmp_path, first, second):
    """An httpd that prefers dc1, which it finds at the relay."""
    folder = lab.root / "failover"
    folder.mkdir(exist_ok=True)
    names = HostNames(folder)
    for name, address in lab.names.addresses.items():
        names.add(name, address)
    names.add("dc1.example.test", lab.address(RELAY))
    return proxy(virtual_host(
        lab, section("/certificate", lab.standin.url, EASDelegation="none"),
        section("/password", lab.standin.url, EASDelegation="none", EASAuthenticate="basic"),
        **simple_bind(lab, tmp_path, EASDirectory="ldaps://dc1.example.test ldaps://dc2.example.test")),
        env={"NSS_WRAPPER_HOSTS": str(names.path)})


def ask(one, holders, name="alice"):
    """One request by certificate and how long it took."""
    outcome, seconds = timed(partial(one.request, "/certificate", holders[name]))
    check_grant(outcome)
    return seconds


def answers_of(relay, one, holders):
    """How many pieces the first server has sent for one more request."""
    before = relay.answers
    ask(one, holders)
    return relay.answers - before


@pytest.mark.parametrize("state", ["warm", "cold"])
@pytest.mark.parametrize("fault", FAULTS)
def test_failover_second_server_does_it_and_the_first_is_used_again(both, first, holders, lab, fault, state):
    if state == "warm":
        assert answers_of(first, both, holders) > 0
    getattr(first, fault)()
    assert ask(both, holders) < DEADLINE + MARGIN
    # what is known of the first server now costs no time
    assert ask(both, holders, "bob") < SHARE
    check_grant(both.request("/password", basic=("alice", lab.people["alice"].password)))
    first.forward()
    # one answer may be what the silence held back
    process.wait_until(lambda: all(answers_of(first, both, holders) > 0 for _ in range(3)), BACK_SECONDS,
                       "dc1 used again")


def test_failover_many_at_once_all_get_in(both, first, holders):
    names = ("alice", "bob", "dora", "erin")
    for name in names:
        ask(both, holders, name)
    first.silence()
    for seconds in at_once([partial(ask, both, holders, name) for name in names * 10]):
        assert seconds < DEADLINE + MARGIN


# ---- the KDC alone: LDAP is dc2's -----------------------------------------------------------------

@pytest.fixture
def with_kdcs(lab, holders, proxy, tmp_path, second):
    """with_kdcs("dc1", …): an httpd that asks these KDCs in this order, and dc2 for accounts."""
    def start(*names):
        for name in ("alice", "bob", "dora"):
            holders[name]    # while dc1 can be asked
        conf = kerberos.write_configuration(lab.root / f"krb5-{'-'.join(names)}.conf", map(lab.address, names))
        return proxy(virtual_host(
            lab, section("/certificate", lab.standin.url),
            **simple_bind(lab, tmp_path, EASDirectory="ldaps://dc2.example.test")), env={"KRB5_CONFIG": str(conf)})
    yield start
    lab.dc.thaw()
    if not lab.dc.daemon.alive():
        lab.dc.start()


def ask_in_time(one, holders, name):
    """One request, answered before the deadline."""
    outcome, seconds = timed(partial(one.request, "/certificate", holders[name]))
    assert seconds < DEADLINE + MARGIN
    return outcome


def served(one, holders, name):
    """The outcome when it is a success; until then nothing but kdc-unavailable, in time."""
    outcome = ask_in_time(one, holders, name)
    if outcome.status == 200:
        return outcome
    check_answer(outcome, "kdc-unavailable")
    return None


@pytest.mark.parametrize("go, come", [("kill", "start"), ("freeze", "thaw")])
def test_failover_only_kdc_gone_new_users_wait_and_the_others_notice_nothing(
        with_kdcs, lab, holders, expect_log, go, come):
    one = with_kdcs("dc1")
    check_grant(ask_in_time(one, holders, "alice"))
    getattr(lab.dc, go)()
    expect_log(line_of("kdc-unavailable"))
    for _ in range(3):
        check_answer(ask_in_time(one, holders, "bob"), "kdc-unavailable")
        check_grant(ask_in_time(one, holders, "alice"))
    getattr(lab.dc, come)()
    check_grant(process.wait_until(lambda: served(one, holders, "bob"), BACK_SECONDS, "bob served"))


def test_failover_first_kdc_dead_new_users_get_in_at_once(with_kdcs, lab, holders):
    one = with_kdcs("dc1", "dc2")
    check_grant(ask_in_time(one, holders, "alice"))
    lab.dc.kill()
    for name in ("alice", "bob", "dora"):
        check_grant(ask_in_time(one, holders, name))


def test_failover_first_kdc_frozen_new_users_get_in_and_the_others_notice_nothing(
        with_kdcs, lab, holders, allow_log):
    one = with_kdcs("dc1", "dc2")
    check_grant(ask_in_time(one, holders, "alice"))
    lab.dc.freeze()
    allow_log(line_of("kdc-unavailable"))

    def bob_is_served():
        check_grant(ask_in_time(one, holders, "alice"))
        return served(one, holders, "bob")
    check_grant(process.wait_until(bob_is_served, FROZEN_KDC_SECONDS, "bob served by dc2's KDC"))
