"""A notebook as a page: its text, its definitions, its examples with the outputs they keep."""

import ast
import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from build_readme import ANSI, FRONT_MATTER, fenced, is_off, split_directives
from build_readme import text as joined

from . import api
from .names import Names
from .text import blocks, code, fold, link, plain, prose, table

HEADING = re.compile(r"^(#{1,6}) ")


@dataclass(frozen=True)
class Notebook:
    """A notebook on disk."""

    file: str  # in the repository
    page: str  # on the site
    cells: tuple[dict, ...]

    @property
    def title(self) -> str:
        first = joined(self.cells[0]["source"]) if self.cells else ""
        found = re.search(r"(?m)^# (.+)$", first)
        return found[1].strip() if found else Path(self.file).stem

    @property
    def module(self) -> str:
        """The module that it exports; empty if it exports none."""
        sources = [joined(cell["source"]) for cell in self.cells if cell["cell_type"] == "code"]
        found = re.search(r"(?m)^#\|\s*default_exp\s+(\S+)", "\n".join(sources))
        return f"data_ops.{found[1]}" if found else ""

    @property
    def exported(self) -> list[api.Source]:
        return [
            api.read(split_directives(joined(cell["source"]))[1])
            for cell in self.cells
            if is_exported(cell)
        ]

    @property
    def imports(self) -> dict[str, str]:
        """What the module imports by name: name → dotted name."""
        sources = [joined(cell["source"]) for cell in self.cells if is_exported(cell)]
        nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
        return {
            alias.asname or alias.name: f"{node.module}.{alias.name}"
            for node in nodes
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }


def load(root: Path, file: Path, page: str) -> Notebook:
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return Notebook(file.relative_to(root).as_posix(), page, tuple(cells))


def is_exported(cell: dict) -> bool:
    is_code = cell["cell_type"] == "code"
    return is_code and bool(
        {"export", "exports"} & set(split_directives(joined(cell["source"]))[0])
    )


def symbols(notebook: Notebook) -> Iterator[tuple[str, str]]:
    """(full dotted name, address) of everything public that the notebook exports."""
    for source in notebook.exported:
        definitions = [d.name for d in source.definitions]
        methods = [m.name for d in source.definitions for m in d.methods]
        for name in [*definitions, *methods, *source.constants]:
            yield f"{notebook.module}.{name}", f"{notebook.page}#{name}"


# ------------------------------------------------------------------------------- definitions


def meaning(parameter: api.Parameter, names: Names) -> str:
    """As written; a parameter that is called like a table is that table."""
    table_page = names.known.get(parameter.name, "")
    return prose(parameter.meaning) or (link("the table", table_page) if table_page else "")


def type_code(written: str, names: Names, page: str) -> str:
    """A type whose names are links."""
    parts, end = [], 0
    for found in re.finditer(r"[A-Za-z_][\w.]*", written):
        address = names.address(found[0], page)
        parts += [plain(written[end : found.start()]), link(plain(found[0]), address)]
        end = found.end()
    parts.append(plain(written[end:]))
    return f"<code>{''.join(parts)}</code>" if written else ""


def definition(made: api.Definition, level: int, names: Names, page: str) -> str:
    """A definition's block: signature, what it does, tables of parameters and members."""
    label = "Field" if made.signature.startswith("class ") else "Parameter"
    rows = [
        (code(p.name), type_code(p.type, names, page), code(p.default), meaning(p, names))
        for p in made.parameters
    ]
    if made.returns and made.returns.type != "None" and made.parameters:
        rows.append(
            ("returns", type_code(made.returns.type, names, page), "", prose(made.returns.meaning))
        )
    properties = [
        (code(p.name), type_code(p.type, names, page), prose(p.meaning)) for p in made.properties
    ]
    return blocks(
        f"{'#' * level} {code(made.name)} {{ #{made.name} .api }}",
        fenced(made.signature, "python"),
        prose(made.doc),
        table((label, "Type", "Default", "Meaning"), rows),
        table(("Property", "Type", "Meaning"), properties),
        *(definition(m, min(level + 1, 6), names, page) for m in made.methods),
    )


# ------------------------------------------------------------------------------------- cells


@dataclass
class _Page:
    """A page while it grows: its level of headings, and the pictures its outputs bring."""

    notebook: Notebook
    names: Names
    relink: Callable[[str], str]
    heading: str = ""
    level: int = 1
    pictures: dict[str, bytes] = field(default_factory=dict)

    def markdown(self, source: str, first: bool) -> str:
        """A Markdown cell; the first one may end in nbdev's front matter, which goes."""
        source = FRONT_MATTER.sub(r"\1", source) if first else source
        for line in source.splitlines():
            if found := HEADING.match(line):
                self.level, self.heading = len(found[1]), line.lstrip("# ")
        text = self.relink(source)
        return f"{text}\n\n{self.origin()}" if first else text

    def origin(self) -> str:
        """Where the page comes from, below its title."""
        if self.notebook.page == "/index.md":
            return ""
        module = f"Module {code(self.notebook.module)} · " if self.notebook.module else ""
        return f'<p class="origin">{module}Notebook {code(self.notebook.file)}</p>'

    def code(self, cell: dict) -> str:
        directives, source = split_directives(joined(cell["source"]))
        if "hide" in directives or is_off(directives, "include"):
            return ""
        if "default_exp" in directives or not re.search(r"(?m)^(?!%|\s*$)", source):
            return ""  # nothing, or settings of the notebook itself
        if is_exported(cell):
            return self.export(source)
        folded = "code-fold" in directives and not is_off(directives, "code-fold")
        shown = "" if is_off(directives, "echo") else fenced(source, "python")
        outputs = [] if is_off(directives, "output") else cell.get("outputs", [])
        return blocks(
            fold(directives.get("code-summary", "Code"), shown) if folded and shown else shown,
            *(self.output(output, directives.get("fig-alt", "")) for output in outputs),
        )

    def export(self, source: str) -> str:
        """Definitions as blocks with the code on a click; what defines none, as code."""
        held = api.read(source)
        if held.only_imports:
            return ""
        anchors = "".join(f'<a id="{name}"></a>' for name in held.constants)
        if not held.definitions:
            return blocks(anchors, fenced(source, "python"))
        level = min(self.level + 1, 6)
        made = [definition(one, level, self.names, self.notebook.page) for one in held.definitions]
        return blocks(anchors, *made, fold("Source", fenced(source, "python")))

    def output(self, output: dict, alt: str) -> str:
        """One output: a table, a picture or text."""
        data = output.get("data", {})
        if "image/png" in data:
            name = f"{Path(self.notebook.page).stem}_{len(self.pictures) + 1}.png"
            self.pictures[name] = base64.b64decode(joined(data["image/png"]))
            return f"![{alt or f'Chart: {self.heading}'}]({name})"
        if "text/markdown" in data:
            return joined(data["text/markdown"])
        if "text/html" in data:
            return f'<div class="output">{tidy(joined(data["text/html"]))}</div>'
        told = output.get("text", data.get("text/plain", ""))
        if output["output_type"] == "error":
            told = f"{output['ename']}: {output['evalue']}"
        body = "\n".join(map(str.rstrip, ANSI.sub("", joined(told)).splitlines())).strip("\n")
        return fenced(body, "{ .text .output }") if body else ""


def tidy(html: str) -> str:
    """A notebook's HTML without its own style and attributes, in one line."""
    html = re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL)
    html = re.sub(r' (?:border|class|style)="[^"]*"', "", html)
    return re.sub(r"\s*\n\s*", "", html).replace("<th></th>", "<td></td>")


def render(
    notebook: Notebook, names: Names, relink: Callable[[str], str]
) -> tuple[str, dict[str, bytes]]:
    """The page's Markdown, and the pictures that belong beside it."""
    page = _Page(notebook, names, relink)
    parts: list[str] = []
    for cell in notebook.cells:
        source = joined(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(page.markdown(source, first=not parts))
        elif cell["cell_type"] == "code":
            parts.append(page.code(cell))
    return blocks(*parts), page.pictures
