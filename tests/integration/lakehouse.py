"""Lands and builds a domain for a folder of raw files, in schemas of its own."""

from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from data_ops.arrivals import land
from data_ops.config import DOMAINS, load_settings, project_root
from data_ops.delta import table_manager
from data_ops.operations.contracts import Domain
from data_ops.runs import Outcome, Run, get_domain
from data_ops.tasks import build_all

SAMPLE = project_root() / "data/sample/rif"
SHARED = project_root().parent / "shared/data"
_numbers = count(1)


def names_of(domain: Domain) -> list[str]:
    """Every table of a domain."""
    feeds = [feed.table for feed in domain.feeds]
    tables = [table.name for table in domain.tables]
    kept = [f"{table.name}_quarantine" for table in domain.tables if table.rows]
    return feeds + tables + kept


@dataclass
class Lakehouse:
    """One raw folder's tables; each call of `run` is a run of all tasks."""

    spark: object
    source: Path
    name: str = ""
    domain: Domain = field(default_factory=lambda: get_domain("member"))
    data_source: str = "sample"
    schemas: str = ""  # what their names begin with; default: something new
    run_id: str = ""  # of all that is done; default: each call is a run of its own

    def __post_init__(self):
        self.schemas = self.schemas or f"it_{self.name}_{next(_numbers)}"
        self.settings = load_settings(
            environment="local",
            data_source=self.data_source,
            **{f"{domain}_schema": f"{self.schemas}_{domain}" for domain in (*DOMAINS, "ops")},
        )

    def of(self, domain: str) -> "Lakehouse":
        """The same schemas, seen from another domain."""
        return replace(self, domain=get_domain(domain))

    def context(self, **options) -> Run:
        run_id = self.run_id or f"run-{next(_numbers)}"
        return Run(self.spark, self.settings, run_id, self.domain, **options)

    def land(self, **options) -> list[Outcome]:
        return land(self.context(**options), self.source)

    def build(self, *tables: str, **options) -> list[Outcome]:
        names = tables or [table.name for table in self.domain.tables]
        return build_all(self.context(**options), names)

    def run(self) -> list[Outcome]:
        return self.land() + self.build()

    def complete(self) -> None:
        """Land and build what is not there yet."""
        feeds = [self.context().name(feed.table) for feed in self.domain.feeds]
        if not all(table_manager.exists(self.spark, name) for name in feeds):
            self.land()
        self.build()

    def table(self, name: str):
        if name in ("run_log", "row_ledger", "quality_metrics"):
            return self.spark.table(self.settings.table("ops", name))
        return self.spark.table(self.context().name(name))

    def names(self) -> list[str]:
        return names_of(self.domain)

    def versions(self) -> dict[str, int]:
        return {
            name: table_manager.version(self.spark, self.settings.table(self.domain.name, name))
            for name in self.names()
        }
