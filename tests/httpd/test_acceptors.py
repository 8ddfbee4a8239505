# SPDX-License-Identifier: Apache-2.0
"""Tokens that the module sent, given to MIT's acceptor and to Heimdal's."""

import base64

import pytest

from lab.acceptor import HEIMDAL, MIT, accept
from lab.spnego import mechanism_token
from proxy import section, virtual_host
from reasons import check_grant

TOKENS = 8    # of each user
USERS = ("alice", "bob")
NO_REPLAY_CACHE, REPLAY_CACHE = "none:", "dfl:"

ACCEPTORS = {
    "mit": (MIT, NO_REPLAY_CACHE),
    "mit-replay-cache": (MIT, REPLAY_CACHE),
    "heimdal": (HEIMDAL, NO_REPLAY_CACHE),
}


# ---- what was sent -----------------------------------------------------------------------------

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
    return sent if request.param == "spnego" else [(name, mechanism_token(token)) for name, token in sent]


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
    first, second = accept(lab, MIT, [token, mechanism_token(token)], REPLAY_CACHE)
    assert first["complete"] and not second["complete"] and "replay" in second["error"]
