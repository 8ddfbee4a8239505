# SPDX-License-Identifier: Apache-2.0
"""What is inside a token as a client sends it first: SPNEGO (RFC 4178 4.2.1), Kerberos (RFC 4121 4.1), the AP-REQ."""

KERBEROS = bytes.fromhex("06092a864886f712010202")    # 1.2.840.113554.1.2.2
SPNEGO = bytes.fromhex("06062b0601050502")            # 1.3.6.1.5.5.2
AP_REQ_ID = b"\x01\x00"


def inside(der, tag):
    """(content, what follows it) of the element that `der` begins with."""
    assert der[0] == tag, der[:8].hex()
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7f
        length = int.from_bytes(der[2:start], "big")
    assert start + length <= len(der)
    return der[start:start + length], der[start + length:]


def mechanism_token(token):
    """The Kerberos mechanism's own token."""
    content, after = inside(token, 0x60)
    assert content.startswith(SPNEGO) and after == b""
    init = inside(inside(content[len(SPNEGO):], 0xa0)[0], 0x30)[0]
    _, rest = inside(init, 0xa0)
    return inside(inside(rest, 0xa2)[0], 0x04)[0]


def ap_req(token):
    """The AP-REQ in that."""
    content, after = inside(mechanism_token(token), 0x60)
    assert content.startswith(KERBEROS + AP_REQ_ID) and after == b""
    return content[len(KERBEROS + AP_REQ_ID):]
