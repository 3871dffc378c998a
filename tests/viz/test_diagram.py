"""What a diagram can be turned into, and what is on it."""

import re
import struct
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_bp as ab
import viz
from autograd_bp import Tensor, Value
from viz.render import GRAPHVIZ
from viz.text import visible

SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}"
ANYTHING = st.text(st.characters(exclude_categories=()), min_size=1)
HOSTILE = [
    "<script>alert(1)</script>",
    '"];n9 [label="injected"];"',
    "ends in a backslash \\",
    "\\N \\G \\E \\l\\r",
    "]]><!--",
    "&lt;&#65;&amp;",
    "</title></svg><img src=x onerror=alert(1)>",
    "two\nlines\tand\r\na tab",
    "\x00\x1b[31m\ud800\ufffe",
    "苹果",
    "<b>bold</b>",
    "{a|b}",
    "\u202eright to left",
    "a" * 5000,
]


def elements(picture, kind="svg"):
    root = ET.fromstring(picture.svg if kind == "svg" else kind)
    return {
        element.get("id").split("-")[-1]: element
        for element in root.iter(f"{SVG}g")
        if element.get("id")
    }


def texts(element, role):
    return [text.text for text in element.iter(f"{SVG}text") if role in text.get("class").split()]


@pytest.fixture
def price():
    apple, n, tax = Value(100, name="apple"), Value(2, name="n"), Value(1.1, name="tax")
    price = apple * n * tax
    price.name = "price"
    return price


def test_value_and_gradient_are_on_one_edge_in_two_colours(price):
    drawn = elements(viz.draw(price))
    for edge, value, gradient in [("e0", "100", "2.2"), ("e1", "2", "110"), ("e3", "1.1", "200")]:
        assert texts(drawn[edge], "value") == [value]
        assert texts(drawn[edge], "gradient") == [gradient]
        classes = [path.get("class") for path in drawn[edge].iter(f"{SVG}path")]
        assert sorted(classes) == ["back gradient", "forward"]
    assert texts(drawn["r0"], "gradient") == ["1"]
    style = viz.draw(price).svg
    colours = dict(re.findall(r"text\.(value|gradient)[^{]*\{fill:(#\w+)", style))
    assert colours["value"] != colours["gradient"]


def test_values_stand_above_the_arrow_and_gradients_below(price):
    for edge in ("e0", "e1", "e2", "e3", "r0"):
        group = elements(viz.draw(price))[edge]
        heights = {
            text.get("class").split()[0]: float(text.get("y")) for text in group.iter(f"{SVG}text")
        }
        assert heights["value"] < heights["gradient"]


def test_running_downward_values_stand_at_the_left_of_gradients(price):
    group = elements(viz.draw(price, direction="TB"))["e0"]
    places = {
        text.get("class").split()[0]: float(text.get("x")) for text in group.iter(f"{SVG}text")
    }
    assert places["value"] < places["gradient"]


@pytest.mark.parametrize("style", ["textbook", "nodes"])
def test_operations_inputs_constants_and_outputs_have_classes_of_their_own(style):
    x = Value(3.0, name="x")
    k = Value(2.0, name="k", requires_grad=False)
    drawn = elements(viz.draw(x * k + 7.0, style=style))
    classes = {tag: element.get("class") for tag, element in drawn.items()}
    assert classes["n0"] == "box leaf"
    assert classes["n1"] == "box detached"
    assert classes["n2"] == "box operation"
    assert classes["n3"] == "box constant"
    assert "box output" in classes.values()


def test_x_times_x_has_two_edges_in_the_svg_and_in_the_dot():
    x = Value(3.0, name="x")
    picture = viz.draw(x * x)
    assert {"e0", "e1"} <= elements(picture).keys()
    assert picture.dot.count("n0 -> n1") == 2
    assert texts(elements(picture)["n0"], "gradient") == ["3 + 3 = 6"]


def test_an_interior_result_with_a_name_shows_it_on_its_arrow():
    x = Value(3.0, name="x")
    square = x * x
    square.name = "square"
    drawn = elements(viz.draw(ab.exp(square)))
    assert texts(drawn["e2"], "name") == ["square"]


def test_an_arrow_forks_where_a_result_is_used_twice():
    x = Value(3.0, name="x")
    double = x * 2.0
    drawn = elements(viz.draw(double * double))
    assert texts(drawn["s2"], "gradient") == ["12"]
    assert [texts(drawn[edge], "gradient") for edge in ("e2", "e3")] == [["6"], ["6"]]


def test_the_gradient_states_look_different():
    x = Value(0.0, name="x")
    fixed = Value(5.0, name="fixed", requires_grad=False)
    far = Value(float("inf"), name="far")
    drawn = elements(viz.draw(x * x + fixed * x + far * 2.0))
    backs = {
        tag: [path.get("class") for path in group.iter(f"{SVG}path") if "back" in path.get("class")]
        for tag, group in drawn.items()
        if tag.startswith("e")
    }
    assert ["back zero"] in backs.values()
    assert ["back gradient"] in backs.values()
    assert [] in backs.values()
    assert any(texts(group, "alarm") == ["inf"] for group in drawn.values())
    assert texts(drawn["e0"], "zero") == ["0"]


def test_what_gets_no_gradient_is_not_shown_with_a_zero():
    k = Value(2.0, name="k", requires_grad=False)
    picture = viz.draw(k)
    assert not texts(ET.fromstring(picture.svg), "gradient")
    assert not texts(ET.fromstring(picture.svg), "zero")
    assert "no gradient is wanted" in picture.svg


def test_the_nodes_style_shows_formulas_and_shapes():
    weights = Tensor(np.ones((3, 2)), name="W")
    drawn = ET.fromstring(viz.draw(np.ones((4, 3)) @ weights, style="nodes").svg)
    assert "(3, 2)" in texts(drawn, "note")
    assert texts(drawn, "formula") == ["matmul(x, y)"] or texts(drawn, "formula") == ["x @ y"]


def test_digits_are_chosen_by_the_caller_and_all_of_them_are_in_the_tooltip():
    x = Value(1 / 3, name="x")
    group = elements(viz.draw(x * 1.0, digits=2))["n0"]
    assert "value: 0.3333333333333333" in group.find(f"{SVG}title").text
    assert texts(elements(viz.draw(x * 1.0, digits=2))["e0"], "value") == ["0.33"]


def test_a_title_is_shown_and_names_the_picture():
    root = ET.fromstring(viz.draw(Value(1.0), title="税 & <b>").svg)
    assert root.find(f"{SVG}title").text == "税 & <b>"
    assert texts(root, "title") == ["税 & <b>"]


def test_the_svg_can_be_read_aloud(price):
    root = ET.fromstring(viz.draw(price).svg)
    assert root.get("role") == "img"
    described = {
        element.get("id") for element in root if element.tag in (f"{SVG}title", f"{SVG}desc")
    }
    assert set(root.get("aria-labelledby").split()) == described
    words = root.find(f"{SVG}desc").text
    assert "price: 220." in words
    assert "apple: value 100, gradient 2.2." in words


def test_two_different_figures_share_no_id_and_style_nothing_but_themselves(price):
    first, second = viz.draw(price), viz.draw(price, style="nodes")
    ids = [set(re.findall(r'id="([^"]+)"', picture.svg)) for picture in (first, second)]
    assert not ids[0] & ids[1]
    for picture in (first, second):
        figure = ET.fromstring(picture.svg).get("id")
        style = re.search(r"<style>(.*?)</style>", picture.svg, re.DOTALL).group(1)
        for rule in filter(None, style.split("}")):
            for selector in rule.split("{")[0].split(","):
                assert selector.startswith(f"#{figure} ")


def test_light_dark_and_own_themes_change_colours_and_nothing_else(price):
    light, dark = viz.draw(price).svg, viz.draw(price, theme="dark").svg
    own = viz.draw(price, theme=viz.Theme(*["#123456"] * 14)).svg
    assert "#123456" in own

    def bare(svg):
        return re.sub(r"abp-\w+|#[0-9a-f]{6}", "", svg)

    assert bare(light) == bare(dark) == bare(own)
    assert light != dark


@settings(max_examples=60)
@given(ANYTHING)
def test_any_name_comes_back_from_the_svg_and_from_the_dot(name):
    x = Value(2.0, name=name)
    picture = viz.draw(x * 3.0)
    told = elements(picture)["n0"].find(f"{SVG}title").text
    assert told.startswith(visible(name) + "\ninput\nvalue: 2.0")
    rendered = ET.fromstring(GRAPHVIZ.render(picture.dot, "svg", 10))
    anchors = [anchor.get(f"{XLINK}title") for anchor in rendered.iter(f"{SVG}a")]
    # An attribute in XML has no tabs, and Graphviz writes a second space as a fixed one.
    expected = (visible(name) + "\ninput\nvalue: 2.0").replace("\t", " ").replace("\xa0", " ")
    assert any(told.replace("\xa0", " ").startswith(expected) for told in anchors)
    assert rendered.find(".//*[@id='n0']").get("class") == "node leaf"
    assert len(rendered.findall(f".//{SVG}g[@class]")) == 8


@pytest.mark.parametrize("style", ["textbook", "nodes"])
@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_name_adds_nothing_to_the_page(name, style):
    x, plain = Value(2.0, name=name), Value(2.0, name="x")
    hostile = x * 3.0
    hostile.name = name
    harmless = plain * 3.0
    harmless.name = "y"

    def tags(diagram):
        found = []

        class Parser(HTMLParser):
            def handle_starttag(self, tag, attrs):
                found.append((tag, sorted(key for key, _ in attrs)))

            handle_startendtag = handle_starttag

        Parser().feed(diagram.html())
        return found

    assert tags(viz.draw(hostile, style=style, title=name)) == tags(
        viz.draw(harmless, style=style, title="t")
    )
    assert "://" not in viz.draw(hostile, style=style).svg.replace("http://www.w3.org/2000/svg", "")


def test_a_long_name_is_shortened_on_the_picture_and_whole_in_its_tooltip():
    name = "the_weight_matrix_of_the_second_hidden_layer_of_the_encoder"
    group = elements(viz.draw(Value(1.0, name=name) * 2.0))["n0"]
    (shown,) = texts(group, "name")
    assert len(shown) < 25
    assert "…" in shown
    assert group.find(f"{SVG}title").text.startswith(name + "\n")


@pytest.mark.parametrize("suffix", ["svg", "png", "html", "dot", "pdf", "json", "txt", "SVG"])
def test_it_is_saved_as_its_suffix_says(price, tmp_path, suffix):
    picture = viz.draw(price)
    target = tmp_path / f"price.{suffix}"
    assert picture.save(str(target)) == target
    start = {
        "svg": b"<svg",
        "png": b"\x89PNG",
        "html": b"<!doctype html>",
        "dot": b"digraph",
        "pdf": b"%PDF",
        "json": b'{"format": "autograd-bp picture"',
        "txt": b"price: ",
    }
    assert target.read_bytes().startswith(start[suffix.lower()])
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("name", ["price.gif", "price", "price.svg.bak"])
def test_another_suffix_is_refused_with_those_there_are(price, tmp_path, name):
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.html, \.dot, \.pdf, \.json, \.txt"):
        viz.draw(price).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_leaves_the_old_one(price, tmp_path, monkeypatch):
    target = tmp_path / "price.svg"
    target.write_text("old")
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        viz.draw(price).save(target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_png_has_the_size_of_the_svg_times_the_scale(price):
    picture = viz.draw(price)
    root = ET.fromstring(picture.svg)
    for scale in (1, 2):
        width, height = struct.unpack(">II", picture.png(scale=scale)[16:24])
        assert width == pytest.approx(float(root.get("width")) * scale, abs=1)
        assert height == pytest.approx(float(root.get("height")) * scale, abs=1)


def test_a_notebook_gets_svg_and_text_and_a_png_only_if_it_asks(price):
    picture = viz.draw(price)
    bundle = picture._repr_mimebundle_()
    assert bundle == {"image/svg+xml": picture.svg, "text/plain": repr(picture)}
    assert picture._repr_mimebundle_(include={"image/png"})["image/png"].startswith(b"\x89PNG")
    assert picture._repr_mimebundle_(exclude={"image/svg+xml"}).keys() == {"text/plain"}
    assert picture._repr_svg_() == picture.svg


def test_the_page_is_complete_and_loads_nothing(price):
    page = viz.draw(price, title="<Apples>").html()
    assert page.startswith("<!doctype html>")
    assert "<title>&lt;Apples&gt;</title>" in page
    assert "default-src 'none'" in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"style": "cubist"}, "textbook, nodes"),
        ({"direction": "RL"}, "LR or TB"),
        ({"theme": "pink"}, "light, dark"),
        ({"digits": 0}, "1 to 17"),
        ({"digits": 18}, "1 to 17"),
        ({"deadline": 0}, "deadline"),
        ({"deadline": float("nan")}, "deadline"),
    ],
    ids=str,
)
def test_an_argument_that_makes_no_sense_is_refused(price, arguments, told):
    with pytest.raises(ValueError, match=told):
        viz.draw(price, **arguments)
