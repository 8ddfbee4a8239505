# SPDX-License-Identifier: Apache-2.0
"""gssproxy's daemon, which holds the service account's keytab instead of httpd; by our example."""

import socket
from pathlib import Path

from lab import process

EXAMPLE = Path(__file__).resolve().parents[2] / "conf/examples/gssproxy.conf"
KEYTAB = "/etc/gssproxy/eas.keytab"


class GssProxy:
    """The daemon, not started. `env` makes an httpd use it.

    `change` is a pair of texts, exchanged in the example. Without `forwardable` its krb5.conf is the laboratory's,
    which does not ask for forwardable tickets.
    """

    def __init__(self, laboratory, folder, change=None, forwardable=True):
        self.folder = Path(folder)
        self.socket = self.folder / "socket"
        self.texts = {KEYTAB: str(laboratory.proxy_keytab)}
        if change:
            self.texts[change[0]] = change[1]
        krb5_conf = laboratory.krb5_conf.read_text(encoding="utf-8")
        if forwardable:
            krb5_conf = krb5_conf.replace("[libdefaults]\n", "[libdefaults]\n    forwardable = true\n")
        self.krb5_conf = krb5_conf
        self.env = {"GSS_USE_PROXY": "yes", "GSSPROXY_BEHAVIOR": "REMOTE_ONLY", "GSSPROXY_SOCKET": str(self.socket),
                    "KRB5CCNAME": "MEMORY:"}
        self.daemon = process.Daemon(
            "gssproxy", self.folder,
            ["/usr/sbin/gssproxy", "-i", "-c", str(self.folder / "gssproxy.conf"), "-C", str(self.folder / "none"),
             "-s", str(self.socket)],
            env={**laboratory.env, "KRB5_CONFIG": str(self.folder / "krb5.conf")}, ready=self._accepts)

    def _accepts(self):
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.socket)) == 0

    def start(self):
        """Starts it."""
        text = EXAMPLE.read_text(encoding="utf-8")
        for there, here in self.texts.items():
            assert there in text, f"{there} is not in {EXAMPLE.name}"
            text = text.replace(there, here)
        (self.folder / "none").mkdir(parents=True, exist_ok=True)
        (self.folder / "gssproxy.conf").write_text(text, encoding="utf-8")
        (self.folder / "krb5.conf").write_text(self.krb5_conf, encoding="utf-8")
        self.daemon.start()
        return self

    def stop(self):
        """Ends it."""
        self.daemon.stop()

    def freeze(self):
        """It accepts connections and never answers."""
        self.daemon.freeze()

    def thaw(self):
        """The end of freeze()."""
        self.daemon.thaw()
