# SPDX-License-Identifier: Apache-2.0
"""Methods beside those of ActiveSync: what an answer may show, and sections that are written for some methods only."""

import pytest

from proxy import ADDRESS, section, virtual_host
from reasons import check_grant, check_refusal

ECHO = f"""Listen {ADDRESS}:81
<VirtualHost {ADDRESS}:81>
ServerName echo.example.test
TraceEnable on
</VirtualHost>"""


@pytest.mark.parametrize("settings", [
    pytest.param({}, id="kerberos"),
    pytest.param({"EASBackendReuse": "verified"}, id="kerberos, reuse"),
    pytest.param({"EASDelegation": "header"}, id="header"),
])
def test_trace_does_not_show_what_the_backend_is_told(lab, proxy, holders, settings):
    """httpd's TraceEnable is on by default, and the backend is one that answers."""
    one = proxy(virtual_host(lab, section("/mail", f"http://{ADDRESS}:81", **settings),
                             section("/open", f"http://{ADDRESS}:81", EASDelegation="none")), ECHO)
    check_refusal(one.request("/mail", holders["alice"], method="TRACE"), "not-authorized", "TRACE")
    check_refusal(one.request("/mail", method="TRACE"), "certificate-required")
    open_to_all = one.request("/open", holders["alice"], method="TRACE")
    assert open_to_all.status == 200 and open_to_all.text.startswith("TRACE / HTTP/1.1")


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "MKCOL", "UNHEARDOF"])
@pytest.mark.parametrize("limits", [
    pytest.param("<Limit POST>\nRequire valid-user\n</Limit>", id="Limit"),
    pytest.param("<LimitExcept OPTIONS>\nRequire valid-user\n</LimitExcept>", id="LimitExcept"),
])
def test_limit_leaves_no_method_without_authentication(lab, proxy, holders, standin, method, limits):
    one = proxy(virtual_host(lab, section("/mail", standin.url, limits, Require=None)))
    check_refusal(one.request("/mail", method=method), "certificate-required")
    check_refusal(one.request("/mail", holders["expired"], method=method), "certificate-expired")
    assert standin.requests() == []
    if method in ("GET", "POST", "OPTIONS"):    # what the stand-in knows
        check_grant(one.request("/mail", holders["alice"], method=method))
