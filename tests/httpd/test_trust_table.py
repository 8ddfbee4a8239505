# SPDX-License-Identifier: Apache-2.0
"""A hierarchy with everything that can be wrong in it: the reason is the same through TLS 1.2, TLS 1.3 and a header."""

import base64
import dataclasses
import ssl

import pytest

from lab.eas_client import tls_context
from pki.authority import Authority
from proxy import section, virtual_host
from reasons import check_grant, check_refusal

CA = "basicConstraints = critical, CA:TRUE"
WAYS = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3, "header": None}
UNTRUSTED, PURPOSE = "certificate-untrusted", "certificate-purpose"

# name: (issuer, algorithm, days, basicConstraints, further extensions, accepted and known as an intermediate)
AUTHORITIES = {
    "root": (None, "rsa", (-1, 3650), CA, "", True),
    "first": ("root", "ec", (-1, 3650), CA, "", True),
    "second": ("first", "rsa", (-1, 3650), CA, "", True),
    "other-root": (None, "ec", (-1, 3650), CA, "", False),
    "ended": ("root", "ec", (-100, -1), CA, "", True),
    "to-come": ("root", "ec", (10, 100), CA, "", False),
    "mail": ("root", "ec", (-1, 3650), CA, "extendedKeyUsage = emailProtection", True),
    "no-ca": ("root", "ec", (-1, 3650), "basicConstraints = critical, CA:FALSE", "", False),
    "named": ("root", "ec", (-1, 3650), CA, "nameConstraints = critical, permitted;DNS:example.test", True),
    "shallow": ("root", "ec", (-1, 3650), CA + ", pathlen:0", "", True),
    "below": ("shallow", "ec", (-1, 3650), CA, "", False),
    "critical": ("root", "ec", (-1, 3650), CA, "1.3.6.1.4.1.99999.1 = critical, ASN1:NULL", False),
}

ROWS = [
    ("first", {}, None, "as it should be: EC"),
    ("root", {"algorithm": "rsa"}, None, "RSA, issued by the root itself"),
    ("second", {"algorithm": "rsa"}, None, "two intermediates, RSA and EC"),
    ("cross", {}, None, "cross-signed, both certificates sent along"),
    ("other-root", {}, UNTRUSTED, "a root that is not accepted"),
    ("first", {"not_before": -10, "not_after": -1}, "certificate-expired", "expired"),
    ("first", {"not_before": 1, "not_after": 10}, "certificate-not-yet-valid", "not yet valid"),
    ("first", {"eku": "serverAuth"}, PURPOSE, "for servers"),
    ("first", {"eku": "serverAuth,clientAuth"}, None, "for both"),
    ("first", {"raw": "keyUsage = critical, keyEncipherment"}, PURPOSE, "a key that may not sign"),
    ("first", {"raw": "1.3.6.1.4.1.99999.1 = critical, ASN1:NULL"}, UNTRUSTED, "critical extension nobody knows"),
    ("ended", {}, UNTRUSTED, "issuer expired"),
    ("to-come", {}, UNTRUSTED, "issuer not yet valid"),
    ("mail", {}, PURPOSE, "issuer for mail alone"),
    ("no-ca", {}, UNTRUSTED, "issuer that is no CA"),
    ("named", {"dns": "phone.example.test"}, None, "name within the constraints"),
    ("named", {"dns": "phone.elsewhere.test"}, UNTRUSTED, "name outside the constraints"),
    ("shallow", {}, None, "path as long as it may be"),
    ("below", {}, UNTRUSTED, "path longer than it may be"),
    ("critical", {}, UNTRUSTED, "critical extension nobody knows, in the issuer"),
]


@pytest.fixture(scope="module")
def authorities(lab):
    """{name: Authority}; "cross" is "first" with the other root's certificate for it sent along, first."""
    made = {}
    for name, (issuer, algorithm, days, basic, more, _) in AUTHORITIES.items():
        made[name] = Authority(lab.root / "trust-table" / name, f"/O=Trust/CN={name}", made.get(issuer), algorithm,
                               days=days, text=f"{basic}\n{more}\n")
    return made


@pytest.fixture(scope="module")
def table(lab, module_proxy, authorities):
    """httpd: /tls and /header."""
    file = lab.root / "trust-table/accepted.pem"
    file.write_text("".join(authorities[name].certificate.read_text(encoding="utf-8")
                            for name, row in AUTHORITIES.items() if row[-1]), encoding="utf-8")
    return module_proxy(virtual_host(
        lab, section("/tls", f"{lab.standin.url}/tls", EASDelegation="header"),
        section("/header", f"{lab.standin.url}/header", EASDelegation="header",
                EASCertificateSource="header X-Client-Cert base64-der"),
        EASTrustedIssuers=file, EASTrustedProxy="127.0.0.1", SSLCACertificateFile=file),
        start_log=[r'ECA1036: EASTrustedIssuers: "CN=ended,O=Trust" ended'])


@pytest.fixture(scope="module")
def issue(lab, authorities):
    """issue(authority's name, options): alice's certificate."""
    issued = {}

    def make(name, options):
        key = (name, tuple(sorted(options.items())))
        if key not in issued:
            authority = authorities["first" if name == "cross" else name]
            issued[key] = authority.issue(f"alice-{len(issued)}", **{"sid": lab.dc.sid("alice"), **options})
            if name == "cross":
                issued[key] = cross_signed(issued[key], authorities)
        return issued[key]
    return make


def cross_signed(certificate, authorities):
    """The certificate with two for its issuer behind it; the first leads to the root that is not accepted."""
    cross = authorities["other-root"].cross_sign(authorities["first"])
    chain = certificate.chain.with_name("cross-signed.chain.pem")
    chain.write_text("".join(one.read_text(encoding="utf-8") for one in (
        certificate.pem, cross, authorities["first"].certificate)), encoding="utf-8")
    return dataclasses.replace(certificate, chain=chain)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name, options, reason", [pytest.param(*row[:-1], id=row[-1]) for row in ROWS])
def test_certificate_of_the_table_has_its_reason(table, issue, name, options, reason, way):
    certificate = issue(name, options)
    if way == "header":
        value = base64.b64encode(certificate.der).decode()
        outcome = table.request("/header", headers={"X-Client-Cert": value})
    else:
        context = tls_context(certificate=certificate, maximum=WAYS[way])
        outcome = table.request("/tls", context=context)
    if reason is None:
        check_grant(outcome, user="alice@example.test", EAS_MAPPING="sid")
    else:
        check_refusal(outcome, reason)


def test_issuers_are_read_again_at_a_reload(lab, holders, proxy, tmp_path):
    file = tmp_path / "issuers.pem"
    file.write_text(lab.pki.strange.certificate.read_text(encoding="utf-8"), encoding="utf-8")
    one = proxy(virtual_host(lab, section("/mail", f"{lab.standin.url}/mail", EASDelegation="header"),
                             EASTrustedIssuers=file))
    check_refusal(one.request("/mail", holders["alice"]), UNTRUSTED)
    check_grant(one.request("/mail", holders["strange"]))
    file.write_text(lab.pki.trusted.read_text(encoding="utf-8"), encoding="utf-8")
    one.renew()
    check_grant(one.request("/mail", holders["alice"]))
    check_refusal(one.request("/mail", holders["strange"]), UNTRUSTED)


def test_weak_key_in_a_header_is_untrusted(table, issue):
    """TLS itself ends the connection of such a key."""
    value = base64.b64encode(issue("first", {"algorithm": "rsa-1024"}).der).decode()
    check_refusal(table.request("/header", headers={"X-Client-Cert": value}), UNTRUSTED, "key too weak")


def test_ca_certificate_in_a_header_is_no_clients(table, authorities):
    value = base64.b64encode(authorities["first"].der).decode()
    check_refusal(table.request("/header", headers={"X-Client-Cert": value}), PURPOSE, "CA's own")
