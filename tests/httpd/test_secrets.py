# SPDX-License-Identifier: Apache-2.0
"""Tickets, keys, tokens and passwords: in no file, no log, no environment, no core, and not in memory when over."""

import base64
import re
import signal
import subprocess
from pathlib import Path

from lab.acceptor import session_keys
from lab.standin import UNAUTHORIZED
from proxy import MODULE, section, virtual_host
from reasons import check_grant, line_of

# Less memory to look through.
FEW_WORKERS = ("ServerLimit 1\nStartServers 1\nThreadLimit 8\nThreadsPerChild 8\nMaxRequestWorkers 8\n"
               "MinSpareThreads 1\nMaxSpareThreads 8\n")
FEW_WORKERS_WARNING = "ECA1037: MaxRequestWorkers"
ENVIRONMENT = {"KRB5CCNAME": "FILE:/nonexistent/ccache", "KRB5_KTNAME": "FILE:/nonexistent/keytab",
               "KRB5_CLIENT_KTNAME": "FILE:/nonexistent/client.keytab"}
CHANGES_ENVIRONMENT = {"setenv", "putenv", "unsetenv", "clearenv", "secure_putenv"}
OPENED_TO_WRITE = re.compile(r"O_(?:CREAT|WRONLY|RDWR|TMPFILE)")
MAKES_OR_REMOVES = re.compile(r"\b(?:creat|mkdir|mknod|link|symlink|rename|unlink|rmdir|truncate)(?:at2?)?\(")
HTTPD_ITSELF = "[http:trace4]"    # writes every header of a client into the log


def token_of(outcome):
    """The token that the stand-in was sent."""
    (value,) = outcome.arrived("Authorization")
    return base64.b64decode(value.partition(" ")[2], validate=True)


# ---- memory ------------------------------------------------------------------------------------

def find_in_memory(pid, secret):
    """Every place where a process holds these bytes: the line of proc(5)'s maps."""
    found = []
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
            if " rw-" not in line:
                continue
            start, end = (int(one, 16) for one in line.split()[0].split("-"))
            memory.seek(start)
            found += [line] * memory.read(end - start).count(secret)
    return found


def test_secrets_key_is_in_no_shared_memory_and_gone_with_its_ticket(lab, holders, proxy, standin, expect_log):
    one = proxy(virtual_host(lab, section("/", standin.url)), workers=FEW_WORKERS, start_log=[FEW_WORKERS_WARNING])
    (child,) = one.httpd.child_pids()
    (key,) = session_keys(lab, [token_of(one.request("/", holders["alice"]))])
    found = find_in_memory(child, key)
    assert found and all(" rw-p " in line for line in found), "sealed where the children share it"
    standin.script("/", UNAUTHORIZED, times=1)
    expect_log(line_of("backend-rejected-ticket"))
    assert one.request("/", holders["alice"]).status == 502    # and the ticket is dropped
    assert find_in_memory(child, key) == []


def test_secrets_child_leaves_no_core_unless_a_directory_is_named(lab, proxy, tmp_path):
    host = virtual_host(lab, section("/", lab.standin.url))
    tmp_path.chmod(0o777)
    for more, dumpable in (("", False), (f"CoreDumpDirectory {tmp_path}\n", True)):
        one = proxy(more + host)
        (child,) = one.httpd.child_pids()
        # proc(5): what is in there belongs to root when the process is not dumpable
        assert (Path(f"/proc/{child}/environ").stat().st_uid != 0) == dumpable


# ---- logs ----------------------------------------------------------------------------------------

def test_secrets_no_log_at_trace8_has_token_key_or_password(lab, holders, proxy, standin):
    one = proxy(virtual_host(lab, section("/", standin.url, EASAuthenticate="certificate-or-basic")),
                log_level="trace8")
    password = lab.people["bob"].password
    credentials = base64.b64encode(f"bob:{password}".encode()).decode()
    outcomes = [one.request("/", holders["alice"]), one.request("/", basic=("bob", password))]
    for outcome in outcomes:
        check_grant(outcome)
    tokens = [token_of(outcome) for outcome in outcomes]
    secrets = [password, credentials]
    for secret in (*tokens, *session_keys(lab, tokens)):
        secrets += [base64.b64encode(secret).decode(), secret.hex(), secret.hex().upper()]
    logs = list((one.httpd.folder / "log").iterdir())
    assert {one.httpd.error_log_file, one.eas_log, one.trace_file} <= set(logs)
    for log in logs:
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            assert HTTPD_ITSELF in line or not any(secret in line for secret in secrets), line


# ---- files and environment -------------------------------------------------------------------------

def test_secrets_module_cannot_change_the_environment():
    done = subprocess.run(["nm", "-D", "--undefined-only", MODULE], check=True, capture_output=True, text=True)
    imported = {line.split()[-1].partition("@")[0] for line in done.stdout.splitlines()}
    assert "malloc" in imported
    assert not imported & CHANGES_ENVIRONMENT


def test_secrets_child_makes_no_file_and_its_environment_stays(lab, holders, proxy, standin):
    names = [f'always set X-{name.replace("_", "-")} "expr=%{{osenv:{name}}}"' for name in ENVIRONMENT]
    one = proxy(virtual_host(lab, section("/", standin.url, EASAuthenticate="certificate-or-basic", Header=names)),
                env=ENVIRONMENT)
    (child,) = one.httpd.child_pids()
    calls = lab.root / "file-calls"
    tracer = subprocess.Popen(["strace", "-f", "-p", str(child), "-e", "trace=%file", "-o", str(calls)],
                              stderr=subprocess.PIPE, text=True)
    try:
        assert "attached" in tracer.stderr.readline()
        outcomes = [one.request("/", holders["alice"]), one.request("/", basic=("bob", lab.people["bob"].password))]
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate()
    for outcome in outcomes:
        check_grant(outcome)
        assert {name: outcome.answer.headers[f'X-{name.replace("_", "-")}'] for name in ENVIRONMENT} == ENVIRONMENT
    lines = calls.read_text(encoding="utf-8", errors="replace").splitlines()
    assert any(str(lab.proxy_keytab) in line for line in lines), "the tracer saw the keytab read"
    # the tests' own trace of libkrb5 is the only file
    assert [line for line in lines if str(one.trace_file) not in line
            and (OPENED_TO_WRITE.search(line) or MAKES_OR_REMOVES.search(line))] == []
