# SPDX-License-Identifier: Apache-2.0
"""The first try, without an Active Directory: accounts in a text file, passwords in another, one line for each try."""

import base64
import functools
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import demo_show
from demo_show import HOST, MODULE, PATH, PORTS, TREE, adapt, ask_until, attempt
from lab import process
from lab.eas_client import EasClient, tls_context
from lab.httpd import DEFAULT_MODULES, Httpd
from lab.laboratory import SYSTEM_ENVIRONMENT
from lab.network import Block, HostNames
from lab.standin import Standin
from pki.hierarchy import Hierarchy

COMMAND = TREE / "build/eas-certauth"
EXAMPLE = TREE / "conf/examples/account-file.conf"
ROOT = Path("/tmp/eas-certauth-demo-file")
CHANGE_SECONDS = 20    # a change is used after two looks, a second apart

GLOBAL = """\
ServerName {host}
{listen}
ServerLimit 1
ThreadLimit 256
ThreadsPerChild 256
MaxRequestWorkers 256
SSLSessionCache shmcb:${{FOLDER}}/run/sessions(512000)
"""

# Who shows which subject; the issuing CA is the same.
SUBJECTS = {
    "alice": "/CN=alice", "bob": "/CN=bob", "carol": "/CN=carol", "dave": "/CN=dave", "mallory": "/CN=mallory",
    "tablet 1": "/O=Example/OU=Pool/CN=Tablet 1", "tablet 2": "/O=Example/OU=Pool/CN=Tablet 2",
    "tablet 9": "/O=Example/OU=Pool/CN=Tablet 9", "forger": "/O=Elsewhere/CN=O=Example,OU=Pool,CN=Tablet 1",
}
PASSWORDS = {"alice": "Alice.Pw.2026", "bob": "Bob.Pw.2026", "nobody": "Nobody.Pw.2026"}

ACCOUNTS = """\
domain  = example.test
created = 2020-01-01

[alice]
map = {alice}

[bob]
certificate = {bob}

[carol]
disabled = yes
map = {carol}

# every tablet of the pool, but number 9 is alice's
[pool]
match = <I>{issuer}<S>O=Example,OU=Pool,CN=*

[alice-at-home]
map = {tablet}
"""


# ---- the servers ---------------------------------------------------------------------------

class Stage:
    """The stand-in backend, certificates, and httpd with both files; nothing is started yet."""

    def __init__(self, root):
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o755)
        self.root, self.block, self.names = root, Block(root).acquire(), HostNames(root)
        self.address = self.block.address("mail")
        self.names.add("backend.example.test", self.block.address("standin"))
        pki = Hierarchy(root / "pki")
        self.server = pki.servers.server(HOST)
        self.certificates = {name: pki.issuing.issue(name.replace(" ", "-"), subject)
                             for name, subject in SUBJECTS.items()}
        self.certificates["expired"] = pki.issuing.issue("expired", SUBJECTS["alice"], not_before=-30, not_after=-1)
        self.certificates["strange"] = pki.strange.issue("strange", SUBJECTS["alice"])
        self.backend = Standin(root / "backend", self.block.address("standin"),
                               pki.servers.server("backend.example.test"), "backend.example.test")
        self.accounts, self.passwords = root / "eas-accounts", root / "eas-passwords"
        self.text = ACCOUNTS.format(
            alice=self.mapping("alice"), bob=self.mapping("bob", "certificate"), carol=self.mapping("carol"),
            tablet=self.mapping("tablet 9"), issuer=self.read("alice")["issuer"])
        self.proxy = self._make_proxy(pki)

    def read(self, name):
        """What the command makes of a certificate."""
        done = subprocess.run([COMMAND, "map", "--json", self.certificates[name].pem], capture_output=True, check=True)
        return json.loads(done.stdout)

    def mapping(self, name, kind="issuer-serial"):
        """The value of a kind, as an administrator copies it from `eas-certauth map`."""
        return next(key["value"] for key in self.read(name)["keys"] if key["kind"] == kind)

    def _make_proxy(self, pki):
        values = {"SSLCertificateFile": self.server.chain, "SSLCertificateKeyFile": self.server.key,
                  "SSLCACertificateFile": pki.trusted, "EASTrustedIssuers": pki.trusted,
                  "SSLProxyCACertificateFile": self.backend.ca_file, "EASDirectory": f"file:{self.accounts}",
                  "AuthUserFile": self.passwords}
        text = GLOBAL.format(host=HOST, listen="\n".join(f"Listen {self.address}:{port}" for port in PORTS.values()))
        for name, port in PORTS.items():
            text += adapt(EXAMPLE, self.address, port, {**values, "EASAuthenticate": name})
        return Httpd(self.root / "httpd", text, modules=(*DEFAULT_MODULES, "authn_file"),
                     module_files={"eas_certauth_module": MODULE}, log_level="warn eas_certauth:info",
                     env={**SYSTEM_ENVIRONMENT, **self.names.env})

    def write(self, text):
        """The account file as an editor leaves it: the old one or the whole new one."""
        new = self.accounts.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.chmod(0o644)
        os.replace(new, self.accounts)

    def start(self):
        """Writes both files and starts both servers."""
        self.write(self.text)
        lines = (f"{name}:{{SHA}}{base64.b64encode(hashlib.sha1(word.encode()).digest()).decode()}\n"
                 for name, word in PASSWORDS.items())
        self.passwords.write_text("".join(lines), encoding="utf-8")
        self.passwords.chmod(0o644)
        self.backend.daemon.launch()
        self.proxy.start()
        self.backend.daemon.wait_ready()
        self.block.release_guard()

    def device(self, certificate=None, *, policy="certificate", login=None, password=None):
        """A device with a certificate (by name), with a password, with both or with neither; it asks for OPTIONS."""
        if login and password is None:
            password = PASSWORDS[login]
        shown = self.certificates[certificate] if certificate else None
        return EasClient(f"https://{HOST}:{PORTS[policy]}{PATH}", address=self.address, user=login or "-",
                         password=password, timeout=70, context=tls_context(self.server.root, shown)).options


# ---- the tries ---------------------------------------------------------------------------

def arrives(user, answer):
    """What the backend was told, and that no password went with it."""
    headers = answer.json["headers"] if answer.status == 200 else []
    seen = [value for name, value in headers if name.lower() == "x-remote-user"]
    secret = any(name.lower() == "authorization" for name, _ in headers)
    text = f"the backend is told {', '.join(seen) or 'nobody'}" if answer.status == 200 else \
        answer.headers.get("X-EAS-Reason", "no reason")
    return seen == [user] and not secret, text


def account_tries(stage):
    """One certificate, one account; many certificates, one account."""
    rows = (("alice's certificate", "alice", "map =", "alice"),
            ("bob's certificate", "bob", "certificate =", "bob"),
            ("the pool's tablet 1", "tablet 1", "match =", "pool"),
            ("the pool's tablet 2", "tablet 2", "match =", "pool"),
            ("tablet 9, which is alice's own", "tablet 9", "map = before match =", "alice-at-home"))
    for who, certificate, what, user in rows:
        yield attempt(who, what, stage.device(certificate), functools.partial(arrives, user))


def password_tries(stage, refuse):
    """Passwords of httpd's AuthUserFile, alone and next to a certificate."""
    either, both = "certificate-or-basic", "certificate-and-basic"
    alice = functools.partial(arrives, "alice")
    yield attempt("alice's password", either, stage.device(policy=either, login="alice"), alice)
    yield attempt("alice's certificate and password", both, stage.device("alice", policy=both, login="alice"), alice)
    yield attempt("alice, a wrong password", either, stage.device(policy=either, login="alice", password="wrong"),
                  refuse(401, "password-rejected"))
    yield attempt("a right password, in no account", either, stage.device(policy=either, login="nobody"),
                  refuse(401, "password-rejected"))
    yield attempt("alice's certificate alone", both, stage.device("alice", policy=both),
                  refuse(401, "password-required"))
    yield attempt("alice's certificate, bob's password", both, stage.device("alice", policy=both, login="bob"),
                  refuse(403, "user-mismatch"))


def refused_tries(stage, refuse):
    """Who must not come in."""
    rows = (("no certificate", None, "certificate-required"),
            ("mallory's certificate, in no account", "mallory", "account-not-found"),
            ("a comma in a CN, to look like the pool", "forger", "account-not-found"),
            ("carol's certificate, disabled", "carol", "account-disabled"),
            ("alice's, expired yesterday", "expired", "certificate-expired"),
            ("alice's name, from a strange CA", "strange", "certificate-untrusted"))
    for who, certificate, reason in rows:
        yield attempt(who, "certificate", stage.device(certificate), refuse(403, reason))


def change_tries(stage, refuse):
    """The file changes; httpd is not touched."""
    dave, known = stage.device("dave"), stage.text + f"\n[dave]\nmap = {stage.mapping('dave')}\n"
    yield attempt("dave's certificate", "before", dave, refuse(403, "account-not-found"))
    stage.write(known)
    yield attempt("dave's certificate", "[dave] is added",
                  functools.partial(ask_until, dave, lambda answer: answer.status == 200, CHANGE_SECONDS),
                  functools.partial(arrives, "dave"))
    stage.write(known + "mapp = a mistake\n")
    complaint = functools.partial(re.search, r"ECA3021.*, (line \d+: .*)")
    yield attempt("dave's, the file has a mistake", "the last good one",
                  functools.partial(ask_until, dave, lambda _: complaint(stage.proxy.error_log()), CHANGE_SECONDS),
                  lambda answer: keeps(complaint(stage.proxy.error_log()), answer))
    stage.write(stage.text)
    yield attempt("dave's certificate", "[dave] is removed",
                  functools.partial(ask_until, dave, lambda answer: answer.status != 200, CHANGE_SECONDS),
                  refuse(403, "account-not-found"))


def keeps(complaint, answer):
    """Served as before, and the log says what is wrong."""
    good, text = arrives("dave", answer)
    return good and complaint is not None, f"{text}; log: {complaint[1][:60] if complaint else 'nothing'}"


# ---- the show ---------------------------------------------------------------------------

def explain_keep(stage):
    """How to go on by hand."""
    alice = stage.certificates["alice"]
    print(f"""
Everything is left running. Try, for example
  curl -i -X OPTIONS --cacert {stage.server.root} --cert {alice.chain} --key {alice.key} \
--resolve {HOST}:443:{stage.address} https://{HOST}{PATH}
  {COMMAND} map {alice.pem}

The accounts:       {stage.accounts}
The proxy's log:    {stage.proxy.error_log_file}
Its configuration:  {stage.proxy.folder / 'conf/site.conf'}

To end it:
  {sys.executable} {Path(__file__).resolve()} --stop --root {stage.root}""")


def run(root, keep):
    """The whole demo; the exit status."""
    begin = time.monotonic()
    print("starting the proxy and a backend that tells what arrives ...", flush=True)
    stage = Stage(root)
    stage.start()
    print(f"up after {time.monotonic() - begin:.1f} s, all on {stage.block.address(0)}/24")
    refuse = functools.partial(functools.partial, demo_show.refused, stage.proxy)
    results = demo_show.play((("certificates and their accounts", account_tries(stage)),
                              ("passwords, where the section allows or wants them", password_tries(stage, refuse)),
                              ("who must not come in", refused_tries(stage, refuse)),
                              ("the file changes, httpd goes on", change_tries(stage, refuse))), stage.proxy)
    print(f"\n{sum(results)} of {len(results)} as expected, after {time.monotonic() - begin:.0f} s")
    if keep:
        explain_keep(stage)
    return 0 if all(results) else 1


DEMO = demo_show.Demo(
    description=__doc__, root=ROOT, run=run, end=process.sweep,
    needs=((MODULE, "run: make"), (COMMAND, "run: make"), (EXAMPLE, "it belongs to the tree")))

if __name__ == "__main__":
    sys.exit(demo_show.main(DEMO))
