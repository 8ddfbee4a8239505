# SPDX-License-Identifier: Apache-2.0
"""Accounts that are kept: for how long, for whom, and what an outage or a hostile cache can do with them."""

from functools import partial

import pytest

from holders import FROM_NOW, issuer_serial_of
from lab import process
from proxy import section, virtual_host
from reasons import check_grant, check_refusal, line_of
from redis_server import redis  # noqa: F401
from swarm import at_once, timed

DEADLINE = 3.0
MARGIN = 2.0    # less than DEADLINE, which whoever waits for the directory needs
BUSY = 5.0      # TLS; children that are just made, after one whose connections lingered for 2 s; other work
PHONES = 500
PHONES_WORKERS = "ServerLimit 2\nThreadLimit 640\nThreadsPerChild 640\nMaxRequestWorkers 640\n"


@pytest.fixture
def controller(lab):
    """The domain controller, running again when the test ends."""
    yield lab.dc
    lab.dc.thaw()


def site(lab, **more):
    """One section that needs only the directory, and one that maps otherwise."""
    return virtual_host(lab, section("/strong", lab.standin.url, EASDelegation="none"),
                        section("/sam", lab.standin.url, EASDelegation="none", EASRemoteUser="samaccountname"),
                        section("/ski", lab.standin.url, EASDelegation="none", EASMapping="ski"), **more)


def ask(one, holders, name="alice", path="/strong"):
    """One request and whether the cache knew: hit, miss or stale."""
    outcome = one.request(path, holders[name])
    check_grant(outcome)
    return outcome.access["EAS_CACHE"]


def connections(address):
    """How many TLS connections to an address are established, as the kernel counts them."""
    local = "".join(f"{int(byte):02X}" for byte in reversed(address.split("."))) + ":01BB"
    rows = [line.split() for line in open("/proc/net/tcp", encoding="ascii")]
    return sum(row[1] == local and row[3] == "01" for row in rows)


# ---- hits and misses -----------------------------------------------------------------------------

def test_second_request_is_a_hit_and_other_settings_are_not_mixed(lab, holders, proxy):
    one = proxy(site(lab), cache="shmcb")
    assert [ask(one, holders) for _ in range(3)] == ["miss", "hit", "hit"]
    assert ask(one, holders, "bob") == "miss"
    assert ask(one, holders, "alice", "/sam") == "miss"
    check_grant(one.request("/sam", holders["alice"]), user="alice", EAS_CACHE="hit",
                EAS_ACCOUNT_SID=lab.dc.sid("alice"), EAS_ACCOUNT_DN=lab.people["alice"].dn,
                EAS_ACCOUNT_UPN="alice@example.test", EAS_MAPPING="sid", EAS_MAPPING_STRENGTH="strong")
    check_refusal(one.request("/ski", holders["alice"]), "mapping-weak", EAS_CACHE="miss")
    check_refusal(one.request("/ski", holders["alice"]), "mapping-weak", EAS_CACHE="hit")


def test_hit_reaches_own_mailbox_of_real_server(lab, holders, proxy):
    one = proxy(virtual_host(lab, section("/Microsoft-Server-ActiveSync", lab.exchange.url)), cache="shmcb")
    for name in ("alice", "bob", "dora", "erin") * 2:
        assert one.client(certificate=holders[name], user=name).whoami() == lab.people[name].mail


def test_none_asks_every_time(lab, holders, proxy):
    one = proxy(site(lab), cache="none")
    assert [ask(one, holders) for _ in range(2)] == ["miss", "miss"]


def test_kept_refusal_ends_when_the_mapping_is_stored(lab, holders, proxy, directory):
    one = proxy(site(lab), cache="shmcb\nEASCacheTTL notfound=1")
    phone = holders.issue("cache-mapping", **FROM_NOW)
    check_refusal(one.request("/strong", phone), "account-not-found", EAS_CACHE="miss")
    directory.set(lab.people["bob"].dn, "altSecurityIdentities", issuer_serial_of(phone))
    found = process.wait_until(lambda: (outcome := one.request("/strong", phone)).status == 200 and outcome, 8,
                               "found again")
    check_grant(found, user="bob@example.test", EAS_CACHE="miss")


def test_account_that_lost_its_mapping_is_gone_after_the_time(lab, holders, proxy, directory, controller, expect_log):
    one = proxy(site(lab), cache="shmcb\nEASCacheTTL found=1 stale=600")
    phone = holders.issue("cache-lost", **FROM_NOW)
    directory.set(lab.people["bob"].dn, "altSecurityIdentities", issuer_serial_of(phone))
    check_grant(one.request("/strong", phone), user="bob@example.test")
    directory.undo()
    process.wait_until(lambda: one.request("/strong", phone).status == 403, 8, "refused")
    # the old finding does not come back when the directory falls silent
    controller.freeze()
    expect_log(line_of("directory-unavailable"))
    process.wait_until(lambda: one.request("/strong", phone).status == 503, 40, "unavailable")


def test_disabled_account_is_refused_after_the_time(lab, holders, proxy, directory):
    one = proxy(site(lab), cache="shmcb\nEASCacheTTL found=1")
    assert ask(one, holders, "bob") == "miss"
    directory.set(lab.people["bob"].dn, "userAccountControl", 514, before=[66048])
    refused = process.wait_until(lambda: (outcome := one.request("/strong", holders["bob"])).status == 403 and outcome,
                                 8, "refused")
    check_refusal(refused, "account-disabled")


# ---- outages -----------------------------------------------------------------------------------

def test_directory_frozen_known_users_are_served_and_others_get_503_in_time(lab, holders, proxy, controller,
                                                                            expect_log):
    one = proxy(site(lab), cache="shmcb\nEASCacheTTL found=0 stale=600")
    assert ask(one, holders) == "miss"
    holders["bob"]
    expect_log(r"ECA3031: the directory does not answer")
    expect_log(line_of("directory-unavailable"))
    controller.freeze()
    for outcome, seconds in at_once([partial(timed, one.request, "/strong", holders[name])
                                     for name in ("alice", "bob") * 4]):
        assert seconds < DEADLINE + BUSY
        assert outcome.access["EAS_REASON"] in ("granted", "directory-unavailable")
    outcome, seconds = timed(one.request, "/strong", holders["alice"])
    check_grant(outcome, user="alice@example.test", EAS_CACHE="stale")
    assert seconds < MARGIN
    assert one.request("/strong", holders["bob"]).status == 503


def test_stale_ends(lab, holders, proxy, controller, expect_log, allow_log):
    one = proxy(site(lab), cache="shmcb\nEASCacheTTL found=1 stale=1")
    assert ask(one, holders) == "miss"
    controller.freeze()
    expect_log(line_of("directory-unavailable"))
    allow_log(r"ECA3031")
    process.wait_until(lambda: one.request("/strong", holders["alice"]).status == 503, 20, "too old")


def test_reload_with_the_directory_frozen_is_a_cold_start(lab, holders, proxy, controller, expect_log):
    one = proxy(site(lab), cache="shmcb")
    assert [ask(one, holders) for _ in range(2)] == ["miss", "hit"]
    controller.freeze()
    one.httpd.graceful()
    expect_log(line_of("directory-unavailable"))
    outcome, seconds = timed(one.request, "/strong", holders["alice"])
    assert outcome.status == 503 and seconds < DEADLINE + BUSY
    controller.thaw()
    process.wait_until(lambda: one.request("/strong", holders["alice"]).status == 200, 10, "served again")
    assert ask(one, holders) == "hit"


def test_reload_with_500_phones_waiting_serves_them_all(lab, holders, proxy, controller):
    one = proxy(site(lab, EASDirectoryTimeout=60000), cache="shmcb", workers=PHONES_WORKERS)
    clients = [one.client("/strong", holders["alice"]) for _ in range(PHONES)]
    controller.freeze()

    def reload_and_thaw():
        process.wait_until(lambda: connections(one.address) >= PHONES, 60, "phones waiting")
        one.httpd.graceful()
        controller.thaw()
    answers = at_once([reload_and_thaw, *(partial(client.request, "GET", "/strong") for client in clients)])
    assert {answer.status for answer in answers[1:]} == {200}


# ---- a cache on another machine ------------------------------------------------------------------

@pytest.fixture
def shared(lab, proxy, redis, tmp_path):  # noqa: F811
    """An httpd whose cache is that redis, the same for all."""
    where = redis.options(tmp_path)

    def start(**options):
        return proxy(site(lab), **where, **options)
    return start


def test_redis_serves_a_second_httpd_and_survives_a_reload(shared, holders):
    one, other = shared(), shared()
    assert [ask(one, holders) for _ in range(2)] == ["miss", "hit"]
    assert ask(other, holders) == "hit"
    one.httpd.graceful()
    assert ask(one, holders) == "hit"


def test_redis_hostile_records_are_no_records(shared, holders, redis, lab, expect_log):  # noqa: F811
    expect_log(r"ECA3030: EASCache: reading failed")    # the one that is far too long
    expect_log(r"socache_redis:error.*OVERFLOW")
    one = shared()
    assert ask(one, holders, "alice") == "miss"
    (alice_key, alice_record), = redis.records().items()
    assert ask(one, holders, "bob") == "miss"
    bob_key = next(key for key in redis.records() if key != alice_key)
    bob_record = redis.command("GET", bob_key)
    forged = bytearray(alice_record)
    forged[-40] ^= 1
    assert [ask(one, holders, name) for name in ("alice", "bob")] == ["hit", "hit"]    # the child knows both records
    for hostile in (bob_record, bytes(forged), alice_record[:-1], b"", b"x" * 448, b"x" * 100000):
        redis.command("SET", alice_key, hostile)
        check_grant(one.request("/strong", holders["alice"]), user="alice@example.test", EAS_CACHE="miss",
                    EAS_ACCOUNT_SID=lab.dc.sid("alice"))
    assert ask(one, holders, "alice") == "hit"
    # an old record of the right key is what it was, no more
    redis.command("SET", alice_key, alice_record)
    check_grant(one.request("/strong", holders["alice"]), user="alice@example.test", EAS_CACHE="hit")


@pytest.mark.parametrize("go, come", [("stop", "start"), ("freeze", "thaw")])
def test_redis_gone_costs_little_and_is_used_again(shared, holders, redis, expect_log, allow_log,  # noqa: F811
                                                   go, come):
    one = shared()
    assert [ask(one, holders) for _ in range(2)] == ["miss", "hit"]
    getattr(redis.daemon, go)()
    expect_log(r"ECA3030: EASCache: reading failed")
    allow_log(r"socache_redis")
    for _ in range(4):
        outcome, seconds = timed(one.request, "/strong", holders["alice"])
        check_grant(outcome, user="alice@example.test", EAS_CACHE="miss")
        assert seconds < MARGIN + 0.25 * 4
    getattr(redis.daemon, come)()
    process.wait_until(lambda: ask(one, holders) == "hit", 20, "redis used again")
