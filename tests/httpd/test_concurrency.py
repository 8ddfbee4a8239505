# SPDX-License-Identifier: Apache-2.0
"""Nobody sees another's mailbox: many clients on one child, a real mail server says who arrived."""

import itertools
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from lab import process
from lab.eas_client import CONTENT_TYPE, basic, encode
from proxy import HOST, MAIL, section, virtual_host
from swarm import at_once, timed

PEOPLE = ("alice", "bob")
CLIENTS, REQUESTS = 50, 2000
STREAMS = 100         # on each HTTP/2 connection
ALTERNATIONS = 20
PING_SECONDS = 60     # SOGo looks for changes every 5 s
NOTICED_SECONDS = 30

WHO_AM_I = '<Settings xmlns="Settings:"><UserInformation><Get/></UserInformation></Settings>'
HEADERS = {"Content-Type": CONTENT_TYPE, "MS-ASProtocolVersion": "14.1"}


@pytest.fixture(scope="module")
def mail(lab, module_proxy):
    """One child before the mail server that takes Kerberos tickets only."""
    return module_proxy(
        virtual_host(lab, section(MAIL, lab.exchange.url),
                     section("/either" + MAIL, lab.exchange.url,
                             EASAuthenticate="certificate-or-basic"),
                     EASDirectoryCAFile=lab.dc.ca_file, Protocols="h2 http/1.1"),
        modules=["http2"])


@pytest.fixture(scope="module")
def question():
    """Settings/UserInformation in WBXML."""
    return encode(WHO_AM_I)


def target(name, device, path=MAIL):
    """The URL of one device's Settings command."""
    return f"{path}?Cmd=Settings&User={name}&DeviceId={device}&DeviceType=lab"


def addresses_in(body):
    """Every mail address in a WBXML body, where strings stand as they are."""
    return set(re.findall(rb"[\w.]+@example\.test", body))


def check_mailbox(status, body, name):
    """The answer is about this person's mailbox and nobody else's."""
    assert status == 200, body[:500]
    assert addresses_in(body) == {f"{name}@example.test".encode()}


# ---- HTTP/1.1 ----------------------------------------------------------------------------------

def ask_often(mail, certificates, question, number):
    """One client: every second one is bob's, every second pair keeps its connection."""
    name = PEOPLE[number % 2]
    client = mail.client(MAIL, certificates[name], keep_alive=number % 4 < 2, timeout=120)
    with client:
        for _ in range(REQUESTS // CLIENTS):
            answer = client.request("POST", target(name, f"CLIENT{number}"), question, HEADERS)
            check_mailbox(answer.status, answer.body, name)
    return REQUESTS // CLIENTS


def test_mailbox_50_parallel_clients_of_two_people_each_gets_his_own(mail, holders, question):
    certificates = {name: holders[name] for name in PEOPLE}
    asked = at_once(partial(ask_often, mail, certificates, question, number)
                    for number in range(CLIENTS))
    assert sum(asked) == REQUESTS
    assert len(mail.httpd.child_pids()) == 1


def test_mailbox_passwords_alternating_on_one_connection_each_gets_his_own(mail, lab, question):
    with mail.client("/", keep_alive=True) as client:
        for name in itertools.islice(itertools.cycle(PEOPLE), ALTERNATIONS):
            header = {"Authorization": basic(name, lab.people[name].password)}
            answer = client.request("POST", target(name, "TABLET", "/either" + MAIL), question,
                                    {**HEADERS, **header})
            check_mailbox(answer.status, answer.body, name)


def test_mailbox_certificate_beats_the_password_of_another_on_its_connection(mail, lab, holders,
                                                                             question):
    header = {"Authorization": basic("bob", lab.people["bob"].password)}
    with mail.client("/", holders["alice"], keep_alive=True) as client:
        for more in (header, {}, header):
            answer = client.request("POST", target("alice", "PHONE", "/either" + MAIL), question,
                                    {**HEADERS, **more})
            check_mailbox(answer.status, answer.body, "alice")


# ---- HTTP/2 ------------------------------------------------------------------------------------

def ask_over_http2(mail, certificate, name, folder):
    """STREAMS requests in parallel on one HTTP/2 connection: curl's report and the bodies."""
    url = f"https://{HOST}{target(name, 'H2')}&Number=[1-{STREAMS}]"
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--insecure", "--http2", "--parallel",
         "--parallel-max", str(STREAMS), "--resolve", f"{HOST}:443:{mail.address}",
         "--cert", certificate.chain, "--key", certificate.key,
         "--data-binary", f"@{folder / 'question'}",
         *(word for pair in HEADERS.items() for word in ("--header", ": ".join(pair))),
         "--output", folder / f"{name}-#1", "--write-out", "%{http_version} %{response_code}\n",
         url], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    bodies = [(folder / f"{name}-{number}").read_bytes() for number in range(1, STREAMS + 1)]
    return done.stdout.split("\n")[:-1], bodies


def test_mailbox_parallel_http2_streams_each_gets_his_own(mail, holders, question, tmp_path):
    (tmp_path / "question").write_bytes(question)
    results = at_once(partial(ask_over_http2, mail, holders[name], name, tmp_path)
                      for name in PEOPLE)
    for name, (report, bodies) in zip(PEOPLE, results):
        assert report == ["2 200"] * STREAMS
        for body in bodies:
            check_mailbox(200, body, name)


# ---- Ping --------------------------------------------------------------------------------------

def waits_for_ping(mail, device):
    """Whether the device's Ping has been passed on."""
    return any(decision.fields.get("cmd") == "Ping" and decision.fields.get("device") == device
               for decision in mail.decisions())


def test_ping_returns_early_when_a_second_device_adds_a_contact(mail, holders):
    phone = mail.client(MAIL, holders["alice"], device="PHONE1", timeout=PING_SECONDS + 30)
    tablet = mail.client(MAIL, holders["alice"], device="TABLET1")
    phone.prepare_ping()
    tablet.folder_sync()
    tablet.sync_all()
    with ThreadPoolExecutor(1) as pool:
        ping = pool.submit(timed, phone.ping, PING_SECONDS)
        process.wait_until(partial(waits_for_ping, mail, "PHONE1"), 10, "Ping passed on")
        assert not ping.done()
        tablet.add_contact("Heidi")
        answer, seconds = ping.result()
    assert (answer.status, answer.value("Status")) == (200, "2")
    assert seconds < NOTICED_SECONDS
