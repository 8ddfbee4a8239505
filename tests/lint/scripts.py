# SPDX-License-Identifier: Apache-2.0
"""Python compiles and uses every name it imports; shell scripts parse."""
import ast
import re
import subprocess

import tree


def imported_names(node):
    for alias in node.names:
        yield (alias.asname or alias.name).split(".")[0]


def unused_imports(path, module):
    """Imports whose name occurs nowhere else; a package's __init__ imports for others."""
    if path.name == "__init__.py":
        return
    used = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    lines = path.read_text().splitlines()
    for node in ast.walk(module):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and "# noqa" not in lines[node.lineno - 1]:
            for name in imported_names(node):
                if name not in used and name != "annotations":
                    yield f"{path.relative_to(tree.ROOT)}:{node.lineno}: {name} is imported and not used"


def check_python(path):
    try:
        module = ast.parse(path.read_text(), str(path))
        compile(module, str(path), "exec")
    except SyntaxError as error:
        yield f"{path.relative_to(tree.ROOT)}:{error.lineno}: {error.msg}"
        return
    yield from unused_imports(path, module)


def interpreter(path):
    first = path.read_bytes().split(b"\n", 1)[0].decode(errors="replace")
    found = re.match(r"#!\s*/(?:usr/)?bin/(bash|sh)\b", first)
    return found[1] if found else None


def check_shell(path):
    shell = interpreter(path)
    if shell is None:
        return
    parsed = subprocess.run([shell, "-n", path], capture_output=True, text=True, check=False)
    if parsed.returncode != 0:
        yield f"{path.relative_to(tree.ROOT)}: {parsed.stderr.strip()}"
    if not path.stat().st_mode & 0o100:
        yield f"{path.relative_to(tree.ROOT)}: is a script and not executable"


if __name__ == "__main__":
    tree.finish([problem for path in tree.files("*.py") for problem in check_python(path)]
                + [problem for path in tree.files("*") if "corpus" not in path.parts for problem in check_shell(path)])
