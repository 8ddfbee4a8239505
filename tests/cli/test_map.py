# SPDX-License-Identifier: Apache-2.0
"""eas-certauth map: what it prints, for honest certificates and for others."""

import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest

from holders import ISSUER, resign

TREE = Path(__file__).resolve().parents[2]
# The same program as it is installed and with sanitizers: every test runs both.
PROGRAMS = [TREE / "build/eas-certauth", TREE / "build/asan/eas-certauth"]
SID = "S-1-5-21-294026126-3378245018-1203103949-1001"
KINDS = ["sid", "sid-uri", "issuer-serial", "ski", "sha1-pukey", "issuer-sid", "certificate", "upn", "email", "cn",
         "issuer-subject", "subject", "rfc822"]


@pytest.fixture(params=PROGRAMS, ids=["plain", "asan"])
def run(request):
    """run(ARGUMENT…, standard_input=b"…"): exit status, output, complaints."""
    def call(*arguments, standard_input=b""):
        done = subprocess.run([request.param, *map(str, arguments)], input=standard_input, capture_output=True,
                              timeout=60, check=False)
        assert b"Sanitizer" not in done.stderr, done.stderr.decode()
        return done.returncode, done.stdout.decode(), done.stderr.decode()
    return call


@pytest.fixture(scope="module")
def phone(pki):
    """A certificate that has everything."""
    return pki.issuing.issue("cli-phone", subject="/DC=test/CN=Łukasz, \"X\"", upn="alice@example.test",
                             email=["a@example.test", "b@example.test"], sid=SID, sid_uri=SID, ski="0102ABCD",
                             serial=0x2B0000000011AC0000000012)


def objects(text):
    """JSON, one object a line."""
    return [json.loads(line) for line in text.splitlines()]


def test_json_has_every_field_and_every_kind(run, phone):
    status, text, _ = run("map", "--json", phone.pem)
    (one,) = objects(text)
    subject = 'DC=test,CN="Łukasz, ""X"""'
    assert status == 0
    assert {key: value for key, value in one.items() if key != "keys"} == {
        "file": str(phone.pem), "sha256": hashlib.sha256(phone.der).hexdigest(), "subject": subject,
        "issuer": ISSUER, "serial": "2b0000000011ac0000000012", "upn": ["alice@example.test"],
        "email": ["a@example.test", "b@example.test"], "sid": SID, "sid_uri": SID, "malformed": None}
    assert list(dict.fromkeys(key["kind"] for key in one["keys"])) == KINDS
    values = {key["kind"]: key for key in one["keys"]}
    serial = f"X509:<I>{ISSUER}<SR>1200000000ac11000000002b"
    assert values["issuer-serial"] == {"kind": "issuer-serial", "strength": "strong", "value": serial,
                                       "filter": f"(altSecurityIdentities={serial})"}
    assert values["sid"]["value"] == values["sid-uri"]["value"] == SID
    assert values["sid"]["filter"].startswith("(objectSid=\\01\\05\\00")
    assert values["ski"]["value"] == "X509:<SKI>0102abcd"
    assert values["issuer-sid"]["value"] == f"X509:<I>{ISSUER}<SID>{SID}"
    assert values["certificate"]["value"] == one["sha256"] and values["certificate"]["filter"] is None
    assert values["upn"]["strength"] == "weak"
    assert values["cn"]["value"] == 'Łukasz, "X"'
    assert values["issuer-subject"]["value"] == f"X509:<I>{ISSUER}<S>{subject}"
    assert values["subject"]["value"] == f"X509:<S>{subject}"
    assert [key["value"] for key in one["keys"] if key["kind"] == "rfc822"] == [
        "X509:<RFC822>a@example.test", "X509:<RFC822>b@example.test"]


def test_text_says_the_same_for_people(run, phone):
    status, text, _ = run("map", phone.pem)
    assert status == 0
    for wanted in (f"sid             {SID}", "upn (weak)      alice@example.test", "X509:<SKI>0102abcd"):
        assert wanted in text


def test_der_pem_and_standard_input_are_the_same(run, phone, tmp_path):
    der = tmp_path / "phone.der"
    der.write_bytes(phone.der)
    outputs = [objects(run("map", "--json", name, standard_input=given)[1])[0] for name, given in (
        (phone.pem, b""), (der, b""), ("-", phone.der), ("-", phone.pem.read_bytes()))]
    for one in outputs:
        del one["file"]
    assert all(one == outputs[0] for one in outputs)


def test_several_files_and_chains_give_one_object_each(run, phone, pki):
    status, text, _ = run("map", "--json", phone.pem, phone.chain)
    assert status == 0
    assert [one["file"] for one in objects(text)] == [str(phone.pem)] + 2 * [str(phone.chain)]


@pytest.mark.parametrize("old, new", [(b"alice@example.test", b"alice\0example.test"),
                                      (b"alice@example.test", b"alice\xff\xfexample.test"),
                                      (b"alice@example.test", b"alice\x1b[2Jmple.test")])
def test_hostile_value_is_malformed_and_harmless(run, pki, old, new, tmp_path):
    one = resign(pki.issuing.issue("cli-hostile", upn=old.decode(), folder=tmp_path), pki.issuing, old, new)
    status, text, _ = run("map", "--json", one.pem)
    (said,) = objects(text)
    assert status == 1
    assert said["keys"] == [] and "UPN" in said["malformed"] and "alice" in said["upn"][0]
    status, text, _ = run("map", one.pem)
    assert status == 1 and "malformed" in text and not set(text) & {"\x1b", "\0"}


def test_powershell_stores_the_strong_value(run, phone):
    status, text, _ = run("map", "--powershell", "--identity", "o'neil", phone.pem)
    assert status == 0
    assert text == (f"Set-ADUser -Identity 'o''neil' -Add @{{'altSecurityIdentities'='X509:<I>{ISSUER}"
                    "<SR>1200000000ac11000000002b'}\n")
    assert run("map", "--powershell", phone.pem)[1].startswith("# ")


@pytest.mark.parametrize("quote", ["'", "\u2018", "\u2019", "\u201a", "\u201b"])
def test_powershell_quotes_cannot_end_the_value(run, phone, quote):
    text = run("map", "--powershell", "--identity", f"a{quote}; Remove-ADUser x #", phone.pem)[1]
    assert text.startswith(f"Set-ADUser -Identity 'a{quote}{quote}; Remove-ADUser x #' -Add ")


@pytest.mark.parametrize("content", [
    b"", b"\0", b"hello\n", b"\x30\x82", b"-----BEGIN CERTIFICATE-----\n", b"x" * (1024 * 1024 + 1),
    b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"],
    ids=["empty", "NUL", "text", "cut DER", "cut PEM", "too long", "no certificate in PEM"])
def test_unreadable_file_is_said_and_2(run, tmp_path, content):
    name = tmp_path / "file"
    name.write_bytes(content)
    status, text, said = run("map", "--json", name)
    assert (status, text) == (2, "") and str(name) in said


def test_trailing_bytes_are_no_certificate(run, phone, tmp_path):
    name = tmp_path / "longer.der"
    name.write_bytes(phone.der + b"\0")
    assert run("map", name)[0] == 2


@pytest.mark.parametrize("arguments", [
    [], ["mop"], ["map"], ["map", "--jason", "x"], ["map", "--identity"], ["map", "--identity", "a", "x"],
    ["map", "/nowhere/at/all"]])
def test_wrong_usage_is_2(run, arguments):
    status, text, said = run(*arguments)
    assert (status, text) == (2, "") and said.startswith("eas-certauth")


def test_help_is_usage(run):
    assert run("--help")[:2] == run("map", "--help")[:2]
    assert run("--help")[0] == 0


def test_man_page_names_every_option_and_has_no_error():
    page = TREE / "docs/eas-certauth.1"
    done = subprocess.run(["mandoc", "-Tlint", "-W", "warning", page], capture_output=True, check=False, text=True)
    assert done.stdout == ""
    shown = subprocess.run(["mandoc", "-Tascii", page], capture_output=True, check=True, text=True).stdout
    assert all(name in re.sub(".\b", "", shown) for name in ("json", "powershell", "identity"))
