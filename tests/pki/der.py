# SPDX-License-Identifier: Apache-2.0
"""Certificates written byte by byte, for what `openssl` does not make. Nobody signs them."""

from pki.extensions import SID_EXTENSION_OID, SID_VALUE_OID, UPN_OID

BOOLEAN, INTEGER, BITS, OCTETS, OID, UTF8, SEQUENCE, SET = 1, 2, 3, 4, 6, 12, 0x30, 0x31
PRINTABLE, T61, IA5, UTC_TIME, UNIVERSAL, BMP = 19, 20, 22, 23, 28, 30
SAN_OID, SKI_OID = "2.5.29.17", "2.5.29.14"
ECDSA_SHA256, EC_KEY, P256 = "1.2.840.10045.4.3.2", "1.2.840.10045.2.1", "1.2.840.10045.3.1.7"
# A key that everybody knows: the curve's base point (SEC 2, 2.4.2).
POINT = bytes.fromhex("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                      "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")


def element(tag, *contents):
    """A DER element (X.690 8.1)."""
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(digits))) + digits + content


def oid(dotted):
    """An OBJECT IDENTIFIER from dotted text (X.690 8.19)."""
    first, second, *rest = (int(part) for part in dotted.split("."))
    content = b""
    for number in (40 * first + second, *rest):
        groups = [number & 0x7f]
        while number := number >> 7:
            groups.insert(0, 0x80 | number & 0x7f)
        content += bytes(groups)
    return element(OID, content)


def name(*rdns):
    """A Name; an RDN is a tuple (OID, tag, value), or a list of them for several in one, in that order."""
    def attribute(dotted, tag, value):
        return element(SEQUENCE, oid(dotted), element(tag, value.encode() if isinstance(value, str) else value))
    return element(SEQUENCE, *(element(SET, *(attribute(*one) for one in (rdn if isinstance(rdn, list) else [rdn])))
                               for rdn in rdns))


def other_name(dotted, tag, value):
    """A GeneralName otherName."""
    return element(0xa0, oid(dotted), element(0xa0, element(tag, value)))


def upn(value, tag=UTF8):
    """The GeneralName with a userPrincipalName."""
    return other_name(UPN_OID, tag, value)


def email(value):
    """The GeneralName rfc822Name."""
    return element(0x81, value)


def uri(value):
    """The GeneralName uniformResourceIdentifier."""
    return element(0x86, value)


def extension(dotted, *contents):
    """An extension that is not critical."""
    return element(SEQUENCE, oid(dotted), element(OCTETS, *contents))


def names_extension(*general_names):
    """The subjectAltName."""
    return extension(SAN_OID, element(SEQUENCE, *general_names))


def sid_extension(sid):
    """The SID of KB5014754 (MS-WCCE 2.2.2.7.7.4)."""
    return extension(SID_EXTENSION_OID, element(SEQUENCE, other_name(SID_VALUE_OID, OCTETS, sid)))


def key_identifier(content):
    """The subjectKeyIdentifier."""
    return extension(SKI_OID, element(OCTETS, content))


def certificate(issuer, subject, serial, *extensions):
    """A certificate of version 3, valid until 2049; `serial` is the INTEGER's content."""
    algorithm = element(SEQUENCE, oid(ECDSA_SHA256))
    valid = element(SEQUENCE, element(UTC_TIME, b"200101000000Z"), element(UTC_TIME, b"491231000000Z"))
    key = element(SEQUENCE, element(SEQUENCE, oid(EC_KEY), oid(P256)), element(BITS, b"\0", POINT))
    parts = [element(0xa0, element(INTEGER, b"\2")), element(INTEGER, serial), algorithm, issuer, valid, subject, key]
    if extensions:
        parts.append(element(0xa3, element(SEQUENCE, *extensions)))
    signature = element(SEQUENCE, element(INTEGER, b"\1"), element(INTEGER, b"\1"))
    return element(SEQUENCE, element(SEQUENCE, *parts), algorithm, element(BITS, b"\0", signature))
