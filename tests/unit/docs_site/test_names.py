"""Names in backticks become links where it is sure what they name."""

import pytest
from docs_site.names import link_names, make_names, outside_fences, suffixes

NAMES = make_names(
    [
        ("data_ops.quality.Rule", "/q.md#Rule"),
        ("data_ops.quality.split", "/q.md#split"),
        ("data_ops.quality.rules_for", "/q.md#rules_for"),
        ("data_ops.tasks.build", "/t.md#build"),
        ("data_ops.jobs.build", "/j.md#build"),
        ("data_ops.contracts.Column", "/c.md#Column"),
        ("data_ops.contracts.Table.reads", "/c.md#Table.reads"),
    ],
    [("data_ops.quality", "/q.md"), ("data_ops.tasks", "/t.md")],
    {"silver_people": "/d/silver_people.md", "nbs/10_x.ipynb": "/library/10_x.md"},
    {"/q.md": {"Column": "pyspark.sql.Column"}, "/x.md": {"rule": "data_ops.quality"}},
)


@pytest.mark.parametrize(
    ("name", "page", "address"),
    [
        ("Rule", "/x.md", "/q.md#Rule"),
        ("rules_for", "/x.md", "/q.md#rules_for"),
        ("quality.split", "/x.md", "/q.md#split"),
        ("data_ops.quality.split", "", "/q.md#split"),
        ("split", "/x.md", ""),  # a word
        ("split", "/q.md", "/q.md#split"),
        ("build", "/x.md", ""),  # two of them
        ("build", "/j.md", "/j.md#build"),
        ("tasks.build", "/x.md", "/t.md#build"),
        ("Table.reads", "/x.md", "/c.md#Table.reads"),
        ("reads", "/c.md", ""),
        ("quality", "/x.md", ""),
        ("data_ops.quality", "/x.md", "/q.md"),
        ("silver_people", "/x.md", "/d/silver_people.md"),
        ("Column", "/x.md", "/c.md#Column"),
        ("Column", "/q.md", ""),  # there it is Spark's
        ("rule.split", "/x.md", "/q.md#split"),  # a module under another name
        ("nothing", "/x.md", ""),
    ],
)
def test_a_name_leads_to_what_it_surely_names(name, page, address):
    assert NAMES.address(name, page) == address


@pytest.mark.parametrize(
    ("line", "linked"),
    [
        ("see `Rule`.", "see [`Rule`](/q.md#Rule)."),
        ("`nbs/10_x.ipynb`", "[`nbs/10_x.ipynb`](/library/10_x.md)"),
        ("`Rule` and `rules_for()`", "[`Rule`](/q.md#Rule) and [`rules_for()`](/q.md#rules_for)"),
        ("[`Rule`](x.md)", "[`Rule`](x.md)"),
        ("[of `Rule` here](x.md)", "[of `Rule` here](x.md)"),
        ("## `Rule`", "## `Rule`"),
        ("``Rule``", "``Rule``"),
        ("`a Rule`", "`a Rule`"),
    ],
)
def test_text_is_linked_and_links_headings_and_other_code_are_not(line, linked):
    assert link_names(line, NAMES, "/x.md") == linked + "\n"


def test_a_page_does_not_link_to_itself():
    assert link_names("`silver_people`", NAMES, "/d/silver_people.md") == "`silver_people`\n"


def test_code_blocks_stay_as_they_are():
    text = "`Rule`\n```python\n`Rule`\n```\n`Rule`\n~~~~\n```\n`Rule`\n~~~~\n"
    assert link_names(text, NAMES, "/x.md").count("(/q.md#Rule)") == 2
    assert outside_fences("a\n```\na\n```\na\n", str.upper) == "A\n```\na\n```\nA\n"


def test_suffixes():
    assert suffixes("a.b.c") == ["a.b.c", "b.c", "c"]
