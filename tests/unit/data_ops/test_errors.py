"""Errors read as one line and tell the command line what to exit with."""

import pickle

import pytest

from data_ops.utils import errors
from data_ops.utils.errors import DataOpsError

CALLERS = ("ConfigError", "ParameterError", "BundleError")
OTHERS = tuple(
    "SparkError SourceError ContractError QualityError LedgerError TaskError NotebookError".split()
)


def test_an_error_says_what_where_and_what_to_do():
    error = DataOpsError("column A is missing", where="x.csv", todo="send it again")
    assert str(error) == "column A is missing (x.csv): send it again"
    assert (error.what, error.where, error.todo) == (
        "column A is missing",
        "x.csv",
        "send it again",
    )


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({}, "it broke"),
        ({"where": "here"}, "it broke (here)"),
        ({"todo": "mend it"}, "it broke: mend it"),
    ],
)
def test_parts_that_are_not_given_leave_no_trace(parts, text):
    assert str(DataOpsError("it broke", **parts)) == text


def test_white_space_of_any_kind_is_folded_into_one_line():
    error = DataOpsError("a\nb", where="c\r\n\td", todo="  e\n\n f ")
    assert str(error) == "a b (c d): e f"


@pytest.mark.parametrize("name", CALLERS)
def test_the_callers_mistakes_exit_with_2(name):
    assert getattr(errors, name)("x").exit_code == 2


@pytest.mark.parametrize("name", OTHERS)
def test_faults_found_while_running_exit_with_1(name):
    assert getattr(errors, name)("x").exit_code == 1


def test_every_error_is_listed_here_and_caught_by_the_base_class():
    kinds = {name for name in errors.__all__ if isinstance(getattr(errors, name), type)}
    assert kinds == {"DataOpsError", *CALLERS, *OTHERS}
    assert all(issubclass(getattr(errors, name), DataOpsError) for name in kinds)


class SparkStopped(Exception):
    """What Spark raises: a condition, and a message that quotes the row."""

    def getCondition(self):
        return self.args[0]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("Ada"), "stopped with ValueError"),
        (SparkStopped("DIVIDE_BY_ZERO", "Ada"), "Spark stopped with DIVIDE_BY_ZERO"),
        (SparkStopped("CAST_INVALID_INPUT", "'Ada'"), "a value is not of its column's type"),
        (
            SparkStopped("DELTA_VIOLATE_CONSTRAINT", "CHECK constraint paid_ok (x) by Ada"),
            "a row breaks the constraint paid_ok",
        ),
    ],
)
def test_an_error_of_spark_loses_its_values_and_keeps_its_kind(error, told):
    text = str(errors.without_values(error, where="silver_x"))
    assert text.startswith(f"{told} (silver_x): ") and "Ada" not in text


def test_an_error_of_ours_stays_as_it_is():
    error = errors.SourceError("a")
    assert errors.without_values(error, where="b") is error


def test_an_error_survives_the_way_to_another_process():
    error = pickle.loads(pickle.dumps(errors.SourceError("a", where="b", todo="c")))
    assert (type(error), str(error), error.where) == (errors.SourceError, "a (b): c", "b")
