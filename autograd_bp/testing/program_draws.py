"""What operands and parameters a row is given in a random program, kind by kind."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from autograd_bp.rules import Rule
from autograd_bp.rules.arrays import count
from autograd_bp.testing.calls import CALLS, calls_of
from autograd_bp.testing.program import Condition, Operand, Ref

Array = NDArray[Any]
Shape = tuple[int, ...]
Drawn = tuple[list[Operand], dict[str, Any]] | None
"""Operands and parameters; None where no result fits."""

LARGEST = 24
"""No result has more elements."""
MOST_AXES = 4
"""No result that something is made of has more axes."""

# On a grid, so that a failure shows short numbers; a tie or a kink is drawn now and then.
ordinary = st.integers(-3000, 3000).map(lambda n: n / 1000)
_SPECIAL = (0.0, 1.0, -1.0, 2.0, 0.5, -0.5)
numbers = st.integers(-3300, 3300).map(
    lambda n: n / 1000 if abs(n) <= 3000 else _SPECIAL[n % len(_SPECIAL)]
)
constants = st.one_of(st.sampled_from([2.0, 0.5, 1.0, -1.0, 3.0, 2, -2, 1, 0.0]), ordinary)


class Results(Protocol):
    """The results so far, to choose operands from."""

    draw: st.DrawFn

    def ref(self, fits: Callable[[int], bool]) -> Ref | None:
        """A result that fits, if there is one."""

    def shape(self, result: Ref | int) -> Shape:
        """Its shape."""

    def is_value(self, index: int) -> bool:
        """Whether it is a Value, which cannot be indexed."""


def array(draw: st.DrawFn, shape: Shape, elements: st.SearchStrategy[float] = ordinary) -> Array:
    """An array of drawn numbers."""
    n = math.prod(shape)
    return np.array(draw(st.lists(elements, min_size=n, max_size=n)), float).reshape(shape)


def operands_of(results: Results, rule: Rule) -> Drawn:
    """Operands and parameters for a row."""
    if rule.name in _WAYS:
        return _WAYS[rule.name](results)
    if rule.kind == "elementwise":
        return _elementwise(results, rule)
    if rule.name in CALLS:
        return _listed(results, rule)
    x = _with_axes(results, 0 if "keepdims" in rule.params or not rule.params else 1)
    if x is None:
        return None
    shape, draw = results.shape(x), results.draw
    params: dict[str, Any] = {}
    for name in rule.params:
        if name == "axis":
            params[name] = _axes(draw, shape) if "keepdims" in rule.params else _axis(draw, shape)
        elif name == "keepdims":
            params[name] = draw(st.booleans())
        elif name == "ddof":
            params[name] = draw(st.integers(0, 1))
        else:
            params[name] = rule.defaults[name]
    if "ddof" in params and count(np.zeros(shape), params["axis"]) == 1:
        params["ddof"] = 0
    return [x], params


def _listed(results: Results, rule: Rule) -> Drawn:
    """One of the calls listed for a row: results of these shapes, and constants."""
    usable = [
        call
        for call in calls_of(rule)
        if all(0 < math.prod(shape) <= LARGEST for shape in call.shapes)
    ]
    first = results.draw(st.integers(0, len(usable) - 1))
    for call in usable[first:] + usable[:first]:
        refs = [results.ref(_has_shape(results, shape)) for shape in call.shapes]
        if any(refs):
            operands: list[Operand] = [
                array(results.draw, shape) if ref is None else ref
                for ref, shape in zip(refs, call.shapes, strict=True)
            ]
            return operands, dict(zip(rule.params, call.params, strict=True))
    return None


def _has_shape(results: Results, shape: Shape) -> Callable[[int], bool]:
    return lambda i: results.shape(i) == shape


# -- shapes and axes ------------------------------------------------------------------------------


def broadcast(*shapes: Shape) -> Shape | None:
    """The shape these broadcast to, unless they do not, or it is too large."""
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        return None
    return shape if math.prod(shape) <= LARGEST else None


def _with_axes(
    results: Results, least: int = 1, most: int = MOST_AXES, *, index: bool = False
) -> Ref | None:
    """A result with so many axes; with `index`, one that can be indexed."""
    return results.ref(
        lambda i: least <= len(results.shape(i)) <= most and not (index and results.is_value(i))
    )


def _axis(draw: st.DrawFn, shape: Shape) -> int:
    return draw(st.integers(0, len(shape) - 1)) - (len(shape) if draw(st.booleans()) else 0)


def _axes(draw: st.DrawFn, shape: Shape) -> Any:
    how = draw(st.sampled_from(["none", "one", "some"])) if shape else "none"
    if how == "none":
        return None
    if how == "one":
        return _axis(draw, shape)
    return tuple(a for a in range(len(shape)) if draw(st.booleans()))


# -- elementwise ----------------------------------------------------------------------------------


def _elementwise(results: Results, rule: Rule) -> Drawn:
    draw = results.draw
    first = results.ref(lambda _: True)
    assert first is not None
    operands: list[Operand] = [first]
    shape = results.shape(first)
    selects = rule.args[0] == "condition"
    for _ in rule.args[1 + selects :]:
        operand = _beside(results, first, shape)
        operands.append(operand)
        wide = broadcast(shape, _shape(results, operand))
        assert wide is not None
        shape = wide
    if len(operands) > 1 and draw(st.booleans()):
        operands.reverse()
    if selects:
        left = results.ref(lambda i: broadcast(shape, results.shape(i)) is not None)
        assert left is not None
        right = _beside(results, first, shape)
        symbol = draw(st.sampled_from([">", ">=", "<", "<="]))
        operands.insert(0, Condition(left, symbol, right))
        if broadcast(shape, results.shape(left), _shape(results, right)) is None:
            operands[0] = Condition(left, symbol, draw(ordinary))
    return operands, {name: draw(st.sampled_from([d, 0.3])) for name, d in rule.defaults.items()}


def _beside(results: Results, first: Ref, shape: Shape) -> Operand:
    """An operand that broadcasts with `shape`: another result, the same again, a constant."""
    draw = results.draw
    how = draw(st.sampled_from(["other", "other", "same", "number", "array"]))
    if how == "other":
        other = results.ref(lambda i: broadcast(shape, results.shape(i)) is not None)
        return other or first
    if how == "same":
        return first
    if how == "number":
        return draw(constants)
    return array(draw, shape[draw(st.integers(0, len(shape))) :])


def _shape(results: Results, operand: Operand) -> Shape:
    return results.shape(operand) if isinstance(operand, Ref) else np.shape(operand)  # type: ignore[arg-type]


# -- products -------------------------------------------------------------------------------------


def _matmul(results: Results) -> Drawn:
    draw = results.draw
    x = _with_axes(results)
    if x is None:
        return None
    shape = results.shape(x)

    def fits(left: Shape, right: Shape) -> bool:
        try:
            product = np.matmul(np.zeros(left), np.zeros(right))
        except ValueError:
            return False
        return int(np.size(product)) <= LARGEST

    y = results.ref(lambda i: fits(shape, results.shape(i)))
    if y is not None and draw(st.booleans()):
        return [x, y], {}
    if draw(st.booleans()):
        return [x, array(draw, draw(st.sampled_from([shape[-1:], (shape[-1], 2)])))], {}
    rows = shape[-2] if len(shape) > 1 else shape[0]
    return [array(draw, draw(st.sampled_from([(rows,), (2, rows)]))), x], {}


def _einsum(results: Results) -> Drawn:
    draw = results.draw
    x = _with_axes(results)
    if x is None:
        return None
    shape = results.shape(x)
    own = "ijkl"[: len(shape)]
    if len(shape) == 2 and shape[0] == shape[1] and draw(st.booleans()):
        return [x], {"subscripts": draw(st.sampled_from(["ii->i", "ii->", "ij->ji"]))}
    lengths = {**dict(zip(own, shape, strict=True)), "m": 2}
    if draw(st.booleans()):
        y: Operand = results.ref(lambda i: results.shape(i) == shape) or x
        labels = own
    else:
        labels = "".join(draw(st.lists(st.sampled_from(sorted(lengths)), unique=True, min_size=1)))
        y = array(draw, tuple(lengths[k] for k in labels))
    result = "".join(draw(st.permutations(sorted({*own, *labels}))))
    result = result[: draw(st.integers(0, len(result)))]
    return [x, y], {"subscripts": f"{own},{labels}->{result}"}


def _linear_recurrence(results: Results) -> Drawn:
    x = _with_axes(results, index=True)
    if x is None:
        return None
    shape = results.shape(x)
    y = results.ref(lambda i: results.shape(i) == shape)
    assert y is not None
    axis = results.draw(st.integers(0, len(shape) - 1))
    return [x, y], {"axis": axis}


# -- structure ------------------------------------------------------------------------------------


def _one(
    params: Callable[[st.DrawFn, Shape], dict[str, Any]],
    least: int = 1,
    most: int = MOST_AXES,
    *,
    index: bool = False,
) -> Callable[[Results], Drawn]:
    """One operand with so many axes, and parameters for its shape."""

    def way(results: Results) -> Drawn:
        x = _with_axes(results, least, most, index=index)
        return None if x is None else ([x], params(results.draw, results.shape(x)))

    return way


def _joined(new_axis: bool) -> Callable[[Results], Drawn]:
    """One to three operands of one shape, or all but one axis of it; one may come twice."""

    def way(results: Results) -> Drawn:
        draw = results.draw
        x = _with_axes(results, not new_axis, MOST_AXES - new_axis)
        if x is None:
            return None
        shape = results.shape(x)
        axis = draw(st.integers(0, len(shape) - (not new_axis)))

        def fits(i: int) -> bool:
            other = results.shape(i)
            return (
                other == shape
                if new_axis
                else (
                    len(other) == len(shape)
                    and all(
                        a == b
                        for k, (a, b) in enumerate(zip(other, shape, strict=True))
                        if k != axis
                    )
                )
            )

        operands: list[Operand] = [x]
        for _ in range(draw(st.integers(0, 2))):
            other = results.ref(fits)
            assert other is not None
            operands.append(array(draw, shape) if draw(st.integers(0, 3)) == 3 else other)
        if draw(st.booleans()):
            operands.reverse()
        return operands, {"axis": axis}

    return way


def _index(draw: st.DrawFn, shape: Shape) -> tuple[Any, ...]:
    """An index of any of NumPy's kinds that picks at least one element."""
    kind = draw(st.sampled_from(["basic", "basic", "repeated", "mask"])) if shape else "new axis"
    if kind == "new axis":
        return draw(st.sampled_from([(None,), (...,), ()]))
    if kind == "repeated":
        axis = draw(st.integers(0, len(shape) - 1))
        n = shape[axis]
        places = draw(st.lists(st.integers(-n, n - 1), min_size=1, max_size=4))
        return (slice(None),) * axis + (places,)
    if kind == "mask":
        mask = draw(st.lists(st.booleans(), min_size=shape[0], max_size=shape[0]))
        return (mask,) if any(mask) else ([not m for m in mask],)
    parts: list[Any] = []
    for n in shape[: draw(st.integers(0, len(shape)))]:
        start = draw(st.integers(0, n - 1))
        parts.append(
            draw(
                st.sampled_from(
                    [slice(None), start, start - n, slice(start, None), slice(None, None, -1)]
                )
            )
        )
    extra = draw(st.sampled_from(["", "", "...", "None"]))
    return (*parts, ...) if extra == "..." else (None, *parts) if extra == "None" else tuple(parts)


def _index_set(results: Results) -> Drawn:
    draw = results.draw
    x = _with_axes(results, 1, 3, index=True)
    if x is None:
        return None
    index = _index(draw, results.shape(x))
    picked = np.zeros(results.shape(x))[index].shape
    v = results.ref(lambda i: _broadcasts_to(results.shape(i), picked))
    written: Operand = v if v is not None and draw(st.booleans()) else draw(ordinary)
    return [x, written], {"index": index}


def _broadcasts_to(shape: Shape, target: Shape) -> bool:
    return len(shape) <= len(target) and broadcast(shape, target) == target


def _wider(draw: st.DrawFn, shape: Shape) -> dict[str, Any]:
    wide = tuple(draw(st.integers(1, 3)) if n == 1 else n for n in shape)
    return {"shape": (*draw(st.sampled_from([(), (2,), (1,)])), *wide)}


def _rearranged(draw: st.DrawFn, shape: Shape) -> dict[str, Any]:
    size = math.prod(shape)
    choices: list[Shape] = [(size,), (-1,), shape[::-1], (1, *shape), (*shape, 1)]
    choices += [(k, size // k) for k in range(2, size) if size % k == 0]
    return {"shape": draw(st.sampled_from(choices + ([()] if size == 1 else [])))}


def _padding(draw: st.DrawFn, shape: Shape) -> dict[str, Any]:
    width = tuple((draw(st.integers(0, 1)), draw(st.integers(0, 1))) for _ in shape)
    return {"width": width, "value": draw(st.sampled_from([0.0, 1.5]))}


def _axis_or_none(draw: st.DrawFn, shape: Shape) -> dict[str, Any]:
    return {"axis": None if draw(st.integers(0, 3)) == 3 else _axis(draw, shape)}


_WAYS: dict[str, Callable[[Results], Drawn]] = {
    "matmul": _matmul,
    "chain_matmul": _matmul,
    "chain_matmul_both": _matmul,
    "einsum": _einsum,
    "linear_recurrence": _linear_recurrence,
    "index_set": _index_set,
    "concatenate": _joined(new_axis=False),
    "stack": _joined(new_axis=True),
    "getitem": _one(lambda draw, shape: {"index": _index(draw, shape)}, 0, 3, index=True),
    "pad": _one(_padding),
    "broadcast_to": _one(_wider, 0, 3),
    "reshape": _one(_rearranged, 0, 3),
    "transpose": _one(lambda draw, s: {"axes": tuple(draw(st.permutations(range(len(s)))))}, 0),
    "flip": _one(lambda draw, s: {"axis": _axes(draw, s)}, 0),
    "roll": _one(lambda draw, s: {"shift": draw(st.integers(-2, 2)), **_axis_or_none(draw, s)}),
    "cumsum": _one(_axis_or_none),
    "cumprod": _one(_axis_or_none),
    "norm2": _one(lambda draw, s: {**_axis_or_none(draw, s), "keepdims": draw(st.booleans())}),
    "norm_p": _one(
        lambda draw, s: {
            "p": draw(st.sampled_from([3.0, 1.5])),
            "axis": _axis(draw, s),
            "keepdims": draw(st.booleans()),
        }
    ),
}
"""Rows whose operands must fit each other, or whose parameters mean something of their own."""
