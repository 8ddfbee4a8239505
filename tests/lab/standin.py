# SPDX-License-Identifier: Apache-2.0
"""A scripted HTTPS backend for what SOGo does not do: odd statuses, slow and dying answers."""

import http.client
import json
import sys
from pathlib import Path

from lab import process

PORT, CONTROL_PORT = 443, 8080
SERVER = Path(__file__).with_name("standin_server.py")

NOT_IMPLEMENTED = {"status": 501}
PROVISION_FIRST = {"status": 449, "phrase": "Retry after sending a PROVISION command"}
UNAUTHORIZED = {"status": 401, "headers": {"WWW-Authenticate": "Negotiate"}}
PERSISTENT = {"headers": {"Persistent-Auth": "true"}}


def redirect_to(url):
    """The answer of a server that moved the mailbox: 451 with X-MS-Location."""
    return {"status": 451, "headers": {"X-MS-Location": url}}


class Standin:
    """The stand-in as a daemon: `url`, `host`, and the control calls.

    Without a script every request is answered 200 with a JSON echo: method, path, headers
    (list of pairs), connection (a number per TCP connection), first_authorization (the
    first Authorization seen on that connection), body (base64, cut), body_length.
    """

    def __init__(self, folder, address, certificate, host="standin.example.test"):
        self.address, self.host, self.url = address, host, f"https://{host}"
        self.ca_file = certificate.root
        self.daemon = process.Daemon(
            "standin", folder, [sys.executable, str(SERVER), address, str(PORT),
                                str(CONTROL_PORT), str(certificate.chain), str(certificate.key)],
            ready=process.accept_all(address, PORT, CONTROL_PORT))

    def start(self):
        """Starts it without rules and records."""
        self.daemon.start()
        return self

    def stop(self):
        """Ends it."""
        self.daemon.stop()

    def freeze(self):
        """It accepts connections and never answers."""
        self.daemon.freeze()

    def thaw(self):
        """The end of freeze()."""
        self.daemon.thaw()

    def _control(self, method, path, value=None):
        connection = http.client.HTTPConnection(self.address, CONTROL_PORT, timeout=10)
        try:
            connection.request(method, path, json.dumps(value))
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def script(self, path="", rule=None, **more):
        """Answers requests whose path matches the regular expression from now on.

        Keys, all optional: status, phrase, headers (a value may be a list), body, delay
        (seconds before the answer), die (`before`, `headers` or `body`: where the
        connection breaks), close (after the answer), method, times (how often it applies).
        The newest matching rule wins.
        """
        self._control("POST", "/script", {"path": path, **(rule or {}), **more})

    def limit_headers(self, size):
        """Answers 400 to a request with a header longer than `size`, as IIS does."""
        self._control("POST", "/settings", {"max_header": size})

    def requests(self):
        """Every request so far, in the form of the echo."""
        return self._control("GET", "/requests")

    def clear(self):
        """Forgets rules, limits and requests."""
        self._control("DELETE", "/script")
        self._control("DELETE", "/requests")
        self.limit_headers(65536)
