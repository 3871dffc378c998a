"""`name=value` on a command line."""

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp.expression import parse
from viz.assignments import AssignmentError, leaves


def test_a_number_becomes_a_named_value_and_a_list_a_named_tensor():
    given = leaves(parse("apple * x @ W"), ["apple=100", "x=[1, 2]", "W = [[1,2],[3,4]]"])
    assert isinstance(given["apple"], ab.Value)
    assert given["apple"].data == 100.0
    assert isinstance(given["x"], ab.Tensor)
    assert np.array_equal(given["W"].data, [[1.0, 2.0], [3.0, 4.0]])
    assert [leaf.name for leaf in given.values()] == ["apple", "x", "W"]


@pytest.mark.parametrize(
    ("assignments", "said"),
    [
        (["apple"], "name=value"),
        (["100"], "name=value"),
        (["=3"], "not a name"),
        (["2x=3"], "not a name"),
        (["a b=3"], "not a name"),
        (["lambda=3"], "meaning of its own"),
        (["apple="], "has no value"),
        (["apple=1", "apple=2"], "twice"),
        (["appel=1"], "did you mean apple?"),
        (["zzz=1"], "it has apple"),
        (["apple=cheap"], "the value of apple"),
        (["apple=[1, [2]]"], "the value of apple"),
        (["apple=__import__('os')"], "the value of apple"),
        (["apple=1=2"], "the value of apple"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(assignments, said):
    with pytest.raises(AssignmentError) as caught:
        leaves(parse("apple * 2"), assignments)
    assert said in str(caught.value)


def test_names_in_another_script_and_normal_form_are_found():
    assert list(leaves(parse("苹果 + ｘ"), ["苹果=1", "ｘ=2"])) == ["苹果", "x"]
