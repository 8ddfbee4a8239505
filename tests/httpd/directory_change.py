# SPDX-License-Identifier: Apache-2.0
"""Changes to accounts in the domain that are undone when a test ends."""

import base64


def parse_values(text, attribute):
    """The values of an attribute in LDIF text (RFC 2849: folded lines, base64 after `::`)."""
    values = []
    for line in text.replace("\n ", "").splitlines():
        name, colon, value = line.partition(":")
        if not colon or name.lower() != attribute.lower():
            continue
        values.append(base64.b64decode(value[1:]).decode() if value.startswith(":")
                      else value.strip())
    return values


def replace_ldif(dn, attribute, values):
    """LDIF that gives an attribute just these values."""
    lines = [f"{attribute}:: {base64.b64encode(str(value).encode()).decode()}" for value in values]
    return "\n".join((f"dn: {dn}", "changetype: modify", f"replace: {attribute}", *lines, "-", ""))


class DirectoryChanges:
    """set() changes one attribute of one object; undo() restores all of them, newest first."""

    def __init__(self, controller):
        self.controller, self.restorers = controller, []

    def set(self, dn, attribute, *values):
        """Gives the object just these values (none: removes the attribute)."""
        before = parse_values(
            self.controller.search(f"(distinguishedName={dn})", attribute), attribute)
        self.restorers.append(lambda: self.write(dn, attribute, before))
        self.write(dn, attribute, values)

    def restore_later(self, dn, attribute, *values):
        """Only notes what undo() writes, for what the domain controller changes itself."""
        self.restorers.append(lambda: self.write(dn, attribute, values))

    def write(self, dn, attribute, values):
        """Writes at once and for good."""
        self.controller.modify(replace_ldif(dn, attribute, values))

    def undo(self):
        """Puts everything back."""
        while self.restorers:
            self.restorers.pop()()
