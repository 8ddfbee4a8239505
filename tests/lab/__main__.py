# SPDX-License-Identifier: Apache-2.0
"""The laboratory by hand: python3 -m lab up|down|status --root DIR."""

import argparse
import time

from lab.laboratory import Laboratory


def describe(laboratory):
    """What a person needs to use the running laboratory."""
    lines = [f"{name:28} {address}" for name, address in laboratory.names.addresses.items()]
    lines += [f"export {name}={value}" for name, value in laboratory.env.items()
              if name not in ("PATH", "LANG")]
    return "\n".join(lines)


def main():
    """Runs one command; `status` exits with 1 when something recorded does not run."""
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "status"))
    parser.add_argument("--root", required=True, help="the laboratory's folder")
    parser.add_argument("--no-activesync", action="store_true",
                        help="only the domain controller and the stand-in")
    arguments = parser.parse_args()
    laboratory = Laboratory(arguments.root)
    if arguments.command == "down":
        laboratory.stop()
        return 0
    if arguments.command == "up":
        begin = time.monotonic()
        laboratory.start(activesync=not arguments.no_activesync)
        print(f"up in {time.monotonic() - begin:.1f} s\n{describe(laboratory)}")
        return 0
    status = laboratory.status()
    for name, pid in status.items():
        print(f"{name:28} {pid or 'not running'}")
    return 0 if status and all(status.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
