# SPDX-License-Identifier: Apache-2.0
"""A KDC some of whose answers are replaced: what Active Directory says and Samba 4.17 does not."""

import socket
import socketserver
import threading
from datetime import datetime, timezone

from lab.spnego import inside
from pki.der import INTEGER, OCTETS, SEQUENCE, element

TGS_REQ, KRB_ERROR, GENERAL_STRING, GENERALIZED_TIME = 0x6c, 0x7e, 0x1b, 0x18
EXTENDED, FOR_CLIENTS = 3, 1    # MS-KILE 2.2.2 and 2.2.1
MESSAGE_MAX = 1 << 20


def integer(value):
    """An INTEGER that is not negative."""
    return element(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def field(number, *contents):
    """An element with an explicit tag."""
    return element(0xa0 + number, *contents)


def body_of(request):
    """(realm, sname) of a TGS-REQ, as elements (RFC 4120 5.4.1)."""
    rest = inside(inside(request, TGS_REQ)[0], SEQUENCE)[0]
    while rest[0] != 0xa4:
        _, rest = inside(rest, rest[0])
    rest = inside(inside(rest, 0xa4)[0], SEQUENCE)[0]
    found = {}
    while rest and rest[0] <= 0xa3:
        tag = rest[0]
        found[tag], rest = inside(rest, tag)
    return found[0xa2], found[0xa3]


def text_of(sname):
    """The name without a realm: "HTTP/exch.example.test"."""
    _, strings = inside(inside(sname, SEQUENCE)[0], 0xa0)
    rest, parts = inside(inside(strings, 0xa1)[0], SEQUENCE)[0], []
    while rest:
        part, rest = inside(rest, GENERAL_STRING)
        parts.append(part.decode())
    return "/".join(parts)


def error(request, code, status):
    """A KRB-ERROR (RFC 4120 5.9.1) with an NTSTATUS in its e-data, as a domain controller writes it.

    Nobody here reads that; it is there because libkrb5 and the module have to get along with it.
    """
    realm, sname = body_of(request)
    now = datetime.now(timezone.utc)
    extended = b"".join(number.to_bytes(4, "little") for number in (status, 0, FOR_CLIENTS))
    data = element(SEQUENCE, field(1, integer(EXTENDED)), field(2, element(OCTETS, extended)))
    return element(KRB_ERROR, element(
        SEQUENCE, field(0, integer(5)), field(1, integer(30)),
        field(4, element(GENERALIZED_TIME, now.strftime("%Y%m%d%H%M%SZ").encode())), field(5, integer(now.microsecond)),
        field(6, integer(code)), field(9, realm), field(10, sname), field(12, element(OCTETS, data))))


def receive(one):
    """A message with its length in front (RFC 4120 7.2.2); b"" at the end."""
    with one.makefile("rb") as stream:
        head = stream.read(4)
        length = int.from_bytes(head, "big")
        assert length <= MESSAGE_MAX
        return stream.read(length) if head else b""


def send(one, message):
    """The same, the other way."""
    one.sendall(len(message).to_bytes(4, "big") + message)


class OtherAnswers:
    """At (address, 88); whoever asks for a ticket to a name in `refusals` is answered (error code, NTSTATUS), everybody
    else by `target`. `refused` holds the names; refusing() is called before each. Threads of the test's own process."""

    def __init__(self, address, target):
        self.target, self.refusals, self.refused, self.refusing = target, {}, [], lambda: None
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            """One connection."""

            def handle(self):
                while message := receive(self.request):
                    send(self.request, outer.answer(message))

        self.server = socketserver.ThreadingTCPServer((address, 88), Handler, bind_and_activate=False)
        self.server.daemon_threads = self.server.allow_reuse_address = True
        self.server.server_bind()
        self.server.server_activate()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, message):
        """The KDC's or another."""
        name = text_of(body_of(message)[1]) if message[0] == TGS_REQ else None
        if name in self.refusals:
            self.refusing()
            self.refused.append(name)
            return error(message, *self.refusals[name])
        with socket.create_connection(self.target, 10) as kdc:
            send(kdc, message)
            return receive(kdc)

    def close(self):
        """Ends it."""
        self.server.shutdown()
        self.server.server_close()
