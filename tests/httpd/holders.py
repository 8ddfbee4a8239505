# SPDX-License-Identifier: Apache-2.0
"""The certificates of the tests by name, each issued when first asked for."""

import dataclasses
import hashlib
from functools import cache

from pki.authority import run
from pki.der import element
from pki.extensions import sid_sections

ISSUER = "DC=test,DC=example,CN=Example Issuing CA"    # as Windows writes the issuing CA's name

KEY_IDENTIFIER = "0102030405060708090A0B0C0D0E0F1011121314"
UNKNOWN_SID = "S-1-5-21-1111111111-2222222222-3333333333-4444"

# Of a certificate that is not older than the account: valid from now on.
FROM_NOW = {"not_before": 0}
TEN_YEARS_AGO = {"not_before": -3650}

SID_OID = bytes.fromhex("2b0601040182371902")            # 1.3.6.1.4.1.311.25.2 in DER
PLACEHOLDER_OID = "1.3.6.1.4.1.311.25.9"                 # as long as that one
PLACEHOLDER_OID_DER = bytes.fromhex("2b0601040182371909")


def second_sid_extension():
    """An extension like the SID's under another OID of the same length, to be renamed."""
    line, _ = sid_sections(UNKNOWN_SID)
    return line.replace("1.3.6.1.4.1.311.25.2 ", PLACEHOLDER_OID + " ")


class Holders:
    """holders["alice"] is a pki Certificate; new ones with issue()."""

    def __init__(self, lab):
        self.lab = lab
        self.sid = cache(lab.dc.sid)
        self.issued = {}

    def __getitem__(self, name):
        if name not in self.issued:
            self.issued[name] = self._make(name)
        return self.issued[name]

    def issue(self, name, authority="issuing", **options):
        """A certificate of an authority of the hierarchy."""
        return getattr(self.lab.pki, authority).issue(f"holder-{name}", **options)

    def _make(self, name):
        if name in self.lab.people:
            account = self.lab.people[name]
            return self.issue(name, upn=account.upn, sid=self.sid(name))
        authority, options, change = self._table()[name]
        certificate = self.issue(name, authority, **options)
        return resign(certificate, getattr(self.lab.pki, authority), *change) if change \
            else certificate

    def _table(self):
        alice = {"upn": "alice@example.test", "sid": self.sid("alice")}
        upn_alone = {"upn": "alice@example.test"}
        return {name: (authority, options, change) for name, authority, options, change in (
            ("issuer-serial", "issuing", {}, ()),
            ("ski", "issuing", {"ski": KEY_IDENTIFIER}, ()),
            ("sha1-pukey", "issuing", {}, ()),
            ("sid-uri", "issuing", {"sid_uri": self.sid("alice")}, ()),
            ("upn-alone", "issuing", {**upn_alone, **FROM_NOW}, ()),
            ("upn-old", "issuing", {**upn_alone, **TEN_YEARS_AGO}, ()),
            ("implicit-upn", "issuing", {"upn": "dora@example.test", **FROM_NOW}, ()),
            ("nobody", "issuing", {"sid": UNKNOWN_SID, "upn": "nobody@example.test"}, ()),
            ("names-nobody", "issuing", {}, ()),
            ("upn-alice-sid-bob", "issuing", {**alice, "sid": self.sid("bob")}, ()),
            ("serial-alice-sid-bob", "issuing", {"sid": self.sid("bob")}, ()),
            ("expired", "issuing", {**alice, "not_before": -10, "not_after": -1}, ()),
            ("not-yet-valid", "issuing", {**alice, "not_before": 1, "not_after": 10}, ()),
            ("strange", "strange", alice, ()),
            ("expired-strange", "strange", {**alice, "not_before": -10, "not_after": -1}, ()),
            ("server-auth", "issuing", {**alice, "eku": "serverAuth"}, ()),
            ("no-usage", "issuing", {**alice, "eku": None}, ()),
            ("two-sids", "issuing", {**alice, "raw": second_sid_extension()},
             (PLACEHOLDER_OID_DER, SID_OID)),
            ("nul-in-upn", "issuing", {"upn": "alice@example.test~", **FROM_NOW},
             (b"example.test~", b"example.test\0")),
            ("filter-in-upn", "issuing", {"upn": "a*)(objectClass=*", **FROM_NOW}, ()),
            ("bob-second-phone", "issuing", {"sid": self.sid("bob")}, ()),
        )}


def sha1_of(certificate):
    """The thumbprint, in capitals."""
    return hashlib.sha1(certificate.der).hexdigest().upper()


def issuer_serial_of(certificate):
    """The altSecurityIdentities value as Windows writes it: the serial's last byte first."""
    serial = certificate.field("-serial").partition("=")[2]
    return f"X509:<I>{ISSUER}<SR>{bytes.fromhex(serial)[::-1].hex().upper()}"


# ---- certificates that openssl does not make -------------------------------------------------

def take(der):
    """(element, rest): the first DER element with its header, and what follows it."""
    length, header = der[1], 2
    if length & 0x80:
        header += length & 0x7f
        length = int.from_bytes(der[2:header], "big")
    return der[:header + length], der[header + length:]


def contents(element):
    """The contents of a DER element."""
    return element[2 + (element[1] & 0x7f if element[1] & 0x80 else 0):]


def resign(certificate, authority, old, new):
    """The certificate with some bytes exchanged for as many others, signed again by its issuer."""
    tbs, rest = take(contents(certificate.der))
    algorithm, _ = take(rest)
    assert len(old) == len(new) and tbs.count(old) == 1
    name = certificate.pem.stem
    unsigned, der = (certificate.pem.with_name(f"{name}.{end}") for end in ("tbs", "der"))
    unsigned.write_bytes(tbs.replace(old, new))
    signature = run("dgst", "-sha256", "-sign", authority.key, unsigned)
    der.write_bytes(element(0x30, unsigned.read_bytes(), algorithm, element(0x03, b"\0", signature)))
    pem = certificate.pem.with_name(f"{name}-changed.pem")
    chain = certificate.chain.with_name(f"{name}-changed.chain.pem")
    run("x509", "-inform", "DER", "-in", der, "-out", pem)
    chain.write_text(pem.read_text(encoding="utf-8") + authority.path, encoding="utf-8")
    return dataclasses.replace(certificate, pem=pem, chain=chain)
