# SPDX-License-Identifier: Apache-2.0
"""The main job before your eyes: phones, an Active Directory and a mail server, one line for each try."""

import argparse
import functools
import http.client
import os
import re
import shutil
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from lab import process
from lab.eas_client import EasClient, tls_context
from lab.httpd import DEFAULT_MODULES
from lab.laboratory import Laboratory

TREE = Path(__file__).resolve().parent.parent
MODULE = TREE / "build/mod_eas_certauth.so"
SHORT_CONFIGURATION = TREE / "conf/examples/exchange.conf"
ROOT = Path("/tmp/eas-certauth-demo")
HOST = "mail.example.test"
PATH = "/Microsoft-Server-ActiveSync"
LOG_LINES = 12
BACK_SECONDS = 15
STRANGER_SID = "S-1-5-21-1004336348-1177238915-682003330-9999"

# The documented short configuration three times, each with another EASAuthenticate.
PORTS = {"certificate": 443, "certificate-or-basic": 8443, "certificate-and-basic": 9443}

GLOBAL = """\
ServerName {host}
{listen}
# one child, so that alice's ticket is where her next request comes to
ServerLimit 1
ThreadLimit 256
ThreadsPerChild 256
MaxRequestWorkers 256
SSLSessionCache shmcb:${{FOLDER}}/run/sessions(512000)
# sogod reads no chunked bodies; Exchange does.
SetEnv proxy-sendcl 1
EASDirectoryCAFile {directory_ca}
"""


class Usage(Exception):
    """Something the person who runs the demo can mend; the text says how."""


# ---- the proxy ---------------------------------------------------------------------------

def adapt(text, address, port, values):
    """The short configuration with this machine's address and paths in the places of its own."""
    text = re.sub(r"(?m)^(\s*<VirtualHost\s+)\S+?>", rf"\g<1>{address}:{port}>", text)
    for directive, value in values.items():
        text, found = re.subn(rf"(?m)^(\s*{directive}\s+)\S+", rf"\g<1>{value}", text)
        if not found:
            raise Usage(f"{SHORT_CONFIGURATION} has no {directive}")
    return text


def make_proxy(laboratory):
    """The httpd with our module, not started."""
    address, server = laboratory.address("mail"), laboratory.server_certificate("mail")
    values = {"SSLCertificateFile": server.chain, "SSLCertificateKeyFile": server.key,
              "SSLCACertificateFile": laboratory.pki.trusted,
              "EASTrustedIssuers": laboratory.pki.trusted,
              "EASKerberosKeytab": laboratory.proxy_keytab,
              "SSLProxyCACertificateFile": laboratory.exchange.ca_file}
    short = SHORT_CONFIGURATION.read_text(encoding="utf-8")
    text = GLOBAL.format(
        host=HOST, listen="\n".join(f"Listen {address}:{port}" for port in PORTS.values()),
        directory_ca=laboratory.dc.ca_file)
    for name, port in PORTS.items():
        text += adapt(short, address, port, {**values, "EASAuthenticate": name})
    return laboratory.httpd("proxy", text, modules=DEFAULT_MODULES,
                            module_files={"eas_certauth_module": MODULE},
                            log_level="warn eas_certauth:info",
                            env=laboratory.names.env_with_dns(laboratory.root / "resolv.conf",
                                                              laboratory.address("dc1")))


# ---- the people ---------------------------------------------------------------------------

class Phones:
    """Certificates, and devices that show them."""

    def __init__(self, laboratory):
        self.laboratory = laboratory
        self.address = laboratory.address("mail")
        self.ca_file = laboratory.server_certificate("mail").root
        issuing, strange = laboratory.pki.issuing, laboratory.pki.strange
        self.certificates = {name: self._issue(issuing, name, name)
                             for name in ("alice", "bob", "carol", "dora", "erin")}
        self.certificates["expired"] = self._issue(issuing, "alice-expired", "alice",
                                                   not_before=-30, not_after=-1)
        self.certificates["strange"] = self._issue(strange, "alice-strange", "alice")
        self.certificates["new"] = self._issue(issuing, "alice-new", "alice")
        self.certificates["mallory"] = issuing.issue("mallory", upn="mallory@example.test",
                                                     sid=STRANGER_SID)

    def _issue(self, authority, name, person, **more):
        return authority.issue(name, upn=self.laboratory.people[person].upn,
                               sid=self.laboratory.dc.sid(person), **more)

    def device(self, certificate=None, *, policy="certificate", login=None, password=None,
               device="DEMO1"):
        """A device with a certificate (by name), with a password, with both or with neither."""
        shown = self.certificates[certificate] if certificate else None
        if login and password is None:
            password = self.laboratory.people[login].password
        return EasClient(f"https://{HOST}:{PORTS[policy]}{PATH}", address=self.address,
                         context=tls_context(self.ca_file, shown), user=login or certificate or "-",
                         password=password, device=device, timeout=70)


# ---- what came back ---------------------------------------------------------------------------

@dataclass(frozen=True)
class Try:
    """One line of the demo: `ask` returns timed()'s pair, `judge` (as expected?, what came back)."""

    who: str
    what: str
    ask: Callable
    judge: Callable


def timed(ask, *arguments):
    """(Answer, seconds)."""
    begin = time.monotonic()
    answer = ask(*arguments)
    return answer, time.monotonic() - begin


def attempt(who, what, ask, judge):
    """A Try that asks when its turn comes."""
    return Try(who, what, functools.partial(timed, ask), judge)


def versions(answer):
    """OPTIONS: the protocol versions."""
    offered = answer.headers.get("MS-ASProtocolVersions", "")
    return answer.status == 200 and "14.1" in offered, f"versions {offered}"


def policy(answer):
    """Provision: SOGo has no policy for anybody, which is policy status 2 (MS-ASPROV 2.2.2.54.2)."""
    done, found = (answer.values("Status") + [None, None])[:2]
    words = {"1": "a policy", "2": "no policy wanted"}.get(found, f"policy status {found}")
    return answer.status == 200 and done == "1" and found in ("1", "2"), words


def folders(answer):
    """FolderSync: how many folders there are."""
    count = int(answer.value("Count") or 0)
    return answer.status == 200 and count > 0, f"{count} folders"


def mailbox(address, answer):
    """Settings: the server says whose mailbox this is."""
    seen = answer.value("PrimarySmtpAddress") or answer.value("SMTPAddress")
    return answer.status == 200 and seen == address, f"mailbox of {seen}"


def ping(expected, answer):
    """Ping: 1 nothing new, 2 something changed."""
    words = {"1": "nothing new", "2": "something changed"}
    status = answer.value("Status")
    return (answer.status == 200 and status == expected,
            f"Ping status {status}, {words.get(status, 'neither 1 nor 2')}")


def refused(proxy, status, reason, answer):
    """A refusal: its reason in header, body and log."""
    told = answer.headers.get("X-EAS-Reason", "no reason")
    found = re.search(rb"Request id: (\S+)", answer.body)
    number = found.group(1).decode() if found else "none"
    logged = any(f"id={number} " in line and f"reason={told} " in line
                 for line in proxy.error_log().splitlines())
    retry = answer.headers.get("Retry-After")
    text = f"{told}{f', Retry-After {retry}' if retry else ''}, log id={number}"
    good = (answer.status == status and told == reason and logged
            and (status != 503 or retry is not None))
    return good, text + ("" if logged else " (not in the log)")


# ---- the tries ---------------------------------------------------------------------------

def everyday_tries(phones):
    """What phones do all day."""
    address = {name: account.mail for name, account in phones.laboratory.people.items()}
    for name in ("alice", "bob"):
        device, who = phones.device(name), f"{name}'s certificate"
        yield attempt(who, "OPTIONS", device.options, versions)
        yield attempt(who, "Provision", device.provision, policy)
        yield attempt(who, "FolderSync", device.folder_sync, folders)
        yield attempt(who, "Settings", device.user_information,
                  functools.partial(mailbox, address[name]))
    yield attempt("dora's, UPN dora.smith@mail.example.org", "Settings",
              phones.device("dora").user_information, functools.partial(mailbox, address["dora"]))
    yield attempt("erin's, whose name is Érin Łuk", "Settings",
              phones.device("erin").user_information, functools.partial(mailbox, address["erin"]))


def push_tries(phones, proxy):
    """Ping, with and without news; both wait at the same time."""
    alice, bob = phones.device("alice", device="PHONE1"), phones.device("bob")
    tablet = phones.device("alice", device="TABLET1")
    with ThreadPoolExecutor() as pool:
        list(pool.map(EasClient.prepare_ping, (alice, bob)))
        tablet.folder_sync()
        tablet.sync_all()
        quiet, news = pool.submit(timed, bob.ping, 5), pool.submit(timed, alice.ping, 60)
        pool.submit(add_when_waiting, proxy, alice, tablet)
        yield Try("bob's certificate", "Ping, 5 s", quiet.result, functools.partial(ping, "1"))
        yield Try("alice's; her tablet adds a contact", "Ping, 60 s", news.result,
                  functools.partial(ping, "2"))


def add_when_waiting(proxy, phone, tablet):
    """Adds a contact once the phone's Ping is at the mail server."""
    line = re.compile(rf"reason=granted .*device={phone.device} cmd=Ping")
    process.wait_until(lambda: line.search(proxy.error_log()), 5, "the Ping's way to the mail server")
    return tablet.add_contact(f"Contact {time.time_ns()}")


def password_tries(phones, refuse):
    """Passwords, alone and next to a certificate."""
    alice = functools.partial(mailbox, phones.laboratory.people["alice"].mail)
    either, both = "certificate-or-basic", "certificate-and-basic"

    def settings(*arguments, **more):
        return phones.device(*arguments, **more).user_information

    yield attempt("alice's password", "certificate-or-basic", settings(policy=either, login="alice"), alice)
    yield attempt("alice's certificate", "certificate-or-basic", settings("alice", policy=either), alice)
    yield attempt("alice's certificate and password", "certificate-and-basic",
              settings("alice", policy=both, login="alice"), alice)
    yield attempt("alice's certificate alone", "certificate-and-basic", settings("alice", policy=both),
              refuse(401, "password-required"))
    yield attempt("alice's certificate, bob's password", "certificate-and-basic",
              settings("alice", policy=both, login="bob"), refuse(403, "user-mismatch"))
    yield attempt("alice, a wrong password", "certificate-or-basic",
              settings(policy=either, login="alice", password="wrong"), refuse(401, "password-rejected"))
    yield attempt("neither certificate nor password", "certificate-or-basic", settings(policy=either),
              refuse(401, "credentials-required"))
    yield attempt("an expired certificate, right password", "certificate-or-basic",
              settings("expired", policy=either, login="alice"), refuse(403, "certificate-expired"))


def refused_tries(phones, refuse):
    """Who must not come in."""
    rows = (("no certificate", None, "certificate-required"),
            ("mallory's certificate, in no account", "mallory", "account-not-found"),
            ("carol's certificate, disabled", "carol", "account-disabled"),
            ("alice's, expired yesterday", "expired", "certificate-expired"),
            ("alice's name, from a strange CA", "strange", "certificate-untrusted"))
    for who, certificate, reason in rows:
        yield attempt(who, "Settings", phones.device(certificate).user_information, refuse(403, reason))


def outage_tries(phones, refuse):
    """Active Directory goes away and comes back."""
    controller = phones.laboratory.dc
    alice = phones.device("alice")
    controller.stop()
    yield attempt("alice's, Active Directory is down", "Settings", alice.user_information,
              functools.partial(mailbox, phones.laboratory.people["alice"].mail))
    yield attempt("alice's new phone, not seen before", "Settings", phones.device("new").user_information,
              refuse(503, "directory-unavailable"))
    yield attempt("alice's password, it is still down", "certificate-or-basic",
              phones.device(policy="certificate-or-basic", login="alice").user_information,
              refuse(503, "directory-unavailable"))
    controller.start()
    yield attempt("alice's new phone, it is back", "Settings",
              functools.partial(ask_until_served, phones.device("new")),
              functools.partial(mailbox, phones.laboratory.people["alice"].mail))


def ask_until_served(device):
    """What a patient phone gets: the first answer that is no 503, or the last one."""
    deadline = time.monotonic() + BACK_SECONDS
    answer = device.user_information()
    while answer.status == 503 and time.monotonic() < deadline:
        time.sleep(0.1)
        answer = device.user_information()
    return answer


# ---- the show ---------------------------------------------------------------------------

def perform(one, proxy):
    """Does one try and prints its line; True when it went as expected."""
    try:
        answer, seconds = one.ask()
        good, text = one.judge(answer)
        came = f"{answer.status} {seconds:5.1f} s  {text}"
    except (OSError, http.client.HTTPException, process.NotReady, RuntimeError) as failure:
        good, came = False, f"no answer: {failure}"
    print(f"{'as expected' if good else 'UNEXPECTED':12} {one.who:42} {one.what:22} {came}", flush=True)
    if not good:
        print("  the last lines of the proxy's error log:")
        for line in proxy.error_log().splitlines()[-LOG_LINES:]:
            print(f"    {line}")
    return good


def play(phones, proxy):
    """Every try in order; how they went."""
    refuse = functools.partial(functools.partial, refused, proxy)
    parts = (("what phones do all day", everyday_tries(phones)),
             ("push: a Ping waits until something changes", push_tries(phones, proxy)),
             ("passwords, where the section allows or wants them", password_tries(phones, refuse)),
             ("who must not come in", refused_tries(phones, refuse)),
             ("an outage is 503, never a wrong password", outage_tries(phones, refuse)))
    results = []
    for title, tries in parts:
        print(f"\n-- {title}")
        results += [perform(one, proxy) for one in tries]
    return results


def explain_keep(phones, proxy):
    """How to go on by hand."""
    alice = phones.certificates["alice"]
    password = phones.laboratory.people["alice"].password
    common = f"curl -i -X OPTIONS --cacert {phones.ca_file}"
    resolve = "--resolve {host}:{port}:{address} https://{host}:{port}{path}"
    urls = {name: resolve.format(host=HOST, port=port, address=phones.address, path=PATH)
            for name, port in PORTS.items()}
    print(f"""
Everything is left running. Try, for example

with alice's certificate:
  {common} --cert {alice.chain} --key {alice.key} {urls['certificate']}
with nothing (403 certificate-required):
  {common} {urls['certificate']}
with alice's password, where the section also takes one (EASAuthenticate certificate-or-basic):
  {common} -u alice:{password} {urls['certificate-or-basic']}

More certificates: {alice.pem.parent}
The proxy's log:   {proxy.error_log_file}
Its configuration: {proxy.folder / 'conf/site.conf'}

To end it:
  {sys.executable} {Path(__file__).resolve()} --stop""")


def check_conditions():
    """Refuses what cannot work, in one sentence each."""
    for path, remedy in ((MODULE, "run: make"), (SHORT_CONFIGURATION, "it belongs to the tree")):
        if not path.exists():
            raise Usage(f"{path} is missing; {remedy}")
    if ROOT.is_symlink() or (ROOT.exists() and ROOT.stat().st_uid != os.geteuid()):
        raise Usage(f"{ROOT} belongs to somebody else; remove it")


def stop_all():
    """Ends whatever an earlier run left, and removes its folder."""
    if ROOT.exists():
        Laboratory(ROOT).stop()
        shutil.rmtree(ROOT, ignore_errors=True)


def run(keep):
    """The whole demo; the exit status."""
    begin = time.monotonic()
    print("starting Active Directory (Samba), SOGo behind Kerberos, and the proxy ...", flush=True)
    laboratory = Laboratory(ROOT)
    laboratory.start()
    phones, proxy = Phones(laboratory), make_proxy(laboratory)
    proxy.start()
    print(f"up after {time.monotonic() - begin:.0f} s, all on {laboratory.address(0)}/24")
    results = play(phones, proxy)
    print(f"\n{sum(results)} of {len(results)} as expected, after {time.monotonic() - begin:.0f} s")
    if keep:
        explain_keep(phones, proxy)
    return 0 if all(results) else 1


def finish(status):
    """Ends everything; after an unexpected result the folder with the logs stays."""
    if status == 1 and ROOT.exists():
        Laboratory(ROOT).stop()
        print(f"the logs are kept in {ROOT}")
    else:
        stop_all()


def show(keep):
    """The demo from nothing to nothing; the exit status. A stranger sees sentences, not stack traces."""
    status, complete = 1, False
    try:
        check_conditions()
        stop_all()
        status, complete = run(keep), True
    except (Usage, process.NotReady, RuntimeError, OSError) as failure:
        print(f"the demo cannot run: {failure}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        status = 130
    finally:
        if not (keep and complete):
            finish(status)
    return status


def main():
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running")
    parser.add_argument("--stop", action="store_true", help="end what --keep left running")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)    # ends as Ctrl-C does
    if os.geteuid() != 0:
        print("the laboratory starts servers on ports below 1024: run it as root", file=sys.stderr)
        return 1
    if arguments.stop:
        stop_all()
        return 0
    return show(arguments.keep)


if __name__ == "__main__":
    sys.exit(main())
