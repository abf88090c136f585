"""Figures of the claims: rates of whole quarters, shares that are fully observed, no small cell."""

import pytest

from data_ops.domains.claims.figures import FIGURES, known_after, pmpm_by_category
from data_ops.domains.claims.gold_schemas import CLAIMS_ALL, LAG_TRIANGLE, PMPM
from data_ops.domains.claims.schemas import PHARMACY
from data_ops.operations.figures import SMALLEST, without_small_cells

from .frames import frame_for

MONTHS = ("2024-01-01", "2024-02-01", "2024-03-01")


def month(start: str, paid: object, members: int, two: str = "acute inpatient", **more) -> dict:
    same = {"coverage": "medical", "service_category_1": "inpatient", "service_category_2": two}
    return same | {"coverage_month": start, "paid_amount": paid, "member_months": members} | more


def claims(category: str, persons: int, start: str = "2024-02-10") -> list[dict]:
    """A claim each, and a second one of the first person."""
    who = [*range(persons), 0]
    return [
        {"person_id": f"p{n}", "service_category_1": category, "claim_start_date": start}
        for n in who
    ]


@pytest.fixture(scope="module")
def rates(spark) -> dict[tuple[str, str], tuple[float, int]]:
    drug = {"coverage": "pharmacy", "service_category_1": "pharmacy"}
    spent = [
        *(month(start, 600, 100) for start in MONTHS),
        month(MONTHS[0], 300, 100, "skilled nursing"),
        *(month(start, 50, 100, service_category_1="ancillary") for start in MONTHS),
        *(month(start, 120, 40, **drug) for start in MONTHS),
        month("2024-04-01", 900, 100),  # the quarter has but one month so far
        month("2023-12-01", 900, 0),  # nobody was covered
    ]
    fills = [
        {"person_id": f"p{n}", "dispensing_date": "2024-01-05", "is_final_action": n < 12}
        for n in range(20)
    ]
    lines = [*claims("inpatient", 15), *claims("ancillary", 3)]
    frames = (
        frame_for(spark, PMPM, spent, " ".join(PMPM.names)),
        frame_for(spark, CLAIMS_ALL, lines, "person_id service_category_1 claim_start_date"),
        frame_for(spark, PHARMACY, fills, "person_id dispensing_date is_final_action"),
    )
    rows = pmpm_by_category(*frames).collect()
    assert [(row.x, row.series) for row in rows] == sorted((row.x, row.series) for row in rows)
    return {(row.x, row.series): (round(row.value, 4), row.members) for row in rows}


def test_a_quarters_rate_is_what_was_paid_over_its_member_months(rates):
    assert rates["2024-Q1", "inpatient"] == (2100 / 300, 15)
    assert rates["2024-Q1", "pharmacy"] == (360 / 120, 12)


def test_only_whole_quarters_with_members_are_shown(rates):
    assert {x for x, _ in rates} == {"2024-Q1"}


def test_a_rate_of_three_patients_says_so_whatever_the_number_of_members(rates):
    assert rates["2024-Q1", "ancillary"] == (0.5, 3)


@pytest.fixture(scope="module")
def shares(spark) -> dict[tuple[str, str], tuple[float, int]]:
    def cell(incurred: str, lag: int, so_far: int, factor: float, coverage: str = "medical"):
        return {"coverage": coverage, "incurred_month": incurred, "lag_months": lag,
                "cumulative_paid_amount": so_far, "completion_factor": factor}  # fmt: skip

    factors = (0.5, 0.8, 1.0)
    triangle = [
        cell("2024-01-01", lag, paid, factors[lag]) for lag, paid in enumerate((50, 80, 100))
    ]
    triangle += [cell("2024-02-01", lag, paid, factors[lag]) for lag, paid in enumerate((60, 80))]
    triangle += [cell("2024-02-01", 0, 7, 1.0, "pharmacy")]
    columns = " ".join(LAG_TRIANGLE.names)
    lines = claims("inpatient", 11)
    frames = (
        frame_for(spark, LAG_TRIANGLE, triangle, columns),
        frame_for(spark, CLAIMS_ALL, lines, "person_id claim_start_date"),
    )
    rows = known_after(*frames).collect()
    return {(row.x, row.series): (round(row.value, 4), row.members) for row in rows}


def test_a_share_is_of_the_ultimate_amount_of_the_quarters_months(shares):
    assert shares["0", "2024-Q1"] == (110 / 200, 11)
    assert shares["1", "2024-Q1"] == (160 / 200, 11)


def test_a_lag_that_not_all_months_have_reached_is_not_shown(shares):
    assert {x for x, _ in shares} == {"0", "1"}


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.title)
def test_a_figure_names_tables_by_its_arguments(figure):
    assert figure.reads and all(name.startswith(("gold_", "silver_")) for name in figure.reads)


def test_no_value_rests_on_one_to_ten_persons_and_nobody_is_no_small_group(spark):
    counts = [0, 1, SMALLEST - 1, SMALLEST, 500]
    cells = spark.createDataFrame(
        [("x", str(n), 7.5, n) for n in counts],
        "x STRING, series STRING, value DOUBLE, members BIGINT",
    )
    found = {row.series: row for row in without_small_cells(cells).collect()}
    assert {name: row.value for name, row in found.items()} == {
        "0": 7.5,
        "1": None,
        "10": None,
        "11": 7.5,
        "500": 7.5,
    }
    assert "members" not in found["11"].asDict()
