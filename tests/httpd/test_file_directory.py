# SPDX-License-Identifier: Apache-2.0
"""EASDirectory file: accounts and mappings from a text file, without an Active Directory."""

import itertools
import os
import re
import time
from pathlib import Path

import pytest

from holders import ISSUER, issuer_serial_of
from proxy import section, virtual_host
from reasons import check_grant, check_refusal

PATIENCE = 20    # seconds; a change is used after two looks, a second apart
KINDS = "strong sid-uri upn email cn issuer-subject"


def write(path, text):
    """The file as an editor leaves it: the old one or the whole new one."""
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.chmod(0o644)
    os.replace(new, path)


@pytest.fixture
def accounts(lab):
    """A path for an account file."""
    path = lab.root / "accounts"
    yield path
    path.unlink(missing_ok=True)


def host(lab, accounts, *more, **settings):
    """A virtual host whose section hands identities on in a header; no keytab, no bind."""
    merged = {"EASDelegation": "header", "EASMapping": KINDS, "EASCertificateBackdating": "any",
              "EASRemoteUser": "samaccountname", **settings}
    return virtual_host(lab, section("/mail", lab.standin.url, **merged), *more,
                        EASDirectory=f"file:{accounts}", EASDirectoryBind=None, EASKerberosKeytab=None)


WEAK = [r"ECA1035: section /mail: "]

FOUND = [
    ("issuer-serial", "issuer-serial", lambda holder: f"map = {issuer_serial_of(holder)}"),
    ("certificate", "issuer-serial", lambda holder: f"certificate = {sha256_of(holder)}"),
    ("ski", "ski", lambda holder: "map = X509:<SKI>0102030405060708090a0b0c0d0e0f1011121314"),
    ("upn", "implicit-upn", lambda holder: "upn = Dora@example.test"),
    ("email", "mailed", lambda holder: "mail = someone@example.test"),
    ("issuer-subject", "issuer-serial", lambda holder: f"map = X509:<I>{ISSUER}<S>{subject_of(holder)}"),
    ("issuer-subject", "issuer-serial", lambda holder: f"match = <I>{ISSUER}<S>*,{subject_of(holder)}"),
]


def sha256_of(holder):
    """The certificate's SHA-256 as openssl prints it, without colons."""
    return holder.field("-fingerprint", "-sha256").partition("=")[2].replace(":", "").strip()


def subject_of(holder):
    """Of a certificate whose subject is one CN."""
    name = holder.field("-subject", "-nameopt", "multiline").strip().splitlines()[-1]
    return "CN=" + name.partition("=")[2].strip()


@pytest.fixture(scope="module")
def mailed(lab):
    """A certificate that names an address and nothing else that anybody maps."""
    return lab.pki.issuing.issue("file-mailed", email="Someone@example.test")


@pytest.mark.parametrize("kind, name, line", FOUND, ids=[f"{row[0]}-{n}" for n, row in enumerate(FOUND)])
def test_every_kind_finds_its_account(lab, holders, proxy, accounts, mailed, kind, name, line):
    holder = mailed if name == "mailed" else holders[name]
    write(accounts, f"[other]\nmap = X509:<SKI>00\n[phone]\n{line(holder)}\n")
    outcome = proxy(host(lab, accounts), start_log=WEAK).request("/mail", holder)
    check_grant(outcome, user="phone", EAS_MAPPING=kind, EAS_CACHE="miss")
    assert outcome.arrived("X-Remote-User") == ["phone"]


def test_strangers_are_refused_with_their_reasons(lab, holders, proxy, accounts):
    """Two accounts with one value, a SID veto, a weak kind nobody asked for, disabled, expired, unknown."""
    serial = issuer_serial_of(holders["issuer-serial"])
    write(accounts, "\n".join((
        "domain = example.test", "[one]", f"map = {serial}", "[two]", f"map = {serial}", "[dora]",
        "[veto]", "sid = S-1-5-21-1-2-3-4", f"map = {issuer_serial_of(holders['serial-alice-sid-bob'])}",
        "[gone]", "disabled = yes", f"map = {issuer_serial_of(holders['sha1-pukey'])}",
        "[past]", "expires = 2020-01-01", "map = X509:<SKI>0102030405060708090a0b0c0d0e0f1011121314", "")))
    site = proxy(host(lab, accounts, EASMapping="strong"))
    for holder, reason, detail in (
            ("issuer-serial", "account-ambiguous", "one|two"), ("serial-alice-sid-bob", "sid-mismatch", "veto"),
            ("implicit-upn", "mapping-weak", "only upn names dora"), ("sha1-pukey", "account-disabled", ""),
            ("ski", "account-expired", ""), ("names-nobody", "account-not-found", "")):
        check_refusal(site.request("/mail", holders[holder]), reason, detail)


def test_weak_kind_wants_a_date_of_creation(lab, holders, proxy, accounts):
    write(accounts, "[dora]\nupn = dora@example.test\n")
    site = proxy(host(lab, accounts, EASCertificateBackdating=None), start_log=WEAK)
    check_refusal(site.request("/mail", holders["implicit-upn"]), "mapping-predates-account", "is not known")
    write(accounts, "created = 2020-01-01\n[dora]\nupn = dora@example.test\n")
    until(lambda: site.request("/mail", holders["implicit-upn"]), lambda outcome: outcome.status == 200)


def until(ask, good):
    """Asks again until an answer is as it should be; the last one."""
    end = time.monotonic() + PATIENCE
    while not good(outcome := ask()):
        assert time.monotonic() < end, (outcome.status, outcome.text)
        time.sleep(0.1)
    return outcome


def test_a_changed_file_is_used_and_a_broken_one_is_not(lab, holders, proxy, accounts, expect_log):
    holder = holders["issuer-serial"]
    entry = f"map = {issuer_serial_of(holder)}\n"
    write(accounts, "[alice]\n" + entry)
    site = proxy(host(lab, accounts), start_log=WEAK)
    assert site.request("/mail", holder).access["user"] == "alice"

    write(accounts, "[bob]\n" + entry)
    until(lambda: site.request("/mail", holder), lambda outcome: outcome.access["user"] == "bob")
    assert re.search("ECA3020: .* holds 1 accounts", "\n".join(site.error_lines()))

    expect_log(r"ECA3021: EASDirectory: \S*accounts, line 2: .*the accounts read before stay in use")
    for broken in ("[carol]\nmapp = x\n", "[carol]\nmapp = y\n"):
        write(accounts, broken)
        count = len(re.findall("ECA3021", site.whole_log()))
        until(lambda: site.request("/mail", holder), lambda _: len(re.findall("ECA3021", site.whole_log())) > count)
        check_grant(site.request("/mail", holder), user="bob")

    accounts.unlink()
    expect_log(r"ECA3021: EASDirectory: \S*accounts cannot be read: No such file")
    until(lambda: site.request("/mail", holder), lambda _: "No such file" in site.whole_log())
    check_grant(site.request("/mail", holder), user="bob")

    write(accounts, "[dave]\n" + entry)
    until(lambda: site.request("/mail", holder), lambda outcome: outcome.access["user"] == "dave")


def test_a_file_that_is_being_written_is_not_read(lab, holders, proxy, accounts):
    """Line by line, as some editors do: no state in between may count, although each is well-formed."""
    holder = holders["issuer-serial"]
    whole = f"[gone]\nmap = {issuer_serial_of(holder)}\ndisabled = yes\n"
    write(accounts, "[alice]\nmap = X509:<SKI>00\n")
    site = proxy(host(lab, accounts), start_log=WEAK)
    check_refusal(site.request("/mail", holder), "account-not-found")
    numbers = itertools.count()
    end = time.monotonic() + 4
    with open(accounts, "w", encoding="utf-8") as file:
        file.write(whole.partition("disabled")[0])
        while time.monotonic() < end:
            file.write(f"# {next(numbers)}\n")
            file.flush()
            assert site.request("/mail", holder).access["EAS_REASON"] == "account-not-found"
        file.write("disabled = yes\n")
    outcome = until(lambda: site.request("/mail", holder),
                    lambda outcome: outcome.access["EAS_REASON"] != "account-not-found")
    check_refusal(outcome, "account-disabled")


def test_groups_are_httpds_own(lab, holders, proxy, accounts, allow_log):
    holder = holders["issuer-serial"]
    write(accounts, f"[alice]\nmap = {issuer_serial_of(holder)}\n")
    groups = accounts.with_name("groups")
    groups.write_text("staff: alice\n", encoding="utf-8")
    allow_log(r"authz_core:error.*AH01631")
    settings = {"EASDelegation": "header", "EASRemoteUser": "samaccountname", "AuthGroupFile": str(groups)}
    site = proxy(host(
        lab, accounts, section("/staff", lab.standin.url, **{**settings, "Require": "group staff"}),
        section("/none", lab.standin.url, **{**settings, "Require": "group nobody"}),
        section("/ad", lab.standin.url, **{**settings, "Require": "eas-group staff"})),
        start_log=WEAK, modules=["authz_groupfile"])
    check_grant(site.request("/staff", holder), user="alice")
    assert site.request("/none", holder).access["EAS_REASON"] == "not-authorized"
    outcome = site.request("/ad", holder)
    assert outcome.access["EAS_REASON"] == "not-authorized"
    assert "AuthGroupFile" in outcome.decision.fields["detail"]


def test_kerberos_wants_a_domain_and_a_sid(lab, holders, proxy, accounts):
    """With both, alice gets her own mailbox; the SID is what the ticket is compared with."""
    holder = holders["issuer-serial"]
    entry = f"[alice]\nupn = alice@example.test\nmap = {issuer_serial_of(holder)}\n"
    site_of = lambda: virtual_host(    # noqa: E731
        lab, section("/Microsoft-Server-ActiveSync", lab.exchange.url + "/Microsoft-Server-ActiveSync"),
        EASDirectory=f"file:{accounts}", SSLProxyCACertificateFile=lab.exchange.ca_file)
    write(accounts, entry)
    site = proxy(site_of())
    check_refusal(site.request("/Microsoft-Server-ActiveSync", holder), "account-incomplete", "domain =")
    write(accounts, "domain = example.test\n" + entry)
    until(lambda: site.request("/Microsoft-Server-ActiveSync", holder),
          lambda outcome: "no SID" in outcome.decision.fields["detail"])
    write(accounts, f"domain = example.test\n{entry}sid = {lab.dc.sid('alice')}\n")
    until(lambda: site.request("/Microsoft-Server-ActiveSync", holder, method="OPTIONS"),
          lambda outcome: outcome.status == 200)
    assert site.client(certificate=holder).whoami() == "alice@example.test"


REFUSED = [
    ("file:PATH ldap://dc1.example.test", None, "ECA1050", "stands alone"),
    ("ldap://dc1.example.test file:PATH", None, "ECA1050", "stands alone"),
    ("file:PATH file:PATH", None, "ECA1050", "stands alone"),
    ("file:PATH\nEASNTAuth On", None, "ECA1020", "EASNTAuth Off"),
    ("file:/nowhere", None, "ECA1020", "/nowhere cannot be read: No such file"),
    ("file:PATH", "[a]\nmial = x\n", "ECA1020", 'accounts, line 2: "mial" is unknown'),
    ("file:/dev/null", None, "ECA1020", "/dev/null is not a file"),
]


@pytest.mark.parametrize("argument, text, message, said", REFUSED)
def test_what_cannot_work_stops_httpd(lab, unstarted, accounts, argument, text, message, said):
    write(accounts, text or "[a]\n")
    site = virtual_host(lab, section("/mail", lab.standin.url, EASDelegation="none"),
                        EASDirectory=argument.replace("PATH", str(accounts)), EASDirectoryBind=None)
    printed = unstarted(site).check()
    assert message in printed and said in printed


@pytest.mark.parametrize("mode, said", [(0o664, "written by its group"), (0o646, "by others"),
                                        (0o600, "cannot be read by httpd's user")])
def test_wrong_mode_stops_httpd(lab, unstarted, accounts, mode, said):
    write(accounts, "[a]\n")
    accounts.chmod(mode)
    assert said in unstarted(host(lab, accounts)).check()


def test_passwords_of_the_directory_stop_httpd(lab, unstarted, accounts):
    write(accounts, "[a]\n")
    printed = unstarted(host(lab, accounts, EASAuthenticate="certificate-or-basic")).check()
    assert "holds no passwords" in printed


def test_a_hundred_thousand_accounts_do_not_slow_a_look_up(lab, holders, proxy, accounts):
    """The last of them is found by a server that has just read the file again."""
    holder = holders["issuer-serial"]
    many = "".join(f"[user{number}]\nmap = X509:<SKI>{number:08x}\n" for number in range(99_999))
    write(accounts, "[nobody]\n")
    site = proxy(host(lab, accounts, EASMapping="strong"))
    write(accounts, f"{many}[alice]\nmap = {issuer_serial_of(holder)}\n")
    until(lambda: site.request("/mail", holder), lambda outcome: outcome.status == 200)
    assert Path(accounts).stat().st_size < 16 << 20
