# SPDX-License-Identifier: Apache-2.0
"""Require eas-group, eas-mapping and eas-method, against groups of a real Active Directory."""

import re

import pytest

from holders import FROM_NOW
from proxy import section, virtual_host
from reasons import check_grant, check_refusal, line_of

USERS = "CN=Users,DC=example,DC=test"


@pytest.fixture(autouse=True)
def refusals_of_httpd(allow_log):
    """httpd's own line about Require."""
    allow_log(r"authz_core:error.*AH01631")


@pytest.fixture(scope="module")
def groups(lab):
    """staff holds bob; everyone holds staff; folder OU; a group with a hostile name."""
    names = {"staff": f"CN=bob,{USERS}", "everyone here": f"CN=staff,{USERS}", "st*ff": f"CN=alice,{USERS}"}
    for name, member in names.items():
        lab.dc.modify(f"dn: CN={name},{USERS}\nchangetype: add\nobjectClass: group\n"
                      f"sAMAccountName: {name.replace('*', '_')}\nmember: {member}\n")
    yield {name: f"CN={name},{USERS}" for name in names}
    for name in reversed(names):
        lab.dc.modify(f"dn: CN={name},{USERS}\nchangetype: delete\n")


@pytest.fixture(scope="module")
def site(lab, groups, module_proxy):
    """A section for each requirement."""
    def here(path, *requirements, **more):
        return section(path, lab.standin.url + path, *(f"Require {one}" for one in requirements),
                       Require=None, EASDelegation="none", **more)

    return module_proxy(virtual_host(
        lab, here("/staff", "eas-group staff"), here("/nested", 'eas-group "everyone here"'),
        here("/dn", f'eas-group "{groups["everyone here"]}"'), here("/sid", f"eas-group {lab.dc.sid('staff')}"),
        here("/primary", 'eas-group nobody "Domain Users"'), here("/none", "eas-group nobody-at-all"),
        here("/star", 'eas-group "st*ff" "*" "staff)(cn=*"'),
        here("/lines", "eas-group nobody-at-all", "eas-group staff"),
        section("/not", lab.standin.url, "<RequireAll>", "Require valid-user", "Require not eas-group staff",
                "</RequireAll>", Require=None, EASDelegation="none"),
        here("/strong", "eas-mapping strong", EASMapping="strong upn"),
        here("/weak", "eas-mapping weak", EASMapping="strong upn", EASAuthenticate="certificate-or-basic"),
        here("/basic", "eas-method basic", EASAuthenticate="certificate-or-basic"),
        here("/certificate", "eas-method certificate", EASAuthenticate="certificate-or-basic"),
        here("/both", "eas-method certificate+basic", EASAuthenticate="certificate-and-basic"),
        here("/password", "eas-group staff", EASAuthenticate="basic")),
        start_log=[r"ECA1035: section /(strong|weak): "] * 2)


GROUPS = [
    ("/staff", "bob", True), ("/staff", "alice", False), ("/nested", "bob", True), ("/nested", "alice", False),
    ("/dn", "bob", True), ("/sid", "bob", True), ("/sid", "alice", False), ("/primary", "alice", True),
    ("/none", "bob", False), ("/star", "alice", False), ("/star", "bob", False), ("/lines", "bob", True),
    ("/lines", "alice", False), ("/not", "alice", True), ("/not", "bob", False)]


@pytest.mark.parametrize("path, name, granted", GROUPS)
def test_group_lets_its_members_in_and_nobody_else(site, holders, path, name, granted):
    outcome = site.request(path, holders[name])
    if granted:
        check_grant(outcome, user=f"{name}@example.test")
        assert "detail" not in outcome.decision.fields
    else:
        check_refused(outcome)


def check_refused(outcome, detail=""):
    """403 not-authorized, although somebody is known."""
    check_answer_is_403(outcome)
    assert re.search(detail, outcome.decision.fields.get("detail", ""))


def check_answer_is_403(outcome):
    """The refusal of a known user."""
    assert (outcome.status, outcome.headers["X-EAS-Reason"]) == (403, "not-authorized")
    assert "WWW-Authenticate" not in outcome.headers
    assert outcome.decision.fields["reason"] == "not-authorized"


def test_refusal_names_the_line_that_failed(site, holders):
    check_refused(site.request("/staff", holders["alice"]), r"^Require eas-group staff: the account is in none")
    check_refused(site.request("/none", holders["bob"]), r'no group .*nobody-at-all')


def test_group_counts_for_passwords_too(site, lab):
    check_grant(site.request("/password", basic=("bob", lab.people["bob"].password)))
    check_refused(site.request("/password", basic=("alice", lab.people["alice"].password)))


def test_mapping_and_method(site, holders, lab):
    weak = holders.issue("require-weak", upn="alice@example.test", **FROM_NOW)
    password = ("alice", lab.people["alice"].password)
    check_grant(site.request("/strong", holders["alice"]))
    check_refused(site.request("/strong", weak), "Require eas-mapping strong: upn")
    check_grant(site.request("/weak", weak))
    check_refused(site.request("/weak", holders["alice"]))
    check_refused(site.request("/weak", basic=password), "no certificate")
    check_grant(site.request("/basic", basic=password))
    check_refused(site.request("/basic", holders["alice"]), "Require eas-method basic: certificate")
    check_grant(site.request("/certificate", holders["alice"]))
    check_refused(site.request("/certificate", basic=password))
    check_grant(site.request("/both", holders["alice"], basic=password))


def test_member_is_kept_and_outage_lets_nobody_else_in(lab, groups, holders, proxy, expect_log):
    one = proxy(virtual_host(
        lab, section("/staff", lab.standin.url, EASDelegation="none", Require="eas-group staff"),
        section("/not", lab.standin.url, "<RequireAll>", "Require valid-user", "Require not eas-group staff",
                "</RequireAll>", Require=None, EASDelegation="none"),
        section("/plain", lab.standin.url, EASDelegation="none")), cache="shmcb")
    check_grant(one.request("/staff", holders["bob"]))
    check_grant(one.request("/plain", holders["alice"]))
    lab.dc.freeze()
    try:
        expect_log(line_of("directory-unavailable"))
        check_grant(one.request("/staff", holders["bob"]), EAS_CACHE="hit")
        for path in ("/staff", "/not"):
            check_refusal_unavailable(one.request(path, holders["alice"]))
    finally:
        lab.dc.thaw()


def check_refusal_unavailable(outcome):
    """503, whoever asks."""
    assert (outcome.status, outcome.headers["X-EAS-Reason"]) == (503, "directory-unavailable")
    assert outcome.decision.fields["reason"] == "directory-unavailable"


@pytest.mark.parametrize("line, message", [
    ("eas-group", "ECA1045"), ("eas-mapping", "ECA1045"), ("eas-mapping middling", "ECA1046"),
    ("eas-method password", "ECA1046"), ("eas-group " + "x " * 33, "ECA1047"), ("eas-group " + "x" * 256, "ECA1048"),
    ("eas-group S-1-5-21-x", "ECA1049"), ("eas-group S-1-5-21-99999999999", "ECA1049")])
def test_start_refused_requirement_says_why(lab, unstarted, line, message):
    assert message in unstarted(virtual_host(lab, section("/", lab.standin.url, Require=line))).check()


def test_not_authorized_shows_in_the_variables(site, holders):
    check_refusal(site.request("/staff", holders["alice"]), "not-authorized", EAS_MAPPING="sid")
