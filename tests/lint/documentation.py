# SPDX-License-Identifier: Apache-2.0
"""Directives, message ids, reasons and make targets: the code and what is written about it say the same."""
import re

import tree

DIRECTIVES = "docs/directives.md"
MESSAGES = "docs/messages.md"
ID = re.compile(r"\bECA[1-6]\d{3}\b")
OURS = re.compile(r"\bEAS[A-Z][A-Za-z0-9]+\b")


def read(name):
    path = tree.ROOT / name
    return path.read_text() if path.is_file() else ""


def rows(name, kind):
    """The arguments of each ECA_<kind>(...) row, as text; comments are left out."""
    text = re.sub(r"/\*.*?\*/", "", read(name), flags=re.S)
    return re.findall(rf"^{kind}\((.*?)\)\s*$", text, re.M | re.S)


def directives():
    found = rows("src/httpd/directives.def", "ECA_POLICY") + rows("src/httpd/directives.def", "ECA_SERVER")
    return {re.search(r'"(EAS\w+)"', row)[1] for row in found}


def reasons():
    """name -> message id"""
    return {re.findall(r'"([^"]*)"', row)[0]: ID.search(row)[0]
            for row in rows("src/core/reason.def", "ECA_REASON")}


def check_directives():
    real = directives()
    described = set(re.findall(r"^## (EAS\w+)$", read(DIRECTIVES), re.M))
    if not real:
        yield "src/httpd/directives.def: no directives found"
    for name in sorted(real - described):
        yield f"{DIRECTIVES}: {name} has no section"
    for name in sorted(described - real):
        yield f"{DIRECTIVES}: {name} is not in src/httpd/directives.def"
    for path in tree.files("conf/*"):
        for name in sorted(set(OURS.findall(path.read_text())) - real - {"EASCert"}):
            yield f"{path.relative_to(tree.ROOT)}: {name} is no directive"
    for name in sorted(real - set(OURS.findall(read("conf/eas_certauth.conf")))):
        yield f"conf/eas_certauth.conf: {name} is missing"


def check_named_in_source():
    """An error text must not send anybody to a directive that does not exist."""
    real = directives() | {"EASCert"}
    for path in tree.files("*.c", "*.h"):
        if tree.room(path):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                for name in sorted(set(OURS.findall(" ".join(re.findall(r'"[^"]*"', line)))) - real):
                    yield f"{path.relative_to(tree.ROOT)}:{number}: {name} is no directive"


def check_sections():
    """Each directive has what httpd's own reference has."""
    for section in re.split(r"^## ", read(DIRECTIVES), flags=re.M)[1:]:
        name = section.split("\n", 1)[0]
        if not name.startswith("EAS"):
            continue
        for part in ("Description", "Syntax", "Default", "Context"):
            if f"| {part} |" not in section:
                yield f"{DIRECTIVES}: {name} has no {part}"


def ids_in_source():
    """id -> ["file:line", ...]"""
    found = {}
    for path in tree.files("*.c", "*.h", "*.def"):
        if tree.room(path):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                for name in ID.findall(line):
                    found.setdefault(name, []).append(f"{path.relative_to(tree.ROOT)}:{number}")
    return found


def check_messages():
    source = ids_in_source()
    table = re.findall(r"^\| (ECA\d{4}) \|(.*)\|$", read(MESSAGES), re.M)
    listed = [name for name, _ in table]
    tests = "\n".join(path.read_text() for path in tree.files("tests/httpd/*.py", "tests/unit/*.c", "tests/unit/*.h"))
    for name, places in sorted(source.items()):
        if len(places) > 1:
            yield f"{name} is in more than one place: {', '.join(places)}"
        if listed.count(name) != 1:
            yield f"{MESSAGES}: {name} ({places[0]}) has {listed.count(name)} rows, not one"
        if name not in tests:
            yield f"tests: nothing in tests/httpd or tests/unit provokes {name} ({places[0]})"
    for name in sorted(set(listed) - set(source)):
        yield f"{MESSAGES}: {name} is not in the source"
    for name, row in table:
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)]
        if len(cells) != 4 or not all(cells):
            yield f"{MESSAGES}: {name} wants level, text, cause and remedy"


def check_reasons():
    text = read(MESSAGES)
    for name, message in sorted(reasons().items()):
        if not re.search(rf"^\| `{re.escape(name)}` \|.*\b{message}\b", text, re.M):
            yield f"{MESSAGES}: the reason {name} ({message}) has no row"
    for name in sorted(set(re.findall(r"^\| `([a-z-]+)` \|", text, re.M)) - set(reasons())):
        yield f"{MESSAGES}: {name} is no reason"


def check_targets():
    makefile = read("Makefile")
    for path in tree.files("*.md"):
        for target in re.findall(r"(?:^|[ `(])make ([a-z][a-z-]+)\b", in_code(path.read_text()), re.M):
            if not re.search(rf"^{re.escape(target)}:", makefile, re.M):
                yield f"{path.relative_to(tree.ROOT)}: there is no `make {target}`"


def in_code(text):
    """Indented lines, fenced blocks and `code` of a Markdown text."""
    fenced = re.findall(r"^```.*?\n(.*?)^```", text, re.M | re.S)
    indented = re.findall(r"^    .*$", text, re.M)
    return "\n".join(fenced + indented + re.findall(r"`[^`\n]+`", text))


if __name__ == "__main__":
    tree.finish([*check_directives(), *check_named_in_source(), *check_sections(), *check_messages(), *check_reasons(),
                 *check_targets()])
