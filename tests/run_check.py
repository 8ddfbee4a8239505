# SPDX-License-Identifier: Apache-2.0
"""Runs the steps of `make check` and counts: run_check.py STEP... (lint, unit, fuzz, cli, httpd).

One line per finished thing, failures in full, and at the very end "N passed, N failed".
Exit 1 when anything failed, and when nothing ran. What should run and cannot is a failure.
"""
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
PYTHON = "/usr/bin/python3"
AT_A_TIME = 2
PROGRAM_SECONDS = 120
LINT_SECONDS = 420
HTTPD_SECONDS = 1200

SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "second_deadlock_stack=1:halt_on_error=0",
}

LINT = [
    ("include rule, sizes, licences", ["tests/lint/layers.py"]),
    ("documentation", ["tests/lint/documentation.py"]),
    ("text", ["tests/lint/text.py"]),
    ("clang-format", ["tests/lint/analyse.py", "format"]),
    ("clang-tidy", ["tests/lint/analyse.py", "tidy"]),
    ("cppcheck", ["tests/lint/analyse.py", "cppcheck"]),
    ("gcc -fanalyzer", ["tests/lint/analyse.py", "analyzer"]),
    ("Python and shell", ["tests/lint/scripts.py"]),
]


class Result:
    """What one thing came to."""

    def __init__(self, name, passed, failed, output=""):
        self.name, self.passed, self.failed, self.output = name, passed, failed, output


def run(command, seconds, environment=None):
    """(exit status, output); a program that is not there or takes too long has failed."""
    try:
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **(environment or {})}, timeout=seconds,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              errors="replace", check=False)
        return done.returncode, done.stdout
    except OSError as error:
        return 127, f"{command[0]}: {error.strerror}\n"
    except subprocess.TimeoutExpired as error:
        said = error.stdout or b""
        return 124, said.decode(errors="replace") + f"\nnot finished after {seconds} s\n"


def count_cmocka(status, output):
    """(passed, failed) from what a cmocka program printed; a crash without a failed test counts as one."""
    announced = sum(int(number) for number in re.findall(r"Running (\d+) test\(s\)", output))
    passed = len(re.findall(r"^\[ +OK \] ", output, re.M))
    unhappy = re.findall(r"^\[  (?:FAILED|SKIPPED) +\] (?!\d+ test)(\S+)", output, re.M)
    failed = len(set(unhappy))
    if failed == 0 and (status != 0 or passed == 0 or passed != announced):
        failed = 1
    return passed, failed


def unit_program(program):
    status, output = run([program], PROGRAM_SECONDS, SANITIZERS)
    passed, failed = count_cmocka(status, output)
    return Result(str(program.relative_to(BUILD)), passed, failed, f"{output}exit status {status}\n")


def replay_program(program):
    corpus = ROOT / "tests/fuzz/corpus" / program.name.removeprefix("fuzz_")
    name = str(program.relative_to(BUILD))
    inputs = [path for path in corpus.rglob("*") if path.is_file()] if corpus.is_dir() else []
    if not inputs:
        return Result(name, 0, 1, f"{corpus.relative_to(ROOT)}: no corpus\n")
    status, output = run([program, corpus], PROGRAM_SECONDS, SANITIZERS)
    return Result(f"{name} over {len(inputs)} inputs", int(status == 0), int(status != 0),
                  f"{output}exit status {status}\n")


def timed(action, thing):
    start = time.monotonic()
    result = action(thing)
    return result, time.monotonic() - start


def report(result, seconds):
    verdict = f"{result.failed} FAILED" if result.failed else "ok"
    print(f"{seconds:7.1f} s  {result.name}: {result.passed} passed, {verdict}", flush=True)
    if result.failed:
        print(result.output.rstrip("\n"), flush=True)


def run_all(action, things, at_a_time):
    """Yields results in the order in which things were given."""
    with ThreadPoolExecutor(at_a_time) as executor:
        for result, seconds in executor.map(lambda thing: timed(action, thing), things):
            report(result, seconds)
            yield result


def step_lint():
    def check(entry):
        status, output = run([PYTHON, *entry[1]], LINT_SECONDS)
        return Result(f"lint: {entry[0]}", int(status == 0), int(status != 0), output)
    yield from run_all(check, LINT, 1)


def step_unit():
    sources = sorted((ROOT / "tests/unit").glob("*/test_*.c"))
    programs = [BUILD / "asan/unit" / source.relative_to(ROOT / "tests/unit").with_suffix("") for source in sources]
    under_tsan = sorted(path for path in (BUILD / "tsan/unit").glob("*/test_*") if not path.suffix)
    if not programs or not under_tsan:
        missing = "tests/unit has no programs" if not programs else "nothing was built for the thread sanitizer"
        yield Result("unit", 0, 1, missing)
        print(missing)
    yield from run_all(unit_program, programs + under_tsan, AT_A_TIME)


def step_fuzz():
    targets = sorted(path.stem for path in (ROOT / "tests/fuzz").glob("fuzz_*.c"))
    yield from run_all(replay_program, [BUILD / "asan/replay" / target for target in targets], AT_A_TIME)


def count_junit(path, status):
    """(passed, failed): a test that was skipped has not passed."""
    try:
        cases = list(xml.etree.ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        print(f"{path}: {error}")
        return 0, 1
    bad = [case for case in cases if any(child.tag in ("failure", "error", "skipped") for child in case)]
    for case in bad:
        if case.find("skipped") is not None:
            print(f"not run: {case.get('classname')}.{case.get('name')}: {case.find('skipped').get('message')}")
    failed = len({(case.get("classname"), case.get("name")) for case in bad})
    return len(cases) - len(bad), max(failed, int(status != 0))


def step_cli():
    yield from run_pytest("tests/cli")


def step_httpd():
    yield from run_pytest("tests/httpd")


def run_pytest(folder):
    log = BUILD / f"{Path(folder).name}-tests.xml"
    log.parent.mkdir(exist_ok=True)
    log.unlink(missing_ok=True)
    command = [PYTHON, "-m", "pytest", folder, "-q", "-p", "no:cacheprovider", f"--junitxml={log}",
               *shlex.split(os.environ.get("TESTS", ""))]
    start = time.monotonic()
    pytest = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
    try:
        status = pytest.wait(HTTPD_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"not finished after {HTTPD_SECONDS} s", flush=True)
        pytest.send_signal(signal.SIGINT) # its fixtures end the servers
        try:
            status = pytest.wait(60)
        except subprocess.TimeoutExpired:
            pytest.kill()
            status = pytest.wait()
        status = status or 1
    passed, failed = count_junit(log, status)
    result = Result(folder, passed, failed, f"pytest ended with status {status}")
    report(result, time.monotonic() - start)
    yield result


STEPS = {"lint": step_lint, "unit": step_unit, "fuzz": step_fuzz, "cli": step_cli, "httpd": step_httpd}


def main(names):
    if not names or any(name not in STEPS for name in names):
        print(f"usage: run_check.py {'|'.join(STEPS)} ...", file=sys.stderr)
        return 2
    passed = failed = 0
    for name in names:
        print(f"--- {name}", flush=True)
        ran = 0
        for result in STEPS[name]():
            ran += result.passed + result.failed
            passed += result.passed
            failed += result.failed
        if ran == 0:
            print(f"{name}: nothing ran")
            failed += 1
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
