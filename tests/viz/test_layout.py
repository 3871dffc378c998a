"""Places on the picture: nothing covers anything, in either style and direction."""

import operator
import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_bp as ab
import viz
from autograd_bp import Tensor, Value
from viz.emit.svg import size
from viz.layout import place
from viz.scene import block, label_size
from viz.styles import STYLES
from viz.trace import trace

OVERLAP = 1.0


def graph(seed, steps):
    """A random graph with forks, names, constants, unary and binary operations."""
    chance = random.Random(seed)
    values = [Value(chance.uniform(-2, 2), name=name) for name in ("x", "苹果", "a_longer_name")]
    for step in range(steps):
        left, right = chance.choice(values), chance.choice(values[-4:])
        operation = chance.choice((operator.mul, operator.sub, _plus_constant, _tanh))
        result = operation(left, right)
        if step % 3 == 0:
            result.name = f"h{step}"
        values.append(result)
    total = values[-1]
    for value in values[-3:-1]:
        total = total + value
    return total


def _plus_constant(left, _):
    return left + 1.5


def _tanh(_, right):
    return ab.tanh(right)


def rectangles(scene, layout):
    found = [
        (f"box {box.tag}", x, y, box.width, box.height)
        for box, (x, y) in zip(scene.boxes, layout.centers, strict=True)
    ]
    for link, label in zip(scene.links, layout.labels, strict=True):
        if label is not None:
            found.append((f"text {link.tag}", *label, *label_size(link, scene.direction)))
    return found


@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 25))
def test_no_box_and_no_text_covers_another(style, direction, seed, steps):
    scene = STYLES[style](trace(graph(seed, steps)), direction, 4, None)
    layout = place(scene, 20)
    for first, second in combinations(rectangles(scene, layout), 2):
        apart_x = abs(first[1] - second[1]) - (first[3] + second[3]) / 2
        apart_y = abs(first[2] - second[2]) - (first[4] + second[4]) / 2
        assert max(apart_x, apart_y) > -OVERLAP, (first, second)


@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(1, 25))
def test_everything_is_inside_the_picture_and_every_arrow_meets_its_boxes(
    style, direction, seed, steps
):
    scene = STYLES[style](trace(graph(seed, steps)), direction, 4, "a title")
    layout = place(scene, 20)
    width, height = size(scene, layout)
    assert width >= layout.width
    assert height >= layout.height
    for _, x, y, wide, high in rectangles(scene, layout):
        assert -OVERLAP < x - wide / 2 <= x + wide / 2 < layout.width + OVERLAP
        assert -OVERLAP < y - high / 2 <= y + high / 2 < layout.height + OVERLAP
    for link, curve in zip(scene.links, layout.curves, strict=True):
        for box_number, (x, y) in ((link.tail, curve[0]), (link.head, curve[-1])):
            box, (center_x, center_y) = scene.boxes[box_number], layout.centers[box_number]
            outside_x = abs(x - center_x) - box.width / 2
            outside_y = abs(y - center_y) - box.height / 2
            assert max(outside_x, outside_y) < 2.5, (link.tag, box.tag)


@pytest.mark.parametrize("style", STYLES)
def test_the_text_of_a_box_fits_into_it(style):
    weights = Tensor(np.arange(12.0).reshape(3, 4) / 7, name="the weights " * 9)
    scene = STYLES[style](trace(ab.sum(weights * 3.0, axis=0)), "LR", 17, None)
    for box in scene.boxes:
        width, height = block(box.lines)
        assert width <= box.width
        assert height <= box.height


def test_several_arrows_leave_a_box_at_different_places():
    x = Value(2.0, name="x")
    scene = STYLES["textbook"](trace(x * x + x * 3.0), "LR", 4, None)
    layout = place(scene, 20)
    starts = [
        curve[0] for link, curve in zip(scene.links, layout.curves, strict=True) if link.tail == 0
    ]
    assert len(starts) == 3
    assert len({round(y) for _, y in starts}) == 3
    assert len({round(x) for x, _ in starts}) == 1


def test_inputs_stand_in_one_column_at_the_left():
    a, b, c = (Value(2.0, name=name) for name in "abc")
    scene = STYLES["textbook"](trace(a * b * c), "LR", 4, None)
    layout = place(scene, 20)
    places = {
        box.lines[0].text: center
        for box, center in zip(scene.boxes, layout.centers, strict=True)
        if box.classes == "leaf"
    }
    assert len({x for x, _ in places.values()}) == 1
    assert places["a"][1] < places["b"][1] < places["c"][1]


def test_operands_keep_their_order_from_top_to_bottom():
    small, large = Value(2.0, name="small"), Value(8.0, name="large")
    for first, second in ((small, large), (large, small)):
        scene = STYLES["textbook"](trace(first / second), "LR", 4, None)
        layout = place(scene, 20)
        heights = {
            box.lines[0].text: center[1]
            for box, center in zip(scene.boxes, layout.centers, strict=True)
            if box.classes == "leaf"
        }
        assert heights[first.name] < heights[second.name]


@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(1, 25))
def test_no_arrow_runs_through_a_text_or_a_box_that_is_not_its_own(style, direction, seed, steps):
    scene = STYLES[style](trace(graph(seed, steps)), direction, 4, None)
    layout = place(scene, 20)
    solid = rectangles(scene, layout)
    for link, curve in zip(scene.links, layout.curves, strict=True):
        own = {
            f"text {link.tag}",
            *(f"box {scene.boxes[end].tag}" for end in (link.tail, link.head)),
        }
        for x, y in points(curve):
            for name, center_x, center_y, width, height in solid:
                inside = abs(x - center_x) < width / 2 - 2 and abs(y - center_y) < height / 2 - 2
                assert name in own or not inside, (link.tag, name)


def points(curve):
    """Points on a curve, close to one another."""
    for start in range(0, len(curve) - 1, 3):
        piece = curve[start : start + 4]
        for step in range(9):
            share = step / 8
            weights = (
                (1 - share) ** 3,
                3 * share * (1 - share) ** 2,
                3 * share**2 * (1 - share),
                share**3,
            )
            yield tuple(
                sum(w * p[axis] for w, p in zip(weights, piece, strict=True)) for axis in (0, 1)
            )


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_graphs_that_do_not_hang_together_stand_in_the_order_of_the_outputs(direction):
    products = [Value(2.0, name=f"a{n}") * Value(3.0, name=f"b{n}") for n in range(4)]
    scene = STYLES["textbook"](trace(products), direction, 4, None)
    layout = place(scene, 20)
    axis = 1 if direction == "LR" else 0
    places = [
        center[axis]
        for box, center in zip(scene.boxes, layout.centers, strict=True)
        if box.classes == "output"
    ]
    assert places == sorted(places)


def test_frames_hold_what_is_in_them_and_nothing_else():
    inner = ab.scope("inner")(lambda x: ab.tanh(x * 2.0))
    outer = ab.scope("outer")(lambda x: inner(x) + 1.0)
    scene = STYLES["textbook"](viz.draw(outer(Value(1.0, name="x")) * 3.0).picture, "LR", 4, None)
    layout = place(scene, 20)
    inside = {None: set(range(len(scene.boxes)))}
    for number, frame in enumerate(scene.frames):
        left, top, width, height = layout.frames[number]
        found = {
            at
            for at, (x, y) in enumerate(layout.centers)
            if left < x < left + width and top < y < top + height
        }
        assert found <= inside[frame.parent]
        inside[number] = found
        wanted = {at for at, box in enumerate(scene.boxes) if box.frame == number}
        nested = {
            at
            for other, each in enumerate(scene.frames)
            if each.parent == number
            for at, box in enumerate(scene.boxes)
            if box.frame == other
        }
        assert found == wanted | nested
        assert width > frame.label.width
