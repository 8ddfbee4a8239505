# SPDX-License-Identifier: Apache-2.0
"""The persister's program: an HTTP server that takes Kerberos tickets and may tie the first one to the connection.

Arguments: ADDRESS PORT CONTROL_PORT CHAIN_FILE|- KEY_FILE|- . The keytab is KRB5_KTNAME's. The control port speaks
plain HTTP: GET /log, DELETE /log, POST /settings (a JSON object, see persister.py).
"""

import base64
import itertools
import json
import ssl
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import gssapi

SPNEGO = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
KERBEROS = gssapi.OID.from_int_seq("1.2.840.113554.1.2.2")
FILLER = "mail of {user} "
NAMES_IN_ANSWER = 100
WRONG_KEPT = 20
CONNECTION_NUMBERS = itertools.count(1)


class State:
    """How to answer, and what was carried out as whom; one lock for both."""

    def __init__(self):
        self.lock = threading.Lock()
        self.credentials = gssapi.Credentials(usage="accept", mechs=[SPNEGO, KERBEROS])
        self.settings = {"keeps": "nothing", "announce": False, "proof": "fresh", "refuse": 0, "status": 200,
                         "interim": False, "length": True, "closes": False, "silent_to": [], "raw": {}, "drip": 0}
        self.clear()

    def clear(self):
        """Forgets what was carried out."""
        self.log = {"requests": 0, "wrong": [], "methods": {}, "without_token": 0, "connections": 0,
                    "longest": 0, "refused": 0}

    def record(self, asked, served, method, connection):
        """One request that was carried out as `served`; `asked` is whose it is."""
        with self.lock:
            self.log["requests"] += 1
            self.log["methods"][method] = self.log["methods"].get(method, 0) + 1
            self.log["connections"] += connection.served == 1
            self.log["longest"] = max(self.log["longest"], connection.served)
            self.log["without_token"] += not connection.token
            if asked != served and len(self.log["wrong"]) < WRONG_KEPT:
                self.log["wrong"].append([method, asked, served, connection.number])

    def take_refusal(self):
        """Whether this request is one of those to be refused."""
        with self.lock:
            refused = self.settings["refuse"] > 0
            self.settings["refuse"] -= refused
            self.log["refused"] += refused
        return refused


class Mailboxes(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self):
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
        self.number, self.served, self.token = next(CONNECTION_NUMBERS), 0, None
        self.first_user = self.first_proof = None
        super().setup()

    def log_message(self, format, *arguments):
        pass

    def handle_expect_100(self):
        """With buffered writes, the 100 has to be sent before the body is waited for."""
        done = super().handle_expect_100()
        self.wfile.flush()
        return done

    def accept(self, settings):
        """(user, proof) of the request's token; both None for none or a bad one."""
        kind, _, self.token = self.headers.get("Authorization", "").partition(" ")
        if kind != "Negotiate" or not self.token:
            return None, None
        context = gssapi.SecurityContext(creds=self.server.state.credentials, usage="accept")
        try:
            proof = context.step(base64.b64decode(self.token))
        except gssapi.exceptions.GSSError as error:
            print(error, file=sys.stderr, flush=True)
            return None, None
        return str(context.initiator_name).partition("@")[0], proof

    def identify(self, settings):
        """(user, proof) as whom this request is carried out."""
        if settings["keeps"] == "first" and self.first_user:
            return self.first_user, None    # a later token is not even looked at
        user, proof = self.accept(settings)
        if settings["keeps"] == "absent" and not user:
            return self.first_user, None
        self.first_user, self.first_proof = self.first_user or user, self.first_proof or proof
        return user, proof

    def handle_any(self):
        """Carries the request out and says as whom."""
        settings = dict(self.server.state.settings)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        user, proof = self.identify(settings)
        if not user or self.server.state.take_refusal():
            self.close_connection = True
            return self.answer(401, {"WWW-Authenticate": "Negotiate", "Connection": "close"}, b"no ticket, no mail")
        if self.command in settings["silent_to"]:
            self.close_connection = True
            return None
        self.served += 1
        self.server.state.record(query.get("User", [user])[0], user, self.command, self)
        if self.command in settings["raw"]:
            return self.answer_raw(settings["raw"][self.command], settings["drip"], user, proof)
        headers = {"Persistent-Auth": "true"} if settings["announce"] else {}
        if settings["closes"]:
            headers["Connection"] = "close"
            self.close_connection = True
        proof = {"fresh": proof, "first": self.first_proof, "none": None}[settings["proof"]]
        if proof:
            headers["WWW-Authenticate"] = "Negotiate " + base64.b64encode(proof).decode()
        body = (FILLER.format(user=user) * NAMES_IN_ANSWER).encode()
        if settings["interim"]:
            self.send_response_only(103)
            self.send_header("Link", f"<mail of {user}>")
            self.end_headers()
        return self.answer(settings["status"], headers, body, settings["length"])

    do_GET = do_POST = do_OPTIONS = do_HEAD = handle_any

    def answer(self, status, headers, body, length=True):
        """Sends it, in chunks when its length is not to be said."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        bodiless = status in (204, 304)
        if bodiless:
            body = b""
        elif length:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.command == "HEAD" or bodiless:
            return
        self.wfile.write(body if length else b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))


    def answer_raw(self, text, pause, user, proof):
        """Sends what no library would, and ends the connection."""
        self.close_connection = True
        proof = base64.b64encode(proof).decode() if proof else ""
        for byte in text.replace("USER", user).replace("PROOF", proof).encode():
            self.wfile.write(bytes([byte]))
            if pause:
                self.wfile.flush()
                time.sleep(pause)


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
        """GET /log."""
        with self.server.state.lock:
            self.reply(self.server.state.log)

    def do_DELETE(self):
        """DELETE /log."""
        with self.server.state.lock:
            self.server.state.clear()
        self.reply()

    def do_POST(self):
        """POST /settings changes settings."""
        value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.state.lock:
            self.server.state.settings.update(value)
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
    backend = Server((address, int(port)), Mailboxes, state)
    if chain != "-":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        backend.socket = context.wrap_socket(backend.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=control.serve_forever, daemon=True).start()
    backend.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
