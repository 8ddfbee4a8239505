# SPDX-License-Identifier: Apache-2.0
"""A redis-server for EASCache."""

import re
import secrets
import socket

import pytest

from lab import process
from lab.httpd import DEFAULT_MODULES


class Redis:
    """A real redis-server of the test's own."""

    def __init__(self, folder, address, port):
        self.address = (address, port)
        folder.mkdir(exist_ok=True)
        self.daemon = process.Daemon("redis", folder, [
            "/usr/bin/redis-server", "--bind", address, "--port", str(port), "--save", "", "--appendonly", "no",
            "--dir", str(folder)], ready=lambda: process.accepts(address, port))

    def command(self, *words):
        """One command's answer, as bytes (RESP, simple types and one level of arrays)."""
        with socket.create_connection(self.address, 5) as one:
            raw = [word if isinstance(word, bytes) else str(word).encode() for word in words]
            one.sendall(b"*%d\r\n" % len(raw) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in raw))
            return self._answer(one.makefile("rb"))

    def _answer(self, stream):
        line = stream.readline().rstrip(b"\r\n")
        if line[:1] == b"$":
            return None if line == b"$-1" else stream.read(int(line[1:]) + 2)[:-2]
        if line[:1] == b"*":
            return [self._answer(stream) for _ in range(int(line[1:]))]
        return line

    def records(self):
        """Every key and value."""
        return {key: self.command("GET", key) for key in self.command("KEYS", "*")}

    def looks(self):
        """How often somebody has asked for a record."""
        found = re.search(rb"cmdstat_get:calls=(\d+)", self.command("INFO", "commandstats"))
        return int(found[1]) if found else 0

    def options(self, folder):
        """What proxy() needs so that accounts are kept here, under a secret of `folder`."""
        key = folder / "cache.key"
        key.write_text(secrets.token_hex(32), encoding="utf-8")
        key.chmod(0o600)
        return {"cache": "redis:{}:{}\nEASCacheKeyFile {}".format(*self.address, key),
                "modules": (*DEFAULT_MODULES, "socache_redis")}


@pytest.fixture
def redis(lab):
    """A running redis on an address of its own."""
    one = Redis(lab.root / "redis", lab.address(150), 6379)
    one.daemon.start()
    yield one
    one.daemon.thaw()
    one.daemon.stop()
