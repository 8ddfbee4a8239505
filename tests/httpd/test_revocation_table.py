# SPDX-License-Identifier: Apache-2.0
"""Revoked by a list, a delta or a responder, and responders that say nothing: through TLS 1.2 and 1.3 and a header."""

import base64
import shutil

import pytest

from lab.eas_client import tls_context
from pki.authority import Authority
from proxy import section, simple_bind, virtual_host
from reasons import check_answer, check_grant
from test_ocsp import Responder
from test_trust_table import WAYS

RESPONDERS = {"answers": 183, "stale": 184, "wrong": 185}    # host numbers
REVOKED, UNKNOWN = "certificate-revoked", "revocation-unavailable"

ROWS = [
    ("lists", "first", "good", None, "in no list"),
    ("lists", "first", "lost", REVOKED, "in the whole list"),
    ("lists", "first", "lost-lately", REVOKED, "in the delta"),
    ("lists", "second", "good", REVOKED, "its issuer is in the root's list, although EASTrustedIssuers has it"),
    ("lists", "unlisted", "good", UNKNOWN, "of an issuer that publishes nothing"),
    ("answers", "first", "good", None, "the responder says good"),
    ("answers", "first", "lost", REVOKED, "the responder says revoked"),
    ("stale", "first", "good", UNKNOWN, "the responder's answer has ended"),
    ("wrong", "first", "good", UNKNOWN, "the responder is somebody else's"),
]


@pytest.fixture(scope="module")
def hierarchy(lab):
    """{name: Authority} below a root of its own, with what is revoked: a whole list, then a delta."""
    folder = lab.root / "revocation-table"
    shutil.rmtree(folder, ignore_errors=True)    # of an earlier run
    made = {"root": Authority(folder / "root", "/O=Revoking/CN=root", None)}
    for name in ("first", "second", "unlisted"):
        made[name] = Authority(folder / name, f"/O=Revoking/CN={name}", made["root"])
    return made


@pytest.fixture(scope="module")
def phones(lab, hierarchy):
    """{(authority, name): certificate} of alice's."""
    sid = lab.dc.sid("alice")
    return {(authority, name): hierarchy[authority].issue(name, sid=sid)
            for authority, name in ([("second", "good"), ("unlisted", "good")]
                                    + [("first", name) for name in ("good", "lost", "lost-lately")])}


class Issued:
    """A CA's certificate as something that can be revoked."""

    def __init__(self, authority):
        self.pem = authority.certificate


@pytest.fixture(scope="module")
def lists(lab, hierarchy, phones):
    """A directory with every list."""
    folder = lab.root / "revocation-table/lists"
    folder.mkdir()
    first = hierarchy["first"]
    first.revoke(phones["first", "lost"], "keyCompromise")
    first.crl(folder / "first.crl", der=True)
    first.revoke(phones["first", "lost-lately"])
    first.crl(folder / "delta.crl", der=True, delta_of=1)
    hierarchy["root"].revoke(Issued(hierarchy["second"]))
    hierarchy["root"].crl(folder / "root.crl")
    hierarchy["second"].crl(folder / "second.crl")
    for path in folder.iterdir():
        path.chmod(0o644)
    return folder


@pytest.fixture(scope="module")
def responders(lab, hierarchy, lists):
    """By name, see RESPONDERS."""
    first, folder = hierarchy["first"], lab.root / "revocation-table"
    special = {"wrong": {"signer": lab.pki.strange.issue("revocation-table", eku="OCSPSigning")},
               "stale": {"under": ("faketime", "-f", "-1h")}}
    made = {name: Responder(lab.address(number), first, folder / name, **special.get(name, {}))
            for name, number in RESPONDERS.items()}
    yield made
    for one in made.values():
        one.close()


@pytest.fixture(scope="module")
def sites(lab, module_proxy, hierarchy, lists, responders, tmp_path_factory):
    """By name: an httpd that looks into the lists, and one for each responder."""
    file = lab.root / "revocation-table/accepted.pem"
    file.write_text("".join(one.certificate.read_text(encoding="utf-8") for one in hierarchy.values()),
                    encoding="utf-8")
    common = {"EASTrustedIssuers": file, "SSLCACertificateFile": file, "EASTrustedProxy": "127.0.0.1",
              "EASCRLCache": "none", **simple_bind(lab, tmp_path_factory.mktemp("bind"))}
    asked = {"lists": {"EASRevocation": "crl", "EASCRL": lists},
             **{name: {"EASRevocation": "ocsp", "EASOCSPResponder": one.url} for name, one in responders.items()}}
    sections = (section("/tls", lab.standin.url, EASDelegation="none"),
                section("/header", lab.standin.url, EASDelegation="none",
                        EASCertificateSource="header X-Client-Cert base64-der"))
    return {name: module_proxy(virtual_host(lab, *sections, **common, **more)) for name, more in asked.items()}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("site, authority, name, reason", [pytest.param(*row[:-1], id=row[-1]) for row in ROWS])
def test_certificate_of_the_table_has_its_reason(sites, phones, allow_log, site, authority, name, reason, way):
    allow_log(r"ECA20(30|33): EASRevocation: ")
    allow_log(r"ECA2010 reason=revocation-unavailable ")
    certificate = phones[authority, name]
    if way == "header":
        value = base64.b64encode(certificate.der).decode()
        outcome = sites[site].request("/header", headers={"X-Client-Cert": value})
    else:
        outcome = sites[site].request("/tls", context=tls_context(certificate=certificate, maximum=WAYS[way]))
    if reason is None:
        check_grant(outcome)
    else:
        check_answer(outcome, reason)
        assert outcome.decision.fields["reason"] == reason
