# SPDX-License-Identifier: Apache-2.0
"""What directory and KDC take by themselves, asked by MIT's and Samba's own clients: names on stdin, in one line.

Arguments: LDAP_URL BIND_DN PASSWORD KEYTAB PRINCIPAL SPN THREADS. Prints JSON: with one thread the medians of one LDAP
search, one S4U2Self and one S4U2Proxy in milliseconds; with more how many pairs of tickets there are in a second.
"""

import json
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import gssapi
import ldb
from samba.credentials import Credentials
from samba.param import LoadParm
from samba.samdb import SamDB

REALM = "EXAMPLE.TEST"
BASE = "DC=example,DC=test"
ATTRIBUTES = ["objectSid", "sAMAccountName", "userPrincipalName", "userAccountControl", "accountExpires", "mail"]


def connect(url, dn, password):
    """A bound connection."""
    parameters = LoadParm()
    parameters.set("tls verify peer", "no_check")
    credentials = Credentials()
    credentials.guess(parameters)
    credentials.set_bind_dn(dn)
    credentials.set_password(password)
    return SamDB(url=url, credentials=credentials, lp=parameters)


def timed(function, *arguments, **more):
    """(result, milliseconds)."""
    begin = time.monotonic()
    result = function(*arguments, **more)
    return result, (time.monotonic() - begin) * 1000


def search(directory, name):
    """Who it is, by name as by any other attribute with an index."""
    directory.search(BASE, ldb.SCOPE_SUBTREE, f"(sAMAccountName={name})", ATTRIBUTES)


def impersonate(service, name, spn):
    """(S4U2Self, S4U2Proxy) in milliseconds."""
    user = gssapi.Name(f"{name}@{REALM}", gssapi.NameType.kerberos_principal)
    target = gssapi.Name(f"{spn}@{REALM}", gssapi.NameType.kerberos_principal)
    delegated, first = timed(service.impersonate, user)
    context = gssapi.SecurityContext(name=target, creds=delegated, usage="initiate", mech=gssapi.MechType.kerberos)
    _, second = timed(context.step)
    return first, second


def main(url, dn, password, keytab, principal, spn, threads):
    """Measures and prints."""
    names = sys.stdin.readline().split()
    service = gssapi.Credentials(name=gssapi.Name(principal, gssapi.NameType.kerberos_principal), usage="both",
                                 store={"client_keytab": keytab, "keytab": keytab, "ccache": "MEMORY:bench"})
    impersonate(service, names[0], spn)
    if int(threads) == 1:
        directory = connect(url, dn, password)
        searches = [timed(search, directory, name)[1] for name in names[1:]]
        pairs = [impersonate(service, name, spn) for name in names[1:]]
        print(json.dumps({"search": statistics.median(searches), "self": statistics.median(one for one, _ in pairs),
                          "proxy": statistics.median(two for _, two in pairs)}))
        return
    begin = time.monotonic()
    with ThreadPoolExecutor(int(threads)) as pool:
        list(pool.map(lambda name: impersonate(service, name, spn), names[1:]))
    print(json.dumps({"pairs_per_second": (len(names) - 1) / (time.monotonic() - begin)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
