"""`autograd-bp demo`: a short tour of tables, pictures and one page that shows them."""

import shlex
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import autograd_bp as ab
import viz
from autograd_bp import Tensor, Value
from autograd_bp.expression import evaluate
from viz import demo_digits
from viz.demo_page import Stop, Trained, page
from viz.table import Row, table


@dataclass(frozen=True)
class Problem:
    """A computation worth looking at: its story, and the expression with its values."""

    slug: str
    title: str
    story: str
    result: str
    expression: str
    values: Mapping[str, float]

    @property
    def command(self) -> str:
        """What to type to get the same figures."""
        given = " ".join(f"{name}={value:g}" for name, value in self.values.items())
        return f'autograd-bp grad "{self.expression}" {given}'

    def compute(self) -> tuple[Value | Tensor, list[Row]]:
        """The result as a node, and the value and gradient of everything with a name."""
        leaves = {name: Value(value, name=name) for name, value in self.values.items()}
        result = evaluate(self.expression, leaves)
        result.name = self.result
        gradients = ab.gradients(result, [*leaves.values(), result])
        nodes = [*leaves.values(), result]
        return result, [
            Row(str(node.name), node.data, gradient)
            for node, gradient in zip(nodes, gradients, strict=True)
        ]


PROBLEMS = (
    Problem(
        slug="apple-tax",
        title="Two apples, with tax",
        story=(
            "Two apples at 100 each, and 10 % tax: 220 to pay. The gradient of the price says how "
            "much more there would be to pay for each unit more of something: 2.2 for an apple "
            "that costs 1 more, 110 for one more apple, 200 for each whole unit of the tax factor."
        ),
        result="price",
        expression="apple * apple_number * tax",
        values={"apple": 100, "apple_number": 2, "tax": 1.1},
    ),
    Problem(
        slug="apples-and-oranges",
        title="Two apples and three oranges",
        story=(
            "Three oranges at 150 join the basket. A sum hands its gradient on unchanged to both "
            "sides, a product hands each factor the gradient times the other factor: these two "
            "rules, applied from the price backward, give all five numbers in one go."
        ),
        result="price",
        expression="(apple * apple_number + orange * orange_number) * tax",
        values={"apple": 100, "apple_number": 2, "orange": 150, "orange_number": 3, "tax": 1.1},
    ),
    Problem(
        slug="square-of-a-sum",
        title="The square of a sum",
        story=(
            "The chain rule in its smallest form: z = t ** 2 with t = x + y. Going back, the "
            "square multiplies by 2 t = 14, and the sum passes that on to x and to y."
        ),
        result="z",
        expression="(x + y) ** 2",
        values={"x": 3, "y": 4},
    ),
)


def run(folder: Path) -> None:
    """Print the tables, write the pictures and the page into `folder`, and say where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    stops = []
    for problem in PROBLEMS:
        result, rows = problem.compute()
        diagram = viz.draw(result)
        diagram.save(folder / f"{problem.slug}.svg")
        diagram.save(folder / f"{problem.slug}.png")
        print(f"{problem.title}\n{problem.result} = {problem.expression}\n")
        print(table(rows))
        print(f"\n  drawn as {shown(folder / problem.slug)}.svg and .png\n")
        stops.append(
            Stop(
                problem.slug,
                problem.title,
                problem.story,
                f"{problem.result} = {problem.expression}",
                problem.command,
                tuple(rows),
                diagram.svg,
                viz.draw(result, theme="dark").svg,
            )
        )
    trained = [stop] if (stop := _digits(folder)) else []
    index = folder / "index.html"
    index.write_text(page(stops, trained), encoding="utf-8")
    print(f"All of it on one page: {shown(index)}")


def _digits(folder: Path) -> Trained | None:
    """Train a net on digits and say how well it reads, where there is what that needs."""
    try:
        stop = demo_digits.stop(folder)
    except ImportError as error:
        print(f"Without scikit-learn and matplotlib no net is trained: {error}\n")
        return None
    print(f"{stop.title}\n{textwrap.fill(stop.story, 80)}\n")
    widths = [max(map(len, column)) for column in zip(stop.columns, *stop.rows, strict=True)]
    for line in (stop.columns, *stop.rows):
        cells = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        print("  " + "   ".join(cells))
    print(f"\n  drawn as {shown(folder / 'digits')}-*.svg and .png\n")
    return stop


def shown(path: Path) -> str:
    """A path as it can be pasted into a shell."""
    return shlex.quote(str(path))
