# SPDX-License-Identifier: Apache-2.0
"""A real Active Directory, KDC, ActiveSync server and httpd on loopback addresses, for the tests."""

from pathlib import Path


def domain_setup_source():
    """The text that decides what a provisioned domain holds: a template is valid only for it."""
    here = Path(__file__).resolve().parent
    return "".join((here / name).read_text(encoding="utf-8")
                   for name in ("accounts.py", "domain_setup.py"))
