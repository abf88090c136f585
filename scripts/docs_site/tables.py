"""Every table that the contracts promise, and how the tables hang together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from data_ops.delta.ledger import OPS_TABLES
from data_ops.operations.contracts import Contract, Domain, Feed, Table, bronze_contract
from data_ops.operations.quality import Rule

FOLDER = "/dictionary"


@dataclass(frozen=True)
class Entry:
    """One table of the dictionary."""

    contract: Contract
    owner: str  # the domain, or ops
    reads: tuple[str, ...] = ()
    table: Table | None = None
    feed: Feed | None = None
    rules: tuple[Rule, ...] = ()

    @property
    def name(self) -> str:
        return self.contract.name

    @property
    def page(self) -> str:
        return f"{FOLDER}/{self.owner}/{self.name}.md"

    @property
    def layer(self) -> str:
        return self.name.partition("_")[0] if self.owner != "ops" else "ops"


def entries(domains: Iterable[Domain]) -> dict[str, Entry]:
    """Every table by name: each domain's bronze, silver and gold, then the operations tables."""
    found = []
    for domain in domains:
        for feed in domain.feeds:
            found.append(Entry(bronze_contract(feed), domain.name, feed=feed))
        for made in domain.tables:
            rules = tuple(rule for rule in domain.rules if rule.table == made.name)
            found.append(Entry(made.contract, domain.name, made.reads, made, rules=rules))
    found += [Entry(contract, "ops") for contract in OPS_TABLES]
    return {entry.name: entry for entry in found}


def readers(tables: Mapping[str, Entry], name: str) -> tuple[str, ...]:
    """Tables made from `name` directly."""
    return tuple(other for other, entry in tables.items() if name in entry.reads)


def reach(tables: Mapping[str, Entry], name: str) -> tuple[str, ...]:
    """Every table that a change of `name` reaches, in the order of the dictionary."""
    found: set[str] = set()
    new = {name}
    while new:
        new = {reader for one in new for reader in readers(tables, one)} - found
        found |= new
    return tuple(other for other in tables if other in found)


def origins(tables: Mapping[str, Entry], name: str) -> tuple[str, ...]:
    """Every table that `name` is made from, in the order of the dictionary."""
    found: set[str] = set()
    new = {name}
    while new:
        new = {source for one in new for source in tables[one].reads} - found
        found |= new
    return tuple(other for other in tables if other in found)
