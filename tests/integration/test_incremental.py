"""However the files arrive, the tables are the same; a month can be done again."""

import random
import re
import shutil
from datetime import date

import pytest

from data_ops.operations.locality import Period
from tests.integration.lakehouse import Lakehouse
from tests.integration.parity import assert_same_tables, contents

DOMAINS = ("member", "claims")


@pytest.fixture(scope="module")
def deliveries(mutated_rif):
    """A cut of the sample as two deliveries a month apart, the second full of corrections."""
    return mutated_rif[0]


def run(lakehouse) -> dict:
    return {outcome.table: outcome for domain in DOMAINS for outcome in lakehouse.of(domain).run()}


def same(first, second) -> None:
    for domain in DOMAINS:
        assert_same_tables(first.of(domain), second.of(domain))


@pytest.fixture(scope="module")
def at_once(claims):
    return claims("mutated")


def test_the_fills_of_a_month_are_done_again_and_the_next_run_does_the_rest(
    at_once,
):
    claims = at_once.of("claims")
    name, good = claims.context().name("silver_pharmacy"), contents(claims)["silver_pharmacy"]
    month = Period(date(2022, 4, 1), date(2022, 4, 30))
    within = "dispensing_date BETWEEN '2022-04-01' AND '2022-04-30'"
    claims.spark.sql(f"UPDATE {name} SET paid_amount = 4711, _row_hash = 'spoiled'")
    (outcome,) = claims.build("silver_pharmacy", period=month)
    assert outcome.state == "written"
    spoiled = f"paid_amount = 4711 GROUP BY {within}"
    assert set(claims.spark.sql(f"SELECT {within} FROM {name} WHERE {spoiled}").collect()) == {
        (False,)
    }
    (outcome,) = claims.build("silver_pharmacy")
    assert outcome.state == "written" and contents(claims)["silver_pharmacy"] == good
    (outcome,) = claims.build("silver_pharmacy")
    assert outcome.state == "up_to_date"


# --------------------------------------------------------------------------- slow


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
