# SPDX-License-Identifier: Apache-2.0
"""eas-certauth map against libsss_certmap: the same certificates, the same strings.

They were written by others from the same documents. Where the two disagree, Windows' own strings are the judge, and
the row says what that library does otherwise: a row that no longer disagrees fails, so that no excuse outlives
its cause.
"""

import json
import subprocess
from pathlib import Path

import pytest

from pki import der
from pki.authority import run
from pki.der import BITS, BMP, IA5, PRINTABLE, T61, UNIVERSAL, UTF8

TREE = Path(__file__).resolve().parents[2]
OURS, THEIRS = TREE / "build/eas-certauth", TREE / "build/sss_certmap"
CANNOT_READ = 1
SID = b"S-1-5-21-294026126-3378245018-1203103949-1001"
SID_URI = b"tag:microsoft.com,2022-09-14:sid:"
KINDS = ("sid", "sid-uri", "issuer-serial", "ski", "sha1-pukey", "issuer-sid", "certificate", "upn", "email", "cn",
         "issuer-subject", "subject", "rfc822")
# What we may search as more than one value, of which that library writes one.
SEVERAL = {"issuer-serial": "with and without the sign byte", "sha1-pukey": "of certificate and of key",
           "email": "every address", "rfc822": "every address"}

# What that library does otherwise.
QUOTES = "Windows puts a value with such characters in double quotes, RFC 4514 writes backslashes"
BACKSLASH = "to Windows a backslash is a letter like any other"
ABOVE_127 = "Windows writes UTF-8 as it is, OpenSSL's RFC 2253 escapes every byte above 127"
JOINED = "Windows joins the parts of an RDN by a space, that library writes two RDNs"
OID_NAME = "Windows writes an attribute it has no name for as OID. and the number, that library OpenSSL's name"
UNREAD = "that library gives the whole certificate up"
BELIEVED = "we refuse the whole certificate, that library believes it"
EMPTY = "an empty subject is nobody's, that library makes a value that any such certificate has"
URI_COUNTS = "the command shows what a URI yields where it is asked for, that library knows no SID in a URI"

BY_ISSUER, BY_SUBJECT = "issuer-serial issuer-subject", "issuer-subject subject"
BY_CN = f"cn {BY_SUBJECT}"
ALWAYS = "issuer-serial sha1-pukey certificate cn issuer-subject subject"    # what any certificate of a row has
WITHOUT_SERIAL = ALWAYS.removeprefix("issuer-serial ")


def a(dotted):
    """name(VALUE, TAG) for attributes of one type."""
    return lambda value, tag=UTF8: (dotted, tag, value)


C, CN, ST, L, O, OU, SN, G, T, I, STREET, SERIAL, ORGID, DESCRIPTION, POSTAL = map(a, (
    "2.5.4.6", "2.5.4.3", "2.5.4.8", "2.5.4.7", "2.5.4.10", "2.5.4.11", "2.5.4.4", "2.5.4.42", "2.5.4.12", "2.5.4.43",
    "2.5.4.9", "2.5.4.5", "2.5.4.97", "2.5.4.13", "2.5.4.17"))
E, DC, UID = map(a, ("1.2.840.113549.1.9.1", "0.9.2342.19200300.100.1.25", "0.9.2342.19200300.100.1.1"))

ROWS = {}


def row(why, *, issuer=(CN("Test CA"),), subject=(CN("x"),), serial=b"\1", extensions=(), differs=None):
    """One certificate; `differs` maps a kind (or several in one text) to what that library does otherwise."""
    excuses = {kind: reason for kinds, reason in (differs or {}).items() for kind in kinds.split()}
    assert why not in ROWS and set(excuses) <= set(KINDS)
    ROWS[why] = (der.certificate(der.name(*issuer), der.name(*subject), serial, *extensions), excuses)


# ---- names ------------------------------------------------------------------------------------

row("KB5014754's example", serial=bytes.fromhex("2b0000000011ac0000000012"),
    issuer=(DC("com", IA5), DC("contoso", IA5), CN("CONTOSO-DC-CA", PRINTABLE)))
row("AD CS with a two-label domain", serial=bytes.fromhex("72000000022aee66083db1fc3a000000000002"),
    issuer=(DC("vm", IA5), DC("ad", IA5), CN("ad-ROOT-DC-CA")))
row("Estonia", serial=bytes.fromhex("4da61ce60d7207915e8465a538ee5889"),
    issuer=(C("EE", PRINTABLE), O("SK ID Solutions AS"), ORGID("NTREE-10747013"), CN("ESTEID2018")),
    differs={BY_ISSUER: OID_NAME})
row("as Windows' own tool wrote it", issuer=(O("Red Hat"), OU("prod"), CN("Certificate Authority")),
    subject=(DC("com", IA5), DC("redhat", IA5), OU("users"), UID("sbose"), E("sbose@redhat.com", IA5),
             CN("Sumit Bose Sumit Bose")))
row("every string type that is ASCII", issuer=(C("DE", PRINTABLE), O("o", T61), OU("u", UTF8),
    CN("c".encode("utf-16-be"), BMP)))
row("many organisational units", subject=(*(OU(f"unit {number}") for number in range(20)), CN("deep")))
row("a long value", subject=(O("o" * 1000), CN("c" * 64)))
row("spaces inside", issuer=(CN("a  b"),))
row("S, not ST", issuer=(C("DE", PRINTABLE), ST("BY"), L("Munich"), CN("x")))
row("G, SN and T", issuer=(G("g"), SN("s"), T("t"), CN("x")))
row("I", issuer=(I("i"), CN("x")))
row("street", issuer=(STREET("s 1"), CN("x")))
row("SERIALNUMBER", issuer=(SERIAL("007"), CN("x")))
row("description", issuer=(DESCRIPTION("d"), CN("x")))
row("postal code", issuer=(POSTAL("80331"), CN("x")))
row("a private attribute", issuer=(("1.3.6.1.4.1.99999.1", UTF8, "x"), CN("x")), differs={BY_ISSUER: OID_NAME})
row("comma and quotes", issuer=(O('Acme, Inc. "X"'),), differs={BY_ISSUER: QUOTES})
row("a comma", subject=(CN("Doe, Jane"),), differs={BY_CN: QUOTES})
row("plus", issuer=(CN("a+b"),), differs={BY_ISSUER: QUOTES})
row("equals sign", issuer=(CN("a=b"),), differs={BY_ISSUER: QUOTES})
row("number sign", issuer=(CN("#1"),), differs={BY_ISSUER: QUOTES})
row("semicolon", issuer=(CN("a;b"),), differs={BY_ISSUER: QUOTES})
row("<SR> inside a CN", issuer=(CN("x<SR>02"),), differs={BY_ISSUER: QUOTES})
row("backslash", issuer=(CN("a\\b"),), differs={BY_ISSUER: BACKSLASH})
row("space at the beginning", issuer=(CN(" a"),), differs={BY_ISSUER: QUOTES})
row("space at the end", issuer=(CN("a "),), differs={BY_ISSUER: QUOTES})
row("empty value", issuer=(O(""), CN("x")), differs={ALWAYS: UNREAD})
row("two parts of one RDN", issuer=(O("a"), [CN("JANE DOE"), UID("47001003151020")]), differs={BY_ISSUER: JOINED})
row("UTF-8", subject=(CN("Łukasz"),), differs={BY_CN: ABOVE_127})
row("BMPString", subject=(CN("Łu".encode("utf-16-be"), BMP),), differs={BY_CN: ABOVE_127})
row("BMPString of ASCII", subject=(CN("bob".encode("utf-16-be"), BMP),))
row("UniversalString", subject=(CN("Ł".encode("utf-32-be"), UNIVERSAL),), differs={BY_CN: ABOVE_127})
row("UniversalString of ASCII", subject=(CN("bob".encode("utf-32-be"), UNIVERSAL),))
row("T61String that is UTF-8", subject=(CN("é".encode(), T61),), differs={BY_CN: ABOVE_127})
row("T61String that is Latin-1", subject=(CN(b"\xe9", T61),), differs={BY_CN: ABOVE_127})
row("BIT STRING", issuer=(CN(b"\0\xab", BITS),))
row("line feed", subject=(CN("a\nb"),), differs={ALWAYS: BELIEVED})
row("NUL in a CN", subject=(CN("bob\0x"),), differs={ALWAYS: BELIEVED})
row("a CN before an OU", subject=(CN("alice"), OU("x")))
row("the last CN", subject=(CN("Users"), CN("alice")))
row("a CN in one RDN with another part", subject=([OU("x"), CN("alice")],), differs={BY_SUBJECT: JOINED})
row("no CN", subject=(OU("x"),))
row("an empty subject", subject=(), differs={BY_SUBJECT: EMPTY})

# ---- serials ------------------------------------------------------------------------------------

row("a zero byte inside", serial=b"\1\0\2")
row("twenty bytes", serial=bytes(range(1, 21)))
row("a sign byte", serial=b"\0\xff\1")
row("one byte with a sign byte", serial=b"\0\x80")
row("serial zero", serial=b"\0", differs={WITHOUT_SERIAL: UNREAD})
row("negative serial", serial=b"\xfb", differs={WITHOUT_SERIAL: UNREAD})

# ---- extensions ---------------------------------------------------------------------------------

row("key identifier of twenty bytes", extensions=[der.key_identifier(bytes(range(20)))])
row("key identifier of two bytes", extensions=[der.key_identifier(b"\xab\xcd")])
row("key identifier of 64 bytes", extensions=[der.key_identifier(bytes(range(64)))])
row("an empty key identifier", extensions=[der.key_identifier(b"")])
row("a SID", extensions=[der.sid_extension(SID)])
row("a SID of the built-in domain", extensions=[der.sid_extension(b"S-1-5-32-544")])
row("a SID with a leading zero", extensions=[der.sid_extension(b"S-1-5-21-01-2-3-4")],
    differs={f"{ALWAYS} sid issuer-sid": BELIEVED})
row("no SID at all", extensions=[der.sid_extension(b"alice")], differs={f"{ALWAYS} sid issuer-sid": BELIEVED})
row("a SID in a URI", extensions=[der.names_extension(der.uri(SID_URI + SID))], differs={"issuer-sid": URI_COUNTS})
row("SID in the extension and in a URI", extensions=[
    der.sid_extension(SID), der.names_extension(der.uri(SID_URI + SID))])
row("another URI", extensions=[der.names_extension(der.uri(b"https://example.test/"))])
row("UPN", extensions=[der.names_extension(der.upn(b"alice@example.test"))])
row("UPN, address, SID and key identifier", extensions=[
    der.names_extension(der.upn(b"alice@example.test"), der.email(b"alice@example.test")), der.sid_extension(SID),
    der.key_identifier(b"\1\2\3\4")])
row("UPN with an apostrophe", extensions=[der.names_extension(der.upn(b"o'neil@example.test"))])
row("UPN in UTF-8", extensions=[der.names_extension(der.upn("jürgen@example.test".encode()))])
row("UPN with filter syntax", extensions=[der.names_extension(der.upn(b"a*)(objectClass=*"))])
row("UPN without a suffix", extensions=[der.names_extension(der.upn(b"alice"))])
row("UPN as IA5String", extensions=[der.names_extension(der.upn(b"alice@example.test", IA5))])
row("the same UPN twice", extensions=[der.names_extension(der.upn(b"a@b"), der.upn(b"a@b"))])
row("two UPNs", extensions=[der.names_extension(der.upn(b"a@b"), der.upn(b"c@b"))],
    differs={f"{ALWAYS} upn": BELIEVED})
row("a NUL in a UPN", extensions=[der.names_extension(der.upn(b"bob\0@b"))], differs={f"{ALWAYS} upn": BELIEVED})
row("one address", extensions=[der.names_extension(der.email(b"alice@example.test"))])
row("two addresses", extensions=[der.names_extension(der.email(b"a@x"), der.email(b"b@x"))])
row("an address in capitals", extensions=[der.names_extension(der.email(b"Alice@Example.TEST"))])
row("the address in the subject", subject=(E("a@x", IA5), CN("x")))


def ours(path):
    """{kind: values}; of a malformed certificate none."""
    done = subprocess.run([OURS, "map", "--json", path], capture_output=True, check=False, timeout=60)
    said = json.loads(done.stdout)
    return {kind: [key["value"] for key in said["keys"] if key["kind"] == kind] for kind in KINDS}


def theirs(path):
    """{kind: values}: one or none each."""
    done = subprocess.run([THEIRS, path], capture_output=True, check=False, timeout=60, text=True)
    assert done.returncode in (0, CANNOT_READ), done.stderr
    lines = dict(line.split(" ") for line in done.stdout.splitlines())
    assert set(lines) <= set(KINDS)
    found = {kind: [bytes.fromhex(lines[kind]).decode(errors="backslashreplace")] if kind in lines else []
             for kind in KINDS}
    found["sid-uri"] = [uri.removeprefix(SID_URI.decode()) for uri in found["sid-uri"]
                        if uri.startswith(SID_URI.decode())]
    return found


def agree(kind, mine, other):
    """Whether both found nothing, or that library's value is one of ours."""
    assert len(mine) <= 1 or kind in SEVERAL
    return bool(mine) == bool(other) and set(other) <= set(mine)


@pytest.fixture(scope="module")
def real(pki):
    """The same from a real CA: certificates by name."""
    everything = pki.issuing.issue("differential", subject="/C=DE/O=Example/CN=alice", upn="alice@example.test",
                                   email=["a@example.test", "b@example.test"], sid=SID.decode(), sid_uri=SID.decode(),
                                   serial=0x8B0000000011AC0000000012)
    rsa = pki.strange.issue("differential-rsa", algorithm="rsa", upn="alice@example.test")
    return {"everything": everything.pem, "RSA": rsa.pem, "root": pki.root.certificate,
            "issuing CA": pki.issuing.certificate, "server": pki.servers.issue_server("differential.example.test").pem}


def check(path, excuses):
    """Compares every kind."""
    mine, other = ours(path), theirs(path)
    agreed = {kind for kind in KINDS if agree(kind, mine[kind], other[kind])}
    wrong = {kind: (mine[kind], other[kind]) for kind in KINDS if kind not in agreed and kind not in excuses}
    assert not wrong
    assert not agreed & set(excuses), "they agree now: take the excuse out of the row"


@pytest.mark.parametrize("why", ROWS)
def test_map_agrees_with_sss_certmap(why, tmp_path):
    certificate, excuses = ROWS[why]
    path = tmp_path / "certificate.der"
    path.write_bytes(certificate)
    check(path, excuses)


@pytest.mark.parametrize("which", ["everything", "RSA", "root", "issuing CA", "server"])
def test_map_agrees_with_sss_certmap_on_real_certificates(real, which, tmp_path):
    path = tmp_path / "certificate.der"
    path.write_bytes(run("x509", "-in", real[which], "-outform", "DER"))
    check(path, {})


def test_table_leaves_enough_to_agree_on():
    agreeing = {why for why, (_, excuses) in ROWS.items() if not excuses}
    assert len(ROWS) >= 60 and len(agreeing) >= 40
