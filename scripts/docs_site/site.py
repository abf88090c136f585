"""The whole site: every page, the navigation, and the build."""

import configparser
import hashlib
import posixpath
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from build_readme import LINK
from mkdocs.commands.build import build as mkdocs_build
from mkdocs.config import load_config

from data_ops.bundle import load_bundle
from data_ops.runs import DOMAINS, get_domain

from . import dictionary, notebooks
from .command_line import command_line_page
from .jobs import builders, jobs_page
from .names import Names, link_names, make_names, outside_fences
from .notebooks import Notebook
from .text import code, link

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
MERMAID = "74d7c46dabca328c2294733910a8aa1ed0c37451776e8d5295da38a2b758fb9b"  # npm's, 11.16.0

GUIDES = """getting_started editing_notebooks add_a_column add_a_rule quarantine where_a_row_came_from
    backfill_a_month undo_a_run deploying""".split()
DESIGN = ("architecture", "pipeline_design")
TENS = {
    0: "Foundation",
    1: "Operations",
    2: "Delta",
    7: "Running a table",
    8: "Running the bundle",
    9: "To read",
}


@dataclass(frozen=True)
class Page:
    """One page before it is built."""

    address: str  # /folder/page.md
    title: str  # in the navigation
    section: tuple[str, ...]  # in the navigation
    text: str
    pictures: dict[str, bytes] = field(default_factory=dict)  # beside it


# --------------------------------------------------------------------------------- addresses


def addresses(root: Path) -> dict[str, str]:
    """File of the repository → its page's address."""
    found = {"nbs/index.ipynb": "/index.md", "README.md": "/index.md"}
    for path in sorted(root.glob("nbs/[0-9]*.ipynb")):
        found[f"nbs/{path.name}"] = f"/library/{path.stem}.md"
    for domain in DOMAINS:
        for path in sorted(root.glob(f"notebooks_jobs/{domain}/*.ipynb")):
            found[path.relative_to(root).as_posix()] = f"/jobs/{domain}/{path.stem}.md"
    for path in sorted(root.glob("docs/*.md")):
        found[f"docs/{path.name}"] = f"/docs/{path.name}"
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        found[name] = f"/project/{name.lower()}"
    return found


def resolve(target: str, file: str, pages: dict[str, str], root: Path) -> str:
    """A link of a file of the repository as an address of the site.

    A file that is no page is shown as text. What is not there stays, and the build says so.
    """
    path, mark, anchor = target.partition("#")
    if not path or path.startswith("/") or re.match(r"[a-zA-Z][\w+.-]*:", path):
        return target
    there = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
    if there in pages:
        return pages[there] + mark + anchor
    return f"/files/{there}.txt" if (root / there).is_file() else target


def relink(text: str, file: str, pages: dict[str, str], root: Path) -> str:
    """Markdown of the repository with links of the site."""
    return outside_fences(
        text,
        lambda line: LINK.sub(
            lambda found: found["open"] + resolve(found["target"], file, pages, root), line
        ),
    )


# ------------------------------------------------------------------------------------- pages


def section_of(notebook: Notebook) -> tuple[str, ...]:
    """Where a notebook stands in the navigation: by its domain, or by its ten."""
    name = posixpath.basename(notebook.file)
    domain = re.match(r"data_ops\.domains\.(\w+)\.", notebook.module)
    if domain:
        return ("Library", f"The {domain[1]} domain")
    ten = int(name[0])
    return ("Guides",) if ten == 9 else ("Library", TENS.get(ten, f"{ten}0 to {ten}9"))


def guide(file: Path, pages: dict[str, str], root: Path) -> Page:
    """A page of prose."""
    text = file.read_text(encoding="utf-8")
    name = file.relative_to(root).as_posix()
    title = re.search(r"(?m)^# (.+)$", text)
    section = "Design" if file.stem in DESIGN else "Guides"
    return Page(
        pages[name],
        title[1] if title else file.stem,
        (section,) if name.startswith("docs/") else ("Project",),
        relink(text, name, pages, root),
    )


def in_order(pages: Iterable[Page]) -> list[Page]:
    """Guides in the order of their list; those that it does not know follow."""
    order = {f"/docs/{name}.md": nth for nth, name in enumerate([*GUIDES, *DESIGN])}
    return sorted(pages, key=lambda page: (order.get(page.address, len(order)), page.address))


def notebook_page(notebook: Notebook, names: Names, pages: dict[str, str], root: Path) -> Page:
    def relinked(text: str) -> str:
        return relink(text, notebook.file, pages, root)

    text, pictures = notebooks.render(notebook, names, relinked)
    if notebook.file.startswith("notebooks_jobs/"):
        section: tuple[str, ...] = ("Jobs", posixpath.basename(posixpath.dirname(notebook.file)).capitalize())
    else:
        section = section_of(notebook) if notebook.page != "/index.md" else ()
    title = notebook.title if section else "Home"
    return Page(notebook.page, title, section, text, pictures)


def make_pages(root: Path = ROOT) -> list[Page]:
    """Every page of the site, in the order of the navigation."""
    pages = addresses(root)
    read = {
        root / file: notebooks.load(root, root / file, page)
        for file, page in pages.items()
        if file.endswith(".ipynb")
    }
    domains = [get_domain(name) for name in DOMAINS]
    tables = dictionary.entries(domains)
    names = make_names(
        [symbol for notebook in read.values() for symbol in notebooks.symbols(notebook)],
        [(notebook.module, notebook.page) for notebook in read.values() if notebook.module],
        {name: entry.page for name, entry in tables.items()}
        | {f"{name}_quarantine": f"{e.page}#{name}_quarantine" for name, e in tables.items() if e.table and e.table.rows},
        {notebook.page: notebook.imports for notebook in read.values()},
    )
    bundle = load_bundle(root=root)
    tasks = builders(bundle, read, tables)

    def built_by(name: str) -> str:
        if name not in tasks:
            return "every task, one row or more a run" if tables[name].owner == "ops" else ""
        job, task = tasks[name]
        return link(code(f"{job.key}/{task.task_key}"), read[job.notebook(task)].page)

    made = {notebook.file: notebook_page(notebook, names, pages, root) for notebook in read.values()}
    home, others = made.pop("nbs/index.ipynb"), made.values()
    prose = in_order(guide(file, pages, root) for file in sorted(root.glob("docs/*.md")))
    walks = [page for page in others if page.section == ("Guides",)]
    every = [
        home,
        *(page for page in prose if page.section == ("Guides",)),
        *walks,
        Page("/reference/command_line.md", "Command line", ("Guides",), command_line_page()),
        *(page for page in prose if page.section == ("Design",)),
        *dictionary_pages(tables, built_by),
        Page("/jobs/index.md", "Jobs", ("Jobs",), jobs_page(bundle, read, tables)),
        *(page for page in others if page.section[0] == "Jobs"),
        *(page for page in others if page.section[0] == "Library"),
        *(guide(root / name, pages, root) for name in ("CONTRIBUTING.md", "CHANGELOG.md")),
    ]
    return [
        Page(p.address, p.title, p.section, link_names(p.text, names, p.address), p.pictures)
        for p in every
    ]


def dictionary_pages(
    tables: dict[str, dictionary.Entry], built_by: Callable[[str], str]
) -> list[Page]:
    """The overview, and each domain's tables."""
    top, made = "Data dictionary", []
    owners = dict.fromkeys(entry.owner for entry in tables.values())
    made.append(Page("/dictionary/index.md", top, (top,), dictionary.overview(tables, list(owners))))
    for owner in owners:
        title = "Operations" if owner == "ops" else owner.capitalize()
        text = dictionary.domain_page(tables, owner, f"{title} tables")
        made.append(Page(f"/dictionary/{owner}/index.md", title, (top, title), text))
        for entry in tables.values():
            if entry.owner == owner:
                page = dictionary.table_page(tables, entry, built_by(entry.name))
                made.append(Page(entry.page, entry.name, (top, title), page))
    return made


# ------------------------------------------------------------------------------------- build


def navigation(pages: Iterable[Page]) -> list:
    """mkdocs' nav: nested lists of {title: page}."""
    tree: list = []
    for page in pages:
        branch = tree
        for part in page.section:
            found = next((item[part] for item in branch if part in item and isinstance(item[part], list)), None)
            if found is None:
                found = []
                branch.append({part: found})
            branch = found
        branch.append({page.title: page.address.lstrip("/")})
    return tree


def mermaid_source() -> bytes:
    """mermaid.min.js from its package, byte for byte the one that npm has."""
    content = (files("artoo_mermaid") / "assets/mermaid.min.js").read_bytes()
    if hashlib.sha256(content).hexdigest() != MERMAID:
        raise ValueError("artoo-mermaid's mermaid.min.js is not the one whose hash is in site.py")
    return content


def write(pages: Iterable[Page], folder: Path, root: Path) -> None:
    """The pages, their pictures, and the files they link to, as mkdocs wants them."""
    linked = set()
    for page in pages:
        path = folder / page.address.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page.text, encoding="utf-8")
        for name, content in page.pictures.items():
            (path.parent / name).write_bytes(content)
        linked |= set(re.findall(r"\]\(/files/([^)\s#]+)\.txt", page.text))
    for name in linked:
        copy = folder / "files" / f"{name}.txt"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, copy)
    assets = folder / "assets"
    assets.mkdir(exist_ok=True)
    (assets / "mermaid.min.js").write_bytes(mermaid_source())


def build(out: Path, strict: bool = False, root: Path = ROOT) -> None:
    """The site in `out`. Strict: a warning ends the build."""
    pages = make_pages(root)
    with TemporaryDirectory() as name:
        source = Path(name)
        write(pages, source, root)
        config = load_config(
            str(HERE / "mkdocs.yml"),
            docs_dir=str(source),
            site_dir=str(out),
            nav=navigation(pages),
            strict=strict,
        )
        config.plugins.on_startup(command="build", dirty=False)
        mkdocs_build(config)
        config.plugins.on_shutdown()
