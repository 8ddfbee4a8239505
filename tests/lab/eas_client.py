# SPDX-License-Identifier: Apache-2.0
"""A small ActiveSync client: http.client, and libwbxml's commands for WBXML."""

import base64
import http.client
import json
import re
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.parse
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lab import process

CONTENT_TYPE = "application/vnd.ms-sync.wbxml"
PROLOGUE = ('<?xml version="1.0" encoding="utf-8"?><!DOCTYPE ActiveSync PUBLIC '
            '"-//MICROSOFT//DTD ActiveSync//EN" "http://www.microsoft.com/">')
WBXML_START = b"\x03\x01"
CONTACTS = "vcard/personal"
POLICY_TYPE = "MS-EAS-Provisioning-WBXML"


def convert(program, arguments, content):
    """Runs one of libwbxml's commands on `content`."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in"), Path(folder, "out")
        source.write_bytes(content)
        subprocess.run([program, *arguments, "-o", str(target), str(source)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        return target.read_bytes()


def encode(xml):
    """WBXML 1.3 of an ActiveSync document without prologue."""
    return convert("xml2wbxml", ("-a", "-n", "-v", "1.3"), (PROLOGUE + xml).encode())


def decode(body):
    """The document in a WBXML body, without prologue; "" when the body is something else."""
    if not body.startswith(WBXML_START):
        return ""
    text = convert("wbxml2xml", ("-l", "ACTIVESYNC", "-m", "0"), body)
    return text.decode("utf-8", errors="replace").split(">", 2)[2]


@dataclass
class Answer:
    """One response: status, headers (http.client.HTTPMessage), body, reason phrase; decoded `xml` on demand."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    phrase: str

    @cached_property
    def xml(self):
        """The body's document; "" when it holds none."""
        return decode(self.body)

    def values(self, tag):
        """The texts of every element `tag`."""
        return re.findall(rf"<{tag}(?: [^>]*)?>([^<]*)</{tag}>", self.xml)

    def value(self, tag):
        """The first of values(); None when there is none."""
        return next(iter(self.values(tag)), None)

    @property
    def json(self):
        """The body of the stand-in's echo."""
        return json.loads(self.body)


def tls_context(ca_file=None, certificate=None, maximum=None):
    """A client context: verifies against `ca_file`, shows a pki Certificate.

    Without `ca_file` the server is not verified. `maximum` is an ssl.TLSVersion.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_file:
        context.load_verify_locations(ca_file)
    else:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate.chain, certificate.key)
    if maximum:
        context.maximum_version = maximum
    return context


def basic(user, password):
    """The Authorization value of Basic authentication."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class EasClient:
    """A device of one user.

    `url` is the server's ActiveSync URL; `address` connects there instead of resolving its
    host. `context` comes from tls_context(). `password` adds Basic; `headers` may be a
    callable that makes the headers of each request (a fresh Negotiate token). With
    `keep_alive` one connection serves all requests; otherwise each has its own.
    """

    def __init__(self, url, *, address=None, context=None, user="alice", password=None,
                 device="DEVICE1", device_type="lab", keep_alive=False, headers=(), timeout=120):
        self.url = urllib.parse.urlsplit(url)
        self.address, self.timeout, self.keep_alive = address, timeout, keep_alive
        self.context = context or tls_context()
        self.user, self.device, self.device_type = user, device, device_type
        self.policy_key, self.sync_keys = "0", {}
        self._headers = headers if callable(headers) else lambda: dict(headers)
        self._authorization = {} if password is None else {"Authorization": basic(user, password)}
        self._connection = None

    def _connect(self):
        host, tls = self.url.hostname, self.url.scheme == "https"
        port = self.url.port or (443 if tls else 80)
        connection = http.client.HTTPConnection(host, port, timeout=self.timeout)
        connection.sock = socket.create_connection((self.address or host, port), self.timeout)
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            connection.sock = self.context.wrap_socket(connection.sock, server_hostname=host)
        connection.auto_open = 0
        return connection

    @property
    def connected(self):
        """Whether a kept connection stands that the next request will use."""
        return self._connection is not None

    def close(self):
        """Ends the kept connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def request(self, method, target=None, body=None, headers=()):
        """One request; `target` replaces the URL's path. Returns an Answer."""
        connection = self._connection or self._connect()
        self._connection = connection if self.keep_alive else None
        wanted = {"Host": self.url.netloc, **self._authorization, **self._headers(),
                  **dict(headers)}
        try:
            connection.request(method, target or self.url.path, body, wanted)
            response = connection.getresponse()
            content = response.read()
        except BaseException:
            self.close()
            connection.close()
            raise
        if not self.keep_alive:
            connection.close()
        elif response.will_close:
            self.close()
        return Answer(response.status, response.headers, content, response.reason)

    def options(self):
        """OPTIONS: which versions and commands the server offers."""
        return self.request("OPTIONS")

    def command(self, name, xml="", headers=()):
        """POST of one ActiveSync command."""
        query = urllib.parse.urlencode({"Cmd": name, "User": self.user, "DeviceId": self.device,
                                        "DeviceType": self.device_type})
        fixed = {"Content-Type": CONTENT_TYPE, "MS-ASProtocolVersion": "14.1",
                 "X-MS-PolicyKey": self.policy_key, "User-Agent": "EasLab/1.0"}
        return self.request("POST", f"{self.url.path}?{query}", encode(xml) if xml else b"",
                            {**fixed, **dict(headers)})

    def provision(self):
        """Both steps of Provision; later requests carry the policy key."""
        first = self._provision("")
        if first.value("PolicyKey"):
            second = self._provision(f"<PolicyKey>{first.value('PolicyKey')}</PolicyKey>"
                                     "<Status>1</Status>")
            self.policy_key = second.value("PolicyKey") or "0"
            return second
        return first

    def _provision(self, inner):
        return self.command("Provision", '<Provision xmlns="Provision:"><Policies><Policy>'
                            f"<PolicyType>{POLICY_TYPE}</PolicyType>{inner}"
                            "</Policy></Policies></Provision>")

    def folder_sync(self):
        """FolderSync from the beginning."""
        return self.command("FolderSync", '<FolderSync xmlns="FolderHierarchy:">'
                            "<SyncKey>0</SyncKey></FolderSync>")

    def user_information(self):
        """Settings/UserInformation: the addresses of the user who really arrived."""
        return self.command("Settings", '<Settings xmlns="Settings:"><UserInformation><Get/>'
                            "</UserInformation></Settings>")

    def whoami(self):
        """The mail address of the user the server sees; None when it does not say."""
        answer = self.user_information()
        return answer.value("PrimarySmtpAddress") or answer.value("SMTPAddress")

    def sync(self, collection=CONTACTS, inner=""):
        """One Sync with the collection's current key, which it moves on."""
        key = self.sync_keys.get(collection, "0")
        answer = self.command("Sync", '<Sync xmlns="AirSync:"><Collections><Collection>'
                              f"<SyncKey>{key}</SyncKey><CollectionId>{collection}</CollectionId>"
                              f"{inner}</Collection></Collections></Sync>")
        self.sync_keys[collection] = answer.value("SyncKey") or key
        return answer

    def sync_all(self, collection=CONTACTS, rounds=20):
        """Syncs until nothing new comes; begins again when the server has lost the key (Status 3)."""
        for _ in range(rounds):
            before = self.sync_keys.get(collection, "0")
            answer = self.sync(collection, "" if before == "0" else
                               "<GetChanges/><WindowSize>100</WindowSize>")
            if before != "0" and "<Commands>" not in answer.xml and answer.value("Status") != "3":
                return answer
        raise RuntimeError(f"{collection} does not come to rest")

    def ping(self, heartbeat, collection=CONTACTS, kind="Contacts"):
        """Ping: hangs for up to `heartbeat` seconds; Status 2 means changes, 1 none."""
        return self.command("Ping", f'<Ping xmlns="Ping:"><HeartbeatInterval>{heartbeat}'
                            f"</HeartbeatInterval><Folders><Folder><Id>{collection}</Id>"
                            f"<Class>{kind}</Class></Folder></Folders></Ping>")

    def prepare_ping(self):
        """FolderSync and Sync until nothing new comes, with a contact in the address book:
        SOGo's Ping does not notice the very first one.
        """
        self.folder_sync()
        if "<Commands>" not in self._first_contacts().xml:
            self.add_contact("first")
        return self.sync_all()

    def _first_contacts(self):
        self.sync()
        return self.sync(inner="<GetChanges/><WindowSize>100</WindowSize>")

    def add_contact(self, name, collection=CONTACTS):
        """Adds a contact through Sync; sync_all() must have run before.

        SOGo's keys are seconds: what changes within the second of the last one nobody notices.
        """
        second = int(self.sync_keys.get(collection, "0"))
        process.wait_until(lambda: time.time() >= second + 1, 5, "the next second")
        return self.sync(collection, "<GetChanges/><Commands><Add>"
                         f"<ClientId>{name}</ClientId><ApplicationData>"
                         f'<FirstName xmlns="Contacts:">{name}</FirstName>'
                         '<LastName xmlns="Contacts:">Lab</LastName>'
                         "</ApplicationData></Add></Commands>")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
