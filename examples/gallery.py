"""The gallery: the figures of the articles, and every picture of the guide, drawn in one go.

Writes docs/gallery.md, and into docs/gallery/ the pictures that the page and docs/pictures.md show.
The guide's pictures are what its own programs save.

    python examples/gallery.py [--out docs]
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import autograd_bp as ab
import viz
from autograd_bp import Value
from viz import charts

# An example runs alone, from anywhere: the others are beside it.
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from examples import apple_tax, layers_as_graphs, slow_learning  # noqa: E402

PLOT = "gradient-flow-saturated.svg"
GUIDE = ROOT / "docs" / "pictures.md"


@dataclass(frozen=True)
class Figure:
    """One figure of the articles: its file's name, what it is of, and what makes it."""

    name: str
    title: str
    text: str
    alt: str
    draw: Callable[[], viz.Diagram]


def forward_only(diagram: viz.Diagram) -> viz.Diagram:
    """The same graph with nothing coming back: what there is before anybody asks for gradients."""
    picture = diagram.picture
    nodes = (replace(node, flow="constant", gradient=None) for node in picture.nodes)
    edges = (replace(edge, flow="constant", contribution=None) for edge in picture.edges)
    outputs = (replace(output, seed=None) for output in picture.outputs)
    return viz.draw(
        replace(picture, nodes=tuple(nodes), edges=tuple(edges), outputs=tuple(outputs))
    )


def sigmoid_together() -> viz.Diagram:
    """Sigmoid as one node, at the same place as the one taken apart."""
    y = ab.sigmoid(Value(1.0, name="x"))
    y.name = "y"
    return viz.draw(y)


def of(example: dict[str, viz.Diagram], name: str) -> Callable[[], viz.Diagram]:
    """A picture that another example draws too."""
    return lambda: example[f"{name}.svg"]


def figures() -> list[Figure]:
    """The figures of the articles, in their order."""
    fruit, layers = apple_tax.pictures(), layers_as_graphs.pictures()
    return [
        Figure(
            "apple-tax-forward",
            "Apple tax, forward",
            "Two apples at 100, and 10 % tax: 220 to pay.",
            "Apple times apple number times tax, with values forward.",
            lambda: forward_only(fruit["apple-tax.svg"]),
        ),
        Figure(
            "apple-tax",
            "Apple tax, and back",
            "Back come 2.2 for the price of an apple, 110 for the number, 200 for the tax factor.",
            "Apple times apple number times tax, with values forward and gradients back.",
            of(fruit, "apple-tax"),
        ),
        Figure(
            "apples-and-oranges",
            "Apples and oranges",
            "Three oranges at 150 join them: 715. A sum hands its gradient on unchanged; a product "
            "hands each factor the gradient times the other.",
            "Two products, their sum, times tax, with values forward and gradients back.",
            of(fruit, "apples-and-oranges"),
        ),
        Figure(
            "square-of-a-sum",
            "z = (x + y)²",
            "The chain rule in its smallest form: the square gives 2 t, the sum passes it on.",
            "x plus y, squared, with values forward and gradients back.",
            of(fruit, "square-of-a-sum"),
        ),
        Figure(
            "sigmoid",
            "Sigmoid, taken apart",
            "Times -1, exp, plus 1, and 1 / x: together y (1 - y).",
            "Sigmoid from four nodes, with values forward and gradients back.",
            of(layers, "sigmoid"),
        ),
        Figure(
            "sigmoid-together",
            "Sigmoid, together",
            "One node, and the same gradient.",
            "Sigmoid as a single node from x to y.",
            sigmoid_together,
        ),
        Figure(
            "affine",
            "Affine for a batch",
            "Y = X W + B for two samples. Every row uses the bias, so its gradient sums over them.",
            "X times W plus B, with the arrays on the arrows forward and back.",
            of(layers, "affine"),
        ),
        Figure(
            "softmax-with-loss",
            "Softmax-with-Loss, taken apart",
            "exp, sum, division, log, times the target: the longest way, and the shortest "
            "gradient, y - t.",
            "Softmax and cross entropy from single nodes, from top to bottom.",
            of(layers, "softmax-with-loss"),
        ),
    ]


def page() -> str:
    """docs/gallery.md."""
    lines = [
        "# The gallery",
        "",
        "The figures of the articles that the project grew out of, computed and drawn by",
        "[examples/gallery.py](../examples/gallery.py). The guide to pictures is",
        "[pictures.md](pictures.md).",
    ]
    for figure in figures():
        lines += [
            "",
            f"## {figure.title}",
            "",
            figure.text,
            "",
            f"![{figure.alt}](gallery/{figure.name}.svg)",
        ]
    return "\n".join(lines) + "\n"


def guide_pictures() -> dict[str, str]:
    """The pictures that the programs of the guide save, by name."""
    text = GUIDE.read_text(encoding="utf-8")
    program = "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(  # noqa: S603 - our own page
            [sys.executable, "-c", program],
            cwd=folder,
            env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return {
            path.name: path.read_text(encoding="utf-8")
            for path in sorted(Path(folder).glob("*.svg"))
        }


def pictures() -> dict[str, str]:
    """Every picture of the gallery and of the guide but the plot, as SVG text by name."""
    drawn = {f"{figure.name}.svg": figure.draw().svg for figure in figures()}
    return drawn | guide_pictures()


def drawn_plot() -> str:
    """The gradient flow of the saturated network, and which Matplotlib drew it."""
    import matplotlib as mpl

    _, flow = slow_learning.flows()["saturated"]
    return f"{charts.svg(flow.figure())}<!-- drawn with Matplotlib {mpl.__version__} -->\n"


def main() -> None:
    """Write the page and the pictures."""
    parser = argparse.ArgumentParser(description="Draw the gallery and the guide's pictures.")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="default: docs")
    folder = parser.parse_args().out

    (folder / "gallery").mkdir(parents=True, exist_ok=True)
    for name, svg in pictures().items():
        (folder / "gallery" / name).write_text(svg, encoding="utf-8")
        print(f"wrote {folder / 'gallery' / name}")
    plot = folder / "gallery" / PLOT
    plot.write_text(drawn_plot(), encoding="utf-8")
    print(f"wrote {plot}")
    (folder / "gallery.md").write_text(page(), encoding="utf-8")
    print(f"wrote {folder / 'gallery.md'}")


if __name__ == "__main__":
    main()
