# SPDX-License-Identifier: Apache-2.0
"""What httpd refuses at start, what it warns of, and how sections inherit."""

import re

import pytest

from lab import process
from lab.httpd import DEFAULT_MODULES
from proxy import ADDRESS, TREE, section, virtual_host, whole_site
from reasons import check_grant, check_refusal


def directory_urls(count):
    """That many domain controllers."""
    return " ".join(["ldap://dc1.example.test"] * count)


# (message, directive, argument, pattern for what is said, why it cannot work)
REFUSED_ARGUMENTS = [
    ("ECA1001", "EASAuthenticate", "certificate-or-password", "certificate-or-basic",
     "unknown word"),
    ("ECA1070", "EASBasicProvider", "backend", "directory", "not built"),
    ("ECA1071", "EASBasicProvider", "file", "a2enmod authn_file", "httpd without that module"),
    ("ECA1072", "EASBasicProvider", "directory directory", "stands alone", "the same twice"),
    ("ECA1072", "EASBasicProvider", "directory file", "stands alone", "two who would be asked"),
    ("ECA1001", "EASDelegation", "ntlm", "kerberos", "unknown method"),
    ("ECA1001", "EASBasicDelegation", "kerberos", "passthrough", "unknown method for passwords"),
    ("ECA1001", "EASBackendReuse", "on", "verified", "unknown word"),
    ("ECA1001", "EASDirectoryBind", "sasl", "anonymous", "unknown bind"),
    ("ECA1002", "EASDirectoryConnections", "0", "1 to 64", "none"),
    ("ECA1002", "EASDirectoryConnections", "65", "1 to 64", "too many"),
    ("ECA1018", "EASDirectoryBind", "anonymous svc-proxy", "alone", "anonymous has no name"),
    ("ECA1002", "EASRetryAfter", "0", "1 to 86400", "below the least"),
    ("ECA1002", "EASRetryAfter", "5m", "1 to 86400", "not a number"),
    ("ECA1002", "EASDirectoryTimeout", "99", "100 to 60000", "below the least time"),
    ("ECA1002", "EASDirectoryTimeout", "99999999999999999999", "100 to 60000", "far too large"),
    ("ECA1002", "EASKerberosTimeout", "99", "100 to 60000", "below the least time"),
    ("ECA1003", "EASKerberosKeytab", '"/' + "x" * 5000 + '"', "usable path", "path too long"),
    ("ECA1004", "EASExtendedKeyUsage", "smartcard", "clientAuth", "unknown usage"),
    ("ECA1005", "EASExtendedKeyUsage", " ".join(f"1.2.3.{n}" for n in range(40)), "at most",
     "too many usages"),
    ("ECA1062", "EASCertificateSource", "tls X-Client-Cert", "tls alone", "tls has no header"),
    ("ECA1062", "EASCertificateSource", "header X-Client-Cert", "rfc9440", "no format"),
    ("ECA1062", "EASCertificateSource", "environment X y", "tls alone", "unknown source"),
    ("ECA1063", "EASCertificateSource", "header Host pem", "Host", "HTTP's own header"),
    ("ECA1063", "EASCertificateSource", "header 'X Cert' pem", "X Cert", "space in the name"),
    ("ECA1001", "EASCertificateSource", "header X-Cert der", "base64-der", "unknown format"),
    ("ECA1064", "EASTrustedProxy", "proxy.example.test", "192.0.2.7", "a name"),
    ("ECA1064", "EASTrustedProxy", "0.0.0.0/0", "192.0.2.7", "everybody"),
    ("ECA1064", "EASTrustedProxy", "192.0.2.7/33", "192.0.2.7", "too many bits"),
    ("ECA1064", "EASTrustedProxy", "192.0.2.0/255.255.255.0", "192.0.2.7", "a mask"),
    ("ECA1064", "EASTrustedProxy", "192.0.2", "192.0.2.7", "half an address"),
    ("ECA1064", "EASTrustedProxy", "2001:db8::/129", "192.0.2.7", "too many bits for IPv6"),
    ("ECA1064", "EASTrustedProxy", "all", "192.0.2.7", "a word"),
    ("ECA1060", "EASCertificatePolicy", "phones", "is no OID", "a name"),
    ("ECA1061", "EASCertificatePolicy", " ".join(f"1.2.3.{n}" for n in range(17)), "at most 16", "too many"),
    ("ECA1006", "EASMapping", "sid-uri=/nowhere.pem", "cannot be read", "no such file"),
    ("ECA1007", "EASMapping", "mail", "issuer-subject, subject or rfc822", "unknown kind"),
    ("ECA1007", "EASMapping", "issuer", "issuer-serial", "any certificate of a CA"),
    ("ECA1021", "EASCertificateBackdating", "-1", "hundred years", "below zero"),
    ("ECA1021", "EASCertificateBackdating", "1d", "any", "not a number"),
    ("ECA1021", "EASCertificateBackdating", "99999999999999999999", "any", "far too large"),
    ("ECA1008", "EASMapping", "strong sid", "twice", "the same kind twice"),
    ("ECA1009", "EASRemoteUser", "user;binary", "samaccountname", "no attribute's name"),
    ("ECA1011", "EASDelegationSPN", "exch.example.test", "HTTP/host", "no service class"),
    ("ECA1011", "EASDelegationSPN", "HTTP/", "HTTP/host", "no host"),
    ("ECA1011", "EASDelegationSPN", "https://exch.example.test", "HTTP/host", "a URL"),
    ("ECA1012", "EASDelegationHeader", "X-User", "pairs", "no value"),
    ("ECA1013", "EASDelegationHeader", '"X User" a', "X User", "space in the name"),
    ("ECA1013", "EASDelegationHeader", "authorization a", "authorization", "the ticket's header"),
    ("ECA1013", "EASDelegationHeader", "Host a", "Host", "HTTP's own header"),
    ("ECA1014", "EASDelegationHeader", "X-User %{REMOTE_USER", "X-User", "no expression"),
    ("ECA1015", "EASDirectory", "http://dc1.example.test", "ldaps?://", "scheme"),
    ("ECA1015", "EASDirectory", "ldap://dc1.example.test/DC=example", "more than", "path"),
    ("ECA1016", "EASDirectory", directory_urls(17), "at most 16", "too many"),
    ("ECA1017", "EASDirectoryBase", "example.test", "DC=example,DC=com", "no DN"),
    ("ECA1018", "EASDirectoryBind", "simple svc-proxy", "file", "no file with the password"),
    ("ECA1018", "EASDirectoryBind", "gssapi svc-proxy", "alone", "gssapi has no name"),
    ("ECA1074", "EASRevocation", "crl Off", "alone", "off and on"),
    ("ECA1075", "EASCRL", "http://pki.example.test/" + "x" * 1001, "too long", "longer than any URL"),
    ("ECA1076", "EASCRL", "https://pki.example.test/list.crl", "needs no TLS", "a list is signed"),
    ("ECA1076", "EASCRL", "ldap://dc1.example.test/CN=list", "EASDirectory", "a host that would be asked"),
    ("ECA1076", "EASCRL", "ldap:///", "ldap:///DN", "no entry"),
    ("ECA1076", "EASCRL", "ftp://pki.example.test/list.crl", "http://", "a scheme nobody fetches"),
    ("ECA1078", "EASOCSPResponder", "https://ocsp.example.test/", "needs no TLS", "an answer is signed"),
    ("ECA1078", "EASOCSPResponder", "ocsp.example.test", "no http:// URL", "no scheme"),
    ("ECA1077", "EASCRL", " ".join(f"/list/{n}" for n in range(65)), "64", "too many"),
]
SERVER_DIRECTIVES = {"EASDirectory", "EASDirectoryBase", "EASDirectoryBind", "EASDirectoryTimeout",
                     "EASDirectoryConnections", "EASDirectoryCAFile", "EASKerberosKeytab", "EASKerberosPrincipal",
                     "EASKerberosTimeout", "EASTrustedProxy", "EASRevocation", "EASCRL", "EASOCSPResponder",
                     "EASTrustedIssuers"}


@pytest.mark.parametrize("message, directive, argument, said", [
    pytest.param(*row[:-1], id=f"{row[0]} {row[1]}: {row[-1]}") for row in REFUSED_ARGUMENTS])
def test_start_refused_argument_names_directive_and_cure(lab, unstarted, message, directive,
                                                         argument, said):
    there, here = ({}, {directive: argument})
    if directive in SERVER_DIRECTIVES:
        there, here = here, there
    said_by_httpd = unstarted(virtual_host(lab, section("/", lab.standin.url, **here),
                                           **there)).check()
    assert re.search(rf"{message}: .*{directive}.*", said_by_httpd)
    assert re.search(said, said_by_httpd)


def test_start_refused_two_attributes_in_one_host(lab, unstarted):
    """ECA1010."""
    said = unstarted(virtual_host(
        lab, section("/a", lab.standin.url, EASRemoteUser="employeeID"),
        section("/b", lab.standin.url, EASRemoteUser="info"))).check()
    assert re.search("ECA1010: EASRemoteUser.*employeeID.*info", said)


# ---- what does not go together: all ECA1020, with the section and what to write instead ---------

def balancer(lab):
    """A balancer over the stand-in."""
    return f"<Proxy balancer://mail>\nBalancerMember {lab.standin.url} timeout=3660\n</Proxy>"


REFUSED_SECTIONS = [
    ({"EASDelegation": None}, {}, "EASDelegation kerberos, header or none", "delegation unsaid"),
    ({"EASDelegation": "header", "EASBasicDelegation": "passthrough"}, {},
     "EASBasicDelegation same", "header with passthrough"),
    ({}, {"EASDirectory": None}, "EASDirectory ldap://", "no directory"),
    ({}, {"EASTrustedIssuers": None}, "EASTrustedIssuers", "no issuers"),
    ({"EASAuthenticate": "basic"}, {"EASTrustedIssuers": None}, "EASTrustedIssuers",
     "optional_no_ca without issuers, even where only passwords count"),
    ({}, {"SSLVerifyClient": "none"}, "SSLVerifyClient optional_no_ca", "no certificate asked for"),
    ({"EASCertificateSource": "header X-Client-Cert pem"}, {}, "EASTrustedProxy", "header from everybody"),
    ({"SSLVerifyClient": "none"}, {}, "SSLVerifyClient optional_no_ca", "none in the section"),
    ({"SSLUserName": "SSL_CLIENT_S_DN_CN"}, {}, "SSLUserName", "SSLUserName in the section"),
    ({"SSLOptions": "+FakeBasicAuth"}, {}, "FakeBasicAuth", "FakeBasicAuth in the section"),
    ({}, {"SSLOptions": "FakeBasicAuth StdEnvVars"}, "FakeBasicAuth", "FakeBasicAuth on the host"),
    ({"AuthBasicFake": "demo"}, {}, "AuthBasicFake", "AuthBasicFake in the section"),
    ({}, {"EASKerberosKeytab": "/nowhere.keytab"}, "does not exist", "no keytab"),
    ({}, {"EASKerberosKeytab": "/etc"}, "is not a file", "keytab is a folder"),
    ({}, {"EASKerberosKeytab": "/etc/passwd"}, "chmod 600", "keytab for everybody to read"),
    ({}, {"EASKerberosPrincipal": "svc-other"}, "holds no key of svc-other.*svc-proxy",
     "principal that the keytab does not hold"),
    ({}, {"EASRevocation": "ocsp", "EASCRL": "/etc"}, "EASRevocation crl", "lists, and nobody who looks at them"),
    ({}, {"EASRevocation": "crl", "EASOCSPResponder": "http://ocsp.example.test/"}, "EASRevocation ocsp",
     "a responder that is never asked"),
    ({}, {"EASCRL": "/nowhere.crl"}, "EASRevocation crl", "a list that is never looked at"),
    ({}, {"EASRevocation": "crl", "EASCRL": "/nowhere.crl"}, "EASCRL: /nowhere.crl does not exist", "no list there"),
    ({}, {"EASTrustedIssuers": "/nowhere.pem"}, "cannot be read", "issuers not there"),
    ({}, {"EASTrustedIssuers": "/etc/passwd"}, "no certificate", "issuers are no PEM"),
    ({}, {"EASDirectoryCAFile": "/nowhere.pem"}, "does not exist", "directory's CA not there"),
    ({}, {"EASDirectoryCAFile": "/etc/ssl/certs"}, "is not a file", "directory's CA is a folder"),
    ({}, {"EASDirectoryCAFile": "/etc/passwd"}, "no PEM certificate", "directory's CA is no PEM"),
    ({}, {"EASDirectoryBind": "simple svc-proxy /nowhere"}, "cannot be read",
     "password file not there"),
    ({}, {"EASDirectoryBind": "simple svc-proxy /dev/null"}, "no password", "empty password"),
]


@pytest.mark.parametrize("inside, outside, said", [
    pytest.param(*row[:-1], id=row[-1]) for row in REFUSED_SECTIONS])
def test_start_refused_contradiction_names_section_and_cure(lab, unstarted, inside, outside, said):
    one = unstarted(virtual_host(lab, section("/mail", lab.standin.url, **inside), **outside),
                    modules=("auth_basic",))
    output = one.check()
    assert re.search(r"ECA1020: .*site\.conf line \d+, section /mail: ", output)
    assert re.search(said, output)


@pytest.mark.parametrize("lines", [
    pytest.param((section("/mail", ProxyPass="balancer://mail"),), id="in the section"),
    pytest.param(("ProxyPass /mail/public !", "ProxyPass /mail balancer://mail", section("/mail")),
                 id="not for all of it"),
    pytest.param(("ProxyPassMatch ^/mail(.*) balancer://mail$1", section("/mail")), id="by a pattern"),
])
def test_start_refused_balancer_without_spn(lab, unstarted, lines):
    one = unstarted(virtual_host(lab, balancer(lab), *lines, EASDelegationSPN=None),
                    modules=("proxy_balancer", "lbmethod_byrequests", "slotmem_shm"))
    assert re.search("ECA1020: .*balancer.*EASDelegationSPN HTTP/", one.check())


@pytest.mark.parametrize("first, second", [("/header", "/password"), ("/password", "/header")])
def test_start_refused_passthrough_to_a_backend_that_trusts_headers(lab, unstarted, first, second):
    kinds = {"/header": {"EASDelegation": "header"},
             "/password": {"EASDelegation": "none", "EASBasicDelegation": "passthrough"}}
    one = unstarted(virtual_host(lab, *(section(path, lab.standin.url + path, **kinds[path])
                                        for path in (first, second))))
    assert re.search("ECA1020: .*section /password: .*passthrough", one.check())


def test_start_refused_passthrough_on_another_host_of_the_same_backend(lab, unstarted):
    hosts = (virtual_host(lab, section("/", lab.standin.url, EASDelegation="header")),
             virtual_host(lab, section("/", lab.standin.url, EASDelegation="none",
                                       EASBasicDelegation="passthrough"), name="mail"))
    assert re.search("ECA1020: .*passthrough", unstarted(*hosts).check())


@pytest.mark.parametrize("cache, message, said", [
    ("shmcb\nEASCacheTTL lost=3", "ECA1022", "found=S, notfound=S and stale=S"),
    ("shmcb\nEASCacheTTL found=-1", "ECA1002", "0 to 86400"),
    ("shmcb\nEASCacheTTL notfound=3601", "ECA1002", "0 to 3600"),
    ("shmcb\nEASCacheTTL stale=1h", "ECA1002", "0 to 604800"),
    ("memory", "ECA1023", "no cache provider"),
    ("shmcb:x(y)", "ECA1023", "shmcb"),
    ("redis:127.0.0.1:6379", "ECA1023", "needs EASCacheKeyFile"),
    ("shmcb\nEASCacheKeyFile /nowhere", "ECA1023", "cannot be read"),
    ("shmcb\nEASCacheKeyFile {open}", "ECA1023", "chmod 600"),
    ("shmcb\nEASCacheKeyFile {short}", "ECA1023", "openssl rand -hex 32"),
    ("shmcb\nEASCacheKeyFile {long}", "ECA1023", "openssl rand -hex 32"),
])
def test_start_refused_cache_says_why(lab, unstarted, tmp_path, cache, message, said):
    files = {"open": ("x" * 64, 0o644), "short": ("x" * 31, 0o600), "long": ("x" * 4097, 0o600)}
    for name, (content, mode) in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
        (tmp_path / name).chmod(mode)
    one = unstarted(site=whole_site(virtual_host(lab, section("/", lab.standin.url)),
                                    cache=cache.format(**{name: tmp_path / name for name in files})),
                    modules=(*DEFAULT_MODULES, "socache_redis"))
    assert re.search(rf"{message}: .*{said}", one.check())


def test_start_refused_cache_that_cannot_be_made(lab, unstarted):
    one = unstarted(site=whole_site(virtual_host(lab, section("/", lab.standin.url)), cache="dbm:/nowhere/at/all"),
                    modules=(*DEFAULT_MODULES, "socache_dbm"))
    with pytest.raises(process.NotReady):
        one.start()
    assert "ECA1024: EASCache: the cache eas-accounts cannot be made: " in one.whole_log()


@pytest.mark.parametrize("directive", ["EASCache none", "EASCacheKeyFile /x", "EASCacheTTL found=1"])
def test_start_refused_cache_in_a_virtual_host(lab, unstarted, directive):
    said = unstarted(virtual_host(lab, section("/", lab.standin.url), directive)).check()
    assert "cannot occur within <VirtualHost> section" in said


@pytest.mark.parametrize("directive", [
    "EASMapping", "EASAuthenticate", "EASDelegation", "EASReasonHeader"])
def test_start_refused_in_htaccess(lab, holders, proxy, expect_log, directive):
    folder = lab.root / f"site-{directive}"
    folder.mkdir(mode=0o755, exist_ok=True)
    (folder / ".htaccess").write_text(f"{directive} On\n", encoding="utf-8")
    (folder / "page.txt").write_text("page", encoding="utf-8")
    one = proxy(virtual_host(lab, f"Alias /site {folder}", f"<Directory {folder}>\n"
                             "AllowOverride All\nRequire all granted\n</Directory>",
                             section("/mail", lab.standin.url)))
    expect_log(rf"core:alert.*{directive} not allowed here")
    assert one.request("/site/page.txt").status == 500


@pytest.mark.parametrize("directive", [
    "EASReasonStatus", "EASBasicLockout", "EASUserMatch"])
def test_directive_not_built_is_unknown(lab, unstarted, directive):
    said = unstarted(virtual_host(lab, section("/", lab.standin.url), f"{directive} On")).check()
    assert f"Invalid command '{directive}'" in said


@pytest.mark.parametrize("directive, module", [("SSLUserName SSL_CLIENT_S_DN", "ssl"),
                                               ("AuthBasicFake demo", "auth_basic")])
def test_directive_of_a_module_that_is_not_loaded_is_unknown(lab, unstarted, directive, module):
    certificateless = [name for name in DEFAULT_MODULES if name != module]
    one = unstarted(site=f"Listen {ADDRESS}:80\nServerName proxy.example.test\n"
                         f"<Location />\n{directive}\n</Location>\n")
    one.httpd.modules = tuple(certificateless)
    assert f"Invalid command '{directive.split()[0]}'" in one.check()


# ---- warnings ------------------------------------------------------------------------------------

WARNINGS = [
    ("ECA1031", {"EASAuthenticate": "certificate"}, {"SSLVerifyClient": None},
     "SSLVerifyClient optional_no_ca", "no certificate is asked for"),
    ("ECA1032", {"SSLVerifyClient": "optional_no_ca"}, {"SSLVerifyClient": None},
     "virtual host", "asked for only in the section"),
    ("ECA1033", {}, {"SSLProxyVerify": "none"}, "SSLProxyVerify require",
     "backend's certificate not verified"),
    ("ECA1034", {"ProxyPass": "https://standin.example.test/"}, {}, "timeout=3660",
     "proxy gives up before a Ping ends"),
    ("ECA1034", {"ProxyPass": "https://standin.example.test/ timeout=3599"}, {}, "3599 s",
     "a second too short"),
    ("ECA1035", {"EASMapping": "strong upn"}, {}, "KB5014754", "weak mapping"),
    ("ECA1035", {"EASMapping": "ski rfc822"}, {}, "rfc822", "another weak mapping"),
]


@pytest.mark.parametrize("message, inside, outside, said", [
    pytest.param(*row[:-1], id=f"{row[0]} {row[-1]}") for row in WARNINGS])
def test_start_warns_once_of_what_will_hurt(lab, proxy, message, inside, outside, said):
    one = proxy(virtual_host(lab, section("/mail", lab.standin.url, **inside), **outside),
                start_log=[rf"eas_certauth:warn.*{message}: section /mail: .*{said}"])
    assert one.httpd.error_log().count(f"{message}: ") == 1


@pytest.mark.parametrize("lines", [
    pytest.param(("ProxyPass /mail/public !", "ProxyPass /mail {url} timeout=3660"), id="a part is not proxied"),
    pytest.param(("ProxyPass /mail !", "ProxyPass / {url}"), id="none of it is proxied"),
    pytest.param(("ProxyPassMatch ^/mail(.*) {url}$1 timeout=3660",), id="by a pattern"),
])
def test_start_does_not_warn_of_what_is_not_behind_the_section(lab, proxy, lines):
    proxy(virtual_host(lab, *(line.format(url=lab.standin.url) for line in lines), section("/mail")))


@pytest.mark.parametrize("members, seconds", [
    pytest.param(("timeout=3660", "timeout=3600"), None, id="all are patient"),
    pytest.param(("timeout=3660", ""), 60, id="one has the server's time"),
    pytest.param(("timeout=900", "timeout=30"), 30, id="the least patient"),
])
def test_start_warns_of_a_balancers_members(lab, proxy, members, seconds):
    lines = "\n".join(f"BalancerMember {lab.standin.url}/{number} {more}" for number, more in enumerate(members))
    said = rf"ECA1034: section /mail: the proxy waits {seconds} s .*timeout=3660 to each BalancerMember"
    proxy(virtual_host(lab, f"<Proxy balancer://mail>\n{lines}\n</Proxy>",
                       section("/mail", ProxyPass="balancer://mail timeout=3660")),
          modules=("proxy_balancer", "lbmethod_byrequests", "slotmem_shm"), start_log=[said] if seconds else [])


def test_start_warns_of_issuer_about_to_end(lab, proxy):
    """ECA1036."""
    ending = lab.root / "ending-ca.pem"
    ending.write_text(ending_issuer(lab).read_text(encoding="utf-8")
                      + lab.pki.trusted.read_text(encoding="utf-8"), encoding="utf-8")
    proxy(virtual_host(lab, section("/", lab.standin.url), EASTrustedIssuers=ending),
          start_log=["eas_certauth:warn.*ECA1036: EASTrustedIssuers: .*Ending CA.* 60 days"])


def ending_issuer(lab):
    """A CA certificate that ends in thirty days."""
    from pki.authority import run
    key, pem = lab.root / "ending-ca.key", lab.root / "ending-ca-alone.pem"
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-subj", "/CN=Ending CA", "-days", "30", "-keyout", key, "-out", pem)
    return pem


@pytest.mark.parametrize("workers, warns", [
    pytest.param(150, True, id="Debian's default"), pytest.param(175, False, id="more")])
def test_start_warns_of_too_few_workers(lab, proxy, workers, warns):
    text = f"ThreadsPerChild 25\nServerLimit 16\nMaxRequestWorkers {workers}\n"
    proxy(virtual_host(lab, section("/", lab.standin.url)), workers=text,
          start_log=["eas_certauth:warn.*ECA1037: MaxRequestWorkers 150: "] if warns else [])


def test_start_timeout_of_the_server_serves_without_warning(lab, proxy):
    proxy(virtual_host(lab, section("/", ProxyPass=lab.standin.url), ProxyTimeout="3660"))


def test_start_warnings_also_for_configtest_are_not_refusals(lab, unstarted):
    one = unstarted(virtual_host(lab, section("/", lab.standin.url, EASMapping="upn")))
    assert one.httpd.check().returncode == 0


# ---- inheritance ---------------------------------------------------------------------------------

def test_section_inherits_from_server_and_virtual_host(lab, holders, proxy):
    """REMOTE_USER from the server, EASReasonHeader from the host, EASAuthenticate its own."""
    one = proxy("EASRemoteUser samaccountname\nEASReasonHeader Off",
                virtual_host(lab, section("/inherits", lab.standin.url),
                             section("/says", lab.standin.url, EASRemoteUser="mail",
                                     EASReasonHeader="On")))
    check_grant(one.request("/inherits", holders["dora"]), user="dora")
    check_grant(one.request("/says", holders["dora"]), user="dora@example.test")
    assert "X-EAS-Reason" not in one.request("/inherits").headers
    assert one.request("/says").headers["X-EAS-Reason"] == "certificate-required"


def test_nested_section_changes_only_what_it_says(lab, holders, proxy):
    one = proxy(virtual_host(
        lab, section("/outer", lab.standin.url, EASRemoteUser="samaccountname"),
        '<Location /outer/inner>\nEASAuthenticate certificate-and-basic\n</Location>'))
    check_grant(one.request("/outer", holders["alice"]), user="alice")
    check_refusal(one.request("/outer/inner", holders["alice"]), "password-required")


def test_virtual_host_inherits_directory_and_issuers_from_server(lab, holders, proxy):
    settings = ("EASDirectory", "EASDirectoryBind", "EASDirectoryCAFile", "EASKerberosKeytab",
                "EASTrustedIssuers")
    outer = "\n".join((f"EASTrustedIssuers {lab.pki.trusted}",
                       "EASDirectory ldap://dc1.example.test",
                       f"EASKerberosKeytab {lab.proxy_keytab}",
                       f"EASDirectoryCAFile {lab.dc.ca_file}"))
    one = proxy(outer, virtual_host(lab, section("/", lab.standin.url),
                                    **dict.fromkeys(settings)))
    check_grant(one.request("/", holders["alice"]), user="alice@example.test")


def test_virtual_host_issuers_replace_those_of_the_server(lab, holders, proxy):
    one = proxy(f"EASTrustedIssuers {lab.pki.strange.certificate}",
                virtual_host(lab, section("/", lab.standin.url)))
    check_grant(one.request("/", holders["alice"]), user="alice@example.test")
    check_refusal(one.request("/", holders["strange"]), "certificate-untrusted")


def test_sid_uri_file_limits_the_issuers_that_may_say_it(lab, holders, proxy):
    one = proxy(virtual_host(
        lab, section("/all", lab.standin.url, EASMapping="sid-uri"),
        section("/strange", lab.standin.url,
                EASMapping=f"sid-uri={lab.pki.strange.certificate}"),
        section("/ours", lab.standin.url, EASMapping=f"sid-uri={lab.pki.trusted}")))
    for path in ("/all", "/ours"):
        check_grant(one.request(path, holders["sid-uri"]), EAS_MAPPING="sid-uri")
    check_refusal(one.request("/strange", holders["sid-uri"]), "account-not-found")


def test_principal_is_used_by_its_name_without_realm(lab, holders, proxy):
    one = proxy(virtual_host(lab, section("/", lab.standin.url), EASKerberosPrincipal="svc-proxy"))
    check_grant(one.request("/", holders["alice"]), user="alice@example.test")


def test_directory_base_is_searched(lab, holders, proxy):
    elsewhere = "OU=Domain Controllers,DC=example,DC=test"
    one = proxy(virtual_host(lab, section("/", lab.standin.url, EASMapping="upn"),
                             EASDirectoryBase=f'"{elsewhere}"'), start_log=["ECA1035"])
    check_refusal(one.request("/", holders["upn-alone"]), "account-not-found")


def test_graceful_restart_serves_as_before(lab, holders, proxy):
    one = proxy(virtual_host(lab, section("/", lab.standin.url)))
    one.httpd.graceful()
    check_grant(one.request("/", holders["alice"]), user="alice@example.test")


@pytest.mark.parametrize("mpm", ["worker", "prefork"])
def test_other_mpm_serves(lab, holders, proxy, mpm):
    one = proxy(virtual_host(lab, section("/", lab.exchange.url)), mpm=mpm)
    check_grant(one.request("/", holders["alice"], method="OPTIONS"), user="alice@example.test")


# ---- the configuration that is printed ---------------------------------------------------------

def short_configuration():
    """The README's block that begins with `# short configuration`."""
    text = (TREE / "README.md").read_text(encoding="utf-8")
    return re.search(r"(?ms)^```\w*\n(# short configuration\n.*?)^```", text)[1]


def localize(text, lab):
    """The same with the laboratory's files and names; every directive stays."""
    proxy, files = lab.server_certificate("mail"), {}
    files["SSLCertificateFile"], files["SSLCertificateKeyFile"] = proxy.chain, proxy.key
    files["SSLCACertificateFile"] = files["EASTrustedIssuers"] = lab.pki.trusted
    files["SSLProxyCACertificateFile"] = lab.exchange.ca_file
    files["EASDirectory"], files["EASDirectoryCAFile"] = "ldap://dc1.example.test", lab.dc.ca_file
    files["EASKerberosKeytab"] = lab.proxy_keytab
    for name, path in files.items():
        text = re.sub(rf"(?m)^(\s*{name}\s+)[^\s#]+.*$", rf"\g<1>{path}", text)
    text = re.sub(r"<VirtualHost \S+>", f"<VirtualHost {ADDRESS}:443>", text)
    if "EASKerberosKeytab" not in text:    # it relies on /etc/apache2/eas.keytab
        text = text.replace("</VirtualHost>",
                            f"EASKerberosKeytab {lab.proxy_keytab}\n</VirtualHost>")
    return re.sub(r"https://[\w.-]+(?=/Microsoft)", "https://exch.example.test", text)


def test_short_configuration_of_the_readme_serves_alice(lab, holders, proxy):
    one = proxy(localize(short_configuration(), lab))
    device = one.client(certificate=holders["alice"], host="mail.example.test")
    assert device.whoami() == "alice@example.test"
    refused = one.client(certificate=holders["expired"], host="mail.example.test").options()
    assert (refused.status, refused.headers["X-EAS-Reason"]) == (403, "certificate-expired")
