# SPDX-License-Identifier: Apache-2.0
"""analyse.py format|tidy|cppcheck|analyzer: the compilers' and checkers' opinion of the module's sources."""
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import tree

AT_A_TIME = 2
ANALYZER_ROOMS = ("core", "trust", "kerberos", "jobs", "directory")

# What cppcheck may say without being heard.
CPPCHECK_SUPPRESSED = [
    "missingIncludeSystem", # it does not need libc's headers to check ours
    "variableScope",        # locals stand at the top of the function, as in httpd's own sources
    "shadowFunction",       # gcc's -Wshadow decides what hides what
    "redundantContinue",    # `continue` is how an empty loop is written
]


def flags(path):
    room = tree.room(path)
    return ["-std=gnu11", *tree.make_variable("DEFINES"),
            *tree.make_variable(f"INCLUDES_{'httpd' if room == 'module' else room}")]


def run(command):
    """What it said, or nothing when it was content."""
    done = subprocess.run(command, cwd=tree.ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip()


def run_each(commands):
    with ThreadPoolExecutor(AT_A_TIME) as executor:
        return [problem for problem in executor.map(run, commands) if problem]


def check_format():
    paths = [path for path in tree.files("*.c", "*.h") if tree.room(path)]
    return run_each([["clang-format", "--dry-run", "-Werror", "--ferror-limit=5", *paths]])


def check_tidy():
    longest_first = sorted(tree.module_sources(), key=lambda path: -path.stat().st_size)
    return run_each([["clang-tidy", "--quiet", "--warnings-as-errors=*", path, "--", *flags(path)]
                     for path in longest_first])


def check_cppcheck():
    includes = [f"-I{path}" for path in sorted((tree.ROOT / "src").iterdir()) if path.is_dir()]
    with tempfile.TemporaryDirectory() as folder:
        return run_each([["cppcheck", "--quiet", "--std=c11", "--enable=warning,performance,portability,style",
                          "--inline-suppr", "--error-exitcode=1", f"-j{AT_A_TIME}", f"--cppcheck-build-dir={folder}",
                          "--template={file}:{line}: {id}: {message}",
                          *(f"--suppress={name}" for name in CPPCHECK_SUPPRESSED),
                          "-D_GNU_SOURCE", "-DLINUX", *includes, *tree.module_sources()]])


def check_analyzer():
    return run_each([["gcc", "-fanalyzer", "-Werror", "-O1", "-c", "-o", "/dev/null", *flags(path), path]
                     for path in tree.module_sources() if tree.room(path) in ANALYZER_ROOMS])


CHECKS = {"format": check_format, "tidy": check_tidy, "cppcheck": check_cppcheck, "analyzer": check_analyzer}

if __name__ == "__main__":
    tree.finish(CHECKS[sys.argv[1]]())
