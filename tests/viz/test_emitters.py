"""Arbitrary text through every format and back, and what each format promises."""

import dataclasses
import json
import math
import re
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_bp as ab
import viz
from autograd_bp import Tensor, Value
from viz import picture
from viz.emit.json import from_json, to_json
from viz.emit.tree import tree
from viz.render import GRAPHVIZ
from viz.text import one_line, visible
from viz.trace import trace

SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}"
ANYTHING = st.text(st.characters(exclude_categories=()), min_size=1, max_size=60)
HOSTILE = st.sampled_from(
    [
        "</title><script>alert(1)</script>",
        '"];n9 [label="injected"];"',
        "\\",
        "\\N\\G\\E",
        "]]>",
        "&lt;&#0;",
        "\x00\x1b[31mred\x1b[0m",
        "\ud800",
        "\u202e\u2066",
        "$\\frac{1}{2}$ $",
        "a\r\nb\tc",
        "{|}<f0>",
        "'\"`${}",
        "\u2028\u2029",
        "--></style></svg>",
    ]
)
TEXT = ANYTHING | HOSTILE


class _Named(ab.Function):
    def forward(self, x):
        return 2.0 * x

    def backward(self, g):
        return 2.0 * g


def drawn(name, scope, symbol, title, style):
    """A picture with arbitrary text in every place that takes any."""
    x = Value(2.0, name=name)
    step = _Named()
    step.symbol = symbol
    result = ab.scope(scope)(lambda x: step(x) * 3.0)(x)
    result.name = name
    return viz.draw(result, title=title, style=style)


def tooltips(root):
    return [title.text or "" for title in root.iter(f"{SVG}title")]


@settings(max_examples=80)
@given(TEXT, TEXT, TEXT, TEXT, st.sampled_from(["textbook", "nodes"]))
def test_any_text_comes_back_from_svg_and_html(name, scope, symbol, title, style):
    picture = drawn(name, scope, symbol, title, style)
    root = ET.fromstring(picture.svg)
    assert root.find(f"{SVG}title").text == visible(title)
    assert any(told.startswith(visible(name) + "\n") for told in tooltips(root))
    assert any(f"in {visible(scope)}\n" in told for told in tooltips(root))
    tags, texts = [], []

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attrs):
            tags.append(tag)
            assert all(not key.startswith("on") and key not in ("src", "href") for key, _ in attrs)

        handle_startendtag = handle_starttag

        def handle_data(self, data):
            texts.append(data)

    parser = Parser()
    parser.feed(picture.html())
    parser.close()
    allowed = "html head meta title style body svg desc rect g path polygon ellipse text"
    assert set(tags) <= set(allowed.split())
    read = "".join(texts)
    assert visible(title).replace("\r\n", "\n").replace("\r", "\n") in read.replace(
        "\r\n", "\n"
    ).replace("\r", "\n")


@settings(max_examples=60)
@given(TEXT, TEXT, TEXT, TEXT, st.sampled_from(["textbook", "nodes"]))
def test_any_text_comes_back_from_dot_and_opens_nothing_in_it(name, scope, symbol, title, style):
    dot = drawn(name, scope, symbol, title, style).dot
    plain = drawn("x", "s", "f", "t", style).dot

    def shape(source):
        root = ET.fromstring(GRAPHVIZ.render(source, "svg", 20))
        return sorted(
            (group.get("id") or "", group.get("class"))
            for group in root.iter(f"{SVG}g")
            if group.get("class") and "graph" not in group.get("class")
        ), root

    groups, root = shape(dot)
    assert groups == shape(plain)[0]
    told = [anchor.get(f"{XLINK}title") or "" for anchor in root.iter(f"{SVG}a")]
    # An attribute has no tabs, and Graphviz writes a second space as a fixed one.
    wanted = f"{visible(name)}\n".replace("\t", " ").replace("\xa0", " ")
    assert any(text.replace("\xa0", " ").startswith(wanted) for text in told)


@settings(max_examples=120)
@given(TEXT, TEXT, TEXT)
def test_any_text_comes_back_from_json_to_the_last_character(name, scope, symbol):
    picture = drawn(name, scope, symbol, "t", "textbook")
    text = picture.json
    assert text.isascii()
    assert "<" not in text
    assert viz.from_json(text) == picture.picture
    assert json.loads(text)["nodes"][0]["name"] == name
    assert viz.draw(viz.from_json(text), title="t").svg == picture.svg


@settings(max_examples=120)
@given(TEXT, TEXT, TEXT)
def test_any_text_comes_back_from_the_tree_on_one_line_without_control_characters(
    name, scope, symbol
):
    picture = drawn(name, scope, symbol, "t", "textbook")
    lines = picture.text.removesuffix("\n").split("\n")
    assert sum("= " in line for line in lines) >= 4
    assert len(lines) == 4
    shown = one_line(name)
    assert any(shown[:20].rstrip() in line for line in lines)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\x80-\x9f]", picture.text)


@settings(max_examples=15, deadline=None)
@given(TEXT, TEXT)
def test_any_text_goes_into_a_pdf(name, scope):
    picture = drawn(name, scope, "f", name, "nodes")
    assert picture.pdf().startswith(b"%PDF")


@settings(max_examples=40)
@given(
    st.lists(st.floats(), min_size=1, max_size=30),
    st.sampled_from([np.float32, np.float64, np.float16]),
)
def test_any_numbers_come_back_from_json(numbers, dtype):
    with np.errstate(all="ignore"):
        picture = trace(ab.sum(Tensor(np.array(numbers, dtype), name="x")), algebra=True)
    again = from_json(to_json(picture))
    assert repr(again) == repr(picture)  # NaN is not equal to itself, but looks like itself.


def everything():
    """A picture that has something in every field."""
    x, w = Tensor(np.arange(12.0).reshape(3, 4), name="x"), Tensor(np.ones((4, 2)), name="w")
    fixed = Tensor([1.0, 2.0], requires_grad=False)
    output = ab.sum(ab.scope("net")(lambda x: ab.tanh(x @ w) + fixed)(x)[1:] * 2.0)
    output.backward()
    output.backward()
    return output


@pytest.mark.parametrize("options", [{}, {"algebra": True}, {"open": 0}, {"nonfinite": True}])
def test_a_picture_comes_back_from_json_whatever_is_on_it(options):
    picture = viz.draw(everything(), **options).picture
    again = from_json(to_json(picture))
    assert again == picture
    assert [node.stored for node in again.nodes] == [node.stored for node in picture.nodes]
    for other in (viz.backward_graph(everything()), viz.diff(everything(), everything())):
        assert from_json(other.json) == other.picture


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"format": "other", "version": 1}',
        '{"format": "autograd-bp picture", "version": 2}',
        '{"format": "autograd-bp picture", "version": 1, "nodes": 3}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:40],
)
def test_another_text_is_no_picture(text):
    with pytest.raises(viz.DrawError, match="not a picture"):
        viz.from_json(text)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("edges", 0, "source"), 99),
        (("edges", 0, "target"), -1),
        (("nodes", 0, "id"), 5),
        (("nodes", 0, "group"), 7),
        (("outputs", 0, "node"), 1000),
        (("nodes", 0, "kind"), "result"),
        (("nodes", 0, "kind"), "folded"),
        (("nodes", 0, "kind"), "evil"),
        (("nodes", 0, "value", "entries"), ["seven"]),
        (("nodes", 0, "name"), 5),
        (("nodes",), {}),
    ],
    ids=str,
)
def test_a_picture_that_points_nowhere_is_refused(path, value):
    content = json.loads(viz.draw(Value(2.0, name="x") * 3.0).json)
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(viz.DrawError):
        viz.from_json(json.dumps(content))


def test_the_format_is_documented_field_by_field():
    document = (Path(__file__).parents[2] / "docs" / "picture-format.md").read_text("utf-8")
    for kind in (
        picture.Node,
        picture.Edge,
        picture.Output,
        picture.Group,
        picture.Quantity,
        picture.Summary,
        picture.Operation,
        picture.Stored,
        picture.Fold,
        picture.Before,
        picture.Local,
        picture.Picture,
    ):
        for field in dataclasses.fields(kind):
            assert re.search(rf"[`\"]{field.name}[`\"]", document), (kind.__name__, field.name)


def test_the_tooltip_of_an_array_has_its_statistics_and_a_histogram():
    data = np.concatenate([np.zeros(90), np.linspace(-1, 3, 9), [math.nan]])
    with np.errstate(all="ignore"):
        picture = viz.draw(ab.sum(Tensor(data, name="x")))
    (told,) = [
        title for title in tooltips(ET.fromstring(picture.svg)) if title.startswith("x\ninput")
    ]
    assert "shape (100,), float64, min -1, mean " in told
    norm = float(np.linalg.norm(data[:-1]))
    assert f"max 3, norm {norm:.6g}, zeros 91, not finite 1" in told
    assert "█" in told
    summary = picture.picture.nodes[0].value.summary
    assert sum(summary.histogram) == 99
    assert max(summary.histogram) == summary.histogram[3] == 91


def test_a_small_array_has_its_entries_and_its_statistics():
    picture = viz.draw(ab.sum(Tensor([1.0, 2.0, 4.0], name="x")))
    assert "[1.0, 2.0, 4.0] (shape (3,), float64, min 1, mean 2.33333, max 4" in picture.svg


def test_the_tree_marks_what_is_shared_and_writes_it_once():
    x = Value(3.0, name="x")
    square = x * x
    square.name = "square"
    text = str(viz.text(square + ab.exp(square), colour=False))
    assert text.count("square") == 2
    assert "#1, used 2 times" in text
    assert "#1, see above" in text
    assert text.splitlines()[0].split() == ["+", "=", "8112", "grad", "1"]


def test_the_tree_has_gradients_states_and_no_colour_but_on_request():
    x, k = Value(0.0, name="x"), Value(1.0, name="k", requires_grad=False)
    with np.errstate(all="ignore"):
        output = ab.sqrt(x) * k + x * x
    plain, colourful = viz.text(output, colour=False), viz.text(output, colour=True)
    assert "grad inf" in plain
    assert "no gradient wanted" in plain
    assert "\x1b" not in plain
    assert "\x1b[1;35m" in colourful
    assert re.sub(r"\x1b\[[\d;]*m", "", colourful) == plain
    assert repr(plain) == plain.rstrip("\n")


def test_colours_are_for_terminals_that_want_them(monkeypatch):
    x = Value(1.0, name="x")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b" in viz.text(x * 2.0)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in viz.text(x * 2.0)
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in viz.text(x * 2.0)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert "\x1b" not in viz.text(x * 2.0)


def test_the_tree_of_a_large_or_deep_graph_is_folded():
    h = Value(1.0, name="x")
    for number in range(5000):
        h = ab.tanh(h * 1.5) if number % 2 else h + 1.0
    text = viz.text(h)
    assert len(text.splitlines()) < 60
    assert "folded: " in text


def test_a_deep_tree_stops_and_says_so():
    h = Value(1.0, name="x")
    for number in range(150):
        h = [ab.tanh, ab.exp, ab.sin, ab.sigmoid][(number * number) % 4](h)
    text = tree(trace(h))
    assert "… and what it is made of" in text
    assert max(map(len, text.splitlines())) < 160


def test_wide_characters_keep_the_columns_of_the_tree():
    a, b = Value(100.0, name="苹果"), Value(2.0, name="n")
    lines = viz.text(a * b, colour=False).splitlines()
    from autograd_bp.text_width import text_width

    assert len({text_width(line[: line.index("=")]) for line in lines}) == 1


def test_without_matplotlib_a_pdf_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_pdf", None)
    with pytest.raises(viz.DrawError, match="pip install matplotlib"):
        viz.draw(Value(1.0)).pdf()


def test_the_same_picture_is_the_same_pdf():
    picture = viz.draw(everything(), flow="size", theme="dark", style="nodes")
    assert picture.pdf() == picture.pdf()


@pytest.mark.parametrize("name", ["colour-blind", "colorblind", "Color-Blind", "PRINT", "dark"])
def test_a_theme_is_found_however_it_is_spelled(name):
    assert viz.draw(Value(1.0), theme=name).svg


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", ["light", "dark", "colour-blind", "print"])
def test_text_can_be_read_on_every_background_of_a_theme(name):
    """WCAG 2.2, 1.4.3: a contrast of 4.5 to 1."""
    from viz.theme import named

    theme = named(name)
    for text in (theme.text, theme.muted, theme.value, theme.gradient, theme.alarm):
        for ground in (theme.background, theme.leaf, theme.output, theme.operation):
            light, dark = sorted((luminance(text), luminance(ground)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
