"""The jobs' page is the bundle's: tasks, order, notebooks, tables."""

import json
import re

import pytest
from docs_site.jobs import builders, built, jobs_page
from docs_site.notebooks import Notebook, load
from docs_site.site import ROOT
from docs_site.tables import entries

from data_ops.bundle import load_bundle
from data_ops.config import DOMAINS
from data_ops.runs import get_domain

TABLES = entries(map(get_domain, DOMAINS))


@pytest.fixture(scope="module")
def notebooks():
    paths = ROOT.glob("notebooks_jobs/*/*.ipynb")
    return {path: load(ROOT, path, f"/jobs/{path.parent.name}/{path.stem}.md") for path in paths}


@pytest.fixture(scope="module")
def page(notebooks):
    return jobs_page(load_bundle(root=ROOT), notebooks, TABLES)


@pytest.mark.parametrize(
    ("call", "tables"),
    [
        ('jobs.build(globals(), "member", "silver_a", "silver_b")', ("silver_a", "silver_b")),
        (
            'jobs.land(globals(), "member")',
            ("bronze_beneficiary", "bronze_beneficiary_history", "bronze_person_crosswalk"),
        ),
        ("from data_ops import jobs", ()),
        ("%matplotlib inline", ()),
    ],
)
def test_what_a_notebook_builds_is_what_its_call_names(call, tables):
    assert built(Notebook("f", "/p.md", ({"cell_type": "code", "source": call},)), TABLES) == tables


def test_every_table_of_the_domains_is_built_by_one_task(notebooks):
    made = builders(load_bundle(root=ROOT), notebooks, TABLES)
    assert set(made) == {name for name, entry in TABLES.items() if entry.owner != "ops"}
    job, task = made["silver_member_status"]
    assert (job.key, task.task_key) == ("member", "silver_eligibility")


def test_every_task_is_drawn_after_those_it_waits_for(page):
    for job in load_bundle(root=ROOT).jobs:
        for task in job.tasks:
            edges = [f"    {before} --> {task.task_key}\n" for before in task.after]
            assert [edge for edge in edges if edge not in page] == []
            assert f'    {task.task_key}["{task.task_key}"]\n' in page


def test_every_task_leads_to_its_notebook(page, notebooks):
    assert [book.page for book in notebooks.values() if f"({book.page})" not in page] == []


def test_jobs_stand_in_the_order_in_which_they_run(page):
    assert re.findall(r"(?m)^## (\w+)", page)[: len(DOMAINS)] == list(DOMAINS)


def test_parameters_have_the_target_s_values(page):
    assert "Default in dev" in page and "dev&#95;member" in page
    assert json.dumps("{{job.run_id}}") not in page
