# SPDX-License-Identifier: Apache-2.0
"""A wall clock for chosen servers, which a test sets forward while they run."""

import mmap
import struct
from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[2] / "build/lab/clock.so"


class Clock:
    """Whoever is started with environment() has this clock: the machine's until forward()."""

    def __init__(self, path):
        if not LIBRARY.exists():
            raise FileNotFoundError(f"{LIBRARY}: build it, or the servers keep the machine's clock")
        self.path = Path(path)
        self.path.write_bytes(struct.pack("q", 0))
        with open(self.path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), struct.calcsize("q"))

    def environment(self, base):
        """`base` with the clock in it."""
        preloaded = [*base.get("LD_PRELOAD", "").split(), str(LIBRARY)]
        return {**base, "LD_PRELOAD": " ".join(preloaded), "EAS_LAB_CLOCK": str(self.path)}

    def forward(self, seconds):
        """So many seconds pass at once."""
        (passed,) = struct.unpack("q", self.memory)
        self.memory[:] = struct.pack("q", passed + seconds)
