"""The page of the demo: one HTML file that needs no network, no script and no other file."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from viz.table import Row, entries
from viz.text import escape_xml
from viz.theme import DARK, LIGHT, Theme


@dataclass(frozen=True)
class Stop:
    """One stop of the tour: a computation, its figures, and its picture as SVG in two themes."""

    slug: str
    title: str
    story: str
    formula: str
    command: str
    rows: tuple[Row, ...]
    light: str
    dark: str


@dataclass(frozen=True)
class Figure:
    """A picture as SVG in two themes; it is also in files called `name`.

    A graph stays readable and may be scrolled; a chart becomes as small as the screen is.
    """

    name: str
    caption: str
    light: str
    dark: str
    chart: bool = False


@dataclass(frozen=True)
class Trained:
    """A stop at which a net was trained: its figures as a table, its pictures, its program."""

    slug: str
    title: str
    story: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    figures: tuple[Figure, ...]
    program: str


# The policy is part of the page: even a picture that tried could load nothing and run nothing.
PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>autograd-bp: a tour</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>Values go forward, gradients come back</h1>
<p>A computation is recorded as a graph while it runs. Read along the
<b class="value">thin arrows</b> to see how the result came about, and back along the
<b class="gradient">thick arrows</b> to see how much it depends on every step before it.</p>
<nav>{links}</nav>
</header>
<main>
{sections}
</main>
<footer>Made by <code>autograd-bp demo</code>. Every number here was computed when the page was
written; nothing on it is loaded from anywhere.</footer>
</body>
</html>
"""
SECTION = """\
<section id="{slug}">
<h2>{title}</h2>
<p>{story}</p>
<p class="formula"><code>{formula}</code></p>
{figure}
<table>
<thead><tr><th scope="col">name</th><th scope="col" class="value">value</th>
<th scope="col" class="gradient">gradient</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<p class="command">Try it with your own numbers:</p>
<pre><code>{command}</code></pre>
</section>
"""
TRAINED = """\
<section id="{slug}">
<h2>{title}</h2>
<p>{story}</p>
{figures}
<div class="scrolled"><table class="epochs">
<thead><tr>{columns}</tr></thead>
<tbody>
{rows}
</tbody>
</table></div>
<p class="command">The program:</p>
<pre><code>{program}</code></pre>
</section>
"""
FIGURE = """\
<figure>
<picture class="{kind}">
<source media="(prefers-color-scheme: dark)" srcset="{dark}">
<img src="{light}" alt="{alt}">
</picture>
<figcaption>{caption} As a file: <a href="{name}.svg">{name}.svg</a>,
<a href="{name}.png">{name}.png</a></figcaption>
</figure>"""
ROW = """\
<tr><th scope="row">{name}</th><td class="value">{value}</td><td class="gradient">{gradient}</td>\
</tr>"""
STYLE = """
:root {{ {light} }}
@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; max-width: 60rem; padding: 3rem 1.25rem 4rem; color: var(--text);
  background: var(--background); font: 1.05rem/1.6 system-ui, "Segoe UI", Helvetica, Arial,
  "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif; }}
h1 {{ font-size: 2.1rem; line-height: 1.2; margin: 0 0 1rem; letter-spacing: -0.02em; }}
h2 {{ font-size: 1.4rem; margin: 0 0 .5rem; }}
header p, section > p {{ max-width: 42rem; margin: 0 0 1rem; }}
nav {{ display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; margin: 1.25rem 0 0; }}
a {{ color: var(--value); }}
section {{ border-top: 1px solid var(--rule); margin-top: 2.5rem; padding-top: 2rem; }}
code, pre, td, tbody th {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }}
pre {{ background: var(--panel); border-radius: .5rem; padding: .75rem 1rem; margin: 0;
  font-size: .95rem; white-space: pre-wrap; overflow-wrap: anywhere; }}
figure {{ margin: 1.25rem 0; }}
picture {{ display: block; overflow-x: auto; padding: 1rem; border: 1px solid var(--rule);
  border-radius: .75rem; text-align: center; }}
img {{ max-width: max(100%, 38rem); height: auto; }}
.chart img {{ max-width: 100%; }}
figcaption, footer, .command {{ color: var(--muted); font-size: .9rem; }}
figcaption {{ margin-top: .5rem; }}
.command {{ margin: 1.25rem 0 .4rem; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .3rem 1.5rem .3rem 0; text-align: right; }}
th:first-child {{ text-align: left; font-weight: 600; }}
thead th {{ font-weight: 500; border-bottom: 1px solid var(--rule); }}
tbody tr:last-child > * {{ border-top: 1px solid var(--rule); }}
.epochs tbody tr:last-child > * {{ border-top: 0; }}
.scrolled {{ overflow-x: auto; }}
.value {{ color: var(--value); }}
.gradient {{ color: var(--gradient); }}
footer {{ border-top: 1px solid var(--rule); margin-top: 3rem; padding-top: 1rem; }}
"""


def page(stops: Iterable[Stop], trained: Iterable[Trained] = ()) -> str:
    """The whole page as HTML. Whatever a stop says is shown as that text, and never run.

    >>> "&lt;b&gt;" in page([Stop("s", "<b>", "", "", "", (), "<svg/>", "<svg/>")])
    True
    """
    stops, trained = list(stops), list(trained)
    linked = [(stop.slug, stop.title) for stop in stops]
    linked += [(stop.slug, stop.title) for stop in trained]
    return PAGE.format(
        style=STYLE.format(light=_colours(LIGHT), dark=_colours(DARK)),
        links="".join(
            f'<a href="#{escape_xml(slug)}">{escape_xml(title)}</a>' for slug, title in linked
        ),
        sections="\n".join([*map(_section, stops), *map(_trained, trained)]),
    )


def _section(stop: Stop) -> str:
    texts = {
        "slug": stop.slug,
        "title": stop.title,
        "story": stop.story,
        "formula": stop.formula,
        "command": stop.command,
    }
    alt = f"The graph of {stop.formula}, with the values and gradients of the table below"
    return SECTION.format(
        **{key: escape_xml(text) for key, text in texts.items()},
        figure=_figure(
            Figure(stop.slug, "The graph, with values and gradients.", stop.light, stop.dark), alt
        ),
        rows="\n".join(map(_row, stop.rows)),
    )


def _trained(stop: Trained) -> str:
    return TRAINED.format(
        slug=escape_xml(stop.slug),
        title=escape_xml(stop.title),
        story=escape_xml(stop.story),
        figures="\n".join(_figure(figure, figure.caption) for figure in stop.figures),
        columns="".join(f'<th scope="col">{escape_xml(column)}</th>' for column in stop.columns),
        rows="\n".join(
            f'<tr><th scope="row">{escape_xml(first)}</th>'
            + "".join(f"<td>{escape_xml(cell)}</td>" for cell in rest)
            + "</tr>"
            for first, *rest in stop.rows
        ),
        program=escape_xml(stop.program),
    )


def _figure(figure: Figure, alt: str) -> str:
    return FIGURE.format(
        name=escape_xml(figure.name),
        caption=escape_xml(figure.caption),
        alt=escape_xml(alt),
        kind="chart" if figure.chart else "graph",
        # As an image the picture keeps its ids and styles to itself.
        light=_address(figure.light),
        dark=_address(figure.dark),
    )


def _address(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _row(row: Row) -> str:
    return ROW.format(
        name=escape_xml(row.name),
        value=escape_xml(entries(row.value)),
        gradient=escape_xml(entries(row.gradient)),
    )


def _colours(theme: Theme) -> str:
    named = {
        "background": theme.background,
        "text": theme.text,
        "muted": theme.muted,
        "value": theme.value,
        "gradient": theme.gradient,
        "panel": theme.leaf,
        "rule": theme.leaf_line,
    }
    return " ".join(f"--{name}: {colour};" for name, colour in named.items())
