# SPDX-License-Identifier: Apache-2.0
"""The default cache keeps the accounts of 100,000 phones."""

import shutil

import pytest

from bench import cache


@pytest.mark.parametrize("longest", [False, True], ids=["usual", "longest"])
def test_cache_of_64_mib_keeps_100000_accounts(lab, proxy, longest):
    module = shutil.copy(cache.MODULE, lab.root / "bench.so")
    one = proxy(site=cache.site(lab), module=module, symbols=cache.SYMBOLS)
    kept = cache.fill_and_find(one, longest=longest)
    assert kept.stored == cache.ACCOUNTS
    assert kept.bytes / kept.stored == 448 if longest else 448 > kept.bytes / kept.stored > 200
    assert kept.share >= cache.REQUIRED
