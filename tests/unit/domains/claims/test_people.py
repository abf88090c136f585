"""Who the person is after all mergers, and what his coverage was on the day."""

from datetime import UTC, datetime

import pytest

from data_ops.domains.claims.people import coverage_of, match, with_person
from data_ops.domains.member.crosswalk import crosswalk_rows, person_crosswalk
from data_ops.domains.member.schemas import (
    DEMOGRAPHICS,
    ELIGIBILITY,
    PERSON_CROSSWALK,
    PERSON_CROSSWALK_FEED,
)
from data_ops.operations.bronze import delivered_rows
from tests.unit.domains.member.frames import frame

# ------------------------------------------------------------------------------ on the service date

FIRST_HALF = ("PART_B", "FFS", "2023-01-01", "2023-06-30")
AUTUMN = ("PART_B", "FFS", "2023-09-01", "2023-11-30")
DEATH = ("PART_B", "FFS", "2023-01-01", "2023-05-10")
ONLY_A = ("PART_A", "FFS", "2023-01-01", "2023-12-31")
DRUGS = ("PART_D", "S0001-001", "2023-01-01", "2023-12-31")
DRUGS_BEFORE = ("PART_D", "S0002-001", "2022-01-01", "2022-12-31")
BY_PART = "span.coverage_type = 'PART_B'"
BY_CONTRACT = "span.coverage_type = 'PART_D' AND left(span.plan_id, 5) = left(plan_id, 5)"

# case → what is known (spans; None: nobody knows him), day of service, who pays such a claim, state
DAYS = {
    "a stranger": (None, "2023-02-01", BY_PART, "unknown_member"),
    "known, and never covered": ([], "2023-02-01", BY_PART, "gap"),
    "in the middle of a span": ([FIRST_HALF], "2023-02-01", BY_PART, "matched"),
    "on the first day of a span": ([FIRST_HALF], "2023-01-01", BY_PART, "matched"),
    "on the last day of a span": ([FIRST_HALF], "2023-06-30", BY_PART, "matched"),
    "on the first day of the second span": ([FIRST_HALF, AUTUMN], "2023-09-01", BY_PART, "matched"),
    "a day before the first coverage": ([FIRST_HALF], "2022-12-31", BY_PART, "gap"),
    "between two spans": ([FIRST_HALF, AUTUMN], "2023-07-15", BY_PART, "gap"),
    "a day after the first span": ([FIRST_HALF, AUTUMN], "2023-07-01", BY_PART, "gap"),
    "a day after the last span": ([FIRST_HALF, AUTUMN], "2023-12-01", BY_PART, "after_term"),
    "on the day of death, which ends a span": ([DEATH], "2023-05-10", BY_PART, "matched"),
    "a day after death": ([DEATH], "2023-05-11", BY_PART, "after_term"),
    "spans in any order": ([AUTUMN, FIRST_HALF], "2023-12-01", BY_PART, "after_term"),
    "by another part only": ([ONLY_A, DRUGS], "2023-02-01", BY_PART, "other_plan"),
    "by another part, and no more": ([ONLY_A], "2024-02-01", BY_PART, "other_plan"),
    "by its own part before, by another now": (
        [FIRST_HALF, ONLY_A],
        "2023-07-15",
        BY_PART,
        "after_term",
    ),
    "by its own part later, by another now": ([AUTUMN, ONLY_A], "2023-07-15", BY_PART, "gap"),
    "by both at once": ([FIRST_HALF, ONLY_A], "2023-02-01", BY_PART, "matched"),
    "a drug plan's other package": ([DRUGS], "2023-02-01", BY_CONTRACT, "matched"),
    "another drug plan": (
        [("PART_D", "S0003-001", *ONLY_A[2:])],
        "2023-02-01",
        BY_CONTRACT,
        "other_plan",
    ),
    "a drug plan that he has left for another": (
        [("PART_D", "S0001-001", "2022-01-01", "2022-12-31"), ("PART_D", "S0003-001", *ONLY_A[2:])],
        "2023-02-01",
        BY_CONTRACT,
        "after_term",
    ),
    "a drug plan that he will join": ([DRUGS, DRUGS_BEFORE], "2022-02-01", BY_CONTRACT, "gap"),
    "medical coverage pays no drugs": ([ONLY_A], "2023-02-01", BY_CONTRACT, "other_plan"),
}
# case → the same of an id that was merged: spans of the person
MERGED = {
    "covered": ([FIRST_HALF], "2023-02-01", "matched"),
    "not covered on the day": ([FIRST_HALF, AUTUMN], "2023-07-15", "gap"),
    "without a span": ([], "2023-02-01", "gap"),
}


def span(person: str, part: str, plan: str, first: str, last: str) -> dict:
    return {
        "person_id": person,
        "payer": "medicare",
        "plan_id": plan,
        "coverage_type": part,
        "eligibility_start_date": first,
        "eligibility_end_date": last,
    }


@pytest.fixture(scope="module")
def states(spark) -> dict[str, list]:
    """Case → (person, state by part, state by contract) of its claims."""
    ids: dict[str, list | None] = {case: spans for case, (spans, *_) in DAYS.items()}
    ids |= {f"new {case}": spans for case, (spans, *_) in MERGED.items()}
    known = [{"person_id": one} for one, spans in ids.items() if spans is not None]
    demographics = frame(spark, DEMOGRAPHICS, known + known)  # a person has several versions
    spans = [span(one, *told) for one, spans in ids.items() for told in spans or ()]
    merges = [{"old_member_id": f"old {case}", "person_id": f"new {case}"} for case in MERGED]
    crosswalk = frame(spark, PERSON_CROSSWALK, merges)
    claims = [(case, case, day) for case, (_, day, _, _) in DAYS.items()]
    for case, (_, day, _) in MERGED.items():
        claims += [(case, f"old {case}", day), (case, f"new {case}", day)]
    sent = spark.createDataFrame(claims, "case STRING, member_id STRING, day STRING").selectExpr(
        "case", "member_id", "to_date(day) day", "'S0001-999' plan_id"
    )
    covered = coverage_of(demographics, frame(spark, ELIGIBILITY, spans))
    told = with_person(sent, crosswalk).join(covered, on="person_id", how="left")
    found: dict[str, list] = {case: [] for case in [*DAYS, *MERGED]}
    part, drug = match("day", BY_PART).alias("part"), match("day", BY_CONTRACT).alias("drug")
    for row in told.select("case", "person_id", part, drug).collect():
        found[row.case].append((row.person_id, {BY_PART: row.part, BY_CONTRACT: row.drug}))
    return found


@pytest.mark.parametrize("case", DAYS)
def test_eligibility_on_the_day(case, states):
    """A claim stays one claim, whatever number of spans."""
    _, _, own, expected = DAYS[case]
    assert [(person, state[own]) for person, state in states[case]] == [(case, expected)]


@pytest.mark.parametrize("case", MERGED)
def test_merged_ids_are_one_person(case, states):
    found = [(person, state[BY_PART]) for person, state in states[case]]
    assert found == [(f"new {case}", MERGED[case][2])] * 2


# --------------------------------------------------------------------------------------- mergers

EARLY, LATE = datetime(2024, 1, 15, tzinfo=UTC), datetime(2024, 7, 15, tzinfo=UTC)
KEPT, BEATEN, OUT = "contributed", "superseded", "out_of_scope"
ANY = object()  # what nobody reads

# case → mergers (old id, new id, more), (person, circle?, what became of it) of each
MERGERS = {
    "one merger": ([("A", "B", {})], [("B", False, KEPT)]),
    "a chain leads to its end": (
        [("A", "B", {}), ("B", "C", {})],
        [("C", False, KEPT), ("C", False, KEPT)],
    ),
    "a chain in any order, of four": (
        [("C", "D", {}), ("A", "B", {}), ("B", "C", {})],
        [("D", False, KEPT)] * 3,
    ),
    "two ids become one": (
        [("A", "C", {}), ("B", "C", {})],
        [("C", False, KEPT), ("C", False, KEPT)],
    ),
    "in a circle everyone is himself": (
        [("A", "B", {}), ("B", "A", {})],
        [("A", True, KEPT), ("B", True, KEPT)],
    ),
    "who leads into a circle is himself, too": (
        [("A", "B", {}), ("B", "C", {}), ("C", "B", {})],
        [("A", True, KEPT), ("B", True, KEPT), ("C", True, KEPT)],
    ),
    "an id merged into itself says nothing": (
        [("A", "A", {}), ("B", "A", {})],
        [("A", ANY, OUT), ("A", False, KEPT)],
    ),
    "a blank around an id does not matter": (
        [(" A ", " B", {}), ("B ", "C", {})],
        [("C", False, KEPT), ("C", False, KEPT)],
    ),
    "of two mergers of an id the later one counts": (
        [("A", "B", {"EFCTV_DT": "01-Jan-2023"}), ("A", "C", {"EFCTV_DT": "01-Feb-2023"})],
        [(ANY, ANY, BEATEN), ("C", False, KEPT)],
    ),
    "a merger without a date is none when it is deleted, whatever its date was": (
        [
            ("A", "B", {"EFCTV_DT": "01-Jan-2023", "_delivered_at": EARLY}),
            ("A", "B", {"DML_IND": "DELETE", "_delivered_at": LATE}),
        ],
        [(ANY, ANY, BEATEN), (ANY, ANY, BEATEN)],
    ),
    "a date that was corrected to an earlier one is the earlier one": (
        [
            ("A", "B", {"EFCTV_DT": "01-Mar-2023", "_delivered_at": EARLY}),
            ("A", "C", {"EFCTV_DT": "01-Feb-2023", "_delivered_at": EARLY}),
            ("A", "B", {"EFCTV_DT": "01-Jan-2023", "_delivered_at": LATE}),
        ],
        [(ANY, ANY, BEATEN), ("C", False, KEPT), (ANY, ANY, BEATEN)],
    ),
    "a merger that was deleted is none": (
        [
            ("A", "B", {"_delivered_at": EARLY}),
            ("A", "B", {"DML_IND": "DELETE"} | {"_delivered_at": LATE}),
        ],
        [(ANY, ANY, BEATEN), (ANY, ANY, BEATEN)],
    ),
}


@pytest.fixture(scope="module")
def persons(spark) -> dict[str, list]:
    """Case → the account of its mergers, in the order sent."""

    def named(case: str, one: str) -> str:
        """The id within its case; what stands around it stays around it."""
        return one.replace(one.strip(), f"{case}:{one.strip()}")

    sent = [
        {
            "OLD_BENE_ID": named(case, old),
            "NEW_BENE_ID": named(case, new),
            "_row_hash": f"{case}#{nth}",
        }
        | more
        for case, (mergers, _) in MERGERS.items()
        for nth, (old, new, more) in enumerate(mergers)
    ]
    account = person_crosswalk(crosswalk_rows(delivered_rows(spark, PERSON_CROSSWALK_FEED, *sent)))
    rows = {row["_row_key"]: row for row in account.collect()}
    return {
        case: [rows[f"{case}#{nth}"] for nth in range(len(mergers))]
        for case, (mergers, _) in MERGERS.items()
    }


@pytest.mark.parametrize("case", MERGERS)
def test_mergers(case, persons):
    for row, (person, circle, ends) in zip(persons[case], MERGERS[case][1], strict=True):
        assert row["_disposition"] == ends
        if person is not ANY:
            assert row.person_id == f"{case}:{person}"
        if circle is not ANY:
            assert row.is_cycle is circle
