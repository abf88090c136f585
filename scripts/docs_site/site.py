"""The whole site: every page, the navigation, and the build."""

import hashlib
import posixpath
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from build_readme import LINK
from mkdocs.commands.build import build as mkdocs_build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

from data_ops.bundle import load_bundle
from data_ops.config import DOMAINS
from data_ops.runs import get_domain

from . import dictionary, notebooks
from .command_line import command_line_page
from .diagrams import relative_clicks
from .jobs import builders, jobs_page
from .names import Names, link_names, make_names, outside_fences
from .notebooks import Notebook
from .tables import Entry, entries
from .text import code, four_spaces, link

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
Relink = Callable[[str, str], str]  # Markdown, and the file it stands in
MERMAID = "74d7c46dabca328c2294733910a8aa1ed0c37451776e8d5295da38a2b758fb9b"  # npm's, 11.16.0

HOME = "/index.md"
TABS = ("Guides", "Design", "Data dictionary", "Jobs", "Library", "Project")
DESIGN = ("architecture", "pipeline_design", "performance")
# In this order; the others of a tab follow, and so do pages of docs/ that are not listed.
FIRST = [
    *(f"/docs/{name}.md" for name in ("getting_started", "editing_notebooks")),
    "/library/90_walkthrough.md",
    *(
        f"/docs/{name}.md"
        for name in """add_a_column add_a_rule add_a_domain quarantine where_a_row_came_from
        changed_files backfill_a_month undo_a_run generate_members deploying""".split()
    ),
    *(f"/docs/{name}.md" for name in DESIGN),
    "/jobs/index.md",
]
LISTED = re.compile(r"(?m)^ +(\d\d)–(\d\d) +([^:\n]+)")  # a line of the README's listing of nbs/


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
    found = {"nbs/index.ipynb": HOME, "README.md": HOME}
    for path in sorted(root.glob("nbs/[0-9]*.ipynb")):
        found[f"nbs/{path.name}"] = f"/library/{path.stem}.md"
    in_order = {domain: nth for nth, domain in enumerate(DOMAINS)}
    of_jobs = sorted(root.glob("notebooks_jobs/*/*.ipynb"))
    for path in sorted(of_jobs, key=lambda path: in_order.get(path.parent.name, len(in_order))):
        found[f"notebooks_jobs/{path.parent.name}/{path.name}"] = (
            f"/jobs/{path.parent.name}/{path.stem}.md"
        )
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
        four_spaces(text),
        lambda line: LINK.sub(
            lambda found: found["open"] + resolve(found["target"], file, pages, root), line
        ),
    )


# ------------------------------------------------------------------------------------- pages


def parts_of_library(readme: str) -> dict[range, str]:
    """What the README calls each range of numbers of `nbs/`."""
    return {
        range(int(first), int(last) + 1): title.strip().capitalize()
        for first, last, title in LISTED.findall(readme)
    }


def section_of(notebook: Notebook, parts: dict[range, str]) -> tuple[str, ...]:
    """Where a notebook stands in the navigation: by its domain, or by its number."""
    folder, name = posixpath.split(notebook.file)
    if folder.startswith("notebooks_jobs"):
        return ("Jobs", posixpath.basename(folder).capitalize())
    if notebook.page == HOME:
        return ()
    if domain := re.match(r"data_ops\.domains\.(\w+)\.", notebook.module):
        return ("Library", f"The {domain[1]} domain")
    number = int(name[:2])
    if number >= 90:
        return ("Guides",)
    found = (title for numbers, title in parts.items() if number in numbers)
    return ("Library", next(found, "More"))


def guide(root: Path, file: str, address: str, relinked: Relink) -> Page:
    """A page of prose."""
    text = (root / file).read_text(encoding="utf-8")
    title = re.search(r"(?m)^# (.+)$", text)
    folder, name = posixpath.split(file)
    section = "Design" if posixpath.splitext(name)[0] in DESIGN else "Guides"
    return Page(
        address,
        title[1] if title else name,
        (section if folder else "Project",),
        relinked(text, file),
    )


def notebook_page(
    notebook: Notebook, names: Names, section: tuple[str, ...], relinked: Relink
) -> Page:
    text, pictures = notebooks.render(
        notebook, names, lambda source: relinked(source, notebook.file)
    )
    if notebook.page == HOME:  # beside it stands no other page
        text = f"---\nhide: [navigation]\n---\n\n{text}"
    title = notebook.title if section else "Home"
    if len(section) > 1 and ": " in title:  # what the section says already
        title = title.partition(": ")[2].capitalize()
    return Page(notebook.page, title, section, text, pictures)


def names_of(
    read: Collection[Notebook], tables: Mapping[str, Entry], pages: Mapping[str, str]
) -> Names:
    """Everything that can be linked by its name."""
    own = {name: entry.page for name, entry in tables.items()}
    aside = {
        f"{name}_quarantine": f"{entry.page}#{name}_quarantine"
        for name, entry in tables.items()
        if entry.table and entry.table.rows
    }
    return make_names(
        [symbol for notebook in read for symbol in notebooks.symbols(notebook)],
        [(notebook.module, notebook.page) for notebook in read if notebook.module],
        own | aside | dict(pages),
        {notebook.page: notebook.imports for notebook in read},
    )


def make_pages(root: Path = ROOT) -> list[Page]:
    """Every page of the site, in the order of the navigation."""
    pages = addresses(root)
    read = {
        root / file: notebooks.load(root, root / file, page)
        for file, page in pages.items()
        if file.endswith(".ipynb")
    }
    tables = entries(map(get_domain, DOMAINS))
    names = names_of(read.values(), tables, pages)
    bundle = load_bundle(root=root)
    tasks = builders(bundle, read, tables)

    def relinked(text: str, file: str) -> str:
        return relink(text, file, pages, root)

    def built_by(table: str) -> str:
        if table not in tasks:
            return "every task, when it ends" if tables[table].owner == "ops" else ""
        job, task = tasks[table]
        return link(code(f"{job.key}/{task.task_key}"), read[job.notebook(task)].page)

    parts = parts_of_library((root / "README.md").read_text(encoding="utf-8"))
    made = [notebook_page(one, names, section_of(one, parts), relinked) for one in read.values()]
    prose = [file for file in pages if file.endswith(".md") and pages[file] != HOME]
    made += [guide(root, file, pages[file], relinked) for file in prose]
    made.append(
        Page("/reference/command_line.md", "Command line", ("Guides",), command_line_page())
    )
    made += dictionary_pages(tables, built_by)
    made.append(Page("/jobs/index.md", "Jobs", ("Jobs",), jobs_page(bundle, read, tables)))
    return [
        replace(p, text=relative_clicks(link_names(p.text, names, p.address), p.address))
        for p in sorted(made, key=place)
    ]


def place(page: Page) -> tuple[int, int]:
    """What pages are sorted by: tabs as listed, what comes first, the rest as it was made."""
    tab = TABS.index(page.section[0]) if page.section else -1
    return tab, FIRST.index(page.address) if page.address in FIRST else len(FIRST)


def dictionary_pages(tables: Mapping[str, Entry], built_by: Callable[[str], str]) -> list[Page]:
    """The overview, and each domain's tables."""
    top = "Data dictionary"
    owners = dict.fromkeys(entry.owner for entry in tables.values())
    made = [Page("/dictionary/index.md", top, (top,), dictionary.overview(tables, owners))]
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
            lists = (item[part] for item in branch if isinstance(item.get(part), list))
            found = next(lists, None)
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
        raise Abort("artoo-mermaid's mermaid.min.js is not the one whose hash is in site.py")
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
