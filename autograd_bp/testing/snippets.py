"""Programs that show a failure."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_bp.testing.cases import Case


def snippet(case: Case, failed: str = "") -> str:
    """Python that shows what failed at this input; `failed` is the property's name.

    What is checked goes by its own name, as its user has it.
    """
    about = case.subject
    names = list(about.args)
    result = "y" if "y" not in names else "out"
    dtype = ", np.float32" if "float32" in failed or "dtype" in failed else ""
    lines = ["import autograd_bp as ab", "import numpy as np", ""]
    for name, x in zip(names, case.operands, strict=True):
        data = f"np.array({x.tolist()}{dtype})" if dtype else literal(x)
        lines.append(f"{name} = ab.Tensor({data}, name={name!r})")
    args = ", ".join(names)
    lines.append(f"{result} = {_call(case)}")
    try:
        shape = about.value(case.operands).shape
    except Exception:  # the call itself is what fails
        return "\n".join(lines)
    cotangent = literal(case.weights(shape, 0))
    if failed == "second derivatives agree":
        return "\n".join([*lines, *_second(case, result, args, cotangent)])
    if failed.startswith("JVP"):
        tangents = [literal(case.weights(x.shape, 10 + i)) for i, x in enumerate(case.operands)]
        function = f"lambda {args}: {_call(case)}"
        lines.append(f"print(ab.jvp({function}, ({args},), ({', '.join(tangents)},)))")
        return "\n".join(lines)
    if failed == "VJP is linear in the cotangent":
        lines += [
            "for factor in (0.0, 1.0, 4.0, 2.0**40, 2.0**-40):",
            f"    print(factor, ab.gradients({result}, [{args}], cotangent=factor * {cotangent}))",
        ]
        return "\n".join(lines)
    if failed == "purity by hand" and about.called.endswith("()"):
        numbers = ", ".join(f"{name}.data" for name in names)
        lines += [f"by_hand, v = {about.called}, np.array({cotangent})"]
        lines += [f"by_hand.forward({numbers})", "by_hand.backward(v)", f"print(v, {numbers})"]
        return "\n".join(lines)
    swept = f"print(ab.gradients({result}, [{args}], cotangent={cotangent}))"
    lines.append(swept)
    if failed == "purity":
        others = ", ".join(f"ab.Tensor(0.75 * {name}.data)" for name in names)
        lines += [f"{about.called}({others})  # somebody else's", swept]
    if failed == "dtype":
        lines.append(f"print({result}.dtype)")
    return "\n".join(lines)


def _call(case: Case) -> str:
    about = case.subject
    args, settings = ", ".join(about.args), "".join(f", {_text(p)}" for p in about.params)
    if not about.sheet_row:
        return f"{about.called}({args}{settings})"
    applied = f"ab.operations.apply(ab.rules.ROWS[{about.sheet_row!r}], ({args},)"
    return f"{applied}, ({settings.lstrip(', ')},))" if settings else f"{applied})"


def _second(case: Case, result: str, args: str, cotangent: str) -> list[str]:
    """The Hessian of <v, f> between two directions, by running backward twice."""
    a, b = (
        ", ".join(literal(case.weights(x.shape, k + i)) for i, x in enumerate(case.operands))
        for k in (30, 40)
    )
    return [
        f"first = ab.gradients({result}, [{args}], create_graph=True, cotangent={cotangent})",
        f"slope = sum(ab.sum(g * a) for g, a in zip(first, [{a}]))",
        f"second = ab.gradients(slope, [{args}])",
        f"print(sum(np.sum(h * b) for h, b in zip(second, [{b}])))",
    ]


def _text(parameter: Any) -> str:
    """A static parameter as it is written.

    >>> _text((np.array([0, 2]), slice(1, None), np.dtype(float)))
    "(np.array([0, 2]), slice(1, None, None), np.dtype('float64'))"
    """
    if isinstance(parameter, tuple):
        inside = ", ".join(map(_text, parameter))
        return f"({inside},)" if len(parameter) == 1 else f"({inside})"
    if isinstance(parameter, np.ndarray):
        return f"np.array({parameter.tolist()!r})"
    return f"np.{parameter!r}" if isinstance(parameter, np.dtype) else repr(parameter)


def literal(x: Any) -> str:
    """An array as it is written.

    >>> literal(np.zeros((0, 2))), literal(1.5), literal([1.0, 2.0])
    ('np.zeros((0, 2))', '1.5', 'np.array([1.0, 2.0])')
    """
    x = np.asarray(x)
    if x.size == 0:
        return f"np.zeros({x.shape})"
    return repr(x.tolist()) if x.ndim == 0 else f"np.array({x.tolist()!r})"
