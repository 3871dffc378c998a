"""Not run, zero, unreachable, detached, accumulated, not finite: each looks like itself."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import autograd_bp as ab
import viz
from autograd_bp import Tensor, Value
from viz.trace import trace

SVG = "{http://www.w3.org/2000/svg}"


def states(output):
    return {node.name: node.state for node in trace(output).nodes if node.name}


def shown(picture):
    return [text.text for text in ET.fromstring(picture.svg).iter(f"{SVG}text")]


def test_before_backward_gradients_are_shown_and_that_grad_is_still_empty():
    x = Value(3.0, name="x")
    picture = viz.draw(x * x)
    assert states(x * x) == {"x": "not run"}
    assert "3 + 3 = 6" in shown(picture)
    assert "backward() has not run: .grad is still empty" in shown(picture)
    assert ".grad: empty, backward() has not run" in picture.svg


def test_after_backward_nothing_is_said_of_it_and_grad_is_in_the_tooltip():
    x = Value(3.0, name="x")
    y = x * x
    y.backward()
    picture = viz.draw(y)
    assert states(y) == {"x": "arrived"}
    assert not any("backward()" in text for text in shown(picture))
    assert ".grad: 6.0, from 1 call of backward()" in picture.svg


@pytest.mark.parametrize("style", ["textbook", "nodes"])
def test_a_gradient_accumulated_over_calls_says_from_how_many(style):
    x, w = Value(3.0, name="x"), Value(2.0, name="w")
    (x * 2.0).backward()
    y = x * w
    y.backward()
    picture = viz.draw(y, style=style)
    assert states(y) == {"x": "accumulated", "w": "arrived"}
    assert ".grad: 4 from 2 calls" in shown(picture)
    classes = re.findall(r'class="box ([^"]*)"', picture.svg)
    assert "leaf accumulated" in classes
    assert "peripheries=2" in picture.dot
    # The gradient of this output is still its own.
    assert trace(y).nodes[0].gradient.entries == (2.0,)


def test_a_tensor_has_the_same_states():
    x = Tensor([1.0, 2.0], name="x")
    y = ab.sum(x * 3.0)
    assert states(y) == {"x": "not run"}
    y.backward()
    y.backward()
    assert states(y) == {"x": "accumulated"}
    assert ".grad: [6  6] from 2 calls" in shown(viz.draw(y))


def test_zero_detached_and_not_finite_are_states_of_their_own():
    zero, fixed = Value(0.0, name="zero"), Value(2.0, name="fixed", requires_grad=False)
    x = Value(0.0, name="x")
    with np.errstate(all="ignore"):
        y = zero * zero + fixed * Value(1.0, name="one") + ab.sqrt(x)
    y.backward()
    assert states(y) == {"zero": "zero", "fixed": "detached", "one": "arrived", "x": "non-finite"}


def test_what_no_gradient_reaches_is_unreachable(monkeypatch):
    x = Value(2.0, name="x")
    y = x * 3.0
    monkeypatch.setattr(ab.graph, "contributions", lambda *_: (None, None))
    monkeypatch.setattr(ab.graph, "cotangents", lambda output, _: {output: 1.0})
    picture = viz.draw(y)
    assert picture.picture.nodes[0].state == "unreachable"
    assert "leaf unreachable" in picture.svg
    assert "no gradient" in shown(picture)


def test_a_gradient_set_by_hand_is_told_as_that():
    x = Value(2.0, name="x")
    x.grad = 7.0
    assert ".grad: 7.0, set by hand" in viz.draw(x * 3.0).svg
    assert states(x * 3.0) == {"x": "arrived"}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_states_are_drawn_in_ways_of_their_own():
    def look(output, name):
        root = ET.fromstring(viz.draw(output).svg)
        groups = {
            group.get("id").split("-")[-1]: group
            for group in root.iter(f"{SVG}g")
            if group.get("id")
        }
        (box,) = [
            group
            for group in groups.values()
            if (group.find(f"{SVG}title").text or "").startswith(name)
            and "box" in group.get("class").split()
            and "output" not in group.get("class")
        ]
        arrow = groups["e" + box.get("id").split("-n")[-1]]
        back = [
            path.get("class") for path in arrow.iter(f"{SVG}path") if "back" in path.get("class")
        ]
        notes = [text.text for text in box.iter(f"{SVG}text") if ".grad" in text.text]
        unread = any("has not run" in (text.text or "") for text in root.iter(f"{SVG}text"))
        return box.get("class"), tuple(back), bool(notes), unread

    def one(value, make, calls, **options):
        x = Value(value, name="x", **options)
        y = make(x)
        for _ in range(calls):
            y.backward()
        return look(y, "x")

    looks = [
        one(2.0, lambda x: x * 3.0, 0),
        one(2.0, lambda x: x * 3.0, 1),
        one(2.0, lambda x: x * 3.0, 2),
        one(2.0, lambda x: x * 0.0, 1),
        one(0.0, ab.sqrt, 1),
        one(2.0, lambda x: x * Value(1.0), 1, requires_grad=False),
    ]
    assert len(set(looks)) == 6


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_first_value_that_is_not_finite_is_marked_with_only_what_leads_to_it():
    x, y = Value(0.0, name="x"), Value(5.0, name="y")
    bad = ab.log(x * 2.0)
    output = ab.exp(bad + y * y) * bad
    picture = viz.draw(output, nonfinite=True)
    nodes = picture.picture.nodes
    assert [node.name for node in nodes if node.name] == ["x"]
    (marked,) = [node for node in nodes if node.remark]
    assert marked.operation.name == "log"
    assert "first value not finite" in shown(picture)
    assert "-inf" in shown(picture)
    assert any("nodes are left out" in text for text in shown(picture))
    assert "operation marked" in picture.svg


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_if_all_values_are_finite_the_first_gradient_that_is_not_is_marked():
    x, w = Value(0.0, name="x"), Value(2.0, name="w")
    root = ab.sqrt(x * w)
    root.name = "root"
    picture = viz.draw(root * 3.0 + 1.0, nonfinite=True).picture
    (marked,) = [node for node in picture.nodes if node.remark]
    assert marked.remark == "first gradient not finite"
    assert marked.value.entries == (0.0,)
    assert marked.gradient.entries == (float("inf"),)
    assert not any(node.name == "w" for node in picture.nodes)


def test_if_everything_is_finite_the_picture_says_so():
    picture = viz.draw(Value(1.0, name="x") * 2.0, nonfinite=True)
    assert "every value and every gradient is finite" in shown(picture)
    assert len(picture.picture.nodes) == 3


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_trouble_far_inside_a_large_graph_is_found_and_folded():
    h = Value(1.0, name="x")
    for number in range(30_000):
        h = h * 1.0001
        if number == 20_000:
            h = ab.log(h - h)
    picture = viz.draw(h, nonfinite=True)
    assert any(node.remark for node in picture.picture.nodes)
    assert len(picture.picture.nodes) < 30
    assert "folded" in picture.svg
