# SPDX-License-Identifier: Apache-2.0
"""The whole laboratory in one folder: every server, address, file and environment by name."""

import os
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import kerberos, process, samba
from lab.accounts import DNS_DOMAIN, EXCHANGE_SPN, OTHER_SPN, PEOPLE, PROXY_SPN, REALM, SERVICES
from lab.exchange import Exchange
from lab.httpd import RUN_AS, Httpd
from lab.network import HOST_NUMBERS, Block, HostNames
from lab.sogo import Sogo
from lab.standin import Standin
from pki.hierarchy import Hierarchy

SYSTEM_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


class Laboratory:
    """Servers below `root`; start() and stop() work from any process that names the same root.

    Before start() the addresses are those of the last start. After it:
    `dc` (samba.DomainController), `sogo` (sogo.Sogo), `exchange` (exchange.Exchange),
    `standin` (standin.Standin), `pki` (pki.hierarchy.Hierarchy), `people` and `services`
    (accounts by name), `proxy_keytab`, `exch_keytab`, `krb5_conf`,
    `krb5_conf_without_realm`, `env` for every program that needs the host names.
    """

    realm, dns_domain = REALM, DNS_DOMAIN
    people, services = PEOPLE, SERVICES
    proxy_spn, exchange_spn, other_spn = PROXY_SPN, EXCHANGE_SPN, OTHER_SPN

    def __init__(self, root):
        self.root = Path(root).resolve()
        self.block = Block(self.root)
        self.names = HostNames(self.root)
        self.proxy_keytab = self.root / "proxy.keytab"
        self.exch_keytab = self.root / "exch.keytab"
        self.krb5_conf = self.root / "krb5.conf"
        self.krb5_conf_without_realm = self.root / "krb5-without-realm.conf"
        self.pki = self.dc = self.sogo = self.exchange = self.standin = None
        if self.block.number is not None:
            self._describe()

    def address(self, host):
        """The address of a server's name or of a host number in this laboratory's block."""
        return self.block.address(host)

    @property
    def env(self):
        """A whole environment: names resolved, Kerberos configured, nothing inherited."""
        return {**SYSTEM_ENVIRONMENT, **self.names.env, "KRB5_CONFIG": str(self.krb5_conf)}

    def start(self, activesync=True):
        """Starts everything from nothing, or only dc and standin without `activesync`.

        Ends what an earlier, killed run left. Everything is undone when a part fails.
        """
        self._prepare_folder()
        if self.block.number is not None:
            self.stop()
        self.block.acquire()
        try:
            self._describe()
            self._start_servers(activesync)
        except BaseException:
            self.stop()
            raise
        finally:
            self.block.release_guard()
        return self

    def _prepare_folder(self):
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o755)
        for folder in self.root.parents:
            if not folder.stat().st_mode & stat.S_IXOTH:
                raise PermissionError(f"{folder} hides the laboratory from {RUN_AS}")

    def _describe(self):
        """Makes the objects and files that depend only on the folder and the block."""
        for name in HOST_NUMBERS:
            self.names.add(f"{name}.{DNS_DOMAIN}", self.address(name))
        self.pki = Hierarchy(self.root / "pki")
        dc_address = self.address("dc1")
        kerberos.write_configuration(self.krb5_conf, [dc_address])
        kerberos.write_configuration(self.krb5_conf_without_realm, [dc_address],
                                     default_realm=False)
        self.dc = samba.DomainController("dc1", self.root / "dc1", dc_address,
                                         self.server_certificate("dc1"))
        self.sogo = Sogo(self.root / "sogo", self.address, self.env, self.dc)
        self.exchange = Exchange(self)
        self.standin = Standin(self.root / "standin", self.address("standin"),
                               self.server_certificate("standin"))

    def server_certificate(self, name):
        """The TLS certificate of NAME.example.test from the servers' CA."""
        return self.pki.servers.server(f"{name}.{DNS_DOMAIN}")

    def _start_servers(self, activesync):
        with ThreadPoolExecutor() as pool:
            others = [pool.submit(self.standin.start)]
            if activesync:
                others.append(pool.submit(self.sogo.start))
            self._start_domain()
            if activesync:
                others.append(pool.submit(self.exchange.start))
            for one in others:
                one.result()
        if activesync:
            self.sogo.wait_ready()

    def _start_domain(self):
        template = self.root / "template"
        samba.provision(template, self.dc.address)
        self.dc.install(template / "dc")
        for keytab in (self.proxy_keytab, self.exch_keytab):
            shutil.copy(template / keytab.name, keytab)
            shutil.chown(keytab, RUN_AS, RUN_AS)
            keytab.chmod(0o600)
        self.dc.start()

    def stop(self):
        """Ends every process of this laboratory, those of a killed run and of tests included."""
        for server in (self.exchange, self.standin, self.sogo, self.dc):
            if server is not None:
                server.stop()
        process.sweep(self.root)
        shutil.rmtree(self.root / "ccaches", ignore_errors=True)

    def status(self):
        """{daemon: pid or None} of everything that was started below the root."""
        return {str(daemon.pid_file.relative_to(self.root)): daemon.pid()
                for daemon in process.recorded(self.root)}

    def httpd(self, name, config, **more):
        """An Httpd (not started) in a folder of this laboratory and with its environment."""
        more["env"] = {**self.env, **more.get("env", {})}
        return Httpd(self.root / "httpd" / name, config, **more)

    def second_controller(self, name="dc2"):
        """dc1 copied as it is now, on an address of its own; returned stopped."""
        return self.dc.copy_as(name, self.address(name), self.server_certificate(name))

    def _ccaches(self):
        folder = self.root / "ccaches"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def ticket(self, account, name=None):
        """A kerberos.Ticket of a person (from PEOPLE, by name)."""
        ccache = self._ccaches() / f"{name or account}-{os.getpid()}"
        return kerberos.Ticket(self.env, PEOPLE[account], ccache)

    def impersonate(self, account, spn=EXCHANGE_SPN):
        """S4U2Self and S4U2Proxy as svc-proxy; see kerberos.impersonate()."""
        return kerberos.impersonate(self.env, self.proxy_keytab, SERVICES["svc-proxy"],
                                    PEOPLE[account], spn, self._ccaches() / f"s4u-{os.getpid()}")

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
