"""Derivatives of Python functions: grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp.

Each runs the function once on nodes and walks the graph it recorded. Arguments are numbers and
arrays, or nested lists, tuples and dicts of them; what comes out has the same structure. Inside
another transform, and for arguments that are nodes requiring a gradient, results are nodes, so
transforms nest in every order: reverse over reverse, forward over reverse and so on.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_bp import graph, trees
from autograd_bp.call import Argnums, Call
from autograd_bp.node import Node
from autograd_bp.operations import apply, plain
from autograd_bp.recording import state
from autograd_bp.rules import ROWS
from autograd_bp.tensor import Tensor

Function = Callable[..., Any]


def grad(f: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the gradient of `f`, whose result is a scalar.

    Parameters
    ----------
    f
        A function of numbers, arrays, or nested containers of them, computed with `ab`, NumPy or
        Python arithmetic.
    argnums
        The position of the argument to differentiate by, or several: then the gradients are a
        tuple.

    Raises
    ------
    ValueError
        When called, if the result of `f` is not a scalar.
    TypeError
        When called, if an argument is an integer or not a number at all.

    Examples
    --------
    >>> grad(lambda x: x**3)(2.0)
    12.0
    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    >>> grad(lambda p: (p["w"] * p["w"]).sum() + p["b"])({"w": np.array([1.0, 2.0]), "b": 3.0})
    {'w': array([2., 4.]), 'b': 1.0}
    """
    with_value = value_and_grad(f, argnums)

    @functools.wraps(f, assigned=("__module__", "__name__", "__qualname__"))
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return with_value(*args, **kwargs)[1]

    return gradient


def value_and_grad(f: Function, argnums: Argnums = 0) -> Function:
    """Like `grad`, and returns the value of `f` too: ``(value, gradient)``.

    >>> value_and_grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0)
    (6.0, (3.0, 2.0))
    """

    @functools.wraps(f, assigned=("__module__", "__name__", "__qualname__"))
    def with_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        call = Call(f, args, kwargs, argnums)
        output = call.output
        if not isinstance(output, Node):
            if not isinstance(output, int | float | np.number | np.ndarray) or np.size(output) != 1:
                raise _not_scalar(f, output)
            return output, call.like_inputs([None] * len(call.inputs))
        if np.size(output._value) != 1:
            raise _not_scalar(f, output)
        seed = output._seed(None)
        return call.given(output), call.like_inputs(call.pull({output: seed}))

    return with_gradient


def _not_scalar(f: Function, output: Any) -> Exception:
    name = getattr(f, "__name__", "f")
    if output is None or not isinstance(output, Node | np.ndarray | Sequence):
        return TypeError(f"{name} returned {output!r}: a gradient needs a scalar result")
    what = f"shape {output.shape}" if isinstance(output, Tensor | np.ndarray) else "a container"
    return ValueError(
        f"the gradient of {name} needs a scalar result, and it returned {what}: sum it, or use "
        "ab.jacobian or ab.vjp"
    )


def vjp(f: Function, *xs: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of ``f(*xs)``, and a function from a cotangent of it to those of `xs`.

    The cotangent has the structure and shapes of the value; what comes back is a tuple with one
    entry for each of `xs`. The function can be called any number of times.

    >>> y, pullback = vjp(lambda x: x * x, np.array([1.0, 2.0]))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    call = Call(f, xs, {}, tuple(range(len(xs))))
    outputs, structure = trees.flatten(call.output)

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        given = structure.flatten_like(cotangent, "the cotangent")
        seeds: dict[Node, Any] = {}
        for node, piece in zip(outputs, given, strict=True):
            if not isinstance(node, Node) or not node.requires_grad:
                continue
            if np.shape(plain(piece)) != np.shape(node._value):
                raise ValueError(
                    f"the cotangent has shape {np.shape(plain(piece))}, but the result has shape "
                    f"{np.shape(node._value)}"
                )
            seed = piece if isinstance(piece, Node) else node._seed(piece)
            seeds[node] = seeds[node] + seed if node in seeds else seed
        nested = call.nested or any(isinstance(s, Node) for s in seeds.values()) or state.depth > 0
        result = call.like_inputs(call.pull(seeds, nested), nested)
        return tuple(result)

    return structure.unflatten([call.given(node) for node in outputs]), pullback


def jvp(f: Function, xs: Any, tangents: Any) -> tuple[Any, Any]:
    """The value of ``f(*xs)`` and its derivative in the direction `tangents`, forward.

    Parameters
    ----------
    f
        Any differentiable function.
    xs
        The arguments, as a tuple or list.
    tangents
        Their directions, of the same structure and shapes.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 10.0))
    (6.0, 23.0)
    """
    xs, tangents = _as_arguments(xs), _as_arguments(tangents)
    _, expected = trees.flatten(tuple(xs))
    directions = expected.flatten_like(tuple(tangents), "the tangents")
    call = Call(f, tuple(xs), {}, tuple(range(len(xs))), directions)
    outputs, structure = trees.flatten(call.output)
    pushed = call.push(outputs, directions)
    return (
        structure.unflatten([call.given(node) for node in outputs]),
        structure.unflatten(pushed),
    )


def _as_arguments(xs: Any) -> Sequence[Any]:
    return xs if isinstance(xs, list | tuple) else (xs,)


def jacobian(f: Function, argnums: Argnums = 0) -> Function:
    """A function that returns all partial derivatives of `f`.

    For a result of shape R and an argument of shape S an array of shape R + S. Nested results and
    arguments give the structure of the result, with that of the argument in each place. Goes
    forward through the graph, once per input, or backward, once per output, whichever is less.

    >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    @functools.wraps(f, assigned=("__module__", "__name__", "__qualname__"))
    def all_partials(*args: Any, **kwargs: Any) -> Any:
        call = Call(f, args, kwargs, argnums)
        outputs, structure = trees.flatten(call.output)
        n_in = sum(np.size(node._value) for node in call.inputs)
        n_out = sum(np.size(graph.value(o) if isinstance(o, Node) else o) for o in outputs)
        rows = _forward_partials if n_in < n_out else _backward_partials
        partials = [call.like_inputs(row, finished=True) for row in rows(call, outputs)]
        return structure.unflatten(partials)

    return all_partials


def _backward_partials(call: Call, outputs: Sequence[Any]) -> list[list[Any]]:
    """Per output and input the array of partials: one sweep per element of the outputs."""
    partials = []
    for output in outputs:
        shape = _shape(output)
        pulled: list[list[Any]] = []
        for k in range(math.prod(shape)):
            if not isinstance(output, Node):
                pulled.append([call.zero_like(node) for node in call.inputs])
                continue
            seed = _unit(output, k)
            found = call.pull({output: seed})
            pulled.append(
                [
                    call.zero_like(node) if g is None else g
                    for node, g in zip(call.inputs, found, strict=True)
                ]
            )
        partials.append(
            [
                call.arranged([row[i] for row in pulled], shape + _shape(node), node)
                for i, node in enumerate(call.inputs)
            ]
        )
    return partials


def _forward_partials(call: Call, outputs: Sequence[Any]) -> list[list[Any]]:
    """The same by one forward pass per element of the inputs."""
    columns: list[list[list[Any]]] = [[[] for _ in call.inputs] for _ in outputs]
    for i, node in enumerate(call.inputs):
        for k in range(np.size(node._value)):
            directions = [
                _unit(other, k) if other is node else other._zero() for other in call.inputs
            ]
            pushed = call.push(outputs, directions, nonzero=[i])
            for o, tangent in enumerate(pushed):
                columns[o][i].append(tangent)
    partials = []
    for o, output in enumerate(outputs):
        row = []
        for i, node in enumerate(call.inputs):
            shape, own = _shape(output), _shape(node)
            whole = call.arranged(columns[o][i], own + shape, node)
            order = (*range(len(own), len(own) + len(shape)), *range(len(own)))
            if isinstance(whole, Node):
                row.append(apply(ROWS["transpose"], (whole,), (order,)) if order else whole)
            else:
                row.append(np.transpose(whole, order) if order else whole)
        partials.append(row)
    return partials


def _shape(operand: Any) -> tuple[int, ...]:
    return np.shape(operand._value) if isinstance(operand, Node) else np.shape(operand)


def _unit(node: Node, k: int) -> Any:
    unit = node._zero()
    if isinstance(unit, float):
        return 1.0
    unit.flat[k] = 1
    return unit


def hessian(f: Function, argnums: Argnums = 0) -> Function:
    """A function that returns all second partial derivatives of `f`, whose result is a scalar.

    For an argument of shape S an array of shape S + S. Forward over reverse.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([2.0, 3.0]))
    array([[6., 4.],
           [4., 0.]])
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Function, x: Any, v: Any) -> Any:
    """The Hessian of `f` at x times v, without forming the Hessian. Forward over reverse.

    x and v have the same structure and shapes, as has the result.

    >>> hvp(lambda x: (x**3).sum(), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    return jvp(grad(f), (x,), (v,))[1]
