"""`viz.explain`: from a graph to an explanation."""

import autograd_bp as ab
from viz.explaining.explanation import Explanation
from viz.explaining.reading import read


def explain(
    output: object, wrt: object, *, seed: object = None, paths: int = 10, digits: int = 4
) -> Explanation:
    """Explain where the derivative of `output` by `wrt` comes from.

    The derivative is a sum over all paths from `output` to `wrt`, and each path contributes the
    product of the local derivatives along it. These come from the rule sheet: in names first, then
    in numbers. `.grad` is neither read nor written.

    Of more than `paths` paths those with the largest products are shown, found without enumerating
    them, and how many there are and what share these cover is told. For numbers they are exactly
    the largest. Through arrays a path contributes an array, by vector-Jacobian products; the paths
    are then chosen by the norm of what they carry on their way.

    Parameters
    ----------
    output
        A `Value` or a `Tensor`. One with several entries is summed, unless `seed` is given.
    wrt
        The node to differentiate by: a leaf, or anything on the way to it.
    seed
        The gradient fed in at `output`, of its shape; ones when None.
    paths
        The most paths to show.
    digits
        Significant digits of the numbers, from 1 to 17.

    Returns
    -------
    Explanation
        With `.text`, `.markdown`, `.latex`; it prints itself, and shows itself in a notebook.

    Raises
    ------
    TypeError
        `output` or `wrt` is no node.
    ValueError
        `output` or `wrt` requires no gradient, or a number is out of its range.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> import viz
    >>> apple, n, tax = ab.Value(100.0, "apple"), ab.Value(2.0, "n"), ab.Value(1.1, "tax")
    >>> price = apple * n * tax
    >>> price.name = "price"
    >>> viz.explain(price, wrt=apple)
    d price / d apple = 2.2
    <BLANKLINE>
    Forward
      t1 = apple * n = 100 * 2 = 200
      price = t1 * tax = 200 * 1.1 = 220
    <BLANKLINE>
    Local derivatives
      d price / d t1 = tax = 1.1
      d t1 / d apple = n = 2
    <BLANKLINE>
    1 path from price to apple
      price <- t1 <- apple
         d price / d apple = tax * n = 1.1 * 2 = 2.2
    <BLANKLINE>
    """
    for role, node in (("output", output), ("wrt", wrt)):
        if not isinstance(node, ab.graph.Node):
            raise TypeError(
                f"viz.explain needs a Value or a Tensor as its {role}; got {type(node).__name__}. "
                "Write viz.explain(price, wrt=apple)."
            )
        if not node.requires_grad:
            named = repr(node.name) if node.name else f"the {role}"
            raise ValueError(
                f"{named} requires no gradient (it was made with requires_grad=False, detached, or "
                "computed under no_grad), so there is no derivative to explain"
            )
    if isinstance(paths, bool) or not isinstance(paths, int) or paths < 1:
        raise ValueError(f"paths must be a whole number from 1; got {paths!r}")
    if isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= 17:
        raise ValueError(f"digits must be from 1 to 17; got {digits!r}")
    assert isinstance(output, ab.graph.Node)
    assert isinstance(wrt, ab.graph.Node)
    return read(output, wrt, seed, paths, digits)
