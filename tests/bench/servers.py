# SPDX-License-Identifier: Apache-2.0
"""What is measured against what: a backend of plain httpd, and proxies in front of it."""

import shutil
from pathlib import Path

from lab import process
from lab.eas_client import EasClient, tls_context
from lab.httpd import DEFAULT_MODULES
from proxy import ADDRESS, HOST, TREE, section, simple_bind, virtual_host, whole_site

MODULE = TREE / "build/bench/mod_eas_certauth.so"
SYMBOLS = ("eas_certauth_module", "eas_bench_module")
MODULES = (*DEFAULT_MODULES, "auth_basic", "authn_file", "ldap", "authnz_ldap", "auth_gssapi")
ANSWER_BYTES = 1024
ANSWER = "answer.txt"

# As Debian configures it; workers take turns, so the memory of each is in the processor's cache or not.
DEBIAN_CHILD = "ServerLimit 1\nStartServers 1\nThreadsPerChild 25\nMaxRequestWorkers 25\nMinSpareThreads 1\n"
ONE_CHILD = "ServerLimit 1\nThreadLimit 320\nThreadsPerChild 320\nMaxRequestWorkers 320\nMinSpareThreads 1\n"
FOUR_CHILDREN = ("ServerLimit 4\nStartServers 4\nThreadLimit 64\nThreadsPerChild 64\nMaxRequestWorkers 256\n"
                 "MinSpareThreads 256\nMaxSpareThreads 256\n")

BACKEND = """\
ServerName exch.example.test
Listen {address}:80
Listen {address}:443
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
MaxKeepAliveRequests 0
KeepAliveTimeout 60
LimitRequestFieldSize 65536
DocumentRoot {folder}
<Directory {folder}>
    Require all granted
</Directory>
<Location /kerberos>
    AuthType GSSAPI
    AuthName "Exchange"
    GssapiCredStore keytab:{keytab}
    GssapiAcceptorName {acceptor}
    GssapiAllowedMech krb5
    Require valid-user
</Location>
<VirtualHost {address}:443>
    SSLEngine on
    SSLCertificateFile {chain}
    SSLCertificateKeyFile {key}
</VirtualHost>
"""


class Backend:
    """Answers 1 KiB at `/plain/` to anybody, and at `/kerberos/` to who has a ticket; http and https."""

    def __init__(self, lab):
        folder = lab.root / "answers"
        for name in ("plain", "kerberos"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name / ANSWER).write_text("x" * ANSWER_BYTES, encoding="ascii")
        certificate = lab.server_certificate("exch")
        self.ca_file = certificate.root
        self.httpd = lab.httpd(
            "bench-backend",
            BACKEND.format(address=lab.address("exch"), folder=folder, keytab=lab.exch_keytab,
                           acceptor=lab.exchange_spn.replace("/", "@"), chain=certificate.chain, key=certificate.key),
            modules=(*DEFAULT_MODULES, "auth_gssapi"), log_level="warn")

    @staticmethod
    def url(scheme, kind="plain"):
        """Of its one answer."""
        return f"{scheme}://exch.example.test/{kind}/{ANSWER}"


class Site:
    """A running httpd with the module: `locations` are texts, `settings` those of the virtual host."""

    def __init__(self, lab, name, *locations, host_number="proxy", workers=ONE_CHILD, cache="shmcb", server="",
                 env=None, **settings):
        self.lab, self.address = lab, lab.address(host_number)
        folder = lab.root / name
        folder.mkdir(exist_ok=True)
        module = shutil.copy(MODULE, folder / MODULE.name)
        host = virtual_host(lab, *locations, **{**simple_bind(lab, folder), "CustomLog": None, "KeepAliveTimeout": "60",
                                                **settings})
        text = whole_site(f"MaxKeepAliveRequests 0\n{server}\n{host}", workers=workers, cache=cache)
        self.httpd = lab.httpd(name, text.replace(ADDRESS, self.address), modules=MODULES, log_level="warn",
                               module_files={symbol: module for symbol in SYMBOLS}, env=env or {})

    def __enter__(self):
        self.httpd.start()
        return self

    def __exit__(self, *_):
        self.httpd.stop()

    def client(self, certificate=None, **more):
        """A client on a connection of its own, kept."""
        return EasClient(f"https://{HOST}/", address=self.address, context=tls_context(certificate=certificate),
                         **{"keep_alive": True, "timeout": 60, **more})

    def ask(self, path, certificate=None):
        """One GET: the Answer."""
        with self.client(certificate) as client:
            return client.request("GET", path)

    def warm(self, path, certificate=None, headers=None):
        """Asks until it is served, so that what is measured next finds everything in place."""
        with self.client(certificate) as client:
            process.wait_until(lambda: client.request("GET", path, None, headers or {}).status == 200, 30,
                               f"{path} answers 200; {self.httpd.error_log()[-2000:]}")

    def cpu_seconds(self):
        """User and system time of the children so far: fields 14 and 15 of proc(5) stat."""
        ticks = 0
        for pid in self.httpd.child_pids():
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / 100


def ours(path, backend, **settings):
    """A section of ours in front of `backend`."""
    return section(path, backend, **{"EASDelegation": "none", **settings})


def open_section(path, backend, *lines):
    """A section without ours."""
    return "\n".join((f"<Location {path}>", f"ProxyPass {backend} retry=0", *lines, "</Location>"))


def knows(directive):
    """Whether the module has it."""
    return f'"{directive}"' in (TREE / "src/httpd/directives.def").read_text(encoding="utf-8")
