"""Deliveries whose tables are built once for all tests; and how tables that differ are shown."""

from collections import Counter
from functools import cache

import pytest

from scripts.mutate_rif import mutate
from tests.integration.lakehouse import SAMPLE, SHARED, Lakehouse
from tests.integration.planted import plant

SOURCES = {
    "sample": SAMPLE,
    "massachusetts": SHARED / "synthea_rif_ma_dev/rif",
    "cms": SHARED / "cms_bfd_rif_synthea",
}


@pytest.fixture(scope="session")
def mutated_rif(tmp_path_factory):
    """(two deliveries of a cut of the sample with corrections and faults, the truth)."""
    source = tmp_path_factory.mktemp("mutated")
    truth = mutate(SAMPLE, source)
    plant(source / "1/beneficiary_2024.csv")
    return source, truth


@pytest.fixture(scope="session")
def members(spark, request):
    """Name of a delivery → its lakehouse with the member tables."""

    @cache
    def build(name: str):
        if name == "mutated":
            source, _ = request.getfixturevalue("mutated_rif")
        else:
            source = SOURCES[name]
        if not source.is_dir():
            pytest.skip(f"{name}: development data is not beside the project")
        # The sample's tables are those that the walkthrough builds, whichever comes first.
        lakehouse = Lakehouse(spark, source, name=name, schemas="walk" if name == "sample" else "")
        lakehouse.complete()
        return lakehouse

    return build


@pytest.fixture(scope="session")
def claims(members):
    """Name of a delivery → its lakehouse with member and claims tables, seen from claims."""

    @cache
    def build(name: str):
        lakehouse = members(name).of("claims")
        lakehouse.complete()
        return lakehouse

    return build


def pytest_assertrepr_compare(op, left, right):
    """Of tables that differ, a few rows that do: pytest would show all, line by line."""
    if op != "==" or not isinstance(left, dict | list) or not isinstance(right, type(left)):
        return None
    if isinstance(left, list):
        left, right = {"rows": left}, {"rows": right}
    both = [*left.values(), *right.values()]
    if not all(
        isinstance(rows, list) and all(isinstance(row, tuple) for row in rows) for rows in both
    ):
        return None
    told = ["tables differ"]
    for name in sorted({*left, *right}):
        here, there = Counter(map(str, left.get(name, []))), Counter(map(str, right.get(name, [])))
        for side, rows in (("left", here - there), ("right", there - here)):
            few = [f"    {row}" for row in list(rows)[:3]]
            told += [f"{name}: {rows.total()} rows only on the {side}", *few] if rows else []
    return told
