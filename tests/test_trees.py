"""Nested containers taken apart and put together again."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_bp as ab
from autograd_bp import Tensor, Value
from autograd_bp.trees import flatten


class Layer(NamedTuple):
    W: Any
    b: Any = None


Pair = namedtuple("Pair", "first second")


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves | st.none(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.lists(inner, max_size=3).map(tuple)
            | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
            | st.tuples(inner, inner).map(lambda pair: Layer(*pair))
            | st.tuples(inner, inner).map(lambda pair: Pair(*pair))
        ),
        max_leaves=12,
    )


NUMBERS = st.floats(allow_nan=False)


@given(tree=nested(NUMBERS))
def test_what_is_taken_apart_comes_back_the_same(tree: Any) -> None:
    leaves, structure = flatten(tree)
    assert all(isinstance(leaf, float) for leaf in leaves)
    again = structure.unflatten(leaves)
    assert again == tree
    assert repr(again) == repr(tree)  # equal lists and tuples of the same classes
    assert len(structure.paths) == len(leaves)
    assert len(set(structure.paths)) == len(leaves)


@given(tree=nested(NUMBERS))
def test_leaves_come_in_order_and_paths_lead_to_them(tree: Any) -> None:
    leaves, structure = flatten(tree)
    for leaf, path in zip(leaves, structure.paths, strict=True):
        assert eval(f"tree{path}", {"tree": tree}) == leaf


@given(tree=nested(NUMBERS), factor=st.sampled_from([0.0, -1.0, 2.0]))
def test_the_gradient_of_any_tree_has_its_structure(tree: Any, factor: float) -> None:
    tree = map_leaves(tree, lambda _: 1.5)

    def f(tree: Any) -> Any:
        return sum((factor * leaf for leaf in flatten(tree)[0]), start=0.0)

    slopes = ab.grad(f)(tree)
    assert slopes == map_leaves(tree, lambda _: factor)
    assert repr(slopes) == repr(map_leaves(tree, lambda _: factor + 0.0)) or factor == 0.0


def map_leaves(tree: Any, change: Any) -> Any:
    if tree is None:
        return None
    if isinstance(tree, dict):
        return {key: map_leaves(branch, change) for key, branch in tree.items()}
    if hasattr(tree, "_fields"):
        return type(tree)(*(map_leaves(branch, change) for branch in tree))
    if isinstance(tree, list | tuple):
        return type(tree)(map_leaves(branch, change) for branch in tree)
    return change(tree)


@pytest.mark.parametrize(
    "leaf",
    [
        1,
        2.5,
        True,
        np.float32(1),
        np.int64(1),
        np.ones((2, 0)),
        np.array(1.0),
        Value(1.0),
        Tensor([1.0]),
    ],
    ids=lambda leaf: type(leaf).__name__,
)
def test_numbers_arrays_and_nodes_are_leaves(leaf: Any) -> None:
    leaves, structure = flatten([{"x": leaf}])
    assert len(leaves) == 1
    assert leaves[0] is leaf
    assert structure.unflatten([7.0]) == [{"x": 7.0}]


def test_none_and_empty_containers_hold_nothing_and_come_back() -> None:
    for tree in (None, [], (), {}, [None, ({}, [])], {"a": None}):
        leaves, structure = flatten(tree)
        assert leaves == []
        assert structure.unflatten([]) == tree
        assert type(structure.unflatten([])) is type(tree)


def test_dicts_of_other_classes_come_back_as_their_class() -> None:
    ordered = OrderedDict([("b", 1.0), ("a", 2.0)])
    again = flatten(ordered)[1].unflatten([3.0, 4.0])
    assert type(again) is OrderedDict
    assert list(again.items()) == [("b", 3.0), ("a", 4.0)]
    counted: defaultdict[str, Any] = defaultdict(list, w=1.0)
    again = flatten(counted)[1].unflatten([3.0])
    assert type(again) is defaultdict
    assert again["missing"] == []
    assert ordered == OrderedDict([("b", 1.0), ("a", 2.0)])
    assert "missing" not in counted


def test_a_mapping_that_is_no_dict_is_taken_apart_too() -> None:
    class Frozen(Mapping[str, Any]):
        def __init__(self, **entries: Any) -> None:
            self._entries = entries

        def __getitem__(self, key: str) -> Any:
            return self._entries[key]

        def __iter__(self) -> Iterator[str]:
            return iter(self._entries)

        def __len__(self) -> int:
            return len(self._entries)

    assert dict(ab.grad(lambda p: p["a"] * p["b"])(Frozen(a=2.0, b=3.0))) == {"a": 3.0, "b": 2.0}


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ("text", ["str"]),
        ([1.0, "text"], ["[1]", "str"]),
        ({"layer": [{"W": {1.0}}]}, ["['layer'][0]['W']", "set"]),
        ((1.0, (lambda: 1.0,)), ["[1][0]", "function"]),
        ([object()], ["[0]", "object"]),
        ([1j], ["[0]", "complex"]),
        ([range(3)], ["[0]", "range"]),
        ({"x": b"bytes"}, ["['x']", "bytes"]),
    ],
)
def test_what_can_not_be_differentiated_is_refused_with_its_place(
    tree: Any, words: list[str]
) -> None:
    for act in (flatten, ab.grad(lambda _: 1.0)):
        with pytest.raises(TypeError) as caught:
            act(tree)
        for word in words:
            assert word in str(caught.value)


def test_the_wrong_number_of_leaves_is_refused() -> None:
    _, structure = flatten([1.0, 2.0])
    for leaves in ([1.0], [1.0, 2.0, 3.0], []):
        with pytest.raises(ValueError, match="2"):
            structure.unflatten(leaves)


def test_a_container_that_holds_itself_is_refused_or_at_least_ends() -> None:
    endless: list[Any] = [1.0]
    endless.append(endless)
    with pytest.raises((ValueError, TypeError, RecursionError)):
        flatten(endless)
