# SPDX-License-Identifier: Apache-2.0
"""SOGo as ActiveSync server: PostgreSQL, memcached and two sogods on loopback addresses."""

import http.client
import re
import shutil
import signal
import subprocess
from pathlib import Path

from lab import process
from lab.accounts import ADMINISTRATOR, ADMINISTRATOR_PASSWORD, DNS_DOMAIN, PEOPLE, USERS_DN
from lab.eas_client import EasClient

POSTGRES = Path("/usr/lib/postgresql/15/bin")
GNUSTEP_CONF = Path("/etc/GNUstep/GNUstep.conf")
DATABASE_PORT, MEMCACHED_PORT, SOGO_PORT = 5432, 11211, 20000
ACTIVESYNC_PATH = "/SOGo/Microsoft-Server-ActiveSync"
WORKERS = 10          # each hanging Ping occupies one
LONGEST_PING = 60     # a Ping looks for changes every 5 s; SOGo 5.8 mistakes shorter intervals

DEFAULTS = """\
{{
  WOWorkersCount = {workers};
  WOListenQueueSize = 128;
  SxVMemLimit = 512;
  WOLogFile = "-";
  SOGoProfileURL = "{database}/sogo_user_profile";
  OCSFolderInfoURL = "{database}/sogo_folder_info";
  OCSSessionsFolderURL = "{database}/sogo_sessions_folder";
  SOGoMemcachedHost = "{memcached}";
  SOGoMailSpoolPath = "{folder}/spool";
  SOGoTimeZone = UTC;
  SOGoLanguage = English;
  SOGoMailDomain = "{domain}";
  SOGoMailingMechanism = smtp;
  SOGoSMTPServer = "smtp://{unused}:12525";
  SOGoIMAPServer = "imap://{unused}:11430";
  SOGoSieveScriptsEnabled = NO;
  SOGoAppointmentSendEMailNotifications = NO;
  SOGoMaximumPingInterval = {ping};
  SOGoMaximumSyncInterval = {ping};
  SOGoInternalSyncInterval = 5;
  SOGoUserSources = ({{
    type = ldap;
    id = ad;
    CNFieldName = cn;
    IDFieldName = sAMAccountName;
    UIDFieldName = sAMAccountName;
    bindFields = (sAMAccountName);
    MailFieldNames = (mail);
    baseDN = "{base}";
    bindDN = "CN={administrator},{base}";
    bindPassword = "{password}";
    hostname = "{ldap}";
    filter = "objectClass = 'user'";
    scope = SUB;
    canAuthenticate = YES;
    isAddressBook = NO;
  }});
}}
"""


class Sogo:
    """`url` trusts x-webobjects-remote-user; `password_url` checks Basic against the domain.

    Never expose `url`: whoever reaches it is whom he says he is.
    """

    def __init__(self, folder, address_of, env, controller):
        self.folder, self.env, self.controller = Path(folder), env, controller
        self.database, self.memcached = address_of("database"), address_of("memcached")
        self.address, self.password_address = address_of("sogo"), address_of("sogo-password")
        self.url = f"http://{self.address}:{SOGO_PORT}{ACTIVESYNC_PATH}"
        self.password_url = f"http://{self.password_address}:{SOGO_PORT}{ACTIVESYNC_PATH}"
        self.postgres_daemon = self._postgres()
        self.memcached_daemon = self._daemon(
            "memcached", ["memcached", "-l", self.memcached, "-p", str(MEMCACHED_PORT), "-U", "0",
                          "-m", "16"], "memcache",
            ready=process.accept_all(self.memcached, MEMCACHED_PORT))
        self.trusting = self._sogod("sogod-trusting", self.address, "YES")
        self.checking = self._sogod("sogod-password", self.password_address, "NO")
        self.daemons = (self.trusting, self.checking, self.memcached_daemon, self.postgres_daemon)

    def _daemon(self, name, argv, user, **more):
        return process.Daemon(name, self.folder, argv, env=self.env, user=user, cwd="/", **more)

    def _postgres(self):
        options = {"port": DATABASE_PORT, "listen_addresses": self.database, "fsync": "off",
                   "unix_socket_directories": "", "shared_buffers": "16MB",
                   "dynamic_shared_memory_type": "mmap", "max_connections": "200"}
        argv = [str(POSTGRES / "postgres"), "-D", str(self.folder / "database")]
        for name, value in options.items():
            argv += ["-c", f"{name}={value}"]
        return self._daemon("postgres", argv, "postgres", stop_signal=signal.SIGQUIT,
                            ready=self._database_answers)

    def _sogod(self, name, address, trust):
        env = {**self.env, "GNUSTEP_CONFIG_FILE": str(self.folder / "GNUstep.conf"),
               "LDAPTLS_CACERT": str(self.controller.ca_file)}
        argv = ["/usr/sbin/sogod", "-WONoDetach", "YES", "-WOLogFile", "-",
                "-WOPidFile", str(self.folder / "state" / f"{name}.parent"),
                "-WOPort", f"{address}:{SOGO_PORT}", "-SOGoTrustProxyAuthentication", trust]
        return process.Daemon(name, self.folder, argv, env=env, user="sogo",
                              cwd=self.folder / "state", stop_signal=signal.SIGKILL,
                              ready=lambda: self._answers(address))

    @staticmethod
    def _answers(address):
        connection = http.client.HTTPConnection(address, SOGO_PORT, timeout=5)
        try:
            connection.request("OPTIONS", ACTIVESYNC_PATH)
            return connection.getresponse().status == 401
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _psql(self, *commands):
        arguments = [word for command in commands for word in ("-c", command)]
        return subprocess.run(["psql", "-qX", "-h", self.database, "-p", str(DATABASE_PORT), "-U",
                               "postgres", *arguments], env=self.env, capture_output=True,
                              text=True)

    def _database_answers(self):
        return self._psql("select 1").returncode == 0

    def start(self):
        """Starts the servers from nothing; the domain may still be on its way."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._write_files()
        self.memcached_daemon.launch()
        self._make_database()
        self.postgres_daemon.start()
        done = self._psql("create role sogo login", "create database sogo owner sogo")
        if done.returncode != 0:
            raise RuntimeError(f"psql: {done.stderr}")
        self.memcached_daemon.wait_ready()
        self.trusting.start()   # alone: two at once would make the same tables
        self.checking.launch()

    def wait_ready(self):
        """Waits until both sogods answer and know everybody; the domain must be up.

        SOGo makes a person's tables at the first request; two first requests at the same
        time collide and one is answered 501. So everybody has been here once.
        """
        self.checking.wait_ready()
        for name in PEOPLE:
            client = EasClient(self.url, user=name, headers={"x-webobjects-remote-user": name})
            client.user_information()
            client.folder_sync()

    def _write_files(self):
        for name in ("state", "spool", "defaults"):
            (self.folder / name).mkdir(parents=True)
            shutil.chown(self.folder / name, "sogo", "sogo")
        defaults = self.folder / "defaults/sogod.plist"
        defaults.write_text(DEFAULTS.format(
            workers=WORKERS, ping=LONGEST_PING, folder=self.folder, domain=DNS_DOMAIN,
            database=f"postgresql://sogo@{self.database}:{DATABASE_PORT}/sogo",
            memcached=f"{self.memcached}:{MEMCACHED_PORT}", unused=self.address, base=USERS_DN,
            administrator=ADMINISTRATOR, password=ADMINISTRATOR_PASSWORD,
            ldap=f"{self.controller.ldaps_url}:636"), encoding="utf-8")
        shutil.chown(defaults, "sogo", "sogo")
        defaults.chmod(0o400)
        text = re.sub(r"(?m)^GNUSTEP_USER_DEFAULTS_DIR=.*$",
                      f"GNUSTEP_USER_DEFAULTS_DIR={self.folder}/defaults",
                      GNUSTEP_CONF.read_text(encoding="utf-8"))
        (self.folder / "GNUstep.conf").write_text(text, encoding="utf-8")

    def _make_database(self):
        data = self.folder / "database"
        data.mkdir()
        shutil.chown(data, "postgres", "postgres")
        done = subprocess.run(
            ["setpriv", "--pdeathsig=KILL", "--reuid=postgres", "--regid=postgres", "--init-groups",
             str(POSTGRES / "initdb"), "-D", str(data), "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync"], cwd="/", env=self.env, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"initdb: {done.stderr}")

    def stop(self):
        """Ends all of it."""
        for daemon in self.daemons:
            daemon.stop()
