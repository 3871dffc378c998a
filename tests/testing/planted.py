"""Wrong partial derivatives, derived from the right ones: what a proof must refute."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace

from autograd_bp.rules import Formula, Rule

FAR = 30.0

HARMLESS = {
    ("pow", "y: branches of ternary 1 swapped"): "x = 0 is not inside the domain",
    ("pow_less", "y: branches of ternary 1 swapped"): "x = 0 is not inside the domain",
    ("unit", "x: branches of ternary 1 swapped"): "two orders of one product",
}
"""Changes that leave the derivative what it was, and why."""


def planted(rule: Rule) -> Iterator[tuple[str, Rule]]:
    """Every wrong version of an elementwise rule, with what was done to it."""
    return ((what, v) for what, v in changed(rule) if (rule.name, what) not in HARMLESS)


def changed(rule: Rule) -> Iterator[tuple[str, Rule]]:
    """Every changed version, the harmless ones too."""
    partials = [partial or Formula("0") for partial in rule.partials]
    for k, (argument, partial, domain) in enumerate(
        zip(rule.args, partials, rule.domain, strict=True)
    ):
        changes = dict(_changes(partial, argument, far=domain.high > FAR))
        for what, text in changes.items():
            others = (*partials[:k], Formula(text), *partials[k + 1 :])
            yield f"{argument}: {what}", replace(rule, partials=others)
    turned = (*partials[1:], partials[0])
    if any(one.text != other.text for one, other in zip(partials, turned, strict=True)):
        yield "the partials of different arguments swapped", replace(rule, partials=turned)


def _changes(partial: Formula, argument: str, *, far: bool) -> Iterator[tuple[str, str]]:
    if partial.text == "0":
        yield "one for zero", "1"
        return
    yield "sign flipped", partial.with_result("-{}").text
    yield "twice as much", partial.with_result("2 * {}").text
    yield "a billionth more", partial.with_result("1.000000001 * {}").text
    yield "nothing", "0"
    if far:
        only_near = f"({{}} if {argument} < {FAR} else 2 * {{}})"
        yield f"twice as much beyond {FAR:g}", partial.with_result(only_near).text
    for k, text in enumerate(_rewritten(partial, ast.IfExp, _swapped)):
        yield f"branches of ternary {k} swapped", text
    for k, text in enumerate(_rewritten(partial, ast.BinOp, _left)):
        yield f"right operand {k} dropped", text


def _rewritten(
    formula: Formula, kind: type[ast.expr], change: Callable[[ast.expr], ast.expr | None]
) -> Iterator[str]:
    """The formula with one of its expressions of a kind changed, for each of them."""

    class Rewrite(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return (change(node) or node) if node is target else self.generic_visit(node)

    n = sum(isinstance(node, kind) for node in ast.walk(ast.parse(formula.text)))
    for k in range(n):
        tree = ast.parse(formula.text)
        target = [node for node in ast.walk(tree) if isinstance(node, kind)][k]
        if change(target) is not None:
            yield "; ".join(map(ast.unparse, Rewrite().visit(tree).body))


def _swapped(node: ast.expr) -> ast.expr | None:
    assert isinstance(node, ast.IfExp)
    return ast.IfExp(node.test, node.orelse, node.body)


def _left(node: ast.expr) -> ast.expr | None:
    assert isinstance(node, ast.BinOp)
    return node.left if isinstance(node.op, ast.Add | ast.Sub | ast.Mult) else None
