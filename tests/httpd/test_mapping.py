# SPDX-License-Identifier: Apache-2.0
"""Whose certificate it is: every kind of mapping and every trick, against a real Active Directory."""

import pytest

from holders import FROM_NOW, ISSUER, TEN_YEARS_AGO, issuer_serial_of, resign, sha1_of
from proxy import section, virtual_host
from reasons import check_grant, check_refusal

STRONG = ("sid", "issuer-serial", "ski", "sha1-pukey", "issuer-sid", "certificate")
WEAK = ("upn", "email", "cn", "issuer-subject", "subject", "rfc822")
TEN_YEARS = 3660 * 86400


@pytest.fixture(scope="module")
def site(lab, module_proxy):
    """A section for each kind alone, and for some lists."""
    def here(path, mapping, **more):
        return section(path, lab.standin.url + path, EASMapping=mapping, EASDelegation="none", **more)

    return module_proxy(virtual_host(
        lab, *(here(f"/{kind}", kind) for kind in (*STRONG, *WEAK)),
        here("/strong", "strong"),
        here("/weak-first", "upn strong"),
        here("/strings", "subject issuer-subject"),
        here("/backdated", "upn", EASCertificateBackdating=TEN_YEARS),
        here("/too-little", "upn", EASCertificateBackdating=86400),
        here("/whenever", "upn", EASCertificateBackdating="any")),
        start_log=[rf"ECA1035: section /{path}: " for path in
                   (*WEAK, "weak-first", "strings", "strings", "backdated", "too-little", "whenever")])


def stored(kind, one, lab):
    """(attribute, value) that an administrator writes into bob's account for a certificate."""
    subject = "DC=test,OU=Phones,CN=bob,E=bob@phones.example.test"
    strings = {
        "issuer-serial": issuer_serial_of(one),
        "ski": "X509:<SKI>" + one.key_identifier,
        "sha1-pukey": "X509:<SHA1-PUKEY>" + sha1_of(one),
        "issuer-sid": f"X509:<I>{ISSUER}<SID>{lab.dc.sid('bob')}",
        "issuer-subject": f"X509:<I>{ISSUER}<S>{subject}",
        "subject": f"X509:<S>{subject}",
        "rfc822": "X509:<RFC822>bob@phones.example.test",
    }
    if kind in strings:
        return "altSecurityIdentities", strings[kind]
    return {"certificate": ("userCertificate", one.der), "email": ("mail", "bob@phones.example.test"),
            }.get(kind, (None, None))


KEY_IDENTIFIER = "A1B2C3D4E5F60718293A4B5C6D7E8F9001122334"


class Phone:
    """bob's certificate with everything that a kind can look at."""

    def __init__(self, holders, lab):
        self.certificate = holders.issue(
            "bob-everything", subject="/DC=test/OU=Phones/CN=bob/emailAddress=bob@phones.example.test",
            upn="bob@example.test", email="bob@phones.example.test", sid=lab.dc.sid("bob"),
            ski=KEY_IDENTIFIER, **FROM_NOW)
        self.der, self.field = self.certificate.der, self.certificate.field
        self.key_identifier = KEY_IDENTIFIER


@pytest.fixture(scope="module")
def phone(holders, lab):
    """One certificate for all kinds."""
    return Phone(holders, lab)


@pytest.mark.parametrize("kind", [*STRONG, *WEAK])
def test_kind_finds_the_account_it_stands_for(site, phone, lab, directory, kind):
    attribute, value = stored(kind, phone, lab)
    if attribute:
        before = [lab.people["bob"].mail] if attribute == "mail" else []
        directory.set(lab.people["bob"].dn, attribute, value, before=before)
    check_grant(site.request(f"/{kind}", phone.certificate), user="bob@example.test",
                EAS_MAPPING=kind, EAS_MAPPING_STRENGTH="strong" if kind in STRONG else "weak",
                EAS_ACCOUNT_SID=lab.dc.sid("bob"))


@pytest.mark.parametrize("kind", [kind for kind in (*STRONG, *WEAK) if kind not in ("sid", "upn", "cn")])
def test_kind_without_its_value_in_the_directory_finds_nobody(site, lab, holders, kind):
    stranger = holders.issue(f"stranger-{kind}", subject="/CN=nobody-at-all", upn="nobody@example.test",
                             email="nobody@example.test", **FROM_NOW)
    check_refusal(site.request(f"/{kind}", stranger), "account-not-found")


@pytest.mark.parametrize("kind", WEAK)
def test_weak_kind_not_named_is_refused_until_the_value_shown_is_stored(site, lab, directory, holders, kind):
    one = holders.issue(f"weak-{kind}", subject="/DC=test/OU=Phones/CN=" + ("bob" if kind == "cn" else "x")
                        + "/emailAddress=bob@phones.example.test",
                        upn="bob@example.test" if kind == "upn" else None,
                        email="bob@phones.example.test" if kind in ("email", "rfc822") else None, **FROM_NOW)
    subject = "DC=test,OU=Phones,CN=x,E=bob@phones.example.test"
    value = {"issuer-subject": f"X509:<I>{ISSUER}<S>{subject}", "subject": f"X509:<S>{subject}",
             "rfc822": "X509:<RFC822>bob@phones.example.test"}.get(kind)
    if value:
        directory.set(lab.people["bob"].dn, "altSecurityIdentities", value)
    if kind == "email":
        directory.set(lab.people["bob"].dn, "mail", "bob@phones.example.test", before=[lab.people["bob"].mail])
    refused = site.request("/strong", one)
    check_refusal(refused, "mapping-weak", detail=f"{kind} names bob", EAS_MAPPING=kind)
    shown = refused.decision.fields["detail"].partition("altSecurityIdentities: ")[2]
    assert shown.lower() == issuer_serial_of(one).lower()
    directory.set(lab.people["bob"].dn, "altSecurityIdentities", shown)
    check_grant(site.request("/strong", one), EAS_MAPPING="issuer-serial")


def test_order_of_kinds_decides(site, phone):
    check_grant(site.request("/weak-first", phone.certificate), EAS_MAPPING="upn")
    check_grant(site.request("/strong", phone.certificate), EAS_MAPPING="sid")


@pytest.mark.parametrize("kind", WEAK)
def test_sid_of_somebody_else_has_a_veto_over_every_weak_kind(site, lab, directory, holders, kind):
    one = holders.issue(f"veto-{kind}", subject="/DC=test/CN=bob", upn="bob@example.test",
                        email=lab.people["bob"].mail, sid=lab.dc.sid("alice"), **FROM_NOW)
    value = {"issuer-subject": f"X509:<I>{ISSUER}<S>DC=test,CN=bob", "subject": "X509:<S>DC=test,CN=bob",
             "rfc822": f"X509:<RFC822>{lab.people['bob'].mail}"}.get(kind)
    if value:
        directory.set(lab.people["bob"].dn, "altSecurityIdentities", value)
    check_refusal(site.request(f"/{kind}", one), "sid-mismatch", detail="carries")


# ---- more than one account -----------------------------------------------------------------------
# Samba refuses a UPN that another account's name implies; tests/unit/core has that row.

def test_value_stored_twice_is_ambiguous(site, lab, directory, holders):
    one = holders.issue("two-accounts", **FROM_NOW)
    for name in ("alice", "bob"):
        directory.set(lab.people[name].dn, "altSecurityIdentities", issuer_serial_of(one))
    check_refusal(site.request("/strong", one), "account-ambiguous", detail="finds 2 accounts")


def test_strong_kinds_that_disagree_are_ambiguous(site, lab, directory, holders):
    one = holders.issue("two-kinds", ski="0BADC0DE", **FROM_NOW)
    directory.set(lab.people["alice"].dn, "altSecurityIdentities", issuer_serial_of(one))
    directory.set(lab.people["bob"].dn, "altSecurityIdentities", "X509:<SKI>0BADC0DE")
    check_refusal(site.request("/strong", one), "account-ambiguous", detail="strong mapping finds 2")


def test_account_without_upn_is_found_by_its_implied_one(site, holders, lab):
    one = holders.issue("heidi-implied", upn="HEIDI@example.TEST", **FROM_NOW)
    check_grant(site.request("/upn", one), EAS_ACCOUNT_DN=lab.people["heidi"].dn)


def test_crowd_behind_a_mail_address_hides_no_strong_match(site, lab, holders):
    crowd = [f"crowd{number:02}" for number in range(12)]
    for name in crowd:
        lab.dc.modify(f"dn: CN={name},CN=Users,DC=example,DC=test\nchangetype: add\nobjectClass: user\n"
                      f"sAMAccountName: {name}\nmail: everybody@example.test\n")
    try:
        one = holders.issue("alice-in-a-crowd", email="everybody@example.test", sid=lab.dc.sid("alice"), **FROM_NOW)
        check_grant(site.request("/strong", one), user="alice@example.test", EAS_MAPPING="sid")
        nameless = holders.issue("in-a-crowd", email="everybody@example.test", **FROM_NOW)
        check_refusal(site.request("/email", nameless), "account-ambiguous", detail="more accounts")
    finally:
        for name in crowd:
            lab.dc.modify(f"dn: CN={name},CN=Users,DC=example,DC=test\nchangetype: delete\n")


# ---- the certificate's age -----------------------------------------------------------------------

@pytest.mark.parametrize("path, granted", [
    ("/upn", False), ("/too-little", False), ("/backdated", True), ("/whenever", True)])
def test_backdating_bounds_how_much_older_the_certificate_may_be(site, holders, path, granted):
    one = holders.issue("alice-old", upn="alice@example.test", **TEN_YEARS_AGO)
    outcome = site.request(path, one)
    if granted:
        check_grant(outcome, user="alice@example.test", EAS_MAPPING="upn")
    else:
        check_refusal(outcome, "mapping-predates-account", detail="older")


# ---- hostile certificates ------------------------------------------------------------------------

def upn(value, **more):
    """Arguments of issue() for a UPN in UTF-8."""
    return {"upn": value, **FROM_NOW, **more}


BAD = [
    ("/upn", upn("bob~@example.test"), (b"bob~@", b"bob\0@"), "certificate-malformed", "NUL in the middle"),
    ("/upn", upn("bob@example.test~"), (b"test~", b"test\0"), "certificate-malformed", "NUL at the end"),
    ("/upn", upn("bob~@example.test"), (b"bob~@", b"bob\n@"), "certificate-malformed", "line feed"),
    ("/upn", upn("bob~~@example.test"), (b"bob~~@", b"bob\xc0\xaf@"), "certificate-malformed", "overlong UTF-8"),
    ("/upn", upn("bob~@example.test"), (b"bob~@", b"bob\xff@"), "certificate-malformed", "no UTF-8"),
    ("/upn", {"san": "otherName.9 = 1.3.6.1.4.1.311.20.2.3;BMP:bob@example.test", **FROM_NOW,
              "upn": "bob@example.test"},
     (), "certificate-malformed", "a BMPString"),
    ("/upn", upn(["alice@example.test", "bob@example.test"]), (), "certificate-malformed", "two people"),
    ("/upn", upn("x" * 1025), (), "certificate-malformed", "over-long"),
    ("/upn", upn("*)(sAMAccountName=bob"), (), "account-not-found", "closing the filter"),
    ("/upn", upn("a*)(objectClass=*"), (), "account-not-found", "everybody"),
    ("/upn", upn("*"), (), "account-not-found", "a star"),
    ("/upn", upn("b\u00f6b@example.test"), (), "account-not-found", "an accent that AD folds"),
    ("/upn", upn("\uff42ob@example.test"), (), "account-not-found", "a full-width letter"),
    ("/upn", upn(" bob@example.test"), (), "account-not-found", "a space before"),
    ("/upn", upn("bob @example.test"), (), "account-not-found", "a space within"),
    ("/upn", upn("bob@example.org"), (), "account-not-found", "another realm"),
    ("/upn", upn("bob@example.test.evil.test"), (), "account-not-found", "a longer suffix"),
    ("/upn", upn("@example.test"), (), "account-not-found", "no name"),
    ("/upn", upn("bob"), (), "account-not-found", "no suffix"),
    ("/upn", upn("EXAMPLE\\\\bob"), (), "account-not-found", "a down-level name"),
    ("/email", {"email": "x" * 250 + "@a.test", **FROM_NOW}, (), "certificate-malformed", "over-long address"),
    ("/email", {"email": "bob~@example.test", **FROM_NOW}, (b"bob~@", b"bob\0@"), "certificate-malformed",
     "NUL in an address"),
    ("/email", {"email": [f"bob{n}@example.test" for n in range(17)], **FROM_NOW}, (), "certificate-malformed",
     "seventeen addresses"),
    ("/cn", {"subject": "/CN=bob~", **FROM_NOW}, (b"bob~", b"bob\0"), "certificate-malformed", "NUL behind a name"),
    ("/cn", {"subject": "/CN=bob /OU=x", **FROM_NOW}, (), "account-not-found", "a space behind a name"),
    ("/cn", {"subject": "/CN=*", **FROM_NOW}, (), "account-not-found", "a star as a name"),
    ("/cn", {"subject": "/CN=bob/CN=nobody-at-all", **FROM_NOW}, (), "account-not-found", "not the last CN"),
    ("/strings", {"subject": "/CN=x<SR>01", **FROM_NOW}, (), "account-not-found", "<SR> inside a CN"),
    ("/strings", {"subject": "/CN=x~y", **FROM_NOW}, (b"x~y", b"x\0y"), "certificate-malformed", "NUL in the subject"),
    ("/strong", {"raw": "1.3.6.1.4.1.311.25.2 = DER:30:03:02:01:00", **FROM_NOW}, (), "certificate-malformed",
     "a SID extension that is none"),
]


@pytest.mark.parametrize("number, path, options, change, reason", [
    pytest.param(number, *row[:-1], id=f"{row[0]} {row[-1]}") for number, row in enumerate(BAD)])
def test_hostile_certificate_is_nobody(site, lab, holders, number, path, options, change, reason):
    one = holders.issue(f"hostile-{number}", **options)
    if change:
        one = resign(one, lab.pki.issuing, *change)
    check_refusal(site.request(path, one), reason)


def test_tags_inside_a_name_match_only_the_whole_quoted_value(site, lab, directory, holders):
    # stored for a certificate whose subject is CN=x; another one carries the tags inside its name
    directory.set(lab.people["bob"].dn, "altSecurityIdentities", f"X509:<I>{ISSUER}<S>CN=x")
    trick = holders.issue("trick", subject="/CN=y<S>CN=x", **FROM_NOW)
    check_refusal(site.request("/strings", trick), "account-not-found")
    check_grant(site.request("/strings", holders.issue("no-trick", subject="/CN=x", **FROM_NOW)),
                EAS_MAPPING="issuer-subject")
