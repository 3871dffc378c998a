"""The public operations as a whole."""

from __future__ import annotations

import builtins
import inspect

import numpy as np
import pytest

import autograd_bp as ab
from tests import (
    test_functions_elementwise,
    test_functions_indexing,
    test_functions_products,
    test_functions_reductions,
    test_functions_shapes,
)
from tests.function_cases import Operand
from tests.linalg import linalg_table
from tests.numpy import function_table

MODULES = (
    function_table,
    linalg_table,
    test_functions_elementwise,
    test_functions_indexing,
    test_functions_products,
    test_functions_reductions,
    test_functions_shapes,
)
CASES = [case for module in MODULES for case in module.CASES]
WITHOUT_DERIVATIVE = {name for name, _ in test_functions_elementwise.PREDICATE_CALLS} | {"one_hot"}
# Some of their results have no derivative, or they are called otherwise: tests/numpy has them.
APART = {
    "frexp",
    "vectorize",
    "unique_counts",
    "unique_inverse",
    "unique_all",
    "histogram",
    "intersect1d",
    "linalg.matrix_rank",
}


def test_no_public_operation_is_left_without_a_case() -> None:
    covered = {case.name for case in CASES} | WITHOUT_DERIVATIVE | APART
    assert set(ab.PUBLIC) - covered == set()
    assert {f"linalg.{name}" for name in ab.linalg.__all__} - covered == set()


def test_every_operation_with_a_derivative_is_differentiated_by_each_of_its_array_arguments() -> (
    None
):
    most = {}
    for case in CASES:
        count = len([arg for arg in case.args if isinstance(arg, Operand)])
        most[case.name] = max(most.get(case.name, 0), count)
    for name, operation in ab.PUBLIC.items():
        rule = getattr(operation, "rule", None)
        if rule is not None:
            assert most[name] == len(rule.args), name


@pytest.mark.parametrize("name", sorted(ab.PUBLIC))
def test_every_operation_is_an_attribute_of_the_package_with_a_docstring(name: str) -> None:
    operation = getattr(ab, name)
    assert operation is ab.PUBLIC[name]
    # `from autograd_bp import *` leaves the builtins alone, as NumPy's does.
    assert (name in ab.__all__) is not hasattr(builtins, name)
    assert operation.__doc__
    inspect.signature(operation)


# On plain arrays these are NumPy's own business.
ANY_ARRAY = WITHOUT_DERIVATIVE | {"asarray", "atleast_1d", "atleast_2d", "round", "around"}


@pytest.mark.parametrize(
    "operand", [np.array([1j, 2.0]), "text", None], ids=["complex", "text", "none"]
)
@pytest.mark.parametrize("name", sorted(set(ab.PUBLIC) - ANY_ARRAY - {"vectorize"}))
def test_every_operation_refuses_complex_numbers_text_and_none(name: str, operand: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        ab.PUBLIC[name](*(operand,) * _operands(name))


def _operands(name: str) -> int:
    counts = [
        len([arg for arg in case.args if isinstance(arg, Operand)])
        for case in CASES
        if case.name == name
    ]
    return max([*counts, 1])


def test_a_name_that_is_nearly_right_is_suggested() -> None:
    with pytest.raises(AttributeError, match="sigmoid"):
        _ = ab.sigmiod


def test_the_wrong_number_of_operands_is_told_by_name() -> None:
    for call in (lambda: ab.add(1.0), lambda: ab.exp(1.0, 2.0), lambda: ab.sigmoid()):
        with pytest.raises(TypeError, match=r"add|exp|sigmoid"):
            call()
