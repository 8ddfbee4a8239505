# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 clients: the same decisions, and streams of one connection side by side."""

import json
import re
import subprocess

import pytest

from proxy import HOST, MAIL, section, virtual_host
from reuse import prove, verified


def curl(proxy, path, certificate, *more):
    """(HTTP version, status, reason header, body) as curl gets it over HTTP/2."""
    done = subprocess.run(
        ["curl", "--silent", "--insecure", "--http2", "--cert", certificate.chain, "--key",
         certificate.key, "--connect-to", f"{HOST}:443:{proxy.address}:443", "--write-out",
         "\n%{http_version} %{http_code} %header{x-eas-reason}", *more, f"https://{HOST}{path}"],
        check=True, capture_output=True, text=True)
    body, _, end = done.stdout.rpartition("\n")
    version, status, *reason = end.split()
    return version, int(status), reason, body


@pytest.fixture(scope="module")
def http2(lab, module_proxy):
    """The same over HTTP/2."""
    return module_proxy("Protocols h2 http/1.1",
                        virtual_host(lab, section("/mail", lab.standin.url,
                                                  EASDelegation="header")),
                        modules=("http2",))


def test_http2_client_is_served(http2, holders):
    version, status, _, body = curl(http2, "/mail", holders["alice"])
    assert (version, status) == ("2", 200)
    assert ["X-Remote-User", "alice@example.test"] in json.loads(body)["headers"]


def test_http2_refusal_has_its_reason(http2, holders):
    version, status, reason, body = curl(http2, "/mail", holders["expired"])
    assert (version, status, reason) == ("2", 403, ["certificate-expired"])
    assert body.startswith("certificate-expired\n")


def test_http2_streams_of_one_connection_are_all_the_same_user(http2, holders, standin):
    urls = [f"https://{HOST}/mail/{number}" for number in range(40)]
    subprocess.run(
        ["curl", "--silent", "--insecure", "--http2", "--parallel",
         "--cert", holders["alice"].chain, "--key", holders["alice"].key,
         "--connect-to", f"{HOST}:443:{http2.address}:443", *urls], check=True, capture_output=True)
    seen = [dict(map(tuple, one["headers"]))["X-Remote-User"] for one in standin.requests()]
    assert seen == ["alice@example.test"] * 40


def test_http2_large_refused_post_is_answered(http2, holders, tmp_path):
    """RFC 9113 8.1: the whole answer, then RST_STREAM with NO_ERROR (which curl 7.88 takes ill)."""
    (tmp_path / "mail").write_bytes(bytes(3_000_000))
    done = subprocess.run(
        ["nghttp", "--verbose", "--no-verify-peer", f"--cert={holders['expired'].chain}",
         f"--key={holders['expired'].key}", f"--data={tmp_path}/mail",
         f"--header=:authority: {HOST}",
         f"https://{http2.address}/mail"], check=True, capture_output=True, text=True, timeout=20)
    received = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert re.search(r"recv \(stream_id=\d+\) :status: 403", received)
    assert re.search(r"recv \(stream_id=\d+\) x-eas-reason: certificate-expired", received)
    sent = [int(length) for length in re.findall(r"send DATA frame <length=(\d+)", received)]
    assert sum(sent) < 1_000_000


def test_http2_users_share_kept_backend_connections(lab, proxy, holders, persister):
    one = proxy("Protocols h2 http/1.1", virtual_host(lab, verified(persister.url)), modules=("http2",))
    prove(one, holders["alice"], persister)
    for name in ("alice", "bob") * 3:
        version, status, _, body = curl(one, f"{MAIL}?User={name}", holders[name])
        assert (version, status, body) == ("2", 200, f"mail of {name} " * 100)
    log = persister.log()
    assert (log["requests"], log["connections"], log["longest"], log["wrong"]) == (6, 1, 6, [])
