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


def make_site(lab, name, number, revoked):
    """Two sections: one kind of mapping, and all of them."""
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
    found = {"100,000 accounts and revoked serials": (Figure(), Figure()), "all kinds of mapping": (Figure(), Figure())}
    numbers, kinds = found.values()
    with make_site(lab, "bench-few", "proxy", 0) as few, make_site(lab, "bench-many", "mail", MANY) as many:
        many.ask(f"/cache?fill={MANY}")
        for site, path in ((few, "/one"), (few, "/all"), (many, "/one")):
            site.warm(path, certificate)
            run_ab(site, path, WARM_UP, certificate, clients=1)
        for _ in range(rounds):
            alone = measure_once(few, "/one", certificate)
            numbers[0].values.append(alone)
            kinds[0].values.append(alone)
            numbers[1].values.append(measure_once(many, "/one", certificate))
            kinds[1].values.append(measure_once(few, "/all", certificate))
    return found
