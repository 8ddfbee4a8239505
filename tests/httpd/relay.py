# SPDX-License-Identifier: Apache-2.0
"""A TCP relay that can be made to refuse, or to accept and say nothing, while it runs."""

import socket
import threading


def end(one):
    """Ends a connection for both sides and wakes threads that wait in it."""
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


class Relay:
    """Listens on (address, port) and forwards to `target`; threads of the test's own process.

    forward() lets everything through, also what silence() held back. silence() keeps
    accepting and holds every byte, on old connections too: a frozen server. refuse() ends
    every connection and closes the port: a dead one. garble() sends noise instead of answers, cut() half of
    one and then the end. `answers` counts the pieces that the target has sent through,
    `connections` who came.
    """

    def __init__(self, address, port, target):
        self.address, self.target = (address, port), target
        self.talking, self.lock = threading.Event(), threading.Lock()
        self.listener, self.sockets = None, set()
        self.spoil, self.answers, self.connections = None, 0, 0
        self.forward()

    def forward(self):
        """From now on the target answers."""
        self.spoil = None
        self._listen()
        self.talking.set()

    def silence(self):
        """From now on nobody answers."""
        self.talking.clear()
        self._listen()

    def refuse(self):
        """From now on nobody is there."""
        with self.lock:
            gone, self.sockets = self.sockets, set()
            listener, self.listener = self.listener, None
        for one in (*gone, *([listener] if listener else [])):
            end(one)
        if listener:
            listener.close()
        self.talking.set()

    close = refuse

    def garble(self):
        """From now on an answer is noise."""
        self.spoil = lambda content: (b"\x00\xff" * len(content), False)

    def cut(self):
        """From now on an answer ends in its middle."""
        self.spoil = lambda content: (content[:len(content) // 2], True)

    def _listen(self):
        if self.listener is None:
            self.listener = socket.create_server(self.address, backlog=512)
            self._start(self._accept, self.listener)

    @staticmethod
    def _start(function, *arguments):
        threading.Thread(target=function, args=arguments, daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                inner = listener.accept()[0]
                self.connections += 1
                outer = socket.create_connection(self.target)
            except OSError:
                if self.listener is not listener:
                    return
                continue
            with self.lock:
                self.sockets |= {inner, outer}
            self._start(self._pump, inner, outer, False)
            self._start(self._pump, outer, inner, True)

    def _pump(self, source, sink, answering):
        try:
            while content := source.recv(65536):
                self.talking.wait()
                last = False
                if answering:
                    self.answers += 1
                    content, last = self.spoil(content) if self.spoil else (content, False)
                sink.sendall(content)
                if last:
                    break
        except OSError:
            pass
        finally:
            end(source)
            end(sink)
            with self.lock:
                self.sockets -= {source, sink}
