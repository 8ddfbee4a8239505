# SPDX-License-Identifier: Apache-2.0
"""Where a section may stand, and what the child itself cannot use."""

import shutil

from lab.eas_client import EasClient
from lab.httpd import RUN_AS
from proxy import ADDRESS, HOST, section, simple_bind, virtual_host, whole_site
from reasons import check_grant, check_refusal, line_of


def owned_by_child(source, target):
    """A copy of a file for httpd's user alone."""
    shutil.copy(source, target)
    shutil.chown(target, RUN_AS, RUN_AS)
    target.chmod(0o600)
    return target


def shared_section(lab, *hosts):
    """A site whose section stands outside its virtual hosts."""
    return whole_site(section("/mail", lab.standin.url), *hosts)


def test_section_outside_virtual_hosts_works_on_one_with_settings_of_its_own(lab, proxy, holders):
    one = proxy(site=shared_section(lab, virtual_host(lab, EASDirectoryTimeout="2500")))
    check_grant(one.request("/mail", holders["alice"]), EAS_ACCOUNT_UPN="alice@example.test")
    check_refusal(one.request("/mail", holders["expired"]), "certificate-expired")


def test_section_outside_virtual_hosts_is_refused_on_one_that_lacks_what_it_needs(
        lab, proxy, holders, expect_log):
    poor = virtual_host(lab, name="mail", EASDirectory=None, EASTrustedIssuers=None,
                        SSLVerifyClient="optional")
    one = proxy(site=shared_section(lab, virtual_host(lab), poor))
    expect_log(line_of("internal-error"))
    check_grant(one.request("/mail", holders["alice"]))
    check_refusal(one.request("/mail", holders["alice"], host="mail.example.test"),
                  "internal-error", "EASDirectory is not set")


def test_section_outside_virtual_hosts_that_none_can_serve_is_refused_at_start(lab, unstarted):
    said = unstarted(site=shared_section(lab, virtual_host(lab, EASDirectory=None))).check()
    assert "ECA1020" in said and "EASDirectory is not set" in said


def test_variables_that_something_else_had_set_are_replaced(lab, proxy, holders):
    one = proxy(virtual_host(lab, section("/mail", lab.standin.url, EASDelegation="none"),
                             SetEnvIf="Request_URI . EAS_ACCOUNT_UPN=other eas_method=other"))
    check_grant(one.request("/mail", holders["alice"]), EAS_ACCOUNT_UPN="alice@example.test",
                EAS_METHOD="certificate")


def test_auth_type_in_htaccess_opens_nothing(lab, proxy, holders, expect_log):
    folder = lab.root / "site-eascert"
    folder.mkdir(mode=0o755, exist_ok=True)
    (folder / ".htaccess").write_text("AuthType EASCert\nRequire valid-user\n", encoding="utf-8")
    (folder / "page.txt").write_text("page", encoding="utf-8")
    one = proxy(virtual_host(lab, f"Alias /site {folder}",
                             f"<Directory {folder}>\nAllowOverride All\n</Directory>",
                             EASDelegationSPN=None))
    expect_log(line_of("internal-error"))
    check_refusal(one.request("/site/page.txt", holders["alice"]), "internal-error",
                  "EASDelegation is not set")


def test_keytab_the_child_cannot_reach_is_said_and_crashes_nothing(
        lab, proxy, holders, tmp_path, expect_log):
    closed = lab.root / "closed"
    closed.mkdir(mode=0o700, exist_ok=True)
    keytab = owned_by_child(lab.proxy_keytab, closed / "proxy.keytab")
    one = proxy(virtual_host(lab, section("/gssapi", lab.standin.url), EASKerberosKeytab=keytab))
    expect_log(line_of("directory-unavailable"))
    check_refusal(one.request("/gssapi", holders["alice"]), "directory-unavailable",
                  "EASKerberosKeytab, as httpd's user")

    two = proxy(virtual_host(lab, section("/simple", lab.standin.url), EASKerberosKeytab=keytab,
                             **simple_bind(lab, tmp_path)))
    expect_log(line_of("delegation-misconfigured"))
    check_refusal(two.request("/simple", holders["alice"]), "delegation-misconfigured",
                  "EASKerberosKeytab, as httpd's user")


def test_ssl_options_without_sign_replace_fake_basic_auth(lab, proxy, holders):
    one = proxy(virtual_host(lab, section("/mail", lab.standin.url, SSLOptions="StdEnvVars"),
                             SSLOptions="+FakeBasicAuth"))
    check_grant(one.request("/mail", holders["alice"]))


def test_backend_verified_in_a_proxy_section_is_not_warned_of(lab, proxy, holders):
    one = proxy(virtual_host(
        lab, section("/mail", lab.standin.url),
        f"<Proxy {lab.standin.url}>\nSSLProxyVerify require\n"
        f"SSLProxyCACertificateFile {lab.standin.ca_file}\n</Proxy>",
        SSLProxyVerify=None, SSLProxyCACertificateFile=None))
    check_grant(one.request("/mail", holders["alice"]))


def test_request_without_tls_says_what_is_missing(lab, proxy):
    one = proxy(virtual_host(lab, section("/mail", lab.standin.url)),
                f"Listen {ADDRESS}:80\n" + virtual_host(
                    lab, section("/mail", lab.standin.url),
                    section("/either", lab.standin.url, EASAuthenticate="certificate-or-basic"), port=80,
                    SSLEngine="off"))
    for path, reason in (("/mail", "certificate-required"), ("/either", "credentials-required")):
        plain = EasClient(f"http://{HOST}/", address=one.address)
        check_refusal(one.request(path, client=plain), reason, "SSLEngine on .*EASCertificateSource header")
        assert "detail" not in one.request("/mail").decision.fields
