# SPDX-License-Identifier: Apache-2.0
"""Provisions the Samba domain, its accounts and keytabs in one process: `FOLDER ADDRESS`.

Run as a program of its own because Samba's Python bindings keep global state. Writes
everything below FOLDER/dc and the keytabs beside it; the caller writes the final smb.conf.
"""

import logging
import os
import sys

import samba.dckeytab  # noqa: F401 (adds export_keytab to Net)
from samba.auth import system_session
from samba.dsdb import DS_DOMAIN_FUNCTION_2008_R2
from samba.net import Net
from samba.param import LoadParm
from samba.provision import provision
from samba.samdb import SamDB

from lab.accounts import (ACCOUNTS, ADMINISTRATOR_PASSWORD, BASE_DN, DNS_DOMAIN,
                          DONT_EXPIRE_PASSWORD, EXCHANGE_SPN, NETBIOS, NORMAL_ACCOUNT, REALM)


# What samba_spnupdate would add; and the copy of dc1 that tests start as a second controller
# answers for its own name, too.
LDAP_SERVICE_NAMES = f"""\
dn: CN=DC1,OU=Domain Controllers,{BASE_DN}
changetype: modify
add: servicePrincipalName
servicePrincipalName: ldap/dc1.{DNS_DOMAIN}
servicePrincipalName: ldap/dc1.{DNS_DOMAIN}/{DNS_DOMAIN}
servicePrincipalName: ldap/dc2.{DNS_DOMAIN}
servicePrincipalName: ldap/dc2.{DNS_DOMAIN}/{DNS_DOMAIN}
"""


def load_parameters(path):
    """Samba's settings from `path` instead of /etc/samba/smb.conf."""
    parameters = LoadParm()
    parameters.load(path)
    return parameters


def provision_domain(folder, address):
    """Creates the empty domain below `folder`."""
    dc = os.path.join(folder, "dc")
    os.makedirs(os.path.join(dc, "private"))
    os.makedirs(os.path.join(dc, "etc"))
    draft = os.path.join(folder, "draft.conf")
    with open(draft, "w", encoding="utf-8") as out:
        out.write(f"[global]\nposix:eadb = {dc}/private/eadb.tdb\nldb:nosync = true\n")
    parameters = load_parameters(draft)
    provision(logging.getLogger("provision"), system_session(), targetdir=dc, lp=parameters,
              realm=REALM, domain=NETBIOS, hostname="dc1", hostip=address,
              adminpass=ADMINISTRATOR_PASSWORD, dns_backend="SAMBA_INTERNAL",
              serverrole="active directory domain controller", useeadb=True,
              use_ntvfs=False, skip_sysvolacl=True, batch_mode=True,
              dom_for_fun_level=DS_DOMAIN_FUNCTION_2008_R2)
    os.unlink(draft)


def attributes_of(account):
    """The LDAP attributes of a new account, as samdb.add() takes them."""
    wanted = {
        "objectClass": "user",
        "sAMAccountName": account.name,
        "userPrincipalName": account.upn,
        "mail": account.mail,
        "displayName": account.display_name,
        "userAccountControl": str(NORMAL_ACCOUNT | DONT_EXPIRE_PASSWORD | account.flags),
        "accountExpires": account.account_expires and str(account.account_expires),
        "servicePrincipalName": list(account.spns),
        "msDS-AllowedToDelegateTo": list(account.delegates_to),
        "msDS-SupportedEncryptionTypes":
            account.encryption_types and str(account.encryption_types),
        "clearTextPassword": account.password.encode("utf-16-le"),
    }
    return {"dn": account.dn, **{name: value for name, value in wanted.items() if value}}


def create_accounts(samdb):
    """Adds every account of accounts.py in one transaction."""
    samdb.transaction_start()
    try:
        samdb.modify_ldif(LDAP_SERVICE_NAMES)
        for account in ACCOUNTS.values():
            samdb.add(attributes_of(account))
    except BaseException:
        samdb.transaction_cancel()
        raise
    samdb.transaction_commit()


def export_keytabs(folder, parameters):
    """Writes proxy.keytab (the account, as AD gives TGTs to it) and exch.keytab (the SPN)."""
    net = Net(None, parameters)
    for name, principal in (("proxy.keytab", "svc-proxy"), ("exch.keytab", EXCHANGE_SPN)):
        net.export_keytab(keytab=os.path.join(folder, name), principal=principal)


def main(folder, address):
    """Provision, create the accounts, export the keytabs."""
    provision_domain(folder, address)
    parameters = load_parameters(os.path.join(folder, "dc/etc/smb.conf"))
    samdb = SamDB(url=os.path.join(folder, "dc/private/sam.ldb"),
                  session_info=system_session(), lp=parameters)
    create_accounts(samdb)
    export_keytabs(folder, parameters)


if __name__ == "__main__":
    main(*sys.argv[1:])
