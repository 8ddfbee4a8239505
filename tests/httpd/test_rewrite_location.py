# SPDX-License-Identifier: Apache-2.0
"""EASRewriteLocation: where a 451 of the backend sends a device."""

import pytest

from proxy import HOST, section, virtual_host

BACKEND = "standin.example.test"
MAILBOX = "/Microsoft-Server-ActiveSync?User=alice"

LOCATIONS = [
    (f"https://{BACKEND}{MAILBOX}", f"https://{HOST}{MAILBOX}", "the backend itself"),
    (f"https://{BACKEND.upper()}:443{MAILBOX}", f"https://{HOST}{MAILBOX}", "the same, written otherwise"),
    (f"https://{BACKEND}:8443{MAILBOX}", None, "another port of that host"),
    (f"https://outlook.example.test{MAILBOX}", None, "another host"),
    (f"https://{BACKEND}.elsewhere.test{MAILBOX}", None, "a host whose name begins alike"),
    (f"https://{BACKEND}@elsewhere.test{MAILBOX}", None, "a user that looks like the host"),
    (MAILBOX, None, "no host at all"),
    ("http://[", None, "no URL"),
]


@pytest.fixture(scope="module")
def sites(lab, module_proxy):
    """httpd with the default, with Off, and with a balancer."""
    member = f"<Proxy balancer://mail>\nBalancerMember {lab.standin.url} timeout=3660\n</Proxy>"
    return module_proxy(virtual_host(
        lab, member, section("/on", f"{lab.standin.url}/on", EASDelegation="header"),
        section("/off", f"{lab.standin.url}/off", EASDelegation="header", EASRewriteLocation="Off"),
        section("/balancer", EASDelegation="header", ProxyPass="balancer://mail/balancer")),
        modules=("proxy_balancer", "lbmethod_byrequests", "slotmem_shm"))


@pytest.mark.parametrize("told, wanted, why", [pytest.param(*row, id=row[-1]) for row in LOCATIONS])
@pytest.mark.parametrize("path", ["/on", "/off", "/balancer"])
def test_location_names_the_proxy_where_it_named_the_backend(sites, standin, holders, path, told, wanted, why):
    standin.script(path, status=451, headers={"X-MS-Location": told})
    outcome = sites.request(path, holders["alice"])
    assert outcome.status == 451
    assert outcome.headers["X-MS-Location"] == (wanted if wanted and path != "/off" else told), why


def test_location_beside_another_status_passes(sites, standin, holders):
    told = f"https://{BACKEND}{MAILBOX}"
    standin.script("/on", status=200, headers={"X-MS-Location": told})
    assert sites.request("/on", holders["alice"]).headers["X-MS-Location"] == told
