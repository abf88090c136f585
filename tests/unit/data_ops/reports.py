"""A small run, as facts: two jobs, one of each kind of thing that a report tells."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from data_ops.report_facts import Ending, Facts, FigureFact, RuleFact, TableFact, TaskFact

BEGAN = datetime(2025, 2, 1, 6, 30, tzinfo=UTC)


def arrived(landed: int, duplicate: int = 0, refused: int = 0) -> tuple[Ending, ...]:
    return (
        Ending("files", "landed", landed, 1),
        Ending("files", "duplicate", duplicate, 1),
        Ending("files", "refused", refused, 1, ("a_2.csv.gz: the archive is <damaged>",)),
    )


def ended(source: str, **rows: int) -> tuple[Ending, ...]:
    return tuple(Ending(source, end, count) for end, count in rows.items())


TABLES = (
    TableFact("claims", "bronze_a", state="written", rows=1000, rows_before=900, version=2,
              version_before=1, inserted=100, account=arrived(100, 40, 7)),
    TableFact("claims", "silver_a", ("bronze_a",), ("bronze_a",), "written", 950, 890, 4, 3, 60,
              account=ended("bronze_a", contributed=950, quarantined=30, superseded=20),
              account_before=ended("bronze_a", contributed=890, quarantined=10), counted_here=True),
    TableFact("claims", "gold_a", ("silver_a",), (), "unchanged", 12, 12, 3, 3),
)  # fmt: skip

RULES = (
    RuleFact("silver_a", "person_present", "quarantine", "quarantined", 980, 30, 30 / 980, 0.0,
             "money of nobody", True, "quarantined", (0.01, 0.03)),
    RuleFact("silver_a", "units_positive", "warn", "passed", 950, 0, 0.0, 0.0, "837P", True,
             "warned", (0.02, 0.0)),
    RuleFact("gold_a", "key_unique", "fail", "passed", 12, 0, 0.0, 0.0, "grain", False, "passed",
             (0.0,)),
)  # fmt: skip

FIGURES = (
    FigureFact("claims", "Members", "Persons a month.", "lines", "members",
               (("2024-01", "Part A", 313.0), ("2024-01", "Part B", 295.0),
                ("2024-02", "Part A", None), ("2024-02", "Part B", 290.0))),
    FigureFact("claims", "Paid", "USD a quarter.", "columns", "USD",
               (("2024-Q1", "inpatient", 410.26), ("2024-Q2", "inpatient", None))),
    FigureFact("claims", "Known", "Percent.", "map", "share",
               (("0", "2024-Q1", 0.81), ("1", "2024-Q1", 1.0), ("0", "2024-Q2", None))),
    FigureFact("claims", "Nothing yet", "No table.", "lines", "members", ()),
)  # fmt: skip


def facts(**changes) -> Facts:
    tasks = (
        TaskFact("claims", "bronze", "done", (), 12.0, 20.5),
        TaskFact("claims", "silver_a", "done", ("bronze",), 32.5, 61.25),
        TaskFact("claims", "gold", "done", ("silver_a",), 93.75, 8.0),
    )
    known = Facts(
        "run-2", "local", BEGAN, BEGAN + timedelta(seconds=110), tasks, "run-1", TABLES,
        ("memo.txt",), RULES, FIGURES,
    )  # fmt: skip
    return replace(known, **changes)


MESSAGE = (
    "rule key_unique (3) failed (silver_a): see quality_metrics; the table keeps its former"
    " contents"
)


def failing() -> Facts:
    """The same run, stopped by a rule."""
    tasks = (
        TaskFact("claims", "bronze", "done", (), 12.0, 20.5),
        TaskFact("claims", "silver_a", "failed", ("bronze",), 32.5, 61.25, MESSAGE),
        TaskFact("claims", "gold", "skipped", ("silver_a",), message="a task it depends on failed"),
    )
    stopped = replace(TABLES[1], state="failed", rows=890, version=3)
    broken = RuleFact("silver_a", "key_unique", "fail", "failed", 950, 3, 3 / 950, 0.0,
                      "one row per claim <line>", True, "passed", (0.0, 3 / 950))  # fmt: skip
    return facts(tasks=tasks, tables=(TABLES[0], stopped, TABLES[2]), rules=(broken, *RULES))
