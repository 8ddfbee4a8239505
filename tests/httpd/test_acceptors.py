# SPDX-License-Identifier: Apache-2.0
"""Tokens that the module sent, given to MIT's acceptor and to Heimdal's."""

import base64

import pytest

from lab.acceptor import HEIMDAL, MIT, accept
from proxy import section, virtual_host
from reasons import check_grant

TOKENS = 8    # of each user
USERS = ("alice", "bob")
KERBEROS = bytes.fromhex("06092a864886f712010202")    # 1.2.840.113554.1.2.2
SPNEGO = bytes.fromhex("06062b0601050502")            # 1.3.6.1.5.5.2
NO_REPLAY_CACHE, REPLAY_CACHE = "none:", "dfl:"

ACCEPTORS = {
    "mit": (MIT, NO_REPLAY_CACHE),
    "mit-replay-cache": (MIT, REPLAY_CACHE),
    "heimdal": (HEIMDAL, NO_REPLAY_CACHE),
}


# ---- what was sent -----------------------------------------------------------------------------

def inside(der, tag):
    """(content, what follows it) of the element that `der` begins with."""
    assert der[0] == tag, der[:8].hex()
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7f
        length = int.from_bytes(der[2:start], "big")
    assert start + length <= len(der)
    return der[start:start + length], der[start + length:]


def raw(token):
    """The Kerberos mechanism's own token inside SPNEGO's first (RFC 4178 4.2.1)."""
    content, after = inside(token, 0x60)
    assert content.startswith(SPNEGO) and after == b""
    init = inside(inside(content[len(SPNEGO):], 0xa0)[0], 0x30)[0]
    _, rest = inside(init, 0xa0)
    inner = inside(inside(rest, 0xa2)[0], 0x04)[0]
    assert inside(inner, 0x60)[0].startswith(KERBEROS + b"\x01\x00")
    return inner


@pytest.fixture(scope="module")
def sent(lab, holders, module_proxy):
    """[(user, token)]: SPNEGO tokens that the stand-in was sent, some for each user."""
    lab.standin.clear()
    one = module_proxy(virtual_host(lab, section("/", lab.standin.url)))
    found = []
    for name in USERS * TOKENS:
        outcome = one.request("/", holders[name])
        check_grant(outcome)
        (value,) = outcome.arrived("Authorization")
        kind, _, text = value.partition(" ")
        assert kind == "Negotiate"
        found.append((name, base64.b64decode(text, validate=True)))
    lab.standin.clear()
    return found


@pytest.fixture(params=["spnego", "raw"])
def tokens(request, sent):
    """The same as what an acceptor gets."""
    return sent if request.param == "spnego" else [(name, raw(token)) for name, token in sent]


@pytest.fixture(params=ACCEPTORS)
def taken_by(lab, request):
    """taken_by(tokens): what the acceptor makes of each."""
    library, replay_cache = ACCEPTORS[request.param]
    return lambda those: accept(lab, library, those, replay_cache)


# ---- what becomes of it ---------------------------------------------------------------------------

def test_acceptor_takes_every_token_and_names_its_user(tokens, taken_by):
    answers = taken_by([token for _, token in tokens])
    assert [(one["error"], one["complete"], one["name"]) for one in answers] == [
        (None, True, f"{name}@EXAMPLE.TEST") for name, _ in tokens]
    assert all(one["protects"] for one in answers)


def test_acceptor_refuses_a_token_that_was_changed_on_its_way(tokens, taken_by):
    changed = [token[:-1] + bytes([token[-1] ^ 1]) for _, token in tokens]
    assert all(one["error"] and not one["complete"] for one in taken_by(changed))


def test_acceptor_with_replay_cache_refuses_the_second_use(lab, tokens):
    those = [token for _, token in tokens]
    answers = accept(lab, MIT, [*those, *those], REPLAY_CACHE)
    assert [one["complete"] for one in answers] == [True] * len(those) + [False] * len(those)
    assert all("replay" in one["error"] for one in answers[len(those):])


def test_acceptor_with_replay_cache_knows_a_token_in_either_form(lab, sent):
    (_, token), *_ = sent
    first, second = accept(lab, MIT, [token, raw(token)], REPLAY_CACHE)
    assert first["complete"] and not second["complete"] and "replay" in second["error"]
