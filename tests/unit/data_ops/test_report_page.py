"""The page of a run: whole, without a request, readable by all, and honest about failures."""

import re
from dataclasses import replace

import pytest

from data_ops.report_facts import TaskFact
from data_ops.report_page import page
from data_ops.report_pictures import COLOURS, SERIES, STATES
from tests.pages import Page, self_contained

from .reports import BEGAN, facts, failing

NOTHING_RAN = facts(
    tables=(), rules=(), figures=(), unclaimed=(), run_before="",
    tasks=(TaskFact("member", "bronze", "failed", (), 9.0, 2.0, "no file (x.csv): deliver it"),),
)  # fmt: skip
STOPPED = facts(tasks=tuple(replace(task, state="stopped") for task in facts().tasks))
CASES = {"done": facts(), "failed": failing(), "at once": NOTHING_RAN, "stopped": STOPPED}


@pytest.mark.parametrize("case", CASES)
def test_a_page_is_whole_asks_for_nothing_and_says_what_its_pictures_show(case):
    assert self_contained(page(CASES[case])) == []


def test_the_checks_find_what_is_wrong():
    wrong = """<html><h1>a</h1><h3>b</h3><svg></svg><img src="https://x/y.png"><script></script>
        <p>-10000010000</p><p id=a></p><p id=a></p><div></html>"""
    faults = " ".join(self_contained(wrong))
    for fault in ("h3 after h1", "picture says nothing", "image says", "asks for", "<script>",
                  "shows -100", "id a stands", "language", "</html> closes"):  # fmt: skip
        assert fault in faults


def test_what_the_run_did_is_on_the_page():
    text = Page(page(facts())).text
    for told in ("run-2", "01 February 2025, 06:30 UTC", "3 of 3", "1 min 50 s", "memo.txt",
                 "a_2.csv.gz: the archive is <damaged>", "1,000 +100", "10 → 30", "3 → 4",
                 "Compared with run run-1: 2 tables changed, 1 did not; 1 verdict changed.",
                 "1 rule that found nothing"):  # fmt: skip
        assert told in text


def test_a_value_that_rests_on_too_few_persons_is_a_cross_and_is_explained():
    text = Page(page(facts())).text
    assert "×" in text and "fewer than 11 persons is not shown" in text


def test_markup_in_a_name_or_a_reason_is_text():
    changed = facts(unclaimed=("<script>alert(1)</script>.csv",))
    assert self_contained(page(changed)) == []


def test_the_first_run_has_nothing_to_be_compared_with():
    assert "nothing to compare it with" in Page(page(facts(run_before=""))).text


def test_where_nothing_changed_it_says_so():
    same = tuple(
        replace(table, version_before=table.version, account_before=table.account)
        for table in facts().tables
    )
    rules = tuple(replace(rule, verdict_before=rule.verdict) for rule in facts().rules)
    assert "Nothing changed since run run-1" in Page(page(facts(tables=same, rules=rules))).text


# Failures


def test_a_failing_run_says_first_which_task_and_which_rule_stopped_it_and_what_to_do():
    html = page(failing())
    first = html[html.index("<h2>") : html.index("</h2>")]
    assert "claims/silver_a failed: rule key_unique (3) failed (silver_a)" in first
    text = Page(html).text
    assert text.index("What to do.") < text.index("Tasks done")
    assert "See quality_metrics; the table keeps its former contents." in text
    assert "key_unique : 3 of 950 rows. It is there because: one row per claim <line>" in text
    assert "Held back by that: 1 task." in text
    assert 'href="claims/silver_a.ipynb"' in html


def test_a_run_that_went_well_has_no_such_words():
    assert "What to do" not in page(facts())


def test_of_two_failures_the_one_that_came_first_stands_first():
    tasks = (
        TaskFact("claims", "a", "failed", (), 10.0, 50.0, "late (x): do"),
        TaskFact("claims", "b", "failed", (), 10.0, 20.0, "early (y): do"),
    )
    text = Page(page(facts(tasks=tasks))).text
    assert text.index("early") < text.index("late")


def test_a_run_that_was_stopped_says_so():
    assert "The run was stopped" in Page(page(STOPPED)).text


# Colours


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_letters_and_marks_stand_out_from_paper_and_cards(mode):
    letters = {"ink", "muted", "accent", *SERIES, *STATES.values()}
    for ground in ("paper", "card"):
        found = {name: contrast(COLOURS[name][mode], COLOURS[ground][mode]) for name in letters}
        assert {name: value for name, value in found.items() if value < 4.5} == {}


def test_pictures_have_no_colour_of_their_own():
    html = page(facts())
    pictures = "".join(re.findall(r"<svg.*?</svg>", html, re.DOTALL))
    named = re.findall(r"var\(--(\w+), (#\w{6})\)", pictures)
    assert {COLOURS[name][0] for name, _ in named} == {colour for _, colour in named}
    assert len(named) == len(re.findall(r"#[0-9a-fA-F]{6}\b", pictures)) > 50


def test_the_page_is_dated_by_the_run_and_not_by_the_clock():
    assert page(facts()) == page(facts(began=BEGAN))
