# SPDX-License-Identifier: Apache-2.0
"""Many clients at the same time: threads that begin together, and what became of each."""

import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor

# What a client sees of a kept connection that the server closed while nothing was under way.
CLOSED = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


def get(client, path, headers=()):
    """A GET, again only when a kept connection was closed before any answer (RFC 9112 9.3.1)."""
    kept = client.connected
    try:
        return client.request("GET", path, None, headers)
    except CLOSED:
        if not kept:
            raise
        return client.request("GET", path, None, headers)


def timed(function, *arguments):
    """(result, seconds)."""
    begin = time.monotonic()
    result = function(*arguments)
    return result, time.monotonic() - begin


def at_once(functions):
    """Calls all functions in threads that begin together; their results in order."""
    functions = list(functions)
    gate = threading.Barrier(len(functions))

    def run(function):
        gate.wait()
        return function()
    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(run, functions))
