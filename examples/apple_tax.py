"""Apples, oranges and tax: the first computational graphs of most books on backpropagation.

Two apples at 100 each, with 10 % tax, cost 220. How much more would they cost if an apple, the
number of apples, or the tax rate were a little higher? Backpropagation answers all three at once:
2.2, 110 and 200.

The problem is solved twice: with plain expressions, and with layer objects that have a `forward`
and a `backward`, as the article has it. Both draw the same graph.

    python examples/apple_tax.py [--out FOLDER]
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import autograd_bp as ab
import viz
from autograd_bp import Value


class MulLayer(ab.Function):
    """The article's multiplication: backward hands each factor the gradient times the other."""

    def forward(self, x: float, y: float) -> float:
        """The product; keeps both factors for `backward`."""
        self.x, self.y = x, y
        return x * y

    def backward(self, g: float) -> tuple[float, float]:
        """The gradients with respect to x and y, from the gradient `g` of the product."""
        return g * self.y, g * self.x


class AddLayer(ab.Function):
    """The article's addition: backward hands the gradient on, unchanged, to both."""

    def forward(self, x: float, y: float) -> float:
        """The sum; nothing need be kept."""
        return x + y

    def backward(self, g: float) -> tuple[float, float]:
        """The gradients with respect to x and y, from the gradient `g` of the sum."""
        return g, g


def apples_by_hand() -> tuple[float, tuple[float, float, float]]:
    """The article's own program: layers called on numbers, forward and then backward.

    Returns the price and its derivatives by apple, number and tax.

    >>> apples_by_hand()
    (220.00000000000003, (2.2, 110.00000000000001, 200.0))
    """
    mul_apple, mul_tax = MulLayer(), MulLayer()
    apple_price = mul_apple.forward(100.0, 2.0)
    price = mul_tax.forward(apple_price, 1.1)

    d_apple_price, d_tax = mul_tax.backward(1.0)
    d_apple, d_number = mul_apple.backward(d_apple_price)
    return price, (d_apple, d_number, d_tax)


def apples(*, layers: bool) -> tuple[Value, dict[str, Value]]:
    """Two apples: the price, and the leaves it was computed from, by name."""
    apple, number, tax = (
        Value(100.0, name="apple"),
        Value(2.0, name="apple number"),
        Value(1.1, name="tax"),
    )
    if layers:
        mul_apple, mul_tax = MulLayer(), MulLayer()
        price = mul_tax(mul_apple(apple, number), tax)
    else:
        price = apple * number * tax
    price.name = "price"
    return price, _by_name(apple, number, tax)


def apples_and_oranges(*, layers: bool) -> tuple[Value, dict[str, Value]]:
    """Two apples and three oranges: the price, and its leaves by name."""
    apple, apple_number = Value(100.0, name="apple"), Value(2.0, name="apple number")
    orange, orange_number = Value(150.0, name="orange"), Value(3.0, name="orange number")
    tax = Value(1.1, name="tax")
    if layers:
        mul_apple, mul_orange, add_fruit, mul_tax = MulLayer(), MulLayer(), AddLayer(), MulLayer()
        fruit = add_fruit(mul_apple(apple, apple_number), mul_orange(orange, orange_number))
        price = mul_tax(fruit, tax)
    else:
        price = (apple * apple_number + orange * orange_number) * tax
    price.name = "price"
    return price, _by_name(apple, apple_number, orange, orange_number, tax)


def square_of_a_sum() -> tuple[Value, dict[str, Value]]:
    """z = (x + y)**2 at x = 3, y = 4: z = 49, and dz/dx = dz/dy = 2 (x + y) = 14."""
    x, y = Value(3.0, name="x"), Value(4.0, name="y")
    z = (x + y) ** 2
    z.name = "z"
    return z, _by_name(x, y)


def pictures() -> dict[str, viz.Diagram]:
    """The pictures of this example, by file name."""
    return {
        "apple-tax.svg": viz.draw(apples(layers=False)[0]),
        "apple-tax-layers.svg": viz.draw(apples(layers=True)[0]),
        "apples-and-oranges.svg": viz.draw(apples_and_oranges(layers=False)[0]),
        "square-of-a-sum.svg": viz.draw(square_of_a_sum()[0]),
    }


def main() -> None:
    """Print every figure and write the pictures."""
    parser = argparse.ArgumentParser(description="Apples, oranges and tax, as graphs.")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    folder = parser.parse_args().out

    price, (d_apple, d_number, d_tax) = apples_by_hand()
    print("Layers called by hand")
    print(f"  price {price:.12g}: apple {d_apple:.12g}, number {d_number:.12g}, tax {d_tax:.12g}")
    for title, (result, leaves) in {
        "Two apples, plain": apples(layers=False),
        "Two apples, layers": apples(layers=True),
        "Two apples and three oranges, plain": apples_and_oranges(layers=False),
        "Two apples and three oranges, layers": apples_and_oranges(layers=True),
        "z = (x + y)**2 at x = 3, y = 4": square_of_a_sum(),
    }.items():
        print(title)
        print(f"  {result.name} {result.data:.12g}: {_shown(gradients(result, leaves))}")

    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures().items():
        picture.save(folder / name)
        print(f"wrote {folder / name}")


def gradients(result: Value, leaves: Mapping[str, Value]) -> dict[str, float]:
    """The gradient of `result` with respect to each leaf, by name."""
    return dict(zip(leaves, ab.gradients(result, list(leaves.values())), strict=True))


def _by_name(*leaves: Value) -> dict[str, Value]:
    return {str(leaf.name): leaf for leaf in leaves}


def _shown(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {figure:.12g}" for name, figure in figures.items())


if __name__ == "__main__":
    main()
