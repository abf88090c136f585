"""Deliveries whose tables are built once for all tests."""

from functools import cache

import pytest

from scripts.mutate_rif import mutate
from tests.integration.lakehouse import SAMPLE, SHARED, Lakehouse

SOURCES = {
    "sample": SAMPLE,
    "massachusetts": SHARED / "synthea_rif_ma_dev/rif",
    "cms": SHARED / "cms_bfd_rif_synthea",
}


@pytest.fixture(scope="session")
def mutated_rif(tmp_path_factory):
    """(folder of the sample and a second delivery of corrections and faults, the truth)."""
    source = tmp_path_factory.mktemp("mutated")
    return source, mutate(SAMPLE, source)


@pytest.fixture(scope="session")
def members(spark, request):
    """Name of a delivery → its lakehouse with the member tables, and what became of each table."""

    @cache
    def build(name: str):
        if name == "mutated":
            source, _ = request.getfixturevalue("mutated_rif")
        else:
            source = SOURCES[name]
        if not source.is_dir():
            pytest.skip(f"{name}: development data is not beside the project")
        lakehouse = Lakehouse(spark, source, name=name)
        return lakehouse, {outcome.table: outcome for outcome in lakehouse.run()}

    return build


@pytest.fixture(scope="session")
def claims(members):
    """Name of a delivery → its lakehouse with member and claims tables, seen from claims."""

    @cache
    def build(name: str):
        lakehouse = members(name)[0].of("claims")
        return lakehouse, {outcome.table: outcome for outcome in lakehouse.run()}

    return build
