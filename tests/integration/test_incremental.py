"""However the files arrive, the tables are the same; what was a mistake is undone or done again."""

import random
import re
import shutil
from datetime import date

import pytest

from data_ops.delta.ledger import RUN_LOG
from data_ops.operations.locality import Period
from data_ops.runs import domain_tables
from data_ops.undo import undo
from tests.integration.lakehouse import Lakehouse
from tests.integration.parity import assert_same_tables, contents

DOMAINS = ("member", "claims")


@pytest.fixture(scope="module")
def deliveries(mutated_rif):
    """A cut of the sample as two deliveries a month apart, the second full of corrections."""
    return mutated_rif[0]


def run(lakehouse) -> dict:
    return {outcome.table: outcome for domain in DOMAINS for outcome in lakehouse.of(domain).run()}


def all_contents(lakehouse) -> dict[str, list[tuple]]:
    return {name: rows for one in DOMAINS for name, rows in contents(lakehouse.of(one)).items()}


def run_ids(lakehouse) -> list[str]:
    """In the order in which they began."""
    log = lakehouse.table(RUN_LOG.name).groupBy("run_id").agg({"started_at": "min"})
    return [row.run_id for row in log.orderBy("min(started_at)").collect()]


def same(first, second) -> None:
    for domain in DOMAINS:
        assert_same_tables(first.of(domain), second.of(domain))


@pytest.fixture(scope="module")
def at_once(claims):
    return claims("mutated")[0]


@pytest.fixture(scope="module")
def in_turn(spark, deliveries, tmp_path_factory):
    """The second delivery comes when gold has been built from the first."""
    source = tmp_path_factory.mktemp("in_turn")
    shutil.copytree(deliveries / "1", source / "1")
    lakehouse = Lakehouse(spark, source, name="in_turn")
    run(lakehouse)
    lakehouse.before, ids = all_contents(lakehouse), run_ids(lakehouse)
    shutil.copytree(deliveries / "2", source / "2")
    run(lakehouse)
    lakehouse.second_run = run_ids(lakehouse)[len(ids)]
    return lakehouse


def test_a_delivery_after_gold_was_built_makes_the_tables_of_both_at_once(at_once, in_turn):
    same(at_once, in_turn)


def test_a_third_run_finds_nothing_to_do(in_turn):
    before = [in_turn.of(domain).versions() for domain in DOMAINS]
    assert {outcome.state for outcome in run(in_turn).values()} == {"up_to_date"}
    assert [in_turn.of(domain).versions() for domain in DOMAINS] == before


def test_a_month_is_done_again_for_those_who_had_a_fill_in_it_and_the_next_run_does_the_rest(
    at_once,
):
    claims = at_once.of("claims")
    name, good = claims.context().name("silver_pharmacy"), contents(claims)["silver_pharmacy"]
    month = Period(date(2022, 4, 1), date(2022, 4, 30))
    within = "dispensing_date BETWEEN '2022-04-01' AND '2022-04-30'"
    served = f"SELECT DISTINCT person_id FROM {name} WHERE {within}"
    persons = {row.person_id for row in claims.spark.sql(served).collect()}
    claims.spark.sql(f"UPDATE {name} SET paid_amount = 4711, _row_hash = 'spoiled'")
    (outcome,) = claims.build("silver_pharmacy", period=month)
    assert persons and outcome.state == "written"
    spoiled = claims.spark.sql(f"SELECT person_id FROM {name} WHERE paid_amount = 4711").collect()
    assert spoiled and not persons & {row.person_id for row in spoiled}
    (outcome,) = claims.build("silver_pharmacy")
    assert outcome.state == "written" and contents(claims)["silver_pharmacy"] == good
    (outcome,) = claims.build("silver_pharmacy")
    assert outcome.state == "up_to_date"


@pytest.fixture(scope="module")
def undone(in_turn):
    """The steps that took the second run back."""
    settings = in_turn.settings
    return undo(in_turn.spark, settings, in_turn.second_run, domain_tables(settings), "undone")


def test_a_run_is_undone_across_all_tables(in_turn, undone):
    assert len(undone) > 10
    assert all_contents(in_turn) == in_turn.before


# --------------------------------------------------------------------------- slow


@pytest.mark.slow
def test_after_an_undo_the_next_run_does_it_again(at_once, in_turn, undone):
    run(in_turn)
    same(at_once, in_turn)


@pytest.mark.slow
def test_deliveries_in_reverse_order_make_the_same_tables(spark, at_once, deliveries, tmp_path):
    lakehouse = Lakehouse(spark, tmp_path, name="reverse")
    for delivery in ("2", "1"):
        shutil.copytree(deliveries / delivery, tmp_path / delivery)
        run(lakehouse)
    same(at_once, lakehouse)


@pytest.mark.slow
def test_files_one_by_one_in_any_order_make_the_same_tables(spark, at_once, deliveries, tmp_path):
    lakehouse = Lakehouse(spark, tmp_path, name="one_by_one")
    files = sorted(path for path in deliveries.rglob("*") if path.is_file())
    manifests = [path for path in files if path.name == "manifest.xml"]
    data = [path for path in files if path not in manifests]
    random.Random(7).shuffle(data)
    data.sort(key=lambda path: path.name != "beneficiary_2024.csv")  # claims need member tables
    for path in manifests + data:
        target = tmp_path / path.relative_to(deliveries)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
        if path in manifests:
            continue
        for domain in DOMAINS:
            patterns = [feed.pattern for feed in lakehouse.of(domain).domain.feeds]
            if any(re.fullmatch(pattern, path.name) for pattern in patterns):
                lakehouse.of(domain).run()
    run(lakehouse)
    same(at_once, lakehouse)
