"""Pictures of the tables: what is made from what, and the flow from files to gold."""

from collections.abc import Iterable, Mapping

from .diagrams import Node, flowchart
from .tables import FOLDER, Entry


def node(tables: Mapping[str, Entry], name: str, domain: str = "") -> Node:
    """A table as a box; another domain's is drawn as such."""
    entry = tables[name]
    style = entry.layer if domain in ("", entry.owner) else "other"
    return Node(name, style, entry.page)


def lineage(
    tables: Mapping[str, Entry],
    names: Iterable[str],
    title: str,
    domain: str = "",  # tables of others are drawn as such; default: of none
    centre: str = "",  # drawn thicker
) -> str:
    """The tables and what they read, as far as both ends are among `names`."""
    chosen = list(dict.fromkeys(names))
    edges = [(source, name) for name in chosen for source in tables[name].reads if source in chosen]
    nodes = {name: node(tables, name, domain) for name in chosen}
    return flowchart(title, nodes, edges, centre=centre)


def flow(tables: Mapping[str, Entry]) -> str:
    """Layers of each domain as boxes; an edge where a table of one reads a table of another."""
    nodes: dict[str, Node] = {}
    groups: dict[str, list[str]] = {}
    edges: dict[tuple[str, str], None] = {}

    def add(owner: str, name: str, label: str, style: str) -> str:
        nodes[name] = Node(label, style, f"{FOLDER}/{owner}/index.md")
        groups.setdefault(owner, []).append(name)
        return name

    def box(entry: Entry) -> str:
        return f"{entry.owner}_{entry.layer}"

    made = [entry for entry in tables.values() if entry.owner != "ops"]
    for owner, layer in dict.fromkeys((entry.owner, entry.layer) for entry in made):
        own = [entry for entry in made if (entry.owner, entry.layer) == (owner, layer)]
        if layer == "bronze":
            files = add(owner, f"{owner}_files", f"files of {len(own)} feeds", "other")
            edges[files, f"{owner}_bronze"] = None
        add(owner, f"{owner}_{layer}", f"{len(own)} {layer} tables", layer)
        if layer == "silver":
            aside = add(owner, f"{owner}_quarantine", "quarantine", "aside")
            edges[f"{owner}_bronze", aside] = None
    for entry in made:
        for source in entry.reads:
            if box(tables[source]) != box(entry):
                edges[box(tables[source]), box(entry)] = None
    return flowchart("From files to gold tables, by domain and layer", nodes, edges, groups)
