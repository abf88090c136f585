"""Errors read as one line and tell the command line what to exit with."""

import pickle

import pytest

from data_ops.utils import errors
from data_ops.utils.errors import DataOpsError

CALLERS = ("ConfigError", "ParameterError", "BundleError")
OTHERS = ("SparkError", "SourceError", "ContractError", "QualityError", "LedgerError", "TaskError")


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
    assert set(errors.__all__) == {"DataOpsError", *CALLERS, *OTHERS}
    assert all(issubclass(getattr(errors, name), DataOpsError) for name in errors.__all__)


def test_an_error_survives_the_way_to_another_process():
    error = pickle.loads(pickle.dumps(errors.SourceError("a", where="b", todo="c")))
    assert (type(error), str(error), error.where) == (errors.SourceError, "a (b): c", "b")
