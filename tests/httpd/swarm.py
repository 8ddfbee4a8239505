# SPDX-License-Identifier: Apache-2.0
"""Many clients at the same time: threads that begin together, and what became of each."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor


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
