# SPDX-License-Identifier: Apache-2.0
"""Changes to accounts in the domain that are undone when a test ends."""

import base64


def replace_ldif(dn, attribute, values):
    """LDIF (RFC 2849) that gives an attribute just these values."""
    raw = [value if isinstance(value, bytes) else str(value).encode() for value in values]
    lines = [f"{attribute}:: {base64.b64encode(value).decode()}" for value in raw]
    name = base64.b64encode(dn.encode()).decode()
    return "\n".join((f"dn:: {name}", "changetype: modify", f"replace: {attribute}", *lines, "-",
                      ""))


class DirectoryChanges:
    """set() changes one attribute of one object; undo() restores all of them, newest first."""

    def __init__(self, controller):
        self.controller, self.undone_by = controller, []

    def set(self, dn, attribute, *values, before=()):
        """Gives the object just these values (none: removes the attribute) in place of `before`."""
        self.restore_later(dn, attribute, *before)
        self.controller.modify(replace_ldif(dn, attribute, values))

    def restore_later(self, dn, attribute, *values):
        """Only notes what undo() writes, for what the domain controller changes itself."""
        self.undone_by.insert(0, replace_ldif(dn, attribute, values))

    def undo(self):
        """Puts everything back."""
        if self.undone_by:
            self.controller.modify("\n".join(self.undone_by))
        self.undone_by = []
