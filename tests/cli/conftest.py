# SPDX-License-Identifier: Apache-2.0
"""A certification authority for the command's tests; no servers."""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "httpd")]

from pki.hierarchy import Hierarchy  # noqa: E402


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """Root, issuing CA and the others."""
    return Hierarchy(tmp_path_factory.mktemp("pki"))
