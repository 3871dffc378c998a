"""Two runs of a program on one picture."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

import autograd_bp as ab
import viz
from autograd_bp import Tensor, Value

SVG = "{http://www.w3.org/2000/svg}"


def run(x, w=-0.7):
    x, w = Value(x, name="x"), Value(w, name="w")
    return ab.square(ab.tanh(x * w) - 0.3)


def shown(picture):
    return [text.text for text in ET.fromstring(picture.svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("style", ["textbook", "nodes"])
def test_what_differs_is_written_before_and_after(style):
    found = shown(viz.diff(run(2.0), run(-0.5), style=style))
    assert "2 → -0.5" in found
    assert "-1.4 → 0.35" in found
    assert "-0.7" in found  # It is the same in both.
    assert "sign flipped" in found


def test_the_layout_is_that_of_one_run():
    assert len(viz.diff(run(2.0), run(-0.5)).picture.nodes) == 7


def test_the_picture_counts_the_differences():
    assert viz.diff(run(2.0), run(-0.5)).picture.remarks == (
        "5 of 7 nodes have another value, 5 another gradient, 4 of them with the sign changed",
    )
    assert viz.diff(run(2.0), run(2.0)).picture.remarks == (
        "0 of 7 nodes have another value, 0 another gradient",
    )


def test_nodes_that_differ_stand_out():
    picture = viz.diff(run(2.0, 1.0), run(2.0, 3.0))
    states = {node.name: node.before.state for node in picture.picture.nodes if node.name}
    assert states == {"x": "changed", "w": "changed"}  # The gradient of x is another.
    assert 'class="box leaf changed"' in picture.svg
    assert "changed" not in viz.diff(run(2.0), run(2.0)).svg


def test_what_only_one_run_did_is_added_or_removed():
    def other(x):
        x = Value(x, name="x")
        return ab.exp(x * 2.0) + x

    def this(x):
        x = Value(x, name="x")
        return ab.tanh(x * 2.0) * 3.0 + x

    picture = viz.diff(other(1.0), this(1.0))
    states = {
        node.operation.name: node.before.state for node in picture.picture.nodes if node.operation
    }
    assert states["exp"] == "removed"
    assert states["tanh"] == "added"
    assert picture.picture.remarks[1] == "1 only in the first run, 3 only in the second run"
    assert all(edge.source < edge.target for edge in picture.picture.edges)
    assert "operation removed" in picture.svg
    assert "operation added" in picture.svg


def test_programs_with_nothing_in_common_are_drawn_beside_each_other():
    picture = viz.diff(ab.exp(Value(1.0, name="a")), ab.tanh(Value(1.0, name="b")))
    assert len(picture.picture.nodes) == 4
    assert picture.svg


def test_a_picture_taken_before_training_can_be_compared_with_one_after():
    w = Tensor(np.ones(3), name="w")
    x = np.arange(3.0)
    before = viz.draw(ab.sum(ab.square(w * x - 1.0))).picture
    w.data = w.data - 0.5
    picture = viz.diff(before, ab.sum(ab.square(w * x - 1.0)))
    assert "→ [0.5  0.5  0.5]" in shown(picture) or "[1  1  1] → [0.5  0.5  0.5]" in shown(picture)


def test_the_tree_of_a_comparison_tells_what_was():
    (product,) = [line for line in viz.diff(run(2.0), run(-0.5)).text.splitlines() if " × " in line]
    assert "= 0.35" in product
    assert "was -1.4, grad was" in product
    assert "only in the first run" in viz.diff(ab.exp(Value(1.0)), ab.tanh(Value(1.0))).text


def test_a_difference_behind_the_shown_digits_is_shown_with_all_of_them():
    def once(x):
        return Value(x, name="x") * 1.0

    assert "1 → 1.0000000000000002" in shown(viz.diff(once(1.0), once(1.0000000000000002)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nan_is_the_same_as_nan():
    def once():
        return ab.log(Value(-1.0, name="x"))

    assert viz.diff(once(), once()).picture.remarks[0].startswith("0 of 2 nodes have another value")
