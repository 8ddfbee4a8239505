# SPDX-License-Identifier: Apache-2.0
"""The files of the project, as every check sees them."""
import os
import subprocess
import sys
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("core", "trust", "directory", "kerberos", "jobs", "httpd", "cli")


def files(*patterns):
    """Paths under version control or about to be, that match one of the patterns and exist."""
    listed = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others",
                             "--exclude-standard", "--", *patterns], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        names = {name for name in listed.stdout.decode().split("\0") if name}
    else: # an unpacked archive
        everything = [path.relative_to(ROOT) for path in ROOT.rglob("*")]
        names = {str(path) for path in everything if path.parts[0] not in ("build", ".git")
                 and any(fnmatch(str(path), pattern) for pattern in patterns)}
    return sorted(ROOT / name for name in names if (ROOT / name).is_file())


def module_sources():
    """Every .c that is compiled into the module or the command."""
    return [path for path in files("*.c") if path.parent == ROOT or path.relative_to(ROOT).parts[0] == "src"]


def room(path):
    """The folder under src, "module" for mod_eas_certauth.c, None for anything else."""
    parts = path.relative_to(ROOT).parts
    if len(parts) == 1 and path.suffix == ".c":
        return "module"
    return parts[1] if parts[0] == "src" and len(parts) == 3 else None


@cache
def make_variable(name):
    """What the Makefile has for it, as a list of words."""
    said = subprocess.run(["make", "--no-print-directory", "-s", f"print-{name}"], cwd=ROOT, capture_output=True,
                          text=True, check=True, env={**os.environ, "MAKEFLAGS": ""})
    return said.stdout.split()


def finish(problems):
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)
