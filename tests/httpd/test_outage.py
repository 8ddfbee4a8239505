# SPDX-License-Identifier: Apache-2.0
"""Directory and KDC stopped, frozen, refusing or silent: 503 in time, never a wrong password."""

from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial

import pytest

from lab import kerberos, process
from lab.eas_client import basic
from lab.network import HostNames
from proxy import section, simple_bind, virtual_host
from reasons import check_answer, check_grant, line_of
from relay import Relay
from swarm import at_once, timed

DEADLINE = 3.0       # EASDirectoryTimeout and EASKerberosTimeout
SHORT = 0.5          # an EASKerberosTimeout
MARGIN = 3.0         # for TLS and a busy machine
CROWD_MARGIN = 3.0   # 200 clients are threads of one Python on the same processors
BACK_SECONDS = 8     # from the servers' return to the first success
CROWD = 200
CROWD_WORKERS = ("ServerLimit 1\nThreadLimit 320\nThreadsPerChild 320\nMaxRequestWorkers 320\n"
                 "MinSpareThreads 1\n")
QUICK = 1.0          # of one that waits for nobody

LDAP_RELAY, KDC_RELAY = 198, 199    # host numbers
LDAP_PORT, KDC_PORT = 389, 88


def sections(lab):
    """Sections for a certificate and for a password, and one that looks nothing up."""
    return (section("/certificate", lab.standin.url),
            section("/password", lab.standin.url, EASAuthenticate="basic"),
            f"<Location /plain>\nRequire all granted\nProxyPass {lab.standin.url}\n</Location>")


def proxy_behind_ldap_relay(lab, proxy):
    """An httpd that finds dc1's LDAP at the relay and its KDC at its real address."""
    folder = lab.root / "ldap-relay"
    folder.mkdir(exist_ok=True)
    names = HostNames(folder)
    for name, address in lab.names.addresses.items():
        names.add(name, address)
    names.add("dc1.example.test", lab.address(LDAP_RELAY))
    return proxy(virtual_host(lab, *sections(lab), EASDirectoryCAFile=lab.dc.ca_file),
                 env={"NSS_WRAPPER_HOSTS": str(names.path)})


def proxy_behind_kdc_relay(lab, proxy, folder, **settings):
    """An httpd that finds the KDC at the relay and needs none for its LDAP."""
    conf = kerberos.write_configuration(lab.root / "krb5-relay.conf", [lab.address(KDC_RELAY)])
    return proxy(virtual_host(lab, *sections(lab), **simple_bind(lab, folder, **settings)),
                 env={"KRB5_CONFIG": str(conf)})


@pytest.fixture
def behind_relay(lab, proxy, tmp_path):
    """behind_relay("directory" | "kdc"): the Relay in front of that server, and the Proxy behind."""
    relays = []

    def make(server, **settings):
        number, port = (LDAP_RELAY, LDAP_PORT) if server == "directory" else (KDC_RELAY, KDC_PORT)
        relays.append(Relay(lab.address(number), port, (lab.address("dc1"), port)))
        one = (proxy_behind_ldap_relay(lab, proxy) if server == "directory"
               else proxy_behind_kdc_relay(lab, proxy, tmp_path, **settings))
        return relays[-1], one
    yield make
    for relay in relays:
        relay.close()


@pytest.fixture
def controller(lab):
    """The domain controller, running again when the test ends."""
    yield lab.dc
    lab.dc.thaw()
    if not lab.dc.daemon.alive():
        lab.dc.start()


def requests_of(one, lab, holders, name):
    """How a person asks by certificate and by password."""
    password = (name, lab.people[name].password)
    return (partial(one.request, "/certificate", holders[name]),
            partial(one.request, "/password", basic=password))


def check_outage(one, lab, holders, reason, name="bob"):
    """Both ways in get 503 with the reason before the deadline."""
    for outcome, seconds in at_once(partial(timed, ask)
                                    for ask in requests_of(one, lab, holders, name)):
        check_answer(outcome, reason)
        assert outcome.decision.fields["reason"] == reason
        assert outcome.access["EAS_REASON"] == reason
        assert seconds < DEADLINE + MARGIN


def wait_until_back(one, lab, holders, name="bob"):
    """Both ways in succeed within seconds, and nobody is told anything but 503 meanwhile."""
    def served(ask):
        outcome = ask()
        assert outcome.status in (200, 503), outcome.text
        return outcome if outcome.status == 200 else None
    for ask in requests_of(one, lab, holders, name):
        outcome = process.wait_until(partial(served, ask), BACK_SECONDS, "served again")
        check_grant(outcome, user=lab.people[name].upn)


# ---- one server at a time --------------------------------------------------------------------

@pytest.mark.parametrize("state", ["warm", "cold"])
@pytest.mark.parametrize("how", ["refuse", "silence"])
@pytest.mark.parametrize("server", ["directory", "kdc"])
def test_outage_of_one_server_is_503_until_it_is_back(lab, holders, behind_relay, expect_log,
                                                      server, how, state):
    relay, one = behind_relay(server)
    if state == "warm":
        check_grant(one.request("/certificate", holders["alice"]), user="alice@example.test")
    getattr(relay, how)()
    reason = f"{server}-unavailable"
    expect_log(line_of(reason))
    check_outage(one, lab, holders, reason)
    check_outage(one, lab, holders, reason)
    relay.forward()
    wait_until_back(one, lab, holders)


@pytest.mark.parametrize("how", ["refuse", "silence"])
def test_outage_of_kdc_is_not_noticed_by_whose_ticket_is_there(lab, holders, behind_relay, how):
    relay, one = behind_relay("kdc")
    ask_by_certificate, ask_by_password = requests_of(one, lab, holders, "alice")
    check_grant(ask_by_certificate(), user="alice@example.test")
    getattr(relay, how)()
    check_grant(ask_by_certificate(), user="alice@example.test")
    check_grant(ask_by_password(), user="alice@example.test")


def test_outage_of_kdc_nobody_waits_longer_than_the_setting(lab, holders, behind_relay, expect_log):
    relay, one = behind_relay("kdc", EASKerberosTimeout=int(SHORT * 1000))
    relay.silence()
    expect_log(line_of("kdc-unavailable"))
    outcome, seconds = timed(one.request, "/certificate", holders["alice"])
    check_answer(outcome, "kdc-unavailable")
    assert SHORT <= seconds < SHORT + MARGIN
    assert "did not answer within 5" in outcome.decision.fields["detail"]


# ---- the whole domain controller ---------------------------------------------------------------

@pytest.mark.parametrize("state", ["warm", "cold"])
@pytest.mark.parametrize("go, come", [("stop", "start"), ("freeze", "thaw")])
def test_outage_of_the_domain_controller_is_503_until_it_is_back(lab, holders, proxy, controller,
                                                                 expect_log, go, come, state):
    one = proxy(virtual_host(lab, *sections(lab), EASDirectoryCAFile=lab.dc.ca_file))
    if state == "warm":
        check_grant(one.request("/certificate", holders["alice"]), user="alice@example.test")
    getattr(controller, go)()
    expect_log(line_of("directory-unavailable"))
    check_outage(one, lab, holders, "directory-unavailable")
    getattr(controller, come)()
    wait_until_back(one, lab, holders)


# ---- many at the same time -------------------------------------------------------------------

def connected(one, certificate):
    """A client whose connection stands already, so that only the request's time is measured."""
    client = one.client("/", certificate, keep_alive=True)
    assert client.request("GET", "/plain").status == 200
    return client


def crowd_of(one, lab, holders):
    """Half come with alice's certificate, half with a password each of their own."""
    for number in range(CROWD):
        if number % 2:
            yield partial(connected(one, holders["alice"]).request, "GET", "/certificate")
        else:
            header = {"Authorization": basic(f"user-{number}", "Some.Pw.2026")}
            yield partial(connected(one, None).request, "GET", "/password", None, header)


def look_on(client, crowd):
    """Requests that need no look-up, for as long as the crowd waits: their answers and times."""
    seen = []
    while not wait([crowd], timeout=0.05).done:
        seen.append(timed(client.request, "GET", "/plain"))
    return seen


def test_outage_crowd_is_answered_in_time_and_other_sections_are_not_slower(
        lab, holders, proxy, controller, expect_log):
    one = proxy(virtual_host(lab, *sections(lab), EASDirectoryCAFile=lab.dc.ca_file,
                             KeepAliveTimeout="60"), workers=CROWD_WORKERS)
    asks = [partial(timed, ask) for ask in crowd_of(one, lab, holders)]
    bystander = connected(one, None)
    expect_log(line_of("directory-unavailable"))
    controller.freeze()
    with ThreadPoolExecutor(1) as pool:
        crowd = pool.submit(at_once, asks)
        looked = look_on(bystander, crowd)
    for answer, seconds in crowd.result():
        check_answer_headers(answer, "directory-unavailable")
        assert seconds < DEADLINE + CROWD_MARGIN
    assert len(looked) > 10 and all(answer.status == 200 for answer, _ in looked)
    assert max(seconds for _, seconds in looked) < QUICK


def check_answer_headers(answer, reason):
    """The device's side of a 503, from a plain Answer."""
    assert (answer.status, answer.headers["X-EAS-Reason"]) == (503, reason)
    assert 60 <= int(answer.headers["Retry-After"]) <= 75
