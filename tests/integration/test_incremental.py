"""However the files arrive, the tables are the same."""

import shutil

import pytest

from scripts.mutate_rif import mutate
from tests.integration.lakehouse import SAMPLE, Lakehouse
from tests.integration.parity import assert_same_tables

DOMAINS = ("member", "claims")


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory):
    """A cut of the sample as two deliveries a month apart, the second full of corrections."""
    folder = tmp_path_factory.mktemp("deliveries")
    mutate(SAMPLE, folder, persons=30, each=1)
    return folder


def landed(spark, source, name: str) -> Lakehouse:
    lakehouse = Lakehouse(spark, source, name=name)
    run(lakehouse)
    return lakehouse


def run(lakehouse) -> dict:
    return {outcome.table: outcome for domain in DOMAINS for outcome in lakehouse.of(domain).run()}


def same(first, second) -> None:
    for domain in DOMAINS:
        assert_same_tables(first.of(domain), second.of(domain))


@pytest.fixture(scope="module")
def at_once(spark, deliveries):
    return landed(spark, deliveries, "at_once")


@pytest.fixture(scope="module")
def in_turn(spark, deliveries, tmp_path_factory):
    """The second delivery comes when gold has been built from the first."""
    source = tmp_path_factory.mktemp("in_turn")
    shutil.copytree(deliveries / "1", source / "1")
    lakehouse = landed(spark, source, "in_turn")
    shutil.copytree(deliveries / "2", source / "2")
    lakehouse.told = run(lakehouse)
    return lakehouse


def test_a_delivery_after_gold_was_built_makes_the_tables_of_both_at_once(at_once, in_turn):
    same(at_once, in_turn)
