"""Versions of a person are dated by the data: whatever the order of arrival, the same history."""

from datetime import UTC, date, datetime

import pytest
from chispa import assert_df_equality
from hypothesis import strategies as st

from data_ops.domains.member.demographics import demographic_rows, demographics
from data_ops.domains.member.rules import RULES
from data_ops.domains.member.schemas import (
    BENEFICIARY,
    BENEFICIARY_HISTORY,
    DEMOGRAPHICS,
    PERSON_CROSSWALK,
)
from data_ops.operations.accounts import accepted, set_aside
from data_ops.operations.bronze import delivered_rows
from data_ops.operations.quality import rules_for
from tests.cases import examples

from .frames import frame

EARLY, LATE = datetime(2024, 1, 15, tzinfo=UTC), datetime(2024, 7, 15, tzinfo=UTC)


def year(number: int | str | None, **columns) -> dict:
    """A beneficiary row of that reference year, delivered in that year's file."""
    row = {"RFRNC_YR": str(number) if number else None, "_source_file": f"{number}.csv"}
    return {"feed": BENEFICIARY} | row | columns


def past(day: str | None, **columns) -> dict:
    """A beneficiary_history row that takes effect on that day."""
    return {"feed": BENEFICIARY_HISTORY, "EFCTV_BGN_DT": day} | columns


def zipped(row: dict, code: str) -> dict:
    return row | {"BENE_ZIP_CD": code}


HERE, THERE = "02138", "02139"
KEPT, SAME, BEATEN, ASIDE, OUT = (
    "contributed", "unchanged", "superseded", "quarantined", "out_of_scope",
)  # fmt: skip

# What the yearly feed alone knows, and race by its own code.
KNOWN = {"DEATH_DT": "10-Nov-2020", "CITY_NAME": "Boston", "FIPS_STATE_CNTY_DEC_CD": "25025"}
KNOWN |= {"RTI_RACE_CD": "5", "DRVD_LINE_1_ADR": "1 Main St"}

# case → rows as sent, versions (from, to, ZIP, date of death), what became of each row
HISTORIES = {
    "an equal row opens no version": (
        [zipped(year(2020), HERE), zipped(year(2021), HERE)],
        [("2020-01-01", None, HERE, None)],
        [KEPT, SAME],
    ),
    "a changed row opens a version": (
        [zipped(year(2020), HERE), zipped(year(2021), THERE), zipped(year(2022), HERE)],
        [
            ("2020-01-01", "2021-01-01", HERE, None),
            ("2021-01-01", "2022-01-01", THERE, None),
            ("2022-01-01", None, HERE, None),
        ],
        [KEPT, KEPT, KEPT],
    ),
    "rows may come in any order": (
        [zipped(year(2022), HERE), zipped(year(2020), HERE), zipped(year(2021), THERE)],
        [
            ("2020-01-01", "2021-01-01", HERE, None),
            ("2021-01-01", "2022-01-01", THERE, None),
            ("2022-01-01", None, HERE, None),
        ],
        [KEPT, KEPT, KEPT],
    ),
    "a late row lands where it belongs": (
        [
            zipped(year(2020), HERE) | {"_delivered_at": EARLY},
            zipped(year(2022), HERE) | {"_delivered_at": EARLY},
            zipped(year(2021), THERE) | {"_delivered_at": LATE},
        ],
        [
            ("2020-01-01", "2021-01-01", HERE, None),
            ("2021-01-01", "2022-01-01", THERE, None),
            ("2022-01-01", None, HERE, None),
        ],
        [KEPT, KEPT, KEPT],
    ),
    "a death opens a version": (
        [zipped(year(2020), HERE), zipped(year(2021, DEATH_DT="10-May-2021"), HERE)],
        [("2020-01-01", "2021-01-01", HERE, None), ("2021-01-01", None, HERE, "2021-05-10")],
        [KEPT, KEPT],
    ),
    "a year sent again replaces the former": (
        [
            zipped(year(2020), THERE) | {"_delivered_at": LATE, "DML_IND": "UPDATE"},
            zipped(year(2020), HERE) | {"_delivered_at": EARLY, "DML_IND": "INSERT"},
        ],
        [("2020-01-01", None, THERE, None)],
        [KEPT, BEATEN],
    ),
    "a deleted year leaves nothing": (
        [
            zipped(year(2020), HERE),
            zipped(year(2021), THERE) | {"_delivered_at": EARLY},
            zipped(year(2021), THERE) | {"_delivered_at": LATE, "DML_IND": "DELETE"},
        ],
        [("2020-01-01", None, HERE, None)],
        [KEPT, BEATEN, BEATEN],
    ),
    "a year sent anew after its deletion counts": (
        [
            zipped(year(2020), HERE) | {"_delivered_at": EARLY, "DML_IND": "DELETE"},
            zipped(year(2020), THERE) | {"_delivered_at": LATE, "DML_IND": "INSERT"},
        ],
        [("2020-01-01", None, THERE, None)],
        [BEATEN, KEPT],
    ),
    "a deleted death is no death": (
        [
            zipped(year(2020), HERE),
            zipped(year(2021, DEATH_DT="10-May-2021"), HERE) | {"_delivered_at": EARLY},
            zipped(year(2021), HERE) | {"_delivered_at": LATE},
        ],
        [("2020-01-01", None, HERE, None)],
        [KEPT, BEATEN, SAME],
    ),
    "a begin date dates the version": (
        [zipped(year(2020), HERE), zipped(year(2021, EFCTV_BGN_DT="15-Mar-2021"), THERE)],
        [("2020-01-01", "2021-03-15", HERE, None), ("2021-03-15", None, THERE, None)],
        [KEPT, KEPT],
    ),
    "an unreadable begin date leaves the year": (
        [zipped(year(2021, EFCTV_BGN_DT="2021-03-15"), HERE)],
        [("2021-01-01", None, HERE, None)],
        [KEPT],
    ),
    "of two rows of one day the later file counts": (
        [
            zipped(year(2020, EFCTV_BGN_DT="01-Jan-2021"), HERE),
            zipped(year(2021), THERE),
        ],
        [("2021-01-01", None, THERE, None)],
        [BEATEN, KEPT],
    ),
    "history comes before the first year": (
        [zipped(past("01-Jun-2019"), HERE), zipped(year(2020), THERE)],
        [("2019-06-01", "2020-01-01", HERE, None), ("2020-01-01", None, THERE, None)],
        [KEPT, KEPT],
    ),
    "a year that repeats history opens no version": (
        [zipped(past("01-Jun-2019"), HERE), zipped(year(2020), HERE)],
        [("2019-06-01", None, HERE, None)],
        [KEPT, SAME],
    ),
    "of a year and history on one day the year counts": (
        [
            zipped(past("01-Jan-2020"), THERE) | {"_delivered_at": LATE},
            zipped(year(2020), HERE) | {"_delivered_at": EARLY},
        ],
        [("2020-01-01", None, HERE, None)],
        [BEATEN, KEPT],
    ),
    "history does not take away what its feed does not know": (
        [
            zipped(year(2020, **KNOWN), HERE),
            zipped(past("01-Jul-2020", BENE_RACE_CD="1"), HERE),
            zipped(year(2021, **KNOWN), HERE),
        ],
        [("2020-01-01", None, HERE, "2020-11-10")],
        [KEPT, SAME, SAME],
    ),
    "history that tells something new keeps the rest": (
        [
            zipped(year(2020, **KNOWN), HERE),
            zipped(past("01-Jul-2020"), THERE),
            zipped(year(2021), THERE),
        ],
        [
            ("2020-01-01", "2020-07-01", HERE, "2020-11-10"),
            ("2020-07-01", "2021-01-01", THERE, "2020-11-10"),
            ("2021-01-01", None, THERE, None),
        ],
        [KEPT, KEPT, KEPT],
    ),
    "history alone is a person": (
        [zipped(past("01-Jun-2019"), HERE)],
        [("2019-06-01", None, HERE, None)],
        [KEPT],
    ),
    "undated history has no place": (
        [zipped(past(None), THERE), zipped(past(" "), THERE), zipped(year(2020), HERE)],
        [("2020-01-01", None, HERE, None)],
        [OUT, OUT, KEPT],
    ),
    "a year that is none is set aside": (
        [zipped(year(2020), HERE), zipped(year("20x1"), THERE), zipped(year(None), THERE)],
        [("2020-01-01", None, HERE, None)],
        [KEPT, ASIDE, ASIDE],
    ),
    "a year without a number may have a begin date": (
        [zipped(year(None, EFCTV_BGN_DT="15-Mar-2021"), HERE)],
        [("2021-03-15", None, HERE, None)],
        [KEPT],
    ),
}

# Rows of nobody: they have no person to be a case of.
NOBODY = [
    {"feed": BENEFICIARY, "_corrupt_record": "1|2|3"},
    {"feed": BENEFICIARY, "_corrupt_record": "1|2|3"},
    {"feed": BENEFICIARY_HISTORY, "_corrupt_record": "4|5"},
    year(2020, BENE_ID=" "),
]


def account(spark, rows: list[dict]):
    """The account of rows of both feeds, judged."""
    frames = [
        delivered_rows(
            spark,
            feed,
            *({k: v for k, v in row.items() if k != "feed"} for row in rows if row["feed"] is feed),
        )
        for feed in (BENEFICIARY, BENEFICIARY_HISTORY)
    ]
    judged = set_aside(demographic_rows(*frames), rules_for(RULES, DEMOGRAPHICS.name))
    return demographics(judged, frame(spark, PERSON_CROSSWALK, []))


@pytest.fixture(scope="module")
def told(spark) -> dict[str, list]:
    """Case → the rows of its account, in the order they were sent."""
    sent = [
        row | {"BENE_ID": case, "_row_hash": f"{case}-{nth}"}
        for case, (rows, _, _) in HISTORIES.items()
        for nth, row in enumerate(rows)
    ]
    sent += [row | {"_row_hash": f"nobody-{nth}"} for nth, row in enumerate(NOBODY)]
    found = account(spark, sent).collect()
    cases = {case: [] for case in [*HISTORIES, "nobody"]}
    for row in sorted(found, key=lambda row: row["_row_key"]):
        cases[row["_row_key"].rpartition("-")[0]].append(row)
    return cases


def _versions(rows: list) -> list[tuple]:
    kept = [row for row in rows if row["_disposition"] == KEPT]
    told = [
        (row.effective_from, row.effective_to, row.zip, row.death_date)
        for row in sorted(kept, key=lambda row: row.effective_from)
    ]
    return [tuple(_day(value) for value in version) for version in told]


def _day(value):
    return value.isoformat()[:10] if isinstance(value, date) else value


@pytest.mark.parametrize("case", HISTORIES)
def test_versions(case, told):
    _, versions, _ = HISTORIES[case]
    assert _versions(told[case]) == versions


@pytest.mark.parametrize("case", HISTORIES)
def test_what_becomes_of_each_row(case, told):
    _, _, dispositions = HISTORIES[case]
    assert [row["_disposition"] for row in told[case]] == dispositions


def test_the_last_version_is_the_current_one(told):
    for case in HISTORIES:
        kept = [row for row in told[case] if row["_disposition"] == KEPT]
        assert [row.is_current for row in sorted(kept, key=lambda row: row.effective_from)] == [
            *[False] * (len(kept) - 1),
            True,
        ]


def test_rows_of_nobody_are_all_set_aside_with_every_reason(told):
    assert [(row["_disposition"], row["_reasons"]) for row in told["nobody"]] == [
        *[(ASIDE, ["person_id_present", "effective_from_present"])] * 3,
        (ASIDE, ["person_id_present"]),
    ]


def test_of_two_years_that_begin_on_one_day_the_later_counts_even_if_the_former_comes_late(spark):
    begun = {"BENE_ID": "p", "EFCTV_BGN_DT": "01-Mar-2020"}
    sent = [
        zipped(year(2021, **begun), THERE) | {"_delivered_at": EARLY},
        zipped(year(2020, **begun), HERE) | {"_delivered_at": LATE},
    ]
    assert _versions(account(spark, sent).collect()) == [("2020-03-01", None, THERE, None)]


# -------------------------------------------------------------------------------------- attributes

SENT = {
    "codes": year(
        2020, BENE_SEX_IDENT_CD="2", BENE_RACE_CD="1", RTI_RACE_CD="5", STATE_CODE="22",
        BENE_ZIP_CD="2138", MBI_NUM=" 1S00E00AA00 ", BENE_GVN_NAME="Ada", BENE_MDL_NAME="B",
        BENE_SRNM_NAME="Love", BENE_BIRTH_DT="28-Feb-1950", DRVD_LINE_1_ADR="1 Main St",
        DRVD_LINE_2_ADR=" ", DRVD_LINE_3_ADR="Apt 2",
        CITY_NAME="Boston", FIPS_STATE_CNTY_JAN_CD="25017", FIPS_STATE_CNTY_NOV_CD="25025",
    ),
    "letters": year(2020, STATE_CD="NH", STATE_CODE="22", BENE_ZIP_CD="00000", BENE_RACE_CD="2"),
    "unknown": year(
        2020, BENE_SEX_IDENT_CD="0", RTI_RACE_CD="0", STATE_CODE="99", BENE_ZIP_CD="021381234",
        BENE_BIRTH_DT="1950-02-28",
    ),
    "single digits": year(2020, STATE_CODE="5", BENE_ZIP_CD="21381234", RTI_RACE_CD="6"),
    "history": past(
        "01-Jan-2020", STATE_CODE="22", BENE_ZIP_CD="02138", BENE_RACE_CD="4",
        BENE_SEX_IDENT_CD="1",
    ),
}  # fmt: skip
TOLD = [
    {
        "person_id": "codes", "mbi": "1S00E00AA00", "first_name": "Ada", "middle_name": "B",
        "last_name": "Love", "birth_date": "1950-02-28", "sex": "female", "race": "hispanic",
        "ethnicity": "hispanic", "address": "1 Main St Apt 2", "city": "Boston", "state": "MA",
        "zip": "02138", "county_fips": "25025",
    },
    {
        "person_id": "letters", "sex": "unknown", "race": "black", "ethnicity": "not hispanic",
        "state": "NH",
    },
    {
        "person_id": "unknown", "sex": "unknown", "race": "unknown", "ethnicity": "unknown",
        "zip": "021381234",
    },
    {
        "person_id": "single digits", "sex": "unknown", "race": "north american native",
        "ethnicity": "not hispanic", "state": "CA", "zip": "021381234",
    },
    {
        "person_id": "history", "sex": "male", "race": "asian", "ethnicity": "not hispanic",
        "state": "MA", "zip": "02138",
    },
]  # fmt: skip


def test_codes_become_words(spark):
    """Death, address and county are not known of history."""
    rows = [row | {"BENE_ID": case} for case, row in SENT.items()]
    same = {"data_source": "sample", "effective_from": "2020-01-01", "is_current": True}
    expected = [row | same | {"member_id": row["person_id"]} for row in TOLD]
    assert_df_equality(
        accepted(account(spark, rows), DEMOGRAPHICS).select(*DEMOGRAPHICS.business),
        frame(spark, DEMOGRAPHICS, expected).select(*DEMOGRAPHICS.business),
        ignore_row_order=True,
        ignore_nullable=True,
    )


# -------------------------------------------------------------------------------------- invariants

PERSONS = st.dictionaries(
    st.integers(2015, 2024),
    st.tuples(st.sampled_from([HERE, THERE]), st.sampled_from([None, "10-May-2021"])),
    min_size=1,
    max_size=7,
)


def test_the_order_of_arrival_does_not_matter(spark):
    """Each person three times: years delivered together, in turn, and in turn backwards."""
    persons = examples(PERSONS, 60)
    sent, expected = [], {}
    for nth, years in enumerate(persons):
        for way in ("together", "forwards", "backwards"):
            person = f"{nth}-{way}"
            expected[person] = _model(years)
            sent += [
                zipped(year(number, BENE_ID=person, DEATH_DT=death), code)
                | {"_delivered_at": _delivery(way, number)}
                for number, (code, death) in years.items()
            ]
    assert any(len(versions) > 3 for versions in expected.values())
    found: dict[str, list] = {person: [] for person in expected}
    for row in account(spark, sent).collect():
        found[row.person_id].append(row)
    assert {person: _versions(rows) for person, rows in found.items()} == expected


def _delivery(way: str, number: int) -> datetime:
    day = {"together": 1, "forwards": number - 2000, "backwards": 2040 - number}[way]
    return datetime(2025, 1, day, tzinfo=UTC)


def _model(years: dict) -> list[tuple]:
    """Versions by plain Python."""
    opened = []
    for number in sorted(years):
        code, death = years[number]
        content = code, "2021-05-10" if death else None
        if not opened or opened[-1][1] != content:
            opened.append((f"{number}-01-01", content))
    ends = [start for start, _ in opened[1:]] + [None]
    return [(start, end, *content) for (start, content), end in zip(opened, ends, strict=True)]
