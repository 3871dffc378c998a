"""Pictures in Chromium: hostile names run nothing, and text stays inside what it is written on."""

import html
import json
import re
import subprocess

import numpy as np
import pytest

import autograd_bp as ab
import viz
from autograd_bp import Tensor, Value

pytestmark = pytest.mark.slow

ATTACKS = [
    "<script>document.title = 'run'</script>",
    "<img src=x onerror=\"document.title = 'run'\">",
    "</title></svg><script>document.title = 'run'</script>",
    "]]></style><script>document.title = 'run'</script>",
    '"><svg onload="document.title = \'run\'">',
    "javascript:document.title = 'run'",
    "{}</style><script>document.title = 'run'</script>",
]
NAMES = [
    "苹果",
    "支付金额（含税）",
    "apple",
    "<script>alert(1)</script>",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
    "∂L/∂w₁",
    "σ(z)",
    "two\nlines",
    "ﾊﾝｶｸ ひらがな",
    "السعر الإجمالي",
    "कुल कीमत",
    "총 가격 합계",
    "Общая сумма",
    "🍎🍊 👩‍👩‍👧",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ①②③",
]
MEASURE = """
const found = [];
for (const svg of document.querySelectorAll("svg"))
  for (const group of svg.querySelectorAll("g.box")) {
    const shape = group.querySelector("rect, ellipse").getBBox();
    for (const text of group.querySelectorAll("text")) {
      const box = text.getBBox();
      const over = Math.max(shape.x - box.x, box.x + box.width - shape.x - shape.width,
                            shape.y - box.y, box.y + box.height - shape.y - shape.height);
      found.push([text.textContent, over]);
    }
  }
document.body.innerHTML = "";
const result = document.createElement("pre");
result.id = "result";
result.textContent = JSON.stringify(found);
document.body.append(result);
"""


@pytest.fixture
def dom(chromium, tmp_path):
    """A function that opens a page and returns what the document has become."""

    def opened(page):
        file = tmp_path / "page.html"
        file.write_text(page, encoding="utf-8")
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}",
        ]
        done = subprocess.run(
            [chromium, *options, "--dump-dom", file.as_uri()],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=True,
        )
        return done.stdout

    return opened


def hostile(style):
    x = Value(2.0, name=ATTACKS[0])
    total = x * x
    for attack in ATTACKS:
        total = total * Value(1.5, name=attack)
        total.name = attack
    return viz.draw(total, style=style, title=ATTACKS[2])


@pytest.mark.parametrize("style", ["textbook", "nodes"])
def test_nothing_in_a_hostile_name_runs(dom, style):
    picture = hostile(style)
    # The page of the picture has a policy against scripts; this one would let them run.
    open_page = f"<!doctype html><title>still</title><body>{picture.svg}</body>"
    for page, title in (
        (open_page, "still"),
        (picture.html(), html.escape(ATTACKS[2], quote=False)),
    ):
        document = dom(page)
        assert f"<title>{title}</title>" in document
        assert "<script" not in document
        assert "<img" not in document
        assert document.count("<svg") == 1


def every_kind(name):
    """Pictures of every kind with the name wherever one may stand."""

    def run(value):
        x = Value(value, name=name)
        total = ab.scope(name)(lambda x: ab.tanh(x * x) + x)(x)
        for _ in range(40):
            total = ab.scope(name)(lambda x: ab.exp(-x * 0.1))(total)
        total.name = name
        return total

    entries = Tensor([[1.0, 2.0]], name=name) @ Tensor([[3.0], [4.0]], name=name)
    return [
        viz.draw(run(2.0), algebra=True, flow="size", title=name),
        viz.draw(run(2.0), open=0, style="nodes", title=name),
        viz.draw(run(2.0), open=1, title=name),
        viz.draw(ab.log(Value(0.0, name=name) * 2.0), nonfinite=True, title=name),
        viz.backward_graph(run(2.0), title=name),
        viz.diff(run(2.0), run(3.0), title=name),
        viz.scalars(entries, (0, 0), title=name),
    ]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("attack", ATTACKS[:4])
def test_nothing_runs_or_loads_in_a_picture_of_any_kind(chromium, attack):
    api = pytest.importorskip("playwright.sync_api")
    pictures = every_kind(attack)
    asked: list[str] = []
    said: list[str] = []
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        for picture in pictures:
            for content in (
                f"<!doctype html><title>still</title><body>{picture.svg}</body>",
                picture.html(),
            ):
                page.set_content(content)
                assert page.title() in ("still", attack)
                assert page.locator("svg").count() == 1
                assert (
                    page.locator("script, img, iframe, object, a, image, foreignObject").count()
                    == 0
                )
        browser.close()
    assert asked == []
    assert said == []


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ["苹果", "a rather long name", "∂L/∂w₁"])
def test_text_stays_inside_its_box_in_a_picture_of_any_kind(dom, name):
    page = "".join(picture.svg for picture in every_kind(name))
    document = dom(
        f"<!doctype html><meta charset=utf-8><body>{page}<script>{MEASURE}</script></body>"
    )
    result = re.search(r'<pre id="result">(.*?)</pre>', document, re.DOTALL).group(1)
    found = json.loads(html.unescape(result))
    assert len(found) > 50
    assert [text for text, over in found if over > 0.5] == []


def test_two_figures_on_one_page_keep_their_own_colours(dom):
    x = Value(2.0, name="x")
    page = "".join(viz.draw(x * x, theme=theme).svg for theme in ("light", "dark"))
    script = """
        const fills = [...document.querySelectorAll("rect.background")]
          .map(rect => getComputedStyle(rect).fill);
        document.title = fills.join(" and ");
    """
    document = dom(f"<!doctype html><body>{page}<script>{script}</script></body>")
    assert "<title>rgb(255, 255, 255) and rgb(13, 17, 23)</title>" in document


@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("style", ["textbook", "nodes"])
def test_text_stays_inside_its_box_with_the_fonts_of_the_browser(dom, style, direction):
    total = Value(1.0)
    for name in NAMES:
        total = total + Value(-123.456, name=name) * 1.2e-7
        total.name = name
    weights = Tensor(np.arange(6.0).reshape(2, 3) / 7, name="权重")
    pictures = [total, (weights * 2.0).sum()]
    page = "".join(viz.draw(picture, style=style, direction=direction).svg for picture in pictures)
    document = dom(
        f"<!doctype html><meta charset=utf-8><body>{page}<script>{MEASURE}</script></body>"
    )
    result = re.search(r'<pre id="result">(.*?)</pre>', document, re.DOTALL).group(1)
    found = json.loads(html.unescape(result))
    assert len(found) > 20
    assert [text for text, over in found if over > 0.5] == []
