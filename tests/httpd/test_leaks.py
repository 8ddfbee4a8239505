# SPDX-License-Identifier: Apache-2.0
"""Memory: valgrind over a child that served every kind of request, and a child that stays small."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from functools import partial
from pathlib import Path

from bench import cache
from lab import process
from lab.eas_client import basic
from lab.standin import UNAUTHORIZED
from proxy import MODULE, section, virtual_host
from reasons import line_of
from swarm import at_once, get

VALGRIND = ("valgrind", "--quiet", "--vgdb=no", "--leak-check=full", "--show-leak-kinds=definite",
            "--keep-debuginfo=yes", "--num-callers=40", "--xml=yes")
START_SECONDS, END_SECONDS = 90, 60
SLOW_MILLISECONDS = 60000   # for a look-up under valgrind
FEW_WORKERS = ("ServerLimit 1\nStartServers 1\nThreadLimit {0}\nThreadsPerChild {0}\n"
               "MaxRequestWorkers {0}\nMinSpareThreads 1\nMaxSpareThreads {0}\n")
FEW_WORKERS_WARNING = "ECA1037: MaxRequestWorkers"
CLIENTS, WORKERS = 4, 24

REQUESTS_CHECKED = 1000
WARM_UP, REQUESTS_MEASURED = 6000, 3000    # warm: every thread has used its stack, every pool is filled
ONE_HEAP = {"MALLOC_ARENA_MAX": "1"}       # or threads' heaps grow for long
GROWTH_KIB = 1024                          # a third of a KiB for each request measured
LDAP_CONNECTIONS = 8                       # of a child, kept
CLOSE_SECONDS = 20                         # for the connections of clients that have gone

USERS, FIRST_USERS, A_REQUEST = 100_000, 10_000, 1000    # the first fill what a child keeps: 4,096 tickets

# What each client asks in turn: (path, certificate or password, status).
MIX = (
    *[("/certificate", "alice", 200), ("/certificate", "bob", 200)] * 6,
    ("/certificate", "expired", 403), ("/certificate", "strange", 403),
    ("/certificate", "nobody", 403), ("/certificate", "carol", 403),
    ("/certificate", "upn-alone", 403), ("/certificate", None, 403), ("/certificate", "grace", 403),
    ("/either", ("alice", "right"), 200), ("/either", ("bob", "wrong"), 401),
    ("/either", ("unknown", "wrong"), 401), ("/either", None, 401),
    ("/rejecting", "alice", 502), ("/header", "bob", 200),
)


def site(lab, **settings):
    """Every way through the module."""
    echo = lab.standin.url
    return virtual_host(
        lab, section("/certificate", echo + "/certificate"),
        section("/either", echo + "/either", EASAuthenticate="certificate-or-basic"),
        section("/rejecting", echo + "/rejecting"),
        section("/header", echo + "/header", EASDelegation="header"),
        EASDirectoryCAFile=lab.dc.ca_file, **settings)


class Visitor:
    """Asks the mix in order, each certificate on a kept connection of its own."""

    def __init__(self, one, holders, lab):
        self.one, self.lab = one, lab
        self.clients = {name: one.client("/", holders[name] if name else None, keep_alive=True, timeout=60)
                        for name in {None, *(who for _, who, _ in MIX if isinstance(who, str))}}

    def ask(self, path, who, status):
        """One request, which must be answered with the status."""
        headers, certificate = {}, who
        if isinstance(who, tuple):
            name, password = who
            certificate = None
            headers = {"Authorization": basic(name, self.lab.people[name].password
                                              if password == "right" else "wrong")}
        answer = get(self.clients[certificate], path, headers)
        assert answer.status == status, (path, who, answer.status, answer.body)

    def visit(self, requests, first):
        """So many requests, beginning somewhere in the mix."""
        for number in range(first, first + requests):
            self.ask(*MIX[number % len(MIX)])

    def leave(self):
        """Ends the connections."""
        for client in self.clients.values():
            client.close()


def serve(one, lab, holders, requests):
    """So many requests from several clients at the same time."""
    visitors = [Visitor(one, holders, lab) for _ in range(CLIENTS)]
    each = -(-requests // CLIENTS)
    at_once(partial(visitor.visit, each, number * 7) for number, visitor in enumerate(visitors))
    for visitor in visitors:
        visitor.leave()


# ---- valgrind ------------------------------------------------------------------------------------

def libraries():
    """The libraries our module brings. Unloaded with it when the child ends, what they keep for as
    long as a process lives would look lost.
    """
    done = subprocess.run(["ldd", MODULE], check=True, capture_output=True, text=True)
    return re.findall(r"=> (/\S+/lib(?:ldap|lber|sasl2|gssapi_krb5|krb5|krb5support|k5crypto)[-.]\S+)",
                      done.stdout)


def errors_in(folder):
    """(kind, text of the stack, whether a frame is ours) of everything valgrind reports."""
    found = []
    for report in folder.glob("valgrind-*.xml"):
        text = report.read_text(encoding="utf-8", errors="replace")
        tree = ElementTree.fromstring(text if "</valgrindoutput>" in text else text + "</valgrindoutput>")
        for error in tree.iter("error"):
            frames = [(frame.findtext("obj") or "", frame.findtext("fn") or "?")
                      for frame in error.iter("frame")]
            stack = "\n".join(f"    {function} ({Path(file).name})" for file, function in frames)
            ours = any(file.endswith(MODULE.name) for file, _ in frames)
            found.append((error.findtext("kind"), stack, ours))
    return found


def is_defect(kind, ours):
    """Any invalid access counts, whoever made it; leaks and the like where we are in the stack."""
    return kind.startswith("Invalid") or kind == "Overlap" or ours


def test_leaks_valgrind_finds_none_after_1000_requests(lab, holders, proxy, expect_log):
    folder = lab.root / "valgrind"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    lab.standin.script("^/rejecting", UNAUTHORIZED)
    expect_log(line_of("backend-rejected-ticket"))
    one = proxy(site(lab, EASDirectoryTimeout=SLOW_MILLISECONDS),
                workers=FEW_WORKERS.format(WORKERS), start_log=[FEW_WORKERS_WARNING],
                env={"LD_PRELOAD": " ".join([lab.env["LD_PRELOAD"], *libraries()])},
                wrapper=(*VALGRIND, f"--xml-file={folder}/valgrind-%p.xml"),
                seconds=START_SECONDS, patience=END_SECONDS)
    (child,) = one.httpd.child_pids()
    serve(one, lab, holders, REQUESTS_CHECKED)
    one.stop()
    lab.standin.clear()
    report = folder / f"valgrind-{child}.xml"
    assert "<state>FINISHED</state>" in report.read_text(encoding="utf-8")
    defects = [f"{kind}\n{stack}" for kind, stack, ours in errors_in(folder) if is_defect(kind, ours)]
    assert not defects, "\n".join(defects)


# ---- size ----------------------------------------------------------------------------------------

def resident_kib(pid):
    """RssAnon of proc(5): what the process has for itself."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"(?m)^RssAnon:\s+(\d+) kB", text).group(1))


def open_files(pid):
    """How many file descriptors it has."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def open_sockets(pid):
    """How many sockets it has (each thread's libkrb5 opens the trace file as well)."""
    return sum(one.readlink().name.startswith("socket:") for one in Path(f"/proc/{pid}/fd").iterdir())


def test_leaks_child_stays_as_small_as_it_is_after_warming_up(lab, holders, proxy, expect_log):
    lab.standin.script("^/rejecting", UNAUTHORIZED)
    expect_log(line_of("backend-rejected-ticket"))
    one = proxy(site(lab), workers=FEW_WORKERS.format(WORKERS), start_log=[FEW_WORKERS_WARNING],
                env=ONE_HEAP)
    (child,) = one.httpd.child_pids()
    sockets = open_sockets(child)
    serve(one, lab, holders, WARM_UP)
    memory = resident_kib(child)
    serve(one, lab, holders, REQUESTS_MEASURED)
    lab.standin.clear()
    assert one.httpd.child_pids() == [child]
    assert resident_kib(child) <= memory + GROWTH_KIB
    process.wait_until(lambda: open_sockets(child) <= sockets + LDAP_CONNECTIONS,
                       CLOSE_SECONDS, "sockets closed")


# ---- many users ------------------------------------------------------------------------------------

PROBE = "\n".join(f"<Location /{name}>\nRequire all granted\nSetHandler eas-bench-{name}\n</Location>"
                  for name in ("tickets", "cache"))


def pass_users(client, sid, spn, numbers):
    """Accounts, tickets, tokens and refusals of so many users, each once."""
    for first in range(numbers.start, numbers.stop, A_REQUEST):
        tickets = client.request("GET", f"/tickets?sid={sid}&spn={spn}&first={first}&count={A_REQUEST}")
        assert tickets.json["good"] == A_REQUEST
    accounts = client.request("GET", f"/cache?fill={len(numbers)}")
    assert accounts.json["good"] == len(numbers)


def test_leaks_100000_users_leave_a_child_as_small_as_10000(lab, holders, proxy):
    module = shutil.copy(cache.MODULE, lab.root / "bench.so")
    one = proxy(virtual_host(lab, section("/mail", lab.standin.url), PROBE), module=module, symbols=cache.SYMBOLS,
                cache="shmcb", env=ONE_HEAP, workers=FEW_WORKERS.format(4), start_log=[FEW_WORKERS_WARNING])
    (child,) = one.httpd.child_pids()
    sid = holders.sid("alice")
    with one.client("/", holders["alice"], keep_alive=True, timeout=300) as client:
        assert get(client, "/mail").status == 200
        pass_users(client, sid, lab.exchange_spn, range(0, FIRST_USERS))
        memory, files = resident_kib(child), open_files(child)
        pass_users(client, sid, lab.exchange_spn, range(FIRST_USERS, USERS))
        assert resident_kib(child) <= memory + GROWTH_KIB
        assert open_files(child) == files
        assert get(client, "/mail").status == 200
