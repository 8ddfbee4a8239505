# SPDX-License-Identifier: Apache-2.0
"""The acceptor's program: what a GSS-API library makes of tokens. Argument: LIBRARY (MIT's or Heimdal's).

Reads a token in base64 a line, writes a JSON object a line, see acceptor.py. The keytab is KRB5_KTNAME's. By ctypes,
because both libraries have the same functions and structures (RFC 2744) and a Python module is bound to one of them.
"""

import base64
import ctypes
import json
import sys

COMPLETE, CONTINUE_NEEDED = 0, 1
ERROR_BITS = 0xffff0000
BY_ROUTINE, BY_MECHANISM = 1, 2
CONF, INTEG, MUTUAL = 16, 32, 2


class Buffer(ctypes.Structure):
    """gss_buffer_desc."""

    _fields_ = [("length", ctypes.c_size_t), ("value", ctypes.c_void_p)]

    @classmethod
    def of(cls, content):
        """A buffer that borrows `content`, which must live longer."""
        return cls(len(content), ctypes.cast(ctypes.c_char_p(content), ctypes.c_void_p))

    def take(self):
        """Its content."""
        return ctypes.string_at(self.value, self.length) if self.value else b""


class Acceptor:
    """One loaded library."""

    def __init__(self, library):
        self.gss = ctypes.CDLL(library)
        self.minor = ctypes.c_uint32()

    def _explain(self, major, minor):
        """What the library says of an error."""
        texts = []
        for code, kind in ((major, BY_ROUTINE), (minor, BY_MECHANISM)):
            more, text = ctypes.c_uint32(), Buffer()
            self.gss.gss_display_status(ctypes.byref(self.minor), ctypes.c_uint32(code), kind, None,
                                        ctypes.byref(more), ctypes.byref(text))
            texts.append(text.take().decode(errors="replace"))
            self.gss.gss_release_buffer(ctypes.byref(self.minor), ctypes.byref(text))
        return ": ".join(texts)

    def _name(self, name):
        """A gss_name_t as text."""
        text = Buffer()
        self.gss.gss_display_name(ctypes.byref(self.minor), name, ctypes.byref(text), None)
        taken = text.take().decode()
        self.gss.gss_release_buffer(ctypes.byref(self.minor), ctypes.byref(text))
        return taken

    def accept(self, token):
        """gss_accept_sec_context() with the keytab's keys, once."""
        context, name, reply = ctypes.c_void_p(), ctypes.c_void_p(), Buffer()
        flags, minor, given = ctypes.c_uint32(), ctypes.c_uint32(), Buffer.of(token)
        major = self.gss.gss_accept_sec_context(
            ctypes.byref(minor), ctypes.byref(context), None, ctypes.byref(given), None, ctypes.byref(name), None,
            ctypes.byref(reply), ctypes.byref(flags), None, None) & 0xffffffff
        answer = {"complete": major == COMPLETE, "reply": base64.b64encode(reply.take()).decode(),
                  "mutual": bool(flags.value & MUTUAL), "protects": flags.value & (CONF | INTEG) == CONF | INTEG,
                  "name": self._name(name) if name.value else None,
                  "error": self._explain(major, minor.value) if major & ERROR_BITS else None}
        self.gss.gss_release_buffer(ctypes.byref(self.minor), ctypes.byref(reply))
        self.gss.gss_release_name(ctypes.byref(self.minor), ctypes.byref(name))
        self.gss.gss_delete_sec_context(ctypes.byref(self.minor), ctypes.byref(context), None)
        return answer


def main(library):
    """Answers until the input ends."""
    acceptor = Acceptor(library)
    for line in sys.stdin:
        print(json.dumps(acceptor.accept(base64.b64decode(line))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
