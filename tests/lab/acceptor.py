# SPDX-License-Identifier: Apache-2.0
"""Who takes a token: MIT's GSS-API library or Heimdal's, in a process of its own."""

import base64
import json
import subprocess
import sys
from pathlib import Path

from lab import spnego

PROGRAM = Path(__file__).with_name("acceptor_program.py")
KEY_PROGRAM = Path(__file__).with_name("session_key_program.py")
MIT, HEIMDAL = "libgssapi_krb5.so.2", "libgssapi.so.3"


def accept(laboratory, library, tokens, replay_cache="none:"):
    """What `library` makes of each token (bytes), in order, with the keys of HTTP/exch.example.test: a list of dicts.

    complete: the context stands. name: whom the token proved. error: the library's words, or None. reply: bytes for
    the client. mutual, protects: the flags asked for. MIT's replay cache is `none:` or `dfl:` in a folder of this call;
    Heimdal 7.8 keeps none.
    """
    folder = laboratory.root / "acceptor"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    lines = run(laboratory, [PROGRAM, library], tokens, KRB5RCACHENAME=replay_cache, KRB5RCACHEDIR=str(folder))
    answers = [json.loads(line) for line in lines]
    for answer in answers:
        answer["reply"] = base64.b64decode(answer["reply"])
    return answers


def session_keys(laboratory, tokens):
    """The session key (bytes) of the ticket in each token."""
    lines = run(laboratory, [KEY_PROGRAM], map(spnego.ap_req, tokens), KRB5RCACHENAME="none:")
    return [bytes.fromhex(line) for line in lines]


def run(laboratory, command, inputs, **env):
    """Gives a program with the keytab lines of base64; the lines it answers."""
    env = {**laboratory.env, "KRB5_KTNAME": f"FILE:{laboratory.exch_keytab}", **env}
    lines = "".join(base64.b64encode(one).decode() + "\n" for one in inputs)
    done = subprocess.run([sys.executable, *map(str, command)], input=lines, text=True, env=env, check=True,
                          stdout=subprocess.PIPE)
    return done.stdout.splitlines()
