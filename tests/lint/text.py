# SPDX-License-Identifier: Apache-2.0
"""Lines: how long, how they end; and no path of somebody's own machine."""
import re

import tree

COLUMNS = 120
TABS_WANTED = ("Makefile", "rules")
TEXT = (".c", ".h", ".def", ".py", ".sh", ".md", ".conf", ".load", ".txt", ".map", "")
PAUSE = re.compile(r"sleep\(")    # whoever waits, waits on a condition; a pause is what a trial has left behind
FOREIGN = re.compile(r"(?<![\w.])/(work|home|Users)/\w")


def check_line(path, line):
    if line != line.rstrip():
        yield "ends with white space"
    if "\t" in line and path.name not in TABS_WANTED:
        yield "holds a tab"
    if FOREIGN.search(line) and path != tree.ROOT / "tests/lint/text.py":
        yield "names a path outside the project"
    if path.is_relative_to(tree.ROOT / "src") and PAUSE.search(line):
        yield "sleeps"
    if path.suffix in (".c", ".h", ".py", ".sh") and len(line) > COLUMNS:
        yield f"has {len(line)} columns, more than {COLUMNS}"


def check_file(path):
    name = path.relative_to(tree.ROOT)
    text = path.read_text()
    if text and not text.endswith("\n"):
        yield f"{name}: the last line has no end"
    for number, line in enumerate(text.split("\n"), 1):
        for problem in check_line(path, line):
            yield f"{name}:{number}: {problem}"


if __name__ == "__main__":
    texts = [path for path in tree.files("*")
             if path.suffix in TEXT and path.name != "LICENSE" and "corpus" not in path.parts]
    tree.finish([problem for path in texts for problem in check_file(path)])
