# SPDX-License-Identifier: Apache-2.0
"""Two domain controllers, and everything that can happen to the first of them."""

from functools import partial

import pytest

from lab import process
from lab.network import HostNames
from proxy import section, simple_bind, virtual_host
from reasons import check_grant
from relay import Relay
from swarm import at_once, timed

DEADLINE = 3.0        # EASDirectoryTimeout
MARGIN = 3.0          # for TLS and a busy machine
SHARE = DEADLINE / 2  # of the first of two servers
BACK_SECONDS = 60     # until a server that is back is used again
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
