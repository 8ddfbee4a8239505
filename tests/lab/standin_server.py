# SPDX-License-Identifier: Apache-2.0
"""The stand-in backend's program: an HTTPS server that echoes, and answers by script.

Arguments: ADDRESS HTTPS_PORT CONTROL_PORT CHAIN_FILE KEY_FILE. The control port speaks
plain HTTP: GET /requests, DELETE /requests, POST /script (a JSON object, see standin.py),
DELETE /script, POST /settings.
"""

import base64
import hashlib
import itertools
import json
import re
import socket
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEPT_BODY = 65536
CONNECTION_NUMBERS = itertools.count(1)


class State:
    """What was asked and what is to be answered; one lock for all of it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.requests, self.rules = [], []
        self.settings = {"max_header": 65536}

    def record(self, request):
        """Keeps a request and returns the rule that answers it, or {}."""
        with self.lock:
            self.requests.append(request)
            for rule in self.rules:
                if rule.get("times", 1) and self._matches(rule, request):
                    if "times" in rule:
                        rule["times"] -= 1
                    return dict(rule)
        return {}

    @staticmethod
    def _matches(rule, request):
        return (re.search(rule.get("path", ""), request["path"]) is not None
                and rule.get("method", request["method"]) == request["method"])


class Backend(BaseHTTPRequestHandler):
    """The HTTPS side."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        self.request.do_handshake()
        self.connection_number, self.first_authorization = next(CONNECTION_NUMBERS), None
        super().setup()

    def log_message(self, format, *arguments):
        pass

    def read_body(self):
        """The request's body, of declared length or chunked."""
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
            if size == 0:
                return b"".join(pieces)

    def describe(self, body):
        """The request as it is recorded and echoed."""
        authorization = self.headers.get("Authorization")
        self.first_authorization = self.first_authorization or authorization
        return {
            "method": self.command, "path": self.path, "version": self.request_version,
            "headers": [[name, value] for name, value in self.headers.items()],
            "connection": self.connection_number,
            "first_authorization": self.first_authorization,
            "body_length": len(body), "body_sha256": hashlib.sha256(body).hexdigest(),
            "body": base64.b64encode(body[:KEPT_BODY]).decode(),
        }

    def handle_any(self):
        """Records the request and sends the scripted answer, or the echo."""
        request = self.describe(self.read_body())
        rule = self.server.state.record(request)
        longest = max((len(name) + len(value) for name, value in request["headers"]), default=0)
        if longest > self.server.state.settings["max_header"]:
            rule = {"status": 400, "body": "Bad Request - Request Too Long"}
        threading.Event().wait(rule.get("delay", 0))
        self.answer(rule, rule.get("body", json.dumps(request, indent=1)).encode())

    do_GET = do_POST = do_OPTIONS = do_PUT = do_DELETE = do_HEAD = handle_any

    def answer(self, rule, body):
        """Sends status, headers and body, as far as the rule lets the connection live."""
        die = rule.get("die")
        if die == "before":
            return self.die()
        self.send_response(rule.get("status", 200), rule.get("phrase"))
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)),
                   **rule.get("headers", {})}
        for name, value in headers.items():
            for one in value if isinstance(value, list) else [value]:
                self.send_header(name, one)
        if die == "headers":
            self.flush_headers()
            return self.die()
        self.end_headers()
        if die == "body":
            self.wfile.write(body[:len(body) // 2])
            return self.die()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.close_connection |= bool(rule.get("close"))

    def die(self):
        """Ends the connection without TLS's farewell."""
        self.wfile.flush()
        self.close_connection = True
        self.request.shutdown(socket.SHUT_RDWR)


class Control(BaseHTTPRequestHandler):
    """The tests' side."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format, *arguments):
        pass

    def reply(self, value=None):
        """Sends a JSON value."""
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        """GET /requests."""
        with self.server.state.lock:
            self.reply(self.server.state.requests)

    def do_DELETE(self):
        """DELETE /requests or /script."""
        state = self.server.state
        with state.lock:
            (state.requests if self.path == "/requests" else state.rules).clear()
        self.reply()

    def do_POST(self):
        """POST /script adds a rule before the others; POST /settings changes settings."""
        value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        state = self.server.state
        with state.lock:
            if self.path == "/script":
                state.rules.insert(0, value)
            else:
                state.settings.update(value)
        self.reply()


class Server(ThreadingHTTPServer):
    """One listener with the shared state; broken connections are no news."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address, handler, state):
        self.state = state
        super().__init__(address, handler)

    def handle_error(self, request, client_address):
        pass


def main(address, port, control_port, chain, key):
    """Serves until it is ended."""
    state = State()
    control = Server((address, int(control_port)), Control, state)
    backend = Server((address, int(port)), Backend, state)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    backend.socket = context.wrap_socket(backend.socket, server_side=True,
                                         do_handshake_on_connect=False)
    threading.Thread(target=control.serve_forever, daemon=True).start()
    backend.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
