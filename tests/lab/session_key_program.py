# SPDX-License-Identifier: Apache-2.0
"""The session keys of tickets, for tests that look for them where they must not be. The keytab is KRB5_KTNAME's.

Reads an AP-REQ in base64 a line, writes the key of its ticket in hexadecimal a line; with libkrb5, by ctypes.
"""

import base64
import ctypes
import sys

KRB5 = ctypes.CDLL("libkrb5.so.3")


class Data(ctypes.Structure):
    """krb5_data."""

    _fields_ = [("magic", ctypes.c_int32), ("length", ctypes.c_uint), ("data", ctypes.c_char_p)]


class Keyblock(ctypes.Structure):
    """krb5_keyblock."""

    _fields_ = [("magic", ctypes.c_int32), ("enctype", ctypes.c_int32), ("length", ctypes.c_uint),
                ("contents", ctypes.POINTER(ctypes.c_ubyte))]


def session_key(context, ap_req):
    """The key of the ticket in `ap_req`."""
    auth, ticket, key = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.POINTER(Keyblock)()
    given = Data(0, len(ap_req), ap_req)
    code = KRB5.krb5_rd_req(context, ctypes.byref(auth), ctypes.byref(given), None, None, None, ctypes.byref(ticket))
    if code != 0:
        sys.exit(f"krb5_rd_req: {code}")
    KRB5.krb5_auth_con_getkey(context, auth, ctypes.byref(key))
    return bytes(key.contents.contents[:key.contents.length])


def main():
    """Answers until the input ends."""
    context = ctypes.c_void_p()
    KRB5.krb5_init_context(ctypes.byref(context))
    for line in sys.stdin:
        print(session_key(context, base64.b64decode(line)).hex(), flush=True)


if __name__ == "__main__":
    main()
