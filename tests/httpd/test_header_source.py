# SPDX-License-Identifier: Apache-2.0
"""Certificates in a header: a real HAProxy and a real nginx in front, and whoever pretends to be one."""

import base64
import http.client
import ssl
import urllib.parse

import pytest

from lab.eas_client import EasClient, tls_context
from lab.front import HaProxy, Nginx
from proxy import ADDRESS, HOST, section, virtual_host, whole_site
from reasons import check_grant, check_refusal

HEADER = "X-Client-Cert"
FORMATS = ("rfc9440", "pem", "pem-urlencoded", "base64-der")
FRONT_NUMBERS = {"haproxy": 90, "nginx": 91, "haproxy-rfc9440": 92}
CLIENT = "127.0.0.1"    # where requests of the tests come from
FAR_AWAY = "10.9.9.9"
OTHER_HOST = "mail.example.test"
NO_TLS = {name: None for name in ("SSLEngine", "SSLCertificateFile", "SSLCertificateKeyFile", "SSLVerifyClient",
                                  "SSLVerifyDepth", "SSLCACertificateFile")}
VERSIONS = [pytest.param(ssl.TLSVersion.TLSv1_2, id="TLS 1.2"), pytest.param(ssl.TLSVersion.TLSv1_3, id="TLS 1.3")]


def pem_of(der):
    """PEM with lines of 64."""
    text = base64.b64encode(der).decode()
    return "\n".join(("-----BEGIN CERTIFICATE-----", *(text[at:at + 64] for at in range(0, len(text), 64)),
                      "-----END CERTIFICATE-----", ""))


ENCODERS = {
    "rfc9440": lambda der: f":{base64.b64encode(der).decode()}:",
    "pem": lambda der: pem_of(der).strip().replace("\n", " "),
    "pem-urlencoded": lambda der: urllib.parse.quote(pem_of(der), safe=""),
    "base64-der": lambda der: base64.b64encode(der).decode(),
}


def host(lab, trusted, name="proxy"):
    """A virtual host without TLS that reads all four formats."""
    sections = [section(f"/{one}", f"{lab.standin.url}/{one}", EASCertificateSource=f"header {HEADER} {one}",
                        EASDelegation="header") for one in FORMATS]
    both = section("/both", f"{lab.standin.url}/both", EASCertificateSource=f"header {HEADER} base64-der",
                   EASAuthenticate="certificate-or-basic", EASDelegation="header")
    client_cert = section("/client-cert", f"{lab.standin.url}/client-cert", EASDelegation="header",
                          EASCertificateSource="header Client-Cert rfc9440",
                          EASDelegationHeader=f'X-Remote-User "%{{REMOTE_USER}}" {HEADER} "%{{REMOTE_USER}}"')
    return virtual_host(lab, *sections, both, client_cert, f"ProxyPass /open {lab.standin.url}/open", port=80,
                        name=name, EASTrustedProxy=trusted, RemoteIPHeader="X-Forwarded-For",
                        RemoteIPInternalProxy=CLIENT, LimitRequestFieldSize="100000", **NO_TLS)


def httpd_in_front(lab):
    """A virtual host of the same httpd, without sections of ours, that ends TLS and speaks HTTP to the other."""
    own = {name: None for name in ("EASDirectory", "EASDirectoryBind", "EASDirectoryCAFile", "EASKerberosKeytab",
                                   "EASTrustedIssuers", "EASDelegationSPN", "SSLProxyEngine", "CustomLog")}
    return "\n".join((f"Listen {ADDRESS}:443", virtual_host(
        lab, f"RequestHeader unset {HEADER}",
        f'RequestHeader set {HEADER} "%{{SSL_CLIENT_CERT}}s" "expr=-n %{{SSL_CLIENT_CERT}}"',
        f"ProxyPass / http://{ADDRESS}:80/", ProxyPreserveHost="On", **own)))


@pytest.fixture(scope="module")
def behind(lab, module_proxy):
    """httpd: one host trusts the fronts and this client, the other an address far away."""
    fronts = " ".join(lab.address(number) for number in FRONT_NUMBERS.values())
    hosts = (host(lab, f"{fronts} {CLIENT}/32 2001:db8::/32"), host(lab, f"{FAR_AWAY} {fronts}", "mail"))
    return module_proxy(site=whole_site(*hosts, httpd_in_front(lab), port=80), modules=("remoteip",))


@pytest.fixture(scope="module")
def fronts(lab, behind):
    """{name: running front}"""
    changes = {"haproxy-rfc9440": ("X-Client-Cert %[ssl_c_der,base64]", "X-Client-Cert :%[ssl_c_der,base64]:")}
    made = {name: (HaProxy if name.startswith("haproxy") else Nginx)(
        lab.root / "fronts" / name, lab.address(number), behind.address, lab, changes.get(name))
        for name, number in FRONT_NUMBERS.items()}
    try:
        for one in made.values():
            one.start()
        yield {**made, "httpd": behind}
    finally:
        for one in made.values():
            one.stop()


def through(front, certificate=None, version=None, **more):
    """A device whose TLS connection ends at a front."""
    return EasClient(f"https://{HOST}/", address=front.address, timeout=60,
                     context=tls_context(certificate=certificate, maximum=version), **more)


def send(behind, path, headers, host_name=HOST, **more):
    """A request straight to httpd, as a front would send it."""
    return behind.request(path, client=EasClient(f"http://{host_name}/", address=behind.address, timeout=60),
                          headers=headers, **more)


# ---- real servers in front ---------------------------------------------------------------------------

FRONT_PATHS = [("haproxy", "/base64-der"), ("nginx", "/pem-urlencoded"), ("haproxy-rfc9440", "/rfc9440"),
               ("httpd", "/pem")]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name, path", FRONT_PATHS)
def test_front_certificate_of_device_is_the_account(behind, fronts, holders, name, path, version):
    outcome = behind.request(path, client=through(fronts[name], holders["alice"], version))
    check_grant(outcome, user="alice@example.test", EAS_METHOD="certificate", EAS_MAPPING="sid")
    assert outcome.arrived("X-Remote-User") == ["alice@example.test"]
    assert outcome.arrived(HEADER) == []


@pytest.mark.parametrize("name, path", FRONT_PATHS)
def test_front_without_certificate_is_certificate_required(behind, fronts, name, path):
    forged = {HEADER: "forged", "X_Client_Cert": "forged", "X-Client_Cert": "forged"}
    check_refusal(behind.request(path, client=through(fronts[name]), headers=forged), "certificate-required")


@pytest.mark.parametrize("name, path", FRONT_PATHS)
def test_front_a_devices_own_header_does_not_count(behind, fronts, holders, name, path):
    forged = {HEADER: ENCODERS[path[1:]](holders["bob"].der)}
    outcome = behind.request(path, client=through(fronts[name], holders["alice"]), headers=forged)
    check_grant(outcome, user="alice@example.test")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("who, reason", [
    ("expired", "certificate-expired"), ("not-yet-valid", "certificate-not-yet-valid"),
    ("strange", "certificate-untrusted"), ("server-auth", "certificate-purpose"),
    ("two-sids", "certificate-malformed"), ("carol", "account-disabled"), ("nobody", "account-not-found")])
def test_front_bad_certificate_has_its_reason(behind, fronts, holders, who, reason, version):
    outcome = behind.request("/base64-der", client=through(fronts["haproxy"], holders[who], version))
    check_refusal(outcome, reason)


def test_front_users_mixed_on_its_connections_stay_apart(behind, fronts, holders):
    devices = {name: through(fronts["haproxy"], holders[name], keep_alive=True) for name in ("alice", "bob", "dora")}
    mails = {"alice": "alice@example.test", "bob": "bob@example.test", "dora": "dora.smith@mail.example.org"}
    for _ in range(5):
        for name, device in devices.items():
            check_grant(behind.request("/base64-der", client=device), user=mails[name])
    check_refusal(behind.request("/base64-der", client=through(fronts["haproxy"])), "certificate-required")


# ---- straight to httpd, from an address that is trusted ------------------------------------------------

@pytest.mark.parametrize("one", FORMATS)
def test_header_each_format_leads_to_the_account(behind, holders, one):
    value = ENCODERS[one](holders["alice"].der)
    outcome = send(behind, f"/{one}", {HEADER: value, "X-Forwarded-For": FAR_AWAY})
    check_grant(outcome, user="alice@example.test")
    assert outcome.arrived(HEADER) == []


def test_header_rsa_certificate_fits_httpds_default_limits(behind, holders):
    holder = holders.issue("header-rsa", upn="alice@example.test", sid=holders.sid("alice"), algorithm="rsa")
    check_grant(send(behind, "/pem-urlencoded", {HEADER: ENCODERS["pem-urlencoded"](holder.der)}),
                user="alice@example.test")


HOSTILE = [
    ("base64-der", lambda good, other: f"{good}, {other}", "sent twice", "two in one header"),
    ("base64-der", lambda good, other: good[:-5], "cut short", "cut"),
    ("base64-der", lambda good, other: good[:-4], "no X.509", "cut between groups"),
    ("base64-der", lambda good, other: "AAAA", "no X.509", "no certificate"),
    ("base64-der", lambda good, other: "x" * 70000, "longer than 65536", "over-long"),
    ("base64-der", lambda good, other: f":{good}:", "0x3a", "another format"),
    ("rfc9440", lambda good, other: good.strip(":"), "two colons", "another format"),
    ("rfc9440", lambda good, other: f"{good}, {other}", "no base64|twice", "two of them"),
    ("pem", lambda good, other: f"{good} {other}", "more than one", "PEM with two certificates"),
    ("pem", lambda good, other: good.replace("BEGIN", "END"), "does not begin", "damaged"),
    ("pem-urlencoded", lambda good, other: good + other, "more than one", "PEM with two certificates"),
    ("pem-urlencoded", lambda good, other: urllib.parse.unquote(good).strip().replace("\n", "%0"), "percent",
     "bad escapes"),
]


@pytest.mark.parametrize("one, value, said", [
    pytest.param(one, value, said, id=f"{one}: {why}") for one, value, said, why in HOSTILE])
def test_header_hostile_value_is_malformed(behind, holders, one, value, said):
    good, other = (ENCODERS[one](holders[name].der) for name in ("alice", "bob"))
    outcome = send(behind, f"/{one}", {HEADER: value(good, other)})
    check_refusal(outcome, "certificate-malformed", rf"^{HEADER}: .*({said})")


def test_header_on_two_lines_is_malformed(behind, holders):
    connection = http.client.HTTPConnection(behind.address, 80, timeout=60)
    connection.putrequest("GET", "/base64-der", skip_host=True)
    connection.putheader("Host", HOST)
    for _ in range(2):
        connection.putheader(HEADER, ENCODERS["base64-der"](holders["alice"].der))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, answer.headers["X-EAS-Reason"]) == (403, "certificate-malformed")
    connection.close()


def test_header_bytes_behind_the_certificate_are_malformed(behind, holders):
    value = base64.b64encode(holders["alice"].der + b"\0").decode()
    check_refusal(send(behind, "/base64-der", {HEADER: value}), "certificate-malformed", "bytes follow")


def test_header_damaged_is_no_reason_to_ask_for_a_password(behind, lab):
    outcome = send(behind, "/both", {HEADER: "?"}, basic=("alice", lab.people["alice"].password))
    check_refusal(outcome, "certificate-malformed")


@pytest.mark.parametrize("value", ["", "  "])
def test_header_empty_is_no_certificate(behind, value):
    check_refusal(send(behind, "/base64-der", {HEADER: value}), "certificate-required")


@pytest.mark.parametrize("name", ["X_Client_Cert", "X-Client_Cert", "x_client-cert"])
def test_header_of_another_spelling_is_not_believed_and_goes_nowhere(behind, holders, name):
    value = ENCODERS["base64-der"](holders["alice"].der)
    check_refusal(send(behind, "/base64-der", {name: value}), "certificate-required")
    assert send(behind, "/open", {name: value}).arrived(name) == []


def test_header_certificate_of_another_section_is_not_read(behind, holders):
    check_refusal(send(behind, "/base64-der", {"Client-Cert": ENCODERS["rfc9440"](holders["alice"].der)}),
                  "certificate-required")


def test_header_that_also_tells_the_backend_who_it_is_is_written_anew(behind, holders):
    headers = {"Client-Cert": ENCODERS["rfc9440"](holders["alice"].der), HEADER: "forged"}
    outcome = send(behind, "/client-cert", headers)
    check_grant(outcome, user="alice@example.test")
    assert (outcome.arrived(HEADER), outcome.arrived("Client-Cert")) == (["alice@example.test"], [])


def test_header_does_not_reach_a_backend_outside_our_sections(behind, holders):
    for host_name in (HOST, OTHER_HOST):
        outcome = send(behind, "/open", {HEADER: ENCODERS["base64-der"](holders["alice"].der), "Client-Cert": "x",
                                         "Client_Cert": "x"}, host_name)
        assert outcome.status == 200
        assert [outcome.arrived(name) for name in (HEADER, "Client-Cert", "Client_Cert")] == [[], [], []]


# ---- from an address that is not -------------------------------------------------------------------------

@pytest.mark.parametrize("forwarded", [{}, {"X-Forwarded-For": FAR_AWAY}], ids=["plain", "mod_remoteip says otherwise"])
@pytest.mark.parametrize("one", FORMATS)
def test_untrusted_peers_header_is_removed(behind, holders, one, forwarded):
    value = ENCODERS[one](holders["alice"].der)
    outcome = send(behind, f"/{one}", {HEADER: value, **forwarded}, OTHER_HOST)
    check_refusal(outcome, "certificate-required", f"{HEADER} came from {CLIENT}, which EASTrustedProxy does not name")


def test_untrusted_peers_header_does_not_hinder_a_password(behind, holders, lab):
    outcome = send(behind, "/both", {HEADER: ENCODERS["base64-der"](holders["bob"].der)}, OTHER_HOST,
                   basic=("alice", lab.people["alice"].password))
    check_grant(outcome, user="alice@example.test", EAS_METHOD="basic")


def test_untrusted_peers_header_does_not_hide_what_is_wrong_with_a_password(behind, holders):
    outcome = send(behind, "/both", {HEADER: ENCODERS["base64-der"](holders["bob"].der)}, OTHER_HOST,
                   basic=("alice", "wrong"))
    check_refusal(outcome, "password-rejected", "wrong password$")
