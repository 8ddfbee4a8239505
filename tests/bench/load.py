# SPDX-License-Identifier: Apache-2.0
"""ApacheBench, which can show a client certificate, and numbers of rounds."""

import csv
import re
import statistics
import subprocess
from dataclasses import dataclass, field

CLIENTS = 4
SECONDS_MAX = 60


@dataclass
class Run:
    """One run: requests, seconds, and the median latency in milliseconds."""

    requests: int
    seconds: float
    latency: float


def run_ab(site, path, requests, certificate=None, clients=CLIENTS, headers=()):
    """So many GETs over `clients` kept connections; raises unless every answer is 200."""
    table = site.httpd.folder / "ab.csv"
    command = ["ab", "-q", "-k", "-c", str(clients), "-n", str(requests), "-e", str(table)]
    if certificate:
        both = site.httpd.folder / "ab.pem"
        both.write_text(certificate.chain.read_text(encoding="utf-8") + certificate.key.read_text(encoding="utf-8"),
                        encoding="utf-8")
        command += ["-E", str(both)]
    for header in headers:
        command += ["-H", header]
    done = subprocess.run([*command, f"https://{site.address}{path}"], capture_output=True, text=True,
                          timeout=SECONDS_MAX, check=False)
    complete = re.search(r"Complete requests:\s+(\d+)", done.stdout)
    failed = re.search(r"(Non-2xx responses|Failed requests):\s+([1-9]\d*)", done.stdout)
    if done.returncode != 0 or not complete or failed:
        raise RuntimeError(f"ab {path}: {done.stdout[-1500:]}{done.stderr[-500:]}\n{site.httpd.error_log()[-2000:]}")
    seconds = float(re.search(r"Time taken for tests:\s+([\d.]+)", done.stdout)[1])
    with open(table, encoding="ascii") as rows:
        latency = next(float(row[1]) for row in csv.reader(rows) if row[0] == "50")
    return Run(int(complete[1]), seconds, latency)


@dataclass
class Figure:
    """A quantity over the rounds."""

    values: list = field(default_factory=list)

    @property
    def median(self):
        """The middle one."""
        return statistics.median(self.values)

    def text(self, digits=0):
        """Median and spread."""
        low, high = min(self.values), max(self.values)
        return f"{self.median:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"

    def as_json(self):
        """For the file."""
        return {"median": self.median, "min": min(self.values), "max": max(self.values), "rounds": len(self.values)}
