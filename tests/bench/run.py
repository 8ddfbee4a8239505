# SPDX-License-Identifier: Apache-2.0
"""`make bench`: everything that is measured, side by side on this machine, into build/bench.txt and build/bench.json.

BENCH_ROUNDS (5) rounds; BENCH_PARTS names some of PARTS; BENCH_ROWS is a regular expression for rows of the table
("plain" always runs, the others are compared with it).
"""

import datetime
import os
import platform
import re
import shutil
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "httpd")]

from bench import cache, cold, frozen, growth, hooks, report, table
from bench.servers import Backend
from holders import Holders
from lab.laboratory import Laboratory
from proxy import TREE

PARTS = ("table", "hooks", "growth", "first", "storm", "frozen", "cache")


def describe_machine():
    """Where and when."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"model name\s*: (.*)", text)
    return {"date": f"{datetime.date.today()}", "processors": os.cpu_count(), "kernel": platform.release(),
            "model": model[1] if model else "", "load_before": os.getloadavg()[0]}


class Bench:
    """One run: `say` prints a line and keeps it for the file."""

    def __init__(self, lab, rounds):
        self.lab, self.rounds = lab, rounds
        self.alice = Holders(lab)["alice"]
        self.lines, self.targets, self.rows = [], [], []

    def say(self, *lines):
        """Prints, and keeps."""
        for line in lines:
            print(line, flush=True)
            self.lines.append(line)

    def judge(self, targets):
        """Prints targets as soon as they are known."""
        for target in targets:
            self.targets.append(target)
            print(target.line(), flush=True)

    def table(self):
        """The table itself, and target 3."""
        wanted = re.compile(os.environ.get("BENCH_ROWS", ""))
        self.rows = [row for row in table.make_rows(self.lab) if row.who == "plain" or wanted.search(row.name)]
        with table.make_site(self.lab, self.rows) as site:
            table.measure(site, self.rows, self.alice, self.rounds)
        self.say(*table.lines(self.rows), "")
        self.judge(report.judge_table(self.rows))

    def hooks(self):
        """Targets 1, 2 and 6."""
        with hooks.make_site(self.lab) as site:
            found = hooks.measure(site, self.alice, self.rounds)
        for row, one in found.items():
            self.say(f"in our hooks: {row:20} {one.microseconds.text(1):>22} µs, {one.bytes.text():>20} bytes in "
                     f"pools; stopwatch {one.stopwatch.text(1)} µs")
        self.say("")
        self.judge(report.judge_hooks(found))

    def growth(self):
        """Target 8."""
        self.judge(report.judge_growth(growth.measure(self.lab, self.alice, self.rounds)))

    def first(self):
        """Target 4."""
        people = cold.people(self.lab, "first", 1 + 2 * cold.EACH_ROUND * self.rounds)
        self.judge(report.judge_cold(cold.measure_first(self.lab, people, self.rounds), None))

    def storm(self):
        """Target 5."""
        self.judge(report.judge_cold(None, cold.storm(self.lab, cold.people(self.lab, "storm", cold.STORM))))

    def frozen(self):
        """Target 9."""
        self.judge(report.judge_frozen(*frozen.measure(self.lab, self.alice, self.rounds), frozen.DEADLINE))

    def cache(self):
        """Target 7."""
        rows = list(cache.measure(self.lab))
        self.say(*(cache.describe(name, kept) for name, kept in rows), "")
        self.judge(report.judge_cache(rows))


def run(lab, parts, rounds):
    """Measures the parts and writes the files; how many targets are not met."""
    machine, bench = describe_machine(), Bench(lab, rounds)
    bench.say(f"{machine['date']}, {machine['processors']} processors {machine['model']}, Linux {machine['kernel']}, "
              f"load {machine['load_before']:.1f}, {rounds} rounds: median (lowest–highest)", "")
    backend = Backend(lab)
    backend.httpd.start()
    try:
        for part in parts:
            getattr(bench, part)()
    finally:
        backend.httpd.stop()
    bench.targets.sort(key=lambda target: target.number)
    folder = TREE / "build"
    (folder / "bench.txt").write_text("\n".join([*bench.lines, *(target.line() for target in bench.targets), ""]),
                                      encoding="utf-8")
    (folder / "bench.json").write_text(report.as_json(machine, bench.rows, bench.targets), encoding="utf-8")
    missed = sum(not target.met for target in bench.targets)
    print(f"\n{len(bench.targets) - missed} met, {missed} not met; build/bench.txt, build/bench.json")


def main():
    """Reads the environment."""
    parts = os.environ.get("BENCH_PARTS", ",".join(PARTS)).split(",")
    if unknown := set(parts) - set(PARTS):
        print(f"BENCH_PARTS: no {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="eas-bench-"))
    folder.chmod(0o755)
    laboratory = Laboratory(folder)
    try:
        laboratory.start(activesync=False)
        run(laboratory, parts, int(os.environ.get("BENCH_ROUNDS", "5")))
    finally:
        laboratory.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
