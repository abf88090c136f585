#!/usr/bin/env python3
"""Take clean CMS RIF files and put into them what real ones have: corrections and errors.

    python scripts/mutate_rif.py SOURCE TARGET [--persons 60] [--each 3] [--seed 7]

writes two deliveries, TARGET/1 and TARGET/2 (a month later), each with its manifest.xml, and
TARGET/truth.json: for each kind of defect, what was injected and what the tables must say of it.
The same seed gives the same files. Victims are disjoint, so that no defect hides another.
"""

import argparse
import gzip
import json
import random
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

FACILITY = ("inpatient", "outpatient", "snf", "hha", "hospice")
SUPPLIERS = ("carrier", "dme")
DELIVERED = ("2025-02-01T00:00:00Z", "2025-03-01T00:00:00Z")
Row = dict[str, str]


def _day(text: str) -> datetime:
    return datetime.strptime(text, "%d-%b-%Y")


def _later(text: str, days: int) -> str:
    return (_day(text) + timedelta(days=days)).strftime("%d-%b-%Y")


def _plus(amount: str, dollars: int) -> str:
    whole, _, rest = amount.partition(".")
    return f"{int(whole) + dollars}.{(rest + '00')[:2]}"


def _bad_npi(npi: str) -> str:
    return npi[:-1] + str((int(npi[-1]) + 1) % 10)


class Mutator:
    """The rows of a cut of persons, in two deliveries, and the truth about them."""

    def __init__(self, source: Path, persons: int, each: int, seed: int):
        self.random, self.each = random.Random(seed), each
        self.files: dict[str, list[Row]] = {}
        self.late: dict[str, list[Row]] = defaultdict(list)
        self.truth: dict[str, list[dict]] = defaultdict(list)
        self._number, self._spared = 0, set()
        for path in sorted(source.glob("*.csv*")):
            opener = gzip.open if path.suffix == ".gz" else open
            with opener(path, "rt", encoding="utf-8") as text:
                header = text.readline().rstrip("\n").split("|")
                if "BENE_ID" in header:
                    rows = [
                        dict(zip(header, line.rstrip("\n").split("|"), strict=True))
                        for line in text
                    ]
                    self.files[path.name.split(".")[0]] = rows
        self._cut(persons)

    def _cut(self, persons: int) -> None:
        """Keep the persons with the most kinds of claims, and of each feed some claims."""
        kinds: dict[str, set[str]] = defaultdict(set)
        for feed, rows in self.files.items():
            for row in rows:
                kinds[row["BENE_ID"]].add(feed)
        chosen = set(sorted(kinds, key=lambda person: (-len(kinds[person]), person))[:persons])
        for feed, rows in self.files.items():
            own = [row for row in rows if row["BENE_ID"] in chosen]
            if not feed.startswith("beneficiary"):
                key = "PDE_ID" if feed == "pde" else "CLM_ID"
                kept = list(dict.fromkeys(row[key] for row in own))[: 40 * self.each]
                own = [row for row in own if row[key] in set(kept)]
            self.files[feed] = own

    # ------------------------------------------------------------------------------ picking

    def _claims(self, feed: str) -> dict[str, list[Row]]:
        claims: dict[str, list[Row]] = defaultdict(list)
        for row in self.files[feed]:
            claims[row["PDE_ID" if feed == "pde" else "CLM_ID"]].append(row)
        return claims

    def _pick(self, feed: str, number: int = 0) -> list[list[Row]]:
        """Claims that no other defect has touched."""
        claims = self._claims(feed)
        free = sorted(key for key in claims if (feed, key) not in self._spared)
        chosen = self.random.sample(free, number or self.each)
        self._spared |= {(feed, key) for key in chosen}
        return [claims[key] for key in chosen]

    def _new_id(self, feed: str) -> str:
        self._number += 1
        key = f"-99{self._number:09}"  # longer than any other: of two on a day it is the later
        self._spare(feed, key)
        return key

    def _spare(self, feed: str, key: str) -> None:
        self._spared.add((feed, key))

    def _tell(self, kind: str, **facts: object) -> None:
        self.truth[kind].append(facts)

    # -------------------------------------------------------------------------- corrections

    def _corrected(
        self, feed: str, rows: list[Row], kind: str, days: int, dollars: int = 0
    ) -> list[Row]:
        """Another claim that replaces (7) or voids (8) this one, by name or by group."""
        key = self._new_id(feed)
        column = {"inpatient": "", "snf": ""}.get(feed, "REV_CNTR_PMT_AMT_AMT")
        column = "LINE_NCH_PMT_AMT" if feed in SUPPLIERS else column
        copies = [dict(row, CLM_ID=key, DML_IND="INSERT") for row in rows]
        for row in copies:
            row["NCH_WKLY_PROC_DT"] = _later(row["NCH_WKLY_PROC_DT"], days)
            row["CLM_PMT_AMT"] = _plus(row["CLM_PMT_AMT"], dollars)
            if feed in SUPPLIERS:
                row["CARR_CLM_ENTRY_CD"] = {"7": "5", "8": "3"}[kind]
            else:
                row |= {"CLM_FREQ_CD": kind, "CLM_GRP_ID": key}
                row["FI_ORIG_CLM_CNTL_NUM"] = rows[0]["FI_DOC_CLM_CNTL_NUM"]
                row["FI_DOC_CLM_CNTL_NUM"] = f"CTL{key}"
        if column and dollars:
            copies[0][column] = _plus(copies[0][column], dollars)
        return copies

    def _name_controls(self, rows: list[Row]) -> None:
        for row in rows:
            if "FI_DOC_CLM_CNTL_NUM" in row:
                row["FI_DOC_CLM_CNTL_NUM"] = f"CTL{row['CLM_ID']}"

    def corrections(self) -> None:
        """Replacements, replacements of those, voids of either, and a void before its claim."""
        chains = {
            "replacement": ("7",),
            "replacement_of_replacement": ("7", "7"),
            "void": ("8",),
            "void_of_replacement": ("7", "8"),
        }
        for kind, steps in chains.items():
            for feed in ("inpatient", "outpatient", "hospice", "carrier"):
                for rows in self._pick(feed):
                    self._name_controls(rows)
                    versions = [rows]
                    for nth, step in enumerate(steps, start=1):
                        more = self._corrected(
                            feed, versions[-1], step, 7 * nth, 10 if step == "7" else 0
                        )
                        self.files[feed] += more
                        versions.append(more)
                    ids = [version[0]["CLM_ID"] for version in versions]
                    final = None if steps[-1] == "8" else ids[-1]
                    self._tell(kind, feed=feed, chain=ids, final=final)
        for rows in self._pick("outpatient"):
            self._name_controls(rows)
            void = self._corrected("outpatient", rows, "8", 7)
            self.files["outpatient"] = [r for r in self.files["outpatient"] if r not in rows] + void
            self.late["outpatient"] += rows
            ids = [rows[0]["CLM_ID"], void[0]["CLM_ID"]]
            self._tell("void_before_its_claim", feed="outpatient", chain=ids, final=None)

    # --------------------------------------------------------------------------- deliveries

    def deliveries(self) -> None:
        """Lines and claims sent twice, corrected under their own id, or taken back."""
        for feed in ("outpatient", "carrier"):
            for rows in self._pick(feed):
                self.files[feed].append(dict(rows[0]))
                self._tell(
                    "duplicate_line",
                    feed=feed,
                    claim=rows[0]["CLM_ID"],
                    lines=len(rows),
                    superseded=1,
                )
            for rows in self._pick(feed):
                self.late[feed] += [dict(row, DML_IND="UPDATE") for row in rows]
                self._tell(
                    "duplicate_claim",
                    feed=feed,
                    claim=rows[0]["CLM_ID"],
                    lines=len(rows),
                    superseded=len(rows),
                )
            for rows in self._pick(feed):
                paid = _plus(rows[0]["CLM_PMT_AMT"], 25)
                self.late[feed] += [dict(row, DML_IND="UPDATE", CLM_PMT_AMT=paid) for row in rows]
                self._tell(
                    "late_correction",
                    feed=feed,
                    claim=rows[0]["CLM_ID"],
                    paid=paid,
                    superseded=len(rows),
                )
            for rows in self._pick(feed):
                self.late[feed] += [dict(row, DML_IND="DELETE") for row in rows]
                self._tell("deleted", feed=feed, claim=rows[0]["CLM_ID"], superseded=2 * len(rows))

    # -------------------------------------------------------------------------------- errors

    def errors(self) -> None:
        """Denials, strangers, wrong NPIs, and claims that must be set aside whole."""
        for rows in self._pick("carrier"):
            for row in rows:
                row["CARR_CLM_PMT_DNL_CD"] = "0"
            self._tell("denied_claim", feed="carrier", claim=rows[0]["CLM_ID"], lines=len(rows))
        for rows in self._pick("carrier"):
            rows[0]["LINE_PRCSG_IND_CD"] = "N"
            self._tell(
                "denied_line", feed="carrier", claim=rows[0]["CLM_ID"], line=rows[0]["LINE_NUM"]
            )
        for feed in ("inpatient", "outpatient", "carrier", "pde"):
            for rows in self._pick(feed):
                for row in rows:
                    row["BENE_ID"] = "-55555"
                key = rows[0]["PDE_ID" if feed == "pde" else "CLM_ID"]
                self._tell("orphan", feed=feed, claim=key)
        for rows in self._pick("outpatient"):
            for row in rows:
                row["ORG_NPI_NUM"] = _bad_npi(row["ORG_NPI_NUM"])
            self._tell("bad_npi", feed="outpatient", claim=rows[0]["CLM_ID"], lines=len(rows))
        for feed in ("outpatient", "carrier"):
            for rows in self._pick(feed):
                for row in rows:
                    row["CLM_THRU_DT"] = _later(row["CLM_FROM_DT"], -3)
                self._tell(
                    "ends_before_it_begins", feed=feed, claim=rows[0]["CLM_ID"], lines=len(rows)
                )
        for rows in self._pick("outpatient"):
            rows[-1]["CLM_PMT_AMT"] = "12,50"  # on one line only: the claim goes as a whole
            self._tell(
                "unreadable_amount", feed="outpatient", claim=rows[0]["CLM_ID"], lines=len(rows)
            )

    def reversals(self) -> None:
        """Fills that were taken back, one of them billed again on the same day."""
        for nth, (row,) in enumerate(self._pick("pde")):
            ids = [row["PDE_ID"], self._new_id("pde"), self._new_id("pde")]
            self.files["pde"].append(dict(row, PDE_ID=ids[1], ADJSTMT_DLTN_CD="D"))
            if nth == 0:
                self.files["pde"].append(dict(row, PDE_ID=ids[2]))
                self._tell("reversal", bill=ids[0], reversal=ids[1], final=ids[2])
            else:
                self._tell("reversal", bill=ids[0], reversal=ids[1], final=None)

    # -------------------------------------------------------------------------------- people

    def people(self) -> None:
        """Ids that were merged, twice over, and coverage that ended long ago as it turns out."""
        owners = sorted({row["BENE_ID"] for row in self.files["carrier"]} - {"-55555"})
        merged, ended, known_late = owners[:3]
        old = ["-77771", "-77772"]
        mergers = [
            *zip(old, [old[1], merged], strict=True),
            ("-88881", "-88882"),
            ("-88882", "-88881"),
        ]
        self.files["person_crosswalk"] = [
            {"DML_IND": "INSERT", "OLD_BENE_ID": was, "NEW_BENE_ID": now, "EFCTV_DT": "01-Jan-2024"}
            for was, now in mergers
        ]
        for rows in self._claims("carrier").values():
            if rows[0]["BENE_ID"] == merged:
                sent_as = self.random.choice(old)
                self._spare("carrier", rows[0]["CLM_ID"])
                for row in rows:
                    row["BENE_ID"] = sent_as
                self._tell(
                    "merged", feed="carrier", claim=rows[0]["CLM_ID"], member=sent_as, person=merged
                )
        years = [
            row
            for name, rows in self.files.items()
            if name.startswith("beneficiary_2")
            for row in rows
        ]
        last = max(row["RFRNC_YR"] for row in years if row["BENE_ID"] == known_late)
        # Under another id in the years before the last, as only the second delivery says.
        for row in years:
            if row["BENE_ID"] == known_late and row["RFRNC_YR"] < last:
                row["BENE_ID"] = "-77773"
        self.late["person_crosswalk"] = [
            dict(self.files["person_crosswalk"][0], OLD_BENE_ID="-77773", NEW_BENE_ID=known_late)
        ]
        self._tell("merged_late", member="-77773", person=known_late)
        for row in years:
            if row["BENE_ID"] == ended and int(row["RFRNC_YR"]) >= 2023:
                none = {name: "0" for name in row if name.startswith("MDCR_ENTLMT_BUYIN_")}
                self.late[f"beneficiary_{row['RFRNC_YR']}"].append(
                    row | none | {"DML_IND": "UPDATE"}
                )
        for feed in FACILITY + SUPPLIERS:
            for key, rows in self._claims(feed).items():
                began = min(_day(row["CLM_FROM_DT"]) for row in rows)
                if rows[0]["BENE_ID"] == ended and began.year >= 2023:
                    self._spare(feed, key)
                    self._tell("retro_terminated", feed=feed, claim=key)

    # --------------------------------------------------------------------------------- out

    def write(self, target: Path) -> None:
        for name, files, when in zip("12", (self.files, self.late), DELIVERED, strict=True):
            folder = target / name
            folder.mkdir(parents=True, exist_ok=True)
            entries = []
            for feed, rows in sorted(files.items()):
                if rows:
                    lines = ["|".join(rows[0]), *("|".join(row.values()) for row in rows)]
                    (folder / f"{feed}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
                    entries.append(f'  <entry name="{feed}.csv" type="{feed.upper()}"/>\n')
            manifest = (
                f'<dataSetManifest timestamp="{when}">\n{"".join(entries)}</dataSetManifest>\n'
            )
            (folder / "manifest.xml").write_text(manifest, encoding="utf-8")
        (target / "truth.json").write_text(json.dumps(self.truth, indent=1), encoding="utf-8")


def mutate(source: Path, target: Path, persons: int = 60, each: int = 3, seed: int = 7) -> dict:
    """Write the two deliveries and the truth below `target`; returns the truth."""
    mutator = Mutator(source, persons, each, seed)
    mutator.people()
    mutator.corrections()
    mutator.deliveries()
    mutator.errors()
    mutator.reversals()
    mutator.write(target)
    return dict(mutator.truth)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    for name, default in {"persons": 60, "each": 3, "seed": 7}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    truth = mutate(options.source, options.target, options.persons, options.each, options.seed)
    print("\n".join(f"{kind:28} {len(cases):4}" for kind, cases in truth.items()))


if __name__ == "__main__":
    main()
