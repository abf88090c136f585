"""A second reading of CMS RIF claims, in plain Python, to check the library's figures against.

Nothing here comes from `data_ops`, and nothing is done with windows or joins where a loop will do,
so that one mistake cannot be made twice. Money is counted in whole cents. Every claim is taken for
an original: what corrections do is told by the record of the mutator.
"""

from collections import defaultdict
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import pandas as pd

from tests import independent

FACILITY = ("inpatient", "outpatient", "snf", "hha", "hospice")
SUPPLIERS = ("carrier", "dme")
LINE_PAYMENT = dict.fromkeys(("outpatient", "hha", "hospice"), "REV_CNTR_PMT_AMT_AMT")
LINE_PAYMENT |= dict.fromkeys(SUPPLIERS, "LINE_NCH_PMT_AMT")
PARTS = {
    "inpatient": "A",
    "snf": "A",
    "hospice": "A",
    "outpatient": "B",
    "carrier": "B",
    "dme": "B",
}
END = date(9999, 12, 31)


# What is read of a line.
COLUMNS = {
    *("BENE_ID", "CLM_ID", "CLM_FROM_DT", "CLM_THRU_DT", "CLM_PMT_AMT", "NCH_WKLY_PROC_DT"),
    *("NCH_NEAR_LINE_REC_IDENT_CD", "CLM_FAC_TYPE_CD", "CLM_SRVC_CLSFCTN_TYPE_CD", "ORG_NPI_NUM"),
    *("CLM_ADMSN_DT", "NCH_BENE_DSCHRG_DT", "PTNT_DSCHRG_STUS_CD", "REV_CNTR"),
    *LINE_PAYMENT.values(),
    *("PDE_ID", "SRVC_DT", "PD_DT", "PLAN_CNTRCT_REC_ID", "PROD_SRVC_ID", "DAYS_SUPLY_NUM"),
    *("CVRD_D_PLAN_PD_AMT", "NCVRD_PLAN_PD_AMT"),
}


def read(folder: Path, feed: str) -> list[dict[str, str]]:
    """Every row of a feed as text, blanks around values taken off; '' where there is nothing."""
    (path,) = Path(folder).glob(f"{feed}.csv*")
    frame = pd.read_csv(
        path, sep="|", dtype=str, keep_default_na=False, quoting=3, usecols=COLUMNS.__contains__
    )
    return frame.apply(lambda column: column.str.strip()).to_dict("records")


def cents(text: str) -> int:
    whole, _, rest = text.partition(".")
    return int(whole) * 100 + int((rest + "00")[:2])


def day(text: str) -> date:
    return datetime.strptime(text, "%d-%b-%Y").date()


def month(when: date) -> date:
    return when.replace(day=1)


@cache
def claims(folder: Path, feed: str) -> dict[str, dict]:
    """Claim id → first row of the claim, with `lines` and header `paid` in cents."""
    found: dict[str, dict] = {}
    for row in read(folder, feed):
        claim = found.setdefault(
            row["CLM_ID"], row | {"lines": [], "paid": cents(row["CLM_PMT_AMT"])}
        )
        claim["lines"].append(row)
    for claim in found.values():
        claim["from"] = min(day(line["CLM_FROM_DT"]) for line in claim["lines"])
        claim["thru"] = max(day(line["CLM_THRU_DT"]) for line in claim["lines"])
    return found


@cache
def fills(folder: Path) -> list[dict]:
    return [
        row
        | {
            "from": day(row["SRVC_DT"]),
            "paid": cents(row["CVRD_D_PLAN_PD_AMT"]) + cents(row["NCVRD_PLAN_PD_AMT"]),
        }
        for row in read(folder, "pde")
    ]


def line_payments(folder: Path, feed: str) -> dict[str, int]:
    """Claim id → sum of its lines' payments, without the total (0001) unless it is alone."""
    column, sums = LINE_PAYMENT[feed], {}
    for key, claim in claims(folder, feed).items():
        codes = {line.get("REV_CNTR") for line in claim["lines"]}
        counted = [
            line for line in claim["lines"] if line.get("REV_CNTR") != "0001" or codes == {"0001"}
        ]
        sums[key] = sum(cents(line[column]) for line in counted)
    return sums


@cache
def coverage(folder: Path) -> dict[str, list[tuple]]:
    """Person → (part, plan, first day, last day) of every island; a known person may have none."""
    spans: dict[str, list[tuple]] = {person: [] for person in _persons(folder)}
    for row in independent.islands(folder).itertuples():
        first, last = pd.Timestamp(row.start_date).date(), pd.Timestamp(row.end_date).date()
        spans[row.person_id].append((row.coverage_type[-1], row.plan_id, first, last))
    return spans


def _persons(folder: Path) -> set[str]:
    return set(independent.demographics(folder).person_id)


def match(spans: list[tuple] | None, parts: str, when: date, contract: str = "") -> str:
    """Was the person covered on that day?"""
    if spans is None:
        return "unknown_member"
    own = [span for span in spans if span[0] in parts and span[1].startswith(contract)]
    if any(first <= when <= last for _, _, first, last in own):
        return "matched"
    if own:
        return "after_term" if when > max(last for *_, last in own) else "gap"
    return "other_plan" if spans else "gap"


def matches(folder: Path) -> dict[tuple[str, str], str]:
    """(feed, claim id) → whether the person was covered when the claim began."""
    spans, found = coverage(folder), {}
    for feed in (*FACILITY, *SUPPLIERS):
        for key, claim in claims(folder, feed).items():
            parts = PARTS.get(feed) or {"V": "A", "W": "B"}.get(
                claim["NCH_NEAR_LINE_REC_IDENT_CD"], "AB"
            )
            found[feed, key] = match(spans.get(claim["BENE_ID"]), parts, claim["from"])
    for fill in fills(folder):
        contract = fill["PLAN_CNTRCT_REC_ID"][:5]
        found["pde", fill["PDE_ID"]] = match(
            spans.get(fill["BENE_ID"]), "D", fill["from"], contract
        )
    return found


def member_months(folder: Path) -> dict[tuple[str, date], int]:
    """(coverage, month) → persons."""
    who = defaultdict(set)
    for row in independent.member_months(folder).itertuples():
        coverage = {"A": "medical", "B": "medical", "D": "pharmacy"}.get(row.coverage_type[-1])
        if coverage:
            who[coverage, pd.Timestamp(row.coverage_month).date()].add(row.person_id)
    return {key: len(persons) for key, persons in who.items()}


def paid_by_month(folder: Path) -> dict[tuple[str, date], int]:
    """(coverage, month in which the claim began) → cents paid."""
    paid: dict[tuple[str, date], int] = defaultdict(int)
    for feed in (*FACILITY, *SUPPLIERS):
        for claim in claims(folder, feed).values():
            paid["medical", month(claim["from"])] += claim["paid"]
    for fill in fills(folder):
        paid["pharmacy", month(fill["from"])] += fill["paid"]
    return dict(paid)


def paid_by_person(folder: Path) -> dict[tuple[str, int], int]:
    """(person, year) → cents paid, medical and pharmacy."""
    paid: dict[tuple[str, int], int] = defaultdict(int)
    for feed in (*FACILITY, *SUPPLIERS):
        for claim in claims(folder, feed).values():
            paid[claim["BENE_ID"], claim["from"].year] += claim["paid"]
    for fill in fills(folder):
        paid[fill["BENE_ID"], fill["from"].year] += fill["paid"]
    return dict(paid)


def paid_by_lag(folder: Path) -> dict[tuple[str, date, date], int]:
    """(coverage, month of service, month of payment) → cents."""
    paid: dict[tuple[str, date, date], int] = defaultdict(int)
    for feed in (*FACILITY, *SUPPLIERS):
        for claim in claims(folder, feed).values():
            processed = day(claim["NCH_WKLY_PROC_DT"])
            paid["medical", month(claim["from"]), month(max(processed, claim["from"]))] += claim[
                "paid"
            ]
    for fill in fills(folder):
        processed = day(fill["PD_DT"]) if fill["PD_DT"] else fill["from"]
        paid["pharmacy", month(fill["from"]), month(max(processed, fill["from"]))] += fill["paid"]
    return dict(paid)


def stays(folder: Path) -> list[dict]:
    """Acute inpatient stays: claims of one person and hospital that overlap or meet on a day."""
    by_place = defaultdict(list)
    for claim in claims(folder, "inpatient").values():
        if claim["CLM_FAC_TYPE_CD"] + claim["CLM_SRVC_CLSFCTN_TYPE_CD"] != "11":
            continue
        first = (
            min(claim["from"], day(claim["CLM_ADMSN_DT"]))
            if claim["CLM_ADMSN_DT"]
            else claim["from"]
        )
        status = claim["PTNT_DSCHRG_STUS_CD"].zfill(2)
        sent = claim["NCH_BENE_DSCHRG_DT"]
        last = claim["thru"] if status == "30" or not sent else min(day(sent), claim["thru"])
        by_place[claim["BENE_ID"], claim["ORG_NPI_NUM"]].append((first, last, status, claim))
    found = []
    for (person, hospital), parts in by_place.items():
        for first, last, status, claim in sorted(parts, key=lambda part: part[:2]):
            reach = last + timedelta(days=status == "30")
            stay = found[-1] if found and found[-1]["who"] == (person, hospital) else None
            if stay is None or first > stay["reach"]:
                stay = {
                    "who": (person, hospital),
                    "first": first,
                    "last": last,
                    "reach": reach,
                    "paid": 0,
                    "codes": [],
                }
                found.append(stay)
            stay["last"], stay["reach"] = max(stay["last"], last), max(stay["reach"], reach)
            stay["codes"].append((claim["thru"], claim["CLM_ID"], status))
            stay["paid"] += claim["paid"]
    return found


def adherence(folder: Path) -> dict[tuple[str, str, int], tuple[int, int]]:
    """(person, first nine digits of the NDC, year) → (days with medicine, days of the period)."""
    spans, groups = coverage(folder), defaultdict(list)
    for fill in fills(folder):
        if int(fill["DAYS_SUPLY_NUM"]) > 0:
            key = fill["BENE_ID"], fill["PROD_SRVC_ID"].zfill(11)[:9], fill["from"].year
            groups[key].append((fill["from"], int(fill["DAYS_SUPLY_NUM"])))
    found = {}
    for (person, drug, year), dispensed in groups.items():
        start, end = min(dispensed)[0], date(year, 12, 31)
        ends = [
            last
            for part, _, first, last in spans.get(person, [])
            if part == "D" and first.year <= year <= last.year
        ]
        end = min([end, max(ends)]) if ends else end
        within = sorted(one for one in dispensed if one[0] <= end)
        if len({when for when, _ in within}) < 2:
            continue
        covered, free = set(), start
        for when, days in within:
            begin = max(when, free)
            covered |= {begin + timedelta(days=n) for n in range(days)}
            free = begin + timedelta(days=days)
        found[person, drug, year] = (sum(d <= end for d in covered), (end - start).days + 1)
    return found
