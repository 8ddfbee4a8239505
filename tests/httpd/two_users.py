# SPDX-License-Identifier: Apache-2.0
"""Two people, many clients at once: each answer is looked at, and what disturbs them happens under way."""

import threading
from functools import partial

from proxy import MAIL
from swarm import at_once, get

PEOPLE = ("alice", "bob")
CLIENTS = 50
REQUESTS = 5000         # of all together, each time


def mail_of(name):
    """What the persister answers to this person."""
    return f"mail of {name} ".encode() * 100


class Swarm:
    """CLIENTS clients of two people; every second pair opens a connection for each request."""

    def __init__(self, proxy, certificates, judge, requests=REQUESTS, tolerated=()):
        self.proxy, self.certificates, self.turns = proxy, certificates, requests // CLIENTS
        self.judge, self.tolerated = judge, tolerated
        self.halfway = threading.Barrier(CLIENTS + 1)
        self.statuses = []
        self.failures = []      # the first is what went wrong; the others' broken barrier follows from it

    def together(self, function, *arguments):
        """Calls one that meets the others halfway; they need not wait when it fails."""
        try:
            function(*arguments)
        except BaseException as failure:
            self.failures.append(failure)
            self.halfway.abort()

    def ask(self, number):
        """One client's requests."""
        name = PEOPLE[number % 2]
        target = f"{MAIL}?User={name}&DeviceId=C{number}"
        with self.proxy.client(MAIL, self.certificates[name], keep_alive=number % 8 != 7, timeout=60) as client:
            for turn in range(self.turns):
                if turn in (self.turns // 3, 2 * self.turns // 3):
                    self.halfway.wait(60)
                answer = get(client, target)
                if answer.status != 200 and answer.status in self.tolerated:
                    assert b"mail of" not in answer.body
                else:
                    self.judge(answer, name)
                self.statuses.append(answer.status)

    def disturb(self, *disturbances):
        """Runs all clients; each disturbance happens when every client has done another third."""
        def run():
            for one in disturbances:
                self.halfway.wait(60)
                one()
        asking = [partial(self.together, self.ask, number) for number in range(CLIENTS)]
        at_once([*asking, partial(self.together, run)])
        if self.failures:
            raise self.failures[0]
        return self.statuses


def judge_mail(answer, name):
    """The persister's answer is this person's, and nothing of the connection shows."""
    assert (answer.status, answer.body) == (200, mail_of(name))
    assert answer.headers.get_all("WWW-Authenticate", []) == []
    assert answer.headers.get("Persistent-Auth") is None
