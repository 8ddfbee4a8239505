# SPDX-License-Identifier: Apache-2.0
"""eas-certauth map --directory-from: the command decides what the module decides."""

import json
import os
import subprocess

import pytest

from proxy import TREE, section, simple_bind, virtual_host
from reasons import EXPECTED

PROGRAM = TREE / "build/eas-certauth"    # with sanitizers it cannot be where names are resolved for it
VALGRIND = ("valgrind", "--quiet", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite")
KINDS = "sid issuer-serial ski sha1-pukey"
# Certificates of holders.py, and what a request with one comes to.
DECISIONS = {
    "alice": "granted", "dora": "granted", "erin": "granted", "heidi": "granted", "no-usage": "granted",
    "carol": "account-disabled", "frank": "account-expired", "nobody": "account-not-found",
    "names-nobody": "account-not-found", "upn-alone": "mapping-weak", "upn-alice-sid-bob": "granted",
    "expired": "certificate-expired", "not-yet-valid": "certificate-not-yet-valid",
    "strange": "certificate-untrusted", "server-auth": "certificate-purpose", "two-sids": "certificate-malformed",
}


@pytest.fixture
def effective(lab, unstarted, tmp_path):
    """effective(virtual_host, …): what DUMP_EAS printed, as a file."""
    def make(*hosts):
        done = unstarted(*hosts, options=("-D", "DUMP_EAS")).httpd.check()
        assert done.returncode == 0, done.stderr
        path = tmp_path / "effective.json"
        path.write_text(done.stdout, encoding="utf-8")
        return path
    return make


@pytest.fixture
def run(lab):
    """run(ARGUMENT…, env=…, under=…): exit status, output, complaints."""
    def call(*arguments, env=None, under=()):
        done = subprocess.run([*under, PROGRAM, "map", *map(str, arguments)],
                              env={**os.environ, **lab.env, **(env or {})}, capture_output=True, text=True, timeout=60,
                              check=False)
        return done.returncode, done.stdout, done.stderr
    return call


def test_decision_is_the_modules_own(lab, proxy, effective, run, holders, tmp_path):
    host = virtual_host(lab, section("/mail", lab.standin.url, EASDelegation="header", EASMapping=KINDS),
                        **simple_bind(lab, tmp_path))
    one, conf = proxy(host), effective(host)
    for name, reason in DECISIONS.items():
        outcome = one.request("/mail", holders[name])
        assert outcome.access["EAS_REASON"] == reason, name
        status, text, complaint = run("--json", "--directory-from", conf, holders[name].pem)
        assert complaint == "", name
        (shown,) = [json.loads(line) for line in text.splitlines()]
        assert (status == 0) == (reason == "granted"), name
        if shown["malformed"] is None:
            decision = shown["decision"]
            assert decision["reason"] == reason, name
            assert decision["status"] == (200 if reason == "granted" else EXPECTED[reason].status)
            if outcome.access["EAS_MAPPING"]:    # httpd looks for nobody when the certificate is not good
                assert decision["mapping"] == outcome.access["EAS_MAPPING"], name
            assert decision["detail"] == outcome.decision.fields.get("detail"), name


def test_keys_name_the_accounts_they_find(lab, effective, run, holders, tmp_path):
    conf = effective(virtual_host(lab, section("/mail", lab.standin.url, EASDelegation="header"),
                                  **simple_bind(lab, tmp_path)))
    status, text, _ = run("--json", "--directory-from", conf, holders["upn-alice-sid-bob"].pem)
    (one,) = [json.loads(line) for line in text.splitlines()]
    found = {key["kind"]: key["accounts"] for key in one["keys"]}
    alice, bob = (lab.people[name].dn for name in ("alice", "bob"))
    assert (found["sid"], found["upn"], found["issuer-serial"]) == ([bob], [alice], [])
    assert (status, one["decision"]["account"]) == (0, bob)

    status, text, _ = run("--directory-from", conf, holders["carol"].pem)
    assert status == 1
    assert f"finds         {lab.people['carol'].dn}" in text and "decision        account-disabled" in text


@pytest.mark.parametrize("url", ["ldap://dc1.example.test", "dns:example.test", "gc:example.test"])
def test_every_kind_of_directory_is_asked(lab, effective, run, holders, url):
    conf = effective(virtual_host(lab, section("/mail", lab.standin.url), EASDirectory=url))
    dns = lab.names.env_with_dns(lab.root / "command-resolv.conf", lab.dc.address)
    status, text, complaint = run("--json", "--directory-from", conf, holders["alice"].pem, env=dns)
    assert (status, complaint) == (0, "")
    assert json.loads(text)["decision"]["account"] == lab.people["alice"].dn


def test_nothing_is_lost_or_overrun(lab, effective, run, holders, tmp_path):
    conf = effective(virtual_host(lab, section("/mail", lab.standin.url, EASDelegation="header"),
                                  **simple_bind(lab, tmp_path)))
    status, _, complaint = run("--directory-from", conf, holders["alice"].pem, under=VALGRIND)
    assert status == 0, complaint


def test_file_directory_and_stopped_controller(lab, effective, run, holders, tmp_path):
    accounts = lab.root / "command-accounts"
    accounts.write_text(f"[phone]\nsid = {lab.dc.sid('alice')}\n", encoding="utf-8")
    accounts.chmod(0o644)
    conf = effective(virtual_host(
        lab, section("/mail", lab.standin.url, EASDelegation="header", EASRemoteUser="samaccountname"),
        EASDirectory=f"file:{accounts}", EASDirectoryBind=None, EASKerberosKeytab=None))
    status, text, complaint = run("--json", "--directory-from", conf, holders["alice"].pem)
    assert (status, complaint) == (0, "")
    assert json.loads(text)["decision"]["reason"] == "granted"

    conf = effective(virtual_host(lab, section("/mail", lab.standin.url, EASDelegation="header"),
                                  **simple_bind(lab, tmp_path, EASDirectory="ldaps://unknown.example.test")))
    status, text, _ = run("--json", "--directory-from", conf, holders["alice"].pem)
    decision = json.loads(text)["decision"]
    assert (status, decision["reason"]) == (1, "directory-unavailable")
    assert "unknown.example.test" in decision["detail"]


REFUSED = [
    ("no such file", "", [], "cannot be read"),
    ("no JSON", "{", [], "is not what apache2ctl"),
    ("another version", '{"version": 2, "sections": []}', [], "of this version"),
    ("no section", '{"version": 1, "sections": []}', [], "no such section"),
    ("a section that httpd cannot carry out",
     '{"version": 1, "sections": [{"server": "a", "section": "/", "problem": "x", "directives": {}}]}', [],
     "no such section"),
    ("a section without directives",
     '{"version": 1, "sections": [{"server": "a", "section": "/", "problem": null, "directives": {}}]}', [],
     "EASAuthenticate"),
    ("numbers where names should be", '{"version": 1, "sections": [{"server": 1, "section": [], "problem": null}]}', [],
     "no such section"),
]


@pytest.mark.parametrize("why, content, more, sentence", REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_no_configuration_is_usage(run, holders, tmp_path, why, content, more, sentence):
    path = tmp_path / "conf.json"
    if content:
        path.write_text(content, encoding="utf-8")
    status, text, complaint = run("--directory-from", path, *more, holders["alice"].pem)
    assert (status, text) == (2, "") and sentence in complaint


def test_section_is_chosen_by_name_and_server(lab, effective, run, holders, tmp_path):
    conf = effective(virtual_host(lab, section("/a", lab.standin.url, EASDelegation="header"),
                                  section("/b", lab.standin.url, EASDelegation="header", EASMapping="upn",
                                          EASCertificateBackdating="any"), **simple_bind(lab, tmp_path)))
    pem = holders["upn-alone"].pem
    assert run("--directory-from", conf, pem)[0] == 2
    assert run("--directory-from", conf, "--section", "/a", pem)[0] == 1
    assert run("--directory-from", conf, "--section", "/b", "--server", "proxy.example.test", pem)[0] == 0
    assert run("--directory-from", conf, "--section", "/b", "--server", "other.example.test", pem)[0] == 2
    assert run("--section", "/b", pem)[0] == 2
