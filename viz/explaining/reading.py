"""From the engine's graph to an explanation: paths, and what the sheet says about every step."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

import autograd_bp as ab
from viz.explaining import rules
from viz.explaining.account import Factor, Path, Step, Term
from viz.explaining.algebra import (
    Expression,
    Leaf,
    Written,
    number,
    product,
    put_in,
    simplified,
)
from viz.explaining.composing import Expansion, TooLongError, applied, is_one
from viz.explaining.explanation import Explanation
from viz.explaining.naming import leaf, named
from viz.explaining.paths import NAN, ONE, Size, Way, count_paths, largest_ways, scaled, size_of
from viz.explaining.printing import symbol, written
from viz.snapshots import snapshot

# With more nodes than this, only those that a path meets are defined.
_ALL_DEFINED = 30
# Of more terms and factors only so many are written; an explanation shows fewer.
_TOLD = 300
# Longer products are not written out, as nobody would read them.
_MULTIPLIED = 20
_SEED = Leaf(symbol("G"))


def read(
    output: ab.graph.Node, wrt: ab.graph.Node, seed: object, paths: int, digits: int
) -> Explanation:
    """Everything there is to say about the derivative of `output` by `wrt`."""
    cotangents = ab.graph.cotangents(output, seed)
    order = ab.graph.topological_order(output, constants=False)
    between = _between(order, wrt)
    gradient = cotangents.get(wrt)
    scalar = all(not np.shape(ab.graph.value(node)) for node in (*between, wrt, output))
    fed = cotangents[output]
    ways: Sequence[Way[Any]] = ()
    count, mass = 0, None
    if between:
        members = set(between)
        backward = between[::-1]

        def leading(node: ab.graph.Node) -> list[ab.graph.Node | None]:
            if node is wrt:
                return []
            return [parent if parent in members else None for parent in node.parents]

        def operands(node: ab.graph.Node) -> list[ab.graph.Node]:
            return [parent for parent in leading(node) if parent is not None]

        count = count_paths(backward, operands)
        if scalar:
            locals_ = {node: _locals(node) for node in backward if node is not wrt}
            start = Way(scaled(ONE, float(fed)), float(fed))
            ways = largest_ways(backward, leading, start, _Multiplied(locals_), paths)
            mass = _mass(backward, leading, locals_, abs(float(fed)))
        else:
            begun: Way[Any] = Way(_norm(fed), fed)
            ways = largest_ways(backward, leading, begun, _pulled, paths)
    return _Writer(output, wrt, order, scalar, fed, digits).explanation(
        ways, count, mass, gradient, seed is None
    )


def _between(order: Sequence[ab.graph.Node], wrt: ab.graph.Node) -> list[ab.graph.Node]:
    """The nodes of `order` that `wrt` leads to, itself first; none if it is not among them."""
    leads: dict[ab.graph.Node, None] = {}
    for node in order:
        if node is wrt or any(parent in leads for parent in node.parents):
            leads[node] = None
    return list(leads) if wrt in leads else []


def _one(node: ab.graph.Node) -> Any:
    value = ab.graph.value(node)
    return np.ones((), value.dtype) if isinstance(value, np.ndarray) else 1.0


def _locals(node: ab.graph.Node) -> list[float]:
    """The local derivatives of a result that is a number."""
    sent = ab.graph.contributions(node, _one(node))
    return [0.0 if each is None else float(each) for each in sent]


class _Multiplied:
    """Prolongs a way by numbers. Zero stays zero, also times infinity, as in the engine."""

    def __init__(self, locals_: dict[ab.graph.Node, list[float]]) -> None:
        self.locals = locals_

    def __call__(self, node: ab.graph.Node, way: Way[float]) -> list[tuple[Size, float]]:
        carried = way.carried
        return [
            (scaled(way.size, local), carried * local if carried else 0.0)
            for local in self.locals[node]
        ]


def _pulled(node: ab.graph.Node, way: Way[Any]) -> list[tuple[Size, Any]]:
    """Prolongs a way by what the engine sends back through `node`."""
    sent = ab.graph.contributions(node, way.carried)
    return [(_norm(each), each) for each in sent]


def _norm(array: Any) -> Size:
    if array is None:
        return size_of(0.0)
    flat = np.abs(np.asarray(array, dtype=np.float64).ravel())
    peak = float(flat.max(initial=0.0))
    if not np.isfinite(peak):
        return NAN if np.isnan(flat).any() else size_of(np.inf)
    return scaled(size_of(peak), float(np.linalg.norm(flat / peak))) if peak else size_of(0.0)


def _mass(
    order: Sequence[ab.graph.Node],
    leading: Any,
    locals_: dict[ab.graph.Node, list[float]],
    fed: float,
) -> float:
    """The sum of the absolute values of all path products."""
    masses = {order[0]: fed}
    mass = 0.0
    for node in order:
        mass = masses.pop(node)
        for parent, local in zip(leading(node), locals_.get(node, ()), strict=False):
            if parent is not None:
                masses[parent] = masses.get(parent, 0.0) + (mass * abs(local) if mass else 0.0)
    return mass


class _Writer:
    """Names what is mentioned, and writes terms, factors and paths."""

    def __init__(
        self,
        output: ab.graph.Node,
        wrt: ab.graph.Node,
        order: Sequence[ab.graph.Node],
        scalar: bool,
        fed: Any,
        digits: int,
    ) -> None:
        self.output, self.wrt, self.scalar, self.fed = output, wrt, scalar, fed
        self.order, self.digits = order, digits
        self.symbols: dict[ab.graph.Node, Written] = {}
        self.untold = 0
        self.factors: dict[tuple[ab.graph.Node, int], Factor] = {}
        self.pulls: dict[tuple[ab.graph.Node, int], rules.Local] = {}

    def explanation(
        self,
        ways: Sequence[Way[Any]],
        count: int,
        mass: float | None,
        gradient: Any,
        unseeded: bool,
    ) -> Explanation:
        routes = [self._route(way) for way in ways]
        on_paths = {node: None for route in routes for node in route}
        on_paths |= {self.wrt: None, self.output: None}
        self._name(on_paths)
        paths = tuple(self._path(way, route) for way, route in zip(ways, routes, strict=True))
        if gradient is None:
            zero = ab.graph.value(self.wrt)
            gradient = 0.0 if isinstance(zero, float) else np.zeros_like(zero)
        elif isinstance(gradient, np.ndarray):
            gradient = gradient.copy()
        return Explanation(
            output=self.symbols[self.output],
            wrt=self.symbols[self.wrt],
            gradient=gradient,
            terms=tuple(self._terms(on_paths)),
            untold=self.untold,
            factors=tuple(self.factors.values()),
            paths=paths,
            count=count,
            mass=mass,
            scalar=self.scalar,
            summed=unseeded and bool(np.shape(self.fed)),
            seeded=not unseeded,
            digits=self.digits,
        )

    def _route(self, way: Way[Any]) -> list[ab.graph.Node]:
        """The nodes of a way, from the output on."""
        route = [self.output]
        for position in way.positions():
            route.append(route[-1].parents[position])
        return route

    # -- names ------------------------------------------------------------------------------------

    def _name(self, on_paths: Iterable[ab.graph.Node]) -> None:
        """Name everything mentioned: the nodes on paths, and what their rules need to know."""
        mentioned = set(on_paths)
        for node in list(mentioned):
            if node is not self.wrt:
                mentioned |= set(node.parents)
        if len(self.order) <= _ALL_DEFINED:
            mentioned |= {parent for node in self.order for parent in (node, *node.parents)}
        self.symbols = named(mentioned, self.output)

    def _leaf(self, node: ab.graph.Node) -> Expression:
        return leaf(node, self.symbols)

    def _terms(self, on_paths: Iterable[ab.graph.Node]) -> Iterable[Term]:
        """What is worth defining, operands first."""
        shown = set(on_paths)
        everything = len(self.order) <= _ALL_DEFINED
        told = [node for node in self.symbols if node.rule is not None or not node.name]
        told.sort(key=lambda node: node.serial)
        self.untold = max(0, len(told) - _TOLD)
        for node in told[:_TOLD]:
            value = ab.graph.value(node)
            tree = numbers = None
            if node.rule is not None and (everything or node in shown):
                tree = rules.definition(node, [self._leaf(parent) for parent in node.parents])
                if not any(np.shape(argument) for argument in (*node.args, value)):
                    given = [number(float(argument)) for argument in node.args]
                    numbers = rules.definition(node, given)
            yield Term(
                self.symbols[node],
                None if tree is None else written(tree, self.digits),
                None if numbers is None else written(numbers, self.digits),
                snapshot(value),
            )

    # -- paths ------------------------------------------------------------------------------------

    def _local(self, node: ab.graph.Node, position: int) -> rules.Local:
        key = node, position
        if key not in self.pulls:
            names = [self._leaf(parent) for parent in node.parents]
            values = [float(argument) for argument in node.args] if self.scalar else None
            self.pulls[key] = rules.local(node, position, names, values, Leaf(self.symbols[node]))
        return self.pulls[key]

    def _factor(self, node: ab.graph.Node, position: int) -> Factor:
        key = node, position
        if key not in self.factors:
            self.factors[key] = Factor(
                result=self.symbols[node],
                operand=self._operand(node, position),
                value=_locals(node)[position] if self.scalar else None,
                **self._written(node, position),
            )
        return self.factors[key]

    def _written(self, node: ab.graph.Node, position: int) -> dict[str, Any]:
        """What the sheet says of a factor; of very many factors nothing of the last ones."""
        if len(self.factors) >= _TOLD:
            return {"words": _named(node)}
        local = self._local(node, position)
        return {
            "formula": None if local.formula is None else written(local.formula, self.digits),
            "numbers": None if local.numbers is None else written(local.numbers, self.digits),
            "because": tuple(written(test, self.digits) for test in local.because),
            "also": None if local.also is None else written(local.also, self.digits),
            "pull": written(put_in(local.pull, {"g": _SEED}), self.digits),
            "words": f"{_named(node)}: {local.words}",
        }

    def _operand(self, node: ab.graph.Node, position: int) -> Written:
        """The operand as it is called; told apart where a node is used twice: `x * x`."""
        parents = node.parents
        named = self.symbols[parents[position]]
        if sum(parent is parents[position] for parent in parents) == 1:
            return named
        place = position + 1
        return Written(
            f"{named.text} (operand {place})",
            rf"{{{named.latex}}}^{{({place})}}",
            f"<msup><mrow>{named.mathml}</mrow><mrow><mo>(</mo><mn>{place}</mn><mo>)</mo></mrow></msup>",
        )

    def _path(self, way: Way[Any], route: Sequence[ab.graph.Node]) -> Path:
        positions = way.positions()
        factors = [
            self._factor(node, position) for node, position in zip(route, positions, strict=False)
        ]
        steps = []
        each: Way[Any] | None = way
        for node in reversed(route):
            assert each is not None
            steps.append(Step(self.symbols[node], snapshot(each.carried)))
            each = each.before
        formula, numbers = self._multiplied(route, positions)
        carried = way.carried
        return Path(
            steps=tuple(reversed(steps)),
            factors=tuple(factors),
            product=carried.copy() if isinstance(carried, np.ndarray) else float(carried),
            formula=None if formula is None else written(formula, self.digits),
            inputs=None if formula is None or not self.scalar else self._in_inputs(formula),
            numbers=None if numbers is None else written(numbers, self.digits),
        )

    def _in_inputs(self, formula: Expression) -> Written | None:
        """A formula in names that somebody gave; None if it is so already, or would be long."""
        generated = {
            id(symbol): node
            for node, symbol in self.symbols.items()
            if node.rule is not None and not node.name and node is not self.output
        }
        expansion = Expansion(generated, self._leaf)
        try:
            tree: Expression = expansion.visit(put_in(formula, {}))
        except TooLongError:
            return None
        return written(simplified(tree), self.digits) if expansion.count else None

    def _multiplied(
        self, route: Sequence[ab.graph.Node], positions: Sequence[int]
    ) -> tuple[Expression | None, Expression | None]:
        """A path as one formula, in names and in numbers; for arrays only in names."""
        one = not np.shape(self.fed) and float(self.fed) == 1.0
        steps = list(zip(route, positions, strict=False))
        if not self.scalar:
            if len(steps) > _MULTIPLIED:
                return None, None
            carried: Expression = ast.Constant(1) if one else _SEED
            for node, position in steps:
                carried = applied(self._local(node, position).pull, carried)
            return simplified(carried, fractions=True), None
        fed = [] if one else [number(float(self.fed))]
        names, numbers = list(fed), list(fed)
        for node, position in steps:
            factor = self._factor(node, position)
            assert factor.value is not None
            if factor.value == 1.0 and len(steps) > _TOLD:
                continue
            if len(names) == _MULTIPLIED:
                return None, None
            local = self._local(node, position)
            if factor.value == 1.0 and is_one(local.formula):
                continue
            named = factor.derivative
            unknown = Leaf(Written(f"({named.text})", named.latex, named.mathml))
            names.append(unknown if local.formula is None else local.formula)
            numbers.append(number(factor.value) if local.numbers is None else local.numbers)
        return product(names), product(numbers)


def _named(node: ab.graph.Node) -> str:
    return str(node.rule.name)
