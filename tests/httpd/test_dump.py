# SPDX-License-Identifier: Apache-2.0
"""apache2ctl -t -D DUMP_EAS: the configuration of each section as JSON."""

import json
import re
from pathlib import Path

import pytest

from proxy import MAIL, TREE, lines_of, section, simple_bind, virtual_host, whole_site

DUMP = ("-D", "DUMP_EAS")
PROVIDERS = ["authn_file", "authn_anon"]    # of settings_of_every_kind()
SECRET = "Nobody-may-read-this-1"
DEFAULTS = {
    "EASAuthenticate": ["certificate-or-basic"], "EASBasicProvider": ["directory"],
    "EASExtendedKeyUsage": ["clientAuth"], "EASCertificatePolicy": [],
    "EASCertificateSource": ["tls"], "EASTrustedProxy": [], "EASNTAuth": ["Off"],
    "EASMapping": ["sid", "issuer-serial", "ski", "sha1-pukey", "issuer-sid", "certificate"],
    "EASCertificateBackdating": ["0"], "EASRemoteUser": ["upn"], "EASBasicDelegation": ["same"],
    "EASDelegationSPN": [], "EASDelegationHeader": ["X-Remote-User", "%{REMOTE_USER}"],
    "EASReasonHeader": ["On"], "EASBackendReuse": ["Off"], "EASRewriteLocation": ["On"],
    "EASRetryAfter": ["60"], "EASDirectoryBase": [],
    "EASDirectoryTimeout": ["3000"], "EASDirectoryConnections": ["8"], "EASCacheKeyFile": [],
    "EASCacheTTL": ["found=300", "notfound=30", "stale=900"], "EASKerberosPrincipal": [],
    "EASKerberosTimeout": ["3000"], "EASRevocation": ["off"], "EASRevocationFailure": ["deny"],
    "EASRevocationGrace": ["0"], "EASOCSPResponder": [], "EASCRL": [], "EASCRLRefresh": ["300"],
    "EASCRLCache": ["/var/cache/apache2/eas_certauth"],
}


@pytest.fixture
def dump(lab, unstarted):
    """dump(virtual_host(…), …): the document; httpd must have accepted the configuration."""
    def make(*hosts, modules=(), **more):
        done = unstarted(*hosts, options=DUMP, modules=modules, **more).httpd.check()
        assert done.returncode == 0, done.stderr
        assert "Syntax OK" in done.stderr and SECRET not in done.stdout
        return json.loads(done.stdout)
    return make


def quoted(arguments):
    """Arguments as a configuration file has them."""
    return " ".join('"' + one.replace("\\", "\\\\").replace('"', '\\"') + '"' for one in arguments)


def every_directive():
    """The names in directives.def."""
    text = (TREE / "src/httpd/directives.def").read_text(encoding="utf-8")
    return set(re.findall(r'^ECA_(?:POLICY|SERVER)\(.*?"(EAS\w+)"', text, re.M | re.S))


def settings_of_every_kind(lab, folder):
    """(of a section, of a server): values that are nobody's default."""
    word = folder / "a password"
    word.write_text(SECRET + "\n", encoding="utf-8")
    here = {
        "EASAuthenticate": ["certificate-and-basic"], "EASBasicProvider": ["file", "anon"],
        "EASExtendedKeyUsage": ["clientAuth", "1.2.3.4.5.6.7", "msSmartcardLogin"],
        "EASMapping": ["sid", f"sid-uri={lab.pki.trusted}", "upn"],
        "EASCertificatePolicy": ["1.3.6.1.4.1.311.21.8.1402.7705.3", "1.2.3"],
        "EASCertificateSource": ["header", "X-Client-Cert", "base64-der"],
        "EASCertificateBackdating": ["86400"], "EASRemoteUser": ["employeeID"],
        "EASDelegation": ["header"], "EASBasicDelegation": ["same"], "EASDelegationSPN": ["HTTP/exch"],
        "EASDelegationHeader": ["X-User", "%{REMOTE_USER}", "X-Quoted", 'a "b" \\ %{REMOTE_ADDR}'],
        "EASReasonHeader": ["Off"], "EASBackendReuse": ["verified"], "EASRewriteLocation": ["Off"],
        "EASRetryAfter": ["61"]}
    there = {
        "EASNTAuth": ["On"], "EASTrustedProxy": ["192.0.2.7", "192.0.2.16/28", "2001:db8::/64"],
        "EASTrustedIssuers": [str(lab.pki.trusted), str(lab.pki.root.certificate)],
        "EASDirectory": ["ldaps://dc1.example.test", "ldap://dc2.example.test:389"],
        "EASDirectoryBase": ["OU=Łódź Büro,DC=example,DC=test"],
        "EASDirectoryBind": ["simple", "CN=svc proxy,DC=example,DC=test", str(word)],
        "EASDirectoryCAFile": [str(lab.dc.ca_file)], "EASDirectoryTimeout": ["2500"],
        "EASDirectoryConnections": ["3"], "EASKerberosKeytab": [str(lab.proxy_keytab)],
        "EASKerberosPrincipal": ["svc-proxy"], "EASKerberosTimeout": ["2900"],
        "EASRevocation": ["crl", "ocsp"], "EASOCSPResponder": ["http://ocsp.example.test/"],
        "EASRevocationFailure": ["allow"], "EASRevocationGrace": ["7"],
        "EASCRL": [str(lab.pki.root.certificate), "http://pki.example.test/list.crl"], "EASCRLRefresh": ["8"],
        "EASCRLCache": ["none"]}
    return here, there


def test_every_directive_is_there_as_it_was_written(lab, dump, tmp_path):
    here, there = settings_of_every_kind(lab, tmp_path)
    key = tmp_path / "cache.key"
    key.write_bytes(b"k" * 64)
    key.chmod(0o600)
    whole = {"EASCache": ["shmcb:eas(512000)"], "EASCacheTTL": ["found=1", "notfound=2", "stale=3"],
             "EASCacheKeyFile": [str(key)]}
    host = virtual_host(lab, section(MAIL, lab.standin.url, **{name: quoted(one) for name, one in here.items()}),
                        **{name: quoted(one) for name, one in there.items()})
    server = lines_of({name: quoted(one) for name, one in whole.items() if name != "EASCache"})
    (one,) = dump(site=whole_site(server, host, cache=whole["EASCache"][0]),
                  modules=PROVIDERS)["sections"]
    assert one["directives"] == {**here, **there, **whole}
    assert set(one["directives"]) == set(one["set"]) == every_directive()


def test_defaults_are_there_and_not_called_set(lab, dump):
    document = dump(virtual_host(lab, section(MAIL, lab.standin.url, EASAuthenticate=None), EASDelegationSPN=None))
    (one,) = document["sections"]
    assert document["version"] == 1
    assert set(one["directives"]) == every_directive()
    assert {name: one["directives"][name] for name in DEFAULTS} == DEFAULTS
    assert set(one["set"]) & set(DEFAULTS) == set()
    assert {"EASDelegation", "EASDirectory", "EASTrustedIssuers", "EASCache"} <= set(one["set"])


def test_section_says_where_it_stands_and_what_is_behind_it(lab, dump):
    (one,) = dump(virtual_host(lab, section(MAIL, lab.standin.url)))["sections"]
    assert (one["server"], one["section"], one["problem"]) == ("proxy.example.test:443", MAIL, None)
    assert one["backend"] == lab.standin.url
    lines = Path(one["file"]).read_text(encoding="utf-8").splitlines()
    assert lines[one["line"] - 1] == "AuthType EASCert"


def test_two_hosts_and_a_section_of_both_are_printed_as_each_serves_them(lab, dump):
    timeouts = {"proxy": "1000", "other": "2000"}
    hosts = [virtual_host(lab, section(f"/{name}", lab.standin.url), name=name, EASDirectoryTimeout=timeout)
             for name, timeout in timeouts.items()]
    shown = dump(*hosts, section("/both", EASDelegation="none"))["sections"]
    served = {(one["server"], one["section"]): one["directives"] for one in shown if one["problem"] is None}
    assert {key: found["EASDirectoryTimeout"] for key, found in served.items()} == {
        (f"{name}.example.test:443", path): [timeouts[name]] for name in timeouts for path in (f"/{name}", "/both")}
    assert served["other.example.test:443", "/both"]["EASDelegation"] == ["none"]


def test_section_that_a_server_cannot_carry_out_says_why(lab, dump):
    both = dump(virtual_host(lab), section("/both", EASDelegation="none"))["sections"]
    assert any(one["problem"] is None for one in both)
    assert any(one["problem"] and "EASDirectory" in one["problem"] for one in both)


def test_what_was_printed_can_be_written_and_is_the_same_again(lab, dump, tmp_path):
    here, there = settings_of_every_kind(lab, tmp_path)
    first = virtual_host(lab, section(MAIL, lab.standin.url, **{name: quoted(one) for name, one in here.items()}),
                         **{name: quoted(one) for name, one in there.items()})
    (before,) = dump(first, modules=PROVIDERS)["sections"]
    written = {name: quoted(one) for name, one in before["directives"].items() if one}
    (after,) = dump(virtual_host(
        lab, section(MAIL, lab.standin.url, **{name: written[name] for name in here}),
        **{name: written[name] for name in there}), modules=PROVIDERS)["sections"]
    assert after["directives"] == before["directives"]


def test_password_itself_is_nowhere(lab, dump, tmp_path):
    settings = simple_bind(lab, tmp_path)
    password = lab.services["svc-proxy"].password
    (one,) = dump(virtual_host(lab, section(MAIL, lab.standin.url), **settings))["sections"]
    assert one["directives"]["EASDirectoryBind"][2] == str(tmp_path / "bind.password")
    assert password not in json.dumps(one)


def test_bytes_that_are_no_utf8_are_written_escaped(lab, unstarted):
    host = virtual_host(lab, section(MAIL, lab.standin.url), EASDirectoryBase="OU=@,DC=test")
    one = unstarted(host, options=DUMP)
    one.httpd.write()
    file = one.httpd.folder / "conf/site.conf"
    content = file.read_bytes().replace(b"OU=@", b"OU=\xe4")
    one.httpd.write = lambda: file.write_bytes(content)
    done = one.httpd.check()
    (shown,) = json.loads(done.stdout)["sections"]
    assert shown["directives"]["EASDirectoryBase"] == ["OU=\\xe4,DC=test"]


def test_nothing_is_printed_unasked_or_for_a_refused_configuration(lab, unstarted):
    good = virtual_host(lab, section(MAIL, lab.standin.url))
    assert unstarted(good).httpd.check().stdout == ""
    refused = unstarted(good.replace("EASDelegation", "#EASDelegation"), options=DUMP).httpd.check()
    assert refused.returncode != 0 and refused.stdout == ""


def test_httpd_without_sections_prints_an_empty_list(lab, dump):
    assert dump(virtual_host(lab)) == {"version": 1, "sections": []}
