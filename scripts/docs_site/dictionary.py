"""The data dictionary's pages: each table's grain, columns, rules and lineage."""

from collections.abc import Iterable, Mapping

import sqlglot
from build_readme import fenced

from data_ops.operations.contracts import Column, Feed, quarantine_of
from data_ops.operations.quality import Rule

from .lineage import flow, lineage
from .tables import FOLDER, Entry, origins, reach, readers
from .text import blocks, code, fold, link, plain, prose, table

SEVERITIES = {"fail": "stops the run", "quarantine": "sets the row aside", "warn": "counts"}


def linked(tables: Mapping[str, Entry], names: Iterable[str]) -> str:
    return ", ".join(link(code(name), tables[name].page) for name in names) or "none"


def columns(rows: Iterable[Column], key: Iterable[str] = ()) -> str:
    keys = set(key)
    return table(
        ("Column", "Type", "Meaning"),
        (
            (
                code(one.name) + (" **key**" if one.name in keys else ""),
                code(one.type),
                prose(one.meaning),
            )
            for one in rows
        ),
    )


def allowed(rule: Rule) -> str:
    """How much may fail before a warning."""
    if not rule.tolerance:
        return ""
    much = f"{rule.tolerance:.0%}" if rule.tolerance < 1 else f"{rule.tolerance:g}"
    return f" Up to {much} may fail."


def rules_section(entry: Entry) -> str:
    """Rules of rows, each with its condition, then rules of the whole table, each with its query.

    A rule's name is an anchor, so that a report can point to it.
    """
    order = list(SEVERITIES)
    chosen = sorted(entry.rules, key=lambda rule: order.index(rule.severity))
    told = ", ".join(f"**{severity}** {what}" for severity, what in SEVERITIES.items())
    head = {
        rule: (
            f'<a id="{rule.name}"></a>{code(rule.name)}',
            f"**{rule.severity}**",
            prose(rule.why) + ("." if rule.tolerance else "") + allowed(rule),
        )
        for rule in chosen
    }
    rows = [(*head[rule], code(rule.sql)) for rule in chosen if rule.scope == "row"]
    sets = [rule for rule in chosen if rule.scope == "set"]
    if not chosen:
        return ""
    return blocks(
        "## Rules",
        f"When a rule is broken: {told}.",
        table(("Rule of a row", "Severity", "Why", "Must be true"), rows),
        table(("Rule of the table", "Severity", "Why"), (head[rule] for rule in sets)),
        fold("Queries, each of which must find nothing", queries(sets)) if sets else "",
    )


def queries(rules: Iterable[Rule]) -> str:
    """The queries of set rules, laid out to be read."""
    return blocks(*(f"{code(rule.name)}\n\n{fenced(pretty(rule.sql), 'sql')}" for rule in rules))


def pretty(sql: str) -> str:
    """SQL in lines; `{as_of}` is no SQL, so it travels as a name."""
    made = sqlglot.transpile(
        sql.replace("{as_of}", "as_of__"), read="spark", write="spark", pretty=True
    )
    return made[0].replace("as_of__", "{as_of}")


def quarantine_section(entry: Entry) -> str:
    """A silver table made from bronze has a quarantine beside it."""
    if not (entry.table and entry.table.rows):
        return ""
    aside = quarantine_of(entry.contract)
    own = [one for one in aside.columns if one.name.startswith("_")]
    whole = ""
    if entry.table.whole:
        keys = ", ".join(map(code, entry.table.whole))
        whole = f" Rows that share {keys} are set aside together."
    return blocks(
        "## Quarantine",
        f'<a id="{aside.name}"></a>{code(aside.name)} holds the rows that a rule kept out, with '
        f"the business columns above and these.{whole}",
        columns(own, aside.key),
    )


def facts(entry: Entry, built_by: str) -> str:
    """The table's particulars."""
    contract, schema = entry.contract, f"<environment>_{entry.owner}"
    rows = [
        ("Full name", code(f"<catalog>.{schema}.{entry.name}")),
        ("Key", ", ".join(map(code, contract.key)) or "none: append-only"),
        ("Clustered by", ", ".join(map(code, contract.cluster))),
        *((f"Constraint {code(name)}", code(sql)) for name, sql in contract.checks.items()),
        ("Built by", built_by),
    ]
    return "\n".join(f"- **{name}:** {value}" for name, value in rows if value)


EVOLUTION = {
    "rescue": "Their values are kept as JSON in `_rescued_data`.",
    "addNewColumns": "They become columns of the table.",
    "failOnNewColumns": "A file that has any stops the run.",
}


def feed_section(feed: Feed) -> str:
    """What a file must be like; its columns are strings as sent."""
    expected = [name for name in feed.columns if name not in feed.optional]
    return blocks(
        "## The feed",
        f"Files named {code(feed.pattern)}, fields parted by {code(feed.separator)}, from "
        f"{code(feed.system)}. A file without one of the {len(expected)} columns that are not "
        "optional stops the run.",
        "## Columns as sent",
        f"{len(feed.columns)} columns, each a `STRING` as sent:",
        " ".join(map(code, expected)),
        "Optional, NULL where a file has none:" if feed.optional else "",
        " ".join(map(code, feed.optional)),
        "## Columns beside them",
        EVOLUTION[feed.evolution],
    )


def lineage_section(tables: Mapping[str, Entry], entry: Entry) -> str:
    after, before = readers(tables, entry.name), origins(tables, entry.name)
    reached = reach(tables, entry.name)
    around = [*entry.reads, entry.name, *after]
    if len(around) == 1:
        return ""
    return blocks(
        "## Lineage",
        lineage(
            tables,
            around,
            f"What {entry.name} is made from, and what is made from it",
            centre=entry.name,
        ),
        f"**Upstream:** {linked(tables, before)}.",
        f"**Downstream**, reached by a change here: {linked(tables, reached)}.",
    )


def table_page(tables: Mapping[str, Entry], entry: Entry, built_by: str) -> str:
    """A table's page."""
    audit = [one for one in entry.contract.columns if one.name.startswith("_")]
    business = [one for one in entry.contract.columns if not one.name.startswith("_")]
    described = (
        feed_section(entry.feed)
        if entry.feed
        else blocks("## Columns", columns(business, entry.contract.key))
    )
    told = "The columns that depend on the run and not on the data:"
    return blocks(
        f"# {plain(entry.name)}",
        f"> {prose(entry.contract.grain[:1].upper() + entry.contract.grain[1:])}.",
        facts(entry, built_by),
        described,
        fold("Audit columns", blocks(told, columns(audit)), "info") if audit else "",
        rules_section(entry),
        quarantine_section(entry),
        lineage_section(tables, entry),
    )


def domain_page(tables: Mapping[str, Entry], owner: str, title: str) -> str:
    """A domain's tables in one list and one picture."""
    own = [entry for entry in tables.values() if entry.owner == owner]
    sources = [name for entry in own for name in entry.reads]
    rows = [
        (
            link(code(e.name), e.page),
            e.layer,
            prose(e.contract.grain),
            str(len(e.contract.columns)),
            str(len(e.rules) or ""),
        )
        for e in own
    ]
    picture = lineage(
        tables, [*sources, *(e.name for e in own)], f"Lineage of the {owner} tables", owner
    )
    return blocks(
        f"# {title}",
        table(("Table", "Layer", "Grain", "Columns", "Rules"), rows),
        (
            blocks(
                "## Lineage",
                "Click a table to read about it; dashed ones are another domain's.",
                picture,
            )
            if sources
            else ""
        ),
    )


def overview(tables: Mapping[str, Entry], owners: Iterable[str]) -> str:
    """Where to find which table, and how the layers of the domains hang together."""
    rows = []
    for owner in owners:
        own = [entry for entry in tables.values() if entry.owner == owner]
        layers = dict.fromkeys(entry.layer for entry in own)
        for layer in layers:
            names = [entry.name for entry in own if entry.layer == layer]
            rows.append((link(owner, f"{FOLDER}/{owner}/index.md"), layer, linked(tables, names)))
    return blocks(
        "# Data dictionary",
        "> Every table with its grain, key, columns, rules and lineage, made from the contracts "
        "and rules that the code itself runs on.",
        "## The flow",
        "From files to gold, layer by layer. A click leads to a domain's tables.",
        flow(tables),
        "## Tables",
        table(("Domain", "Layer", "Tables"), rows),
    )
