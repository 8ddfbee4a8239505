# SPDX-License-Identifier: Apache-2.0
"""EASRevocation crl: a lost phone is out within the refresh time, and nobody waits for a list."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab import process
from lab.eas_client import tls_context
from lab.httpd import RUN_AS
from list_server import ListServer
from pki.authority import Authority
from proxy import section, simple_bind, virtual_host
from reasons import check_answer, check_grant, check_refusal, line_of
from swarm import at_once, timed
from test_doors import TlsClient, context_of

SERVER = 180             # host number
REFRESH = 1              # seconds
NOTICED_SECONDS = 30     # far more than REFRESH
WAIT = 4.0               # what a request waits for the first list
MARGIN = 4.0             # for a busy machine
FAILED = r"ECA2030: EASRevocation: "
REQUEST_READ = "Headers received from client"    # httpd's own, with http:trace4; then it is ours
HTTP_LIST = {"EASRevocation": "crl", "EASCRLRefresh": str(REFRESH)}


class Issuer:
    """A CA of its own, below the root: what it revokes touches nobody else."""

    def __init__(self, lab, folder):
        self.lab = lab
        self.authority = Authority(folder, "/DC=test/DC=example/CN=Revoking CA", lab.pki.root)
        self.trusted = self.authority.bundle(folder / "trusted.pem")
        self.list = folder / "list.crl"
        self.trusted.chmod(0o644)

    def phone(self, name, **more):
        """A certificate of alice's."""
        return self.authority.issue(name, upn="alice@example.test", sid=self.lab.dc.sid("alice"), **more)

    def publish(self, **more):
        """The list as it is now, as bytes; also in `list`."""
        self.authority.crl(self.list.with_suffix(".new"), **more)
        self.list.with_suffix(".new").chmod(0o644)
        self.list.with_suffix(".new").replace(self.list)
        return self.list.read_bytes()


@pytest.fixture(scope="module")
def keep(lab):
    """A folder below the laboratory's that httpd's user can reach."""
    folder = lab.root / "revocation"
    folder.mkdir(exist_ok=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def issuer(lab, keep, request):
    """A fresh CA for each test."""
    folder = keep / f"ca-{abs(hash(request.node.name))}"
    shutil.rmtree(folder, ignore_errors=True)
    return Issuer(lab, folder)


@pytest.fixture
def server(lab):
    """Where lists are fetched from."""
    one = ListServer(lab.address(SERVER), 80)
    yield one
    one.close()


@pytest.fixture
def cache(keep):
    """An empty directory of httpd's user, for EASCRLCache."""
    folder = keep / "cache"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.chown(folder, RUN_AS, RUN_AS)
    return folder


@pytest.fixture
def checked(lab, proxy, tmp_path, issuer):
    """checked(EASCRL=…, …): an httpd that asks whether certificates are revoked."""
    def start(start_log=(), **settings):
        merged = {"EASTrustedIssuers": issuer.trusted, "SSLCACertificateFile": issuer.trusted, "EASCRLCache": "none",
                  **HTTP_LIST, **simple_bind(lab, tmp_path), **settings}
        return proxy(virtual_host(lab, section("/mail", lab.standin.url, EASDelegation="none"), **merged),
                     start_log=start_log)
    return start


def reason_of(one, phone, **more):
    """What became of one request."""
    return one.request("/mail", phone, **more).access["EAS_REASON"]


def await_reason(one, phone, reason, **more):
    """Asks until the answer is this one."""
    process.wait_until(lambda: reason_of(one, phone, **more) == reason, NOTICED_SECONDS, reason)


# ---- a lost phone --------------------------------------------------------------------------

def test_revoked_phone_is_refused_on_its_open_connection(checked, issuer):
    phone, other = issuer.phone("lost"), issuer.phone("other")
    issuer.publish()
    one = checked(EASCRL=issuer.list)
    client = one.client("/", context=tls_context(certificate=phone), keep_alive=True)
    check_grant(one.request("/mail", client=client))
    assert client.connected
    issuer.authority.revoke(phone, "keyCompromise")
    issuer.publish()
    await_reason(one, phone, "certificate-revoked", client=client)
    outcome = one.request("/mail", phone)
    check_refusal(outcome, "certificate-revoked", r"^revoked since 20\d\d-.*, keyCompromise$")
    check_grant(one.request("/mail", other))


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_revoked_phone_is_refused_in_a_resumed_session(checked, issuer, version):
    phone = issuer.phone("lost")
    issuer.publish()
    one = checked(EASCRL=issuer.list)
    context = context_of(version, phone)
    with TlsClient(one, context) as first:
        assert first.get("/mail") == 200
        session = first.socket.session
    issuer.authority.revoke(phone)
    issuer.publish()
    await_reason(one, phone, "certificate-revoked")
    with TlsClient(one, context, session) as second:
        assert second.socket.session_reused
        assert second.get("/mail") == 403


def test_list_of_the_distribution_point_is_fetched_at_the_first_request(checked, issuer, server):
    phone = issuer.phone("phone", raw=f"crlDistributionPoints = URI:{server.url}")
    lost = issuer.phone("lost", raw=f"crlDistributionPoints = URI:{server.url}")
    issuer.authority.revoke(lost)
    server.serve(issuer.publish(der=True))
    one = checked()
    check_grant(one.request("/mail", phone))
    check_refusal(one.request("/mail", lost), "certificate-revoked", r"no reason given")
    assert server.asked >= 1


def test_list_in_active_directory_is_read_through_the_directory(checked, issuer, lab, directory):
    dn = "CN=Revoking CA,CN=dc1,CN=CDP,CN=Public Key Services,CN=Services,CN=Configuration,DC=example,DC=test"
    url = "ldap:///" + dn.replace(" ", "%20") + "?certificateRevocationList?base?objectClass=cRLDistributionPoint"
    lost = issuer.phone("lost", raw=f"crlDistributionPoints = @point\n[point]\nURI.0 = {url}".replace(",", "\\,"))
    phone = issuer.phone("phone", raw=f"crlDistributionPoints = @point\n[point]\nURI.0 = {url}".replace(",", "\\,"))
    issuer.authority.revoke(lost)
    issuer.publish(der=True)
    parent = dn.split(",", 1)[1]
    for entry, kind in ((parent.split(",", 1)[1], "container"), (parent, "container"), (dn, "cRLDistributionPoint")):
        listed = f"\ncertificateRevocationList:< file://{issuer.list}" if entry == dn else ""
        lab.dc.add_if_missing(entry, kind, listed)
    one = checked()
    check_grant(one.request("/mail", phone))
    check_refusal(one.request("/mail", lost), "certificate-revoked")


def test_directory_of_lists_is_read_and_other_files_are_passed_over(checked, issuer, keep):
    folder = keep / "lists"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "README").write_text("no list", encoding="utf-8")
    phone, lost = issuer.phone("phone"), issuer.phone("lost")
    issuer.authority.revoke(lost)
    (folder / "a.crl").write_bytes(issuer.publish(der=True))
    one = checked(EASCRL=folder)
    check_grant(one.request("/mail", phone))
    check_refusal(one.request("/mail", lost), "certificate-revoked")


# ---- servers that misbehave ---------------------------------------------------------------------

FAULTS = ("refuse", "silence", "drip", "huge", "garbage", "cut")


@pytest.mark.parametrize("fault", FAULTS)
def test_last_good_list_serves_while_the_server_fails(checked, issuer, server, fault, expect_log):
    phone, lost = issuer.phone("phone"), issuer.phone("lost")
    issuer.authority.revoke(lost)
    server.serve(issuer.publish(der=True))
    one = checked(EASCRL=server.url)
    check_grant(one.request("/mail", phone))
    expect_log(FAILED + server.url)
    getattr(server, fault)()

    def noticed():
        outcome, seconds = timed(lambda: one.request("/mail", phone))
        check_grant(outcome)
        assert seconds < WAIT
        return FAILED in one.httpd.error_log()
    process.wait_until(noticed, NOTICED_SECONDS, "the failure in the log")
    check_refusal(one.request("/mail", lost), "certificate-revoked")
    server.serve(issuer.publish(der=True))
    check_grant(one.request("/mail", phone))


@pytest.mark.parametrize("fault", FAULTS)
def test_no_list_at_all_is_503_in_time(checked, issuer, server, fault, expect_log, allow_log):
    expect_log(line_of("revocation-unavailable"))
    allow_log(FAILED)
    phone = issuer.phone("phone")
    server.serve(issuer.publish(der=True))
    getattr(server, fault)()
    one = checked(EASCRL=server.url)
    for outcome, seconds in at_once([lambda: timed(lambda: one.request("/mail", phone))] * 8):
        assert seconds < WAIT + MARGIN
        check_answer(outcome, "revocation-unavailable")
        assert outcome.decision.fields["detail"] == "there is no CRL of the certificate's issuer"


WRONG = {
    "another issuer's": (lambda issuer, lab: lab.pki.strange.crl(issuer.list, der=True),
                         "is not among the accepted issuers"),
    "of the future": (lambda issuer, lab: issuer.publish(der=True, last_update=1, next_update=7),
                      "dated in the future"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_list_is_not_believed(checked, issuer, lab, what, expect_log):
    make, sentence = WRONG[what]
    phone = issuer.phone("phone")
    make(issuer, lab)
    issuer.list.chmod(0o644)
    expect_log(FAILED + ".*" + sentence)
    expect_log(line_of("revocation-unavailable"))
    check_refusal(checked(EASCRL=issuer.list).request("/mail", phone), "revocation-unavailable")


def test_failure_allowed_lets_in_whom_nobody_calls_revoked(checked, issuer, server, allow_log):
    phone, lost = issuer.phone("phone"), issuer.phone("lost")
    allow_log(FAILED)
    server.refuse()
    one = checked(EASCRL=server.url, EASRevocationFailure="allow")
    check_grant(one.request("/mail", phone))
    issuer.authority.revoke(lost)
    server.serve(issuer.publish(der=True))
    await_reason(one, lost, "certificate-revoked")


def test_expired_list_is_refused_or_serves_by_grace(checked, issuer, expect_log):
    phone, lost = issuer.phone("phone"), issuer.phone("lost")
    issuer.authority.revoke(lost)
    issuer.publish(last_update=-2, next_update=-1)
    expect_log(line_of("revocation-unavailable"))
    check_refusal(checked(EASCRL=issuer.list).request("/mail", phone), "revocation-unavailable",
                  r"the CRL of .*Revoking CA.* ended at 20\d\d-")
    expect_log(r"ECA2032: EASRevocation: the CRL of .*Revoking CA.* ended at")
    one = checked(EASCRL=issuer.list, EASRevocationGrace="172800")
    check_grant(one.request("/mail", phone))
    check_refusal(one.request("/mail", lost), "certificate-revoked")


def test_list_that_ends_soon_is_told(checked, issuer, expect_log):
    phone = issuer.phone("phone")
    issuer.publish(last_update=-6, next_update=0.5)
    expect_log(r"ECA2031: EASRevocation: the CRL of .*Revoking CA.* ends at")
    check_grant(checked(EASCRL=issuer.list).request("/mail", phone))


def test_older_list_does_not_bring_back_a_lost_phone(checked, issuer, server):
    phone, lost = issuer.phone("phone"), issuer.phone("lost")
    before = issuer.publish(der=True, last_update=-1)
    issuer.authority.revoke(lost)
    server.serve(issuer.publish(der=True))
    one = checked(EASCRL=server.url)
    check_refusal(one.request("/mail", lost), "certificate-revoked")
    server.serve(before)
    asked = server.asked
    process.wait_until(lambda: reason_of(one, phone) == "granted" and server.asked > asked + 1, NOTICED_SECONDS,
                       "the older list read")
    check_refusal(one.request("/mail", lost), "certificate-revoked")


# ---- restarts ------------------------------------------------------------------------------------

def test_kept_list_serves_after_a_restart_without_the_server(checked, issuer, server, cache, allow_log):
    phone, lost = issuer.phone("phone"), issuer.phone("lost")
    issuer.authority.revoke(lost)
    server.serve(issuer.publish(der=True))
    check_grant(checked(EASCRL=server.url, EASCRLCache=cache).request("/mail", phone))
    assert [path.suffix for path in cache.iterdir()] == [".crl"]
    server.silence()
    allow_log(FAILED)
    one = checked(EASCRL=server.url, EASCRLCache=cache)
    outcome, seconds = timed(lambda: one.request("/mail", phone))
    check_grant(outcome)
    assert seconds < WAIT
    check_refusal(one.request("/mail", lost), "certificate-revoked")


def test_kept_file_of_somebody_else_is_not_believed(checked, issuer, server, cache):
    phone = issuer.phone("phone")
    server.serve(issuer.publish(der=True))
    check_grant(checked(EASCRL=server.url, EASCRLCache=cache).request("/mail", phone))
    (kept,) = cache.iterdir()
    for content in (b"", b"noise", issuer.lab.pki.strange.crl(issuer.list, der=True).read_bytes()):
        kept.write_bytes(content)
        check_grant(checked(EASCRL=server.url, EASCRLCache=cache).request("/mail", phone))


def test_many_requests_at_start_ask_once(checked, issuer, server):
    phone = issuer.phone("phone")
    server.serve(issuer.publish(der=True))
    one = checked(EASCRL=server.url, EASCRLRefresh="600")
    for outcome in at_once([lambda: one.request("/mail", phone)] * 20):
        check_grant(outcome)
    assert server.asked == 1


def test_issuer_that_comes_while_a_list_is_fetched_is_heard_too(lab, checked, server, keep):
    """What the devices bring of intermediate CAs decides whose lists in it count."""
    folder = keep / "issuers"
    shutil.rmtree(folder, ignore_errors=True)
    root = Authority(folder / "root", "/O=Meanwhile/CN=root")
    first, second = (Authority(folder / name, f"/O=Meanwhile/CN={name}", root) for name in ("first", "second"))
    for authority in (root, first, second):
        authority.crl(folder / f"{authority.folder.name}.crl")
    lists = b"".join(path.read_bytes() for path in folder.glob("*.crl"))
    go_on = threading.Event()

    def answer(_):
        go_on.wait(WAIT)
        return lists
    server.answer_by(answer)
    trusted = root.bundle(folder / "trusted.pem")
    trusted.chmod(0o644)
    one = checked(EASCRL=server.url, EASCRLRefresh="600", EASTrustedIssuers=trusted, SSLCACertificateFile=trusted,
                  LogLevel="http:trace4")
    early, late = (authority.issue("phone", upn="alice@example.test", sid=lab.dc.sid("alice"))
                   for authority in (first, second))
    with ThreadPoolExecutor(2) as pool:
        outcomes = [pool.submit(one.request, "/mail", early)]
        process.wait_until(lambda: server.asked == 1, WAIT, "the list is asked for")
        outcomes.append(pool.submit(one.request, "/mail", late))
        process.wait_until(lambda: one.httpd.error_log().count(REQUEST_READ) == 2, WAIT, "the second request is read")
        go_on.set()
        for outcome in outcomes:
            check_grant(outcome.result())
