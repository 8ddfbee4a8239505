# SPDX-License-Identifier: Apache-2.0
"""The domain's people and service accounts, as data."""

from dataclasses import dataclass

REALM = "EXAMPLE.TEST"
NETBIOS = "EXAMPLE"
DNS_DOMAIN = "example.test"
BASE_DN = "DC=example,DC=test"
USERS_DN = f"CN=Users,{BASE_DN}"

ADMINISTRATOR = "Administrator"
ADMINISTRATOR_PASSWORD = "Lab.Admin.2026"

PROXY_SPN = f"HTTP/proxy.{DNS_DOMAIN}"
EXCHANGE_SPN = f"HTTP/exch.{DNS_DOMAIN}"
OTHER_SPN = f"HTTP/other.{DNS_DOMAIN}"

# userAccountControl bits (MS-ADTS 2.2.16)
ACCOUNTDISABLE = 0x2
NORMAL_ACCOUNT = 0x200
DONT_EXPIRE_PASSWORD = 0x10000
NOT_DELEGATED = 0x100000
TRUSTED_TO_AUTH_FOR_DELEGATION = 0x1000000

AES_ONLY = 24  # msDS-SupportedEncryptionTypes: AES128 and AES256

# accountExpires counts 100 ns since 1601; this is 2020-01-01T00:00:00Z
EXPIRED_IN_2020 = 132223104000000000


@dataclass(frozen=True)
class Account:
    """One user object.

    `upn` None leaves the object without a userPrincipalName. `flags` are extra
    userAccountControl bits. `delegates_to` is the msDS-AllowedToDelegateTo list.
    """

    name: str
    password: str
    common_name: str
    upn: str | None = None
    mail: str | None = None
    display_name: str | None = None
    flags: int = 0
    account_expires: int | None = None
    spns: tuple[str, ...] = ()
    delegates_to: tuple[str, ...] = ()
    encryption_types: int | None = None

    @property
    def dn(self):
        """The distinguished name of the object."""
        return f"CN={self.common_name},{USERS_DN}"

    @property
    def principal(self):
        """The Kerberos principal: always the account's name and realm, never the UPN."""
        return f"{self.name}@{REALM}"


def person(name, common_name=None, **more):
    """A person with a known password, a mail address and, unless told otherwise, a UPN."""
    more.setdefault("upn", f"{name}@{DNS_DOMAIN}")
    more.setdefault("mail", f"{name}@{DNS_DOMAIN}")
    return Account(name, f"{name.capitalize()}.Pw.2026", common_name or name, **more)


def service(name, spn, **more):
    """A service account with AES keys only."""
    return Account(name, f"{name.capitalize()}.Key.2026", name, spns=(spn,),
                   encryption_types=AES_ONLY, **more)


PEOPLE = {account.name: account for account in (
    person("alice", display_name="Alice Example"),
    person("bob", display_name="Bob Example"),
    person("carol", flags=ACCOUNTDISABLE),
    person("dora", "Dora Smith", upn="dora.smith@mail.example.org"),
    person("erin", "Érin Łuk", display_name="Érin Łuk"),
    person("frank", account_expires=EXPIRED_IN_2020),
    person("grace", flags=NOT_DELEGATED),
    person("heidi", upn=None),
)}

SERVICES = {account.name: account for account in (
    service("svc-proxy", PROXY_SPN, flags=TRUSTED_TO_AUTH_FOR_DELEGATION,
            delegates_to=(EXCHANGE_SPN,)),
    service("svc-exch", EXCHANGE_SPN),
    service("svc-other", OTHER_SPN),
)}

ACCOUNTS = {**PEOPLE, **SERVICES}
