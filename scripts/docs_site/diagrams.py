"""Mermaid flowcharts, made from what the bundle and the contracts say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# Borders only: the surfaces and the text are the theme's own, in light and dark.
STYLES = {
    "bronze": "stroke:#b0703c,stroke-width:2px",
    "silver": "stroke:#8a94a6,stroke-width:2px",
    "gold": "stroke:#c79a00,stroke-width:2px",
    "aside": "stroke:#c2410c,stroke-width:2px,stroke-dasharray:4 3",
    "other": "stroke-dasharray:4 3",
}


@dataclass(frozen=True)
class Node:
    """A box: its label, its style, and where a click leads."""

    label: str
    style: str = ""
    address: str = ""


def quoted(label: str) -> str:
    return '"' + label.replace('"', "'") + '"'


def flowchart(
    title: str,  # read aloud in place of the picture
    nodes: Mapping[str, Node],
    edges: Iterable[tuple[str, str]],  # from, to
    groups: Mapping[str, Iterable[str]] | None = None,  # title → nodes drawn in one frame
    direction: str = "LR",
) -> str:
    """A flowchart; nodes and edges stand in the given order."""
    grouped = {node for members in (groups or {}).values() for node in members}
    lines = [f"flowchart {direction}", f"    accTitle: {title}"]
    drawn = {name: f"{name}[{quoted(node.label)}]" for name, node in nodes.items()}
    for number, (frame, members) in enumerate((groups or {}).items()):
        lines.append(f"    subgraph frame{number}[{quoted(frame)}]")
        lines += [f"        {drawn[name]}" for name in members]
        lines.append("    end")
    lines += [f"    {drawn[name]}" for name in nodes if name not in grouped]
    lines += [f"    {start} --> {end}" for start, end in edges]
    for style in sorted({node.style for node in nodes.values()} & set(STYLES)):
        members = ",".join(name for name, node in nodes.items() if node.style == style)
        lines += [f"    classDef {style} {STYLES[style]}", f"    class {members} {style}"]
    clicks = {name: node.address for name, node in nodes.items() if node.address}
    lines += [f'    click {name} href "{address}"' for name, address in clicks.items()]
    return "```mermaid\n" + "\n".join(lines) + "\n```"
