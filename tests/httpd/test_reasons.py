# SPDX-License-Identifier: Apache-2.0
"""Every reason is provoked with real servers and checked wherever somebody can see it."""

import base64
import hashlib
import re
import shutil

import pytest

from holders import KEY_IDENTIFIER, issuer_serial_of, sha1_of
from lab import kerberos
from lab.eas_client import tls_context
from lab.persister import Persister
from lab.process import wait_until
from lab.standin import UNAUTHORIZED
from proxy import MAIL, section, simple_bind, virtual_host
from reasons import (EXPECTED, check_answer, check_decision, check_grant, check_refusal,
                     line_of, reasons_of_the_module)
from test_revocation import Issuer

PROVOKED = {"granted"}


def closed(lab):
    """Host and port where nothing listens."""
    return f"{lab.address('other')}:9"


def provokes(*reasons):
    """Notes which reasons a test provokes."""
    PROVOKED.update(reasons)
    return lambda test: test


@pytest.fixture(scope="module")
def reasons(lab, module_proxy):
    """The httpd for everything that needs no servers or settings of its own."""
    echo = lab.standin.url
    return module_proxy(virtual_host(
        lab,
        section("/strong", echo + "/strong"),
        section("/sid-uri", echo + "/sid-uri", EASMapping="sid-uri"),
        section("/upn", echo + "/upn", EASMapping="upn"),
        section("/all", echo + "/all", EASMapping="strong upn"),
        section("/or", echo + "/or", EASAuthenticate="certificate-or-basic"),
        section("/basic", echo + "/basic", EASAuthenticate="basic"),
        section("/and", echo + "/and", EASAuthenticate="certificate-and-basic"),
        section("/bob", echo + "/bob", Require="user bob@example.test"),
        section("/mail", echo + "/mail", EASRemoteUser="mail"),
        section("/sam", echo + "/sam", EASRemoteUser="samaccountname"),
        section("/netbios", echo + "/netbios", EASRemoteUser="netbios"),
        section("/attribute", echo + "/attribute", EASRemoteUser="employeeID"),
        section("/server-auth", echo + "/server-auth", EASExtendedKeyUsage="serverAuth"),
        section("/quiet", echo + "/quiet", EASReasonHeader="Off")),
        start_log=[r"ECA1035: section /upn: ", r"ECA1035: section /all: "])


def test_reasons_of_the_module_are_those_of_the_documentation():
    assert reasons_of_the_module() == {"granted", *EXPECTED}


def test_reasons_each_is_provoked_by_a_test():
    assert reasons_of_the_module() == PROVOKED


# ---- revocation (more in test_revocation.py and test_ocsp.py) ------------------------------------

@provokes("certificate-revoked", "revocation-unavailable")
def test_revoked_certificate_and_one_of_which_nobody_can_say_it(lab, holders, proxy, tmp_path, expect_log):
    folder = lab.root / "reasons-revocation"
    shutil.rmtree(folder, ignore_errors=True)
    issuer = Issuer(lab, folder)
    lost = issuer.phone("lost")
    issuer.authority.revoke(lost)
    issuer.publish()
    accepted = folder / "accepted.pem"
    accepted.write_text(issuer.trusted.read_text(encoding="utf-8") + lab.pki.trusted.read_text(encoding="utf-8"),
                        encoding="utf-8")
    one = proxy(virtual_host(lab, section("/mail", lab.standin.url, EASDelegation="none"), EASTrustedIssuers=accepted,
                             SSLCACertificateFile=accepted, EASRevocation="crl", EASCRL=issuer.list,
                             EASCRLCache="none", **simple_bind(lab, tmp_path)))
    check_refusal(one.request("/mail", lost), "certificate-revoked")
    expect_log(line_of("revocation-unavailable"))
    check_refusal(one.request("/mail", holders["alice"]), "revocation-unavailable")


# ---- granted -----------------------------------------------------------------------------------

def test_granted_by_sid_sets_every_variable(reasons, holders, lab):
    alice = holders["alice"]
    query = "?Cmd=FolderSync&User=alice&DeviceId=ApplF2L&DeviceType=iPhone"
    outcome = reasons.request("/strong" + query, alice, headers={"MS-ASProtocolVersion": "14.1"})
    check_grant(
        outcome, user="alice@example.test", EAS_METHOD="certificate", EAS_MAPPING="sid",
        EAS_MAPPING_STRENGTH="strong", EAS_ACCOUNT_DN=lab.people["alice"].dn,
        EAS_ACCOUNT_SID=lab.dc.sid("alice"), EAS_ACCOUNT_UPN="alice@example.test",
        EAS_CERTIFICATE_SHA256=hashlib.sha256(alice.der).hexdigest(),
        EAS_CERTIFICATE_SHA1=hashlib.sha1(alice.der).hexdigest(),
        EAS_CERTIFICATE_SERIAL=alice.field("-serial").partition("=")[2].lower(),
        EAS_DELEGATION="kerberos", EAS_COMMAND="FolderSync", EAS_USER="alice",
        EAS_DEVICE_ID="ApplF2L", EAS_DEVICE_TYPE="iPhone", EAS_PROTOCOL_VERSION="14.1")
    fields = outcome.decision.fields
    assert (fields["user"], fields["device"], fields["cmd"]) == ("alice", "ApplF2L", "FolderSync")
    assert fields["issuer"] == "CN=Example Issuing CA,DC=example,DC=test"


@pytest.mark.parametrize("value, name, kind", [
    pytest.param(issuer_serial_of, "issuer-serial", "issuer-serial", id="issuer and serial"),
    pytest.param(lambda one: issuer_serial_of(one).lower(), "issuer-serial", "issuer-serial",
                 id="stored in small letters"),
    pytest.param(lambda _: f"X509:<SKI>{KEY_IDENTIFIER}", "ski", "ski", id="key identifier"),
    pytest.param(lambda one: f"X509:<SHA1-PUKEY>{sha1_of(one)}", "sha1-pukey", "sha1-pukey",
                 id="thumbprint as Microsoft's tools write it"),
])
def test_granted_by_stored_value_finds_account(reasons, holders, lab, directory, value, name, kind):
    certificate = holders[name]
    directory.set(lab.people["bob"].dn, "altSecurityIdentities", value(certificate))
    check_grant(reasons.request("/strong", certificate), user="bob@example.test",
                EAS_MAPPING=kind, EAS_MAPPING_STRENGTH="strong",
                EAS_ACCOUNT_SID=lab.dc.sid("bob"))


@pytest.mark.parametrize("path, name, kind, strength, account", [
    pytest.param("/sid-uri", "sid-uri", "sid-uri", "strong", "alice", id="SID in a URI"),
    pytest.param("/upn", "upn-alone", "upn", "weak", "alice", id="UPN where it is configured"),
    pytest.param("/upn", "implicit-upn", "upn", "weak", "dora", id="name at the domain's suffix"),
    pytest.param("/all", "bob", "sid", "strong", "bob", id="strong goes before weak"),
])
def test_granted_by_configured_kind_finds_account(reasons, holders, lab, path, name, kind, strength,
                                                  account):
    check_grant(reasons.request(path, holders[name]), EAS_MAPPING=kind,
                EAS_MAPPING_STRENGTH=strength, EAS_ACCOUNT_DN=lab.people[account].dn)


@pytest.mark.parametrize("path, account, user", [
    pytest.param("/strong", "dora", "dora.smith@mail.example.org", id="UPN with another suffix"),
    pytest.param("/strong", "heidi", "heidi@example.test", id="no UPN: account and domain"),
    pytest.param("/strong", "erin", "erin@example.test", id="name that is not ASCII"),
    pytest.param("/sam", "dora", "dora", id="sAMAccountName"),
    pytest.param("/netbios", "alice", r"EXAMPLE\\alice", id="NetBIOS name, escaped by the log"),
    pytest.param("/mail", "dora", "dora@example.test", id="mail address"),
])
def test_granted_remote_user_has_configured_form(reasons, holders, path, account, user):
    check_grant(reasons.request(path, holders[account]), user=user)


def test_granted_remote_user_from_attribute(reasons, holders, lab, directory):
    directory.set(lab.people["alice"].dn, "employeeID", "4711")
    check_grant(reasons.request("/attribute", holders["alice"]), user="4711")


@pytest.mark.parametrize("path, name", [
    pytest.param("/strong", "no-usage", id="no usage is good for all"),
    pytest.param("/server-auth", "server-auth", id="the usage that is configured"),
])
def test_granted_certificate_purpose_accepted(reasons, holders, path, name):
    check_grant(reasons.request(path, holders[name]), EAS_MAPPING="sid")


@pytest.mark.parametrize("login", [
    pytest.param("alice", id="sAMAccountName"),
    pytest.param("EXAMPLE\\alice", id="domain and name"),
    pytest.param("alice@example.test", id="UPN"),
])
def test_granted_by_password_for_each_form_of_name(reasons, lab, login):
    outcome = reasons.request("/or", basic=(login, lab.people["alice"].password))
    check_grant(outcome, user="alice@example.test", EAS_METHOD="basic", EAS_MAPPING=None,
                EAS_ACCOUNT_SID=lab.dc.sid("alice"), EAS_CERTIFICATE_SHA256=None)


def test_granted_by_both_factors(reasons, holders, lab):
    outcome = reasons.request("/and", holders["alice"],
                              basic=("alice", lab.people["alice"].password))
    check_grant(outcome, user="alice@example.test", EAS_METHOD="certificate+basic")


@pytest.mark.parametrize("name", ["alice", "bob", "dora", "erin", "heidi"])
def test_granted_reaches_own_mailbox_of_real_server(lab, holders, proxy, name):
    one = proxy(virtual_host(lab, section(MAIL, lab.exchange.url)))
    device = one.client(certificate=holders[name], user=name)
    assert device.options().status == 200
    assert device.whoami() == lab.people[name].mail


# ---- refusals ----------------------------------------------------------------------------------

REFUSALS = [
    ("credentials-required", "/or", None, {"EAS_METHOD": None}, "", "neither factor"),
    ("credentials-required", "/basic", "alice", {"EAS_METHOD": None}, "",
     "certificate where it does not count"),
    ("certificate-required", "/strong", None, {"EAS_METHOD": None}, "", "certificate alone"),
    ("certificate-required", "/and", None, {"EAS_METHOD": None}, "", "both factors"),
    ("certificate-malformed", "/strong", "two-sids", {}, "twice", "two SID extensions"),
    ("certificate-malformed", "/upn", "nul-in-upn", {}, "control character", "NUL in the UPN"),
    ("certificate-untrusted", "/strong", "strange", {"EAS_METHOD": "certificate"}, "",
     "strange CA"),
    ("certificate-untrusted", "/strong", "expired-strange", {}, "",
     "strange CA goes before expired"),
    ("certificate-untrusted", "/or", "strange", {}, "", "is no reason to ask for a password"),
    ("certificate-purpose", "/strong", "server-auth", {}, "extended key usage", "for servers"),
    ("certificate-purpose", "/server-auth", "alice", {}, "extended key usage",
     "not the usage that is configured"),
    ("certificate-expired", "/strong", "expired", {"EAS_ACCOUNT_SID": None},
     r"notAfter \d{4}-\d\d-\d\dT", "expired"),
    ("certificate-not-yet-valid", "/strong", "not-yet-valid", {}, r"notBefore \d{4}-\d\d-\d\dT",
     "begins tomorrow"),
    ("account-not-found", "/strong", "nobody", {"EAS_MAPPING": None}, "", "unknown SID"),
    ("account-not-found", "/strong", "names-nobody", {}, "", "nothing stored for it"),
    ("account-not-found", "/upn", "filter-in-upn", {}, "", "LDAP filter in the UPN"),
    ("mapping-weak", "/strong", "upn-alone", {"EAS_MAPPING": "upn",
                                              "EAS_MAPPING_STRENGTH": "weak"}, "", "UPN alone"),
    ("mapping-predates-account", "/upn", "upn-old", {"EAS_MAPPING": "upn"}, "older",
     "ten years old"),
    ("sid-mismatch", "/upn", "upn-alice-sid-bob", {}, "", "UPN of one and SID of another"),
    ("account-disabled", "/strong", "carol", {}, "", "disabled"),
    ("account-expired", "/strong", "frank", {}, "", "expired in 2020"),
    ("account-incomplete", "/attribute", "alice", {}, "attribute", "no such attribute"),
    ("password-required", "/and", "alice", {"EAS_METHOD": "certificate"}, "", "certificate alone"),
    ("not-authorized", "/bob", "alice", {"EAS_ACCOUNT_UPN": "alice@example.test"}, "",
     "somebody else is wanted"),
    ("delegation-not-allowed", "/strong", "grace", {"EAS_MAPPING": "sid"}, "", "sensitive"),
]
PROVOKED.update(row[0] for row in REFUSALS)


@pytest.mark.parametrize("reason, path, holder, variables, detail",
                         [pytest.param(*row[:-1], id=f"{row[0]}: {row[-1]}") for row in REFUSALS])
def test_refused_request_shows_reason_everywhere(reasons, holders, expect_log, reason, path, holder,
                                                 variables, detail):
    if reason == "not-authorized":
        expect_log(r"authz_core:error.*AH01631")    # httpd's own line about Require
    outcome = reasons.request(path + "?Cmd=Sync&DeviceId=D1", holder and holders[holder])
    check_refusal(outcome, reason, detail, EAS_COMMAND="Sync", EAS_DEVICE_ID="D1", **variables)


def test_refused_mapping_weak_logs_value_to_store(reasons, holders):
    outcome = reasons.request("/strong", holders["upn-alone"])
    value = issuer_serial_of(holders["upn-alone"])
    assert value.lower() in outcome.decision.fields["detail"].lower()


@provokes("account-ambiguous")
def test_refused_two_accounts_with_one_value_are_ambiguous(reasons, holders, lab, directory):
    for name in ("alice", "bob"):
        directory.set(lab.people[name].dn, "altSecurityIdentities",
                      issuer_serial_of(holders["issuer-serial"]))
    outcome = reasons.request("/strong", holders["issuer-serial"])
    check_refusal(outcome, "account-ambiguous", "alice.*bob|bob.*alice", EAS_ACCOUNT_SID=None)


def test_refused_two_strong_kinds_of_two_accounts_are_ambiguous(reasons, holders, lab, directory):
    directory.set(lab.people["alice"].dn, "altSecurityIdentities",
                  issuer_serial_of(holders["issuer-serial"]))
    directory.set(lab.people["bob"].dn, "altSecurityIdentities",
                  f"X509:<SHA1-PUKEY>{sha1_of(holders['issuer-serial'])}")
    check_refusal(reasons.request("/strong", holders["issuer-serial"]), "account-ambiguous")


def test_refused_stored_value_of_another_than_sid_is_mismatch(reasons, holders, lab, directory):
    directory.set(lab.people["alice"].dn, "altSecurityIdentities",
                  issuer_serial_of(holders["serial-alice-sid-bob"]))
    check_refusal(reasons.request("/strong", holders["serial-alice-sid-bob"]), "sid-mismatch",
                  re.escape(lab.dc.sid("bob")))


def test_refused_remote_user_without_mail_is_incomplete(reasons, holders, lab, directory):
    directory.set(lab.people["heidi"].dn, "mail", before=[lab.people["heidi"].mail])
    check_refusal(reasons.request("/mail", holders["heidi"]), "account-incomplete", "mail")


def test_refused_password_without_mail_is_incomplete(lab, directory, proxy):
    directory.set(lab.people["heidi"].dn, "mail", before=[lab.people["heidi"].mail])
    one = proxy(virtual_host(lab, section("/basic", lab.standin.url, EASAuthenticate="basic",
                                          EASRemoteUser="mail")))
    outcome = one.request("/basic", basic=("heidi", lab.people["heidi"].password))
    check_refusal(outcome, "account-incomplete", "mail", EAS_METHOD="basic")


@provokes("account-locked")
def test_refused_after_wrong_passwords_account_is_locked(reasons, holders, lab, directory):
    erin, domain = lab.people["erin"], "DC=example,DC=test"
    directory.set(domain, "lockoutThreshold", 2, before=[0])
    directory.restore_later(erin.dn, "lockoutTime", 0)
    for attempt in ("first", "second", "third"):
        reasons.request("/basic", basic=("erin", attempt))
    check_refusal(reasons.request("/strong", holders["erin"]), "account-locked")
    by_password = reasons.request("/basic", basic=("erin", erin.password))
    check_refusal(by_password, "password-rejected")


# ---- passwords -----------------------------------------------------------------------------------

def public(outcome):
    """What the device can see: status, headers, body; without what differs for everybody."""
    clocks = ("Date", "Expires")    # the moment of the answer, whatever the answer
    headers = sorted((name, value) for name, value in outcome.headers.items() if name not in clocks)
    return outcome.status, headers, re.sub(r"Request id: \S+", "Request id", outcome.text)


@provokes("password-rejected")
@pytest.mark.parametrize("path", ["/or", "/basic"])
@pytest.mark.parametrize("login, password, detail", [
    pytest.param("alice", "wrong", "wrong password", id="wrong password"),
    pytest.param("nobody", "wrong", "no such account", id="unknown account"),
    pytest.param("carol", None, "disabled", id="right password of a disabled account"),
    pytest.param("carol", "wrong", "carol", id="wrong password of a disabled account"),
    pytest.param("frank", None, "expired", id="right password of an expired account"),
    pytest.param("alice", "", "is empty", id="empty password"),
    pytest.param("nobody", "", "is empty", id="empty password of an unknown account"),
    pytest.param("", "wrong", "name is not one", id="empty name"),
    pytest.param("alice)(objectClass=*", "wrong", "no such account", id="LDAP filter as name"),
    pytest.param("alice", "x" * 2000, "password has more than 1,024 bytes", id="password too long"),
    pytest.param("x" * 2000, "wrong", "name has more than 1,024 bytes", id="name too long"),
    pytest.param("alice", "gr\udcfcn", "password is not UTF-8", id="password in an old character set"),
    pytest.param("al\udcefce", "wrong", "name is not one", id="name in an old character set"),
])
def test_password_rejected_looks_the_same_for_every_cause(reasons, lab, path, login, password, detail):
    word = lab.people[login].password if password is None else password
    value = base64.b64encode(f"{login}:{word}".encode(errors="surrogateescape")).decode()
    outcome = reasons.request(path, headers={"Authorization": f"Basic {value}"})
    check_refusal(outcome, "password-rejected", detail)
    assert public(outcome) == public(reasons.request(path, basic=("alice", "Alice.pw.2026")))


def test_password_rejected_with_certificate_under_both(reasons, holders):
    outcome = reasons.request("/and", holders["alice"], basic=("alice", "wrong"))
    check_refusal(outcome, "password-rejected", EAS_METHOD="certificate+basic")


@provokes("user-mismatch")
@pytest.mark.parametrize("password", [
    pytest.param(None, id="right password"), pytest.param("wrong", id="wrong password")])
def test_user_mismatch_certificate_and_password_of_two_people(reasons, holders, lab, password):
    word = password or lab.people["bob"].password
    outcome = reasons.request("/and", holders["alice"], basic=("bob", word))
    check_refusal(outcome, "user-mismatch", EAS_METHOD="certificate+basic")


@pytest.mark.parametrize("holder, reason", [
    ("expired", "certificate-expired"), ("carol", "account-disabled"),
    ("nobody", "account-not-found")])
def test_refused_certificate_stays_refused_with_good_password(reasons, holders, lab, holder,
                                                              reason):
    outcome = reasons.request("/or", holders[holder], basic=("alice", lab.people["alice"].password))
    check_refusal(outcome, reason)


# ---- outages and wrong settings ----------------------------------------------------------------

def check_unavailable(outcome, reason, expect_log, detail=""):
    """A failure that is nobody's fault outside: told as an error the first time."""
    expect_log(line_of(reason))
    check_refusal(outcome, reason, detail)


@provokes("directory-unavailable")
@pytest.mark.parametrize("settings", [
    pytest.param(lambda lab, _: {"EASDirectory": f"ldap://{closed(lab)}"}, id="gssapi"),
    pytest.param(lambda lab, folder: simple_bind(lab, folder,
                                                 EASDirectory=f"ldaps://{closed(lab)}"),
                 id="simple"),
])
@pytest.mark.parametrize("path", ["/certificate", "/basic"])
def test_directory_unavailable_closed_port(lab, holders, proxy, tmp_path, expect_log, settings,
                                           path):
    one = proxy(virtual_host(
        lab, section("/certificate", lab.standin.url),
        section("/basic", lab.standin.url, EASAuthenticate="basic"), **settings(lab, tmp_path)))
    outcome = one.request(path, holders["alice"], basic=("alice", lab.people["alice"].password))
    check_unavailable(outcome, "directory-unavailable", expect_log)


def test_directory_unavailable_wrong_ca_is_not_trusted(lab, holders, proxy, tmp_path, expect_log):
    settings = simple_bind(lab, tmp_path, EASDirectoryCAFile=lab.pki.strange.certificate)
    one = proxy(virtual_host(lab, section("/", lab.standin.url), **settings))
    check_unavailable(one.request("/", holders["alice"]), "directory-unavailable", expect_log)


def test_directory_second_url_serves_when_first_is_closed(lab, holders, proxy):
    urls = f"ldap://{closed(lab)} ldap://dc1.example.test"
    one = proxy(virtual_host(lab, section("/", lab.standin.url), EASDirectory=urls))
    check_grant(one.request("/", holders["alice"]), user="alice@example.test")


@pytest.mark.parametrize("url", ["ldaps_url", "ldap_url"])
def test_directory_simple_bind_over_tls_grants(lab, holders, proxy, tmp_path, url):
    settings = simple_bind(lab, tmp_path, EASDirectory=getattr(lab.dc, url))
    one = proxy(virtual_host(lab, section("/", lab.standin.url), **settings))
    check_grant(one.request("/", holders["alice"]), user="alice@example.test")


@provokes("kdc-unavailable")
def test_kdc_unavailable_closed_port(lab, holders, proxy, tmp_path, expect_log):
    conf = kerberos.write_configuration(lab.root / "krb5-closed.conf",
                                        [lab.address("other")])
    one = proxy(virtual_host(lab, section("/", lab.standin.url), **simple_bind(lab, tmp_path)),
                env={"KRB5_CONFIG": str(conf)})
    check_unavailable(one.request("/", holders["alice"]), "kdc-unavailable", expect_log)


def test_granted_without_default_realm_in_krb5_conf(lab, holders, proxy):
    one = proxy(virtual_host(lab, section("/", lab.exchange.url)),
                env={"KRB5_CONFIG": str(lab.krb5_conf_without_realm)})
    check_grant(one.request("/", holders["alice"], method="OPTIONS"), user="alice@example.test")


@provokes("delegation-misconfigured")
@pytest.mark.parametrize("spn, detail", [
    pytest.param("HTTP/other.example.test", "msDS-AllowedToDelegateTo", id="not in the list"),
    pytest.param("HTTP/unknown.example.test", "no account has this SPN", id="no such service"),
])
def test_delegation_misconfigured_spn(lab, holders, proxy, expect_log, spn, detail):
    one = proxy(virtual_host(lab, section("/", lab.standin.url), EASDelegationSPN=spn))
    outcome = one.request("/", holders["alice"])
    check_unavailable(outcome, "delegation-misconfigured", expect_log, detail)
    assert outcome.decision.fields["spn"] == spn


def test_delegation_misconfigured_spn_of_the_worker(lab, holders, proxy, expect_log):
    one = proxy(virtual_host(lab, section("/", lab.standin.url), EASDelegationSPN=None))
    outcome = one.request("/", holders["alice"])
    check_unavailable(outcome, "delegation-misconfigured", expect_log)
    assert outcome.decision.fields["spn"] == "HTTP/standin.example.test"


@pytest.fixture
def swapped_kdc(lab):
    """A KDC for which alice is bob and bob is alice; its krb5.conf."""
    other = lab.second_controller()
    exchanged = (("alice", "first"), ("bob", "alice"), ("alice", "bob"))    # by distinguished name
    for name, new in exchanged:
        other.modify(f"dn: {lab.people[name].dn}\nchangetype: modify\n"
                     f"replace: sAMAccountName\nsAMAccountName: {new}\n-\n"
                     f"replace: userPrincipalName\nuserPrincipalName: {new}@example.test\n-\n")
    other.start()
    yield kerberos.write_configuration(lab.root / "krb5-swapped.conf", [other.address])
    other.stop()


@provokes("delegated-identity-mismatch")
def test_delegated_identity_mismatch_other_accounts_ticket(lab, holders, proxy, swapped_kdc,
                                                           expect_log):
    one = proxy(virtual_host(lab, section("/", lab.standin.url)),
                env={"KRB5_CONFIG": str(swapped_kdc)})
    lab.standin.clear()
    expect_log(line_of("delegated-identity-mismatch"))
    outcome = one.request("/", holders["alice"])
    check_refusal(outcome, "delegated-identity-mismatch", re.escape(lab.dc.sid("bob")))
    assert lab.standin.requests() == []


# ---- the backend's refusal ---------------------------------------------------------------------

@provokes("backend-rejected-ticket")
@pytest.mark.parametrize("override", ["Off", "On"])
def test_backend_rejected_ticket_401_never_reaches_device(lab, holders, proxy, standin, expect_log,
                                                          override):
    standin.script("/", UNAUTHORIZED, times=1)
    one = proxy(virtual_host(lab, section("/", standin.url), ProxyErrorOverride=override))
    expect_log(line_of("backend-rejected-ticket"))
    first, second = (one.request("/", holders["alice"]) for _ in range(2))
    check_answer(first, "backend-rejected-ticket")
    check_decision(first, "backend-rejected-ticket")
    assert first.access["EAS_REASON"] == "backend-rejected-ticket"
    check_grant(second)


@provokes("backend-unverified")
def test_backend_unverified_answer_does_not_reach_device(lab, holders, proxy, expect_log):
    with Persister(lab, lab.root / "persister") as persister:
        one = proxy(virtual_host(lab, section("/", persister.url, EASBackendReuse="verified")))
        assert one.request("/", holders["alice"]).status == 200
        wait_until(lambda: "ECA6004" in one.whole_log(), 20, "the backend has proven itself")
        persister.behave(proof="none")
        expect_log(line_of("backend-unverified"))
        expect_log("ECA6003: ")
        check_refusal(one.request("/", holders["alice"]), "backend-unverified")


@pytest.mark.parametrize("status", [403, 404, 451, 501])
def test_backend_other_answers_pass(lab, holders, proxy, standin, status):
    standin.script("/", status=status, body="the backend's own")
    one = proxy(virtual_host(lab, section("/", standin.url)))
    outcome = one.request("/", holders["alice"])
    assert (outcome.status, outcome.text) == (status, "the backend's own")
    assert "X-EAS-Reason" not in outcome.headers
    assert outcome.access["EAS_REASON"] == "granted"


# ---- defects, and what is told -----------------------------------------------------------------

@provokes("internal-error")
def test_internal_error_contradiction_in_nested_section(lab, holders, proxy, expect_log):
    one = proxy(virtual_host(
        lab, section("/outer", lab.standin.url, EASBasicDelegation="passthrough"),
        "<Location /outer/inner>\nEASDelegation header\n</Location>"))
    check_grant(one.request("/outer", holders["alice"]))
    expect_log(line_of("internal-error"))
    check_refusal(one.request("/outer/inner", holders["alice"]), "internal-error", "passthrough")


@pytest.mark.parametrize("holder, reason", [(None, "certificate-required"),
                                            ("expired", "certificate-expired")])
def test_reason_header_off_is_absent(reasons, holders, holder, reason):
    outcome = reasons.request("/quiet", holder and holders[holder])
    check_answer(outcome, reason, header=False)
    assert outcome.access["EAS_REASON"] == reason


def test_retry_after_setting_is_sent_with_jitter(lab, holders, proxy, expect_log):
    one = proxy(virtual_host(lab, section("/", lab.standin.url), EASRetryAfter="600",
                             EASDelegationSPN="HTTP/other.example.test"))
    expect_log(line_of("delegation-misconfigured"))
    outcomes = [one.request("/", holders["alice"]) for _ in range(12)]
    for outcome in outcomes:
        check_answer(outcome, "delegation-misconfigured", retry_after=600)
    assert len({outcome.headers["Retry-After"] for outcome in outcomes}) > 1


def test_repeated_error_is_told_once(lab, holders, proxy, expect_log):
    one = proxy(virtual_host(lab, section("/", lab.standin.url),
                             EASDelegationSPN="HTTP/other.example.test"))
    expect_log(line_of("delegation-misconfigured"))
    outcomes = [one.request("/", holders["alice"]) for _ in range(3)]
    assert [outcome.decision.level for outcome in outcomes] == ["error", "info", "info"]


def test_reason_header_of_the_backend_does_not_pass(lab, holders, proxy, standin):
    standin.script("/", headers={"X-EAS-Reason": "granted"})
    one = proxy(virtual_host(lab, section("/", standin.url)))
    check_grant(one.request("/", holders["alice"]))


@pytest.mark.parametrize("user", [
    pytest.param("a%0d%0ab%1b", id="control characters"),
    pytest.param("%22%20reason=granted%20x=%22", id="quotes and another reason"),
    pytest.param("a%5c%22%20reason=granted", id="backslash and quote"),
])
def test_hostile_query_cannot_forge_a_log_line(reasons, holders, user):
    outcome = reasons.request(f"/strong?Cmd=Sync&User={user}", holders["nobody"])
    check_refusal(outcome, "account-not-found", "no account")


def test_device_trusting_only_the_servers_ca_is_served(lab, holders, reasons):
    context = tls_context(lab.server_certificate("proxy").root, holders["alice"])
    device = reasons.client("/strong", context=context)
    assert device.request("GET").status == 200
