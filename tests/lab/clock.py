# SPDX-License-Identifier: Apache-2.0
"""A wall clock for chosen servers, which a test sets forward while they run."""

import mmap
import struct
from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[2] / "build/lab/clock.so"


class Clock:
    """Whoever is started with environment() has this clock: the machine's until it is set forward."""

    LAYOUT = struct.Struct("qqq")   # seconds passed; reads until the leap, or not above 0; the leap's seconds

    def __init__(self, path):
        if not LIBRARY.exists():
            raise FileNotFoundError(f"{LIBRARY}: build it, or the servers keep the machine's clock")
        self.path = Path(path)
        self.path.write_bytes(bytes(self.LAYOUT.size))
        with open(self.path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), self.LAYOUT.size)

    def environment(self, base, leaps=False):
        """`base` with the clock in it; `leaps`: leap_after() counts how often this server reads it."""
        preloaded = [*base.get("LD_PRELOAD", "").split(), str(LIBRARY)]
        leaping = {"EAS_LAB_CLOCK_LEAPS": "1"} if leaps else {}
        return {**base, **leaping, "LD_PRELOAD": " ".join(preloaded), "EAS_LAB_CLOCK": str(self.path)}

    def forward(self, seconds):
        """So many seconds pass at once."""
        self.memory[:] = self.LAYOUT.pack(self.passed() + seconds, 0, 0)

    def leap_after(self, reads, seconds):
        """So many seconds pass at once when the clock is read for this time, the first being 1."""
        self.memory[:] = self.LAYOUT.pack(self.passed(), reads, seconds)

    def passed(self):
        """Seconds set forward until now."""
        return self.LAYOUT.unpack(self.memory)[0]
