# SPDX-License-Identifier: Apache-2.0
"""An HTTP server for CRLs and OCSP that can be made to behave badly while it runs."""

import re
import socket
import threading

HUGE = 100 * 1024 * 1024


def read_request(peer):
    """The body of one request; an OSError when it does not come whole."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += peer.recv(65536) or fail()
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    while len(body) < int(length[1] if length else 0):
        body += peer.recv(65536) or fail()
    return body


def fail():
    """The end came too early."""
    raise ConnectionError("the request ended early")


class ListServer:
    """Listens on (address, port) and answers every GET; threads of the test's own process.

    serve(bytes) is the honest answer. silence() accepts and says nothing, drip() sends one
    byte a tenth of a second, huge() promises and sends 100 MB, garbage() something else, cut() half of what
    serve() had, refuse() closes the port. `asked` counts the requests.
    """

    content_type = "application/pkix-crl"

    def __init__(self, address, port):
        self.address, self.asked = (address, port), 0
        self.ended = threading.Event()
        self.listener = None
        self.serve(b"")

    @property
    def url(self):
        """Where it is."""
        return f"http://{self.address[0]}:{self.address[1]}/list.crl"

    def serve(self, content):
        """From now on this is the list."""
        self.content = content
        self.answer_by(lambda request: content)

    def answer_by(self, make):
        """From now on make(request) is the answer."""
        def answer(peer, request):
            content = make(request)
            peer.sendall(self._head(len(content)) + content)
        self._listen(answer)

    def silence(self):
        """From now on nothing is said."""
        self._listen(lambda peer, request: self.ended.wait(60))

    def drip(self):
        """From now on it takes for ever."""
        def slowly(peer, request):
            peer.sendall(self._head(len(self.content)))
            for byte in self.content:
                if self.ended.wait(0.1):
                    return
                peer.sendall(bytes([byte]))
        self._listen(slowly)

    def huge(self):
        """From now on it is longer than any list."""
        def at_length(peer, request):
            peer.sendall(self._head(HUGE) + b"\x30\x84\x06\x40\x00\x00")
            for _ in range(HUGE // 65536):
                peer.sendall(bytes(65536))
        self._listen(at_length)

    def garbage(self):
        """From now on it is no list."""
        self._listen(lambda peer, request: peer.sendall(self._head(16) + b"<html>404</html>"))

    def cut(self):
        """From now on the answer ends in its middle."""
        half = self.content[:len(self.content) // 2]
        self._listen(lambda peer, request: peer.sendall(self._head(len(self.content)) + half))

    def refuse(self):
        """From now on nobody is there."""
        listener, self.listener = self.listener, None
        if listener:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()

    def close(self):
        """Ends it, and what is under way."""
        self.ended.set()
        self.refuse()

    def _head(self, length):
        return (f"HTTP/1.0 200 OK\r\nContent-Type: {self.content_type}\r\nContent-Length: {length}\r\n"
                "\r\n").encode()

    def _listen(self, behave):
        self.behave = behave
        if self.listener is None:
            self.listener = socket.create_server(self.address, backlog=128)
            threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                peer = listener.accept()[0]
            except OSError:
                return
            self.asked += 1
            threading.Thread(target=self._answer, args=(peer, self.behave), daemon=True).start()

    @staticmethod
    def _answer(peer, behave):
        with peer:
            try:
                behave(peer, read_request(peer))
            except OSError:
                pass
