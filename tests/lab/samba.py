# SPDX-License-Identifier: Apache-2.0
"""Samba as Active Directory domain controller: provisioned once, copied from a template later."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

from lab import accounts, domain_setup_source, process

PORTS = (88, 389, 636, 3268)
TESTS = Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"  # the interpreter that Debian's python3-samba belongs to

SMB_CONF = """\
[global]
    realm = {realm}
    workgroup = {netbios}
    netbios name = DC1
    server role = active directory domain controller
    server services = ldap, cldap, kdc, dns
    interfaces = {address}/8
    bind interfaces only = yes
    private dir = {folder}/private
    state directory = {folder}/state
    cache directory = {folder}/cache
    lock directory = {folder}/lock
    binddns dir = {folder}/bind-dns
    pid directory = {folder}/run
    ncalrpc dir = {folder}/run/ncalrpc
    winbindd socket directory = {folder}/run/winbindd
    ntp signd socket directory = {folder}/run/ntp
    posix:eadb = {folder}/private/eadb.tdb
    ldb:nosync = true
    log level = {log_level}
    dns forwarder =
    tls keyfile = {folder}/tls/key.pem
    tls certfile = {folder}/tls/cert.pem
    tls cafile = {folder}/tls/ca.pem
    tls verify peer = no_check

[sysvol]
    path = {folder}/state/sysvol
[netlogon]
    path = {folder}/state/sysvol/example.test/scripts
"""


def provision(template, address):
    """Fills `template` with dc/ and the keytabs, unless it already holds just this domain."""
    template = Path(template)
    stamp = template / "stamp"
    wanted = hashlib.sha256(f"{address}\n{domain_setup_source()}".encode()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    shutil.rmtree(template, ignore_errors=True)
    template.mkdir(mode=0o700)
    done = subprocess.run(["setpriv", "--pdeathsig=KILL", PYTHON, "-m", "lab.domain_setup",
                           str(template), address],
                          env={**os.environ, "PYTHONPATH": str(TESTS)}, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise RuntimeError(f"the domain was not provisioned:\n{done.stdout[-4000:]}")
    stamp.write_text(wanted, encoding="utf-8")


class DomainController:
    """One domain controller in `folder` on `address`.

    `server_certificate` is a pki Certificate with the host's name. Changes made through
    modify() last until the laboratory's next start, which begins with the template again.
    """

    def __init__(self, name, folder, address, server_certificate, log_level="1 kerberos:4"):
        self.name, self.folder, self.address = name, Path(folder), address
        self.host = f"{name}.{accounts.DNS_DOMAIN}"
        self.server_certificate, self.log_level = server_certificate, log_level
        self.smb_conf = self.folder / "etc/smb.conf"
        self.ca_file = self.folder / "tls/ca.pem"
        self.sam_ldb = self.folder / "private/sam.ldb"
        self.daemon = process.Daemon(
            name, self.folder.parent,
            ["/usr/sbin/samba", "-s", str(self.smb_conf), "-i", "--no-process-group",
             "-M", "single"],
            ready=process.accept_all(address, *PORTS), stop_signal=signal.SIGTERM)

    @property
    def ldap_url(self):
        """For StartTLS."""
        return f"ldap://{self.host}"

    @property
    def ldaps_url(self):
        """LDAP over TLS."""
        return f"ldaps://{self.host}"

    def install(self, source):
        """Replaces the folder by a copy of `source` (a domain controller's stopped folder)."""
        shutil.rmtree(self.folder, ignore_errors=True)
        subprocess.run(["cp", "-a", "--sparse=always", str(source), str(self.folder)], check=True)
        self.configure()

    def configure(self):
        """Writes smb.conf and the TLS files."""
        for name in ("lock", "tls", "etc", "run"):
            (self.folder / name).mkdir(exist_ok=True)
        self.smb_conf.write_text(SMB_CONF.format(
            realm=accounts.REALM, netbios=accounts.NETBIOS, address=self.address,
            folder=self.folder, log_level=self.log_level), encoding="utf-8")
        certificate = self.server_certificate
        shutil.copy(certificate.key, self.folder / "tls/key.pem")
        (self.folder / "tls/key.pem").chmod(0o600)
        shutil.copy(certificate.chain, self.folder / "tls/cert.pem")
        shutil.copy(certificate.root, self.ca_file)

    def start(self):
        """Starts it and waits until LDAP and the KDC answer."""
        self.daemon.start()

    def stop(self):
        """Ends it orderly."""
        self.daemon.stop()

    def kill(self):
        """Ends it at once: a domain controller that lost its power."""
        self.daemon.kill()

    def freeze(self):
        """It accepts connections (the kernel does) and never answers."""
        self.daemon.freeze()

    def thaw(self):
        """The end of freeze()."""
        self.daemon.thaw()

    def log(self):
        """Its log; `kerberos:4` in log_level shows every KDC exchange."""
        return self.daemon.log()

    def _ldb(self, program, *arguments, text=None):
        done = subprocess.run([program, f"--configfile={self.smb_conf}", "-H", str(self.sam_ldb),
                               *arguments], input=text, text=True, capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")
        return done.stdout

    def modify(self, ldif):
        """Applies LDIF changes to the database of the running or stopped controller."""
        return self._ldb("ldbmodify", text=ldif)

    def modify_unchecked(self, ldif):
        """The same past Samba's rules, such as that an SPN belongs to one account."""
        partition = self.sam_ldb.with_suffix(".ldb.d") / f"{accounts.BASE_DN.upper()}.ldb"
        done = subprocess.run(["ldbmodify", "-H", str(partition)], input=ldif, text=True, capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(f"ldbmodify: {done.stdout}{done.stderr}")

    def search(self, expression, *attributes):
        """Entries matching an LDAP filter, as LDIF text."""
        return self._ldb("ldbsearch", "-b", accounts.BASE_DN, expression, *attributes)

    def sid(self, name):
        """The objectSid of an account, as text."""
        text = self.search(f"(sAMAccountName={name})", "objectSid")
        return next(line.split(": ")[1] for line in text.splitlines()
                    if line.startswith("objectSid: "))

    def tool(self, *arguments):
        """Runs samba-tool on this domain (about a second each)."""
        return subprocess.run([PYTHON, "/usr/bin/samba-tool", *arguments, "-s",
                               str(self.smb_conf)], check=True, text=True, capture_output=True)

    def add_if_missing(self, dn, kind, more=""):
        """An entry of one object class; `more` is LDIF text that begins with a line feed."""
        try:
            self._ldb("ldbadd", text=f"dn: {dn}\nobjectClass: {kind}{more}\n")
        except RuntimeError as failure:
            if "already exists" not in str(failure) and "Entry already exists" not in str(failure):
                raise

    def set_srv(self, name, records):
        """Replaces the SRV records of a name; see dns_records.py."""
        done = subprocess.run([PYTHON, "-m", "lab.dns_records", str(self.smb_conf), str(self.sam_ldb), name,
                               json.dumps(records)], env={**os.environ, "PYTHONPATH": str(TESTS)}, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {done.stdout[-2000:]}")

    def set_password(self, name, password):
        """Gives an account a new password and with it new Kerberos keys."""
        self.tool("user", "setpassword", name, f"--newpassword={password}")

    def export_keytab(self, path, principal):
        """Writes the principal's current keys into a new keytab."""
        Path(path).unlink(missing_ok=True)
        self.tool("domain", "exportkeytab", str(path), f"--principal={principal}")

    def copy_as(self, name, address, server_certificate):
        """A second controller: a copy of this one's folder, taken while this one is stopped.

        It answers for its own host name (the account carries that SPN) and does not
        replicate. It is returned stopped; this one runs again if it did before.
        """
        running = self.daemon.alive()
        self.stop()
        copy = DomainController(name, self.folder.parent / name, address, server_certificate,
                                self.log_level)
        copy.daemon.stop()
        copy.install(self.folder)
        if running:
            self.start()
        return copy
