"""The independent reading is itself right, on folders small enough to work out by hand."""

import calendar
import gzip
import random
import sys
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import independent

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample" / "rif"
YEAR = range(1, 13)
ONE = "-1000001"


def row(year, bene=ONE, dml="INSERT", **columns):
    """A person's year; everything not named is blank."""
    return {"DML_IND": dml, "BENE_ID": bene, "RFRNC_YR": str(year), **columns}


def entitled(months, code="3"):
    return {f"MDCR_ENTLMT_BUYIN_{month}_IND": code for month in months}


def plan(part, months, contract, pbp="001"):
    names = [independent.MONTHS[month - 1] for month in months]
    contracts = {f"PT{part}_CNTRCT_{name}_ID": contract for name in names}
    return contracts | {f"PT{part}_PBP_{name}_ID": pbp for name in names}


def dual(months, code):
    names = [independent.MONTHS[month - 1] for month in months]
    return {f"META_DUAL_ELGBL_STUS_{name}_CD": code for name in names}


def content(rows, bom="", newline="\n"):
    lines = ["|".join(independent.COLUMNS)]
    lines += ["|".join(r.get(name, "") for name in independent.COLUMNS) for r in rows]
    return (bom + newline.join(lines) + newline).encode()


def write(folder, files):
    """Files by name: a list of rows, or the very bytes."""
    for name, rows in files.items():
        data = rows if isinstance(rows, bytes) else content(rows)
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder


def write_rows(folder, *rows):
    return write(folder, {"beneficiary_2020.csv": list(rows)})


def plain(frame, *columns):
    """Rows as tuples: dates as ISO text, nothing as None."""
    texts = frame[list(columns)].copy()
    for name in columns:
        if pd.api.types.is_datetime64_any_dtype(texts[name]):
            texts[name] = texts[name].dt.strftime("%Y-%m-%d")
    texts = texts.astype(object)
    return list(texts.where(texts.notna(), None).itertuples(index=False, name=None))


def spans(folder):
    return plain(
        independent.enrollment(folder), "coverage_type", "plan_id", "start_date", "end_date"
    )


def islands(folder):
    return plain(
        independent.islands(folder),
        *("coverage_type", "plan_id", "start_date", "end_date", "span_count"),
    )


def gaps(folder):
    return plain(independent.gaps(folder), "coverage_type", "gap_start", "gap_end", "days")


# --------------------------------------------------------------------------------------- coverage


@pytest.mark.parametrize(
    ("death", "end", "days", "mid", "full"),
    [
        ("01-Mar-2020", "2020-03-01", 1, False, False),
        ("14-Mar-2020", "2020-03-14", 14, False, False),
        ("15-Mar-2020", "2020-03-15", 15, True, False),
        ("31-Mar-2020", "2020-03-31", 31, True, True),
    ],
)
def test_coverage_ends_with_death(tmp_path, death, end, days, mid, full):
    # The flags run on to June, and into the next year, whose row does not tell of the death.
    write_rows(
        tmp_path,
        row(2020, DEATH_DT=death, **entitled(range(1, 7), "1")),
        row(2021, dml="UPDATE", **entitled([1], "1")),
    )
    assert spans(tmp_path) == [("PART_A", "FFS", "2020-01-01", end)]
    assert islands(tmp_path) == [("PART_A", "FFS", "2020-01-01", end, 1)]
    assert gaps(tmp_path) == []
    months = plain(
        independent.member_months(tmp_path),
        *("coverage_month", "covered_days", "covered_first_day"),
        *("covered_15th", "covered_full_month"),
    )
    assert months == [
        ("2020-01-01", 31, True, True, True),
        ("2020-02-01", 29, True, True, True),
        ("2020-03-01", days, True, mid, full),
    ]


def test_plan_switch_in_january(tmp_path):
    write_rows(
        tmp_path,
        row(2020, **entitled(YEAR), **plan("D", YEAR, "S1234", "001")),
        row(2021, **entitled(YEAR), **plan("D", YEAR, "S1234", "002")),
    )
    assert islands(tmp_path) == [
        ("PART_A", "FFS", "2020-01-01", "2021-12-31", 2),
        ("PART_B", "FFS", "2020-01-01", "2021-12-31", 2),
        ("PART_D", "S1234-001", "2020-01-01", "2020-12-31", 1),
        ("PART_D", "S1234-002", "2021-01-01", "2021-12-31", 1),
    ]
    assert gaps(tmp_path) == []


def test_plan_left_and_taken_up_again_within_a_year(tmp_path):
    plans = plan("C", [1, 2], "H0001") | plan("C", [3], "H0002") | plan("C", [4, 5], "H0001")
    write_rows(tmp_path, row(2021, **plans))
    assert spans(tmp_path) == [
        ("PART_C", "H0001-001", "2021-01-01", "2021-02-28"),
        ("PART_C", "H0002-001", "2021-03-01", "2021-03-31"),
        ("PART_C", "H0001-001", "2021-04-01", "2021-05-31"),
    ]
    assert len(islands(tmp_path)) == 3
    assert gaps(tmp_path) == []


def test_gaps_inside_a_year_and_over_new_year(tmp_path):
    first = entitled([3, 4, 5, *range(8, 11)], "A") | plan("D", [3], "S0001")
    write_rows(
        tmp_path,
        row(2020, **first),
        row(2021, **entitled(range(3, 13), "1"), **plan("D", [12], "S0002")),
    )
    assert gaps(tmp_path) == [
        ("PART_A", "2020-06-01", "2020-07-31", 61),
        ("PART_A", "2020-11-01", "2021-02-28", 30 + 31 + 31 + 28),
        ("PART_D", "2020-04-01", "2021-11-30", 275 + 334),
    ]
    assert [island[2:] for island in islands(tmp_path) if island[0] == "PART_A"] == [
        ("2020-03-01", "2020-05-31", 1),
        ("2020-08-01", "2020-10-31", 1),
        ("2021-03-01", "2021-12-31", 1),
    ]


def test_a_missing_year_is_a_gap(tmp_path):
    write_rows(tmp_path, row(2017, **entitled(YEAR, "2")), row(2019, **entitled(YEAR, "B")))
    assert gaps(tmp_path) == [("PART_B", "2018-01-01", "2018-12-31", 365)]


def test_buyin_codes(tmp_path):
    codes = dict(enumerate("123ABC0", start=1))
    write_rows(
        tmp_path, row(2020, **{f"MDCR_ENTLMT_BUYIN_{n}_IND": code for n, code in codes.items()})
    )
    months = plain(independent.member_months(tmp_path), "coverage_type", "coverage_month")
    assert {int(m[5:7]) for part, m in months if part == "PART_A"} == {1, 3, 4, 6}
    assert {int(m[5:7]) for part, m in months if part == "PART_B"} == {2, 3, 5, 6}


@pytest.mark.parametrize("contract", ["0", "N", "", " ", "h1234", "H123", "H12345", "*"])
def test_what_is_no_contract_is_no_enrolment(tmp_path, contract):
    other = plan("C", YEAR, contract) | plan("D", YEAR, contract) | plan("D", [2], "S1234", "801")
    write_rows(tmp_path, row(2020, **other))
    assert spans(tmp_path) == [("PART_D", "S1234-801", "2020-02-01", "2020-02-29")]


def test_a_contract_without_pbp_is_no_plan(tmp_path):
    write_rows(tmp_path, row(2020, **plan("C", YEAR, "H1234", "")))
    assert spans(tmp_path) == []


def test_every_month_is_read_from_its_own_columns(tmp_path):
    for month in YEAR:
        columns = entitled([month], "1") | plan("D", [month], f"S{month:04}", f"{month:03}")
        write_rows(tmp_path, row(2021, **columns, **dual([month], f"{month:02}")))
        day = f"2021-{month:02}-01"
        months = independent.member_months(tmp_path)
        assert plain(months, "coverage_month", "plan_id", "dual_status_code") == [
            (day, "FFS", f"{month:02}"),
            (day, f"S{month:04}-{month:03}", f"{month:02}"),
        ]


# --------------------------------------------------------------------------------------- versions


def test_a_row_sent_twice_counts_once(tmp_path):
    same = row(2019, **entitled(YEAR), **plan("D", YEAR, "S1234"), **dual(YEAR, "02"))
    write(tmp_path, {"beneficiary_2018.csv": [same], "beneficiary_2019.csv.gz": [same, same]})
    assert independent.raw_rows(tmp_path) == {
        "beneficiary_2018.csv": 1,
        "beneficiary_2019.csv.gz": 2,
    }
    assert independent.left_out(tmp_path)["replaced"] == 2
    assert independent.persons(tmp_path) == 1
    assert len(spans(tmp_path)) == 3
    assert len(independent.member_months(tmp_path)) == 36
    assert len(independent.member_status(tmp_path)) == 12
    assert [island[-1] for island in islands(tmp_path)] == [1, 1, 1]


def test_of_two_rows_of_a_year_the_later_replaces_the_earlier_whole(tmp_path):
    earlier = row(2019, DEATH_DT="05-May-2019", BENE_GVN_NAME="A", **entitled(YEAR))
    later = row(2019, dml="UPDATE", BENE_GVN_NAME="B", **entitled([1], "1"))
    write(tmp_path, {"beneficiary_2018.csv": [later], "beneficiary_2017.csv": [earlier]})
    assert spans(tmp_path) == [("PART_A", "FFS", "2019-01-01", "2019-01-31")]
    assert plain(independent.demographics(tmp_path), "first_name", "death_date") == [("B", None)]

    write(tmp_path, {"beneficiary_2018.csv": [later, earlier]})
    assert [span[-1] for span in spans(tmp_path)] == ["2019-05-05"] * 2


def test_delete_leaves_nothing_of_the_year(tmp_path):
    write(
        tmp_path,
        {
            "beneficiary_2020.csv": [row(2020, **entitled([1])), row(2021, **entitled([1]))],
            "beneficiary_2022.csv": [row(2021, dml="DELETE", **entitled([1]))],
        },
    )
    assert [span[2] for span in spans(tmp_path)] == ["2020-01-01"] * 2
    assert independent.left_out(tmp_path) == {
        "unfit": 0,
        "no_key": 0,
        "deleted": 1,
        "replaced": 1,
    }


# ----------------------------------------------------------------------------------------- status


@pytest.mark.parametrize(
    ("sent", "code", "flag"),
    [
        ("AA", "AA", False),
        ("aa", "AA", False),
        ("NA", "NA", False),
        ("", None, False),
        (" ", None, False),
        ("3", "03", True),
        ("03", "03", True),
        ("8", "08", True),
        ("0", "00", False),
        ("9", "09", False),
        ("10", "10", False),
        ("99", "99", False),
    ],
)
def test_dual_status(tmp_path, sent, code, flag):
    write_rows(tmp_path, row(2020, **entitled([9]), **dual([9], sent), MDCR_STUS_SEPT_CD="11"))
    assert plain(
        independent.member_status(tmp_path),
        *("status_month", "dual_status_code", "dual_flag", "medicare_status_code", "esrd_flag"),
    ) == [("2020-09-01", code, flag, "11", True)]
    months = independent.member_months(tmp_path)
    assert plain(months, "dual_status_code", "dual_flag") == [(code, flag)] * 2


def test_a_month_has_a_status_if_any_of_the_three_is_set(tmp_path):
    columns = entitled([1], "0") | {"MDCR_STUS_FEB_CD": "20"} | dual([3], "NA")
    write_rows(tmp_path, row(2020, **columns, **plan("D", [4], "S1234")))
    assert plain(independent.member_status(tmp_path), "status_month", "esrd_flag") == [
        ("2020-01-01", None),
        ("2020-02-01", False),
        ("2020-03-01", None),
    ]
    months = independent.member_months(tmp_path)
    assert plain(months, "coverage_month", "dual_status_code", "dual_flag") == [
        ("2020-04-01", None, False)
    ]


# ----------------------------------------------------------------------------------- demographics

SOMEONE = {
    "BENE_GVN_NAME": "Ann",
    "BENE_SRNM_NAME": 'O"Hara',
    "BENE_BIRTH_DT": "03-Jan-1942",
    "BENE_SEX_IDENT_CD": "2",
    "RTI_RACE_CD": "5",
    "BENE_RACE_CD": "1",
    "STATE_CODE": "5",
    "BENE_ZIP_CD": "1730",
    "MBI_NUM": "1S00E00AA06",
    "FIPS_STATE_CNTY_JAN_CD": "25017",
    "FIPS_STATE_CNTY_SEPT_CD": "25021",
}


def versions(folder, *columns):
    frame = independent.demographics(folder)
    return plain(frame, "effective_from", "effective_to", *columns)


def test_codes_are_translated(tmp_path):
    write_rows(tmp_path, row(2020, **SOMEONE))
    person = independent.demographics(tmp_path).iloc[0]
    expected = {
        "last_name": 'O"Hara',
        "sex": "female",
        "race": "hispanic",
        "ethnicity": "hispanic",
        "state": "CA",
        "zip": "01730",
        "county_fips": "25021",
        "mbi": "1S00E00AA06",
    }
    assert person[list(expected)].to_dict() == expected
    assert person.birth_date == pd.Timestamp(1942, 1, 3)


@pytest.mark.parametrize(
    ("sent", "zip_code"),
    [("1730", "01730"), ("01730", "01730"), ("17301234", "017301234"), ("00000", None), ("", None)],
)
def test_zip(tmp_path, sent, zip_code):
    write_rows(tmp_path, row(2020, BENE_ZIP_CD=sent))
    assert list(independent.demographics(tmp_path).zip) == [zip_code]


@pytest.mark.parametrize(
    ("code", "state"), [("22", "MA"), ("36", "OH"), ("52", "WI"), ("53", "WY"), ("59", None)]
)
def test_ssa_states(tmp_path, code, state):
    write_rows(tmp_path, row(2020, STATE_CODE=code))
    assert list(independent.demographics(tmp_path).state) == [state]


def test_versions_are_dated_by_the_reference_year_and_collapse(tmp_path):
    moved = SOMEONE | {"BENE_ZIP_CD": "02563"}
    write(
        tmp_path,
        {
            "beneficiary_1.csv": [row(1999)],  # not beneficiary_<year>: not read
            "beneficiary_2001.csv": [row(2023, **moved, DEATH_DT="09-Jul-2023")],
            "beneficiary_2002.csv": [row(2020, **SOMEONE), row(2022, **moved)],
            "beneficiary_2003.csv": [row(2021, **SOMEONE)],
            "beneficiary_history.csv": [row(2024)],
        },
    )
    assert versions(tmp_path, "is_current", "zip", "death_date") == [
        ("2020-01-01", "2022-01-01", False, "01730", None),
        ("2022-01-01", "2023-01-01", False, "02563", None),
        ("2023-01-01", None, True, "02563", "2023-07-09"),
    ]


def test_a_value_that_comes_back_is_a_version_of_its_own(tmp_path):
    zips = ["02563", "", "02563"]
    write_rows(tmp_path, *(row(2020 + n, BENE_ZIP_CD=zip_code) for n, zip_code in enumerate(zips)))
    assert [version[2] for version in versions(tmp_path, "zip")] == ["02563", None, "02563"]


def test_the_effective_date_goes_before_the_reference_year(tmp_path):
    write_rows(
        tmp_path,
        row(2020, BENE_GVN_NAME="A"),
        row(2021, BENE_GVN_NAME="B", EFCTV_BGN_DT="15-Jun-2020"),
        row(2022, BENE_GVN_NAME="C", EFCTV_BGN_DT="15-Jun-2020"),
    )
    assert versions(tmp_path, "first_name") == [
        ("2020-01-01", "2020-06-15", "A"),
        ("2020-06-15", None, "C"),
    ]


# ------------------------------------------------------------------------------------------ files


@pytest.mark.parametrize("name", ["beneficiary_2020.csv", "beneficiary_2020.csv.gz"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_bytes_of_a_file(tmp_path, name, bom, newline):
    rows = [row(2020, **SOMEONE, **entitled([1])), row(2020, "-2", **entitled([1]))]
    write(tmp_path, {name: content(rows, bom, newline)})
    assert independent.raw_rows(tmp_path) == {name: 2}
    assert independent.persons(tmp_path) == 2
    assert len(independent.member_months(tmp_path)) == 4
    assert sum(independent.left_out(tmp_path).values()) == 0


def test_columns_go_by_name_and_may_be_missing(tmp_path):
    text = b"MDCR_ENTLMT_BUYIN_2_IND|RFRNC_YR|OTHER|BENE_ID\nA|2020|x|-1\n"
    write(tmp_path, {"beneficiary_2020.csv": text})
    assert spans(tmp_path) == [("PART_A", "FFS", "2020-02-01", "2020-02-29")]


def test_lines_end_in_newlines_and_by_no_other_rule(tmp_path):
    header = "\ufeffBENE_ID|RFRNC_YR|BENE_GVN_NAME|BENE_SRNM_NAME\n"
    lines = '"-1|2020|a"b|c\r\n-2|2020|"x|y\u2028\x0b\rz"\n-3|2020|\'|\\\r\n'
    write(tmp_path, {"beneficiary_2020.csv": (header + lines).encode()})
    people = independent.demographics(tmp_path)
    assert plain(people, "person_id", "first_name", "last_name") == [
        ('"-1', 'a"b', "c"),
        ("-2", '"x', 'y\u2028\x0b\rz"'),
        ("-3", "'", "\\"),
    ]


def test_rows_that_are_no_rows_are_left_out(tmp_path):
    good = content([row(2020), row("20"), row("20x0"), row(2020, " ")])
    write(tmp_path, {"beneficiary_2020.csv": good + b"short|row\n" + good.split(b"\n")[1] + b"|\n"})
    assert independent.raw_rows(tmp_path) == {"beneficiary_2020.csv": 6}
    assert independent.left_out(tmp_path) == {
        "unfit": 2,
        "no_key": 3,
        "deleted": 0,
        "replaced": 0,
    }


def test_rows_are_counted_without_the_header_and_with_an_open_last_line(tmp_path):
    write(
        tmp_path,
        {"pde.csv": b"A|B\n1|2\n3|4", "snf.csv.gz": b"A|B\n", "npi.tsv": b"A\n1\n", "hha.csv": b""},
    )
    assert independent.raw_rows(tmp_path) == {"hha.csv": 0, "pde.csv": 2, "snf.csv.gz": 0}


def test_an_unreadable_file_raises_unless_it_is_skipped(tmp_path):
    write(tmp_path, {"beneficiary_2020.csv.gz": [row(2020, **entitled([1]))]})
    whole = gzip.compress(content([row(2021, f"-{n}") for n in range(5000)]))
    (tmp_path / "beneficiary_2021.csv.gz").write_bytes(whole[: len(whole) // 2])
    for function in (independent.persons, independent.raw_rows, independent.islands):
        with pytest.raises(Exception):  # noqa: B017 - whatever gzip or DuckDB raises
            function(tmp_path)
    skip = {"beneficiary_2021.csv.gz"}
    assert independent.persons(tmp_path, skip) == 1
    assert independent.raw_rows(tmp_path, skip) == {"beneficiary_2020.csv.gz": 1}
    with pytest.raises(FileNotFoundError):
        independent.persons(tmp_path, {*skip, "beneficiary_2020.csv.gz"})


# ------------------------------------------------------------------------------------ day for day


def random_row(pick, bene, year):
    """A person's year with holes, three plans and now and then a death."""
    columns = {}
    for month in YEAR:
        columns |= entitled([month], pick.choice(["", "0", "1", "3", "C"]))
        columns |= plan("D", [month], pick.choice(["0", "S0001", "S0001", "S0002"]))
        columns |= plan("C", [month], "H0001", pick.choice(["", "001", "002"]))
    if pick.random() < 0.2:
        columns["DEATH_DT"] = date(year, pick.randint(1, 12), pick.randint(1, 28)).strftime(
            "%d-%b-%Y"
        )
    return row(year, bene, **columns)


def covered_days(rows):
    """Days by (person, coverage, plan), read in plain Python and one by one."""
    deaths, days = {}, {}
    for r in rows:
        if r.get("DEATH_DT"):
            day = pd.to_datetime(r["DEATH_DT"], format="%d-%b-%Y").date()
            deaths[r["BENE_ID"]] = max(day, deaths.get(r["BENE_ID"], day))
    for r in rows:
        year = int(r["RFRNC_YR"])
        for month, name in enumerate(independent.MONTHS, start=1):
            keys = []
            code = r[f"MDCR_ENTLMT_BUYIN_{month}_IND"]
            keys += [("PART_A", "FFS")] if code in ("1", "3", "C") else []
            keys += [("PART_B", "FFS")] if code in ("3", "C") else []
            for part in "CD":
                contract, pbp = r[f"PT{part}_CNTRCT_{name}_ID"], r[f"PT{part}_PBP_{name}_ID"]
                keys += [(f"PART_{part}", f"{contract}-{pbp}")] if contract != "0" and pbp else []
            for n in range(1, calendar.monthrange(year, month)[1] + 1):
                day = date(year, month, n)
                for key in keys if day <= deaths.get(r["BENE_ID"], day) else []:
                    days.setdefault((r["BENE_ID"], *key), set()).add(day)
    return days


def runs(days):
    """First and last day of every unbroken run."""
    one = timedelta(days=1)
    firsts = sorted(day for day in days if day - one not in days)
    lasts = sorted(day for day in days if day + one not in days)
    return [(str(first), str(last)) for first, last in zip(firsts, lasts, strict=True)]


def days_between(days):
    first, last = min(days), max(days)
    return {first + timedelta(days=n) for n in range((last - first).days)} - days


def test_islands_and_gaps_agree_with_counting_day_by_day(tmp_path):
    pick = random.Random(7)
    rows = [random_row(pick, f"-{n}", year) for n in range(12) for year in (2019, 2020, 2022)]
    write_rows(tmp_path, *rows)
    by_plan, by_coverage = covered_days(rows), {}
    for (person, coverage, _), days in by_plan.items():
        by_coverage.setdefault((person, coverage), set()).update(days)

    found = independent.islands(tmp_path)
    assert sorted(
        plain(found, "person_id", "coverage_type", "plan_id", "start_date", "end_date")
    ) == sorted((*key, *run) for key, days in by_plan.items() for run in runs(days))
    assert sorted(
        plain(independent.gaps(tmp_path), "person_id", "coverage_type", "gap_start", "gap_end")
    ) == sorted(
        (*key, *run) for key, days in by_coverage.items() for run in runs(days_between(days))
    )
    assert found.span_count.sum() == len(independent.enrollment(tmp_path))
    assert independent.member_months(tmp_path).covered_days.sum() == sum(
        len(days) for days in by_plan.values()
    )


@pytest.mark.skipif(not SAMPLE.is_dir(), reason="the shipped sample is not here")
def test_days_are_conserved_on_the_shipped_sample():
    by_spans, by_islands = (
        (frame.end_date - frame.start_date).dt.days.add(1).groupby(frame.coverage_type).sum()
        for frame in (independent.enrollment(SAMPLE), independent.islands(SAMPLE))
    )
    months = independent.member_months(SAMPLE)
    by_months = months.groupby("coverage_type").covered_days.sum()
    assert by_spans.to_dict() == by_islands.to_dict() == by_months.to_dict()
    assert not months.duplicated(["person_id", "coverage_type", "coverage_month"]).any()
    people = independent.demographics(SAMPLE)
    assert people.is_current.sum() == people.person_id.nunique() == independent.persons(SAMPLE)
