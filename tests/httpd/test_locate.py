# SPDX-License-Identifier: Apache-2.0
"""EASDirectory dns: and gc:, against the DNS server and the global catalog of the domain controllers."""

import re
import time

import pytest

from lab import process
from lab.network import HostNames
from proxy import section, simple_bind, virtual_host
from reasons import check_grant, check_refusal, line_of
from relay import Relay

LDAP_PORT, CATALOG_PORT = 389, 3268
RELAYS = {"dc1": 190, "dc2": 191, "stranger": 192}    # host numbers
ALL = "_ldap._tcp.dc._msdcs.example.test"
SITE = "_ldap._tcp.Default-First-Site-Name._sites.dc._msdcs.example.test"
OLD = [{"target": "dc1.example.test", "port": LDAP_PORT}]
SHORT = 5             # seconds: the least that a TTL may ask for
AGAIN_SECONDS = 60


def named(target, priority=0, ttl=900):
    """An SRV record."""
    return {"target": target, "port": LDAP_PORT, "priority": priority, "ttl": ttl}


@pytest.fixture
def records(lab):
    """records(…): the domain controllers that DNS names, near by and everywhere; the old ones afterwards."""
    def replace(*wanted):
        for name in (ALL, SITE):
            lab.dc.set_srv(name, list(wanted))
    yield replace
    replace(*OLD)


@pytest.fixture(scope="module")
def second(lab):
    """dc2, a copy of dc1."""
    other = lab.second_controller()
    other.start()
    yield other
    other.stop()


@pytest.fixture
def relays(lab, second):
    """By name: relays under which a client with the fixture `names` finds these hosts."""
    targets = {name: second.address if name == "dc2" else lab.dc.address for name in RELAYS}
    all_of_them = {name: Relay(lab.address(number), LDAP_PORT, (targets[name], LDAP_PORT))
                   for name, number in RELAYS.items()}
    catalog = Relay(lab.address(RELAYS["dc1"]), CATALOG_PORT, (lab.address("dc1"), CATALOG_PORT))
    yield all_of_them
    for one in (*all_of_them.values(), catalog):
        one.close()


@pytest.fixture
def names(lab, relays):
    """Host names that lead to the relays; `stranger` is a host of another domain."""
    folder = lab.root / "locate"
    folder.mkdir(exist_ok=True)
    found = HostNames(folder)
    for name, address in lab.names.addresses.items():
        found.add(name, address)
    for name in ("dc1", "dc2"):
        found.add(f"{name}.example.test", relays[name].address[0])
    found.add("dc.stranger.test", relays["stranger"].address[0])
    return found


@pytest.fixture
def located(lab, proxy, tmp_path, names):
    """located(URLs…): an httpd whose DNS server is dc1, or `dns`; more as in virtual_host()."""
    def start(directory, dns=None, sections=(), start_log=(), **settings):
        merged = {**simple_bind(lab, tmp_path), "EASDirectory": directory, **settings}
        return proxy(virtual_host(lab, section("/certificate", lab.standin.url, EASDelegation="none"), *sections,
                                  **merged),
                     start_log=start_log,
                     env=names.env_with_dns(lab.root / "locate/resolv.conf", dns or lab.dc.address))
    return start


def ask(one, holders, name="alice"):
    """One request that is granted."""
    check_grant(one.request("/certificate", holders[name]))


def served_by(relays, one, holders):
    """The names of the relays through which an answer came for one more request."""
    before = {name: relay.answers for name, relay in relays.items()}
    ask(one, holders)
    return {name for name, relay in relays.items() if relay.answers > before[name]}


def test_dns_gssapi_finds_the_domain_controller_of_the_record(lab, proxy, holders):
    one = proxy(virtual_host(lab, section("/certificate", lab.standin.url, EASDelegation="none"),
                             EASDirectory="dns:example.test"),
                env=lab.names.env_with_dns(lab.root / "resolv.conf", lab.address("dc1")))
    ask(one, holders)


def test_dns_lower_priority_is_used_first_and_the_change_is_noticed(located, records, relays, holders):
    records(named("dc1.example.test", priority=10, ttl=SHORT), named("dc2.example.test", priority=0, ttl=SHORT))
    one = located("dns:example.test")
    assert served_by(relays, one, holders) == {"dc2"}
    records(named("dc1.example.test", priority=0, ttl=SHORT), named("dc2.example.test", priority=10, ttl=SHORT))
    process.wait_until(lambda: served_by(relays, one, holders) == {"dc1"}, AGAIN_SECONDS, "dc1 used after the change")


def test_dns_site_of_the_client_comes_first(located, lab, records, relays, holders):
    records(named("dc1.example.test"))
    lab.dc.set_srv(SITE, [named("dc2.example.test")])
    one = located("dns:example.test")
    ask(one, holders)    # it is this controller that says which site we are in
    process.wait_until(lambda: served_by(relays, one, holders) == {"dc2"}, AGAIN_SECONDS, "the site's controller")


def test_dns_host_of_another_domain_is_told_nothing(located, records, relays, holders):
    records(named("dc.stranger.test", priority=0), named("dc1.example.test", priority=1))
    one = located("dns:example.test")
    ask(one, holders)
    check_grant(one.request("/certificate", holders["bob"]))
    assert relays["stranger"].connections == 0 and relays["dc1"].connections > 0


def test_dns_only_hosts_of_another_domain_is_unavailable_and_says_why(located, records, relays, holders, expect_log):
    records(named("dc.stranger.test"))
    expect_log(line_of("directory-unavailable"))
    outcome = located("dns:example.test").request("/certificate", holders["alice"])
    check_refusal(outcome, "directory-unavailable", r"dc\.stranger\.test .* outside that domain")
    assert relays["stranger"].connections == 0


NONE = r"_ldap\._tcp\.dc\._msdcs\.nowhere\.test: there are none"


def test_dns_no_such_domain_is_unavailable_and_names_the_record(located, holders, expect_log):
    expect_log(line_of("directory-unavailable"))
    one = located("dns:nowhere.test")
    outcomes = [one.request("/certificate", holders["alice"]) for _ in range(2)]
    check_refusal(outcomes[0], "directory-unavailable", NONE)
    assert re.search(NONE, outcomes[1].decision.fields["detail"]), "also of what DNS said a moment ago"


def test_dns_that_froze_leaves_the_last_list(located, second, holders, request):
    for name in (ALL, SITE):
        second.set_srv(name, [named("dc1.example.test", ttl=SHORT)])
    one = located("dns:example.test", dns=second.address)
    ask(one, holders)
    second.freeze()
    request.addfinalizer(second.thaw)
    end = time.monotonic() + 2 * SHORT    # the list has grown old meanwhile, and nobody answers
    while time.monotonic() < end:
        ask(one, holders)


def catalog(lab, located, url):
    """An httpd that asks the global catalog, with a section for passwords and one for a group."""
    return located(url, start_log=[r"ECA1035: section /upn"], sections=(
        section("/password", lab.standin.url, EASDelegation="none", EASAuthenticate="basic"),
        section("/group", lab.standin.url, EASDelegation="none", Require='eas-group "Domain Users"'),
        section("/nobody", lab.standin.url, EASDelegation="none", Require='eas-group "Domain Admins"'),
        section("/upn", lab.standin.url, EASDelegation="none", EASMapping="upn", EASCertificateBackdating="any")))


@pytest.mark.parametrize("url", ["gc:example.test", "gc://dc1.example.test"])
def test_catalog_state_and_groups_are_those_of_the_domain(located, lab, records, relays, holders, url, expect_log):
    expect_log(r"AH01631: user alice@example.test: authorization failure for \"/nobody\"")
    records(named("dc1.example.test"))
    one = catalog(lab, located, url)
    ask(one, holders)
    check_grant(one.request("/upn", holders["dora"]), user=lab.people["dora"].upn)
    check_refusal(one.request("/certificate", holders["carol"]), "account-disabled")
    check_refusal(one.request("/certificate", holders["frank"]), "account-expired")
    check_refusal(one.request("/certificate", holders["nobody"]), "account-not-found")
    check_grant(one.request("/group", holders["alice"]))
    check_refusal(one.request("/nobody", holders["alice"]), "not-authorized")
    check_grant(one.request("/password", basic=("alice", lab.people["alice"].password)))
    check_refusal(one.request("/password", basic=("alice", "wrong")), "password-rejected")
    check_refusal(one.request("/password", basic=("nobody", "wrong")), "password-rejected")
    assert relays["dc1"].answers > 0    # the domain controller, beside the catalog's port


def test_catalog_and_domain_controller_in_one_directory_are_refused(lab, unstarted):
    said = unstarted(virtual_host(lab, section("/mail", lab.standin.url),
                                  EASDirectory="gc:example.test ldap://dc1.example.test")).check()
    assert "ECA1051" in said
