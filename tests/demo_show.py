# SPDX-License-Identifier: Apache-2.0
"""What the demos have in common: tries and their lines, and the way from nothing to nothing."""

import argparse
import functools
import http.client
import os
import re
import shutil
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable

from lab import process

TREE = Path(__file__).resolve().parent.parent
MODULE = TREE / "build/mod_eas_certauth.so"
HOST = "mail.example.test"
PATH = "/Microsoft-Server-ActiveSync"
LOG_LINES = 12

# The documented configuration three times, each with another EASAuthenticate.
PORTS = {"certificate": 443, "certificate-or-basic": 8443, "certificate-and-basic": 9443}


class Usage(Exception):
    """Something the person who runs the demo can mend; the text says how."""


# ---- the proxy ---------------------------------------------------------------------------

def adapt(example, address, port, values):
    """An example's text with this machine's address and paths in the places of its own."""
    text = re.sub(r"(?m)^(\s*<VirtualHost\s+)\S+?>", rf"\g<1>{address}:{port}>", example.read_text(encoding="utf-8"))
    for directive, value in values.items():
        text, found = re.subn(rf"(?m)^(\s*{directive}\s+)\S+", rf"\g<1>{value}", text)
        if not found:
            raise Usage(f"{example} has no {directive}")
    return text


# ---- what came back ---------------------------------------------------------------------------

@dataclass(frozen=True)
class Try:
    """One line of a demo: `ask` returns timed()'s pair, `judge` (as expected?, what came back)."""

    who: str
    what: str
    ask: Callable
    judge: Callable


def timed(ask, *arguments):
    """(Answer, seconds)."""
    begin = time.monotonic()
    answer = ask(*arguments)
    return answer, time.monotonic() - begin


def attempt(who, what, ask, judge):
    """A Try that asks when its turn comes."""
    return Try(who, what, functools.partial(timed, ask), judge)


def refused(proxy, status, reason, answer):
    """A refusal: its reason in header, body and log."""
    told = answer.headers.get("X-EAS-Reason", "no reason")
    found = re.search(rb"Request id: (\S+)", answer.body)
    number = found.group(1).decode() if found else "none"
    logged = any(f"id={number} " in line + " " and f"reason={told} " in line
                 for line in proxy.error_log().splitlines())
    retry = answer.headers.get("Retry-After")
    text = f"{told}{f', Retry-After {retry}' if retry else ''}, log id={number}"
    good = (answer.status == status and told == reason and logged
            and (status != 503 or retry is not None))
    return good, text + ("" if logged else " (not in the log)")


def ask_until(ask, good, seconds):
    """The first answer that is good, or the last one."""
    deadline = time.monotonic() + seconds
    answer = ask()
    while not good(answer) and time.monotonic() < deadline:
        time.sleep(0.1)
        answer = ask()
    return answer


# ---- the show ---------------------------------------------------------------------------

def perform(one, proxy):
    """Does one try and prints its line; True when it went as expected."""
    try:
        answer, seconds = one.ask()
        good, text = one.judge(answer)
        came = f"{answer.status} {seconds:5.1f} s  {text}"
    except (OSError, http.client.HTTPException, process.NotReady, RuntimeError) as failure:
        good, came = False, f"no answer: {failure}"
    print(f"{'as expected' if good else 'UNEXPECTED':12} {one.who:42} {one.what:22} {came}", flush=True)
    if not good:
        print("  the last lines of the proxy's error log:")
        for line in proxy.error_log().splitlines()[-LOG_LINES:]:
            print(f"    {line}")
    return good


def play(parts, proxy):
    """Every try of each (title, tries) in order; how they went."""
    results = []
    for title, tries in parts:
        print(f"\n-- {title}")
        results += [perform(one, proxy) for one in tries]
    return results


@dataclass(frozen=True)
class Demo:
    """`run(root, keep)` gives the exit status, 1 after something unexpected; `end(root)` ends whatever runs there."""

    description: str
    root: Path
    needs: tuple
    run: Callable
    end: Callable


def check_conditions(demo):
    """Refuses what cannot work, in one sentence each."""
    for path, remedy in demo.needs:
        if not path.exists():
            raise Usage(f"{path} is missing; {remedy}")
    if demo.root.is_symlink() or (demo.root.exists() and demo.root.stat().st_uid != os.geteuid()):
        raise Usage(f"{demo.root} belongs to somebody else; remove it")


def stop_all(demo):
    """Ends whatever an earlier run left, and removes its folder."""
    if demo.root.exists():
        demo.end(demo.root)
        shutil.rmtree(demo.root, ignore_errors=True)


def finish(demo, status):
    """Ends everything; after an unexpected result the folder with the logs stays."""
    if status == 1 and demo.root.exists():
        demo.end(demo.root)
        print(f"the logs are kept in {demo.root}")
    else:
        stop_all(demo)


def show(demo, keep):
    """A demo from nothing to nothing; the exit status. A stranger sees sentences, not stack traces."""
    status, complete = 1, False
    try:
        check_conditions(demo)
        stop_all(demo)
        status, complete = demo.run(demo.root, keep), True
    except (Usage, process.NotReady, RuntimeError, OSError) as failure:
        print(f"the demo cannot run: {failure}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        status = 130
    finally:
        if not (keep and complete):
            finish(demo, status)
    return status


def main(demo):
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=demo.description)
    parser.add_argument("--keep", action="store_true", help="leave everything running")
    parser.add_argument("--stop", action="store_true", help="end what --keep left running")
    parser.add_argument("--root", type=Path, default=demo.root, help="the folder for everything (%(default)s)")
    arguments = parser.parse_args()
    demo = replace(demo, root=arguments.root)
    signal.signal(signal.SIGTERM, signal.default_int_handler)    # ends as Ctrl-C does
    if os.geteuid() != 0:
        print("the laboratory starts servers on ports below 1024: run it as root", file=sys.stderr)
        return 1
    if arguments.stop:
        stop_all(demo)
        return 0
    return show(demo, arguments.keep)
