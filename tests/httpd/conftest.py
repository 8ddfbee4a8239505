# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the integration tests: the laboratory, httpds with the module, log discipline."""

import fcntl
import itertools
import os
import re
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TREE / "tests"), str(TREE / "tests/httpd")]

pytest.register_assert_rewrite("holders", "kdc_answers", "proxy", "reasons", "reuse", "two_users")

from directory_change import DirectoryChanges  # noqa: E402
from holders import Holders  # noqa: E402
from lab.laboratory import Laboratory  # noqa: E402
from lab.persister import Persister  # noqa: E402
from proxy import ALWAYS, MODULE, Proxy, complaints, whole_site  # noqa: E402

KEPT_LOGS = TREE / "build/test-logs"
FIRST_ADDRESS, ADDRESSES = 100, 100    # host numbers that laboratories leave to tests


# ---- the laboratory --------------------------------------------------------------------------

def claim_folder():
    """(folder, lock): one that no other test run uses, the same again after this run has ended."""
    base = Path(os.environ.get("EAS_TEST_ROOT", "/tmp"))
    base.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        lock = open(base / f"eas-test-{number}.lock", "w", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return base / f"eas-test-{number}", lock
        except OSError:
            lock.close()


@pytest.fixture(scope="session")
def lab():
    """The running laboratory."""
    folder, lock = claim_folder()
    laboratory = Laboratory(folder)
    try:
        yield laboratory.start()
    finally:
        laboratory.stop()
        lock.close()


@pytest.fixture(scope="session")
def holders(lab):
    """Certificates by name (holders.py), each issued once."""
    return Holders(lab)


@pytest.fixture
def directory(lab):
    """Changes to accounts that end with the test."""
    changes = DirectoryChanges(lab.dc)
    yield changes
    changes.undo()


@pytest.fixture(scope="module")
def running_persister(lab):
    """The backend that may keep an identity, for a whole module."""
    with Persister(lab, lab.root / "persister") as one:
        yield one


@pytest.fixture
def persister(running_persister):
    """The same, honest and with an empty log."""
    running_persister.clear()
    return running_persister


# ---- httpds ------------------------------------------------------------------------------------

class Registry:
    """Every httpd of the session: who runs, and what a test is answerable for."""

    def __init__(self, module):
        self.module = module
        self.numbers = itertools.count()
        self.running = []
        self.seen_by_test = []

    def make(self, lab, site, **options):
        """A Proxy, not started, with a folder and an address of its own."""
        number = next(self.numbers)
        return Proxy(lab, f"proxy-{number}",
                     lab.address(FIRST_ADDRESS + number % ADDRESSES), site,
                     **{"module": self.module, **options})

    def begin_test(self):
        """Only log lines from now on are the test's."""
        self.seen_by_test = list(self.running)
        for one in self.running:
            one.mark()

    @contextmanager
    def factory(self, lab):
        """The function behind the fixture `proxy`; ends what it started."""
        started = []

        def start(*hosts, site=None, mpm="event", workers=None, cache="none", **options):
            site = site or whole_site(*hosts, mpm=mpm, workers=workers, cache=cache)
            one = self.make(lab, site, mpm=mpm, **options)
            started.append(one)
            self.seen_by_test.append(one)
            one.start()
            self.running.append(one)
            return one
        try:
            yield start
        finally:
            for one in started:
                one.stop()
                self.running = [other for other in self.running if other is not one]


@pytest.fixture(scope="session")
def registry(lab):
    """The session's httpds, with the module as it was built when the session began."""
    return Registry(shutil.copy(MODULE, lab.root / MODULE.name))


@pytest.fixture
def proxy(lab, registry, log_watch):
    """proxy(virtual_host(…), …, start_log=[…], env=…, modules=[…], mpm=…): a running Proxy."""
    with registry.factory(lab) as start:
        yield start


@pytest.fixture(scope="module")
def module_proxy(lab, registry):
    """The same for an httpd that all tests of a module share and none changes."""
    with registry.factory(lab) as start:
        yield start


@pytest.fixture
def unstarted(lab, registry):
    """unstarted(virtual_host(…), …): a Proxy for check()."""
    def make(*hosts, site=None, mpm="event", **options):
        return registry.make(lab, site or whole_site(*hosts, mpm=mpm), mpm=mpm, **options)
    return make


@pytest.fixture
def standin(lab):
    """The stand-in without rules and records."""
    lab.standin.clear()
    yield lab.standin
    lab.standin.clear()


# ---- logs --------------------------------------------------------------------------------------

class LogWatch:
    """What a test has said of the log: patterns that must come, and patterns that may."""

    def __init__(self):
        self.expected, self.allowed = [], []


@pytest.fixture
def expect_log(log_watch):
    """expect_log(PATTERN): such warnings or errors are expected in this test, at least one."""
    return log_watch.expected.append


@pytest.fixture
def allow_log(log_watch):
    """allow_log(PATTERN): such warnings or errors of httpd's own may come in this test."""
    return log_watch.allowed.append


@pytest.fixture(autouse=True)
def log_watch(request, registry):
    """Fails a test for every warning or error in an httpd's log that it did not declare."""
    watch = LogWatch()
    registry.begin_test()
    yield watch
    lines = [line for one in registry.seen_by_test for line in one.troubles()]
    problems = complaints(lines, watch.expected, (*ALWAYS, *watch.allowed))
    failed = any(report.failed for report in getattr(request.node, "reports", ()))
    if failed or problems:
        keep_logs(request.node, registry.seen_by_test)
    if problems and not failed:
        pytest.fail("error log:\n" + "\n".join(problems), pytrace=False)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Lets fixtures know how their test went."""
    outcome = yield
    item.reports = [*getattr(item, "reports", ()), outcome.get_result()]


def keep_logs(item, proxies):
    """Copies what explains a failure to build/test-logs/TEST."""
    target = KEPT_LOGS / re.sub(r"[^\w.-]+", "_", item.name)[:120]
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for one in proxies:
        folder = one.httpd.folder
        copy_files(target / folder.name, folder, "log/*", "conf/site.conf")
        root = one.lab.root
        copy_files(target, root, "log/*.log", "*/log/*.log")


def copy_files(target, folder, *patterns):
    """Copies the files of a folder that match, with their relative names made flat."""
    for pattern in patterns:
        for file in folder.glob(pattern):
            if file.is_file():
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target / str(file.relative_to(folder)).replace("/", "-"))
