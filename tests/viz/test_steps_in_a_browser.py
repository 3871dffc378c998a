"""The step page as a reader uses it: in Chromium, wide and narrow, light and dark."""

import importlib
import json

import numpy as np
import pytest

import autograd_bp as ab
import viz
from autograd_bp import Tensor, Value
from viz import numerals
from viz.explaining.in_text import value

pytestmark = pytest.mark.slow

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = [(1280, 800), (380, 760)]
SCHEMES = ("light", "dark")


def forked(name="y"):
    x, w = Value(0.5, "x"), Value(-0.3, "w")
    y = ab.tanh(w * x + 0.1) * x + x * x
    y.name = name
    return y


def network():
    """Arrays: a batch through one layer, and its loss."""
    rng = np.random.default_rng(0)
    w, b = Tensor(rng.normal(size=(3, 2)), "W"), Tensor([0.0, 1.0], "b")
    h = ab.relu(rng.normal(size=(4, 3)) @ w + b)
    loss = ab.sum(h * h) + ab.mean(h) * 0.1
    loss.name = "loss"
    return loss


@pytest.fixture(scope="module")
def browser(chromium):
    try:
        api = importlib.import_module("playwright.sync_api")
    except ImportError:
        pytest.skip("needs playwright")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a page and, at the end, sees that it was quiet and asked for nothing."""
    contexts, said = [], []

    def open_page(steps, size=SIZES[0], scheme="light", **options):
        path = steps.save(tmp_path / f"{len(contexts)}.html")
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: (
                said.append(f"request: {request.url}") if request.url != path.as_uri() else None
            ),
        )
        page.on("dialog", lambda _: said.append("dialog"))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


def step_of(page):
    return int(page.locator("#step").input_value())


def shown(page):
    """The numbers that the page shows in the current step, by slot."""
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("#now [data-n]")]
              .map(element => [element.dataset.n, element.textContent]))"""
    )


def expected(event, digits=4):
    quantities = {
        "v": event.value,
        "u": event.upstream,
        "c": event.contribution,
        "b": event.before,
        "a": event.after,
    }
    return {
        slot: value(quantity, digits)
        for slot, quantity in quantities.items()
        if quantity is not None
    }


@pytest.mark.parametrize("made", [forked, network])
@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_step_shows_the_numbers_of_the_engine_and_lights_its_edge(opened, size, scheme, made):
    steps = viz.steps(made())
    page = opened(steps, size, scheme)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(13, 17, 23)")
    for place, event in enumerate(steps.events):
        assert page.locator("#count").inner_text() == f"Step {place + 1} of {len(steps.events)}"
        assert step_of(page) == place
        now = shown(page)
        for slot, text in expected(event).items():
            assert now.get(slot, text) == text
        if event.kind == "passed":
            assert {"u", "c", "a"} <= set(now)
            assert ("l" in now) == (event.local is not None)
            cells = page.locator("#sums td").all_inner_texts()
            before = expected(event).get("b", "nothing yet")
            assert [" ".join(cell.split()) for cell in cells] == [
                " ".join(cell.split()) for cell in (before, now["c"], now["a"])
            ]
            lit = page.evaluate(
                "[...document.querySelectorAll('#stage g.link.now')].map(group => group.id)"
            )
            assert len(lit) == 1
            assert lit[0].endswith(f"-e{event.edge}")
            assert page.locator("#now mfrac").count() >= 2
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        page.keyboard.press("ArrowRight")
    assert step_of(page) == len(steps.events) - 1


def test_a_gradient_is_hidden_until_its_step_and_a_value_until_it_is_computed(opened):
    steps = viz.steps(forked())
    page = opened(steps)
    visible = """() => [...document.querySelectorAll("#stage g.link")]
        .flatMap(group => [...group.querySelectorAll("text.gradient")])
        .filter(text => getComputedStyle(text).visibility === "visible").length"""
    counts = []
    for _ in steps.events:
        counts.append(page.evaluate(visible))
        page.keyboard.press("ArrowRight")
    kinds = [event.kind for event in steps.events]
    assert counts[: kinds.index("seeded")] == [0] * kinds.index("seeded")
    assert counts == sorted(counts)
    assert counts[-1] == page.locator("#stage g.link text.gradient").count()


def test_keyboard_slider_and_buttons_agree(opened):
    steps = viz.steps(forked())
    last = len(steps.events) - 1
    page = opened(steps)
    for key, place in (
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("End", last),
        ("ArrowRight", last),
        ("Home", 0),
        ("ArrowLeft", 0),
    ):
        page.keyboard.press(key)
        assert step_of(page) == place
    by_key = []
    for _ in range(last + 1):
        by_key.append(page.locator("#now").inner_text())
        page.keyboard.press("ArrowRight")
    for place in range(last + 1):
        page.locator("#step").fill(str(place))
        assert page.locator("#now").inner_text() == by_key[place]
    # On the slider itself the keys are the browser's own: one step, not two.
    page.locator("#step").focus()
    page.keyboard.press("ArrowLeft")
    assert step_of(page) == last - 1
    assert page.locator("#now").inner_text() == by_key[last - 1]
    for button, place in (("#first", 0), ("#next", 1), ("#back", 0), ("#last", last)):
        page.locator(button).click()
        assert step_of(page) == place
    assert page.locator("#next").is_disabled()


def test_it_plays_and_pauses(opened):
    page = opened(viz.steps(forked()))
    page.keyboard.press(" ")
    assert page.locator("#play").inner_text() == "Pause"
    for _ in range(100):  # the page forbids evaluating text, so nothing in it can wait
        if step_of(page) >= 2:
            break
        page.wait_for_timeout(100)
    assert step_of(page) == 2
    page.keyboard.press(" ")
    assert page.locator("#play").inner_text() == "Play"
    at = step_of(page)
    page.wait_for_timeout(1_800)
    assert step_of(page) == at


def test_a_click_or_the_enter_key_on_a_node_jumps_to_its_step(opened):
    steps = viz.steps(forked())
    page = opened(steps)
    event = next(event for event in steps.events if event.kind == "computed")
    node = page.locator(f"#stage g[id$='-n{event.node}']")
    node.click()
    assert step_of(page) == steps.events.index(event)
    node.click()
    jumped = steps.events[step_of(page)]
    assert jumped.kind in ("computed", "passed")
    edge = next(event for event in steps.events if event.kind == "passed")
    group = page.locator(f"#stage g[id$='-e{edge.edge}']")
    page.keyboard.press("End")
    group.focus()
    page.keyboard.press("Enter")
    about = steps.events[step_of(page)]
    assert about.edge == edge.edge or about.kind == "computed"


def test_the_quiz_hides_gradients_and_checks_answers(opened):
    steps = viz.steps(forked())
    page = opened(steps)
    places = [place for place, event in enumerate(steps.events) if event.kind == "passed"]
    page.locator("#quizzing").check()
    page.locator("#step").fill(str(places[0]))
    event = steps.events[places[0]]
    right = event.contribution.entries[0]
    assert page.locator("#quiz").is_visible()
    assert page.locator("#now").inner_text() == ""
    assert not page.locator("#walk").is_visible()
    assert not page.locator("#sums").is_visible()
    edge = f"#stage g[id$='-e{event.edge}'] text.gradient"
    hidden = f'getComputedStyle(document.querySelector("{edge}")).visibility'
    assert page.evaluate(hidden) == "hidden"
    for wrong, verdict in ((str(right + 1), "Not quite"), ("two", "not a number"), ("", "not a")):
        page.locator("#answer").fill(wrong)
        page.keyboard.press("Enter")
        assert verdict in page.locator("#verdict").inner_text()
    page.locator("#answer").fill(f"{2 * right}/2")
    page.keyboard.press("Enter")
    assert "Right." in page.locator("#now").inner_text()
    assert page.evaluate(hidden) == "visible"
    assert page.locator("#score").inner_text() == f"1 of {len(places)} right"
    page.locator("#step").fill(str(places[1]))
    page.locator("#show").click()
    assert "Shown." in page.locator("#now").inner_text()
    assert page.locator("#score").inner_text() == f"1 of {len(places)} right"
    page.locator("#quizzing").uncheck()
    assert page.locator("#walk").is_visible()
    assert not page.locator("#quiz").is_visible()


def test_the_second_slider_moves_through_the_training_run(opened):
    w, run, losses = Value(0.0, "w"), viz.Recording(), []
    for _ in range(12):
        loss = (w * 2.0 - 4.0) ** 2
        loss.name = "loss"
        run.add(loss)
        losses.append((w.data, loss.data, ab.gradients(loss, [w])[0]))
        w.data -= 0.05 * losses[-1][2]
    steps = viz.steps(run)
    page = opened(steps)
    place = next(i for i, event in enumerate(steps.events) if event.name.text == "loss")
    page.locator("#step").fill(str(place))
    for moment, (weight, loss, gradient) in enumerate(losses):
        assert page.locator("#moment-label").inner_text() == str(moment)
        assert shown(page)["v"] == numerals.number(loss, 4)
        drawn = page.locator("#stage g.link text").all_text_contents()
        for number in (weight, loss, gradient):
            assert numerals.number(number, 4) in drawn
        page.keyboard.press("PageDown")
    page.locator("#moment").fill("3")
    assert shown(page)["v"] == numerals.number(losses[3][1], 4)
    page.keyboard.press("End")


def test_a_screen_reader_finds_every_step_and_a_live_region(opened):
    steps = viz.steps(forked())
    page = opened(steps)
    assert page.locator("#now").get_attribute("aria-live") == "polite"
    page.locator("#walk summary").click()
    told = page.locator("#walk li").all_inner_texts()
    assert len(told) == len(steps.events)
    assert all(len(text) > 20 for text in told)
    names = page.evaluate(
        """() => [...document.querySelectorAll("button, input")].filter(each => each.offsetParent)
            .map(each => each.getAttribute("aria-label") || each.textContent.trim()
                 || (each.labels[0] || {}).textContent)"""
    )
    assert names
    assert all(name and name.strip() for name in names)


def test_without_a_script_the_walk_through_is_still_there(opened):
    steps = viz.steps(forked())
    page = opened(steps, java_script_enabled=False)
    assert page.locator("noscript").count() == 1
    page.locator("#walk summary").click()
    assert page.locator("#walk li").count() == len(steps.events)
    assert page.locator("#walk li").first.is_visible()


@pytest.mark.parametrize(
    "name",
    [
        "</script><script>document.title='run'</script>",
        "<img src=x onerror=\"document.title='run'\">",
        '"><svg onload="document.title=\'run\'">',
        "</title><script>document.title='run'</script>",
    ],
)
def test_nothing_in_a_hostile_name_runs(opened, name):
    x = Value(2.0, name)
    y = x * x
    y.name = name
    page = opened(viz.steps(y, title=name))
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.locator("#quizzing").check()
    assert page.title() == name
    assert page.locator("script").count() == 2
    assert page.locator("img").count() == 0


def test_numbers_look_the_same_in_the_script_as_in_python(opened):
    values = [0.0, 1.0, -1.5, 12345.678, 1e7, 123456.0, 1e-4, 9.9999e-5, 1e-300, 1.23456e20]
    values += [0.1, 1 / 3, -2 / 3, 99995.0, 9999.5, 1e6, 0.00012345]
    total = Value(0.0, "start")
    for place, number in enumerate(values):
        total = total * 1.0 + Value(number, f"x{place}")
    run = viz.Recording()
    run.add(total)
    run.add(total)
    page = opened(viz.steps(run))
    steps = viz.steps(run).events
    for place, event in enumerate(steps):
        page.locator("#step").fill(str(place))
        for slot, text in shown(page).items():
            if slot in expected(event):
                assert text == expected(event)[slot]
    given = page.evaluate(
        "[...document.querySelectorAll('#walk li:first-child [data-n]')].map(b => b.textContent)"
    )
    assert set(given) <= {numerals.number(number, 4) for number in values}


def test_two_pages_in_one_document_do_not_collide(browser, tmp_path):
    first, second = viz.steps(forked()), viz.steps(forked("z"))
    path = tmp_path / "both.html"
    path.write_text(
        f"<!doctype html><meta charset=utf-8>{first._repr_html_()}{second._repr_html_()}",
        encoding="utf-8",
    )
    page = browser.new_page()
    page.goto(path.as_uri())
    frames = page.frames[1:]
    assert len(frames) == 2
    frames[0].locator("#next").click()
    assert frames[0].locator("#step").input_value() == "1"
    assert frames[1].locator("#step").input_value() == "0"
    page.close()


def test_the_data_can_be_read_back_by_another_program(opened):
    steps = viz.steps(forked())
    page = opened(steps)
    data = json.loads(page.locator("#data").text_content())
    assert len(data["steps"]) == len(steps.events)
