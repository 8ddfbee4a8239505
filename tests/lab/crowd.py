# SPDX-License-Identifier: Apache-2.0
"""Many people at once: accounts in the domain, and a certificate for each."""

import datetime
import re

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lab.accounts import DNS_DOMAIN, DONT_EXPIRE_PASSWORD, NORMAL_ACCOUNT, USERS_DN
from pki.authority import Certificate
from pki.der import OCTETS, SEQUENCE, element, other_name
from pki.extensions import SID_EXTENSION_OID, SID_VALUE_OID

PASSWORD_NOT_REQUIRED = 0x20
ENTRY = """\
dn: CN={name},{users}
changetype: add
objectClass: user
sAMAccountName: {name}
userPrincipalName: {name}@{domain}
userAccountControl: {flags}

"""
SID_OBJECT = x509.ObjectIdentifier(SID_EXTENSION_OID)
CLIENT_AUTHENTICATION = x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH


def add_accounts(controller, names):
    """Adds accounts without passwords (nobody logs on with one): {name: SID}."""
    flags = NORMAL_ACCOUNT | DONT_EXPIRE_PASSWORD | PASSWORD_NOT_REQUIRED
    controller.modify("".join(ENTRY.format(name=name, users=USERS_DN, domain=DNS_DOMAIN, flags=flags)
                              for name in names))
    return sids_of(controller, names)


def sids_of(controller, names):
    """{name: SID} of accounts whose names begin alike."""
    text = controller.search(f"(sAMAccountName={names[0][:5]}*)", "sAMAccountName", "objectSid")
    found = {}
    for entry in text.split("\n\n"):
        name, sid = (re.search(rf"(?m)^{attribute}: (.*)$", entry) for attribute in ("sAMAccountName", "objectSid"))
        if name and sid:
            found[name[1]] = sid[1]
    return {name: found[name] for name in names}


class Issuer:
    """Issues certificates within a process, in a millisecond each; all have the same key."""

    def __init__(self, authority, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.authority, self.folder = authority, folder
        self.issuer = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
        self.signer = serialization.load_pem_private_key(authority.key.read_bytes(), None)
        self.holder = ec.generate_private_key(ec.SECP256R1())
        self.key_file = folder / "holders.key"
        self.key_file.write_bytes(self.holder.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))

    def issue(self, name, sid):
        """A Certificate with the SID of KB5014754."""
        now = datetime.datetime.utcnow()
        value = element(SEQUENCE, other_name(SID_VALUE_OID, OCTETS, sid.encode()))
        certificate = (x509.CertificateBuilder()
                       .subject_name(x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)]))
                       .issuer_name(self.issuer.subject).public_key(self.holder.public_key())
                       .serial_number(x509.random_serial_number())
                       .not_valid_before(now - datetime.timedelta(days=1))
                       .not_valid_after(now + datetime.timedelta(days=365))
                       .add_extension(x509.ExtendedKeyUsage([CLIENT_AUTHENTICATION]), critical=False)
                       .add_extension(x509.UnrecognizedExtension(SID_OBJECT, value), critical=False)
                       .sign(self.signer, hashes.SHA256()))
        pem, chain = self.folder / f"{name}.pem", self.folder / f"{name}.chain.pem"
        text = certificate.public_bytes(serialization.Encoding.PEM).decode()
        pem.write_text(text, encoding="ascii")
        chain.write_text(text + self.authority.path, encoding="ascii")
        return Certificate(pem, self.key_file, chain, self.authority.root)
