"""One JSON object a line, stamped with the run, and no way in for a row."""

import io
import json
import logging
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from data_ops.utils.logging import configure, get_logger, set_run_id
from tests.integration.commands import own_log

log = get_logger("data_ops.test")


@pytest.fixture
def lines():
    """Calls give the lines logged so far, parsed; the logger is left as it was found."""
    stream = io.StringIO()
    with own_log():
        configure(stream=stream)
        set_run_id("-")
        yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    set_run_id("-")


def test_an_event_is_one_json_object_with_its_facts(lines):
    log.info("merged", table="silver_x", rows=3, share=0.5, full=True, note=None)
    (line,) = lines()
    told = datetime.fromisoformat(line.pop("ts"))
    assert told.utcoffset() == UTC.utcoffset(None)
    assert line == {
        "level": "info",
        "logger": "data_ops.test",
        "run_id": "-",
        "event": "merged",
        "table": "silver_x",
        "rows": 3,
        "share": 0.5,
        "full": True,
        "note": None,
    }


def test_line_breaks_stay_inside_their_line(lines):
    log.warning("two\nlines", reason="a\nb")
    (line,) = lines()
    assert (line["event"], line["reason"], line["level"]) == ("two\nlines", "a\nb", "warning")


def test_a_percent_sign_is_only_a_percent_sign(lines):
    log.error("100 %s of %d")
    assert lines()[0]["event"] == "100 %s of %d"


def test_the_run_is_stamped_on_every_later_line(lines):
    log.info("before")
    set_run_id("r-7")
    log.info("after")
    get_logger("data_ops.other").info("elsewhere")
    assert [line["run_id"] for line in lines()] == ["-", "r-7", "r-7"]


ROW = "1955-03-14 Ada Lovelace"


@pytest.mark.parametrize(
    "value",
    [{"name": ROW}, [ROW], (ROW,), {ROW}, ROW.encode(), Decimal("12.50"), object(), ROW * 20],
    ids=lambda value: type(value).__name__,
)
def test_what_could_be_a_row_is_refused_and_not_repeated(lines, value):
    with pytest.raises(TypeError, match="log fact 'row' must be") as caught:
        log.info("merged", row=value)
    assert "Lovelace" not in str(caught.value) and lines() == []


def test_a_text_may_be_as_long_as_a_path_but_not_longer(lines):
    log.info("fits", path="x" * 400)
    with pytest.raises(TypeError):
        log.info("does not", path="x" * 401)
    assert [line["event"] for line in lines()] == ["fits"]


def test_configuring_again_replaces_the_former_stream(lines):
    second = io.StringIO()
    configure(stream=second)
    log.info("once")
    assert lines() == [] and len(second.getvalue().splitlines()) == 1


def test_what_is_below_the_level_is_left_out(lines):
    logging.getLogger("data_ops").setLevel("WARNING")
    log.info("quiet")
    log.warning("loud")
    assert [line["event"] for line in lines()] == ["loud"]


def test_configure_sets_the_level():
    stream, root = io.StringIO(), logging.getLogger("data_ops")
    before = root.handlers[:], root.level
    try:
        configure("ERROR", stream)
        log.warning("quiet")
        log.error("loud")
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]


def test_lines_do_not_reach_the_root_logger_a_second_time(lines):
    seen: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = seen.append
    logging.getLogger().addHandler(handler)
    try:
        log.info("once")
    finally:
        logging.getLogger().removeHandler(handler)
    assert len(lines()) == 1 and seen == []


@pytest.mark.parametrize("name", ["ts", "level", "logger", "run_id"])
def test_a_fact_cannot_take_the_place_of_the_lines_own_fields(lines, name):
    log.info("plain")
    try:
        log.info("forged", **{name: "forged"})
    except TypeError:
        return
    assert lines()[-1][name] != "forged"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_know_still_gives_a_json_line(lines, value):
    log.info("judged", share=value)
    lines()  # Python's own reader is lenient: ask it not to be
    stream = logging.getLogger("data_ops").handlers[0].stream.getvalue()
    json.loads(stream, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
