# SPDX-License-Identifier: Apache-2.0
"""Which room may include what, how long files and functions may be, and whose licence a file has."""
import ast
import re
from fnmatch import fnmatch

import tree

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 60

# Rooms whose headers a room may include, beside its own.
MAY_INCLUDE = {
    "core": set(),
    "trust": {"core"},
    "directory": {"core"},
    "kerberos": {"core"},
    "jobs": set(),
    "cli": {"core", "trust", "directory", "kerberos"},
    "httpd": {"core", "trust", "directory", "kerberos", "jobs"},
    "module": {"core", "trust", "directory", "kerberos", "jobs", "httpd"},
}

# Libraries by the names of their headers; what is not listed here has to be added with thought.
LIBRARIES = {
    "libssl": ("openssl/ssl.h",),
    "libcrypto": ("openssl/*",),
    "APR": ("apr_*.h",),
    "libldap": ("ldap.h", "lber.h", "openldap.h", "sasl/*"),
    "krb5": ("gssapi/*", "krb5.h", "krb5/*"),
    "jansson": ("jansson.h",),
    "httpd": ("httpd.h", "http_*.h", "ap_*.h", "mod_*.h", "unixd.h", "util_*.h", "scoreboard.h", "mpm_common.h"),
    "libc": ("assert.h", "ctype.h", "dirent.h", "dlfcn.h", "errno.h", "fcntl.h", "getopt.h", "inttypes.h", "limits.h",
             "netdb.h", "netinet/*", "arpa/*", "poll.h", "pthread.h", "resolv.h", "signal.h", "stdarg.h", "stdatomic.h",
             "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h", "strings.h", "sys/*", "time.h",
             "unistd.h"),
}
MAY_USE = {
    "core": {"libc", "libcrypto"},
    "trust": {"libc", "libcrypto", "APR"},
    "directory": {"libc", "libcrypto", "APR", "libldap"}, # libcrypto: reads the CA file; it comes with core anyway
    "kerberos": {"libc", "libcrypto", "APR", "krb5"},     # libcrypto: digests; it comes with core anyway
    "jobs": {"libc", "APR"},
    "cli": {"libc", "libcrypto", "APR", "jansson"},
    "httpd": set(LIBRARIES),
    "module": set(LIBRARIES),
}
NOT_IN_CORE = {"pthread.h", "resolv.h", "signal.h", "sys/*", "netdb.h", "netinet/*", "poll.h", "fcntl.h", "unistd.h",
               "dirent.h"}
SPDX = "SPDX-License-Identifier: Apache-2.0"


def library_of(header):
    for library, patterns in LIBRARIES.items():
        if any(fnmatch(header, pattern) for pattern in patterns):
            return library
    return None


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if found:
            yield number, found[1] == "<", found[2]


def check_system_include(room, header):
    library = library_of(header)
    if library is None:
        return f"<{header}> belongs to no library that tests/lint/layers.py knows"
    if library not in MAY_USE[room]:
        return f"<{header}> is {library}'s, which {room} may not use"
    if room == "core" and any(fnmatch(header, pattern) for pattern in NOT_IN_CORE):
        return f"<{header}>: core does no input or output and has no threads"
    return None


def check_own_include(room, header, owners):
    if "/" in header:
        return f'"{header}" names a path; the room\'s include path finds it'
    owner = owners.get(header)
    if owner is None:
        return f'"{header}" is in no room'
    if owner != room and owner not in MAY_INCLUDE[room]:
        return f'"{header}" is {owner}\'s, which {room} may not include'
    return None


def check_includes():
    headers = [path for path in tree.files("src/*.h", "src/*.def")]
    owners = {path.name: tree.room(path) for path in headers}
    if len(owners) != len(headers):
        yield "two headers have the same name"
    for path in tree.files("*.c", "*.h"):
        room = tree.room(path)
        if room is None:
            continue
        if room not in MAY_USE:
            yield f"{path.relative_to(tree.ROOT)}: {room} is no room that tests/lint/layers.py knows"
            continue
        for number, system, header in includes(path):
            problem = check_system_include(room, header) if system else check_own_include(room, header, owners)
            if problem:
                yield f"{path.relative_to(tree.ROOT)}:{number}: {problem}"


def check_tests_without_httpd():
    for path in tree.files("tests/unit/*", "tests/fuzz/*"):
        if path.suffix in (".c", ".h"):
            for number, system, header in includes(path):
                if system and library_of(header) == "httpd":
                    yield f"{path.relative_to(tree.ROOT)}:{number}: a unit test needs no httpd"


def c_functions(path):
    """(name, first line, lines): a body begins and ends with a brace in the first column."""
    lines = path.read_text().splitlines()
    start = None
    for number, line in enumerate(lines):
        if line == "{":
            head = number
            while head > 0 and lines[head - 1].strip() and not lines[head - 1].startswith(("}", "#", "/", " *")):
                head -= 1
            start = head
        elif line == "}" and start is not None:
            name = re.search(r"([a-zA-Z_]\w*)\(", " ".join(lines[start:start + 3]))
            yield name[1] if name else "?", start + 1, number - start + 1
            start = None


def python_functions(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


def check_sizes():
    for path in tree.files("*.c", "*.h", "*.py"):
        name = path.relative_to(tree.ROOT)
        count = len(path.read_text().splitlines())
        if count > FILE_LINES_MAX:
            yield f"{name}: {count} lines, more than {FILE_LINES_MAX}"
        if path.suffix == ".py":
            functions = python_functions(path)
        else: # a test's table of rows is data
            functions = c_functions(path) if tree.room(path) else ()
        for function, line, length in functions:
            if length > FUNCTION_LINES_MAX:
                yield f"{name}:{line}: {function} has {length} lines, more than {FUNCTION_LINES_MAX}"


def is_source(path):
    if path.suffix in (".c", ".h", ".def", ".py", ".sh", ".conf", ".load"):
        return True
    return path.name in ("Makefile", ".clang-format", ".clang-tidy") or path.read_bytes().startswith(b"#!")


def check_licences():
    for path in tree.files("*"):
        if "corpus" not in path.parts and is_source(path) and not any(
                SPDX in line for line in path.read_text().splitlines()[:3]):
            yield f"{path.relative_to(tree.ROOT)}: the first lines do not say {SPDX}"


if __name__ == "__main__":
    tree.finish([*check_includes(), *check_tests_without_httpd(), *check_sizes(), *check_licences()])
