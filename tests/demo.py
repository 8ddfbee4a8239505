# SPDX-License-Identifier: Apache-2.0
"""The main job before your eyes: phones, an Active Directory and a mail server, one line for each try."""

import functools
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import demo_show
from demo_show import HOST, MODULE, PATH, PORTS, TREE, Try, adapt, attempt, timed
from lab import process
from lab.eas_client import EasClient, tls_context
from lab.httpd import DEFAULT_MODULES
from lab.laboratory import Laboratory

SHORT_CONFIGURATION = TREE / "conf/examples/exchange.conf"
ROOT = Path("/tmp/eas-certauth-demo")
BACK_SECONDS = 15
STRANGER_SID = "S-1-5-21-1004336348-1177238915-682003330-9999"

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


# ---- the proxy ---------------------------------------------------------------------------

def make_proxy(laboratory):
    """The httpd with our module, not started."""
    address, server = laboratory.address("mail"), laboratory.server_certificate("mail")
    values = {"SSLCertificateFile": server.chain, "SSLCertificateKeyFile": server.key,
              "SSLCACertificateFile": laboratory.pki.trusted,
              "EASTrustedIssuers": laboratory.pki.trusted,
              "EASKerberosKeytab": laboratory.proxy_keytab,
              "SSLProxyCACertificateFile": laboratory.exchange.ca_file}
    text = GLOBAL.format(
        host=HOST, listen="\n".join(f"Listen {address}:{port}" for port in PORTS.values()),
        directory_ca=laboratory.dc.ca_file)
    for name, port in PORTS.items():
        text += adapt(SHORT_CONFIGURATION, address, port, {**values, "EASAuthenticate": name})
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
              functools.partial(demo_show.ask_until, phones.device("new").user_information,
                                    lambda answer: answer.status != 503, BACK_SECONDS),
              functools.partial(mailbox, phones.laboratory.people["alice"].mail))


# ---- the show ---------------------------------------------------------------------------

def all_tries(phones, proxy):
    """(title, tries) in the order of the show."""
    refuse = functools.partial(functools.partial, demo_show.refused, proxy)
    return (("what phones do all day", everyday_tries(phones)),
            ("push: a Ping waits until something changes", push_tries(phones, proxy)),
            ("passwords, where the section allows or wants them", password_tries(phones, refuse)),
            ("who must not come in", refused_tries(phones, refuse)),
            ("an outage is 503, never a wrong password", outage_tries(phones, refuse)))


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
  {sys.executable} {Path(__file__).resolve()} --stop --root {phones.laboratory.root}""")


def run(root, keep):
    """The whole demo; the exit status."""
    begin = time.monotonic()
    print("starting Active Directory (Samba), SOGo behind Kerberos, and the proxy ...", flush=True)
    laboratory = Laboratory(root)
    laboratory.start()
    phones, proxy = Phones(laboratory), make_proxy(laboratory)
    proxy.start()
    print(f"up after {time.monotonic() - begin:.0f} s, all on {laboratory.address(0)}/24")
    results = demo_show.play(all_tries(phones, proxy), proxy)
    print(f"\n{sum(results)} of {len(results)} as expected, after {time.monotonic() - begin:.0f} s")
    if keep:
        explain_keep(phones, proxy)
    return 0 if all(results) else 1


DEMO = demo_show.Demo(
    description=__doc__, root=ROOT, run=run, end=lambda root: Laboratory(root).stop(),
    needs=((MODULE, "run: make"), (SHORT_CONFIGURATION, "it belongs to the tree")))

if __name__ == "__main__":
    sys.exit(demo_show.main(DEMO))
