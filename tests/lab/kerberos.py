# SPDX-License-Identifier: Apache-2.0
"""Kerberos client configuration and tickets of users, obtained with MIT's own commands."""

import os
import subprocess
from pathlib import Path

from lab.accounts import DNS_DOMAIN, REALM

PYTHON = "/usr/bin/python3"  # the interpreter that Debian's python3-gssapi belongs to

MAKE_TOKEN = """\
import base64, sys, gssapi
name = gssapi.Name(f"HTTP/{sys.argv[1]}", gssapi.NameType.kerberos_principal)
context = gssapi.SecurityContext(name=name, usage="initiate", mech=gssapi.MechType.kerberos)
print(base64.b64encode(context.step()).decode())
"""

# Nothing here says `forwardable`: the module has to ask for it by itself.
LIBDEFAULTS = """\
[libdefaults]
{default_realm}    dns_lookup_kdc = false
    dns_lookup_realm = false
    rdns = false
    dns_canonicalize_hostname = false
[realms]
    {realm} = {{
{kdcs}    }}
[domain_realm]
    .{domain} = {realm}
    {domain} = {realm}
"""


def write_configuration(path, kdcs, default_realm=True):
    """Writes a krb5.conf for the KDCs (addresses, in order of preference)."""
    line = f"    default_realm = {REALM}\n" if default_realm else ""
    text = LIBDEFAULTS.format(default_realm=line, realm=REALM, domain=DNS_DOMAIN,
                              kdcs="".join(f"        kdc = {one}:88\n" for one in kdcs))
    path = Path(path)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)
    return path


class Ticket:
    """A user's own TGT in a ccache file; `env` makes a program use it."""

    def __init__(self, env, account, ccache):
        self.env = {**env, "KRB5CCNAME": f"FILE:{ccache}"}
        self.ccache = Path(ccache)
        subprocess.run(["kinit", account.principal], input=account.password + "\n", text=True,
                       env=self.env, check=True, capture_output=True)

    def negotiate(self, host):
        """A fresh Authorization value for HTTP/host (made in a process of its own)."""
        done = subprocess.run([PYTHON, "-c", MAKE_TOKEN, host], env=self.env, check=True,
                              capture_output=True, text=True)
        return f"Negotiate {done.stdout.strip()}"

    def destroy(self):
        """Removes the ccache."""
        self.ccache.unlink(missing_ok=True)


def impersonate(env, keytab, service, user, spn, ccache):
    """S4U2Self and S4U2Proxy with MIT's kvno: the outcome of `user` delegated to `spn`.

    Returns the completed process: returncode 0 means the KDC gave a ticket, stderr holds
    its refusal otherwise. The service's TGT is asked for as forwardable.
    """
    env = {**env, "KRB5CCNAME": f"FILE:{ccache}"}
    subprocess.run(["kinit", "-f", "-k", "-t", str(keytab), service.principal],
                   env=env, check=True, capture_output=True)
    try:
        return subprocess.run(["kvno", "-k", str(keytab), "-U", user.principal, "-P", spn],
                              env=env, text=True, capture_output=True)
    finally:
        if os.path.exists(ccache):
            os.unlink(ccache)
