# SPDX-License-Identifier: Apache-2.0
"""EASRevocation ocsp, against openssl's responder and servers that misbehave in its place."""

import subprocess
import tempfile
from functools import partial
from pathlib import Path

import pytest

from lab import process
from lab.eas_client import tls_context
from list_server import ListServer
from proxy import section, simple_bind, virtual_host
from reasons import check_answer, check_grant, check_refusal, line_of
from swarm import at_once, timed
from test_doors import TlsClient, context_of
from test_revocation import (FAULTS, MARGIN, NOTICED_SECONDS, WAIT, await_reason, issuer,  # noqa: F401
                             keep)

FRONT = 182    # host number
REFRESH = 2                    # seconds
HELPERS = 8                    # questions at a time
FAILED = r"ECA2033: EASRevocation: the OCSP responder "


class Responder(ListServer):
    """openssl's responder over an issuer's index, one run for each question, and its faults."""

    content_type = "application/ocsp-response"

    def __init__(self, address, authority, folder, signer=None, minutes=10, under=()):
        super().__init__(address, 80)
        folder.mkdir(exist_ok=True)
        self.authority, self.folder = authority, folder
        self.signer = signer or authority.issue("responder", eku="OCSPSigning")
        self.under = under    # a command that runs openssl
        self.validity = [] if minutes is None else ["-nmin", str(minutes)]
        self.respond()

    def respond(self):
        """From now on it answers what the index says."""
        self.answer_by(self._ask_openssl)

    def _ask_openssl(self, request):
        with tempfile.TemporaryDirectory(dir=self.folder) as work:
            question, answer = Path(work, "question"), Path(work, "answer")
            question.write_bytes(request)
            subprocess.run([*self.under, "/usr/bin/openssl", "ocsp", "-index", self.authority.index, "-rsigner",
                            self.signer.pem, "-rkey", self.signer.key, "-CA", self.authority.certificate, "-reqin",
                            question, "-respout", answer, *self.validity], check=True, capture_output=True)
            return answer.read_bytes()


@pytest.fixture
def respond(lab, issuer, keep):
    """respond(…): a running Responder."""
    started = []

    def start(**options):
        started.append(Responder(lab.address(FRONT), issuer.authority, keep / "responder", **options))
        return started[-1]
    yield start
    for one in started:
        one.close()


@pytest.fixture
def server(lab):
    """What stands in a responder's place."""
    one = ListServer(lab.address(FRONT), 80)
    yield one
    one.close()


@pytest.fixture
def checked(lab, proxy, tmp_path, issuer):
    """checked(…): an httpd that asks responders."""
    def start(**settings):
        merged = {"EASTrustedIssuers": issuer.trusted, "SSLCACertificateFile": issuer.trusted, "EASCRLCache": "none",
                  "EASRevocation": "ocsp", "EASCRLRefresh": str(REFRESH), **simple_bind(lab, tmp_path), **settings}
        return proxy(virtual_host(lab, section("/mail", lab.standin.url, EASDelegation="none"), **merged))
    return start


def test_revoked_phone_is_refused_on_its_open_connection(checked, issuer, respond):
    responder = respond()
    phone = issuer.phone("lost", raw=f"authorityInfoAccess = OCSP;URI:{responder.url}")
    one = checked()
    client = one.client("/", context=tls_context(certificate=phone), keep_alive=True)
    check_grant(one.request("/mail", client=client))
    assert client.connected
    issuer.authority.revoke(phone, "superseded")
    await_reason(one, phone, "certificate-revoked", client=client)
    check_refusal(one.request("/mail", phone), "certificate-revoked", r"^revoked since 20\d\d-.*, superseded$")


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_revoked_phone_is_refused_in_a_resumed_session(checked, issuer, respond, version):
    responder = respond()
    phone = issuer.phone("lost")
    one = checked(EASOCSPResponder=responder.url)
    context = context_of(version, phone)
    with TlsClient(one, context) as first:
        assert first.get("/mail") == 200
        session = first.socket.session
    issuer.authority.revoke(phone)
    await_reason(one, phone, "certificate-revoked")
    with TlsClient(one, context, session) as second:
        assert second.socket.session_reused
        assert second.get("/mail") == 403


def test_many_requests_are_one_question(checked, issuer, respond):
    responder = respond()
    phone = issuer.phone("phone")
    one = checked(EASOCSPResponder=responder.url, EASCRLRefresh="600")
    before = responder.asked
    for outcome in at_once([lambda: one.request("/mail", phone)] * 30):
        check_grant(outcome)
    check_grant(one.request("/mail", phone))
    assert responder.asked == before + 1


def test_answer_without_an_end_is_used_for_the_refresh_time_only(checked, issuer, respond):
    responder = respond(minutes=None)
    phone = issuer.phone("phone")
    one = checked(EASOCSPResponder=responder.url)
    check_grant(one.request("/mail", phone))
    issuer.authority.revoke(phone)
    await_reason(one, phone, "certificate-revoked")


SIGNERS = {
    "without the purpose": lambda issuer, lab: issuer.authority.issue("signer"),
    "of another issuer": lambda issuer, lab: lab.pki.strange.issue("signer", eku="OCSPSigning"),
    "expired": lambda issuer, lab: issuer.authority.issue("signer", eku="OCSPSigning", not_before=-9, not_after=-1),
    "of the issuer's issuer": lambda issuer, lab: lab.pki.root.issue("signer-of-root", eku="OCSPSigning"),
}


@pytest.mark.parametrize("signer", SIGNERS)
def test_answer_of_a_wrong_signer_is_none(checked, issuer, lab, respond, signer, expect_log):
    responder = respond(signer=SIGNERS[signer](issuer, lab))
    phone = issuer.phone("phone")
    expect_log(FAILED + ".*not signed by the certificate's issuer or for it")
    expect_log(line_of("revocation-unavailable"))
    outcome = checked(EASOCSPResponder=responder.url).request("/mail", phone)
    check_refusal(outcome, "revocation-unavailable", "not signed by the certificate's issuer or for it")


def test_certificate_that_the_responder_does_not_know_is_not_let_in(checked, issuer, respond, expect_log):
    responder = respond()
    phone = issuer.phone("phone")
    index = issuer.authority.index
    index.write_text("".join(line for line in index.read_text(encoding="utf-8").splitlines(True)
                             if "CN=phone" not in line), encoding="utf-8")
    expect_log(line_of("revocation-unavailable"))
    outcome = checked(EASOCSPResponder=responder.url).request("/mail", phone)
    check_refusal(outcome, "revocation-unavailable", "does not know the certificate")


@pytest.mark.parametrize("fault", FAULTS)
def test_no_answer_is_503_in_time(checked, issuer, server, fault, expect_log):
    expect_log(line_of("revocation-unavailable"))
    expect_log(FAILED + server.url)
    phone = issuer.phone("phone")
    getattr(server, fault)()
    one = checked(EASOCSPResponder=server.url)
    for outcome, seconds in at_once([lambda: timed(lambda: one.request("/mail", phone))] * 8):
        assert seconds < WAIT + MARGIN
        check_answer(outcome, "revocation-unavailable")


def test_silent_responder_is_given_up_for_all_who_wait_in_the_queue(checked, issuer, server, expect_log):
    """They would keep the helpers from other responders, one after the other."""
    expect_log(line_of("revocation-unavailable"))
    expect_log(FAILED + server.url)
    phones = [issuer.phone(f"phone-{number}") for number in range(3 * HELPERS)]
    server.silence()
    one = checked(EASOCSPResponder=server.url)
    for outcome in at_once([partial(one.request, "/mail", phone) for phone in phones]):
        check_answer(outcome, "revocation-unavailable")
    assert 0 < server.asked <= HELPERS


@pytest.mark.parametrize("fault", FAULTS)
def test_last_good_answer_serves_while_the_responder_fails(checked, issuer, respond, fault, expect_log):
    responder = respond()
    phone, lost = issuer.phone("phone"), issuer.phone("lost")
    issuer.authority.revoke(lost)
    one = checked(EASOCSPResponder=responder.url)
    check_grant(one.request("/mail", phone))
    check_refusal(one.request("/mail", lost), "certificate-revoked")
    expect_log(FAILED + responder.url)
    getattr(responder, fault)()

    def noticed():
        outcome, seconds = timed(lambda: one.request("/mail", phone))
        check_grant(outcome)
        assert seconds < WAIT + MARGIN
        return "ECA2033" in one.httpd.error_log()
    process.wait_until(noticed, NOTICED_SECONDS, "the failure in the log")
    check_refusal(one.request("/mail", lost), "certificate-revoked")
    responder.respond()
    check_grant(one.request("/mail", phone))


def test_failure_allowed_lets_in(checked, issuer, server, expect_log):
    expect_log(FAILED)
    server.refuse()
    check_grant(checked(EASOCSPResponder=server.url, EASRevocationFailure="allow")
                .request("/mail", issuer.phone("phone")))


def test_list_answers_when_the_responder_does_not(checked, issuer, server, allow_log):
    phone, lost = issuer.phone("phone"), issuer.phone("lost")
    issuer.authority.revoke(lost)
    issuer.publish()
    allow_log(FAILED)
    server.refuse()
    one = checked(EASRevocation="crl ocsp", EASOCSPResponder=server.url, EASCRL=issuer.list)
    check_grant(one.request("/mail", phone))
    check_refusal(one.request("/mail", lost), "certificate-revoked", r"^revoked since")


def test_certificate_without_a_responder_is_not_let_in(checked, issuer, expect_log):
    expect_log(line_of("revocation-unavailable"))
    outcome = checked().request("/mail", issuer.phone("phone"))
    check_refusal(outcome, "revocation-unavailable", "names no OCSP responder")
