"""The page: a picture, the steps as data, and a small script. Whatever a name holds is text."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from viz.diagram import Diagram
from viz.picture import Picture
from viz.scene import Scene
from viz.stepping.events import Event
from viz.stepping.recording import Moment
from viz.stepping.sentences import mathematics, raw, slots, words
from viz.styles import STYLES
from viz.text import escape_xml
from viz.theme import DARK, LIGHT, Theme

_STYLE = re.compile("<style>(.*?)</style>", re.DOTALL)
_COLOUR = re.compile("#[0-9a-f]{6}")
_FIGURE = re.compile(r'<svg[^>]*? id="([\w-]+)"[^>]*? width="([\d.]+)"')
# A picture is shrunk to the width of the page, but not below this scale: then it scrolls.
_LEAST_SCALE = 0.8
# The page may be three times its picture and 100 kB; this much is for the moments of a run.
_FOR_MOMENTS = 70_000
# How much longer than both ends of a run one of its moments may be, written down.
_GROWTH = 1.2

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; script-src 'sha256-{hash}'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<div id="stage" tabindex="-1" style="--least:{least:.0f}px">
{svg}</div>
<section id="panel" aria-label="The current step">
<p id="count"></p>
<div id="now" aria-live="polite"></div>
<table id="sums" hidden><caption>Gradient of <i></i></caption>
<tr><th scope="row">before this step</th><td></td></tr>
<tr><th scope="row">contribution</th><td></td></tr>
<tr><th scope="row">after it</th><td></td></tr></table>
<form id="quiz" hidden autocomplete="off"><label for="answer"></label>
<span><input id="answer" inputmode="text" spellcheck="false"> <button>Check</button>
<button type="button" id="show">Show</button></span>
<output id="verdict" for="answer"></output></form>
</section>
<noscript><p>Stepping needs JavaScript. All steps are told below.</p></noscript>
<details id="walk"><summary>All {count} steps as text</summary>
<ol>
{steps}
</ol>
</details>
</main>
<footer id="controls" role="toolbar" aria-label="Steps">
<div><button id="first" title="Home" aria-label="First step">&#x21E4;</button>
<button id="back" title="Left arrow" aria-label="One step back">&#x25C0;&#xFE0E;</button>
<button id="play" title="Space">Play</button>
<button id="next" title="Right arrow" aria-label="One step on">&#x25B6;&#xFE0E;</button>
<button id="last" title="End" aria-label="Last step">&#x21E5;</button>
<label class="quiz"><input type="checkbox" id="quizzing"> Quiz</label>
<span id="score" aria-live="polite"></span></div>
<label>Step <input type="range" id="step" min="0" max="{last}" value="0"></label>
{moments}</footer>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""
MOMENTS = """\
<label>Training <input type="range" id="moment" min="0" max="{last}" value="0">
<output id="moment-label" for="moment"></output></label>
"""


def page(
    diagram: Diagram, scene: Scene, moments: Sequence[Moment], digits: int, title: str | None
) -> str:
    """The whole page as HTML."""
    svg = diagram.svg
    found = _FIGURE.search(svg)
    assert found, "a picture has an id"
    figure = found[1]
    first = moments[0]
    output = first.walk.names[first.picture.outputs[0].node]
    told = _thinned(diagram, scene, moments, digits)
    data = {
        "figure": figure,
        "digits": digits,
        "steps": [
            {
                "kind": event.kind,
                "node": event.node,
                **({} if event.edge is None else {"edge": event.edge}),
                **_lights(first, event),
                "n": raw(slots(first.walk, first.picture, event), digits),
                "name": event.name.text,
                **({} if event.result_name is None else {"from": event.result_name.text}),
                **({"complete": True} if event.complete else {}),
            }
            for event in first.walk.events
        ],
        "moments": told,
    }
    script = _asset("page.js")
    title = title or f"{output.text}, step by step"
    return PAGE.format(
        hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        title=escape_xml(title),
        style=_style(svg, figure),
        svg=svg,
        least=_LEAST_SCALE * float(found[2]),
        count=len(first.walk.events),
        last=len(first.walk.events) - 1,
        steps="\n".join(
            f"<li><p>{words(first.walk, first.picture, event, output, digits)}</p>"
            f"{mathematics(event, output, digits)}</li>"
            for event in first.walk.events
        ),
        moments=MOMENTS.format(last=len(told) - 1) if len(told) > 1 else "",
        data=json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        .replace("<", "\\u003c")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029"),
        script=script,
    )


def _asset(name: str) -> str:
    return (importlib.resources.files("viz.stepping") / name).read_text(encoding="utf-8")


def _style(svg: str, figure: str) -> str:
    """The page's style, and that of the picture in the dark: its own in other colours."""
    dark = {getattr(LIGHT, each.name): getattr(DARK, each.name) for each in fields(Theme)}
    own = _STYLE.search(svg)
    assert own, "a picture has a style"
    colours = _COLOUR.sub(lambda found: str(dark.get(found[0], found[0])), own[1])
    return (
        f":root{{{_colours(LIGHT)}}}\n{_asset('page.css')}"
        f"@media (prefers-color-scheme: dark){{:root{{{_colours(DARK)}}}"
        f"{colours.replace(f'#{figure}', f':root #{figure}')}}}"
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
    return ";".join(f"--{name}:{colour}" for name, colour in named.items())


def _lights(moment: Moment, event: Event) -> dict[str, list[str]]:
    """By the tags of the picture: what is lit in a step, whose values and gradients it tells."""
    picture = moment.picture
    if event.kind == "given":
        given = [tag for node in moment.walk.inputs for tag in _value_tags(picture, node)]
        return {"lit": [f"n{node}" for node in moment.walk.inputs], "values": given}
    if event.kind == "computed":
        into = [f"e{edge.id}" for edge in picture.edges if edge.target == event.node]
        return {
            "lit": [*into, *_own(event.node)],
            "values": [*_own(event.node), *_value_tags(picture, event.node)],
        }
    results = _results(picture, event.node)
    if event.kind == "seeded":
        return {"lit": results, "gradients": [*results, *_own(event.node)]}
    passed = [f"e{event.edge}"]
    return {
        "lit": [*passed, f"n{event.result}"],
        "gradients": [*passed, *(_own(event.node) if event.complete else [])],
    }


def _own(node: int) -> list[str]:
    """What in the picture stands for a node itself: box, operation, stem, fork."""
    return [f"{letter}{node}" for letter in "nvsf"]


def _results(picture: Picture, node: int) -> list[str]:
    places = [place for place, output in enumerate(picture.outputs) if output.node == node]
    return [f"{letter}{place}" for place in places for letter in "ro"]


def _value_tags(picture: Picture, node: int) -> list[str]:
    """Where the value of a node is written: its own box, its uses, the result."""
    uses = [f"e{edge.id}" for edge in picture.edges if edge.source == node]
    return [f"n{node}", *uses, *_results(picture, node)]


# -- moments of a training run --------------------------------------------------------------------


def _thinned(
    diagram: Diagram, scene: Scene, moments: Sequence[Moment], digits: int
) -> list[dict[str, Any]]:
    """The moments as data; of a long run as many as there is room for, the last among them."""
    if len(moments) == 1:
        return []
    room = max(_FOR_MOMENTS, len(diagram.svg))
    ends = [_moment(scene, moments[place], digits) for place in (0, -1)]
    longest = max(len(json.dumps(each, ensure_ascii=False).encode()) for each in ends)
    most = min(len(moments), max(2, int(room / (_GROWTH * longest))))
    kept = sorted({round(place * (len(moments) - 1) / (most - 1)) for place in range(most)})
    return [_moment(scene, moments[place], digits) for place in kept]


def _moment(scene: Scene, moment: Moment, digits: int) -> dict[str, Any]:
    """The numbers of a moment: by step, and by where they are written in the picture."""
    other = STYLES["textbook"](moment.picture, scene.direction, digits, scene.title)
    texts = {}
    counts = Counter(tag for tag, _ in _texts(scene))
    for (tag, before), (_, now) in zip(_texts(scene), _texts(other), strict=True):
        if counts[tag] == 1 and len(before) == len(now) and now:
            texts[tag] = now
    return {
        "label": moment.label,
        "n": [
            list(raw(slots(moment.walk, moment.picture, event), digits).values())
            for event in moment.walk.events
        ],
        "texts": texts,
    }


def _texts(scene: Scene) -> list[tuple[str, list[str]]]:
    """The lines of text of everything in a picture, as they stand in its SVG."""
    links = [(link.tag, [each.text for each in (*link.above, *link.below)]) for link in scene.links]
    return links + [(box.tag, [each.text for each in box.lines]) for box in scene.boxes]
