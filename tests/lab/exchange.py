# SPDX-License-Identifier: Apache-2.0
"""Exchange's front door: httpd with Kerberos alone (mod_auth_gssapi) before the trusting SOGo."""

from lab.accounts import EXCHANGE_SPN
from lab.httpd import DEFAULT_MODULES, Httpd

PORT, BOUND_PORT, PASSWORD_PORT = 443, 444, 445
URL_PATH = "/Microsoft-Server-ActiveSync"

# sogod reads no chunked bodies and closes each connection without saying so.
CONFIGURATION = """\
ServerName {host}
Listen {address}:{port}
Listen {address}:{bound_port}
Listen {address}:{password_port}
ServerLimit 8
ThreadsPerChild 32
MaxRequestWorkers 256
SSLCertificateFile {chain}
SSLCertificateKeyFile {key}
ProxyRequests Off
ProxyPreserveHost On
LimitRequestFieldSize 65536
KeepAliveTimeout 120
SetEnv proxy-nokeepalive 1
SetEnv proxy-sendcl 1
<VirtualHost {address}:{port}>
    SSLEngine on
    {gate}
</VirtualHost>
# As IIS does with authPersistNonNTLM: a later request of the connection is the same user.
<VirtualHost {address}:{bound_port}>
    SSLEngine on
    Header always set Persistent-Auth true
    {bound_gate}
</VirtualHost>
# A server that asks for passwords itself.
<VirtualHost {address}:{password_port}>
    SSLEngine on
    <Location {path}>
        RequestHeader unset x-webobjects-remote-user
        ProxyPass {password_backend} connectiontimeout=5 timeout=360 retry=0
    </Location>
</VirtualHost>
"""

GATE = """\
<Location {path}>
        AuthType GSSAPI
        AuthName "Exchange"
        GssapiCredStore keytab:{keytab}
        GssapiAcceptorName {acceptor}
        GssapiLocalName On
        GssapiAllowedMech krb5
        GssapiConnectionBound {bound}
        Require valid-user
        RequestHeader set x-webobjects-remote-user "expr=%{{REMOTE_USER}}"
        RequestHeader unset x-webobjects-auth-type
        RequestHeader unset Authorization
        Header always set X-Lab-User "expr=%{{REMOTE_USER}}"
        ProxyPass {backend} connectiontimeout=5 timeout=360 retry=0
    </Location>"""


class Exchange:
    """`url` takes one token per request; `bound_url` keeps the identity on the connection;
    `password_url` takes Basic. All are HTTPS with a certificate for `host`, signed by
    `ca_file`. The answer header X-Lab-User names whom the ticket proved.
    """

    def __init__(self, laboratory):
        self.host = f"exch.{laboratory.dns_domain}"
        self.address = laboratory.address("exch")
        self.keytab = laboratory.exch_keytab
        certificate = laboratory.server_certificate("exch")
        self.ca_file = certificate.root
        self.url = f"https://{self.host}{URL_PATH}"
        self.bound_url = f"https://{self.host}:{BOUND_PORT}{URL_PATH}"
        self.password_url = f"https://{self.host}:{PASSWORD_PORT}{URL_PATH}"
        self.httpd = Httpd(
            laboratory.root / "exchange", self._configuration(certificate, laboratory.sogo),
            env=laboratory.env, modules=(*DEFAULT_MODULES, "auth_gssapi"),
            log_level="info auth_gssapi:debug")

    def _configuration(self, certificate, sogo):
        gates = {name: GATE.format(path=URL_PATH, keytab=self.keytab, backend=sogo.url, bound=bound,
                                   acceptor=EXCHANGE_SPN.replace("/", "@"))
                 for name, bound in (("gate", "Off"), ("bound_gate", "On"))}
        return CONFIGURATION.format(
            host=self.host, address=self.address, port=PORT, bound_port=BOUND_PORT,
            password_port=PASSWORD_PORT, chain=certificate.chain, key=certificate.key,
            path=URL_PATH, password_backend=sogo.password_url, **gates)

    def start(self):
        """Starts it; the keytab must exist."""
        self.httpd.start()

    def stop(self):
        """Ends it."""
        self.httpd.stop()
