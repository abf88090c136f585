"""The bundle's jobs: which task runs which notebook, after which, and builds which tables."""

import ast
from collections.abc import Mapping
from pathlib import Path

from build_readme import text as joined

from data_ops.bundle import Bundle, Job, Task, in_order, pick_jobs

from .diagrams import Node, flowchart
from .dictionary import linked
from .notebooks import Notebook
from .tables import Entry
from .text import blocks, code, link, table


def built(notebook: Notebook, tables: Mapping[str, Entry]) -> tuple[str, ...]:
    """Tables that a job notebook's one call writes: those it names, or a domain's bronze."""
    for cell in notebook.cells:
        source = joined(cell["source"])
        if cell["cell_type"] != "code" or "jobs." not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
                if node.func.attr == "build":
                    return tuple(map(str, texts[1:]))
                if node.func.attr == "land":
                    return tuple(
                        e.name
                        for e in tables.values()
                        if e.owner == texts[0] and e.layer == "bronze"
                    )
    return ()


def builders(
    bundle: Bundle, notebooks: Mapping[Path, Notebook], tables: Mapping[str, Entry]
) -> dict[str, tuple[Job, Task]]:
    """Table → the job and task that builds it."""
    return {
        name: (job, task)
        for job in bundle.jobs
        for task in job.tasks
        for name in built(notebooks[job.notebook(task)], tables)
    }


def job_section(
    job: Job, target: str, notebooks: Mapping[Path, Notebook], tables: Mapping[str, Entry]
) -> str:
    """A job's graph, its tasks, its parameters."""
    pages = {task.task_key: notebooks[job.notebook(task)].page for task in job.tasks}
    nodes = {}
    for task in in_order(job):
        layer = task.task_key.partition("_")[0]
        nodes[task.task_key] = Node(task.task_key, layer, pages[task.task_key])
    edges = [(before, task.task_key) for task in in_order(job) for before in task.after]
    rows = [
        (
            link(code(task.task_key), pages[task.task_key]),
            ", ".join(map(code, task.after)) or "",
            linked(tables, built(notebooks[job.notebook(task)], tables)),
        )
        for task in in_order(job)
    ]
    parameters = [(code(p.name), code(p.default) or "empty") for p in job.parameters]
    return blocks(
        f"## {job.key}",
        f"From `resources/{job.file.name}`.",
        flowchart(f"Tasks of the job {job.key}", nodes, edges),
        table(("Task", "After", "Tables it builds"), rows),
        table(("Parameter", f"Default in {target}"), parameters),
    )


def jobs_page(
    bundle: Bundle, notebooks: Mapping[Path, Notebook], tables: Mapping[str, Entry]
) -> str:
    """All jobs of the bundle."""
    jobs = pick_jobs(bundle, [job.key for job in bundle.jobs])
    return blocks(
        "# Jobs",
        "> What the bundle deploys, and what `data-ops run` runs here: tasks, their order, and "
        "the tables they build.",
        "A task is a notebook with parameters; click one to read it.",
        *(job_section(job, bundle.target, notebooks, tables) for job in jobs),
    )
