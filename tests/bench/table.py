# SPDX-License-Identifier: Apache-2.0
"""The table: what a request costs the proxy's children, side by side in one httpd, rounds interleaved."""

import itertools
from dataclasses import dataclass, field

from bench.load import Figure, run_ab
from bench.servers import Backend, Site, knows, open_section, ours
from lab.eas_client import basic

KEPT, CLOSED_HTTP, CLOSED_HTTPS, SLOW = 2500, 1500, 400, 60    # requests of a round, by what is expected of the row
CLOSED = "SetEnv proxy-nokeepalive 1"
KERBEROS = {"EASDelegation": "kerberos"}
BASIC = {"EASAuthenticate": "basic"}


@dataclass
class Row:
    """One line: `who` decides, the backend is `scheme` at `kind`, its connection kept or closed."""

    who: str
    scheme: str
    connection: str
    section: str
    requests: int
    headers: tuple = ()
    certificate: bool = True
    path: str = ""
    cpu: Figure = field(default_factory=Figure)
    latency: Figure = field(default_factory=Figure)
    rate: Figure = field(default_factory=Figure)

    @property
    def name(self):
        """For people and for BENCH_ROWS."""
        return f"{self.who}, {self.scheme}, {self.connection}"


def ldap_lines(lab):
    """mod_authnz_ldap as its manual has it, with a name and a password for the search."""
    service = lab.services["svc-proxy"]
    return ("AuthType Basic", 'AuthName "ldap"', "AuthBasicProvider ldap",
            f'AuthLDAPURL "{lab.dc.ldaps_url}/DC=example,DC=test?sAMAccountName"',
            f'AuthLDAPBindDN "{service.dn}"', f'AuthLDAPBindPassword "{service.password}"', "Require valid-user")


def gssapi_lines(lab):
    """mod_auth_gssapi: S4U2Self for the user that mod_ssl named, on every request; the backend gets nothing."""
    return ("SSLUserName SSL_CLIENT_S_DN_CN", "GssapiImpersonate On", f"GssapiCredStore keytab:{lab.proxy_keytab}",
            f"GssapiCredStore client_keytab:{lab.proxy_keytab}", "Require valid-user")


def requests_of(scheme, connection):
    """How many requests make a round."""
    if connection == "kept":
        return KEPT
    return CLOSED_HTTP if scheme == "http" else CLOSED_HTTPS


def make_rows(lab):
    """Every row, with its section under a path of its own."""
    password = ("Authorization: " + basic("alice", lab.people["alice"].password),)
    table = []

    def add(who, scheme, connection, requests, make, *more, kind="plain", **fields):
        path = f"/row{len(table)}"
        closing = (CLOSED,) if connection == "closed" and make is open_section else ()
        text = make(path, Backend.url(scheme, kind), *more, *closing, **fields.pop("settings", {}))
        table.append(Row(who, scheme, connection, text, requests, path=path, **fields))

    for scheme, connection in itertools.product(("http", "https"), ("kept", "closed")):
        add("plain", scheme, connection, requests_of(scheme, connection), open_section, "Require all granted")
    add("ldap", "http", "kept", KEPT, open_section, *ldap_lines(lab), headers=password, certificate=False)
    add("gssapi", "http", "kept", SLOW, open_section, *gssapi_lines(lab))
    for scheme in ("http", "https"):
        add("ours, no delegation", scheme, "kept", KEPT, ours)
    for scheme in ("http", "https"):
        add("ours, header", scheme, "closed", requests_of(scheme, "closed"), ours, settings={"EASDelegation": "header"})
    for scheme in ("http", "https"):
        add("ours, kerberos", scheme, "closed", requests_of(scheme, "closed"), ours, kind="kerberos",
            settings=KERBEROS)
    if knows("EASBackendReuse"):
        for scheme in ("http", "https"):
            add("ours, kerberos, verified", scheme, "kept", CLOSED_HTTP, ours, kind="kerberos",
                settings={**KERBEROS, "EASBackendReuse": "verified"})
    add("ours, kerberos, Basic", "http", "closed", SLOW, ours, kind="kerberos", settings={**KERBEROS, **BASIC},
        headers=password, certificate=False)
    return table


def make_site(lab, rows, name="bench-table", **more):
    """One httpd for all rows."""
    return Site(lab, name, *(row.section for row in rows),
                SSLProxyCACertificateFile=lab.server_certificate("exch").root,
                server="LDAPVerifyServerCert Off\nMutex pthread eas-cache", **more)


def measure(site, rows, certificate, rounds):
    """Fills the figures of every row."""
    for row in rows:
        fields = dict(header.split(": ", 1) for header in row.headers)
        site.warm(row.path, certificate if row.certificate else None, fields)
    for _, row in itertools.product(range(rounds), rows):
        begin = site.cpu_seconds()
        run = run_ab(site, row.path, row.requests, certificate if row.certificate else None, headers=row.headers)
        row.cpu.values.append((site.cpu_seconds() - begin) / run.requests * 1e6)
        row.latency.values.append(run.latency)
        row.rate.values.append(run.requests / run.seconds)


def over_plain(rows, row):
    """Microseconds more than the plain proxy with the same backend and reuse, round by round."""
    same = ("plain", row.scheme, row.connection)
    plain = next((one for one in rows if (one.who, one.scheme, one.connection) == same), None)
    if plain is None or plain is row:
        return None
    return Figure([mine - theirs for mine, theirs in zip(row.cpu.values, plain.cpu.values)])


def lines(rows):
    """The table as text."""
    yield f"{'row':36} {'µs CPU per request':>22} {'over plain':>20} {'ms at the client':>20} {'requests/s':>12}"
    for row in rows:
        more = over_plain(rows, row)
        yield (f"{row.name:36} {row.cpu.text():>22} {more.text() if more else '':>20} {row.latency.text(2):>20} "
               f"{row.rate.median:12.0f}")
