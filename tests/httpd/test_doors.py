# SPDX-License-Identifier: Apache-2.0
"""No way around: nobody comes in, and nobody becomes somebody else, by httpd's other doors."""

import re
import shutil
import socket
import ssl

import pytest

from lab.eas_client import basic, tls_context
from lab.httpd import RUN_AS
from lab.standin import PERSISTENT
from proxy import HOST, section, virtual_host
from reasons import check_grant, check_refusal, line_of

FORGED = "mallory@example.test"
DENIED_BY_REQUIRE = r"authz_core:error.*AH016(30|31)"


@pytest.fixture(scope="module")
def pages(lab):
    """A folder with files for everybody, as configuration text for a virtual host."""
    folder = lab.root / "pages"
    folder.mkdir(mode=0o755, exist_ok=True)
    for name, text in (("page.txt", "page"), ("sorry.txt", "sorry, a file"),
                       ("include.shtml", '<!--#include virtual="/kerberos/inner" -->')):
        (folder / name).write_text(text, encoding="utf-8")
    return (f"Alias /pages {folder}\nAlias /ssl {folder}\n<Directory {folder}>\n"
            "Require all granted\nOptions +Includes\n</Directory>\n"
            '<Files "*.shtml">\nSetOutputFilter INCLUDES\n</Files>')


# ---- into the section without authentication ---------------------------------------------------

def test_door_nested_require_all_granted_stays_shut(lab, holders, proxy, standin):
    one = proxy(virtual_host(lab, section("/kerberos", standin.url),
                             "<Location /kerberos/open>\nRequire all granted\n</Location>"))
    check_refusal(one.request("/kerberos/open"), "certificate-required")
    assert standin.requests() == []
    check_grant(one.request("/kerberos/open", holders["alice"]), user="alice@example.test")


@pytest.mark.parametrize("nested", [
    pytest.param("Require expr true", id="expression"),
    pytest.param("Require ip 127.0.0.0/8", id="address"),
    pytest.param("<RequireAny>\nRequire valid-user\nRequire all granted\n</RequireAny>", id="any"),
])
def test_door_requirement_without_user_stays_shut(lab, proxy, standin, nested):
    one = proxy(virtual_host(lab, section("/mail", standin.url, nested, Require=None)))
    check_refusal(one.request("/mail"), "certificate-required")
    assert standin.requests() == []


def test_door_ssl_user_name_above_the_section_stays_shut(lab, holders, proxy, standin, expect_log,
                                                         allow_log):
    allow_log("ssl:warn.*AH02227")    # mod_ssl finds no such field
    one = proxy(virtual_host(lab, "<Location />\nSSLUserName SSL_CLIENT_S_DN_CN\n</Location>",
                             section("/mail", standin.url)))
    expect_log(line_of("internal-error"))
    for holder in (None, "expired", "strange"):
        assert one.request("/mail", holder and holders[holder]).status in (403, 500)
    assert standin.requests() == []


def test_door_ssl_user_name_on_the_virtual_host_is_refused_at_start(lab, unstarted):
    one = unstarted(virtual_host(lab, section("/mail", lab.standin.url),
                                 SSLUserName="SSL_CLIENT_S_DN_CN"))
    assert re.search("ECA1020: .*SSLUserName", one.check())


@pytest.mark.parametrize("holder", [None, "alice", "expired"])
def test_door_satisfy_any_stays_shut(lab, holders, proxy, standin, expect_log, holder):
    one = proxy(virtual_host(lab, section("/mail", standin.url, "Satisfy Any",
                                          "Order allow,deny", "Allow from all")),
                modules=("access_compat",))
    expect_log(line_of("internal-error"))
    check_refusal(one.request("/mail", holder and holders[holder]), "internal-error", "Satisfy Any")
    assert standin.requests() == []


@pytest.mark.parametrize("document, body", [
    pytest.param('"sorry, a text"', "sorry, a text", id="text"),
    pytest.param("/pages/sorry.txt", "sorry, a file", id="file"),
    pytest.param("/mail/sorry", "", id="page of the backend"),
])
def test_door_error_document_of_the_section_stays_shut(lab, proxy, standin, pages, document, body):
    one = proxy(virtual_host(lab, pages, section("/mail", standin.url,
                                                 ErrorDocument=f"403 {document}")))
    outcome = one.request("/mail")
    assert (outcome.status, outcome.headers["X-EAS-Reason"]) == (403, "certificate-required")
    assert body in outcome.text
    assert standin.requests() == []


@pytest.mark.parametrize("document", ["/mail/sorry", "/pages/sorry.txt"])
def test_door_error_document_for_401_still_asks_for_password(lab, proxy, standin, pages, document):
    one = proxy(virtual_host(lab, pages, section("/mail", standin.url, EASAuthenticate="basic",
                                                 ErrorDocument=f"401 {document}")))
    outcome = one.request("/mail")
    assert outcome.status == 401
    assert outcome.headers.get_all("WWW-Authenticate") == ['Basic realm="ActiveSync"']
    assert standin.requests() == []


@pytest.mark.parametrize("holder", [None, "expired", "carol"])
def test_door_internal_redirect_into_the_section_stays_shut(lab, holders, proxy, standin, pages,
                                                            holder):
    one = proxy(virtual_host(lab, pages, section("/mail", standin.url),
                             "ErrorDocument 404 /mail/secret"))
    one.request("/pages/nowhere", holder and holders[holder])
    assert standin.requests() == []


def test_door_internal_redirect_into_the_section_as_oneself(lab, holders, proxy, standin, pages):
    one = proxy(virtual_host(lab, pages, section("/mail", standin.url, EASDelegation="header"),
                             "ErrorDocument 404 /mail/secret"))
    one.request("/pages/nowhere", holders["alice"])
    seen, = standin.requests()
    assert ["X-Remote-User", "alice@example.test"] in seen["headers"]


@pytest.mark.parametrize("delegation", ["kerberos", "header"])
def test_door_internal_redirect_inside_the_section_keeps_identity(lab, holders, proxy, standin,
                                                                  delegation):
    standin.script("/missing", status=404)
    one = proxy(virtual_host(lab, section("/mail", standin.url, EASDelegation=delegation,
                                          ProxyErrorOverride="On",
                                          ErrorDocument="404 /mail/sorry")))
    outcome = one.request("/mail/missing", holders["alice"])
    assert outcome.status == 404
    assert outcome.access["EAS_ACCOUNT_SID"] == lab.dc.sid("alice")
    first, second = standin.requests()
    name = {"kerberos": "Authorization", "header": "X-Remote-User"}[delegation]
    values = [[value for one, value in seen["headers"] if one == name] for seen in (first, second)]
    assert [len(value) for value in values] == [1, 1]
    assert (values[0] == values[1]) == (delegation == "header"), "a ticket is for one request"


def test_door_page_of_a_directory_says_that_it_was_granted(lab, holders, proxy, pages):
    """mod_dir looks it up before its request is decided, and then goes on as that look-up."""
    one = proxy(virtual_host(lab, pages, section("/pages", None, "DirectoryIndex page.txt", EASDelegation="none")),
                modules=("dir",))
    outcome = one.request("/pages/", holders["alice"])
    assert outcome.text == "page"
    check_grant(outcome, user="alice@example.test")


@pytest.mark.parametrize("holder", [None, "expired"])
def test_door_subrequest_of_a_page_stays_shut(lab, holders, proxy, standin, pages, expect_log,
                                              holder):
    expect_log("include:error.*unable to include")
    one = proxy(virtual_host(lab, pages, section("/kerberos", standin.url)), modules=("include",))
    outcome = one.request("/pages/include.shtml", holder and holders[holder])
    assert outcome.status == 200 and "headers" not in outcome.text
    assert standin.requests() == []


@pytest.mark.parametrize("holder, status", [(None, 403), ("expired", 403), ("alice", 200)])
def test_door_lookahead_of_rewrite_stays_shut(lab, holders, proxy, standin, allow_log, holder,
                                              status):
    """httpd does not authenticate a sub-request that comes before its own request's turn."""
    allow_log(line_of("internal-error"))
    rules = ("RewriteEngine On", 'RewriteCond "%{LA-U:REMOTE_USER}" "(.+)"',
             "RewriteRule ^/mail/who$ /mail/%1 [PT]")
    one = proxy(virtual_host(lab, *rules, section("/mail", standin.url + "/mail")),
                modules=("rewrite",))
    assert one.request("/mail/who", holder and holders[holder]).status == status
    assert [seen["path"] for seen in standin.requests()] == ["/mail/who"] * (status == 200)


def test_door_rewrite_rule_to_the_backend_stays_shut(lab, holders, proxy, standin):
    one = proxy(virtual_host(lab, "RewriteEngine On",
                             f"RewriteRule ^/mail/(.*)$ {standin.url}/$1 [P]", section("/mail")),
                modules=("rewrite",))
    check_refusal(one.request("/mail/x"), "certificate-required")
    assert standin.requests() == []
    outcome = one.request("/mail/x", holders["alice"])
    check_grant(outcome, user="alice@example.test")
    assert [value.split()[0] for value in outcome.arrived("Authorization")] == ["Negotiate"]


def test_door_failed_require_is_403_whatever_httpd_would_say(lab, holders, proxy, standin,
                                                             expect_log):
    one = proxy(virtual_host(lab, section("/mail", standin.url, "AuthzSendForbiddenOnFailure Off",
                                          Require="user bob@example.test")))
    expect_log(DENIED_BY_REQUIRE)
    check_refusal(one.request("/mail", holders["alice"]), "not-authorized")
    assert standin.requests() == []


# ---- what only got through the handshake -------------------------------------------------------

GUARDS = {
    "/ssl/require": "SSLVerifyClient require\nSSLVerifyDepth 5",
    "/ssl/provider": "Require ssl-verify-client",
    "/ssl/expression": 'Require expr %{SSL_CLIENT_VERIFY} == "SUCCESS"',
    "/ssl/old": 'SSLRequire %{SSL_CLIENT_VERIFY} eq "SUCCESS"',
}
DENIED_BY_SSL = r"ssl:error"
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
UNVERIFIED = ["expired", "strange", "not-yet-valid", "server-auth"]


@pytest.fixture(scope="module")
def guarded(lab, module_proxy, pages):
    """A host with a section of ours and, beside it, pages that mod_ssl itself protects."""
    folder = lab.root / "pages"
    locations = [f"Alias {path} {folder}/page.txt\n<Location {path}>\n{guard}\n</Location>"
                 for path, guard in GUARDS.items()]
    return module_proxy(virtual_host(lab, *locations, pages, section("/mail", lab.standin.url)),
                        modules=("include",))


def context_of(version, certificate):
    """A client's TLS context for one version, ready for post-handshake authentication."""
    context = tls_context(certificate=certificate, maximum=VERSIONS[version])
    context.minimum_version = VERSIONS[version]
    context.post_handshake_auth = True
    return context


class TlsClient:
    """One TLS connection by hand: resumption, and what comes before and after HTTP."""

    def __init__(self, proxy, context, session=None, name=HOST):
        raw = socket.create_connection((proxy.address, 443), 20)
        self.socket = context.wrap_socket(raw, server_hostname=name, session=session)

    def get(self, path, host=HOST):
        """The status of a GET; None when the server ended the connection instead."""
        try:
            self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            head = self.socket.recv(65536)
        except (ssl.SSLError, ConnectionError):
            return None
        return int(head.split()[1]) if head else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


# Not require with 1.3: where the virtual host has asked already, mod_ssl cannot ask again there.
@pytest.mark.parametrize("path, version", [
    (path, version) for path in GUARDS for version in VERSIONS
    if (path, version) != ("/ssl/require", "1.3")])
def test_guard_verified_certificate_opens(guarded, holders, version, path):
    with TlsClient(guarded, context_of(version, holders["alice"])) as client:
        assert client.get(path) == 200


@pytest.mark.parametrize("holder", UNVERIFIED)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", GUARDS)
def test_guard_unverified_certificate_opens_nothing(guarded, holders, allow_log, version, path,
                                                    holder):
    allow_log(DENIED_BY_REQUIRE)
    allow_log(DENIED_BY_SSL)
    with TlsClient(guarded, context_of(version, holders[holder])) as client:
        assert client.get(path) in (403, None)


@pytest.mark.parametrize("holder", ["expired", "strange"])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", GUARDS)
def test_guard_unverified_certificate_opens_nothing_on_resumed_session(guarded, holders, allow_log,
                                                                       version, path, holder):
    allow_log(DENIED_BY_REQUIRE)
    allow_log(DENIED_BY_SSL)
    context = context_of(version, holders[holder])
    with TlsClient(guarded, context) as first:
        assert first.get("/mail") == 403
        session = first.socket.session
    with TlsClient(guarded, context, session) as second:
        assert second.get(path) in (403, None)


@pytest.mark.parametrize("version, holder, status", [
    ("1.2", "alice", 200), ("1.3", "alice", 200), ("1.3", "expired", 403), ("1.3", "strange", 403)])
def test_resumed_session_is_judged_again_by_us(guarded, holders, version, holder, status):
    context = context_of(version, holders[holder])
    with TlsClient(guarded, context) as first:
        assert first.get("/mail") == status
        session = first.socket.session
    with TlsClient(guarded, context, session) as second:
        assert second.socket.session_reused
        assert second.get("/mail") == status


def strict_host(lab, pages):
    """Another name on the same address where mod_ssl alone decides, in the handshake."""
    text = virtual_host(lab, pages, name="mail", SSLVerifyClient="require")
    return re.sub(r"(?m)^EAS\w+ .*\n", "", text)


@pytest.fixture(scope="module", params=["ours is the default", "the other is the default"])
def two_names(lab, module_proxy, pages, request):
    """Ours and a strict virtual host, told apart by SNI."""
    ours, strict = virtual_host(lab, section("/mail", lab.standin.url)), strict_host(lab, pages)
    hosts = (ours, strict) if request.param.startswith("ours") else (strict, ours)
    return module_proxy(*hosts, modules=("include",))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("holder", [*UNVERIFIED, None])
def test_strict_host_ends_the_handshake_with_an_alert(two_names, holders, version, holder):
    context = context_of(version, holder and holders[holder])
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with TlsClient(two_names, context, name="mail.example.test") as client:
            client.socket.sendall(b"GET / HTTP/1.1\r\nHost: mail.example.test\r\n\r\n")
            assert client.socket.recv(1) == b""
            raise ConnectionError("ended without an alert")


@pytest.mark.parametrize("version", VERSIONS)
def test_strict_host_serves_verified_certificate(two_names, holders, version):
    context = context_of(version, holders["alice"])
    with TlsClient(two_names, context, name="mail.example.test") as one:
        assert one.get("/pages/page.txt", "mail.example.test") == 200


@pytest.mark.parametrize("version", VERSIONS)
def test_strict_host_is_not_reached_with_a_session_of_ours(two_names, holders, version):
    context = context_of(version, holders["expired"])
    with TlsClient(two_names, context) as first:
        assert first.get("/mail") == 403
        session = first.socket.session
    try:
        with TlsClient(two_names, context, session, "mail.example.test") as second:
            assert second.get("/pages/page.txt", "mail.example.test") != 200
    except (ssl.SSLError, ConnectionError):
        pass    # the alert came within the handshake


@pytest.mark.parametrize("version", VERSIONS)
def test_strict_host_is_not_reached_by_a_host_header(two_names, holders, expect_log, version):
    expect_log(r"ssl:error.*AH02032")    # SNI and Host differ
    with TlsClient(two_names, context_of(version, holders["expired"])) as client:
        assert client.get("/pages/page.txt", "mail.example.test") == 421


# ---- forged identities ---------------------------------------------------------------------------

FORGERIES = ("x-webobjects-remote-user", "X-Remote-User", "X_Remote_User", "X-EAS-Reason",
             "x_eas-reason", "X-WebObjects_Remote-User", "X-Lab-Name", "X_LAB_NAME", "x-lab-mail")
LAB_HEADERS = "X-Lab-Name %{REMOTE_USER} X-Lab-Mail %{reqenv:EAS_ACCOUNT_UPN}"


@pytest.fixture(scope="module")
def delegating(lab, module_proxy):
    """Every way of handing the identity on, to the stand-in."""
    echo = lab.standin.url
    return module_proxy(virtual_host(
        lab, section("/kerberos", echo, EASAuthenticate="certificate-or-basic"),
        section("/header", echo, EASDelegation="header", EASAuthenticate="certificate-or-basic"),
        section("/named", echo, EASDelegation="header", EASDelegationHeader=LAB_HEADERS),
        section("/none", echo, EASDelegation="none", EASAuthenticate="certificate-or-basic"),
        f"<Location /open>\nProxyPass {echo}\n</Location>",
        section("/set", echo, 'RequestHeader set Authorization "Basic Zm9yZ2Vk"',
                'RequestHeader set X-Remote-User "mallory@example.test"')))


def forged_values(outcome):
    """The headers of the backend's request that hold what the client made up."""
    return [name for name, value in outcome.echo["headers"] if FORGED in value]


@pytest.mark.parametrize("trick", [
    pytest.param({}, id="plain"),
    pytest.param({"Connection": "X-Remote-User, X-Lab-Name, Authorization"},
                 id="Connection names them"),
])
@pytest.mark.parametrize("path", ["/kerberos", "/header", "/named", "/none", "/open"])
def test_forged_identity_header_does_not_arrive(delegating, holders, standin, path, trick):
    headers = {**{name: FORGED for name in FORGERIES}, **trick}
    outcome = delegating.request(path, holders["alice"], headers=headers)
    assert outcome.status == 200
    assert forged_values(outcome) == []
    expected = {"/header": {"X-Remote-User": ["alice@example.test"], "Authorization": []},
                "/named": {"X-Lab-Name": ["alice@example.test"],
                           "X-Lab-Mail": ["alice@example.test"], "X-Remote-User": []}}
    for name, values in expected.get(path, {}).items():
        assert outcome.arrived(name) == values
    if path == "/kerberos":
        assert len(outcome.arrived("Authorization")) == 1


def test_forged_header_twice_does_not_arrive(delegating, holders, standin):
    request = ("GET /header HTTP/1.1\r\nHost: proxy.example.test\r\nConnection: close\r\n"
               + f"X-Remote-User: {FORGED}\r\nX_REMOTE-USER: {FORGED}\r\n" * 5 + "\r\n")
    with TlsClient(delegating, tls_context(certificate=holders["alice"])) as client:
        client.socket.sendall(request.encode())
        client.socket.recv(65536)
    seen, = standin.requests()
    assert [value for name, value in seen["headers"] if "remote" in name.lower()] == [
        "alice@example.test"]


def test_request_header_directive_does_not_replace_the_ticket(delegating, holders):
    outcome = delegating.request("/set", holders["alice"])
    assert [value.split()[0] for value in outcome.arrived("Authorization")] == ["Negotiate"]


@pytest.mark.parametrize("authorization", [
    pytest.param(basic("mallory", "secret"), id="Basic"),
    pytest.param("Negotiate YIIFoobar", id="Negotiate"),
    pytest.param("Bearer secret", id="Bearer"),
])
@pytest.mark.parametrize("path", ["/kerberos", "/header", "/none"])
def test_clients_authorization_with_certificate_does_not_arrive(delegating, holders, path,
                                                                authorization):
    outcome = delegating.request(path, holders["alice"], headers={"Authorization": authorization})
    check_grant(outcome, user="alice@example.test")
    assert authorization not in outcome.arrived("Authorization")
    assert len(outcome.arrived("Authorization")) == (1 if path == "/kerberos" else 0)


@pytest.mark.parametrize("path", ["/kerberos", "/header", "/none"])
def test_clients_password_does_not_arrive(delegating, lab, path):
    account = lab.people["alice"]
    outcome = delegating.request(path, basic=("alice", account.password))
    check_grant(outcome, user="alice@example.test", EAS_METHOD="basic")
    assert basic("alice", account.password) not in outcome.arrived("Authorization")
    assert len(outcome.arrived("Authorization")) == (1 if path == "/kerberos" else 0)


def test_clients_password_arrives_with_passthrough(lab, holders, proxy, standin):
    one = proxy(virtual_host(lab, section("/mail", standin.url, EASBasicDelegation="passthrough",
                                          EASAuthenticate="certificate-or-basic")))
    word = lab.people["alice"].password
    outcome = one.request("/mail", basic=("alice", word))
    check_grant(outcome, user="alice@example.test", EAS_DELEGATION="passthrough")
    assert outcome.arrived("Authorization") == [basic("alice", word)]
    by_certificate = one.request("/mail", holders["bob"], basic=("alice", word))
    check_grant(by_certificate, user="bob@example.test", EAS_DELEGATION="kerberos")
    assert [value.split()[0] for value in by_certificate.arrived("Authorization")] == ["Negotiate"]


@pytest.mark.parametrize("challenge, arrives", [
    ("Negotiate", False), ("NTLM TlRM", False), ('Basic realm="mail"', True)])
def test_challenge_of_a_backend_behind_passthrough(lab, proxy, standin, challenge, arrives):
    standin.script("/mail", status=401, headers={"WWW-Authenticate": challenge})
    one = proxy(virtual_host(lab, section("/mail", standin.url, EASBasicDelegation="passthrough",
                                          ProxyPass=f"{standin.url}/mail timeout=3660",
                                          EASAuthenticate="certificate-or-basic")))
    outcome = one.request("/mail", basic=("alice", lab.people["alice"].password))
    assert outcome.status == 401
    assert outcome.headers["WWW-Authenticate"] == (challenge if arrives else None)


def test_passthrough_reaches_a_real_server_that_checks_passwords(lab, proxy):
    one = proxy(virtual_host(lab, section(
        "/Microsoft-Server-ActiveSync", lab.exchange.password_url, EASDelegation="none",
        EASAuthenticate="basic", EASBasicDelegation="passthrough")))
    device = one.client(user="alice", password=lab.people["alice"].password)
    assert device.whoami() == "alice@example.test"


@pytest.mark.parametrize("both", [("bob", "alice"), ("alice", "bob")])
def test_certificate_decides_over_an_empty_password(delegating, holders, both):
    shown, typed = both
    outcome = delegating.request("/header", holders[shown], basic=(typed, ""))
    check_grant(outcome, user=f"{shown}@example.test", EAS_METHOD="certificate")
    assert outcome.arrived("X-Remote-User") == [f"{shown}@example.test"]


# ---- answers kept by others ---------------------------------------------------------------------

def test_answer_is_not_kept_by_mod_cache_for_whoever_comes_next(lab, holders, proxy, standin):
    standin.script("/", headers={"Cache-Control": "public, max-age=600"})
    cache = lab.root / "cache"
    shutil.rmtree(cache, ignore_errors=True)    # of an earlier run
    cache.mkdir()
    shutil.chown(cache, RUN_AS, RUN_AS)
    one = proxy(virtual_host(lab, f"CacheRoot {cache}\nCacheEnable disk /\nCacheIgnoreNoLastMod On",
                             section("/mail", standin.url)), modules=("cache", "cache_disk"))
    check_grant(one.request("/mail", holders["alice"]))
    assert one.request("/mail").status == 403
    check_grant(one.request("/mail", holders["bob"]), user="bob@example.test")
    assert len(standin.requests()) == 2


def test_redirect_from_a_page_of_the_section_to_its_backend_is_refused(
        lab, holders, proxy, standin, expect_log):
    folder = lab.root / "inside"
    folder.mkdir(mode=0o755, exist_ok=True)
    (folder / "page.txt").write_text("page", encoding="utf-8")
    one = proxy(virtual_host(
        lab, section("/mail", None, f'Alias {folder}', EASDelegation="header"),
        "RewriteEngine on", "<Location /mail>\nRewriteEngine on\n"
        f'RewriteCond %{{ENV:REDIRECT_STATUS}} 404\nRewriteRule ^ "{standin.url}" [P]\n'
        "ErrorDocument 404 /mail/gone\n</Location>"), modules=("rewrite",))
    expect_log("ECA4006|rewrite:error|AH0067")
    assert one.request("/mail/nothing", holders["alice"]).status in (403, 404, 500)
    assert standin.requests() == []


# ---- what must not leak ------------------------------------------------------------------------

def everything_written(proxy, *outcomes):
    """The text of all logs once these requests' lines are there."""
    for outcome in outcomes:
        assert outcome.access["EAS_REASON"]
    return (proxy.httpd.error_log() + proxy.httpd.access_log() + proxy.httpd.output()
            + proxy.eas_log.read_text(encoding="utf-8"))


def test_no_token_in_any_log_at_any_level(lab, holders, proxy, standin):
    custom = ['"${FOLDER}/log/eas.log" eas',
              '"${FOLDER}/log/access.log" "%{Authorization}i %{Authorization}o"']
    one = proxy(virtual_host(lab, section("/mail", standin.url), CustomLog=custom),
                log_level="trace8")
    outcomes = [one.request("/mail", holders[name]) for name in ("alice", "alice", "bob")]
    logs = everything_written(one, *outcomes)
    assert "trace4" in logs
    for outcome in outcomes:
        token = outcome.arrived("Authorization")[0].split()[1]
        assert token[-60:] not in logs and token[:1000] not in logs


def test_no_password_in_any_log_at_any_level(lab, holders, proxy, standin):
    """Except that httpd itself writes what a client sent with LogLevel http:trace4 and above."""
    one = proxy(virtual_host(lab, section("/mail", standin.url,
                                          EASAuthenticate="certificate-or-basic")),
                log_level="trace8 http:trace3")
    right, wrong = lab.people["alice"].password, "Other.Secret.2026"
    logs = everything_written(one, one.request("/mail", holders["bob"], basic=("alice", right)),
                              one.request("/mail", basic=("alice", right)),
                              one.request("/mail", basic=("alice", wrong)))
    assert "trace4" in logs
    for word in (right, wrong):
        assert word not in logs and basic("alice", word).split()[1] not in logs


@pytest.mark.parametrize("path", ["/kerberos", "/header"])
def test_backends_negotiation_never_reaches_the_device(delegating, holders, standin, path):
    standin.script("/", PERSISTENT)
    standin.script("/", headers={**PERSISTENT["headers"], "WWW-Authenticate": "Negotiate oYG2"})
    outcome = delegating.request(path, holders["alice"])
    assert outcome.status == 200
    assert "Persistent-Auth" not in outcome.headers and "WWW-Authenticate" not in outcome.headers


def test_server_that_keeps_identities_serves_each_as_himself(lab, holders, proxy):
    one = proxy(virtual_host(lab, section("/Microsoft-Server-ActiveSync", lab.exchange.bound_url)))
    devices = [(name, one.client(certificate=holders[name], keep_alive=True))
               for name in ("alice", "bob")]
    for _ in range(3):
        for name, device in devices:
            answer = device.options()
            assert (answer.status, answer.headers["X-Lab-User"]) == (200, name)
            assert "Persistent-Auth" not in answer.headers


@pytest.mark.parametrize("path", ["/kerberos", "/header"])
def test_delegated_request_has_a_backend_connection_of_its_own(delegating, holders, standin, path):
    device = delegating.client(certificate=holders["alice"], keep_alive=True)
    for _ in range(4):
        assert device.request("GET", path).status == 200
    numbers = [seen["connection"] for seen in standin.requests()]
    assert len(set(numbers)) == 4


# ---- large refused requests ------------------------------------------------------------

@pytest.mark.parametrize("length", [
    pytest.param("Content-Length: 20000000", id="20 MB"),
    pytest.param("Transfer-Encoding: chunked", id="chunked"),
])
@pytest.mark.parametrize("path, status", [("/kerberos", 401), ("/named", 403)])
def test_large_refused_post_is_answered_before_it_is_sent(delegating, path, status, length):
    with TlsClient(delegating, tls_context()) as client:
        client.socket.settimeout(10)
        client.socket.sendall(f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\n{length}\r\n\r\n".encode())
        answer = b""
        while block := client.socket.recv(65536):    # until the server closes
            answer += block
    assert int(answer.split()[1]) == status
    assert b"\r\nconnection: close\r\n" in answer.lower()


def test_small_refused_post_keeps_the_connection(delegating, holders):
    device = delegating.client(keep_alive=True)
    assert device.request("POST", "/named", b"x" * 1000).status == 403
    assert device.request("POST", "/named", b"x" * 1000).headers["Connection"] != "close"
