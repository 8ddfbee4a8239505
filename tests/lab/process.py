# SPDX-License-Identifier: Apache-2.0
"""Daemons: started in a session of their own, known by pid and start time, ended by pid alone."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

POLL_SECONDS = 0.02
KILL_SECONDS = 10

# Writes its own /proc stat line before it becomes the daemon (pid and start time survive
# exec), so that no moment exists in which a killed caller leaves an unrecorded process.
LAUNCHER = ('read -r line </proc/$$/stat; printf "%s\\n" "$line" >"$1.new"; mv "$1.new" "$1"; '
            'shift; exec "$@"')


class NotReady(Exception):
    """A condition did not come true in time, or its process ended first."""


def wait_until(condition, seconds, what, alive=lambda: True):
    """Polls until `condition()` is true and returns its value; raises NotReady otherwise."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if not alive():
            raise NotReady(f"{what}: the process ended")
        if time.monotonic() > deadline:
            raise NotReady(f"{what}: not within {seconds} s")
        time.sleep(POLL_SECONDS)


def accepts(address, port):
    """Whether something accepts TCP connections there."""
    try:
        socket.create_connection((address, port), timeout=1).close()
        return True
    except OSError:
        return False


def accept_all(address, *ports):
    """A readiness condition: every port accepts connections."""
    return lambda: all(accepts(address, port) for port in ports)


def parse_stat(line):
    """(pid, state, parent, session, start time) of a /proc/PID/stat line (proc(5))."""
    head, _, tail = line.rpartition(")")
    fields = tail.split()
    return int(head.split()[0]), fields[0], int(fields[1]), int(fields[3]), int(fields[19])


def read_stat(pid):
    """parse_stat() of a living process; None when there is none or it is a zombie."""
    try:
        stat = parse_stat(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError, IndexError):
        return None
    return None if stat[1] in "ZX" else stat


def living():
    """read_stat() of every living process."""
    stats = (read_stat(name) for name in os.listdir("/proc") if name.isdigit())
    return [stat for stat in stats if stat]


def carries_mark(pid, mark):
    """Whether the process was started with `mark` (NAME=value) in its environment."""
    try:
        return mark.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def send(pid, number):
    """Signals one process; one that has just ended is no error."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Daemon:
    """One long-running program.

    `folder` gets run/NAME.pid and log/NAME.log. `ready` is a condition polled for up to
    `seconds`. `stop_signal` asks it to end; what is left after `patience` is killed.
    `user` drops privileges. Its processes are the one in the pid file, that one's
    descendants and session, and whoever inherited its mark in the environment.
    """

    def __init__(self, name, folder, argv, *, ready=None, env=None, user=None, cwd=None,
                 stop_signal=signal.SIGTERM, seconds=60, patience=10):
        self.name, self.argv, self.ready, self.seconds = name, list(argv), ready, seconds
        self.folder, self.cwd = Path(folder), cwd
        self.env = dict(os.environ if env is None else env)
        self.user, self.stop_signal, self.patience = user, stop_signal, patience
        self.pid_file = self.folder / "run" / f"{name}.pid"
        self.log_file = self.folder / "log" / f"{name}.log"
        self.mark = f"EAS_LAB_DAEMON={self.pid_file}"
        self._child = None

    def launch(self):
        """Ends a stale instance, starts the program and returns without waiting for it."""
        self.stop()
        for path in (self.pid_file, self.log_file):
            path.parent.mkdir(parents=True, exist_ok=True)
        prefix = ["/bin/sh", "-c", LAUNCHER, "launcher", str(self.pid_file)]
        if self.user:
            prefix += ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--init-groups"]
        name, _, value = self.mark.partition("=")
        with open(self.log_file, "ab") as log:
            self._child = subprocess.Popen(
                prefix + self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**self.env, name: value}, cwd=self.cwd, start_new_session=True)
        wait_until(self.pid_file.exists, self.seconds, f"{self.name} recorded")
        return self

    def wait_ready(self):
        """Waits for the readiness condition; the log's end is part of a failure's text."""
        try:
            if self.ready:
                wait_until(self.ready, self.seconds, self.name, self._unfinished)
        except NotReady as failure:
            raise NotReady(f"{failure}\n{self.log()[-2000:]}") from None
        return self

    def start(self):
        """launch() and wait_ready()."""
        return self.launch().wait_ready()

    def _unfinished(self):
        return self._child is None or self._child.poll() is None

    def pid(self):
        """The main process's pid while exactly the recorded process lives; otherwise None."""
        try:
            recorded = parse_stat(self.pid_file.read_text(encoding="utf-8"))
        except (OSError, ValueError, IndexError):
            return None
        current = read_stat(recorded[0])
        return recorded[0] if current and current[4] == recorded[4] else None

    def alive(self):
        """Whether the main process lives."""
        return self.pid() is not None

    def pids(self):
        """Every living process of this daemon, the main one first."""
        main, stats = self.pid(), living()
        found = {stat[0] for stat in stats
                 if (main and main in (stat[0], stat[3])) or carries_mark(stat[0], self.mark)}
        grown = True
        while grown:
            children = {stat[0] for stat in stats if stat[2] in found} - found
            found |= children
            grown = bool(children)
        return sorted(found - {os.getpid()}, key=lambda pid: (pid != main, pid))

    def children(self):
        """The living processes except the main one."""
        main = self.pid()
        return [pid for pid in self.pids() if pid != main]

    def signal(self, number):
        """Sends a signal to the main process."""
        pid = self.pid()
        if pid is None:
            raise ProcessLookupError(f"{self.name} is not running")
        os.kill(pid, number)

    def freeze(self):
        """Stops all its processes where they stand (SIGSTOP)."""
        for pid in self.pids():
            send(pid, signal.SIGSTOP)

    def thaw(self):
        """Lets them run on."""
        for pid in self.pids():
            send(pid, signal.SIGCONT)

    def kill(self):
        """Ends all its processes at once (SIGKILL)."""
        wait_until(self._kill_remaining, KILL_SECONDS, f"{self.name} killed")
        self._forget()

    def _kill_remaining(self):
        self._reap()
        remaining = self.pids()
        for pid in remaining:
            send(pid, signal.SIGKILL)
        return not remaining

    def stop(self):
        """Ends it in its own way, then kills what is left. Without processes it does nothing."""
        pid = self.pid()
        if pid is not None and self.stop_signal != signal.SIGKILL:
            self.thaw()
            send(pid, self.stop_signal)
            try:
                wait_until(self._gone, self.patience, f"{self.name} stopped")
            except NotReady:
                pass
        self.kill()

    def _gone(self):
        self._reap()
        return not self.pids()

    def _reap(self):
        if self._child is not None:
            self._child.poll()

    def _forget(self):
        self._reap()
        self.pid_file.unlink(missing_ok=True)

    def log(self):
        """What the program has printed so far."""
        try:
            return self.log_file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""


def recorded(root):
    """A Daemon for every pid file below `root`, to look at or end what another run started."""
    found = []
    for path in sorted(Path(root).rglob("run/*.pid")):
        daemon = Daemon(path.stem, path.parent.parent, [])
        try:
            parse_stat(path.read_text(encoding="utf-8"))
            found.append(daemon)
        except (OSError, ValueError, IndexError):
            continue
    return found


def sweep(root):
    """Stops everything recorded below `root`."""
    for daemon in recorded(root):
        daemon.stop()
