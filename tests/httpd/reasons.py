# SPDX-License-Identifier: Apache-2.0
"""What each reason has to look like to the device, to the logs and to the variables."""

import re
from dataclasses import dataclass

from proxy import TREE

REASON_TABLE = TREE / "src/core/reason.def"
REALM = 'Basic realm="ActiveSync"'    # the AuthName of proxy.section()


@dataclass(frozen=True)
class Expected:
    """One row: HTTP status, IIS's code (None: it has none), message id, level of the line."""

    status: int
    iis: str | None
    message: str
    level: str = "notice"


# From the documented table of reasons, not from the module. INFO for a grant and for normal
# traffic, NOTICE for a refusal, ERR for what an administrator must repair.
EXPECTED = {
    "credentials-required": Expected(401, "401.2", "ECA4001", "info"),
    "certificate-required": Expected(403, "403.7", "ECA2001"),
    "certificate-malformed": Expected(403, "403.16", "ECA2002"),
    "certificate-untrusted": Expected(403, "403.16", "ECA2003"),
    "certificate-purpose": Expected(403, "403.16", "ECA2004"),
    "certificate-expired": Expected(403, "403.17", "ECA2007"),
    "certificate-not-yet-valid": Expected(403, "403.17", "ECA2008"),
    "certificate-revoked": Expected(403, "403.13", "ECA2009"),
    "revocation-unavailable": Expected(503, "403.13", "ECA2010", "error"),
    "account-not-found": Expected(403, "403.12", "ECA3001"),
    "account-ambiguous": Expected(403, "403.12", "ECA3002"),
    "mapping-weak": Expected(403, "403.12", "ECA3003"),
    "mapping-predates-account": Expected(403, "403.12", "ECA3004"),
    "sid-mismatch": Expected(403, "403.12", "ECA3005"),
    "account-disabled": Expected(403, "401.1", "ECA3006"),
    "account-expired": Expected(403, "401.1", "ECA3007"),
    "account-locked": Expected(403, "401.1", "ECA3008"),
    "account-incomplete": Expected(403, "403.12", "ECA3009"),
    "directory-unavailable": Expected(503, None, "ECA3010", "error"),
    "user-mismatch": Expected(403, "403.12", "ECA4002"),
    "password-required": Expected(401, "401.2", "ECA4003", "info"),
    "password-rejected": Expected(401, "401.1", "ECA4004"),
    "not-authorized": Expected(403, "403.8", "ECA4005"),
    "internal-error": Expected(500, None, "ECA4006", "error"),
    "delegated-identity-mismatch": Expected(403, None, "ECA5001", "error"),
    "delegation-not-allowed": Expected(403, None, "ECA5002"),
    "kdc-unavailable": Expected(503, None, "ECA5003", "error"),
    "delegation-misconfigured": Expected(503, None, "ECA5004", "error"),
    "backend-rejected-ticket": Expected(502, None, "ECA6001", "error"),
    "backend-unverified": Expected(502, None, "ECA6002", "error"),
}


def reasons_of_the_module():
    """Every reason in reason.def."""
    text = REASON_TABLE.read_text(encoding="utf-8")
    return set(re.findall(r'(?m)^ECA_REASON\(\w+, "([a-z-]+)"', text))


def line_of(reason):
    """A pattern for expect_log(): the line of a reason that is logged as an error."""
    return rf"eas_certauth:error.*{EXPECTED[reason].message} reason={reason} "


def check_answer(outcome, reason, header=True, retry_after=60):
    """The device's side of a refusal: status, headers and the body's first line."""
    expected = EXPECTED[reason]
    assert outcome.status == expected.status
    assert outcome.headers.get_all("X-EAS-Reason") == ([reason] if header else None)
    assert outcome.first_line == reason
    assert outcome.headers.get_all("WWW-Authenticate") == (
        [REALM] if expected.status == 401 else None)
    if expected.status == 503:
        assert retry_after <= int(outcome.headers["Retry-After"]) <= retry_after * 1.25
    else:
        assert outcome.headers["Retry-After"] is None


def check_decision(outcome, reason, detail=""):
    """The line in the error log; `detail` is a pattern for its last field."""
    expected, decision = EXPECTED[reason], outcome.decision
    assert (decision.message, decision.level) == (expected.message, expected.level)
    assert decision.fields["reason"] == reason
    assert decision.fields["status"] == str(expected.status)
    if expected.iis:
        assert decision.fields["iis"] == expected.iis
    assert re.search(detail, decision.fields.get("detail", ""))


def check_refusal(outcome, reason, detail="", **variables):
    """All of it, and the variables as the access log wrote them; None: not set."""
    check_answer(outcome, reason)
    check_decision(outcome, reason, detail)
    assert outcome.access["EAS_REASON"] == reason
    assert outcome.access["status"] == str(EXPECTED[reason].status)
    assert outcome.access["user"] is None
    assert {name: outcome.access[name] for name in variables} == variables


def check_grant(outcome, **variables):
    """A request that was passed on and answered."""
    assert outcome.status == 200, outcome.text
    assert "X-EAS-Reason" not in outcome.headers
    assert outcome.access["EAS_REASON"] == "granted"
    assert (outcome.decision.message, outcome.decision.level) == ("ECA4000", "info")
    assert outcome.decision.fields["reason"] == "granted"
    assert {name: outcome.access[name] for name in variables} == variables
