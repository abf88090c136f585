"""What the mutator injected, and what the tables say of it."""

from dataclasses import replace
from decimal import Decimal
from functools import wraps

import pytest
from pyspark.sql import functions as F

from data_ops.utils.errors import LedgerError
from scripts.mutate_rif import FACILITY
from tests import independent
from tests.integration.lakehouse import SAMPLE

KINDS = (
    "merged merged_late retro_terminated replacement replacement_of_replacement void "
    "void_of_replacement void_before_its_claim duplicate_line duplicate_claim "
    "late_correction deleted denied_claim denied_line orphan bad_npi ends_before_it_begins "
    "unreadable_amount reversal"
).split()
FORMS = {**dict.fromkeys(FACILITY, "silver_medical"), "pde": "silver_pharmacy"}
COLUMNS = (
    "source_feed", "claim_id", "claim_line_number", "claim_root_id", "original_claim_id",
    "claim_status", "is_final_action", "person_id", "member_id", "eligibility_match",
)  # fmt: skip


@pytest.fixture(scope="module")
def mutated(claims, mutated_rif):
    """The tables of both deliveries, landed at once, and the truth about them."""
    return claims("mutated"), mutated_rif[1]


@pytest.fixture(scope="module")
def lines(mutated):
    """(feed, claim) → its lines in silver."""
    claims, _ = mutated
    found: dict = {}
    for table in ("silver_medical", "silver_professional", "silver_pharmacy"):
        frame = claims.table(table)
        more = (
            ["claim_version", "header_paid_amount"]
            if table != "silver_pharmacy"
            else ["paid_amount"]
        )
        for row in frame.select(*COLUMNS, *more).collect():
            found.setdefault((row.source_feed, row.claim_id), []).append(row)
    return found


def cases(mutated, kind: str) -> list[dict]:
    found = mutated[1][kind]
    assert found, f"the mutator injected no {kind}"
    return found


def test_every_kind_is_looked_at(mutated):
    assert set(mutated[1]) == set(KINDS)


@pytest.mark.parametrize(
    "kind",
    "replacement replacement_of_replacement void void_of_replacement void_before_its_claim".split(),
)
def test_of_a_chain_the_last_version_stands_unless_it_is_a_void(mutated, lines, kind):
    for case in cases(mutated, kind):
        versions = [lines[case["feed"], claim] for claim in case["chain"]]
        assert {row.claim_root_id for rows in versions for row in rows} == {case["chain"][0]}
        assert [rows[0].claim_version for rows in versions] == list(range(1, len(versions) + 1))
        for nth, (claim, rows) in enumerate(zip(case["chain"], versions, strict=True)):
            assert {row.is_final_action for row in rows} == {claim == case["final"]}, case
            assert {row.original_claim_id for row in rows} == {
                case["chain"][nth - 1] if nth else None
            }


def test_voided_and_replaced_money_is_netted_in_gold(mutated):
    claims, truth = mutated
    gold = claims.table("gold_claims_all").groupBy("source_feed", "claim_id").agg(F.count("*"))
    there = {(feed, claim) for feed, claim, _ in gold.collect()}
    for kind in ("replacement", "replacement_of_replacement", "void", "void_of_replacement"):
        for case in truth[kind]:
            found = {claim for claim in case["chain"] if (case["feed"], claim) in there}
            assert found == {case["final"]} - {None}, case


def test_cash_over_all_versions_is_what_stands(mutated):
    claims, _ = mutated
    triangle = claims.table("gold_lag_triangle").groupBy("coverage").agg(F.sum("paid_amount"))
    headers = [
        claims.table(table)
        .where("is_final_action")
        .select("source_feed", "claim_id", "header_paid_amount")
        .distinct()
        for table in ("silver_medical", "silver_professional")
    ]
    stands = headers[0].unionByName(headers[1]).agg(F.sum("header_paid_amount")).first()[0]
    fills = (
        claims.table("silver_pharmacy")
        .where("is_final_action")
        .agg(F.sum("paid_amount"))
        .first()[0]
    )
    assert dict(map(tuple, triangle.collect())) == {"medical": stands, "pharmacy": fills}


@pytest.mark.parametrize("kind", ["duplicate_line", "duplicate_claim"])
def test_what_came_twice_counts_once(mutated, lines, kind):
    for case in cases(mutated, kind):
        assert len(lines[case["feed"], case["claim"]]) == case["lines"], case


def test_a_late_correction_under_the_same_id_is_what_counts(mutated, lines):
    for case in cases(mutated, "late_correction"):
        rows = lines[case["feed"], case["claim"]]
        assert {row.header_paid_amount for row in rows} == {Decimal(case["paid"])}


def test_a_deleted_claim_is_gone(mutated, lines):
    for case in cases(mutated, "deleted"):
        assert (case["feed"], case["claim"]) not in lines


def test_superseded_rows_are_counted(mutated):
    claims, truth = mutated
    ledger = claims.table("row_ledger").where("disposition = 'superseded'")
    found = dict(map(tuple, ledger.groupBy("input_name").sum("row_count").collect()))
    kinds = ("duplicate_line", "duplicate_claim", "late_correction", "deleted")
    for feed in ("outpatient", "carrier"):
        told = sum(
            case["superseded"] for kind in kinds for case in truth[kind] if case["feed"] == feed
        )
        assert found[f"bronze_{feed}"] == told
    assert not set(found) - {"bronze_outpatient", "bronze_carrier", "bronze_beneficiary"}


def test_denials_are_claims_and_lines_of_their_own_kind(mutated, lines):
    for case in cases(mutated, "denied_claim"):
        assert {row.claim_status for row in lines["carrier", case["claim"]]} == {"denied"}
    for case in cases(mutated, "denied_line"):
        denied = [
            row.claim_line_number
            for row in lines["carrier", case["claim"]]
            if row.claim_status == "denied"
        ]
        assert denied == [int(case["line"])]


def test_orphans_are_kept_with_their_state(mutated, lines):
    for case in cases(mutated, "orphan"):
        rows = lines[case["feed"], case["claim"]]
        assert {(row.eligibility_match, row.is_final_action) for row in rows} == {
            ("unknown_member", True)
        }


def test_merged_ids_are_one_person(mutated, lines):
    for case in cases(mutated, "merged"):
        rows = lines[case["feed"], case["claim"]]
        assert {(row.member_id, row.person_id) for row in rows} == {
            (case["member"], case["person"])
        }
        assert "unknown_member" not in {row.eligibility_match for row in rows}


def test_who_was_sent_under_two_ids_is_covered_as_if_under_one(mutated):
    """As the sample says it, where nobody is merged."""
    claims, _ = mutated
    (case,) = cases(mutated, "merged_late")
    columns = ["person_id", "coverage_month", "coverage_type", "covered_days", "plan_id"]
    sent = independent.member_months(SAMPLE)
    expected = sent[sent.person_id == case["person"]][columns].values.tolist()
    of_both = F.col("person_id").isin(case["person"], case["member"])
    found = claims.table("gold_member_months").where(of_both).select(*columns).collect()
    assert expected and sorted(told(row) for row in found) == sorted(map(told, expected))
    assert claims.table("gold_member_current").where(of_both).count() == 1
    assert {
        row.member_id for row in claims.table("silver_enrollment").where(of_both).collect()
    } == {case["person"], case["member"]}


def told(row) -> tuple[str, ...]:
    person, month, *rest = row
    return (person, str(month)[:10], *map(str, rest))


def test_a_circle_of_ids_is_reported_and_merges_nobody(mutated):
    claims, _ = mutated
    rows = claims.table("silver_person_crosswalk").where("is_cycle").collect()
    assert {(row.old_member_id, row.person_id) for row in rows} == {
        ("-88881",) * 2,
        ("-88882",) * 2,
    }
    metric = claims.table("quality_metrics").where("rule = 'no_cycle'").first()
    assert (metric.verdict, metric.failed) == ("warned", 2)


def test_coverage_that_ended_in_hindsight_is_seen_by_the_claims(mutated, lines):
    for case in cases(mutated, "retro_terminated"):
        for row in lines[case["feed"], case["claim"]]:
            assert row.eligibility_match == "after_term", case


def test_reversals_find_their_bill(mutated, lines):
    for case in cases(mutated, "reversal"):
        (bill,), (reversal,) = lines["pde", case["bill"]], lines["pde", case["reversal"]]
        assert not bill.is_final_action and not reversal.is_final_action
        assert (reversal.original_claim_id, reversal.claim_root_id) == (case["bill"],) * 2
        if case["final"]:
            (again,) = lines["pde", case["final"]]
            assert again.is_final_action


def test_wrong_npis_warn_and_keep_their_money(mutated):
    claims, truth = mutated
    metric = (
        claims.table("quality_metrics")
        .where("rule = 'npi_luhn' AND table_name = 'silver_medical'")
        .first()
    )
    assert metric.failed == sum(case["lines"] for case in truth["bad_npi"])
    assert metric.verdict == "warned"


@pytest.mark.parametrize(
    ("kind", "rule"),
    [("ends_before_it_begins", "dates_ordered"), ("unreadable_amount", "header_paid_present")],
)
def test_what_cannot_be_trusted_is_set_aside_whole(mutated, lines, kind, rule):
    claims, _ = mutated
    for case in cases(mutated, kind):
        table = FORMS.get(case["feed"], "silver_professional")
        aside = (
            claims.table(f"{table}_quarantine").where(F.col("claim_id") == case["claim"]).collect()
        )
        assert len(aside) == case["lines"]
        assert {tuple(row["_reasons"]) for row in aside} == {(rule,)}
        assert all(case["claim"] in row["_raw"] for row in aside)
        assert (case["feed"], case["claim"]) not in lines


def test_the_ledger_balances_for_every_feed(mutated):
    claims, _ = mutated
    ledger = claims.table("row_ledger").where("table_name LIKE 'silver%'")
    for table, feed, rows in ledger.groupBy("table_name", "input_name").sum("row_count").collect():
        assert rows == claims.table(feed).count(), (table, feed)


def test_a_lost_row_stops_the_run(mutated):
    claims, truth = mutated
    before = claims.versions()
    table, lost = claims.domain.table("silver_pharmacy"), truth["reversal"][0]["bill"]

    @wraps(table.build)
    def losing(rows, **others):
        return table.build(rows.where(F.col("claim_id") != lost), **others)

    lossy = claims.of("claims")
    tables = [replace(t, build=losing) if t is table else t for t in lossy.domain.tables]
    lossy.domain = replace(lossy.domain, tables=tuple(tables))
    with pytest.raises(LedgerError, match="does not balance"):
        lossy.build("silver_pharmacy", full_refresh=True)
    assert claims.versions() == before


def test_a_second_run_makes_no_new_version(mutated):
    claims, _ = mutated
    before = claims.versions()
    assert {outcome.state for outcome in claims.run()} == {"up_to_date"}
    assert claims.versions() == before
