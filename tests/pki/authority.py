# SPDX-License-Identifier: Apache-2.0
"""A certification authority: issues, revokes, publishes CRLs. Works through `openssl ca`."""

import datetime
import secrets
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pki import extensions

CONFIGURATION = """\
[ca]
default_ca = authority
[authority]
database = {folder}/index.txt
new_certs_dir = {work}
serial = {work}/serial
crlnumber = {folder}/crlnumber
certificate = {certificate}
private_key = {key}
default_md = sha256
default_crl_days = 7
unique_subject = no
copy_extensions = none
email_in_dn = yes
string_mask = utf8only
policy = anything
[anything]
countryName = optional
stateOrProvinceName = optional
localityName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
emailAddress = optional
domainComponent = optional
userId = optional
serialNumber = optional
givenName = optional
surname = optional
title = optional
"""


def run(*arguments):
    """Runs openssl; its own words are part of a failure's text."""
    done = subprocess.run(["openssl", *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def utc(moment):
    """A moment in the form `openssl ca` takes; a number counts days from now."""
    if isinstance(moment, (int, float)):
        moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=moment)
    return moment.astimezone(datetime.timezone.utc).strftime("%Y%m%d%H%M%SZ")


@dataclass(frozen=True)
class Certificate:
    """Paths of one certificate.

    `pem` the certificate alone, `key` its private key, `chain` the certificate and the
    issuing CAs below the root, `root` the trust anchor.
    """

    pem: Path
    key: Path
    chain: Path
    root: Path

    @property
    def der(self):
        """The certificate in DER."""
        return run("x509", "-in", self.pem, "-outform", "DER")

    def field(self, *options):
        """One field as `openssl x509` prints it: field("-subject", "-nameopt", "RFC2253")."""
        return run("x509", "-in", self.pem, "-noout", *options).decode().strip()


def make_key(path, algorithm):
    """A private key: `ec` (P-256, quick), `rsa` (2048 bits) or `rsa-1024`."""
    options = {"ec": ("EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
               "rsa": ("RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
               "rsa-1024": ("RSA", "-pkeyopt", "rsa_keygen_bits:1024")}[algorithm]
    run("genpkey", "-algorithm", *options, "-out", path)
    Path(path).chmod(0o600)


class Authority:
    """One CA in a folder of its own: ca.pem, ca.key, index.txt (as `openssl ocsp` reads it).

    `issuer` None makes a self-signed root. An existing folder is opened, not made anew. `days` are its
    validity, `text` its basicConstraints and what it has beyond the key identifiers and usage.
    """

    def __init__(self, folder, subject, issuer=None, algorithm="ec", days=(-1, 3650), text=None):
        self.folder, self.issuer = Path(folder), issuer
        self.certificate, self.key = self.folder / "ca.pem", self.folder / "ca.key"
        self.index = self.folder / "index.txt"
        if not self.certificate.exists():
            self._create(subject, algorithm, days, extensions.for_authority(text))

    def _create(self, subject, algorithm, days, text):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.index.write_text("", encoding="utf-8")
        (self.folder / "index.txt.attr").write_text("unique_subject = no\n", encoding="utf-8")
        (self.folder / "crlnumber").write_text("01\n", encoding="utf-8")
        make_key(self.key, algorithm)
        parent = self.issuer or self
        parent._sign(subject, self.key, self.certificate, text, *days, serial=None,
                     selfsign=self.issuer is None)

    @property
    def der(self):
        """This CA's certificate in DER."""
        return run("x509", "-in", self.certificate, "-outform", "DER")

    def cross_sign(self, other):
        """A certificate of this CA for another one with its name and key: the file's path."""
        subject = run("x509", "-in", other.certificate, "-noout", "-subject", "-nameopt", "compat")
        path = self.folder / f"cross-{other.folder.name}.pem"
        self._sign(subject.decode().partition("=")[2].strip(), other.key, path, extensions.for_authority(),
                   -1, 3650, serial=None, selfsign=False)
        return path

    @property
    def path(self):
        """This CA's certificate and those above it, without the root, as PEM text."""
        if self.issuer is None:
            return ""
        return self.certificate.read_text(encoding="utf-8") + self.issuer.path

    @property
    def root(self):
        """The trust anchor's certificate file."""
        return self.issuer.root if self.issuer else self.certificate

    def bundle(self, path):
        """Writes this CA, those above it and the root into one file (SSLCACertificateFile)."""
        Path(path).write_text(self.path + self.root.read_text(encoding="utf-8"), encoding="utf-8")
        return Path(path)

    def _configure(self, work, more=""):
        configuration = Path(work) / "openssl.cnf"
        configuration.write_text(CONFIGURATION.format(
            folder=self.folder, work=work, certificate=self.certificate, key=self.key) + more,
            encoding="utf-8")
        return configuration

    def _sign(self, subject, key, out, extension_text, not_before, not_after, serial, selfsign):
        with tempfile.TemporaryDirectory(dir=self.folder) as work:
            configuration = self._configure(work, extension_text)
            number = secrets.randbits(120) if serial is None else serial
            digits = f"{number:X}"
            Path(work, "serial").write_text(digits.zfill(len(digits) + len(digits) % 2) + "\n",
                                            encoding="utf-8")
            request = Path(work, "request.pem")
            run("req", "-new", "-utf8", "-multivalue-rdn", "-config", configuration,
                "-key", key, "-subj", subject, "-out", request)
            run("ca", "-batch", "-notext", "-preserveDN", "-utf8", "-config", configuration,
                *(["-selfsign"] if selfsign else []), "-extensions", "wanted",
                "-startdate", utc(not_before), "-enddate", utc(not_after),
                "-in", request, "-out", out)

    def issue(self, name, subject=None, *, not_before=-1, not_after=365, serial=None,
              algorithm="ec", folder=None, **extension):
        """Issues a certificate and returns its Certificate.

        `name` names the files, and is the CN unless `subject` (`/DC=test/CN=…`) is given.
        Times are datetimes or days from now. The other arguments are those of
        extensions.for_holder(): upn, sid, sid_uri, email, dns, eku, ski, san, raw …
        """
        folder = Path(folder or self.folder / "issued")
        folder.mkdir(parents=True, exist_ok=True)
        pem, key, chain = (folder / f"{name}{end}" for end in (".pem", ".key", ".chain.pem"))
        make_key(key, algorithm)
        self._sign(subject or f"/CN={name}", key, pem, extensions.for_holder(**extension),
                   not_before, not_after, serial, selfsign=False)
        chain.write_text(pem.read_text(encoding="utf-8") + self.path, encoding="utf-8")
        return Certificate(pem, key, chain, self.root)

    def issue_server(self, *hosts, folder=None):
        """A TLS server certificate for host names (the first names the files)."""
        return self.issue(hosts[0], folder=folder, dns=hosts, eku="serverAuth")

    def server(self, host):
        """issue_server() of an earlier run or now: the same certificate for the same name."""
        pem = self.folder / f"issued/{host}.pem"
        chain = pem.with_suffix(".chain.pem")
        if not chain.exists():
            return self.issue_server(host)
        return Certificate(pem, pem.with_suffix(".key"), chain, self.root)

    def revoke(self, certificate, reason=None):
        """Marks a certificate as revoked, for later CRLs and OCSP answers."""
        with tempfile.TemporaryDirectory(dir=self.folder) as work:
            run("ca", "-config", self._configure(work), "-revoke", certificate.pem,
                *(["-crl_reason", reason] if reason else []))

    def crl(self, path, last_update=0, next_update=7, der=False, delta_of=None):
        """Writes a CRL of everything revoked so far; times as in issue(). `delta_of`: the number of its base."""
        path = Path(path)
        delta = f"[delta]\n2.5.29.27 = critical, DER:02:01:{delta_of or 0:02x}\n"    # deltaCRLIndicator
        extensions_of_it = [] if delta_of is None else ["-crlexts", "delta"]
        with tempfile.TemporaryDirectory(dir=self.folder) as work:
            pem = Path(work, "crl.pem")
            run("ca", "-config", self._configure(work, delta), "-gencrl",
                "-crl_lastupdate", utc(last_update), "-crl_nextupdate", utc(next_update), *extensions_of_it,
                "-out", pem)
            run("crl", "-in", pem, "-outform", "DER" if der else "PEM", "-out", path)
        return path
