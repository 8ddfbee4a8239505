# SPDX-License-Identifier: Apache-2.0
"""What a KDC refuses, provoked in the domain, and the sentence that says which setting to change.

What Active Directory answers by MS-KILE and MS-SFU and Samba 4.17 does not is put in its place (kdc_answers.py): it is
not shown on a real KDC.
"""

import re
import shutil
import subprocess
import time

import pytest

from directory_change import replace_ldif
from holders import issuer_serial_of
from kdc_answers import OtherAnswers
from lab import kerberos
from lab.accounts import (ACCOUNTDISABLE, BASE_DN, DNS_DOMAIN, DONT_EXPIRE_PASSWORD, EXCHANGE_SPN, EXPIRED_IN_2020,
                          NORMAL_ACCOUNT, NOT_DELEGATED, OTHER_SPN, PROXY_SPN, REALM, SERVICES,
                          TRUSTED_TO_AUTH_FOR_DELEGATION)
from lab.clock import Clock
from lab.httpd import RUN_AS
from lab.network import HostNames
from proxy import section, simple_bind, virtual_host
from reasons import EXPECTED, check_grant, check_refusal, line_of
from relay import Relay

PLAIN = NORMAL_ACCOUNT | DONT_EXPIRE_PASSWORD
DELEGATE = PLAIN | TRUSTED_TO_AUTH_FOR_DELEGATION
NEVER = 9223372036854775807
RELAY, OTHER_KDC = 195, 197    # host numbers

LIST = "msDS-AllowedToDelegateTo"
RESOURCE_LIST = "msDS-AllowedToActOnBehalfOfOtherIdentity"
FLAGS, EXPIRES, SPNS = "userAccountControl", "accountExpires", "servicePrincipalName"
BARE = r"^S4U2Proxy for alice@.* by svc-proxy@.* to HTTP/"    # the KDC's own, without the directory's help


def is_refused(expect_log, outcome, reason, detail):
    """check_refusal() of what may be told as an error."""
    if EXPECTED[reason].level == "error":
        expect_log(line_of(reason))
    check_refusal(outcome, reason, detail)


def site(lab, **settings):
    """/known finds the account and delegates nothing, /ticket asks the KDC."""
    return virtual_host(lab, section("/known", lab.standin.url, EASDelegation="none"),
                        section("/ticket", lab.standin.url), **settings)


@pytest.fixture
def change(lab, directory):
    """change((account, attribute, values, values before), …): of the domain, until the test ends."""
    dns = {"Protected Users": f"CN=Protected Users,CN=Users,{BASE_DN}",
           **{name: account.dn for name, account in {**lab.people, **lab.services}.items()}}

    def all_of(*changes):
        for name, attribute, values, before in changes:
            directory.set(dns[name], attribute, *values, before=before)
    return all_of


# ---- one setting each ----------------------------------------------------------------------------

NO_TRANSITION = ("svc-proxy", FLAGS, [PLAIN], [DELEGATE])
EMPTY_LIST = ("svc-proxy", LIST, [], [EXCHANGE_SPN])
WHO_PROTECTED = ("Protected Users", "member", [f"CN=alice,CN=Users,{BASE_DN}"], [])
TRANSITION_SAID = r"svc-proxy may not do protocol transition: .*TRUSTED_TO_AUTH_FOR_DELEGATION"
EMPTY_SAID = rf"svc-proxy has an empty {LIST}: add {EXCHANGE_SPN}"

SETTINGS = [
    ("no protocol transition", [NO_TRANSITION], {}, rf"^S4U2Proxy: {TRANSITION_SAID} in userAccountControl\) \(KDC"),
    ("the list is empty", [EMPTY_LIST], {}, rf"^S4U2Proxy: {EMPTY_SAID} \(KDC"),
    ("neither: both are told", [NO_TRANSITION, EMPTY_LIST], {}, rf"{TRANSITION_SAID}.*; {EMPTY_SAID} \(KDC"),
    ("the SPN is not in the list", [], {"EASDelegationSPN": OTHER_SPN},
     rf"^S4U2Proxy: svc-proxy has other SPNs in {LIST}: add {OTHER_SPN} \(KDC"),
    ("with its realm", [], {"EASDelegationSPN": f"{OTHER_SPN}@{REALM}"},
     rf"other SPNs in {LIST}: add {OTHER_SPN} \(KDC"),
    ("no account has the SPN", [], {"EASDelegationSPN": "HTTP/unknown.example.test"},
     rf"{BARE}unknown.*no account has this SPN: correct EASDelegationSPN"),
    ("the service account is sensitive", [("svc-proxy", FLAGS, [DELEGATE | NOT_DELEGATED], [DELEGATE])], {},
     r"^S4U2Proxy: svc-proxy is itself .*NOT_DELEGATED in userAccountControl\): unset it \(KDC"),
    ("the service account has no SPN", [("svc-proxy", SPNS, [], [PROXY_SPN])], {},
     r"^S4U2Self: svc-proxy has no servicePrincipalName"),
    ("the service account is in Protected Users",    # whom Samba 4.17 delegates: it refuses for the other setting
     [("Protected Users", "member", [SERVICES["svc-proxy"].dn], []), NO_TRANSITION], {},
     rf"^S4U2Proxy: svc-proxy is itself in the group Protected Users: remove it from the group; {TRANSITION_SAID}"),
    ("the backend has DES keys alone", [("svc-exch", "msDS-SupportedEncryptionTypes", [3], [24])], {},
     r"^S4U2Proxy: svc-exch has no AES in msDS-SupportedEncryptionTypes: set it to 24"),
]


@pytest.mark.parametrize("changes, settings, detail", [pytest.param(*row[1:], id=row[0]) for row in SETTINGS])
def test_setting_that_is_wrong_is_named(lab, holders, proxy, change, expect_log, changes, settings, detail):
    one = proxy(site(lab, **settings))
    change(*changes)
    is_refused(expect_log, one.request("/ticket", holders["alice"]), "delegation-misconfigured", detail)


# ---- the user ------------------------------------------------------------------------------------

USERS = [
    ("sensitive", [("alice", FLAGS, [PLAIN | NOT_DELEGATED], [PLAIN])], "delegation-not-allowed",
     r"^S4U2Proxy: alice is .*sensitive.*\(NOT_DELEGATED in userAccountControl\): unset it"),
    # Samba 4.17 delegates members, so it refuses for another setting; that they are found is shown.
    ("Protected Users", [WHO_PROTECTED, NO_TRANSITION], "delegation-not-allowed",
     "^S4U2Proxy: alice is in the group Protected Users"),
    ("must change the password", [("alice", FLAGS, [NORMAL_ACCOUNT], [PLAIN]), ("alice", "pwdLastSet", [0], [-1])],
     "account-expired", r"^S4U2Proxy: alice must change the password at the next logon \(pwdLastSet is 0\)"),
    ("disabled", [("alice", FLAGS, [PLAIN | ACCOUNTDISABLE], [PLAIN])], "account-disabled",
     "^S4U2Self: alice is disabled: enable it"),
    ("expired", [("alice", EXPIRES, [EXPIRED_IN_2020], [NEVER])], "account-expired",
     "^S4U2Self: alice has expired: extend accountExpires"),
    ("locked", [("alice", "lockoutTime", [int((time.time() + 11644473600) * 10**7)], [0])], "account-locked",
     "^S4U2Self: alice is locked: unlock it"),
]


@pytest.mark.parametrize("changes, reason, detail", [pytest.param(*row[1:], id=row[0]) for row in USERS])
def test_user_whom_the_kdc_refuses(lab, holders, proxy, change, expect_log, changes, reason, detail):
    """Whom our own look-up would refuse is known from earlier, so that the KDC is the first to say so."""
    one = proxy(site(lab), cache="shmcb")
    check_grant(one.request("/known", holders["alice"]), EAS_CACHE="miss")
    change(*changes)
    outcome = one.request("/ticket", holders["alice"])
    is_refused(expect_log, outcome, reason, detail)
    assert outcome.access["EAS_CACHE"] == "hit"


# ---- what Active Directory answers instead -----------------------------------------------------------

TO_ITSELF, TO_BACKEND = "svc-proxy", EXCHANGE_SPN    # whom S4U2Self and S4U2Proxy ask for a ticket to
POLICY, BAD_OPTION, REVOKED, KEY_EXPIRED = 12, 13, 18, 23                  # RFC 4120 7.5.9
ACCOUNT_RESTRICTION, PASSWORD_EXPIRED, ACCOUNT_DISABLED = 0xc000006e, 0xc0000071, 0xc0000072    # MS-ERREF 2.3.1
ACCOUNT_EXPIRED, MUST_CHANGE, LOCKED_OUT, NO_SUCH_SERVICE = 0xc0000193, 0xc0000224, 0xc0000234, 0xc000000d

SENSITIVE, MUST_CHANGE_NOW, IS_DISABLED, IS_EXPIRED, IS_LOCKED = (
    next(changes for why, changes, *_ in USERS if why == name)
    for name in ("sensitive", "must change the password", "disabled", "expired", "locked"))

ANSWERS = [
    ("disabled", IS_DISABLED, TO_ITSELF, (REVOKED, ACCOUNT_DISABLED), "account-disabled",
     "^S4U2Self: alice is disabled: enable it"),
    ("expired", IS_EXPIRED, TO_ITSELF, (REVOKED, ACCOUNT_EXPIRED), "account-expired",
     "^S4U2Self: alice has expired: extend accountExpires"),
    ("locked", IS_LOCKED, TO_ITSELF, (REVOKED, LOCKED_OUT), "account-locked", "^S4U2Self: alice is locked: unlock it"),
    ("must change the password", MUST_CHANGE_NOW, TO_ITSELF, (KEY_EXPIRED, MUST_CHANGE), "account-expired",
     r"^S4U2Self: alice must change the password at the next logon \(pwdLastSet is 0\)"),
    ("sensitive, as policy", SENSITIVE, TO_BACKEND, (POLICY, ACCOUNT_RESTRICTION), "delegation-not-allowed",
     r"^S4U2Proxy: alice is .*sensitive.*\(NOT_DELEGATED in userAccountControl\): unset it"),
    ("the service account has no SPN", [("svc-proxy", SPNS, [], [PROXY_SPN])], TO_ITSELF,
     (BAD_OPTION, NO_SUCH_SERVICE), "delegation-misconfigured", "^S4U2Self: svc-proxy has no servicePrincipalName"),
]


@pytest.fixture
def active_directory(lab, proxy, tmp_path):
    """(OtherAnswers, an httpd whose KDC that is and whose LDAP needs none)."""
    kdc = OtherAnswers(lab.address(OTHER_KDC), (lab.address("dc1"), 88))
    conf = kerberos.write_configuration(lab.root / "krb5-other.conf", [lab.address(OTHER_KDC)])
    settings = simple_bind(lab, tmp_path, EASKerberosTimeout="20000")    # the domain is changed meanwhile
    try:
        yield kdc, proxy(site(lab, **settings), cache="shmcb", env={"KRB5_CONFIG": str(conf)})
    finally:
        kdc.close()


@pytest.mark.parametrize("changes, name, answer, reason, detail",
                         [pytest.param(*row[1:], id=row[0]) for row in ANSWERS])
def test_answer_of_active_directory(holders, active_directory, change, expect_log, changes, name, answer, reason,
                                    detail):
    kdc, one = active_directory
    check_grant(one.request("/known", holders["alice"]))
    change(*changes)
    kdc.refusals[name] = answer
    is_refused(expect_log, one.request("/ticket", holders["alice"]), reason, detail)
    assert kdc.refused == [name]


def test_answer_of_active_directory_where_an_empty_list_makes_tickets_forwardable(
        holders, active_directory, change, expect_log):
    """MS-SFU 3.2.5.1.2. Samba looks at the account's flag alone, so both go when the ticket is there."""
    kdc, one = active_directory
    kdc.refusals[TO_BACKEND] = (BAD_OPTION, NO_SUCH_SERVICE)
    kdc.refusing = lambda: change(NO_TRANSITION, EMPTY_LIST)
    is_refused(expect_log, one.request("/ticket", holders["alice"]), "delegation-misconfigured",
               rf"^S4U2Proxy: {TRANSITION_SAID}.*; {EMPTY_SAID} \(KDC")
    assert kdc.refused == [TO_BACKEND]


@pytest.fixture
def old_password(lab, directory, change):
    """Alice's is of 2020; a domain controller writes that itself, so it is written past its rules."""
    alice = lab.people["alice"].dn
    change(("alice", FLAGS, [NORMAL_ACCOUNT], [PLAIN]))
    directory.restore_later(alice, "pwdLastSet", -1)
    return lambda: lab.dc.modify_unchecked(replace_ldif(alice, "pwdLastSet", [EXPIRED_IN_2020]))


def test_answer_of_active_directory_to_a_password_that_has_expired(holders, active_directory, old_password, expect_log):
    kdc, one = active_directory
    check_grant(one.request("/known", holders["alice"]))
    old_password()
    kdc.refusals[TO_BACKEND] = (KEY_EXPIRED, PASSWORD_EXPIRED)
    is_refused(expect_log, one.request("/ticket", holders["alice"]), "account-expired",
               "^S4U2Proxy: alice has a password that has expired: let its owner change it")


# ---- an SPN that two accounts have -----------------------------------------------------------------

@pytest.fixture
def spn_twice(lab):
    """Samba refuses this, AD did so late: there are domains where it is."""
    change = (f"dn: {SERVICES['svc-other'].dn}\nchangetype: modify\n{{}}: servicePrincipalName\n"
              f"servicePrincipalName: {EXCHANGE_SPN}\n")
    lab.dc.modify_unchecked(change.format("add"))
    yield
    lab.dc.modify_unchecked(change.format("delete"))


def test_spn_of_two_accounts_is_named(lab, holders, proxy, spn_twice, expect_log):
    one = proxy(site(lab))
    is_refused(expect_log, one.request("/ticket", holders["alice"]), "delegation-misconfigured",
               rf"^S4U2Proxy: {EXCHANGE_SPN} belongs to more than one account \(setspn -Q")


# ---- resource-based delegation ---------------------------------------------------------------------

def descriptor_of(sid):
    """A self-relative security descriptor (MS-DTYP 2.4.6) that allows the SID everything, owned by Administrators."""
    numbers = [int(part) for part in sid.split("-")[1:]]
    binary = bytes((numbers[0], len(numbers) - 2)) + numbers[1].to_bytes(6, "big") + b"".join(
        number.to_bytes(4, "little") for number in numbers[2:])
    owner = bytes.fromhex("01020000000000052000000020020000")
    entry = b"\0\0" + (8 + len(binary)).to_bytes(2, "little") + (0xf01ff).to_bytes(4, "little") + binary
    acl = b"\2\0" + (8 + len(entry)).to_bytes(2, "little") + b"\1\0\0\0" + entry
    offsets = (20, 0, 0, 20 + len(owner))    # owner, group, SACL, DACL
    return b"\1\0\4\x80" + b"".join(offset.to_bytes(4, "little") for offset in offsets) + owner + acl


def test_resource_based_delegation_beside_the_list_passes(lab, holders, proxy, change):
    change(("svc-exch", RESOURCE_LIST, [descriptor_of(lab.dc.sid("svc-proxy"))], []))
    one = proxy(virtual_host(lab, section("/", lab.exchange.url)))
    check_grant(one.request("/", holders["alice"], method="OPTIONS"))


def test_resource_based_delegation_alone_is_the_kdcs_to_judge(lab, holders, proxy, change, expect_log):
    """Samba 4.17 does not know it. It is asked, with a ticket that is not forwardable, and both ways are named."""
    change(("svc-exch", RESOURCE_LIST, [descriptor_of(lab.dc.sid("svc-proxy"))], []), NO_TRANSITION, EMPTY_LIST)
    one = proxy(site(lab))
    before = lab.dc.log().count(f"for {EXCHANGE_SPN}@{REALM} [")
    is_refused(expect_log, one.request("/ticket", holders["alice"]), "delegation-misconfigured",
               rf"{EMPTY_SAID}; svc-exch has {RESOURCE_LIST}")
    assert lab.dc.log().count(f"for {EXCHANGE_SPN}@{REALM} [") == before + 1


# ---- nobody to ask -----------------------------------------------------------------------------------

BARE_LIST = rf"{BARE}other.*: the SPN is not in msDS-AllowedToDelegateTo of the service account"


@pytest.fixture
def behind_relay(lab, proxy, tmp_path):
    """(Relay in front of the directory, an httpd that asks it), with a service that is not in the list."""
    relay = Relay(lab.address(RELAY), 636, (lab.address("dc1"), 636))
    folder = lab.root / "refusals"
    folder.mkdir(exist_ok=True)
    names = HostNames(folder)
    for name, address in lab.names.addresses.items():
        names.add(name, address)
    names.add(lab.dc.host, lab.address(RELAY))
    settings = simple_bind(lab, tmp_path, EASDirectoryTimeout="1000", EASDelegationSPN=OTHER_SPN)
    yield relay, proxy(site(lab, **settings), cache="shmcb", env={"NSS_WRAPPER_HOSTS": str(names.path)})
    relay.close()


@pytest.mark.parametrize("how", ["refuse", "silence"])
def test_without_an_answer_of_the_directory_the_kdcs_sentence_stays(behind_relay, holders, expect_log, how):
    relay, one = behind_relay
    check_grant(one.request("/known", holders["alice"]), EAS_CACHE="miss")
    getattr(relay, how)()
    is_refused(expect_log, one.request("/ticket", holders["alice"]), "delegation-misconfigured", BARE_LIST)


@pytest.fixture
def account_file(lab, holders):
    """Settings for a directory that is a file, with alice."""
    path = lab.root / "accounts-of-refusals"
    path.write_text(f"domain = {DNS_DOMAIN}\n[alice]\nsid = {lab.dc.sid('alice')}\n"
                    f"map = {issuer_serial_of(holders['issuer-serial'])}\n", encoding="utf-8")
    yield {"EASDirectory": f"file:{path}", "EASDirectoryBind": None}
    path.unlink()


def test_account_file_knows_no_cause(lab, holders, proxy, account_file, expect_log):
    one = proxy(site(lab, EASDelegationSPN=OTHER_SPN, **account_file))
    is_refused(expect_log, one.request("/ticket", holders["issuer-serial"]), "delegation-misconfigured", BARE_LIST)


@pytest.mark.parametrize("url", ["gc:example.test", "dns:example.test"])
def test_cause_is_found_through_catalog_and_dns(lab, holders, proxy, expect_log, url):
    one = proxy(site(lab, EASDirectory=url, EASDelegationSPN=OTHER_SPN),
                env=lab.names.env_with_dns(lab.root / "resolv-of-refusals.conf", lab.address("dc1")))
    is_refused(expect_log, one.request("/ticket", holders["alice"]), "delegation-misconfigured",
               rf"^S4U2Proxy: svc-proxy has other SPNs in {LIST}: add {OTHER_SPN}")


# ---- the service account's own ticket ------------------------------------------------------------------

@pytest.fixture
def keytab(lab):
    """keytab(principal, type, password): one with this key alone."""
    path = lab.root / "failures.keytab"

    def write(principal, kind, password):
        path.unlink(missing_ok=True)
        subprocess.run(["ktutil"], input=f"addent -password -p {principal}@{REALM} -k 1 -e {kind}\n{password}\n"
                       f"wkt {path}\nquit\n", text=True, capture_output=True, check=True, env=lab.env)
        shutil.chown(path, RUN_AS, RUN_AS)
        path.chmod(0o600)
        return path
    yield write
    path.unlink(missing_ok=True)


RIGHT, AES = SERVICES["svc-proxy"].password, "aes256-cts-hmac-sha1-96"
KEYTABS = [
    ("RC4 alone", ("svc-proxy", "arcfour-hmac", RIGHT),
     ["eas_certauth:warn.*ECA1081: EASKerberosKeytab: .*failures.keytab holds no AES key of svc-proxy@.* to 24"],
     "no common encryption type: the keytab needs AES256 and AES128 keys"),
    ("an SPN's", (PROXY_SPN, AES, RIGHT), [],
     "the domain has no such service account: AD knows accounts, not service names; choose EASKerberosPrincipal"),
    ("an old one", ("svc-proxy", AES, "an.older.password"), [],
     "its password has changed since; export the keytab again"),
]


@pytest.mark.parametrize("key, warnings, detail", [pytest.param(*row[1:], id=row[0]) for row in KEYTABS])
def test_keytab_that_gets_no_ticket(lab, holders, proxy, tmp_path, keytab, expect_log, key, warnings, detail):
    one = proxy(site(lab, EASKerberosKeytab=keytab(*key), **simple_bind(lab, tmp_path)), start_log=warnings)
    is_refused(expect_log, one.request("/ticket", holders["alice"]), "delegation-misconfigured",
               f"^no ticket-granting ticket for {re.escape(key[0])}@{REALM} .*{detail}")


ACCOUNTS = [
    ("disabled", [("svc-proxy", FLAGS, [DELEGATE | ACCOUNTDISABLE], [DELEGATE])], " is disabled, expired or locked"),
    ("expired", [("svc-proxy", EXPIRES, [EXPIRED_IN_2020], [NEVER])], " is disabled, expired or locked"),
    ("must change its password",
     [("svc-proxy", FLAGS, [DELEGATE & ~DONT_EXPIRE_PASSWORD], [DELEGATE]), ("svc-proxy", "pwdLastSet", [0], [-1])],
     "'s password has expired or must be changed: give it a new one that never expires"),
]


@pytest.mark.parametrize("changes, detail", [pytest.param(*row[1:], id=row[0]) for row in ACCOUNTS])
def test_service_account_that_gets_no_ticket(lab, holders, proxy, account_file, change, expect_log, changes, detail):
    """Domain controllers are not asked for the account: they would be bound to with this ticket, too."""
    one = proxy(site(lab, **account_file))
    change(*changes)
    is_refused(expect_log, one.request("/ticket", holders["issuer-serial"]), "delegation-misconfigured",
               f"^no ticket-granting ticket for svc-proxy@.*: the service account{detail}[ (]")


# ---- the clock -----------------------------------------------------------------------------------------

def test_clock_that_is_an_hour_fast_is_named(lab, holders, proxy, tmp_path, expect_log):
    """libkrb5 follows the KDC's clock unless it is told not to."""
    clock = Clock(lab.root / "fast-clock")
    clock.forward(3600)
    conf = kerberos.write_configuration(lab.root / "krb5-fast.conf", [lab.address("dc1")])
    conf.write_text(conf.read_text(encoding="utf-8").replace("[realms]", "    kdc_timesync = 0\n[realms]"),
                    encoding="utf-8")
    one = proxy(site(lab, **simple_bind(lab, tmp_path)), env=clock.environment({**lab.env, "KRB5_CONFIG": str(conf)}))
    is_refused(expect_log, one.request("/ticket", holders["alice"]), "delegation-misconfigured",
               "this machine's clock and the domain controller's differ too much: synchronise both")
