# SPDX-License-Identifier: Apache-2.0
"""Any httpd under test, started from a configuration text in a folder of its own."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from lab import process

PROGRAM = "/usr/sbin/apache2"
MODULE_FOLDER = Path("/usr/lib/apache2/modules")
RUN_AS = "www-data"

DEFAULT_MODULES = (
    "authn_core", "authz_core", "authz_user", "authz_host", "alias", "env", "setenvif", "headers",
    "socache_shmcb", "ssl", "proxy", "proxy_http",
)

PREAMBLE = """\
ServerRoot {folder}
DefaultRuntimeDir {folder}/run
PidFile {folder}/run/apache.parent
Mutex file:{folder}/run default
User {user}
Group {user}
ErrorLog {folder}/log/error.log
LogLevel {log_level}
LogFormat "%h %p %u \\"%r\\" %>s %b %{{ms}}T" lab
CustomLog {folder}/log/access.log lab
Define FOLDER {folder}
{load}
Include {folder}/conf/site.conf
"""

GENERATION = "resuming normal operations"


class Httpd:
    """One httpd in `folder`; children run as www-data.

    `config` is everything after the preamble (which loads modules and names logs); it
    needs its own Listen and ServerName and may use ${FOLDER}. `modules` are httpd's own,
    by short name; `module_files` maps other modules' symbols to their files, such as
    {"eas_certauth_module": ".../mod_eas_certauth.so"}. `env` is the whole environment,
    `options` are further arguments of apache2, `wrapper` a command to run it under.
    What hangs longer than `patience` seconds after stop() is killed, as a Ping would be.
    """

    def __init__(self, folder, config, *, env=None, mpm="event", modules=DEFAULT_MODULES,
                 module_files=None, log_level="info", options=(), wrapper=(), seconds=60,
                 patience=3):
        self.folder, self.config, self.mpm = Path(folder), config, mpm
        self.modules, self.module_files = tuple(modules), dict(module_files or {})
        self.log_level = log_level
        self.conf_file = self.folder / "conf/httpd.conf"
        self.error_log_file = self.folder / "log/error.log"
        self.access_log_file = self.folder / "log/access.log"
        env = {**(os.environ if env is None else env)}
        env.setdefault("KRB5RCACHEDIR", str(self.folder / "rcache"))
        self.command = [*wrapper, PROGRAM, "-d", str(self.folder), "-f", str(self.conf_file),
                        *options]
        self.daemon = process.Daemon("httpd", self.folder, [*self.command, "-DFOREGROUND"],
                                     env=env, ready=self._listening, seconds=seconds,
                                     patience=patience)

    def _load_lines(self):
        files = {f"{name}_module": MODULE_FOLDER / f"mod_{name}.so"
                 for name in (f"mpm_{self.mpm}", *self.modules)}
        return "\n".join(f"LoadModule {symbol} {path}"
                         for symbol, path in {**files, **self.module_files}.items())

    def write(self, config=None):
        """Writes the configuration, `config` instead of the earlier text when given."""
        if config is not None:
            self.config = config
        for name in ("conf", "log", "run", "rcache"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        shutil.chown(self.folder / "rcache", RUN_AS, RUN_AS)
        (self.folder / "conf/site.conf").write_text(self.config, encoding="utf-8")
        self.conf_file.write_text(PREAMBLE.format(
            folder=self.folder, user=RUN_AS, log_level=self.log_level, load=self._load_lines()),
            encoding="utf-8")

    def _listening(self):
        listeners = re.findall(r"(?mi)^\s*Listen\s+(?:(\S+):)?(\d+)", self.config)
        return self._generations() > 0 and all(
            process.accepts(address or "127.0.0.1", int(port)) for address, port in listeners)

    def check(self):
        """`apache2 -t` on this configuration: the completed process with its output."""
        self.write()
        return subprocess.run([*self.command, "-t"], env=self.daemon.env, text=True,
                              capture_output=True)

    def start(self):
        """Starts it with empty logs and waits until every Listen answers."""
        self.daemon.stop()
        self.write()
        for path in (self.error_log_file, self.access_log_file, self.daemon.log_file):
            path.unlink(missing_ok=True)
        try:
            self.daemon.start()
        except process.NotReady as failure:
            self.daemon.stop()
            raise process.NotReady(f"{failure}\n{self.error_log()[-4000:]}") from None
        return self

    def stop(self):
        """Ends it and every child, hanging requests included."""
        self.daemon.stop()

    def kill(self):
        """Ends parent and children at once."""
        self.daemon.kill()

    def _generations(self):
        return self.error_log().count(GENERATION)

    def graceful(self, config=None):
        """Graceful restart, with a new configuration when given; waits for the new generation.

        Children with running requests stay until these are finished.
        """
        self._restart(signal.SIGUSR1, config)

    def reload(self, config=None):
        """What Debian's logrotate and `systemctl reload` do: a graceful restart."""
        self.graceful(config)

    def restart(self, config=None):
        """Restart that ends running requests (SIGHUP)."""
        self._restart(signal.SIGHUP, config)

    def _restart(self, number, config):
        self.write(config)
        before = self._generations()
        self.daemon.signal(number)
        process.wait_until(lambda: self._generations() > before and self._listening(),
                           self.daemon.seconds, "httpd restarted", self.daemon.alive)

    def pid(self):
        """The parent's pid."""
        return self.daemon.pid()

    def child_pids(self):
        """The pids of the children, old generations included."""
        return self.daemon.children()

    def error_log(self):
        """The text of the error log since start()."""
        return self._read(self.error_log_file)

    def access_log(self):
        """The text of the access log since start()."""
        return self._read(self.access_log_file)

    def output(self):
        """What was printed before the error log was open, and sanitizers' reports."""
        return self.daemon.log()

    @staticmethod
    def _read(path):
        try:
            return path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
