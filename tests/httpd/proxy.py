# SPDX-License-Identifier: Apache-2.0
"""An httpd with the module under test: its configuration text, its requests, its log lines."""

import itertools
import os
import re
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lab import process
from lab.eas_client import EasClient, basic as basic_value, tls_context
from lab.httpd import DEFAULT_MODULES, RUN_AS

TREE = Path(__file__).resolve().parents[2]
MODULE = Path(os.environ.get("EAS_TEST_MODULE", TREE / "build/mod_eas_certauth.so"))
HOST = "proxy.example.test"
ADDRESS = "${ADDRESS}"    # in a configuration text: the address the httpd gets when it starts
MAIL = "/Microsoft-Server-ActiveSync"
BACKEND_OPTIONS = "timeout=3660 retry=0"

# One child, so that its counters and caches are those of every request; more workers than the
# module's warning about too few.
WORKERS = {
    "event": "ServerLimit 1\nThreadLimit 192\nThreadsPerChild 192\nMaxRequestWorkers 192\n",
    "worker": "ServerLimit 1\nThreadLimit 192\nThreadsPerChild 192\nMaxRequestWorkers 192\n",
    "prefork": "ServerLimit 192\nMaxRequestWorkers 192\n",
}

VARIABLES = (
    "EAS_REASON", "EAS_METHOD", "EAS_MAPPING", "EAS_MAPPING_STRENGTH", "EAS_ACCOUNT_DN",
    "EAS_ACCOUNT_SID", "EAS_ACCOUNT_UPN", "EAS_CERTIFICATE_SHA256", "EAS_CERTIFICATE_SHA1",
    "EAS_CERTIFICATE_SERIAL", "EAS_DELEGATION", "EAS_COMMAND", "EAS_USER", "EAS_DEVICE_ID",
    "EAS_DEVICE_TYPE", "EAS_PROTOCOL_VERSION", "EAS_CACHE",
)
REQUEST_HEADER = "X-Lab-Request"    # finds a request's line in the access log
ACCESS_FIELDS = {"request": f"%{{{REQUEST_HEADER}}}i", "log_id": "%L", "status": "%>s",
                 "user": "%u", "line": "%r",
                 **{name: f"%{{{name}}}e" for name in VARIABLES}}
ACCESS_FORMAT = "\\t".join(ACCESS_FIELDS.values())

ERROR_LINE = re.compile(r"^\[[^]]+\] \[(?P<module>\w*):(?P<level>\w+)\] \[pid [^]]+\] "
                        r"(?:\([^)]*\)[^:]*: )?(?:\[(?:client|remote) [^]]+\] )?(?P<text>.*)$")
ALWAYS = (r"ECA1038: section ",)    # most tests are not about revocation
QUIET_LEVELS = {"notice", "info", "debug", *(f"trace{number}" for number in range(1, 9))}


# ---- configuration text -------------------------------------------------------------------

def lines_of(settings):
    """`settings` (directive: argument, list of arguments, or None for absent) as text."""
    lines = []
    for name, value in settings.items():
        if value is not None:
            lines += [f"{name} {one}" for one in (value if isinstance(value, list) else [value])]
    return "\n".join(lines)


def section(path, backend=None, *more, **settings):
    """A Location of ours, proxied to `backend`; keywords change or (None) remove directives."""
    merged = {"AuthType": "EASCert", "AuthName": '"ActiveSync"', "EASAuthenticate": "certificate",
              "EASDelegation": "kerberos", "Require": "valid-user", **settings}
    if backend:
        merged.setdefault("ProxyPass", f"{backend} {BACKEND_OPTIONS}")
    return "\n".join((f"<Location {path}>", lines_of(merged), *more, "</Location>"))


def virtual_host(lab, *contents, port=443, name="proxy", **settings):
    """A TLS virtual host as the documentation recommends it; keywords as in section()."""
    certificate = lab.server_certificate(name)
    merged = {
        "ServerName": f"{name}.example.test", "SSLEngine": "on",
        "SSLCertificateFile": certificate.chain, "SSLCertificateKeyFile": certificate.key,
        "SSLVerifyClient": "optional_no_ca", "SSLVerifyDepth": "5",
        "SSLCACertificateFile": lab.pki.trusted, "SSLProxyEngine": "on",
        "SSLProxyVerify": "require", "SSLProxyCACertificateFile": lab.standin.ca_file,
        "EASDirectory": "ldap://dc1.example.test", "EASDirectoryBind": "gssapi",
        "EASDirectoryCAFile": lab.dc.ca_file,
        "EASKerberosKeytab": lab.proxy_keytab, "EASTrustedIssuers": lab.pki.trusted,
        "EASDelegationSPN": lab.exchange_spn,
        "CustomLog": '"${FOLDER}/log/eas.log" eas', **settings}
    return "\n".join((f"<VirtualHost {ADDRESS}:{port}>", lines_of(merged), *contents,
                      "</VirtualHost>"))


def simple_bind(lab, folder, **more):
    """Settings for LDAP over TLS with a name and a password, so that it needs no KDC."""
    word = folder / "bind.password"
    word.write_text(lab.services["svc-proxy"].password + "\n", encoding="utf-8")
    return {"EASDirectory": lab.dc.ldaps_url, "EASDirectoryCAFile": lab.dc.ca_file,
            "EASDirectoryBind": f'simple "{lab.services["svc-proxy"].dn}" {word}', **more}


def whole_site(*hosts, mpm="event", workers=None, port=443, cache="none"):
    """The configuration of an httpd that serves `hosts` at ADDRESS:port.

    Without a cache unless `cache` says otherwise: most tests change the directory and look at once.
    """
    return "\n".join((WORKERS[mpm] if workers is None else workers, f"Listen {ADDRESS}:{port}",
                      f"EASCache {cache}",
                      f"ServerName {HOST}", 'SSLSessionCache "shmcb:${FOLDER}/run/ssl(512000)"',
                      f'LogFormat "{ACCESS_FORMAT}" eas', *hosts, ""))


# ---- what came of a request ----------------------------------------------------------------

@dataclass
class Decision:
    """The module's line about a request: `message` is ECAnnnn, `fields` the key=value pairs."""

    level: str
    message: str
    fields: dict


def parse_decision(level, text):
    """A Decision from a line's text."""
    message, _, rest = text.partition(" ")
    pairs = re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))', rest)
    return Decision(level, message, {key: quoted or plain for key, quoted, plain in pairs})


class Outcome:
    """One answer: status, headers, body, and what the logs say of the request."""

    def __init__(self, proxy, number, answer):
        self.proxy, self.number, self.answer = proxy, number, answer
        self.status, self.headers, self.body = answer.status, answer.headers, answer.body

    @property
    def text(self):
        """The body as text."""
        return self.body.decode("utf-8", errors="replace")

    @property
    def first_line(self):
        """The body's first line."""
        return self.text.split("\n", 1)[0]

    @property
    def echo(self):
        """The request as the stand-in saw it."""
        return self.answer.json

    def arrived(self, name):
        """The values of a header as the stand-in saw it."""
        return [value for one, value in self.echo["headers"] if one.lower() == name.lower()]

    @cached_property
    def access(self):
        """The access log's fields: ACCESS_FIELDS by name; absent ones are None."""
        return self.proxy.access_line(self.number)

    @cached_property
    def decision(self):
        """The request's last Decision in the error log."""
        return self.proxy.decisions(self.access["log_id"])[-1]


# ---- the httpd -----------------------------------------------------------------------------

class Proxy:
    """A running httpd with the module; made by the fixtures of conftest.py."""

    numbers = itertools.count(1)

    def __init__(self, lab, name, address, site, *, start_log=(), env=None, modules=(),
                 module=MODULE, symbols=("eas_certauth_module",), **options):
        self.lab, self.address = lab, address
        self.marked = 0
        self.start_log = tuple(start_log)
        folder = lab.root / "httpd" / name
        shutil.rmtree(folder, ignore_errors=True)    # of an earlier run
        self.trace_file = folder / "log/krb5-trace.log"
        env = {"KRB5_TRACE": str(self.trace_file), **(env or {})}
        self.httpd = lab.httpd(
            name, site.replace(ADDRESS, address), env=env,
            modules=tuple(dict.fromkeys((*DEFAULT_MODULES, *modules))),
            module_files={symbol: module for symbol in symbols} if module else {}, **options)
        self.eas_log = folder / "log/eas.log"

    def start(self):
        """Starts it; warnings at start must be those declared in `start_log`."""
        self.httpd.write()
        self.trace_file.write_text("", encoding="utf-8")
        shutil.chown(self.trace_file, RUN_AS, RUN_AS)
        self.eas_log.unlink(missing_ok=True)
        self.httpd.start()
        problems = complaints(self.troubles(), self.start_log, ALWAYS)
        self.mark()
        if problems:
            self.httpd.stop()
            raise AssertionError("httpd's start:\n" + "\n".join(problems))
        return self

    def check(self):
        """`apache2 -t`: what it prints; raises when the configuration is accepted."""
        done = self.httpd.check()
        assert done.returncode != 0, f"accepted:\n{self.httpd.config}"
        return done.stdout + done.stderr

    def stop(self):
        """Ends it."""
        self.httpd.stop()

    def renew(self):
        """Graceful restart, until the old children are gone: from now on only new ones answer."""
        old = set(self.httpd.child_pids())
        self.httpd.graceful()
        process.wait_until(lambda: not old & set(self.httpd.child_pids()), 60, "the old children ended")

    # -- requests

    def url(self, path="/", port=443, host=HOST):
        """The URL of a path, for EasClient."""
        return f"https://{host}{'' if port == 443 else f':{port}'}{path}"

    def client(self, path=MAIL, certificate=None, *, context=None, port=443, host=HOST, **more):
        """An EasClient that shows `certificate`."""
        return EasClient(self.url(path, port, host), address=self.address,
                         context=context or tls_context(certificate=certificate),
                         **{"timeout": 30, **more})

    def request(self, path, certificate=None, *, method="GET", basic=None, headers=(), body=None,
                client=None, **more):
        """One request: an Outcome. `basic` is a pair; `more` as in client()."""
        number = f"request-{next(self.numbers)}"
        fields = {REQUEST_HEADER: number, **dict(headers)}
        if basic:
            fields["Authorization"] = basic_value(*basic)
        client = client or self.client("/", certificate, **more)
        return Outcome(self, number, client.request(method, path, body, fields))

    # -- logs

    def whole_log(self):
        """The error log up to its last complete line: httpd may be writing the next."""
        text = self.httpd.error_log()
        return text[:text.rfind("\n") + 1]

    def error_lines(self):
        """Every line of the error log since the last mark()."""
        return self.whole_log()[self.marked:].splitlines()

    def mark(self):
        """From now on only later lines count."""
        self.marked = len(self.whole_log())

    def troubles(self):
        """The lines since mark() that are worse than a notice, or none of httpd's own."""
        found = []
        for line in self.error_lines():
            match = ERROR_LINE.match(line)
            if line.strip() and not (match and match["level"] in QUIET_LEVELS):
                found.append(line)
        return found

    def decisions(self, log_id=None):
        """The module's decisions in the error log, of one request or of all."""
        found = []
        for line in self.httpd.error_log().splitlines():
            match = ERROR_LINE.match(line)
            if match and match["module"] == "eas_certauth" and "reason=" in match["text"]:
                decision = parse_decision(match["level"], match["text"])
                if log_id in (None, decision.fields.get("id")):
                    found.append(decision)
        return found

    def access_line(self, number):
        """The access log's fields of a request; httpd writes them after the answer."""
        def find():
            text = self.eas_log.read_text(encoding="utf-8", errors="replace")
            return next((line for line in text.splitlines(keepends=True)
                         if line.startswith(number + "\t") and line.endswith("\n")), None)
        line = process.wait_until(find, 10, f"{number} in the access log")
        values = [None if value == "-" else value for value in line.rstrip("\n").split("\t")]
        return dict(zip(ACCESS_FIELDS, values))


def complaints(lines, expected, allowed=()):
    """What is wrong with `lines`: those that no pattern explains, and expected ones not there."""
    surprises = [line for line in lines
                 if not any(re.search(pattern, line) for pattern in (*expected, *allowed))]
    missing = [f"expected in the error log and did not come: {pattern}" for pattern in expected
               if not any(re.search(pattern, line) for line in lines)]
    return surprises + missing
