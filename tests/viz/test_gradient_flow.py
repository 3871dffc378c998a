"""Gradient flow: what is measured, what is said about it, plots and the page."""

import importlib
import json
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_bp as ab
import viz
from autograd_bp import Tensor, nn
from viz.flowing.findings import DEAD_UNITS, EXPLODING, VANISHING, ZEROS

RNG = np.random.default_rng(0)


class Net(nn.Module):
    """Layers in a row; `act` between them."""

    def __init__(self, act, sizes=(4, 16, 16, 16, 1)):
        self.layers = [nn.Linear(a, b, rng=a) for a, b in pairwise(sizes)]
        self.act = act

    def forward(self, x):
        *hidden, last = self.layers
        for layer in hidden:
            x = self.act(layer(x))
        return last(x)


def data():
    x = np.random.default_rng(1).normal(size=(32, 4))
    return x, np.tanh(x[:, :1])


def kinds(flow):
    return [finding.kind for finding in flow.findings]


def test_norms_of_a_model_are_those_of_its_gradients():
    net, (x, t) = Net(ab.tanh), data()
    loss = nn.mse(net(x), t)
    flow = viz.gradient_flow(net, loss=loss, lr=0.1)
    parameters = dict(net.named_parameters())
    gradients = dict(zip(parameters, ab.gradients(loss, list(parameters.values())), strict=True))
    for layer, course in flow.measurements.norms.items():
        expected = np.hypot(
            np.linalg.norm(gradients[f"{layer}.weight"]), np.linalg.norm(gradients[f"{layer}.bias"])
        )
        assert course == pytest.approx([expected])
        ratio = 0.1 * np.linalg.norm(gradients[f"{layer}.weight"])
        ratio /= np.linalg.norm(parameters[f"{layer}.weight"].data)
        assert flow.measurements.ratios[layer] == pytest.approx([ratio])
    assert list(flow.measurements.norms) == [f"layers.{place}" for place in range(4)]
    assert all(parameter.grad is None for parameter in parameters.values())


def test_without_a_loss_the_gradients_that_backward_left_are_looked_at():
    net, (x, t) = Net(ab.tanh), data()
    loss = nn.mse(net(x), t)
    with pytest.raises(ValueError, match=r"call loss\.backward\(\) first"):
        viz.gradient_flow(net)
    loss.backward()
    given, computed = viz.gradient_flow(net), viz.gradient_flow(net, loss=loss)
    for layer, course in given.measurements.norms.items():
        assert course == pytest.approx(computed.measurements.norms[layer])


def test_saturated_layers_vanish_and_the_place_is_named():
    net, (x, t) = Net(ab.sigmoid, sizes=(4, 16, 16, 16, 16, 1)), data()
    for layer in net.layers[1:4]:
        layer.bias.data += 6.0
    flow = viz.gradient_flow(net, loss=nn.mse(net(x), t))
    (vanishing,) = [each for each in flow.findings if each.kind == "vanishing"]
    assert re.match(
        r"vanishing below layer \d \(layers\.\d\): the gradient of layer", flow.findings[0].words
    )
    assert vanishing.value < VANISHING
    assert "vanishing below layer" in str(flow)


def test_a_healthy_network_is_not_accused():
    net, (x, t) = Net(ab.tanh), data()
    flow = viz.gradient_flow(net, loss=nn.mse(net(x), t))
    assert flow.findings == ()
    assert "Nothing conspicuous" in flow.text


def test_dead_units_are_counted_as_units_that_are_zero_for_the_whole_batch():
    net, (x, t) = Net(ab.relu), data()
    net.layers[1].bias.data[:9] = -100.0
    flow = viz.gradient_flow(net, loss=nn.mse(net(x), t))
    shares = list(flow.measurements.dead.values())
    assert len(shares) == 3
    assert shares[1][0] >= 9 / 16
    dead = [finding for finding in flow.findings if finding.kind == "dead"]
    assert any(re.search(r"dead ReLUs (5[6-9]|6\d) % in", finding.words) for finding in dead)


def test_the_layers_of_a_scalar_net_are_seen_as_layers():
    net = nn.MLP(2, [4, 4, 1])
    score = net([ab.Value(1.0), ab.Value(-2.0)])
    flow = viz.gradient_flow(net, loss=score)
    assert list(flow.measurements.norms) == ["layers.0", "layers.1", "layers.2"]
    gradients = ab.gradients(score, net.layers[2].parameters())
    assert flow.measurements.norms["layers.2"] == pytest.approx([np.linalg.norm(gradients)])


def test_units_of_images_are_channels():
    x = Tensor(np.ones((2, 3, 4, 4)) * np.array([1.0, -1.0, 1.0]).reshape(1, 3, 1, 1), "x")

    class Images(nn.Module):
        def __init__(self):
            self.weight = Tensor(1.0)

        def forward(self, x):
            return ab.sum(ab.relu(x * self.weight))

    net = Images()
    flow = viz.gradient_flow(net, loss=net(x))
    assert next(iter(flow.measurements.dead.values())) == pytest.approx([1 / 3])


def history(epochs=3):
    net, (x, t) = Net(ab.relu), data()
    run = ab.fit(
        net,
        [(x[:16], t[:16]), (x[16:], t[16:])],
        loss=nn.mse,
        optimizer=ab.optim.SGD(net.parameters(), lr=0.1),
        epochs=epochs,
        gradient_norms=True,
        progress=False,
    )
    return net, run


def test_a_history_is_read_by_layer_and_by_step():
    _, run = history()
    flow = viz.gradient_flow(run)
    assert flow.measurements.steps == 6
    assert list(flow.measurements.norms) == [f"layers.{place}" for place in range(4)]
    first = np.hypot(run.gradient_norms["layers.0.weight"], run.gradient_norms["layers.0.bias"])
    np.testing.assert_allclose(flow.measurements.norms["layers.0"], first)
    assert flow.measurements.ratios["layers.1"].tolist() == run.update_ratios["layers.1.weight"]
    assert len(flow.measurements.dead) == 3
    assert not flow.measurements.units


def test_a_history_without_norms_says_how_to_get_them():
    with pytest.raises(ValueError, match="gradient_norms=True"):
        viz.gradient_flow(ab.History())


def test_an_explosion_is_told_with_its_step():
    course = np.full(400, 0.1)
    course[310] = 90.0
    flow = viz.gradient_flow({"first": np.full(400, 0.1), "second": course})
    (finding,) = flow.findings
    assert (finding.kind, finding.step, finding.layer) == ("exploding", 310, "second")
    assert "exploding at step 310" in flow.text


def test_what_is_not_finite_comes_first():
    course = np.full(50, 0.1)
    course[20], course[21:] = np.inf, np.nan
    flow = viz.gradient_flow({"a": np.full(50, 0.1), "b": course})
    assert flow.findings[0].words == "not finite from step 20, in b"


def test_noise_and_a_steady_start_are_no_explosion():
    rng = np.random.default_rng(0)
    noisy = np.abs(rng.normal(size=2_000)) + 0.01
    decaying = 100.0 * 0.9 ** np.arange(200)
    assert kinds(viz.gradient_flow({"a": noisy})) == []
    assert kinds(viz.gradient_flow({"a": decaying})) == []


def test_gradients_that_grow_on_the_way_back_are_told():
    assert kinds(viz.gradient_flow({"a": [50.0], "b": [1.0], "c": [0.1]})) == ["growing"]


def test_no_gradient_at_all_is_told():
    assert kinds(viz.gradient_flow({"a": [0.0, 0.0], "b": [0.0, 0.0]})) == ["no gradient"]
    assert kinds(viz.gradient_flow({"a": [0.0, 0.0], "b": [1.0, 1.0]})) == ["vanishing"]


def test_a_weak_layer_between_strong_ones_is_not_vanishing():
    assert kinds(viz.gradient_flow({"a": [1.0], "norm": [1e-4], "b": [1.0]})) == []


def test_thresholds_are_where_they_are_documented():
    at, below = VANISHING, VANISHING * 0.999
    assert kinds(viz.gradient_flow({"a": [at], "b": [1.0]})) == []
    assert kinds(viz.gradient_flow({"a": [below], "b": [1.0]})) == ["vanishing"]
    calm = [1.0] * 10
    assert kinds(viz.gradient_flow({"a": [*calm, EXPLODING]})) == []
    assert kinds(viz.gradient_flow({"a": [*calm, EXPLODING * 1.001]})) == ["exploding"]
    assert 0 < DEAD_UNITS < ZEROS < 1


@given(
    st.dictionaries(
        st.text(max_size=6),
        st.lists(st.floats(min_value=0) | st.just(float("nan")), min_size=1, max_size=8),
        min_size=1,
        max_size=4,
    )
)
def test_any_norms_give_words_and_a_page(courses):
    flow = viz.gradient_flow(courses)
    assert str(flow)
    read = json.loads(re.search(r'id="data">(.*?)</script>', flow.html(), re.DOTALL)[1])
    assert read["panels"][0]["names"] == list(courses)


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x>",
    "$x$",
    "_hidden",
    "苹果",
    "a\nb",
    "",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_data(name, tmp_path):
    flow = viz.gradient_flow({name: [1e-9, 1e-9], "b": [1.0, 1.0]}, title=name)
    page = flow.html()
    assert page.count("<script") == 2
    assert "<img" not in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    with_warnings = flow.save(tmp_path / "flow.html")
    assert with_warnings.read_text("utf-8") == page


def test_plots_are_drawn_and_saved_in_every_format(tmp_path):
    _, run = history()
    flow = viz.gradient_flow(run)
    assert [axes.get_ylabel() for axes in flow.figure("dark").axes] == [
        "gradient norm",
        "update / weight",
        "zeros after ReLU",
    ]
    for suffix in ("svg", "png", "pdf", "html", "txt"):
        assert flow.save(tmp_path / f"flow.{suffix}").stat().st_size > 100
    assert (tmp_path / "flow.svg").read_bytes() == flow.save(tmp_path / "again.svg").read_bytes()
    with pytest.raises(ValueError, match=r"must be one of \.html"):
        flow.save(tmp_path / "flow.gif")
    with pytest.raises(ValueError, match="theme must be"):
        flow.figure("pink")


def test_one_moment_is_drawn_as_bars():
    net, (x, t) = Net(ab.relu), data()
    figure = viz.gradient_flow(net, loss=nn.mse(net(x), t)).figure()
    assert [len(axes.patches) for axes in figure.axes] == [4, 3]


def test_a_long_run_keeps_its_peaks_in_a_small_page():
    course = np.full(100_000, 0.1)
    course[77_777] = 50.0
    flow = viz.gradient_flow({"a": course})
    page = flow.html()
    assert len(page) < 100_000
    read = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert max(read["panels"][0]["curves"][0]) == 50.0


@pytest.mark.parametrize(
    ("source", "options", "kind", "message"),
    [
        (3, {}, TypeError, "needs a model, a History"),
        ({}, {}, ValueError, "empty"),
        ({"a": []}, {}, ValueError, "a: give one number for each step"),
        ({"a": [1.0]}, {"lr": 0.1}, ValueError, "are for a model"),
        (nn.ReLU(), {}, ValueError, "no parameters"),
        (nn.Linear(2, 2, rng=0), {"loss": 1.0}, TypeError, "loss must be a Value or a Tensor"),
    ],
)
def test_what_cannot_be_looked_at_is_refused_with_advice(source, options, kind, message):
    with pytest.raises(kind, match=message):
        viz.gradient_flow(source, **options)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (380, "dark")])
def test_the_page_works_in_a_browser(chromium, tmp_path, width, scheme):
    try:
        api = importlib.import_module("playwright.sync_api")
    except ImportError:
        pytest.skip("needs playwright")
    course = np.linspace(0.1, 0.2, 30)
    flow = viz.gradient_flow({"first": course, "second": course * 2})
    path = flow.save(tmp_path / "flow.html")
    said = []
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url))
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator("#step").fill("10")
        shown = page.locator(".legend b").all_inner_texts()
        assert shown == [f"{course[10]:.3g}", f"{2 * course[10]:.3g}"]
        assert page.locator("path.curve").count() == 2
        page.locator(".legend button").first.click()
        assert page.locator("path.curve").count() == 1
        page.locator("#log").uncheck()
        assert page.locator("path.curve").count() == 1
        browser.close()
    assert said == [path.as_uri()]
