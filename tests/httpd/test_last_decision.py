# SPDX-License-Identifier: Apache-2.0
"""What a connection keeps of its last decision: when that saves a look into the cache, and when it must not."""

import base64

import pytest

from lab import process
from lab.clock import Clock
from lab.eas_client import tls_context
from proxy import VARIABLES, section, virtual_host
from reasons import check_answer, check_grant, check_refusal
from redis_server import redis  # noqa: F401

BURST = 8    # requests, most of which come in the second of another


class Asker:
    """Requests on one connection, each with the number of looks into the cache that it took."""

    def __init__(self, one, redis, certificate):  # noqa: F811
        self.one, self.redis = one, redis
        self.client = one.client("/", context=tls_context(certificate=certificate), keep_alive=True)

    def ask(self, path="/mail", last=False, **more):
        """(Outcome, looks); `last`: httpd may end the connection."""
        before = self.redis.looks()
        outcome = self.one.request(path, client=self.client, **more)
        assert last or self.client.connected
        return outcome, self.redis.looks() - before

    def looks(self, **more):
        """Of a burst of requests, all granted: the looks of each."""
        answers = [self.ask(**more) for _ in range(BURST)]
        for outcome, _ in answers:
            check_grant(outcome, user="alice@example.test")
        return [looks for _, looks in answers]

    def until_it_is_kept(self):
        """The first Outcome that took no look."""
        def kept():
            outcome, looks = self.ask()
            return outcome if looks == 0 else None
        return process.wait_until(kept, 20, "a request without a look into the cache")


@pytest.fixture
def clock(lab):
    """httpd's clock."""
    return Clock(lab.root / "clock-last-decision")


@pytest.fixture
def asker(lab, proxy, redis, tmp_path, clock, holders):  # noqa: F811
    """asker(section, setting=…): an Asker with alice's certificate."""
    def start(*sections, hosts=(), start_log=(), **settings):
        one = proxy(virtual_host(lab, *sections, **settings), *hosts, **redis.options(tmp_path), start_log=start_log,
                    env=clock.environment(lab.env))
        return Asker(one, redis, holders["alice"])
    return start


def open_section(lab, path="/mail", *more, **settings):
    """One that needs only the directory."""
    return section(path, lab.standin.url, *more, **{"EASDelegation": "none", **settings})


def test_kept_decision_saves_the_look_and_says_the_same(lab, asker):
    alice = asker(open_section(lab))
    check_grant(alice.ask()[0], EAS_CACHE="miss")
    looked_up, looks = alice.ask()
    assert looks > 0
    kept = alice.until_it_is_kept()
    check_grant(kept, user="alice@example.test", EAS_CACHE="hit", EAS_ACCOUNT_SID=lab.dc.sid("alice"))
    assert {name: kept.access[name] for name in VARIABLES} == {name: looked_up.access[name] for name in VARIABLES}
    assert {**kept.decision.fields, "id": ""} == {**looked_up.decision.fields, "id": ""}
    assert {"serial", "sha1", "issuer", "account"} <= set(kept.decision.fields)


def test_kept_decision_lasts_a_second(lab, asker, clock):
    alice = asker(open_section(lab))
    alice.until_it_is_kept()
    for _ in range(3):
        clock.forward(1)
        outcome, looks = alice.ask()
        check_grant(outcome, user="alice@example.test")
        assert looks > 0
    clock.forward(-3600)
    assert alice.ask()[1] > 0


def test_kept_decision_is_of_its_own_section(lab, asker):
    alice = asker(open_section(lab), open_section(lab, "/sam", EASRemoteUser="samaccountname"),
                  open_section(lab, "/ski", EASMapping="ski"))
    for _ in range(3):
        alice.until_it_is_kept()
        check_grant(alice.ask("/sam")[0], user="alice")
        check_grant(alice.ask()[0], user="alice@example.test")
    check_refusal(alice.ask("/ski")[0], "mapping-weak")


def test_kept_decision_is_of_its_own_virtual_host(lab, asker, holders):
    other = virtual_host(lab, ServerName="other.example.test", EASTrustedIssuers=lab.pki.strange.certificate)
    first = asker(hosts=[other, open_section(lab)], start_log=["AH01909: other.example.test"])    # of the whole server
    for _ in range(3):
        alice = Asker(first.one, first.redis, holders["alice"])
        check_grant(alice.until_it_is_kept(), user="alice@example.test")
        check_refusal(alice.ask(headers={"Host": "other.example.test"})[0], "certificate-untrusted")


def test_kept_decision_of_another_person_is_of_another_connection(lab, asker, holders):
    alice = asker(open_section(lab))
    bob = Asker(alice.one, alice.redis, holders["bob"])
    for _ in range(3):
        check_grant(alice.until_it_is_kept(), user="alice@example.test", EAS_ACCOUNT_SID=lab.dc.sid("alice"))
        check_grant(bob.until_it_is_kept(), user="bob@example.test", EAS_ACCOUNT_SID=lab.dc.sid("bob"))


def test_refusal_ends_it_and_names_the_certificate(lab, asker, holders, expect_log):
    expect_log("AH01631: user alice@example.test: authorization failure")
    first = asker(open_section(lab, "/mail", "<Limit GET>", "Require valid-user", "</Limit>",
                               "<Limit POST>", "Require user nobody", "</Limit>", Require=None))

    def refused_without_a_look():
        alice = Asker(first.one, first.redis, holders["alice"])
        kept = alice.until_it_is_kept()
        refused, looks = alice.ask(method="POST", body=b"")
        check_refusal(refused, "not-authorized")
        for field in ("serial", "sha1", "issuer", "account"):
            assert refused.decision.fields[field] == kept.decision.fields[field]
        assert 0 not in alice.looks()
        return looks == 0
    process.wait_until(refused_without_a_look, 20, "a refusal in the same second")


def test_kept_decision_gives_the_backend_the_same_name(lab, asker):
    alice = asker(section("/mail", lab.standin.url, EASDelegation="header", EASDelegationHeader=(
        'X-Remote-User "%{REMOTE_USER}" X-Lab-Sid "%{ENV:EAS_ACCOUNT_SID}"')))
    kept = alice.until_it_is_kept()
    check_grant(kept, user="alice@example.test")
    assert kept.arrived("X-Remote-User") == ["alice@example.test"]
    assert kept.arrived("X-Lab-Sid") == [lab.dc.sid("alice")]


def test_kept_decision_knows_the_account_whose_groups_are_asked_for(lab, asker, holders, expect_log):
    expect_log("AH01631: user alice@example.test: authorization failure")
    methods = {"POST": '"Domain Users"', "PUT": '"Domain Admins"'}
    limits = [f"<Limit {method}>\nRequire eas-group {group}\n</Limit>" for method, group in methods.items()]
    first = asker(open_section(lab, "/mail", "<Limit GET>\nRequire valid-user\n</Limit>", *limits, Require=None))

    def with_no_group_known():
        first.redis.command("FLUSHALL")
        alice = Asker(first.one, first.redis, holders["alice"])
        alice.ask()
        return alice

    def kept(method):
        """The outcome, when it took fewer looks than with the account's."""
        _, all_looks = with_no_group_known().ask(method=method, body=b"")
        alice = with_no_group_known()
        alice.until_it_is_kept()
        outcome, looks = alice.ask(method=method, body=b"")
        return outcome if looks < all_looks else None
    check_grant(process.wait_until(lambda: kept("POST"), 20, "a member's request"), user="alice@example.test")
    check_refusal(process.wait_until(lambda: kept("PUT"), 20, "another's"), "not-authorized")


def test_kept_decision_knows_the_account_whose_ticket_is_asked_for(lab, asker, holders, expect_log):
    expect_log("ECA5004 .* account=.CN=alice,")
    elsewhere = [f"<Location /mail/{n}>\nProxyPass http://other{n}.example.test/\n</Location>" for n in range(BURST)]
    first = asker(section("/mail", f"https://{lab.exchange.host}/nowhere"), *elsewhere, EASDelegationSPN=None)
    all_looks = []
    for n in range(BURST):
        alice = Asker(first.one, first.redis, holders["alice"])
        kept = alice.until_it_is_kept()
        refused, looks = alice.ask(f"/mail/{n}", last=True)
        check_answer(refused, "delegation-misconfigured")
        assert f"HTTP/other{n}.example.test" in refused.decision.fields["detail"]
        for name in ("user", "serial", "account"):
            assert refused.decision.fields[name] == kept.decision.fields[name]
        all_looks.append(looks)
    assert 0 in all_looks


def test_kept_decision_is_refused_with_its_sentence(lab, asker, holders):
    first = asker(section("/mail", lab.standin.url, EASDelegation="header"))

    def refused_without_a_look():
        alice = Asker(first.one, first.redis, holders["alice"])
        alice.until_it_is_kept()
        refused, looks = alice.ask(method="TRACE", body=None)
        check_refusal(refused, "not-authorized", detail="TRACE would")
        return looks == 0
    process.wait_until(refused_without_a_look, 20, "a refusal in the same second")


def test_name_that_is_cut_for_a_variable_is_looked_at_each_time(lab, asker, directory):
    longest = 256    # of a variable
    upn = "a" * longest + "@example.test"
    directory.set(lab.people["alice"].dn, "userPrincipalName", upn, before=["alice@example.test"])
    alice = asker(open_section(lab, EASRemoteUser="samaccountname"))
    answers = [alice.ask() for _ in range(BURST)]
    assert 0 not in [looks for _, looks in answers]
    for outcome, _ in answers:
        check_grant(outcome, user="alice", EAS_ACCOUNT_UPN=upn[:longest - 3] + "...")


def test_with_revocation_every_request_is_looked_at(lab, asker):
    assert 0 not in asker(open_section(lab), EASRevocation="ocsp", EASRevocationFailure="allow").looks()


def test_with_a_password_every_request_is_looked_at(lab, asker):
    alice = asker(open_section(lab, EASAuthenticate="certificate-and-basic"))
    assert 0 not in alice.looks(basic=("alice", lab.people["alice"].password))


def test_certificates_in_a_header_are_looked_at_each_time(lab, asker, holders):
    ours = open_section(lab, EASCertificateSource="header X-Client-Cert base64-der")
    one = asker(ours, EASTrustedProxy="127.0.0.0/8")
    for _ in range(BURST):
        for name in ("alice", "bob"):
            sent = base64.b64encode(holders[name].der).decode()
            check_grant(one.ask(headers={"X-Client-Cert": sent})[0], user=f"{name}@example.test",
                        EAS_ACCOUNT_SID=lab.dc.sid(name))
