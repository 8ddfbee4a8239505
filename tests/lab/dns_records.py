# SPDX-License-Identifier: Apache-2.0
"""Replaces the SRV records of one name: dns_records.py SMB_CONF SAM_LDB NAME JSON.

JSON is a list of {"target", "port", "priority", "weight", "ttl"}. Samba's own server needs no
restart: it reads its database for every question.
"""

import json
import sys

from samba.auth import system_session
from samba.dcerpc import dnsp
from samba.param import LoadParm
from samba.samdb import SamDB


def record(target, port, priority=0, weight=100, ttl=900):
    """A record as the domain controller stores it."""
    data = dnsp.srv()
    data.wPriority, data.wWeight, data.wPort, data.nameTarget = priority, weight, port, target
    one = dnsp.DnssrvRpcRecord()
    one.wType, one.rank, one.dwTtlSeconds, one.data = dnsp.DNS_TYPE_SRV, dnsp.DNS_RANK_ZONE, ttl, data
    return one


def main(smb_conf, sam_ldb, name, records):
    """Does it."""
    parameters = LoadParm()
    parameters.load(smb_conf)
    database = SamDB(url=sam_ldb, session_info=system_session(), lp=parameters)
    database.dns_replace(name, [record(**one) for one in json.loads(records)])


if __name__ == "__main__":
    main(*sys.argv[1:])
