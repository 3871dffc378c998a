"""Scopes: which nodes were made in which call."""

from __future__ import annotations

import copy
import gc
import threading
import time
import weakref
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import Tensor, Value, nn
from autograd_bp.graph import Node, scopes, topological_order


def by_rule(output: Node) -> dict[str, set[tuple[str, ...]]]:
    """The scopes in which each operation stands."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for node, names in scopes(output).items():
        found.setdefault(node.rule.name if node.rule else node.name or "constant", set()).add(names)
    return found


@ab.scope("square")
def square(x: Any) -> Any:
    return x * x


@ab.scope("norm")
def norm(x: Any, y: Any) -> Any:
    return ab.sqrt(square(x) + square(y))


def test_nodes_made_in_a_call_belong_to_its_scope_and_to_those_around_it() -> None:
    x, y = Value(3.0, name="x"), Value(4.0, name="y")
    out = ab.exp(norm(x, y))
    assert by_rule(out) == {
        "x": {()},
        "y": {()},
        "mul": {("norm", "square")},
        "add": {("norm",)},
        "sqrt": {("norm",)},
        "exp": {()},
    }
    assert set(scopes(out)) == set(topological_order(out))
    assert list(scopes(out))[-1] is out


def test_what_was_made_before_the_call_stays_outside_and_leaves_made_in_it_are_inside() -> None:
    x = Value(2.0, name="x")
    before = x + 1.0

    @ab.scope("inner")
    def inner(v: Any) -> Any:
        return v * Value(5.0, name="made inside") - 7.0

    out = inner(before) / before
    assert by_rule(out) == {
        "x": {()},
        "add": {()},
        "made inside": {("inner",)},
        "mul": {("inner",)},
        "sub": {("inner",)},
        "div": {()},
        "constant": {(), ("inner",)},
    }


def test_a_node_that_is_only_passed_through_is_not_made_in_the_call() -> None:
    @ab.scope("nothing")
    def nothing(v: Any) -> Any:
        return v

    x = Value(2.0, name="x")
    y = x * 3.0
    assert by_rule(nothing(y) + nothing(x)) == {
        "x": {()}, "mul": {()}, "constant": {()}, "add": {()}
    }  # fmt: skip


def test_outputs_in_tuples_lists_and_dicts_are_found() -> None:
    @ab.scope("several")
    def several(v: Any) -> Any:
        return {"all": [ab.sin(v), (ab.cos(v), 1.0)], "text": "abc"}

    result = several(Tensor([1.0, 2.0], name="v"))
    out = result["all"][0] * result["all"][1][0]
    assert by_rule(out) == {
        "v": {()}, "sin": {("several",)}, "cos": {("several",)}, "mul": {()}
    }  # fmt: skip


def test_calls_that_share_a_part_of_the_graph_each_keep_their_own() -> None:
    shared = ab.exp(Value(0.5, name="x"))
    left, right = square(shared), ab.scope("other")(lambda v: v + v)(shared)
    assert by_rule(left - right) == {
        "x": {()}, "exp": {()}, "mul": {("square",)}, "add": {("other",)}, "sub": {()}
    }  # fmt: skip


def test_a_scope_that_calls_itself_is_nested() -> None:
    @ab.scope("down")
    def down(v: Any, depth: int) -> Any:
        return ab.tanh(v) if depth == 0 else ab.sin(down(v, depth - 1))

    assert by_rule(down(Value(1.0, name="x"), 2)) == {
        "x": {()},
        "tanh": {("down", "down", "down")},
        "sin": {("down", "down"), ("down",)},
    }


def test_names_are_any_text_and_must_be_text() -> None:
    name = '<script>"\\\n苹果'
    assert by_rule(ab.scope(name)(ab.exp)(Value(1.0, name="x")))["exp"] == {(name,)}
    with pytest.raises(TypeError, match="scope needs a name"):
        ab.scope(square)  # type: ignore[arg-type]


def test_a_wrapped_function_keeps_its_name_arguments_and_exceptions() -> None:
    assert norm.__name__ == "norm"

    @ab.scope("failing")
    def failing(*, x: float) -> float:
        """Docs."""
        raise KeyError(x)

    assert failing.__doc__ == "Docs."
    with pytest.raises(KeyError):
        failing(x=1.0)


def test_without_recording_nothing_is_noted() -> None:
    x = Tensor([1.0])
    with ab.no_grad():
        y = square(x)
    assert scopes(y) == {y: ()}
    assert y._notes is None


def test_other_notes_stay_beside_the_scope() -> None:
    with ab.debug():
        y = square(Value(2.0))
    assert ab.graph.where_made(y) is not None
    assert scopes(y)[y] == ("square",)
    leaf = Value(1.0)
    square(leaf).backward()
    assert ab.graph.accumulated_calls(leaf) == 1


def test_threads_do_not_see_each_others_scopes() -> None:
    results: dict[str, Any] = {}
    barrier = threading.Barrier(4)

    def work(name: str) -> None:
        @ab.scope(name)
        def chain(x: Any) -> Any:
            for _ in range(200):
                x = ab.sin(x)
                if _ % 50 == 0:
                    barrier.wait()
            return x

        results[name] = chain(Value(1.0))

    threads = [threading.Thread(target=work, args=(f"thread {i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total: Any = sum(results.values())
    inside = [
        names for node, names in scopes(total).items() if node.rule and node.rule.name == "sin"
    ]
    assert len(inside) == 800
    assert sorted(set(inside)) == [(f"thread {i}",) for i in range(4)]


def test_a_graph_with_scopes_is_freed_by_reference_counting_alone() -> None:
    gc.disable()
    try:
        model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Tanh(), nn.Linear(4, 1, rng=1))
        out = square(model(np.ones((2, 3)))).sum()
        watched = [weakref.ref(node) for node in topological_order(out) if node.rule is not None]
        out.backward()
        del out
        assert [ref() for ref in watched] == [None] * len(watched)
    finally:
        gc.enable()


def test_a_graph_with_scopes_is_copied_and_differentiated_again() -> None:
    x = Value(3.0)
    y = square(x) + x
    twin = copy.deepcopy(y)
    twin.backward()
    assert twin.data == 12.0
    (slope,) = ab.gradients(y, [x], create_graph=True)
    assert ab.gradients(slope, [x])[0] == 2.0


@pytest.mark.usefixtures("no_collector")
def test_reading_a_hundred_thousand_nodes_takes_time_in_proportion() -> None:
    def chain(n: int) -> Value:
        x: Any = Value(0.5)
        for _ in range(n // 4):
            x = norm(x, 1.0)
        return x

    def seconds(n: int) -> float:
        out = chain(n)
        start = time.perf_counter()
        assert len(scopes(out)) > n
        return time.perf_counter() - start

    seconds(4_000)
    small, large = min(seconds(10_000) for _ in range(3)), seconds(100_000)
    assert large < 60 * small + 0.5


def test_deeply_nested_calls_are_read_without_recursion() -> None:
    @ab.scope("step")
    def step(x: Any, depth: int) -> Any:
        return ab.sin(x) if depth == 0 else step(x, depth - 1)

    out = step(Value(1.0), 200)
    assert scopes(out)[out] == ("step",) * 201


# -- modules --------------------------------------------------------------------------------------


class Block(nn.Module):
    def __init__(self, rng: np.random.Generator) -> None:
        self.layers = [nn.Linear(2, 2, rng=rng), nn.Linear(2, 2, rng=rng)]

    def forward(self, x: Any) -> Any:
        return self.layers[1](ab.tanh(self.layers[0](x))) + x


class Net(nn.Module):
    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.blocks = {"first": Block(rng), "second": Block(rng)}

    def forward(self, x: Any) -> Any:
        return self.blocks["second"](self.blocks["first"](x))


def test_a_module_is_a_scope_with_the_path_of_its_attributes() -> None:
    net = Net()
    out = net(Tensor([[1.0, 2.0]], name="x")).sum()
    found = by_rule(out)
    assert found["tanh"] == {("Net", "Net.blocks.first"), ("Net", "Net.blocks.second")}
    assert found["matmul"] == {
        ("Net", f"Net.blocks.{name}", f"Net.blocks.{name}.layers.{i}")
        for name in ("first", "second")
        for i in (0, 1)
    }
    assert found["sum"] == {()}
    assert found["blocks.first.layers.0.weight"] == {()}


def test_the_outermost_module_may_have_a_name() -> None:
    net = nn.Sequential(nn.Linear(2, 2, rng=0), nn.ReLU())
    net.name = "classifier"
    found = by_rule(net(np.ones((1, 2))))
    assert found["relu"] == {("classifier", "classifier.1")}
