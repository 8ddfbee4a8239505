# SPDX-License-Identifier: Apache-2.0
"""Target 8: time in our hooks with one account or 100,000, as many revoked serials, one kind of mapping or all."""

from bench.hooks import MUTEX, PROBE, REQUESTS, WARM_UP
from bench.load import Figure, run_ab
from bench.servers import DEBIAN_CHILD, Backend, Site, ours

MANY = 100_000
CACHE = "<Location /cache>\nRequire all granted\nSetHandler eas-bench-cache\n</Location>"
ALL_KINDS = "sid issuer-serial ski sha1-pukey upn email cn issuer-subject subject"
REVOKED = "R\t491231000000Z\t260101000000Z\t{:X}\tunknown\t/CN=lost\n"    # a line of `openssl ca`'s index.txt


def revocation(lab, name, count):
    """Settings for a list of the issuing CA with so many serials."""
    index = lab.pki.issuing.index
    before = index.read_text(encoding="utf-8")
    index.write_text(before + "".join(REVOKED.format((1 << 100) + number) for number in range(count)), encoding="utf-8")
    path = lab.pki.issuing.crl(lab.root / f"{name}.crl", der=True)
    index.write_text(before, encoding="utf-8")
    path.chmod(0o644)
    return {"EASRevocation": "crl", "EASCRL": path, "EASCRLCache": "none"}


def make_site(lab, name, number, revoked=1):
    """Two sections: one kind of mapping, and all of them; a list with so many revoked serials."""
    return Site(lab, name, PROBE, CACHE, ours("/one", Backend.url("http"), EASMapping="sid"),
                ours("/all", Backend.url("http"), EASMapping=ALL_KINDS), host_number=number, server=MUTEX,
                workers=DEBIAN_CHILD, **revocation(lab, name, revoked))


def measure_once(site, path, certificate):
    """Microseconds in our hooks."""
    site.ask("/hooks")
    run_ab(site, path, REQUESTS, certificate, clients=1)
    return site.ask("/hooks").json["median_ns"] / 1000


def measure(lab, certificate, rounds):
    """{what is many: (Figure with few, Figure with many)}, rounds interleaved."""
    found = {what: (Figure(), Figure()) for what in ("100,000 accounts", "100,000 revoked serials",
                                                     "all kinds of mapping")}
    with make_site(lab, "bench-few", "proxy") as few, make_site(lab, "bench-accounts", "mail") as accounts, \
            make_site(lab, "bench-serials", "autodiscover", MANY) as serials:
        accounts.ask(f"/cache?fill={MANY}")
        many = ((accounts, "/one"), (serials, "/one"), (few, "/all"))
        for site, path in ((few, "/one"), *many):
            site.warm(path, certificate)
            run_ab(site, path, WARM_UP, certificate, clients=1)
        for _ in range(rounds):
            alone = measure_once(few, "/one", certificate)
            for (site, path), (before, after) in zip(many, found.values()):
                before.values.append(alone)
                after.values.append(measure_once(site, path, certificate))
    return found
