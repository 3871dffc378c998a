"""The steps of a computation: each is what the engine does, and the page says no more than that."""

import json
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_bp as ab
import viz
from autograd_bp import Tensor, Value
from viz.picture import Quantity
from viz.snapshots import snapshot


def apple_tax():
    apple, n, tax = Value(100.0, "apple"), Value(2.0, "n"), Value(1.1, "tax")
    price = apple * n * tax
    price.name = "price"
    return price


def forked():
    x, w = Value(0.5, "x"), Value(-0.3, "w")
    y = ab.tanh(w * x + 0.1) * x + x * x
    y.name = "y"
    return y


def data_of(page):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1])


def engine_events(output):
    """What the engine does on the way back, recomputed here: every contribution in its order."""
    cotangents = ab.graph.cotangents(output)
    sums, events = {}, []
    for node in reversed(ab.graph.topological_order(output, constants=False)):
        if node not in cotangents or node.rule is None:
            continue
        sent = ab.graph.contributions(node, cotangents[node])
        for parent, contribution in zip(node.parents, sent, strict=True):
            if contribution is not None:
                before = sums.get(parent)
                sums[parent] = contribution if before is None else before + contribution
                events.append((cotangents[node], contribution, before, sums[parent]))
    for node, total in sums.items():
        np.testing.assert_array_equal(total, cotangents[node])
    return events


def small_network():
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(4, 3)), Tensor(rng.normal(size=(3, 2)), "W"), Tensor([0.0, 1.0], "b")
    loss = ab.mean((ab.tanh(x @ w + b) - 0.5) ** 2)
    loss.name = "loss"
    return loss


@pytest.mark.parametrize("made", [apple_tax, forked, small_network])
def test_every_step_back_has_the_numbers_of_the_engine(made):
    output = made()
    passed = [event for event in viz.steps(output).events if event.kind == "passed"]
    expected = engine_events(output)
    assert len(passed) == len(expected)
    for event, numbers in zip(passed, expected, strict=True):
        shown = (event.upstream, event.contribution, event.before, event.after)
        assert shown == tuple(None if n is None else snapshot(n) for n in numbers)


UNARY = (ab.sin, ab.tanh, ab.exp, ab.relu, lambda x: -x, lambda x: x * x)
BINARY = (lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, ab.maximum)


@given(st.data())
def test_running_sums_end_at_the_gradient_on_random_graphs(data):
    nodes = [Value(data.draw(st.floats(-2, 2)), name) for name in ("x", "y")]
    leaves = tuple(nodes)
    for _ in range(data.draw(st.integers(1, 8))):
        pick = st.integers(0, len(nodes) - 1)
        if data.draw(st.booleans()):
            nodes.append(data.draw(st.sampled_from(UNARY))(nodes[data.draw(pick)]))
        else:
            operands = nodes[data.draw(pick)], nodes[data.draw(pick)]
            nodes.append(data.draw(st.sampled_from(BINARY))(*operands))
    steps = viz.steps(nodes[-1])
    sums: dict[int, Quantity | None] = {}
    for event in steps.events:
        if event.kind == "passed":
            assert event.before == sums.get(event.node)
            if event.local is not None:
                product = event.local * event.upstream.entries[0]
                assert math.isclose(event.contribution.entries[0], product, rel_tol=1e-14)
            sums[event.node] = event.after
    picture = steps.diagram.picture
    for node in picture.nodes:
        if node.kind != "constant" and node.id in sums:
            assert sums[node.id] == node.gradient
    complete = [event.node for event in steps.events if event.complete]
    assert len(complete) == len(set(complete)) == len(sums) + 1
    del leaves


def test_values_come_before_gradients_and_operands_before_results():
    events = viz.steps(forked()).events
    kinds = [event.kind for event in events]
    assert kinds == sorted(kinds, key=["given", "computed", "seeded", "passed"].index)
    assert kinds.count("given") == kinds.count("seeded") == 1


def test_a_result_that_wants_no_gradient_has_a_way_forward_only():
    x = Value(2.0, "x", requires_grad=False)
    assert [event.kind for event in viz.steps(x).events] == ["given"]


# -- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [apple_tax, forked, small_network])
def test_the_data_of_the_page_are_the_numbers_of_the_events(made):
    steps = viz.steps(made())
    told = data_of(steps.html())["steps"]
    assert [step["kind"] for step in told] == [event.kind for event in steps.events]
    for step, event in zip(told, steps.events, strict=True):
        for slot, quantity in (
            ("v", event.value),
            ("u", event.upstream),
            ("c", event.contribution),
            ("b", event.before),
            ("a", event.after),
        ):
            if quantity is None:
                assert slot not in step["n"]
            elif quantity.scalar:
                assert step["n"][slot] == quantity.entries[0]
            else:
                assert str(quantity.shape) in step["n"][slot]


def test_all_that_is_lit_is_in_the_picture():
    steps = viz.steps(forked())
    for step in data_of(steps.html())["steps"]:
        lit = [tag for tag in step["lit"] if f'-{tag}"' in steps.svg]
        assert lit
        if step["kind"] == "passed":
            assert f'-{step["lit"][0]}" class="link' in steps.svg


def test_the_chain_rule_is_there_in_words_and_in_mathematics():
    page = viz.steps(apple_tax()).html()
    text = re.sub(r"<[^>]+>", "", page)
    assert "The gradient of price is 1." in text.replace("Back: the", "The")
    assert "t1 changes with apple by n = 2, so apple gets 1.1 × 2 = 2.2." in text
    assert "That is its whole gradient: for each unit of apple, price changes by 2.2." in text
    assert page.count("<math>") > 10
    assert "<mfrac>" in page


def test_a_walk_through_all_steps_is_in_the_page_without_a_script():
    steps = viz.steps(forked())
    page = steps.html()
    assert page.count("<li>") == len(steps.events)
    assert "<noscript>" in page


@pytest.mark.parametrize("made", [apple_tax, forked, small_network])
def test_the_page_is_small(made):
    steps = viz.steps(made())
    assert len(steps.html().encode()) <= 3 * len(steps.svg.encode()) + 100_000


def test_the_page_of_a_large_graph_stays_within_the_same_bound():
    rng = np.random.default_rng(0)
    x = [Value(v, f"x{i}") for i, v in enumerate(rng.normal(size=8))]
    total = Value(0.0, "start")
    for i in range(40):
        total = ab.tanh(total * x[i % 8]) + x[(i + 3) % 8]
    steps = viz.steps(total, deadline=60)
    assert len(steps.events) > 250
    assert len(steps.html().encode()) <= 3 * len(steps.svg.encode()) + 100_000


def test_nothing_in_the_page_points_outside_or_runs_but_its_script():
    page = viz.steps(apple_tax()).html()
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
    assert page.count("<script") == 2
    assert "default-src 'none'" in page
    assert not re.search(r"\son\w+=", page)


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><b>',
    "{title}",
    "苹果",
    "\u2028",
    "a\nb",
    "<!--",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_data(name):
    x = Value(2.0, name)
    y = x * x
    y.name = name
    page = viz.steps(y, title=name).html()
    assert page.count("<script") == 2
    assert "<img" not in page
    assert "<b>" not in page
    shown = data_of(page)["steps"][1]["name"]
    if shown.startswith('"'):  # Quotes stand around what is not one word.
        shown = shown[1:-1]
    assert shown.removesuffix("#2") == name.replace("\n", "¶").replace("\u2028", "¶")


def test_saving_writes_the_page_and_nothing_else(tmp_path):
    steps = viz.steps(apple_tax())
    assert steps.save(tmp_path / "steps.html").read_text("utf-8") == steps.html()
    with pytest.raises(ValueError, match=r"name it \.html"):
        steps.save(tmp_path / "steps.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["steps.html"]


def test_in_a_notebook_the_page_has_a_frame_of_its_own():
    shown = viz.steps(apple_tax())._repr_html_()
    assert shown.startswith('<iframe sandbox="allow-scripts"')
    assert shown.count("<") == 2


# -- a recorded run -------------------------------------------------------------------------------


def recorded(count=20):
    w, run = Value(0.0, "w"), viz.Recording()
    losses = []
    for _ in range(count):
        loss = (w * 2.0 - 4.0) ** 2
        loss.name = "loss"
        run.add(loss)
        losses.append(loss.data)
        w.data -= 0.05 * ab.gradients(loss, [w])[0]
    return run, losses


def test_a_recorded_run_has_a_second_slider_over_its_moments():
    run, losses = recorded()
    page = viz.steps(run).html()
    assert 'id="moment" min="0" max="19"' in page
    moments = data_of(page)["moments"]
    place = next(
        number for number, step in enumerate(data_of(page)["steps"]) if step["name"] == "loss"
    )
    assert [moment["n"][place][0] for moment in moments] == losses
    assert 'id="moment"' not in viz.steps(apple_tax()).html()


def test_a_long_run_is_thinned_to_what_the_page_has_room_for_and_keeps_both_ends():
    run, _ = recorded(1_000)
    steps = viz.steps(run)
    assert len(steps.html().encode()) <= 3 * len(steps.svg.encode()) + 100_000
    moments = data_of(steps.html())["moments"]
    assert 20 < len(moments) < 1_000
    assert (moments[0]["label"], moments[-1]["label"]) == ("0", "999")


def test_a_recording_holds_one_program():
    run = viz.Recording()
    run.add(Value(1.0) * 2.0)
    with pytest.raises(ValueError, match="moment 1 is another computation"):
        run.add(Value(1.0) + 2.0)
    assert len(run) == 1


def test_an_empty_recording_and_a_seed_for_a_recording_are_refused():
    with pytest.raises(ValueError, match="empty"):
        viz.steps(viz.Recording())
    with pytest.raises(ValueError, match="own seeds"):
        viz.steps(recorded(1)[0], seed=2.0)


def test_a_graph_too_large_to_step_through_is_refused():
    x = Value(1.0)
    y = x
    for _ in range(400):
        y = y * 1.5
    with pytest.raises(viz.GraphTooLarge):
        viz.steps(y)


@pytest.mark.parametrize(
    "wrong", [{"digits": 0}, {"direction": "RL"}, {"deadline": 0}, {"limit": 0}]
)
def test_arguments_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        viz.steps(apple_tax(), **wrong)


def test_what_is_no_node_is_refused_with_advice():
    with pytest.raises(TypeError, match=r"Write viz\.steps"):
        viz.steps(2.0)
