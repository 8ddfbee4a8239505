# SPDX-License-Identifier: Apache-2.0
"""A backend that takes Kerberos tickets and does with the identity what a careless one would: keep it."""

import http.client
import json
import sys
from pathlib import Path

from lab import process

PORT, CONTROL_PORT = 8443, 8081
SERVER = Path(__file__).with_name("persister_server.py")

HONEST = {"keeps": "nothing", "announce": False, "proof": "fresh", "refuse": 0, "status": 200, "interim": False,
          "length": True, "closes": False, "silent_to": [], "raw": {}, "drip": 0}


class Persister:
    """The program as a daemon: `url` and the control calls.

    Every answer says 100 times as whom the request was carried out: "mail of NAME ".
    `User=NAME` in the query says whose request it is; log() counts what was carried out as somebody else.
    """

    def __init__(self, laboratory, folder, certificate=None, port=PORT):
        self.address = laboratory.address("standin")
        scheme = "https" if certificate else "http"
        self.control_port = CONTROL_PORT + port - PORT
        self.url = f"{scheme}://standin.{laboratory.dns_domain}:{port}"
        files = (str(certificate.chain), str(certificate.key)) if certificate else ("-", "-")
        self.daemon = process.Daemon(
            "persister", folder, [sys.executable, str(SERVER), self.address, str(port), str(self.control_port), *files],
            env={**laboratory.env, "KRB5_KTNAME": str(laboratory.exch_keytab), "KRB5RCACHENAME": "none:"},
            ready=process.accept_all(self.address, port, self.control_port))

    def start(self):
        """Starts it, honest and with an empty log."""
        self.daemon.start()
        return self

    def stop(self):
        """Ends it."""
        self.daemon.stop()

    def __enter__(self):
        return self.start()

    def __exit__(self, *exception):
        self.stop()

    def _control(self, method, path, value=None):
        connection = http.client.HTTPConnection(self.address, self.control_port, timeout=30)
        try:
            connection.request(method, path, json.dumps(value))
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def behave(self, **settings):
        """From now on, also on connections that stand; what is not named stays.

        keeps: `nothing`, `first` (the first identity serves the whole connection, later tokens are ignored) or `absent`
        (it serves only requests without a token, as mod_auth_gssapi's GssapiConnectionBound does).
        announce: whether `Persistent-Auth: true` says so. proof: `fresh` (the token's own AP-REP), `none`, or `first`
        (that of the connection's first token). refuse: how many requests are answered 401.
        status: of the answers. interim: a 103 comes first. length: Content-Length, or else chunks.
        closes: the connection, after each answer. silent_to: methods that get no answer but a closed connection.
        raw: by method, what is sent as it stands, with USER and PROOF filled in, before the connection is closed; drip:
        seconds between its bytes.
        """
        self._control("POST", "/settings", settings)

    def log(self):
        """What was carried out: requests, wrong (method, whose, as whom, connection), methods, without_token,
        connections, longest (requests on one connection), refused.
        """
        return self._control("GET", "/log")

    def clear(self):
        """Honest again, with an empty log."""
        self.behave(**HONEST)
        self.forget()

    def forget(self):
        """With an empty log."""
        self._control("DELETE", "/log")
