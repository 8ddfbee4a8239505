# SPDX-License-Identifier: Apache-2.0
"""EASBackendReuse verified: its section, its log lines, and whose mail an answer is."""

import re

from lab.process import wait_until
from proxy import MAIL, section
from reasons import line_of

PROVEN = r"ECA6004: connections to (\S+) are kept"
UNANSWERED = r"ECA6005: whether connections to \S+ may be kept is asked again in a minute: "
NOT_KEPT = r"eas_certauth:error.*ECA6003: connections to \S+ are not kept any more"
UNVERIFIED = line_of("backend-unverified")


def verified(backend, path=MAIL, *more, **settings):
    """A section whose backend connections may be kept."""
    return section(path, backend + MAIL, *more, **{"EASBackendReuse": "verified", **settings})


def wait_for_line(one, pattern):
    """Until a line of the error log matches: the match."""
    return wait_until(lambda: re.search(pattern, one.whole_log()), 20, pattern)


def prove(one, certificate, persister, path=MAIL):
    """Until the backend has proven itself; its log is empty again."""
    assert one.request(path, certificate).status == 200
    wait_for_line(one, PROVEN)
    persister.forget()


def check_mail(outcome, name):
    """The answer is this person's."""
    assert (outcome.status, outcome.body) == (200, f"mail of {name} ".encode() * 100)
    assert outcome.headers.get_all("WWW-Authenticate", []) == []
