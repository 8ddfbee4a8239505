# SPDX-License-Identifier: Apache-2.0
"""A TLS server in front of httpd, that hands certificates on in a header: HAProxy and nginx with our examples."""

from pathlib import Path

from lab import process

EXAMPLES = Path(__file__).resolve().parents[2] / "conf/examples"
NGINX_FOLDERS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Front:
    """One of them, not started: port 443 of `address`, in front of port 80 of `httpd`.

    `change` is a pair of texts, exchanged in the example.
    """

    example, command = "", ()

    def __init__(self, folder, address, httpd, lab, change=None):
        self.folder, self.address = Path(folder), address
        self.certificate = lab.server_certificate("proxy")
        texts = {"192.0.2.7": address, "192.0.2.20": httpd, "/etc/ssl/certs/phones-ca.pem": str(lab.pki.trusted),
                 **self.files()}
        if change:
            texts[change[0]] = change[1]
        self.texts = texts
        self.daemon = process.Daemon(
            self.example, self.folder, [one.format(folder=self.folder) for one in self.command],
            ready=process.accept_all(address, 443))

    def files(self):
        """{path in the example: path here}"""
        return {}

    def write(self):
        """The configuration, made from the example."""
        text = (EXAMPLES / self.example).read_text(encoding="utf-8")
        for there, here in self.texts.items():
            assert there in text, f"{there} is not in {self.example}"
            text = text.replace(there, here)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / self.example).write_text(text, encoding="utf-8")

    def start(self):
        """Starts it."""
        self.write()
        self.daemon.start()
        return self

    def stop(self):
        """Ends it."""
        self.daemon.stop()


class HaProxy(Front):
    """HAProxy; it mixes the users of its connections on those to httpd."""

    example = "haproxy.cfg"
    command = ("/usr/sbin/haproxy", "-db", "-f", "{folder}/haproxy.cfg")

    def files(self):
        return {"/etc/haproxy/mail.pem": str(self.folder / "mail.pem"), "maxconn 20000": "maxconn 200"}

    def write(self):
        super().write()
        both = self.certificate.chain.read_text(encoding="utf-8") + self.certificate.key.read_text(encoding="utf-8")
        (self.folder / "mail.pem").write_text(both, encoding="utf-8")


class Nginx(Front):
    """nginx."""

    example = "nginx.conf"
    command = ("/usr/sbin/nginx", "-p", "{folder}", "-c", "{folder}/nginx.conf", "-e", "{folder}/log/error.log",
               "-g", "daemon off; user www-data; pid {folder}/run/nginx-own.pid;")

    def files(self):
        own = "\n".join(f"    {name}_temp_path {self.folder}/{name};" for name in NGINX_FOLDERS)
        return {"/etc/nginx/mail.pem": str(self.certificate.chain), "/etc/nginx/mail.key": str(self.certificate.key),
                "http {\n": f"http {{\n    access_log off;\n{own}\n"}
