# SPDX-License-Identifier: Apache-2.0
"""Backends that break, stall and lie on kept connections: nothing of it passes, and only a lie ends reuse."""

import re
import socket
import socketserver
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler

import pytest

from lab.clock import Clock
from lab.process import wait_until
from proxy import MAIL, virtual_host
from reasons import check_refusal, line_of
from reuse import NOT_KEPT, PROVEN, UNANSWERED, UNVERIFIED, check_mail, prove, verified, wait_for_line

MORE = "mail of USER" * 2000
PROBE_SECONDS = 14      # "some ten seconds", on a busy machine

# What comes before the connection breaks, and is no answer.
BROKEN = {
    "an interim answer": "HTTP/1.1 103 mail of USER\r\nLink: <mail of USER>\r\n\r\n",
    "100 Continue": "HTTP/1.1 100 mail of USER\r\n\r\n",
    "many interim answers": "HTTP/1.1 103 mail of USER\r\nLink: <mail of USER>\r\n\r\n" * 50,
    "half of the headers": "HTTP/1.1 502 mail of USER\r\nContent-Type: text/plain\r\nX-Mail: mail of",
    "no header": "HTTP/1.1 502 mail of USER\r\nmail of USER\r\n\r\n",
    "too long a header": f"HTTP/1.1 502 mail of USER\r\nX: {MORE}\r\n\r\n",
    "another protocol's answer": "HTTP/9.1 502 mail of USER\r\n\r\n",
    "another protocol": "HTTP/1.1 101 mail of USER\r\nUpgrade: mail of USER\r\nConnection: Upgrade\r\n\r\n",
}


@pytest.fixture
def site(lab, proxy, persister):
    """make(*contents, env, modules, mpm, …): httpd with a section whose backend connections may be kept."""
    def make(*contents, env=None, modules=(), mpm="event", **settings):
        return proxy(virtual_host(lab, *contents, verified(persister.url, **settings)), env=env, modules=modules,
                     mpm=mpm)
    return make


def check_nothing_passed(outcome):
    """Neither body nor headers nor status line have anything of the backend's."""
    seen = f"{outcome.answer.phrase} {outcome.headers} {outcome.text}"
    assert "mail of" not in seen, seen


# ---- broken answers ------------------------------------------------------------------------------

@pytest.mark.parametrize("override", ["Off", "On"])
def test_broken_answer_is_no_unproven_one_and_nothing_of_it_passes(site, holders, persister, allow_log, override):
    allow_log(r"proxy(_http)?:(error|warn)")
    one = site(ProxyErrorOverride=override)
    prove(one, holders["alice"], persister)
    for why, text in BROKEN.items():
        persister.behave(raw={})
        persister.forget()
        for name in ("alice", "bob"):
            check_mail(one.request(MAIL, holders[name]), name)
        assert persister.log()["longest"] == 2, f"connections are kept, before {why}"
        persister.behave(raw={"GET": text})
        outcome = one.request(MAIL, holders["bob"])
        assert outcome.status == 502 and "X-EAS-Reason" not in outcome.headers, why
        check_nothing_passed(outcome)
    assert not re.search(f"{NOT_KEPT}|{UNANSWERED}", one.whole_log())


@pytest.mark.parametrize("status, override", [(502, "Off"), (502, "On"), (400, "Off")])
def test_early_answer_without_proof_is_dropped_and_reuse_waits_for_a_probe(lab, site, holders, persister, expect_log,
                                                                           status, override):
    """What stands in front of a backend, or its HTTP server alone, when nobody has looked at the ticket yet."""
    expect_log(UNVERIFIED)
    clock = Clock(lab.root / "clock-hostile")
    one = site(ProxyErrorOverride=override, env=clock.environment(lab.env))
    prove(one, holders["alice"], persister)
    persister.behave(raw={"GET": f"HTTP/1.1 {status} mail of USER\r\nContent-Length: 12\r\n\r\nmail of USER"})
    outcome = one.request(MAIL, holders["bob"])
    check_refusal(outcome, "backend-unverified")
    check_nothing_passed(outcome)
    wait_for_line(one, UNANSWERED + f"it answered {status} without a proof")
    persister.clear()
    for name in ("alice", "bob"):
        check_mail(one.request(MAIL, holders[name]), name)
    assert (persister.log()["longest"], persister.log()["methods"]) == (1, {"GET": 2})
    clock.forward(61)
    check_mail(one.request(MAIL, holders["alice"]), "alice")
    wait_for_line(one, f"(?s){PROVEN}.*{PROVEN}")
    persister.forget()
    for name in ("alice", "bob"):
        check_mail(one.request(MAIL, holders[name]), name)
    assert persister.log()["longest"] == 2
    assert not re.search(NOT_KEPT, one.whole_log())


# ---- the probe -----------------------------------------------------------------------------------

@pytest.mark.parametrize("text, why", [
    ("HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n", "it answered 503 to OPTIONS"),
    ("HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n", "it answered 401 to OPTIONS"),
    ("HTTP/1.1 100 Continue\r\n\r\n", "it did not answer OPTIONS"),
])
def test_probe_of_a_backend_that_fails_says_nothing(site, holders, persister, allow_log, text, why):
    allow_log("proxy(_http)?:error.*(AH01102|AH00898)")
    persister.behave(raw={"OPTIONS": text})
    one = site()
    check_mail(one.request(MAIL, holders["alice"]), "alice")
    wait_for_line(one, UNANSWERED + why)


def test_probe_of_a_dripping_backend_ends(site, holders, persister, allow_log):
    """One byte each second keeps mod_proxy reading."""
    allow_log("proxy(_http)?:(error|warn)")
    persister.behave(raw={"OPTIONS": "HTTP/1.1 200 OK\r\nX: " + "drip" * 100}, drip=1)
    one = site()
    check_mail(one.request(MAIL, holders["alice"]), "alice")
    begin = time.monotonic()
    wait_for_line(one, UNANSWERED)
    assert time.monotonic() - begin < PROBE_SECONDS


def test_probe_of_a_child_that_is_ended(site, holders, persister):
    """prefork's children end amid what they do, and apr_reslist aborts when a connection is not back."""
    persister.behave(raw={"OPTIONS": "HTTP/1.1 200 OK\r\n"}, drip=1)
    one = site(mpm="prefork")
    check_mail(one.request(MAIL, holders["alice"]), "alice")
    wait_until(lambda: persister.log()["methods"].get("OPTIONS"), 10, "the probe has begun")
    one.stop()
    assert "exit signal" not in one.httpd.error_log()


class Local(BaseHTTPRequestHandler):
    """A backend on a UNIX socket, which notes methods."""

    methods = []

    def handle_any(self):
        """Answers nothing."""
        self.methods.append(self.command)
        self.send_response_only(204)
        self.end_headers()

    do_GET = do_OPTIONS = handle_any


def test_no_probe_of_a_unix_socket(lab, proxy, holders, allow_log):
    """Without ports, it could not tell whether both answers came on one connection."""
    allow_log("AH00161: server reached MaxRequestWorkers")
    path = lab.root / "backend.sock"
    path.unlink(missing_ok=True)
    with socketserver.ThreadingUnixStreamServer(str(path), Local) as server:
        path.chmod(0o777)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        one = proxy(virtual_host(lab, verified(f"unix:{path}|http://local")), mpm="prefork",
                    workers="ServerLimit 1\nMaxRequestWorkers 1\n", start_log=["ECA1037"])
        for name in ("alice", "bob"):    # the second when the only child is free again
            assert one.request(MAIL, holders[name]).status == 204
        one.stop()
        server.shutdown()
    assert Local.methods == ["GET", "GET"]


# ---- a second attempt ----------------------------------------------------------------------------

def test_second_attempt_without_a_ticket_has_a_connection_of_its_own(lab, site, holders, persister, allow_log,
                                                                     expect_log):
    """The first member says nothing; meanwhile the other one refuses the ticket."""
    expect_log(line_of("backend-rejected-ticket"))
    allow_log(r"proxy(_http)?:error")
    with socket.create_server((lab.address("other"), 8099)) as silent:
        one = site("<Proxy balancer://mail>\nProxySet stickysession=route\n"
                   f"BalancerMember {persister.url} timeout=3660 route=good\n"
                   f"BalancerMember http://{lab.address('other')}:8099 timeout=3660 route=silent ping=2\n</Proxy>",
                   ProxyPass=f"balancer://mail{MAIL}", modules=("proxy_balancer", "lbmethod_byrequests", "slotmem_shm"))
        good, mute = f"{MAIL}?route=.good", f"{MAIL}?User=alice&route=.silent"
        prove(one, holders["alice"], persister, good)
        persister.behave(keeps="absent")
        with ThreadPoolExecutor(1) as pool:
            attempts = pool.submit(one.request, mute, holders["alice"], method="POST", body=b"text")
            connection = silent.accept()[0]
            connection.recv(1)
            persister.behave(refuse=1)
            assert one.request(good, holders["alice"]).status == 502
            check_mail(one.request(good, holders["bob"]), "bob")
            assert attempts.result().headers["X-EAS-Reason"] == "backend-rejected-ticket"
        connection.close()
    assert (persister.log()["without_token"], persister.log()["wrong"]) == (0, [])


# ---- requests that httpd makes -------------------------------------------------------------------

INCLUDING = ("HTTP/1.1 200 OK\r\nWWW-Authenticate: Negotiate PROOF\r\nContent-Type: text/html\r\n"
             f'Content-Length: {27 + len(MAIL)}\r\n\r\n<!--#include virtual="{MAIL}" -->')


@pytest.fixture
def including(site, holders, persister):
    """A site that carries out what the backend's answers to POST ask for, and that has proven itself."""
    one = site(SetOutputFilter="INCLUDES", Options="+Includes", modules=("include",))
    prove(one, holders["alice"], persister)
    return one


def test_sub_request_in_an_answer_has_a_connection_of_its_own(including, holders, persister):
    persister.behave(raw={"POST": INCLUDING})
    for name in ("alice", "bob") * 2:
        check_mail(including.request(MAIL, holders[name], method="POST", body=b"text"), name)
    log = persister.log()
    assert (log["methods"], log["wrong"], log["longest"]) == ({"GET": 4, "POST": 4}, [], 1)
    assert not re.search(NOT_KEPT, including.whole_log())


def test_sub_request_in_an_unproven_answer_is_not_made(including, holders, persister, expect_log):
    expect_log(NOT_KEPT)
    expect_log(UNVERIFIED)
    persister.behave(raw={"POST": INCLUDING.replace("PROOF", "")})
    outcome = including.request(MAIL, holders["bob"], method="POST", body=b"text")
    check_refusal(outcome, "backend-unverified")
    assert persister.log()["methods"] == {"POST": 1}
