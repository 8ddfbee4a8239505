# SPDX-License-Identifier: Apache-2.0
"""make demo-file, as a stranger runs it: every line as expected, and nothing left behind."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
SECONDS = 180


def demo(*options):
    """(exit status, what it printed)."""
    done = subprocess.run([sys.executable, TREE / "tests/demo_file.py", *options], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False)
    return done.returncode, done.stdout


def test_demo_file_everything_as_expected_and_nothing_left():
    with tempfile.TemporaryDirectory(prefix="eas-demo-") as folder:
        Path(folder).chmod(0o755)    # httpd's user reads below it
        root = Path(folder) / "demo"
        status, printed = demo("--root", root)
        assert status == 0, printed
        count = re.search(r"^(\d+) of (\d+) as expected", printed, re.M)
        assert count and count[1] == count[2] and int(count[1]) == printed.count("as expected  ")
        assert "UNEXPECTED" not in printed and not root.exists()
        for told in ("told alice", "told pool", "account-not-found", "password-rejected", "user-mismatch",
                     "certificate-expired", 'line 23: "mapp" is unknown'):
            assert told in printed, told
