"""The checkers that `checkers.py` compares, behind one face.

Each makes an operation of a rule by its engine's own way of defining a derivative, and checks it
as its documentation says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from checker_cases import Case
from checker_rules import REALS, Elementwise, Pulled, Rule, Structural
from edge_engines import AutogradBp, Engine, HipsAutograd, Jax, MissingError, PyTorch

Operands = list[np.ndarray]
Operation = Callable[..., Any]

INPUTS = 10
"""How many of this project's inputs another checker gets."""
EXAMPLES = 100
"""How many inputs this project's kit draws for a check, and how many the ten are chosen from."""


class Checker(Engine):
    """An engine that can define operations and check them; `ways` are those in which it is tried.

    A checker draws its inputs itself, or is given them.
    """

    ways: tuple[str, ...] = ("ordinary input", "ten of ours")

    def constant(self, numbers: np.ndarray, like: Any) -> Any:
        """An array of the dtype of another one."""
        return np.asarray(numbers, like.dtype)

    def detached(self, x: Any) -> Any:
        """The array as a constant."""
        raise NotImplementedError

    def scale_in_place(self, x: Any, factor: float) -> None:
        """Multiply the entries of an array of the engine's where they are."""
        x *= factor

    def inputs(self, case: Case, way: str) -> list[Any]:
        """What the rule of a case is checked with, one at a time."""
        return [ordinary(case)] if way == self.ways[0] else ours(case)

    def check(self, case: Case, way: str, operands: Any) -> None:  # noqa: ARG002
        """Check the rule of a case; raise if there is something to find."""
        self.check_at(case.rule, operands)

    def check_at(self, rule: Rule, operands: Operands) -> None:
        """Make the rule an operation, and run the engine's checker on it."""
        raise NotImplementedError


# -- inputs ---------------------------------------------------------------------------------------


def ordinary(case: Case, seed: int = 0) -> Operands:
    """What documentation uses: `randn`, brought into the domain where there is one."""
    rng = np.random.default_rng(seed)
    operands = []
    for shape, (low, high) in zip(case.rule.shapes, case.domain, strict=True):
        x = rng.standard_normal(shape)
        if (low, high) != REALS:
            x = low + 0.5 + np.abs(x) if np.isinf(high) else rng.uniform(low, high, shape)
        operands.append(x)
    return operands


TRAITS: tuple[Callable[[Operands], bool], ...] = (
    lambda xs: all(not x.all() for x in xs),
    lambda xs: any((np.abs(x) > 100).any() for x in xs),
    lambda xs: any(x.shape == y.shape and (x == y).any() for i, x in enumerate(xs) for y in xs[:i]),
    lambda xs: any(np.unique(x).size < x.size for x in xs),
    lambda xs: any((x < -30).any() for x in xs),
    lambda xs: any(x.ndim > 1 and 1 in x.shape and len({y.shape for y in xs}) > 1 for x in xs),
    lambda xs: any(x.ndim > 1 and 1 in x.shape for x in xs),
    lambda xs: any((np.abs(x[x != 0]) < 1e-6).any() for x in xs),
    lambda xs: any(((np.abs(x) > 30) & (np.abs(x) < 100)).any() for x in xs),
)
"""Zeros, extremes, ties with another operand and within one, axes of size 1, tiny numbers."""


def ours(case: Case) -> list[Operands]:
    """Ten of the inputs that this project's kit draws for the case, at which there is a value.

    One with each trait, as far as there is one, and the rest as they come.
    """
    from autograd_bp.testing.sampling import sample
    from autograd_bp.testing.subject import subject

    engine = AutogradBpKit()
    operation = engine.operation(case.rule)
    about = subject(operation, args=given(case), domain=case.domain)
    drawn = [
        list(drawn.operands)
        for drawn in sample(about, EXAMPLES)
        if all(x.size for x in drawn.operands) and np.isfinite(about.value(drawn.operands)).all()
    ]
    chosen: list[int] = []
    for trait in TRAITS:
        chosen += [i for i, xs in enumerate(drawn) if i not in chosen and trait(xs)][:1]
    chosen += [i for i in range(len(drawn)) if i not in chosen][: INPUTS - len(chosen)]
    return [drawn[i] for i in sorted(chosen)]


def given(case: Case) -> list[np.ndarray]:
    """Shapes, for a rule that takes no others."""
    return [np.ones(shape) for shape in case.rule.shapes] if case.rule.fixed else []


# -- this project ---------------------------------------------------------------------------------


class AutogradBpKit(Checker, AutogradBp):
    """`ab.testing.check` with what it does by itself.

    An elementwise rule is made by `ab.scalar_rule`, or as the others as an `ab.Function`, whose
    formula nobody sees.
    """

    ways = ("", "all as Function")

    def detached(self, x: Any) -> Any:
        return x.detach() if isinstance(x, self.ab.Tensor | self.ab.Value) else x

    def operation(self, rule: Rule) -> Operation:
        """The rule as an operation of this project."""
        if not isinstance(rule, Elementwise):
            return self.function(rule)
        signature = f"planted({', '.join(rule.arguments)})"
        domain = [self.ab.rules.Interval(low, high) for low, high in rule.domain]
        operation: Operation = self.ab.scalar_rule(signature, rule.name, d=rule.d, domain=domain)
        return operation

    def function(self, rule: Rule) -> Operation:
        """The rule as an `ab.Function`."""
        structural, xp = rule.structural(), self

        class Planted(self.ab.Function):  # type: ignore[misc, name-defined]
            def _forward(self, *operands: Any) -> Any:
                self.operands = operands
                self.out = structural.forward(xp, *operands)
                return self.out

            def backward(self, g: Any) -> Any:
                return tuple(structural.vjp(Pulled(xp, g, self.out, self.operands)))

        class One(Planted):
            def forward(self, x: Any) -> Any:
                return self._forward(x)

        class Two(Planted):
            def forward(self, x: Any, y: Any) -> Any:
                return self._forward(x, y)

        return One() if structural.arity == 1 else Two()

    def inputs(self, case: Case, way: str) -> list[Any]:  # noqa: ARG002
        return [None]

    def check(self, case: Case, way: str, operands: Any) -> None:  # noqa: ARG002
        rule = self.operation(case.rule) if way == self.ways[0] else self.function(case.rule)
        domain = case.rule.domain or None
        report = self.ab.testing.check(rule, args=given(case), domain=domain)
        # To complain about too many inputs outside the domain is not to find a fault.
        if report.failures or not (report.ok or case.fault):
            raise AssertionError("; ".join(problem.split("\n")[0] for problem in report.problems))


# -- the others -----------------------------------------------------------------------------------


class TorchGradcheck(Checker, PyTorch):
    """`torch.autograd.gradcheck`, then `gradgradcheck`, of a `torch.autograd.Function`."""

    def constant(self, numbers: np.ndarray, like: Any) -> Any:
        return self.torch.tensor(numbers, dtype=like.dtype)

    def detached(self, x: Any) -> Any:
        return x.detach()

    def scale_in_place(self, x: Any, factor: float) -> None:
        x.mul_(factor)

    def check_at(self, rule: Rule, operands: Operands) -> None:
        structural, xp = rule.structural(), self

        class Planted(self.torch.autograd.Function):  # type: ignore[misc, name-defined]
            @staticmethod
            def forward(ctx: Any, *operands: Any) -> Any:
                out = structural.forward(xp, *operands)
                ctx.save_for_backward(out, *operands)
                return out

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                out, *operands = ctx.saved_tensors
                return tuple(structural.vjp(Pulled(xp, g, out, tuple(operands))))

        self.torch.manual_seed(0)
        for checker in (self.torch.autograd.gradcheck, self.torch.autograd.gradgradcheck):
            checker(Planted.apply, tuple(map(self._leaf, operands)))


class JaxCheckGrads(Checker, Jax):
    """`jax.test_util.check_grads` to order 2: in both modes of a `jax.custom_jvp`, which makes an
    elementwise rule, and in reverse mode, the only one it has, of a `jax.custom_vjp`.
    """

    def constant(self, numbers: np.ndarray, like: Any) -> Any:
        return self.jax.numpy.asarray(numbers, like.dtype)

    def detached(self, x: Any) -> Any:
        return self.jax.lax.stop_gradient(x)

    def scale_in_place(self, x: Any, factor: float) -> None:  # noqa: ARG002
        raise MissingError("arrays cannot be changed")

    def check_at(self, rule: Rule, operands: Operands) -> None:
        from jax.test_util import check_grads

        if isinstance(rule, Elementwise):
            operation, modes = self._from_partials(rule), ["fwd", "rev"]
        else:
            operation, modes = self._from_vjp(rule), ["rev"]
        check_grads(operation, [self.jax.numpy.asarray(x) for x in operands], order=2, modes=modes)

    def _from_partials(self, rule: Elementwise) -> Operation:
        forward, partials = rule.read(self)
        operation: Operation = self.jax.custom_jvp(lambda *xs: forward(*xs))  # noqa: PLW0108
        operation.defjvps(  # type: ignore[attr-defined]
            *[
                lambda t, out, *xs, d=partial: self.broadcast_to(t * d(out, *xs), out.shape)
                for partial in partials
            ]
        )
        return operation

    def _from_vjp(self, rule: Structural) -> Operation:
        def run(*operands: Any) -> Any:
            return rule.forward(self, *operands)

        def run_and_save(*operands: Any) -> Any:
            out = run(*operands)
            return out, (out, operands)

        operation: Operation = self.jax.custom_vjp(run)
        operation.defvjp(  # type: ignore[attr-defined]
            run_and_save, lambda saved, g: tuple(rule.vjp(Pulled(self, g, *saved)))
        )
        return operation


class HipsCheckGrads(Checker, HipsAutograd):
    """`autograd.test_util.check_grads` to order 2, by all arguments, of a `primitive`: in both
    modes if the rule is elementwise, which gives a JVP too, else in reverse mode.
    """

    def flip(self, x: Any, axes: tuple[int, ...]) -> Any:
        """By an index, since `flip` has no VJP here."""
        (axis,) = (axis % x.ndim for axis in axes)
        return x[(slice(None),) * axis + (slice(None, None, -1),)]

    def detached(self, x: Any) -> Any:
        from autograd.tracer import getval

        return getval(x)

    def scale_in_place(self, x: Any, factor: float) -> None:
        from autograd.tracer import getval

        x = getval(x)
        x *= factor

    def check_at(self, rule: Rule, operands: Operands) -> None:
        from autograd.extend import defjvp, defvjp, primitive
        from autograd.numpy.numpy_jvps import broadcast
        from autograd.test_util import check_grads

        structural, modes = rule.structural(), ["rev"]
        operation = primitive(lambda *operands: structural.forward(self, *operands))
        defvjp(
            operation,
            *[
                lambda out, *xs, i=i: lambda g: structural.vjp(Pulled(self, g, out, xs))[i]
                for i in range(rule.arity)
            ],
        )
        if isinstance(rule, Elementwise) and "sigmoid" not in " ".join(rule.d):  # has no JVP here
            modes = ["fwd", "rev"]
            defjvp(
                operation,
                *[
                    lambda g, out, *xs, d=partial: broadcast(g * d(out, *xs), out)
                    for partial in rule.read(self)[1]
                ],
            )
        np.random.seed(0)  # noqa: NPY002  (the checker draws from it)
        check = check_grads(operation, tuple(range(rule.arity)), modes=modes, order=2)
        check(*[x.copy() for x in operands])


CHECKERS: dict[str, type[Checker]] = {
    "autograd-bp": AutogradBpKit,
    "PyTorch": TorchGradcheck,
    "JAX": JaxCheckGrads,
    "HIPS autograd": HipsCheckGrads,
}
