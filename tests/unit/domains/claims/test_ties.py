"""Claims that are made part by part are the same as claims made at once.

Claims of many persons, drawn at random, that name, replace, void and follow each other, some with
lines that disagree; then a second delivery that adds some, sends some again (changed, of another
person, deleted), and leaves most alone.
"""

from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import reduce
from random import Random

import pytest

from data_ops.delta.changes import families, sharing
from data_ops.domains.claims.domain import DOMAIN
from data_ops.domains.member.schemas import DEMOGRAPHICS, ELIGIBILITY, PERSON_CROSSWALK
from data_ops.operations.accounts import raw_rows, set_aside
from data_ops.operations.bronze import bronze_rows
from data_ops.operations.locality import rows_of, things_of, unit_of, with_aliases
from data_ops.operations.quality import rules_for
from data_ops.utils.spark import kept
from tests.plans import physical_plan
from tests.unit.domains.member.frames import frame

FIRST, SECOND = (datetime(2024, month, 1, tzinfo=UTC) for month in (5, 6))
FEEDS = {feed.table: feed for feed in DOMAIN.feeds}
PERSONS = 120
DAYS = (*["01-Feb-2024", "02-Feb-2024", "03-Feb-2024"] * 5, "Feb")


def keys(random: Random) -> dict:
    """What puts claims together, from pools so small that they often do."""
    return {
        "FI_DOC_CLM_CNTL_NUM": random.choice(["c1", "c2", "c3", None]),
        "FI_ORIG_CLM_CNTL_NUM": random.choice(["c1", "c2", " c3", None, None, None]),
        "CARR_CLM_CNTL_NUM": random.choice(["c1", "c2", "c3", None]),
        "CLM_GRP_ID": random.choice(["g1", None, None, None]),
        "ORG_NPI_NUM": random.choice(["1", "2", None]),
        "CLM_FROM_DT": random.choice(DAYS),
        "CLM_FREQ_CD": random.choice("1178"),
        "CARR_CLM_ENTRY_CD": random.choice("1135"),
        "NCH_WKLY_PROC_DT": f"{random.randint(10, 28)}-Mar-2024",
        "RX_SRVC_RFRNC_NUM": random.choice(["r1", "r2", None]),
        "FILL_NUM": random.choice(["1", "01"]),
        "SRVC_DT": random.choice(DAYS),
        "PD_DT": f"{random.randint(10, 28)}-Mar-2024",
        "ADJSTMT_DLTN_CD": random.choice(["D", "A", None]),
    }


def neighbour(subject: str) -> str:
    return str((int(subject.removesuffix("-old")) + 1) % PERSONS)


def lines_of(random: Random, feed, thing: str, subject: str, of: str) -> list[dict]:
    """A claim as it is sent: one row, or two lines, of which a few disagree in keys and person."""
    own = keys(random) | {"BENE_ID": subject}
    told = {
        feed.thing: thing,
        "DML_IND": random.choice(["INSERT", "UPDATE", "DELETE"]) if of == "b" else "INSERT",
        "SRVC_PRVDR_ID": "1",
        "CLM_PMT_AMT": "1",
        "CVRD_D_PLAN_PD_AMT": "1",
        "NCVRD_PLAN_PD_AMT": "0",
        "CLM_THRU_DT": "09-Feb-2024",
    }
    number = next((name for name in ("CLM_LINE_NUM", "LINE_NUM") if name in feed.columns), None)
    lines = []
    for line in range(1, random.choice([2, 3]) if number else 2):
        if line > 1 and random.random() < 0.15:
            another = subject if random.random() < 0.8 else neighbour(subject)
            own = keys(random) | {"BENE_ID": another}
        sent = {name: value for name, value in (told | own).items() if name in feed.columns}
        numbered = {number: str(line)} if number else {}
        lines.append(sent | numbered | {"_row_hash": f"{of}{thing}#{line}"})
    return lines


def deliveries(random: Random, feed, rate: float) -> tuple[list[dict], list[dict]]:
    """Rows of the first and of the second delivery."""
    first, second = [], []
    for person in range(PERSONS):
        ids = [f"{person}", f"{person}", f"{person}-old"] if person % 10 == 0 else [f"{person}"]
        things = [f"{person}.{nth}" for nth in range(random.randint(1, 6))]
        for thing in things:
            first += lines_of(random, feed, thing, random.choice(ids), "a")
        if random.random() < rate:
            thing = random.choice([random.choice(things), f"{person}.new"])
            whose = random.choice([*ids, *ids, neighbour(ids[0])])
            second += lines_of(random, feed, thing, whose, "b")
    return first, second


@pytest.fixture(scope="module")
def stored():
    """Calls compute a frame once, as if it were a table's: its plan is not planned at each use."""
    with ExitStack() as held:
        yield lambda df: held.enter_context(kept(df))


@pytest.fixture(scope="module")
def people(spark, stored):
    known = [{"person_id": str(person)} for person in range(PERSONS)]
    merged = [
        {"old_member_id": f"{person}-old", "person_id": f"{person}"}
        for person in range(0, PERSONS, 10)
    ]
    return {
        "silver_demographics": frame(spark, DEMOGRAPHICS, known),
        "silver_eligibility": frame(spark, ELIGIBILITY, []),
        "silver_person_crosswalk": stored(frame(spark, PERSON_CROSSWALK, merged)),
    }


def account(table, bronze: dict, people: dict) -> dict[tuple, tuple]:
    """Raw row → its claim, what became of it, and all that versions say of it."""
    rows = table.rows(**{name: raw_rows(df, FEEDS[name]) for name, df in bronze.items()})
    judged = set_aside(rows, rules_for(DOMAIN.rules, table.name), table.whole)
    told = ("person_id", "original_claim_id", "claim_root_id", "is_final_action")
    versions = ("claim_version",) if "claim_version" in table.contract.names else ()
    found = table.build(judged, **people).select(
        "_input", "_row_key", "claim_id", "_disposition", *told, *versions
    )
    return {(row[0], row[1]): tuple(row[2:]) for row in found.collect()}


def test_what_is_replaced_as_a_whole_is_built_as_a_whole():
    for table in DOMAIN.tables:
        things = {FEEDS[bronze].thing for bronze in table.accounts_for}
        assert not things or ("" not in things and table.local.thing in table.contract.names)


@pytest.mark.parametrize("name", ["silver_medical", "silver_professional", "silver_pharmacy"])
def test_the_part_that_a_delivery_reaches_and_the_rest_are_the_whole(spark, people, name):
    random, table = Random(name), DOMAIN.table(name)
    old, new = {}, {}
    for bronze in table.accounts_for:
        first, second = deliveries(random, FEEDS[bronze], 0.3 / len(table.accounts_for))
        old[bronze] = bronze_rows(spark, FEEDS[bronze], *first, delivered_at=FIRST)
        new[bronze] = bronze_rows(spark, FEEDS[bronze], *second, delivered_at=SECOND)
    now = {bronze: old[bronze].unionByName(new[bronze]) for bronze in old}
    things = reduce(
        lambda one, other: one.union(other),
        [things_of(df, FEEDS[bronze]) for bronze, df in new.items()],
    )
    sent = [(df, FEEDS[bronze]) for bronze, df in now.items()]
    before, after = account(table, old, people), account(table, now, people)
    with families(things, sent, people["silver_person_crosswalk"], table.local) as ids:
        reached = {row.thing for row in ids.collect()}
        part = {
            bronze: rows_of(df, ids, unit_of(FEEDS[bronze], table.local))
            for bronze, df in now.items()
        }
        built = account(table, part, people)
    told = {key: row for key, row in after.items() if row[0] in reached}
    rest = {key: row for key, row in after.items() if row[0] not in reached}
    assert built == told
    assert rest == {key: row for key, row in before.items() if row[0] not in reached}
    assert len(told) < len(rest)
    changed = [key for key in before if before[key] != told.get(key, before[key])]
    others = [key for key in changed if before[key][1] == told[key][1] == "contributed"]
    assert len(others) > 2  # claims that were not sent again, and changed with one that was
    corrected = [row for row in after.values() if row[1] == "contributed" and row[3]]
    assert len(corrected) > len(after) / 20


@pytest.mark.parametrize("sent", ["x", "y"])
def test_a_claim_is_tied_by_whatever_a_line_says_to_whomever_a_line_names(spark, people, sent):
    """Claim x names number c1 on the line of person 2; y, which replaces c1, is of person 1."""
    feed, table = FEEDS["bronze_inpatient"], DOMAIN.table("silver_medical")
    rows = [
        {"CLM_ID": "x", "BENE_ID": "1", "FI_DOC_CLM_CNTL_NUM": "c9", "CLM_FROM_DT": DAYS[0]},
        {"CLM_ID": "x", "BENE_ID": "2", "FI_DOC_CLM_CNTL_NUM": "c1", "CLM_FROM_DT": DAYS[0]},
        {"CLM_ID": "y", "BENE_ID": "1", "FI_ORIG_CLM_CNTL_NUM": "c1", "CLM_FROM_DT": DAYS[2]},
        {"CLM_ID": "z", "BENE_ID": "3", "FI_DOC_CLM_CNTL_NUM": "c1", "CLM_FROM_DT": DAYS[0]},
    ]
    things = spark.createDataFrame([(sent,)], "thing STRING")
    bronze = [(bronze_rows(spark, feed, *rows), feed)]
    with families(things, bronze, people["silver_person_crosswalk"], table.local) as ids:
        assert {row.thing for row in ids.collect()} == {"x", "y"}


def test_an_id_that_two_feeds_give_reaches_the_persons_of_both(spark, people):
    """Claim a is tied to x; outpatient has an x, too, of another person, whose claim w names it."""
    inpatient, outpatient = FEEDS["bronze_inpatient"], FEEDS["bronze_outpatient"]
    table = DOMAIN.table("silver_medical")
    rows = {
        inpatient: [
            {"CLM_ID": "a", "BENE_ID": "1", "FI_DOC_CLM_CNTL_NUM": "c1", "CLM_FROM_DT": DAYS[0]},
            {"CLM_ID": "x", "BENE_ID": "1", "FI_ORIG_CLM_CNTL_NUM": "c1", "CLM_FROM_DT": DAYS[1]},
        ],
        outpatient: [
            {"CLM_ID": "x", "BENE_ID": "2", "FI_DOC_CLM_CNTL_NUM": "c7", "CLM_FROM_DT": DAYS[0]},
            {"CLM_ID": "w", "BENE_ID": "2", "FI_ORIG_CLM_CNTL_NUM": "c7", "CLM_FROM_DT": DAYS[1]},
            {"CLM_ID": "z", "BENE_ID": "2", "FI_DOC_CLM_CNTL_NUM": "c8", "CLM_FROM_DT": DAYS[2]},
        ],
    }
    things = spark.createDataFrame([("a",)], "thing STRING")
    bronze = [(bronze_rows(spark, feed, *sent), feed) for feed, sent in rows.items()]
    with families(things, bronze, people["silver_person_crosswalk"], table.local) as ids:
        assert {row.thing for row in ids.collect()} == {"a", "x", "w"}


# by person, as in a workspace: whose rows are needed beside those of the persons that changed
SHARED = {
    "a claim that went to another": ("1", {"1", "2"}),
    "and back": ("2", {"1", "2"}),
    "under a former id": ("10", {"10", "10-old", "11"}),
    "claims without an id are not one": ("5", {"5"}),
    "one who shares with one who shares": ("3", None),
    "nobody's": ("7", {"7"}),
}


@pytest.fixture(scope="module")
def shared(spark, stored):
    """Bronze in which claims go from one person to another."""
    feed = FEEDS["bronze_inpatient"]
    sent = [
        *[("a", "1"), ("a", "2"), ("b", "1")],
        *[("c", "3"), ("c", "4"), ("d", "4"), ("d", "8")],
        *[("e", "10-old"), ("e", "11"), (None, "5"), (None, "6")],
    ]
    rows = [{"CLM_ID": claim, "BENE_ID": of} for claim, of in sent]
    return [(stored(bronze_rows(spark, feed, *rows)), feed)]


@pytest.mark.parametrize("case", SHARED)
def test_who_was_sent_the_same_claim_is_built_together(spark, people, shared, case):
    person, wanted = SHARED[case]
    local = replace(DOMAIN.table("silver_medical").local, thing="")
    subjects = spark.createDataFrame([(person,)], "subject STRING")
    found = sharing(subjects, shared, people["silver_person_crosswalk"], local)
    assert (found and {row.subject for row in found.collect()}) == wanted


def test_a_plan_does_not_double_with_each_step_from_person_to_person(spark, people):
    """In a workspace no step is kept, so the last one's plan holds those of all before it."""
    local = DOMAIN.table("silver_medical").local
    ids = spark.createDataFrame([("1",)], "subject STRING")
    for _ in range(4):
        ids = with_aliases(ids, people["silver_person_crosswalk"], local)
    assert physical_plan(ids).count("LocalTableScan") == 1
