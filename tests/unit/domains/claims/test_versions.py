"""Which claims belong together, in which order, and which one stands: by hand, chain by chain."""

from collections import defaultdict
from datetime import date, timedelta
from unittest.mock import ANY  # where the specification is silent

import pytest
from hypothesis import strategies as st

from data_ops.domains.claims.versions import nest, unnest, with_parent, with_versions
from tests.cases import examples

COLUMNS = (
    "data_source STRING, source_feed STRING, person_id STRING, claim_id STRING, "
    "claim_frequency_code STRING, is_void BOOLEAN, control_number STRING, "
    "original_control_number STRING, claim_group_id STRING, provider_id STRING, "
    "claim_start_date DATE, claim_end_date DATE, paid_date DATE, _alone STRING, _stands BOOLEAN"
)
NAMES = [column.split()[0] for column in COLUMNS.split(", ")]
JANUARY, FEBRUARY, MARCH, APRIL = (date(2024, month, 5) for month in (1, 2, 3, 4))


def claim(number: str, frequency: str = "1", names: str | None = None, **more) -> dict:
    """A claim with the control number `c<id>`, which may name another's; each day is its own."""
    return {
        "data_source": "sample",
        "source_feed": "inpatient",
        "person_id": "p",
        "claim_id": number,
        "claim_frequency_code": frequency,
        "is_void": frequency == "8",
        "control_number": f"c{number}",
        "original_control_number": names,
        "claim_group_id": f"g{number}",
        "provider_id": f"h{number}",
        "claim_start_date": date(2023, 12, 1),
        "claim_end_date": date(2023, 12, 9),
        "paid_date": JANUARY,
        "_alone": None,
        "_stands": True,
    } | more


def visit(number: str, frequency: str = "1", **more) -> dict:
    """A claim that names nothing: one hospital, one stay."""
    return claim(number, frequency, **({"provider_id": "h"} | more))


LATER, LATEST, LAST = {"paid_date": FEBRUARY}, {"paid_date": MARCH}, {"paid_date": APRIL}
CLINIC = {"source_feed": "outpatient"}

# case → claims, (parent, root, version, does it stand?) of each
CHAINS = {
    "a claim alone stands": ([claim("-1")], [(None, "-1", 1, True)]),
    "a replacement takes the place of its original": (
        [claim("-1"), claim("-2", "7", "c-1", **LATER)],
        [(None, "-1", 1, False), ("-1", "-1", 2, True)],
    ),
    "four versions, each names the former": (
        [
            claim("-1"),
            claim("-2", "7", "c-1", **LATER),
            claim("-3", "7", "c-2", **LATEST),
            claim("-4", "7", "c-3", **LAST),
        ],
        [
            (None, "-1", 1, False),
            ("-1", "-1", 2, False),
            ("-2", "-1", 3, False),
            ("-3", "-1", 4, True),
        ],
    ),
    "four versions, each names the first": (
        [
            claim("-1"),
            claim("-2", "7", "c-1", **LATER),
            claim("-3", "7", "c-1", **LATEST),
            claim("-4", "7", "c-1", **LAST),
        ],
        [
            (None, "-1", 1, False),
            ("-1", "-1", 2, False),
            ("-1", "-1", 3, False),
            ("-1", "-1", 4, True),
        ],
    ),
    "a void of the original leaves nothing": (
        [claim("-1"), claim("-2", "8", "c-1", **LATER)],
        [(None, "-1", 1, False), ("-1", "-1", 2, False)],
    ),
    "a void of a replacement does not bring the original back": (
        [claim("-1"), claim("-2", "7", "c-1", **LATER), claim("-3", "8", "c-2", **LATEST)],
        [(None, "-1", 1, False), ("-1", "-1", 2, False), ("-2", "-1", 3, False)],
    ),
    "a replacement after a void stands": (
        [claim("-1"), claim("-2", "8", "c-1", **LATER), claim("-3", "7", "c-1", **LATEST)],
        [(None, "-1", 1, False), ("-1", "-1", 2, False), ("-1", "-1", 3, True)],
    ),
    "a void whose original is missing": (
        [claim("-2", "8", "gone")],
        [("gone", "-2", 1, False)],
    ),
    "a replacement whose original never arrives stands": (
        [claim("-2", "7", "gone")],
        [("gone", "-2", 1, True)],
    ),
    "two replacements of the same absent original": (
        [claim("-2", "7", "gone"), claim("-3", "7", "gone", **LATER)],
        [("gone", "-2", 1, False), ("gone", "-2", 2, True)],
    ),
    "a replacement and a void of the same absent original": (
        [claim("-2", "7", "gone"), claim("-3", "8", "gone", **LATER)],
        [("gone", "-2", 1, False), ("gone", "-2", 2, False)],
    ),
    "a void paid before the original it names": (
        [claim("-1", **LATER), claim("-2", "8", "c-1")],
        [(None, ANY, 2, True), ("-1", ANY, 1, False)],
    ),
    "on one day: original, replacement, void": (
        [claim("-1", "8", "c-20"), claim("-20", "7", "c-300"), claim("-300")],
        [("-20", "-300", 3, False), ("-300", "-300", 2, False), (None, "-300", 1, False)],
    ),
    "on one day the shorter id comes first": (
        [claim("-1"), claim("-10", "7", "c-1"), claim("-9", "7", "c-1")],
        [(None, "-1", 1, False), ("-1", "-1", 3, True), ("-1", "-1", 2, False)],
    ),
    "on one day ids of one length are texts, not numbers": (
        [claim("-1"), claim("-12", "7", "c-1"), claim("-11", "7", "c-1")],
        [(None, "-1", 1, False), ("-1", "-1", 3, True), ("-1", "-1", 2, False)],
    ),
    "the date comes before the frequency": (
        [claim("-1"), claim("-3", "7", "c-1", **LATEST), claim("-2", "8", "c-1", **LATER)],
        [(None, "-1", 1, False), ("-1", "-1", 3, True), ("-1", "-1", 2, False)],
    ),
    "the date comes before the id": (
        [claim("-999"), claim("-1", "7", "c-999", **LATER)],
        [(None, "-999", 1, False), ("-999", "-999", 2, True)],
    ),
    "a control number says nothing of another feed": (
        [
            claim("-1"),
            claim("-2", control_number="c-1", **CLINIC),
            claim("-3", "7", "c-1", **CLINIC, **LATER),
        ],
        [(None, "-1", 1, True), (None, "-2", 1, False), ("-2", "-2", 2, True)],
    ),
    "a claim's id repeats in another feed": (
        [claim("-1"), claim("-1", **CLINIC), claim("-2", "8", "c-1", **CLINIC, **LATER)],
        [(None, "-1", 1, True), (None, "-1", 1, False), ("-1", "-1", 2, False)],
    ),
    "a control number says nothing of another person": (
        [
            claim("-1"),
            claim("-2", control_number="c-1", person_id="q"),
            claim("-3", "8", "c-1", person_id="q", **LATER),
        ],
        [(None, "-1", 1, True), (None, "-2", 1, False), ("-2", "-2", 2, False)],
    ),
    "a control number says nothing of another sender": (
        [claim("-1"), claim("-2", "8", "c-1", data_source="other", **LATER)],
        [(None, "-1", 1, True), ("c-1", "-2", 1, False)],
    ),
    "two claims that name each other": (
        [claim("-1", "7", "c-2"), claim("-2", "7", "c-1", **LATER)],
        [("-2", "-1", 1, False), ("-1", "-1", 2, True)],
    ),
    "a circle of three, and a fourth that names one of them": (
        [
            claim("-1", "7", "c-3"),
            claim("-2", "7", "c-1", **LATER),
            claim("-3", "7", "c-2", **LATEST),
            claim("-4", "8", "c-2", **LAST),
        ],
        [
            ("-3", "-1", 1, False),
            ("-1", "-1", 2, False),
            ("-2", "-1", 3, False),
            ("-2", "-1", 4, False),
        ],
    ),
    "a claim that names itself is one of its own": (
        [claim("-1", "7", "c-1"), claim("-2", **LATER)],
        [(ANY, "-1", 1, True), (None, "-2", 1, True)],
    ),
    "a replacement of a claim that names itself": (
        [claim("-1", "7", "c-1"), claim("-2", "7", "c-1", **LATER)],
        [(ANY, "-1", 1, False), ("-1", "-1", 2, True)],
    ),
    "claims of a group are versions, whatever their frequency": (
        [
            claim("-1", claim_group_id="g"),
            claim("-2", claim_group_id="g", **LATER),
            claim("-3", "8", claim_group_id="g", **LATEST),
            claim("-4", claim_group_id="g", **LAST),
        ],
        [
            (None, "-1", 1, False),
            (ANY, "-1", 2, False),
            (ANY, "-1", 3, False),
            (ANY, "-1", 4, True),
        ],
    ),
    "a group ends with the feed and the person": (
        [
            claim("-1", claim_group_id="g"),
            claim("-2", claim_group_id="g", **CLINIC, **LATER),
            claim("-3", claim_group_id="g", person_id="q", **LATEST),
        ],
        [(None, "-1", 1, True), (None, "-2", 1, True), (None, "-3", 1, True)],
    ),
    "no group is no group": (
        [claim("-1", claim_group_id=None), claim("-2", claim_group_id=None, **LATER)],
        [(None, "-1", 1, True), (None, "-2", 1, True)],
    ),
    "a name and a group add up to one chain": (
        [
            claim("-1"),
            claim("-2", "7", "c-1", claim_group_id="g", **LATER),
            claim("-3", claim_group_id="g", **LATEST),
        ],
        [(None, "-1", 1, False), ("-1", "-1", 2, False), (ANY, "-1", 3, True)],
    ),
    "a replacement that names nothing finds the same stay": (
        [visit("-1"), visit("-2", "7", **LATER)],
        [(None, "-1", 1, False), (ANY, "-1", 2, True)],
    ),
    "a void that names nothing finds the same stay": (
        [visit("-1"), visit("-2", "8", **LATER)],
        [(None, "-1", 1, False), (ANY, "-1", 2, False)],
    ),
    "two visits of one day are two visits": (
        [visit("-1"), visit("-2"), visit("-3", **LATER)],
        [(None, "-1", 1, True), (None, "-2", 1, True), (None, "-3", 1, True)],
    ),
    "of two visits the void that names nothing takes the one paid last": (
        [visit("-1", **LATER), visit("-2"), visit("-3", "8", **LATEST)],
        [(None, "-1", 1, False), (None, "-2", 1, True), (ANY, "-1", 2, False)],
    ),
    "of two visits paid on one day it takes the later id": (
        [visit("-2"), visit("-1"), visit("-3", "8", **LATER)],
        [(None, "-2", 1, False), (None, "-1", 1, True), (ANY, "-2", 2, False)],
    ),
    "another hospital is another stay": (
        [visit("-1"), visit("-2", "8", provider_id="k", **LATER)],
        [(None, "-1", 1, True), (None, "-2", 1, False)],
    ),
    "another last day is another stay": (
        [visit("-1"), visit("-2", "7", claim_end_date=date(2023, 12, 8), **LATER)],
        [(None, "-1", 1, True), (None, "-2", 1, True)],
    ),
    "another first day is another stay": (
        [visit("-1"), visit("-2", "7", claim_start_date=date(2023, 12, 2), **LATER)],
        [(None, "-1", 1, True), (None, "-2", 1, True)],
    ),
    "a likeness does not count for a claim that names another": (
        [visit("-1"), visit("-2", "7", original_control_number="gone", **LATER)],
        [(None, "-1", 1, True), ("gone", "-2", 1, True)],
    ),
    "frequency 9 is an original": (
        [visit("-1", "9"), visit("-2", "9", **LATER)],
        [(None, "-1", 1, True), (None, "-2", 1, True)],
    ),
    "frequency 9 comes before the replacement of its day": (
        [claim("-100", "9"), claim("-1", "7", "c-100")],
        [(None, "-100", 1, False), ("-100", "-100", 2, True)],
    ),
    "interim bills are originals": (
        [visit("-1", "2"), visit("-2", "3"), visit("-3", "4"), visit("-4", "A"), visit("-5", None)],
        [(None, f"-{number}", 1, True) for number in range(1, 6)],
    ),
    "a claim that was set aside is nobody's original": (
        [claim("-1", _alone="1", _stands=False), claim("-2", "7", "c-1", **LATER)],
        [(None, "-1", 1, False), ("c-1", "-2", 1, True)],
    ),
    "a void that was set aside takes nothing back": (
        [claim("-1"), claim("-2", "8", "c-1", _alone="1", _stands=False, **LATER)],
        [(None, "-1", 1, True), ("c-1", "-2", 1, False)],
    ),
    "corrections that keep the number of their original": (
        [
            claim("-1", control_number="c"),
            claim("-2", "7", "c", control_number="c", **LATER),
            claim("-3", "7", "c", control_number="c", **LATEST),
        ],
        [(None, "-1", 1, False), (ANY, "-1", 2, False), (ANY, "-1", 3, True)],
    ),
}


def rows_of(claims: list[dict]) -> list[tuple]:
    return [tuple(one[name] for name in NAMES) for one in claims]


@pytest.fixture(scope="module")
def told(spark) -> dict[tuple, tuple]:
    """(case, claim's place in it) → parent, root, version, does it stand?"""
    sent = [
        rows_of([one | {"person_id": f"{one['person_id']} {case}"}])[0] + (case, nth)
        for case, (claims, _) in CHAINS.items()
        for nth, one in enumerate(claims)
    ]
    frame = spark.createDataFrame(sent, f"{COLUMNS}, case STRING, nth INT")
    return {
        (row.case, row.nth): (
            row.original_claim_id,
            row.claim_root_id,
            row.claim_version,
            row.is_final_action,
        )
        for row in with_versions(with_parent(frame)).collect()
    }


@pytest.mark.parametrize("case", list(CHAINS))
def test_chain(case, told):
    claims, expected = CHAINS[case]
    found = [told[case, nth] for nth in range(len(claims))]
    assert found == expected


# ------------------------------------------------------------------------------- random chains

# up to eight claims: (parent among the earlier ones or none, frequency, days until it was paid)
_LINK = st.tuples(st.integers(0, 8), st.sampled_from("178"), st.integers(0, 3))
_RANDOM = st.lists(_LINK, min_size=1, max_size=8)


def test_any_chain_has_one_order_and_at_most_one_final_action(spark):
    persons = examples(_RANDOM)
    sent, roots = [], []
    for nth, links in enumerate(persons):
        root: list[int] = []
        for own, (parent, frequency, days) in enumerate(links):
            named = parent if parent < own else None
            root.append(own if named is None else root[named])
            sent.append(
                claim(
                    str(-own - 5),
                    frequency,
                    None if named is None else f"c{-named - 5}",
                    person_id=f"p{nth}",
                    paid_date=JANUARY + timedelta(days=days),
                )
            )
        roots.append(root)
    frame = spark.createDataFrame(rows_of(sent), COLUMNS)
    found = {
        (row.person_id, row.claim_id): row for row in with_versions(with_parent(frame)).collect()
    }
    assert len(found) == len(sent)
    for nth, links in enumerate(persons):
        chains: dict[int, list] = defaultdict(list)
        for own, root in enumerate(roots[nth]):
            chains[root].append(own)
        seen = set()
        for members in chains.values():
            ordered = sorted(members, key=lambda own: _key(own, *links[own]))
            rows = [found[f"p{nth}", str(-own - 5)] for own in ordered]
            assert [row.claim_version for row in rows] == list(range(1, len(rows) + 1)), links
            assert len({row.claim_root_id for row in rows}) == 1, links
            seen.add(rows[0].claim_root_id)
            voided = links[ordered[-1]][1] == "8"
            stands = [row.is_final_action for row in rows]
            assert stands == [False] * (len(rows) - 1) + [not voided], links
        assert len(seen) == len(chains), links


def _key(own: int, _parent: int, frequency: str, days: int) -> tuple:
    number = str(-own - 5)
    return days, "178".index(frequency), len(number), number


# ------------------------------------------------------------------------------ lines and claims


def test_lines_travel_with_their_claim(spark):
    """What does not stand is nested alone and comes back, too."""
    columns = (
        "data_source STRING, source_feed STRING, claim_id STRING, claim_line_number INT, "
        "paid_date DATE, _disposition STRING, _input STRING, _source_file STRING, _row_key STRING"
    )
    rows = [
        ("s", "inpatient", "-1", 1, FEBRUARY, "contributed", "b", "f", "1"),
        ("s", "inpatient", "-1", 2, JANUARY, "contributed", "b", "f", "2"),
        ("s", "snf", "-1", 1, MARCH, "contributed", "b", "f", "3"),
        ("s", "inpatient", "-1", 1, APRIL, "superseded", "b", "e", "4"),
        ("s", "inpatient", "-1", 1, APRIL, "superseded", "b", "e", "5"),
        ("s", "inpatient", None, 1, APRIL, "contributed", "b", "f", "6"),
        ("s", "inpatient", None, 1, APRIL, "contributed", "b", "f", "7"),
    ]
    lines = ("claim_line_number", "_disposition", "_input", "_source_file", "_row_key")
    claims = nest(spark.createDataFrame(rows, columns), ("claim_id", "paid_date"), lines)
    told = ("data_source", "source_feed", "claim_id", "paid_date")
    found = unnest(claims, told, stands=claims["_stands"]).collect()
    keys = sorted((row["_row_key"], row.claim_line_number, row.paid_date) for row in found)
    assert keys == [
        ("1", 1, JANUARY), ("2", 2, JANUARY), ("3", 1, MARCH),
        ("4", 1, APRIL), ("5", 1, APRIL), ("6", 1, APRIL), ("7", 1, APRIL),
    ]  # fmt: skip
    assert {row["_row_key"] for row in found if row.stands} == {"1", "2", "3"}
