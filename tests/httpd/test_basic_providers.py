# SPDX-License-Identifier: Apache-2.0
"""EASBasicProvider with httpd's own providers: they check the password, the directory says whose it is."""

import base64
import hashlib

import pytest

from lab.eas_client import EasClient
from proxy import MAIL, section, virtual_host
from reasons import check_answer, check_grant, check_refusal, line_of

MODULES = ["authn_file"]
WORD = "Not.alices.AD.password.1"    # nothing that the directory would accept


def password_file(path, users):
    """AuthUserFile as htpasswd -s writes it."""
    lines = [f"{name}:{{SHA}}{base64.b64encode(hashlib.sha1(word.encode()).digest()).decode()}\n"
             for name, word in users.items()]
    path.write_text("".join(lines), encoding="utf-8")
    path.chmod(0o644)
    return path


@pytest.fixture(scope="module")
def files(lab):
    """A folder that httpd's user can read."""
    folder = lab.root / "passwords"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    return folder


def alias(name, file):
    """A provider of that name which reads passwords from `file`."""
    return f"<AuthnProviderAlias file {name}>\nAuthUserFile {file}\n</AuthnProviderAlias>"


@pytest.fixture(scope="module")
def site(lab, files, module_proxy):
    """Accounts in Active Directory, passwords in files."""
    first = password_file(files / "first", {"alice": WORD, "bob": "Bobs.word.1", "EXAMPLE\\alice": WORD,
                                            "carol": WORD, "heidi": "", "stranger": WORD})
    second = password_file(files / "second", {"dora": WORD, "alice": "second"})
    echo = lab.standin.url
    by_file = {"EASBasicProvider": "file", "AuthUserFile": first}
    return module_proxy(
        alias("first", first), alias("second", second), alias("broken", files / "absent"), virtual_host(
            lab, section("/or", echo, EASAuthenticate="certificate-or-basic", **by_file),
            section("/and", echo, EASAuthenticate="certificate-and-basic", **by_file),
            section("/two", echo, EASAuthenticate="basic", EASBasicProvider="first second"),
            section("/broken", echo, EASAuthenticate="basic", EASBasicProvider="broken second"),
            section("/or/directory", echo, EASAuthenticate="basic", EASBasicProvider="directory"),
            section(MAIL, lab.exchange.url + MAIL, EASAuthenticate="basic",
                    SSLProxyCACertificateFile=None, **by_file),
            SSLProxyCACertificateFile=both_authorities(lab, files)), modules=MODULES)


def both_authorities(lab, folder):
    """The CAs of the stand-in and of Exchange in one file."""
    file = folder / "authorities.pem"
    file.write_text("".join(one.read_text(encoding="utf-8") for one in
                            dict.fromkeys((lab.standin.ca_file, lab.exchange.ca_file))), encoding="utf-8")
    return file


@pytest.mark.parametrize("path, login, password, user", [
    pytest.param("/or", "alice", WORD, "alice", id="name"),
    pytest.param("/or", "EXAMPLE\\alice", WORD, "alice", id="domain and name, as the file spells it"),
    pytest.param("/two", "alice", WORD, "alice", id="the first that knows the name"),
    pytest.param("/two", "dora", WORD, "dora", id="the second, when the first does not know it"),
    pytest.param("/or/directory", "alice", None, "alice", id="an inner section goes back to the directory"),
])
def test_granted_as_the_account_of_the_directory(site, lab, path, login, password, user):
    account = lab.people[user]
    outcome = site.request(path, basic=(login, account.password if password is None else password))
    check_grant(outcome, user=account.upn, EAS_METHOD="basic", EAS_ACCOUNT_SID=lab.dc.sid(user),
                EAS_CERTIFICATE_SHA256=None)


def test_granted_by_both_factors(site, holders):
    outcome = site.request("/and", holders["alice"], basic=("alice", WORD))
    check_grant(outcome, user="alice@example.test", EAS_METHOD="certificate+basic")


def test_a_certificate_alone_asks_no_provider(site, holders):
    check_grant(site.request("/or", holders["bob"], basic=("alice", "wrong")), user="bob@example.test")


def test_granted_reaches_own_mailbox_with_a_ticket(site, lab):
    """Exchange takes Kerberos only, and the password is not Active Directory's."""
    device = EasClient(site.url(MAIL), address=site.address, user="alice", password=WORD, timeout=30,
                       context=site.client().context)
    assert device.whoami() == lab.people["alice"].mail


@pytest.mark.parametrize("path, login, password, detail", [
    pytest.param("/or", "alice", "wrong", "Provider file: a wrong password", id="wrong password"),
    pytest.param("/or", "alice", None, "Provider file: a wrong password", id="what the directory would accept"),
    pytest.param("/or", "dora", WORD, "no provider knows the user", id="in the directory, not in the file"),
    pytest.param("/or", "stranger", WORD, "the directory knows no such account", id="in the file alone"),
    pytest.param("/or", "stranger", "wrong", "Provider file: a wrong password", id="the same with a wrong password"),
    pytest.param("/or", "nobody", WORD, "no provider knows the user", id="in neither"),
    pytest.param("/or", "carol", WORD, "disabled", id="right password of a disabled account"),
    pytest.param("/or", "heidi", "", "", id="empty password, which the file would accept"),
    pytest.param("/or", "alice:", WORD, "", id="colon in the name"),
    pytest.param("/or", "", WORD, "", id="empty name"),
    pytest.param("/or", "alice", "x" * 2000, "", id="password too long"),
    pytest.param("/two", "alice", "second", "Provider first: a wrong password", id="nobody is asked after a wrong one"),
])
def test_password_rejected_looks_the_same_for_every_cause(site, lab, path, login, password, detail):
    outcome = site.request(path, basic=(login, lab.people[login].password if password is None else password))
    check_refusal(outcome, "password-rejected", detail)
    assert WORD not in site.whole_log()


@pytest.mark.parametrize("login, password, reason, detail", [
    pytest.param("alice", "wrong", "password-rejected", "Provider file: a wrong password", id="wrong password"),
    pytest.param("bob", "Bobs.word.1", "user-mismatch", "", id="somebody else's name and password"),
    pytest.param("stranger", WORD, "password-rejected", "the directory knows no such account", id="no account"),
])
def test_both_factors_must_be_good_and_the_same(site, holders, login, password, reason, detail):
    check_refusal(site.request("/and", holders["alice"], basic=(login, password)), reason, detail)


def test_provider_that_cannot_tell_is_no_wrong_password(site, expect_log):
    """The second provider knows dora, but the first might have said no."""
    expect_log("authn_file:error.*AH01620: Could not open password file")
    expect_log(line_of("directory-unavailable"))
    check_refusal(site.request("/broken", basic=("dora", WORD)), "directory-unavailable",
                  "EASBasicProvider broken cannot tell")
    for login in ("alice", "nobody"):
        check_answer(site.request("/broken", basic=(login, WORD)), "directory-unavailable")


def test_directory_that_is_down_is_no_wrong_password(lab, files, proxy, expect_log):
    word = password_file(files / "down", {"alice": WORD})
    one = proxy(virtual_host(lab, section("/mail", lab.standin.url, EASAuthenticate="basic", EASBasicProvider="file",
                                          AuthUserFile=word),
                             EASDirectory=f"ldap://{lab.address('other')}:9"), modules=MODULES)
    expect_log(line_of("directory-unavailable"))
    check_refusal(one.request("/mail", basic=("alice", WORD)), "directory-unavailable")
    check_answer(one.request("/mail", basic=("alice", "wrong")), "directory-unavailable")


def test_account_file_and_password_file_need_no_active_directory(lab, files, proxy, allow_log):
    """docs/file-directory.md: accounts, passwords and groups from three files."""
    word = password_file(files / "both", {"alice": WORD, "bob": WORD, "carol": WORD})
    accounts, groups = files / "accounts", files / "groups"
    accounts.write_text("[alice]\nmail = alice@example.test\n[bob]\n", encoding="utf-8")
    accounts.chmod(0o644)
    groups.write_text("staff: alice\n", encoding="utf-8")
    allow_log(r"authz_core:error.*AH01631")
    settings = {"EASAuthenticate": "basic", "EASBasicProvider": "file", "AuthUserFile": word, "EASDelegation": "header",
                "EASRemoteUser": "samaccountname", "AuthGroupFile": groups, "Require": "group staff"}
    one = proxy(virtual_host(lab, section("/mail", lab.standin.url, **settings), EASDirectory=f"file:{accounts}",
                             EASDirectoryBind=None, EASKerberosKeytab=None), modules=[*MODULES, "authz_groupfile"])
    outcome = one.request("/mail", basic=("alice", WORD))
    check_grant(outcome, user="alice", EAS_METHOD="basic")
    assert outcome.arrived("X-Remote-User") == ["alice"] and not outcome.arrived("Authorization")
    check_refusal(one.request("/mail", basic=("alice", "wrong")), "password-rejected", "a wrong password")
    check_refusal(one.request("/mail", basic=("carol", WORD)), "password-rejected", "no such account")
    assert one.request("/mail", basic=("bob", WORD)).access["EAS_REASON"] == "not-authorized"


def test_ldap_provider_that_is_down_is_no_wrong_password(lab, proxy, expect_log, allow_log):
    """mod_authnz_ldap, which waits on the worker; its second server does not exist."""
    account = lab.services["svc-proxy"]
    settings = {"EASAuthenticate": "basic", "EASBasicProvider": "ldap", "AuthLDAPBindDN": f'"{account.dn}"',
                "AuthLDAPBindPassword": account.password}
    servers = {"up": lab.dc.ldaps_url, "down": f"ldaps://{lab.address('other')}:9"}
    sections = [section(f"/{name}", lab.standin.url, **settings,
                        AuthLDAPURL=f'"{url}/CN=Users,DC=example,DC=test?sAMAccountName?one"')
                for name, url in servers.items()]
    allow_log(r"AH01318: APR LDAP: Built with")
    one = proxy(f"LDAPTrustedGlobalCert CA_BASE64 {lab.dc.ca_file}\nLDAPConnectionTimeout 5\nLDAPTimeout 5",
                virtual_host(lab, *sections), modules=["ldap", "authnz_ldap"])
    word = lab.people["alice"].password
    check_grant(one.request("/up", basic=("alice", word)), user="alice@example.test", EAS_METHOD="basic")
    check_refusal(one.request("/up", basic=("alice", "wrong")), "password-rejected", "a wrong password")
    check_refusal(one.request("/up", basic=("nobody", word)), "password-rejected")
    expect_log(line_of("directory-unavailable"))
    check_refusal(one.request("/down", basic=("alice", word)), "directory-unavailable", "EASBasicProvider ldap cannot")
