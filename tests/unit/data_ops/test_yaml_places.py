"""Values of YAML: what they are, and where they stand."""

import pytest

from data_ops.utils.yaml_places import Node, nearest, parse_yaml, read_yaml

TEXT = """\
# a comment
name: demo
"on": yes
tags:
  at: 12:30
  day: 2026-01-31
  since: 007
tasks:
  - key: a
    more: >
      folded
      text

  - key: b
usual: &usual {retries: 3, wait: 1.5}
job:
  <<: *usual
  retries: 0
empty:
"""


@pytest.fixture(scope="module")
def tree():
    node, faults = parse_yaml(TEXT, "x.yml")
    assert faults == ()
    return node


@pytest.mark.parametrize(
    "keys, value, line",
    [
        (("name",), "demo", 2),
        (("on",), "yes", 3),
        (("tags", "at"), "12:30", 5),
        (("tags", "day"), "2026-01-31", 6),
        (("tags", "since"), 7, 7),
        (("job", "retries"), 0, 18),
        (("job", "wait"), 1.5, 15),
        (("empty",), None, 19),
    ],
)
def test_values_are_what_databricks_reads_and_know_their_lines(tree, keys, value, line):
    assert (tree.at(*keys).value, tree.at(*keys).line, tree.at(*keys).file) == (
        value,
        line,
        "x.yml",
    )


def test_what_stands_in_a_list_has_a_line_of_its_own(tree):
    assert [(node.at("key").value, node.line) for node in tree.at("tasks").each()] == [
        ("a", 9),
        ("b", 14),
    ]
    assert tree.at("tasks").line == 8


def test_what_is_not_there_is_a_node_of_nothing(tree):
    lost = tree.at("name", "of", "nobody")
    assert not lost.there and lost.text == "" and not lost.items() and lost.each() == []


def test_only_blocks_to_be_used_elsewhere_are_a_shelf(tree):
    assert tree.at("usual").shelf and not tree.at("job").shelf and not tree.at("name").shelf
    assert Node({"all": tree.at("usual")}).shelf


def test_a_copy_with_another_value_leaves_the_first_as_it_was(tree):
    assert tree.put("name", Node("x")).at("name").text == "x" and tree.at("name").text == "demo"


@pytest.mark.parametrize("text", ["a: b: c", "a: [", "a\tb: {", "\x07", "a: 'x", "- a\nb: c"])
def test_what_is_no_yaml_is_one_fault_with_a_line_of_the_file(text):
    node, [fault] = parse_yaml(text, "x.yml")
    assert node is None and 1 <= fault.line <= len(text.splitlines())


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path):
    (tmp_path / "x.yml").write_bytes(b"name: \xff")
    assert [str(fault) for fault in read_yaml(tmp_path, "x.yml")[1]] == [
        "x.yml:1: not a text in UTF-8; save it as UTF-8"
    ]
    assert read_yaml(tmp_path, "y.yml")[0] is None


def test_a_name_is_only_taken_for_another_that_is_near():
    assert nearest("catlog", ["catalog", "schema"], "look") == "did you mean 'catalog'?"
    assert nearest("x", ["catalog", "schema"], "look") == "look"
