# SPDX-License-Identifier: Apache-2.0
"""The authorities every test knows: people's root and issuing CA, servers' CA, a strange CA."""

from pathlib import Path

from pki.authority import Authority


class Hierarchy:
    """`root` and `issuing` for people, `servers` for TLS servers, `strange` trusted by nobody.

    `trusted` is the file with issuing and root CA for SSLCACertificateFile.
    """

    def __init__(self, folder):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.root = Authority(folder / "root", "/DC=test/DC=example/CN=Example Root CA")
        self.issuing = Authority(folder / "issuing", "/DC=test/DC=example/CN=Example Issuing CA",
                                 issuer=self.root)
        self.servers = Authority(folder / "servers", "/O=Example/CN=Example Server CA")
        self.strange = Authority(folder / "strange", "/O=Elsewhere/CN=Strange CA")
        self.trusted = self.issuing.bundle(folder / "trusted.pem")
