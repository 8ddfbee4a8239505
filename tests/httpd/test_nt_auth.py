# SPDX-License-Identifier: Apache-2.0
"""EASNTAuth: the issuing CA must be in the forest's NTAuthCertificates, read from the real domain controller."""

import base64

import pytest

from directory_change import replace_ldif
from proxy import section, simple_bind, virtual_host
from reasons import check_grant, check_refusal, line_of

ENTRY = ("CN=NTAuthCertificates,CN=Public Key Services,CN=Services,CN=Configuration,DC=example,DC=test")
PUBLISH = "CN=Example Issuing CA.*is not in the forest's NTAuthCertificates; publish it with certutil -dspublish"


def add_ldif(*certificates):
    """The entry as Windows makes it: with empty lists (one zero byte) for what it does not use."""
    lines = [f"cACertificate:: {base64.b64encode(der).decode()}" for der in certificates]
    return "\n".join((f"dn: {ENTRY}", "changetype: add", "objectClass: top", "objectClass: certificationAuthority",
                      *lines, "authorityRevocationList:: AA==", "certificateRevocationList:: AA==", ""))


@pytest.fixture
def entry(lab):
    """entry(DER, …) publishes these certificates, and no others; the entry ends with the test."""
    made = []

    def publish(*certificates):
        lab.dc.modify(replace_ldif(ENTRY, "cACertificate", certificates) if made else add_ldif(*certificates))
        made.append(certificates)
    yield publish
    if made:
        lab.dc.modify(f"dn: {ENTRY}\nchangetype: delete\n")


def site(lab, **settings):
    """One section that wants certificates of the forest's CAs."""
    return virtual_host(lab, section("/mail", lab.standin.url + "/mail", EASDelegation="header"), EASNTAuth="On",
                        **settings)


def test_issuer_that_is_published_is_accepted_once_it_is(lab, holders, proxy, entry):
    one = proxy(site(lab))
    check_refusal(one.request("/mail", holders["alice"]), "certificate-untrusted", PUBLISH)
    entry(lab.pki.root.der)
    one.renew()
    check_refusal(one.request("/mail", holders["alice"]), "certificate-untrusted", PUBLISH)
    entry(lab.pki.root.der, lab.pki.issuing.der)
    one.renew()
    check_grant(one.request("/mail", holders["alice"]), user="alice@example.test")
    check_refusal(one.request("/mail", holders["strange"]), "certificate-untrusted", "issuer")


def test_list_is_read_with_a_simple_bind_too(lab, holders, proxy, entry, tmp_path):
    entry(lab.pki.issuing.der)
    check_grant(proxy(site(lab, **simple_bind(lab, tmp_path))).request("/mail", holders["alice"]))


def test_list_that_was_never_read_is_an_outage(lab, holders, proxy, expect_log):
    one = proxy(site(lab, EASDirectory=f"ldap://{lab.address('other')}:9"))
    expect_log(line_of("directory-unavailable"))
    check_refusal(one.request("/mail", holders["alice"]), "directory-unavailable")


def test_off_asks_for_no_list(lab, holders, proxy):
    one = proxy(site(lab).replace("EASNTAuth On", "EASNTAuth Off"))
    check_grant(one.request("/mail", holders["alice"]))
