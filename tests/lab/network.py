# SPDX-License-Identifier: Apache-2.0
"""Loopback addresses and host names of one laboratory, without touching /etc/hosts."""

import socket
import zlib
from pathlib import Path

BLOCKS = 254
GUARD_HOST, GUARD_PORT = 254, 9
NSS_WRAPPER = "/usr/lib/x86_64-linux-gnu/libnss_wrapper.so"
RESOLV_WRAPPER = "/usr/lib/x86_64-linux-gnu/libresolv_wrapper.so"

# The last byte of each server's address; 90 to 199 are free for tests.
HOST_NUMBERS = {
    "dc1": 1, "dc2": 2, "exch": 10, "sogo": 11, "sogo-password": 12, "database": 13,
    "memcached": 14, "proxy": 20, "mail": 21, "autodiscover": 22, "standin": 30, "other": 31,
}


def can_bind(address, ports):
    """Whether every port of `address` is free for a new listener."""
    sockets = []
    try:
        for port in ports:
            sockets.append(socket.create_server((address, port)))
        return True
    except OSError:
        return False
    finally:
        for one in sockets:
            one.close()


class Block:
    """One free network 127.88.N.0/24.

    `acquire()` prefers the block noted in the folder by an earlier start and holds a
    guard socket until `release_guard()`, so that two laboratories starting at the same
    time never choose the same block.
    """

    def __init__(self, folder):
        self.note = Path(folder) / "block"
        self.number = self._noted()
        self._guard = None

    def _noted(self):
        try:
            return int(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def address(self, host):
        """The address of a host number, or of a name in HOST_NUMBERS."""
        return f"127.88.{self.number}.{HOST_NUMBERS.get(host, host)}"

    def acquire(self):
        """Chooses the block; raises OSError when all are taken."""
        self.release_guard()
        first = self.number or 1 + zlib.crc32(str(self.note).encode()) % BLOCKS
        for step in range(BLOCKS):
            self.number = 1 + (first - 1 + step) % BLOCKS
            if self._take():
                self.note.write_text(f"{self.number}\n", encoding="utf-8")
                return self
        raise OSError("no free block in 127.88.0.0/16")

    def _take(self):
        try:
            self._guard = socket.create_server((self.address(GUARD_HOST), GUARD_PORT))
        except OSError:
            return False
        if can_bind(self.address("dc1"), (88, 389, 636)) and can_bind(self.address("exch"), (443,)):
            return True
        self.release_guard()
        return False

    def release_guard(self):
        """Gives up the guard once the servers themselves occupy the block."""
        if self._guard is not None:
            self._guard.close()
            self._guard = None


class HostNames:
    """A hosts file that nss_wrapper puts before getaddrinfo() of the processes given `env`."""

    def __init__(self, folder):
        self.path = Path(folder) / "hosts"
        self.addresses = self._noted()

    def _noted(self):
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return {}
        return {name: address for address, name in map(str.split, lines)}

    @property
    def env(self):
        """The environment variables that make a process see these names."""
        return {"LD_PRELOAD": NSS_WRAPPER, "NSS_WRAPPER_HOSTS": str(self.path)}

    def env_with_dns(self, path, server):
        """The same, and DNS questions other than for addresses go to `server`; `path` becomes the resolv.conf."""
        Path(path).write_text(f"nameserver {server}\n", encoding="utf-8")
        Path(path).chmod(0o644)
        return {**self.env, "LD_PRELOAD": f"{NSS_WRAPPER}:{RESOLV_WRAPPER}", "RESOLV_WRAPPER_CONF": str(path)}

    def add(self, name, address):
        """Adds or changes a name; running processes notice it."""
        if self.addresses.get(name) == address:
            return
        self.addresses[name] = address
        self.path.write_text("".join(f"{one} {host}\n" for host, one in self.addresses.items()),
                             encoding="utf-8")
        self.path.chmod(0o644)
