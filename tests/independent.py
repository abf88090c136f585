"""A second reading of the raw CMS RIF files, in DuckDB SQL, to check the library's figures against.

Nothing here comes from `data_ops`: columns are found, months unfolded and islands built in another
way, so that one mistake cannot be made twice. Every function takes the folder of the raw files;
`skip` names files that are to be left out, such as those the library refused. A file that cannot
be read and is not in `skip` raises.

Settled where the rules leave a choice:

- One row counts for a BENE_ID and RFRNC_YR: the last by file name, then by line. If it is a DELETE
  nothing is left of them. A person's death date is the latest among the rows that count.
- A row with another number of fields than the header, or without BENE_ID or a four-digit RFRNC_YR,
  counts nowhere but in `raw_rows` and `left_out`.
- Months without a plan (no contract, or a contract without PBP) and months after death are not
  covered.
"""

import gzip
import re
from collections.abc import Collection, Iterator
from io import TextIOWrapper
from itertools import islice
from pathlib import Path

import duckdb
import pandas as pd

Skip = Collection[str]

MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEPT OCT NOV DEC".split()
FEEDS = "inpatient outpatient snf hha hospice carrier dme pde beneficiary_history".split()
_FEED_FILE = re.compile(rf"(beneficiary_\d{{4}}(_[\w-]+)?|{'|'.join(FEEDS)})\.csv(\.gz)?")
_BENEFICIARY_FILE = re.compile(r"beneficiary_\d{4}(_[\w-]+)?\.csv(\.gz)?")

PERSON_COLUMNS = """
    DML_IND BENE_ID RFRNC_YR EFCTV_BGN_DT MBI_NUM BENE_GVN_NAME BENE_MDL_NAME BENE_SRNM_NAME
    BENE_BIRTH_DT DEATH_DT BENE_SEX_IDENT_CD BENE_RACE_CD RTI_RACE_CD STATE_CD STATE_CODE
    BENE_ZIP_CD CITY_NAME DRVD_LINE_1_ADR DRVD_LINE_2_ADR DRVD_LINE_3_ADR DRVD_LINE_4_ADR
    DRVD_LINE_5_ADR DRVD_LINE_6_ADR
""".split()
MONTH_COLUMNS = {
    "buyin": "MDCR_ENTLMT_BUYIN_{number}_IND",
    "c_contract": "PTC_CNTRCT_{month}_ID",
    "c_pbp": "PTC_PBP_{month}_ID",
    "d_contract": "PTD_CNTRCT_{month}_ID",
    "d_pbp": "PTD_PBP_{month}_ID",
    "medicare_status_code": "MDCR_STUS_{month}_CD",
    "dual_status_code": "META_DUAL_ELGBL_STUS_{month}_CD",
    "county_fips": "FIPS_STATE_CNTY_{month}_CD",
}

# SSA codes: the states in alphabetical order, not the FIPS numbers. 54 to 63 lie abroad: no state.
SSA_STATES = dict(
    zip(
        [f"{number:02}" for number in [*range(1, 54), 97, 98, 99]],
        (
            "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE "
            "NV NH NJ NM NY NC ND OH OK OR PA PR RI SC SD TN TX UT VT VI VA WA WV WI WY MP GU AS"
        ).split(),
        strict=True,
    )
)


def _month_column(kind: str, number: int) -> str:
    return MONTH_COLUMNS[kind].format(number=number, month=MONTHS[number - 1])


COLUMNS = [
    *PERSON_COLUMNS,
    *(_month_column(kind, number) for kind in MONTH_COLUMNS for number in range(1, 13)),
]

# ---------------------------------------------------------------------------------------- reading


def _files(folder: str | Path, pattern: re.Pattern, skip: Skip) -> list[Path]:
    found = sorted(p for p in Path(folder).iterdir() if pattern.fullmatch(p.name))
    return [p for p in found if p.name not in skip]


def _open(path: Path):
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _blocks(path: Path, size: int = 100_000) -> Iterator[pd.DataFrame]:
    """The lines of a file, header first and numbered: split at newlines and by no other rule."""
    with _open(path) as file, TextIOWrapper(file, encoding="utf-8-sig", newline="\n") as text:
        numbered = enumerate(text)
        while block := list(islice(numbered, size)):
            yield pd.DataFrame(block, columns=["line_number", "line"])


def _text(value: str) -> str:
    """A Python text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def _fields(header: list[str]) -> str:
    """The columns we need, by their places in this header; one that is not there is NULL."""
    places = {name.strip(): place for place, name in enumerate(header, start=1)}
    if not {"BENE_ID", "RFRNC_YR"} <= places.keys():
        raise ValueError("the header has no BENE_ID or no RFRNC_YR")
    return ", ".join(
        (f"nullif(trim(fields[{places[name]}]), '')" if name in places else "NULL") + f" AS {name}"
        for name in COLUMNS
    )


def _read_file(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Add the rows of one file to `sent`."""
    header: list[str] = []
    for block in _blocks(path):
        header = header or block.line[0].rstrip("\r\n").split("|")
        con.register("block", block)
        con.execute(f"""
            INSERT INTO sent BY NAME
            SELECT {_text(path.name)} AS file, line_number, len(fields) = {len(header)} AS fits,
                   {_fields(header)}
            FROM (
                SELECT line_number,
                       string_split(rtrim(line, chr(13) || chr(10)), '|') AS fields
                FROM block
                WHERE line_number > 0
            )
            """)
    if not header:
        raise ValueError(f"{path.name} is empty")


def _read(folder: str | Path, skip: Skip = ()) -> duckdb.DuckDBPyConnection:
    """A connection with `sent` (every row) and `latest` (the one row of a person and year)."""
    files = _files(folder, _BENEFICIARY_FILE, skip)
    if not files:
        raise FileNotFoundError(f"no beneficiary_<year>.csv[.gz] in {folder}")
    con = duckdb.connect()
    con.execute("SET threads = 2")
    columns = ", ".join(f"{name} VARCHAR" for name in COLUMNS)
    con.execute(f"CREATE TABLE sent (file VARCHAR, line_number BIGINT, fits BOOLEAN, {columns})")
    for path in files:
        _read_file(con, path)
    con.execute(LATEST)
    return con


LATEST = """
    CREATE MACRO rif_date(c) AS CAST(try_strptime(c, '%d-%b-%Y') AS DATE);

    CREATE VIEW usable AS
    SELECT *, CAST(RFRNC_YR AS INT) AS year
    FROM sent
    WHERE fits AND BENE_ID IS NOT NULL AND regexp_full_match(RFRNC_YR, '[0-9]{4}');

    CREATE TABLE latest AS
    SELECT * EXCLUDE (version)
    FROM (
        SELECT *, row_number() OVER (
            PARTITION BY BENE_ID, year ORDER BY file DESC, line_number DESC
        ) AS version
        FROM usable
    )
    WHERE version = 1 AND upper(coalesce(DML_IND, '')) <> 'DELETE';
"""

# ----------------------------------------------------------------------------------------- months


def _one_month(number: int) -> str:
    kinds = ", ".join(f"{_month_column(kind, number)} AS {kind}" for kind in MONTH_COLUMNS)
    return f"SELECT BENE_ID, year, {number} AS month, {kinds} FROM latest"


_DEATHS = """
    CREATE TABLE death AS
    SELECT BENE_ID, max(rif_date(DEATH_DT)) AS death_date FROM latest GROUP BY BENE_ID;
"""

# `position` numbers the months of all years through, so that December and January are neighbours.
_COVERED = """
    CREATE TABLE plan_month AS
    SELECT BENE_ID, year, month, 'PART_A' AS coverage_type, 'FFS' AS plan_id
    FROM month_row WHERE buyin IN ('1', 'A', '3', 'C')
    UNION ALL
    SELECT BENE_ID, year, month, 'PART_B', 'FFS'
    FROM month_row WHERE buyin IN ('2', 'B', '3', 'C')
    UNION ALL
    SELECT BENE_ID, year, month, 'PART_C', c_contract || '-' || c_pbp
    FROM month_row WHERE regexp_full_match(c_contract, '[A-Z][0-9]{4}')
    UNION ALL
    SELECT BENE_ID, year, month, 'PART_D', d_contract || '-' || d_pbp
    FROM month_row WHERE regexp_full_match(d_contract, '[A-Z][0-9]{4}');

    CREATE TABLE covered AS
    SELECT BENE_ID AS person_id, year, month, coverage_type, plan_id,
           12 * year + month AS position,
           make_date(year, month, 1) AS first_day,
           last_day(make_date(year, month, 1)) AS month_end,
           least(last_day(make_date(year, month, 1)), death_date) AS covered_to
    FROM plan_month JOIN death USING (BENE_ID)
    WHERE plan_id IS NOT NULL
      AND (death_date IS NULL OR make_date(year, month, 1) <= death_date);
"""

# Spans stay inside one reference year, as they were sent.
_SPANS = """
    CREATE TABLE span AS
    SELECT person_id, year AS reference_year, coverage_type, plan_id,
           min(first_day) AS start_date, max(covered_to) AS end_date
    FROM (
        SELECT *, month - row_number() OVER (
            PARTITION BY person_id, year, coverage_type, plan_id ORDER BY month
        ) AS run
        FROM covered
    )
    GROUP BY person_id, year, coverage_type, plan_id, run;
"""

_STATUS = """
    CREATE TABLE status AS
    SELECT BENE_ID AS person_id, make_date(year, month, 1) AS status_month,
           upper(lpad(dual_status_code, 2, '0')) AS dual_status_code,
           coalesce(upper(lpad(dual_status_code, 2, '0')), 'NA')
               IN ('01', '02', '03', '04', '05', '06', '08') AS dual_flag,
           medicare_status_code,
           medicare_status_code IN ('11', '21', '31') AS esrd_flag
    FROM month_row
    WHERE buyin IS NOT NULL OR medicare_status_code IS NOT NULL OR dual_status_code IS NOT NULL;
"""


MONTHLY = (
    "CREATE TABLE month_row AS "
    + " UNION ALL ".join(_one_month(number) for number in range(1, 13))
    + ";"
    + _DEATHS
    + _COVERED
    + _SPANS
    + _STATUS
)


def _read_months(folder: str | Path, skip: Skip = ()) -> duckdb.DuckDBPyConnection:
    """A connection with `covered` (person, coverage, month), `span` and `status`."""
    con = _read(folder, skip)
    con.execute(MONTHLY)
    return con


# --------------------------------------------------------------------------------------- counting


def raw_rows(folder: str | Path, skip: Skip = ()) -> dict[str, int]:
    """Rows of every feed file by its name: newlines without the header line, counted by Python."""
    return {path.name: max(_lines(path) - 1, 0) for path in _files(folder, _FEED_FILE, skip)}


def _lines(path: Path) -> int:
    count, last = 0, b"\n"
    with _open(path) as file:
        while block := file.read(1 << 20):
            count, last = count + block.count(b"\n"), block[-1:]
    return count + (last != b"\n")


def left_out(folder: str | Path, skip: Skip = ()) -> dict[str, int]:
    """Beneficiary rows that do not make a person's year, by reason; all others count."""
    con = _read(folder, skip)
    sent, unfit, usable, latest = con.execute("""
        SELECT (SELECT count(*) FROM sent), (SELECT count(*) FROM sent WHERE NOT fits),
               (SELECT count(*) FROM usable), (SELECT count(*) FROM latest)
        """).fetchone()
    deleted = con.execute("""
        SELECT count(DISTINCT (BENE_ID, year)) FROM usable ANTI JOIN latest USING (BENE_ID, year)
        """).fetchone()[0]
    return {
        "unfit": unfit,
        "no_key": sent - unfit - usable,
        "deleted": deleted,
        "replaced": usable - latest - deleted,
    }


def persons(folder: str | Path, skip: Skip = ()) -> int:
    """Number of distinct BENE_ID among the rows with a key, deleted ones too."""
    return _read(folder, skip).execute("SELECT count(DISTINCT BENE_ID) FROM usable").fetchone()[0]


# --------------------------------------------------------------------------------------- coverage


ENROLLMENT = """
    SELECT person_id, reference_year, coverage_type, plan_id, start_date, end_date
    FROM span ORDER BY person_id, coverage_type, start_date
"""


def enrollment(folder: str | Path, skip: Skip = ()) -> pd.DataFrame:
    """Spans as sent: consecutive months with one plan, within one reference year."""
    return _read_months(folder, skip).sql(ENROLLMENT).df()


MEMBER_MONTHS = """
    SELECT c.person_id, c.first_day AS coverage_month, c.coverage_type,
           CAST(date_diff('day', c.first_day, c.covered_to) + 1 AS INT) AS covered_days,
           true AS covered_first_day,
           c.covered_to >= make_date(c.year, c.month, 15) AS covered_15th,
           c.covered_to = c.month_end AS covered_full_month,
           c.plan_id, s.dual_status_code, coalesce(s.dual_flag, false) AS dual_flag
    FROM covered c
    LEFT JOIN status s ON s.person_id = c.person_id AND s.status_month = c.first_day
    ORDER BY ALL
"""


def member_months(folder: str | Path, skip: Skip = ()) -> pd.DataFrame:
    """One row per person, month and coverage with any covered day, and the month's dual status."""
    return _read_months(folder, skip).sql(MEMBER_MONTHS).df()


ISLANDS = """
    WITH numbered AS (
        SELECT *, position - row_number() OVER (
            PARTITION BY person_id, coverage_type, plan_id ORDER BY position
        ) AS run
        FROM covered
    ),
    island AS (
        SELECT person_id, coverage_type, plan_id,
               min(first_day) AS start_date, max(covered_to) AS end_date
        FROM numbered GROUP BY person_id, coverage_type, plan_id, run
    )
    SELECT i.person_id, 'medicare' AS payer, i.plan_id, i.coverage_type,
           i.start_date, i.end_date, CAST(count(*) AS INT) AS span_count
    FROM island i
    JOIN span s ON (s.person_id, s.coverage_type, s.plan_id)
                 = (i.person_id, i.coverage_type, i.plan_id)
               AND s.start_date BETWEEN i.start_date AND i.end_date
    GROUP BY ALL
    ORDER BY i.person_id, i.coverage_type, i.start_date
"""


def islands(folder: str | Path, skip: Skip = ()) -> pd.DataFrame:
    """Maximal islands: runs of months (position minus row number), and the spans in each.

    Months are fine enough because every covered stretch starts on the first of a month, and one
    that ends inside a month ends with death, after which nothing is covered.
    """
    return _read_months(folder, skip).sql(ISLANDS).df()


GAPS = """
    WITH bounds AS (
        SELECT person_id, coverage_type, min(position) AS first, max(position) AS last
        FROM covered GROUP BY person_id, coverage_type
    ),
    expected AS (
        SELECT person_id, coverage_type, unnest(range(first, last)) AS position FROM bounds
    ),
    missing AS (
        SELECT *, position - row_number() OVER (
            PARTITION BY person_id, coverage_type ORDER BY position
        ) AS run,
        make_date((position - 1) // 12, (position - 1) % 12 + 1, 1) AS first_day
        FROM expected ANTI JOIN covered USING (person_id, coverage_type, position)
    )
    SELECT person_id, coverage_type, min(first_day) AS gap_start,
           max(last_day(first_day)) AS gap_end,
           CAST(date_diff('day', gap_start, gap_end) + 1 AS INT) AS days
    FROM missing GROUP BY person_id, coverage_type, run
    ORDER BY person_id, coverage_type, gap_start
"""


def gaps(folder: str | Path, skip: Skip = ()) -> pd.DataFrame:
    """Runs of months without coverage strictly between covered ones, whatever the plan."""
    return _read_months(folder, skip).sql(GAPS).df()


MEMBER_STATUS = "SELECT * FROM status ORDER BY ALL"


def member_status(folder: str | Path, skip: Skip = ()) -> pd.DataFrame:
    """One row per person and month with a buy-in, Medicare status or dual code."""
    return _read_months(folder, skip).sql(MEMBER_STATUS).df()


# ----------------------------------------------------------------------------------- demographics

_ATTRIBUTES = """
    mbi, first_name, middle_name, last_name, birth_date, death_date, sex, race, ethnicity, address,
    city, state, zip, county_fips
"""
_FIPS = ", ".join(_month_column("county_fips", number) for number in range(12, 0, -1))
_SSA = ", ".join(f"{_text(code)}: {_text(state)}" for code, state in SSA_STATES.items())

PERSON_ROWS = f"""
    CREATE TABLE person_row AS
    SELECT BENE_ID AS person_id, year, file, line_number,
           coalesce(rif_date(EFCTV_BGN_DT), make_date(year, 1, 1)) AS effective_from,
           MBI_NUM AS mbi, BENE_GVN_NAME AS first_name, BENE_MDL_NAME AS middle_name,
           BENE_SRNM_NAME AS last_name,
           rif_date(BENE_BIRTH_DT) AS birth_date, rif_date(DEATH_DT) AS death_date,
           CASE BENE_SEX_IDENT_CD WHEN '1' THEN 'male' WHEN '2' THEN 'female' ELSE 'unknown' END
               AS sex,
           coalesce(RTI_RACE_CD, BENE_RACE_CD) AS race_code,
           CASE race_code WHEN '1' THEN 'white' WHEN '2' THEN 'black' WHEN '3' THEN 'other'
               WHEN '4' THEN 'asian' WHEN '5' THEN 'hispanic' WHEN '6' THEN 'north american native'
               ELSE 'unknown' END AS race,
           CASE WHEN race_code = '5' THEN 'hispanic'
               WHEN race_code IN ('1', '2', '3', '4', '6') THEN 'not hispanic'
               ELSE 'unknown' END AS ethnicity,
           nullif(concat_ws(' ', DRVD_LINE_1_ADR, DRVD_LINE_2_ADR, DRVD_LINE_3_ADR,
               DRVD_LINE_4_ADR, DRVD_LINE_5_ADR, DRVD_LINE_6_ADR), '') AS address,
           CITY_NAME AS city,
           coalesce(STATE_CD, MAP {{{_SSA}}}[lpad(STATE_CODE, 2, '0')]) AS state,
           nullif(CASE WHEN length(BENE_ZIP_CD) IN (4, 8) THEN '0' || BENE_ZIP_CD
               ELSE BENE_ZIP_CD END, '00000') AS zip,
           coalesce({_FIPS}) AS county_fips
    FROM latest
"""


DEMOGRAPHICS = f"""
    WITH dated AS (
        SELECT person_id, effective_from, ROW({_ATTRIBUTES}) AS attributes, {_ATTRIBUTES}
        FROM person_row
        QUALIFY row_number() OVER (
            PARTITION BY person_id, effective_from
            ORDER BY year DESC, file DESC, line_number DESC
        ) = 1
    ),
    changed AS (
        SELECT * FROM dated
        WINDOW by_person AS (PARTITION BY person_id ORDER BY effective_from)
        QUALIFY row_number() OVER by_person = 1
             OR attributes IS DISTINCT FROM lag(attributes) OVER by_person
    )
    SELECT person_id, effective_from,
           lead(effective_from) OVER by_person AS effective_to,
           effective_to IS NULL AS is_current, {_ATTRIBUTES}
    FROM changed
    WINDOW by_person AS (PARTITION BY person_id ORDER BY effective_from)
    ORDER BY person_id, effective_from
"""


def demographics(folder: str | Path, skip: Skip = ()) -> pd.DataFrame:
    """Versions of a person, half-open; neighbours that are equal in every attribute are one.

    Of two rows that take effect on the same day the one of the later year counts, then of the
    later file.
    """
    con = _read(folder, skip)
    con.execute(PERSON_ROWS)
    return con.sql(DEMOGRAPHICS).df()
