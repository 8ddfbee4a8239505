# SPDX-License-Identifier: Apache-2.0
"""X.509 extensions of test certificates as openssl configuration text."""

UPN_OID = "1.3.6.1.4.1.311.20.2.3"
SID_EXTENSION_OID = "1.3.6.1.4.1.311.25.2"    # KB5014754
SID_VALUE_OID = "1.3.6.1.4.1.311.25.2.1"
SID_URI_PREFIX = "tag:microsoft.com,2022-09-14:sid:"
CLIENT_AUTHENTICATION = "clientAuth"


def several(value):
    """None, one text or a sequence of texts as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def for_authority(text=None):
    """The `wanted` section of a CA certificate; `text` replaces its basicConstraints."""
    return (f"[wanted]\n{text or 'basicConstraints = critical, CA:TRUE'}\n"
            "keyUsage = critical, keyCertSign, cRLSign\n"
            "subjectKeyIdentifier = hash\n"
            "authorityKeyIdentifier = keyid:always\n")


def sid_sections(sid):
    """The lines of the SID extension and the ASN.1 sections it refers to.

    SEQUENCE { [0] { OID, [0] OCTET STRING } }: a GeneralNames of one otherName.
    """
    line = f"{SID_EXTENSION_OID} = ASN1:SEQUENCE:sid_names\n"
    sections = ("[sid_names]\nname = IMPLICIT:0,SEQUENCE:sid_name\n"
                f"[sid_name]\ntype = OID:{SID_VALUE_OID}\n"
                f"value = EXPLICIT:0,FORMAT:ASCII,OCTETSTRING:{sid}\n")
    return line, sections


def alternative_names(upn, sid_uri, email, dns, uri, san):
    """The entries of the subjectAltName section, in a fixed order."""
    entries = [f"otherName;{UPN_OID};UTF8:{one}" for one in several(upn)]
    names = [("otherName", f"{entry.split(';', 1)[1]}") for entry in entries]
    names += [("URI", SID_URI_PREFIX + one) for one in several(sid_uri)]
    names += [("email", one) for one in several(email)]
    names += [("DNS", one) for one in several(dns)]
    names += [("URI", one) for one in several(uri)]
    lines = [f"{kind}.{number} = {value}" for number, (kind, value) in enumerate(names, 1)]
    return lines + several(san)


def for_holder(*, upn=None, sid=None, sid_uri=None, email=None, dns=None, uri=None, san=None,
               eku=CLIENT_AUTHENTICATION, ski="hash", aki="keyid:always", raw="", sections=""):
    """The `wanted` section of an end entity's certificate.

    upn, sid_uri, email, dns and uri take one text or several. `sid` becomes the extension
    of KB5014754, `sid_uri` a SAN URI with that SID. `eku` is a comma-separated list or
    None for no extension; `ski` is `hash`, hexadecimal digits or None. `san` holds more
    lines of the SAN section, `raw` of the extensions section, `sections` whole sections.
    """
    text = "[wanted]\nbasicConstraints = CA:FALSE\n"
    for name, value in (("extendedKeyUsage", eku), ("subjectKeyIdentifier", ski),
                        ("authorityKeyIdentifier", aki)):
        if value:
            text += f"{name} = {value}\n"
    names = alternative_names(upn, sid_uri, email, dns, uri, san)
    if names:
        text += "subjectAltName = @alternative_names\n"
        sections += "[alternative_names]\n" + "\n".join(names) + "\n"
    if sid:
        line, more = sid_sections(sid)
        text, sections = text + line, sections + more
    return text + (raw and raw.rstrip("\n") + "\n") + sections
