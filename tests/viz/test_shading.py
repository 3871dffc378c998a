"""Gradient flow as colour and width, by size and by gain, with a legend."""

import re

import pytest

import autograd_bp as ab
import viz
from autograd_bp import Value
from viz.scene import SHADES
from viz.shading import shading
from viz.trace import trace


@pytest.fixture
def vanishing():
    h = Value(0.5, name="x")
    for number in range(6):
        h = ab.sigmoid(h * Value(0.7, name=f"w{number}"))
    return h


def test_the_largest_gradient_has_the_last_shade_and_the_smallest_the_first(vanishing):
    picture = trace(vanishing)
    found = shading(picture, "size")
    by_size = sorted(
        (node.gradient.size, found.nodes[node.id]) for node in picture.nodes if node.gradient
    )
    assert by_size[0][1] == 0
    assert by_size[-1][1] == SHADES - 1
    assert [shade for _, shade in by_size] == sorted(shade for _, shade in by_size)


def test_shades_are_even_steps_of_the_logarithm():
    x = Value(1.0, name="x")
    total = x * 1.0
    for power in range(1, 7):
        total = total + x * 10.0**-power
    picture = trace(total)
    found = shading(picture, "size")
    shades = [
        found.edges[edge.id] for edge in picture.edges if picture.nodes[edge.source].name == "x"
    ]
    assert shades == [6, 5, 4, 3, 2, 1, 0]


def test_gradients_nearly_the_same_have_nearly_the_same_shade():
    x = Value(1.0, name="x")
    picture = trace(x * 1.0 + x * 1.1)
    assert set(shading(picture, "size").edges.values()) <= {SHADES - 2, SHADES - 1}


def test_a_gain_is_what_a_step_back_makes_of_a_gradient():
    x = Value(1.0, name="x")
    factors = [1e-3, 0.05, 0.3, 1.0, 4.0, 50.0, 2e3]
    total = x * factors[0]
    for factor in factors[1:]:
        total = total + x * factor
    picture = trace(total)
    found = shading(picture, "gain")
    shades = [
        found.edges[edge.id] for edge in picture.edges if picture.nodes[edge.source].name == "x"
    ]
    assert shades == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("by", ["size", "gain"])
def test_zero_and_what_is_not_finite_have_no_shade_but_their_own_look(by):
    zero, infinite = Value(0.0, name="zero"), Value(0.0, name="infinite")
    picture = trace(zero * zero + ab.sqrt(infinite))
    found = shading(picture, by)
    for edge in picture.edges:
        plain = edge.contribution.finite and not edge.contribution.zero
        assert (edge.id in found.edges) == plain
    svg = viz.draw(zero * zero + ab.sqrt(infinite), flow=by).svg
    assert 'class="back zero"' in svg
    assert 'class="back alarm"' in svg


@pytest.mark.parametrize("style", ["textbook", "nodes"])
@pytest.mark.parametrize("theme", ["light", "dark", "colour-blind", "print"])
def test_colour_and_width_grow_with_the_shade(vanishing, style, theme):
    svg = viz.draw(vanishing, flow="size", style=style, theme=theme).svg
    rules = re.findall(r"path\.back\.shade(\d)\{stroke:(#\w+);stroke-width:([\d.]+)\}", svg)
    assert [int(shade) for shade, _, _ in rules] == list(range(SHADES))
    widths = [float(width) for _, _, width in rules]
    assert widths == sorted(set(widths))
    assert len({colour for _, colour, _ in rules}) == SHADES


def test_the_legend_tells_the_scale(vanishing):
    svg = viz.draw(vanishing, flow="size").svg
    assert "size of gradient" in svg
    assert svg.count('<rect class="shade') == SHADES
    assert "gain of each step back" in viz.draw(vanishing, flow="gain").svg
    assert "shade" not in viz.draw(vanishing).svg


def test_without_any_gradient_there_is_a_picture_all_the_same():
    assert "no gradients" in viz.draw(Value(1.0, requires_grad=False), flow="size").svg
    assert viz.draw(Value(1.0), flow="gain").svg


def test_the_shades_are_in_the_dot_too(vanishing):
    from viz.theme import LIGHT

    assert LIGHT.sizes[0] in viz.draw(vanishing, flow="size").dot


def test_another_kind_of_flow_is_refused(vanishing):
    with pytest.raises(ValueError, match="flow must be size or gain"):
        viz.draw(vanishing, flow="speed")
