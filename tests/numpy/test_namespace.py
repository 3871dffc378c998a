"""A Tensor put into every public function of NumPy: it does what docs/numpy.md says."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import ComplexTensor, Tensor
from autograd_bp.node import Node
from autograd_bp.numpy_protocol import page
from tests.expressions import evaluate

VECTOR = np.array([0.3, 0.5, 0.7])
MATRIX = np.array([[2.0, 0.5], [0.5, 1.5]])
OPERANDS: dict[str, Any] = {
    "t": VECTOR,
    "u": VECTOR + 0.4,
    "m": MATRIX,
    "cube": np.arange(1.0, 9.0).reshape(2, 2, 2),
    "one": np.array(1.5),
    "above": VECTOR + 1.5,
    "mask": np.array([True, False, True]),
    "i": np.array([0, 2, 1]),
}
USUAL = (
    "f(t)",
    "f(t, t)",
    "f(m)",
    "f(m, m)",
    "f([t, t])",
    "f(t, t, t)",
    "f(one)",
    "f(i)",
    "f(i, i)",
)
"""How a function is called unless said otherwise: the first of these that NumPy itself takes."""

CALLS: dict[str, str] = {
    **dict.fromkeys(("acosh", "arccosh"), "f(above)"),
    "average": "f(t, weights=u)",
    "apply_along_axis": "f(lambda s: s[0] * s[1], 0, m)",
    "apply_over_axes": "f(np.sum, m, [0, 1])",
    "array_split": "f(t, 2)",
    "astype": "f(t, float)",
    "bincount": "f([0, 1, 1], t)",
    "bitwise_and": "f(mask, mask)",
    "broadcast_to": "f(t, (2, 3))",
    "busday_count": "f('2011-01', t)",
    "busday_offset": "f('2011-10', t)",
    "can_cast": "f(t, float)",
    "choose": "f([0, 1, 0], [t, u])",
    "clip": "f(t, 0.4, u)",
    "compress": "f([True, False, True], t)",
    "concat": "f([t, u])",
    "concatenate": "f([t, u])",
    "copyto": "(f(w, u), w)[1]",
    "cov": "f(t, u)",
    "cross": "f(t, u)",
    "datetime_as_string": "f(t)",
    "datetime_data": "f(t)",
    "delete": "f(t, 1)",
    "diag_indices_from": "f(m)",
    "digitize": "f(t, np.array([0.4]))",
    "divmod": "f(t, u)",
    "dsplit": "f(cube, 2)",
    "dstack": "f([t, u])",
    "einsum": "f('i,i', t, u)",
    "einsum_path": "f('i,i', t, u)",
    "expand_dims": "f(t, 0)",
    "extract": "f([True, False, True], t)",
    "fill_diagonal": "(f(square, one), square)[1]",
    "frexp": "f(t)",
    "full_like": "f(t, one)",
    "geomspace": "f(one, 3.0, 4)",
    "hsplit": "f(m, 2)",
    "hstack": "f([t, u])",
    "histogram": "f(t, 3)",
    "insert": "f(t, 1, one)",
    "interp": "f(t, [0.0, 1.0], [0.0, one])",
    "invert": "f(mask)",
    "bitwise_invert": "f(mask)",
    "bitwise_not": "f(mask)",
    "ldexp": "f(t, [1, 2, 3])",
    "fromiter": "f(t, float)",
    "lexsort": "f((t, u))",
    "linalg.cross": "f(t, u)",
    "linalg.lstsq": "f(m, m)",
    "linalg.matrix_power": "f(m, 2)",
    "linalg.multi_dot": "f([m, m])",
    "linalg.outer": "f(t, u)",
    "linalg.solve": "f(m, m)",
    "linalg.svd": "f(m)",
    "linalg.tensordot": "f(m, m)",
    "linalg.tensorinv": "f(m, 1)",
    "linalg.tensorsolve": "f(m, m[0])",
    "linspace": "f(one, 2.0, 3)",
    "logspace": "f(one, 2.0, 3)",
    "matmul": "f(m, m)",
    "moveaxis": "f(m, 0, 1)",
    "packbits": "f(mask)",
    "pad": "f(t, 1)",
    "partition": "f(t, 1)",
    "argpartition": "f(t, 1)",
    "percentile": "f(t, 30)",
    "nanpercentile": "f(t, 30)",
    "quantile": "f(t, 0.3)",
    "nanquantile": "f(t, 0.3)",
    "piecewise": "f(t, [[True, False, True]], [np.sin, 1.0])",
    "place": "(f(w, [True, False, True], u), w)[1]",
    "polyfit": "f(t, u, 1)",
    "polyval": "f(t, u)",
    "power": "f(t, u)",
    "pow": "f(t, u)",
    "put": "(f(w, [0], one), w)[1]",
    "put_along_axis": "(f(w, np.array([0]), one, 0), w)[1]",
    "putmask": "(f(w, [True, False, True], u), w)[1]",
    "ravel_multi_index": "f((i, i), (3, 3))",
    "repeat": "f(t, 2)",
    "reshape": "f(t, (3, 1))",
    "permute_dims": "f(m, (1, 0))",
    "resize": "f(t, (2, 2))",
    "roll": "f(t, 1)",
    "rollaxis": "f(m, 1)",
    "row_stack": "f([t, u])",
    "save": "f(path, t)",
    "savetxt": "f(path, t)",
    "savez": "f(path, t)",
    "savez_compressed": "f(path, t)",
    "searchsorted": "f(np.array([0.4]), t)",
    "select": "f([[True, False, True]], [t])",
    "set_printoptions": "f(t)",
    "setbufsize": "f(t)",
    "split": "f(t, 3)",
    "stack": "f([t, u])",
    "swapaxes": "f(m, 0, 1)",
    "take": "f(t, [0, 1])",
    "take_along_axis": "f(t, np.array([0, 1]), 0)",
    "tensordot": "f(m, m)",
    "tile": "f(t, 2)",
    "tril_indices_from": "f(m)",
    "triu_indices_from": "f(m)",
    "union1d": "f(t, u)",
    "unpackbits": "f(bits)",
    "unravel_index": "f(i, (3, 3))",
    "vecdot": "f(t, u)",
    "vecmat": "f(m[0], m)",
    "matvec": "f(m, m[0])",
    "vsplit": "f(m, 2)",
    "vstack": "f([t, u])",
    "where": "f([True, False, True], t, u)",
}
OPERANDS["bits"] = np.array([5, 200], np.uint8)
FUNCTIONS = [
    pytest.param(name, function, id=f"np.{name}") for name, function in page.public_functions()
]


def as_tensors() -> dict[str, Any]:
    tensors = {
        name: Tensor(operand, requires_grad=operand.dtype.kind == "f")
        for name, operand in OPERANDS.items()
    }
    return {**tensors, "w": 1.0 * tensors["t"], "square": 1.0 * tensors["m"]}


def as_arrays() -> dict[str, Any]:
    return {**OPERANDS, "w": VECTOR.copy(), "square": MATRIX.copy()}


def call(text: str, function: Any, operands: dict[str, Any], path: Path) -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return evaluate(text, f=function, path=path, **operands)


def usual_call(name: str, function: Any, path: Path) -> str:
    if name in CALLS:
        return CALLS[name]
    for text in USUAL:
        try:
            call(text, function, as_arrays(), path)
        except Exception:
            continue
        return text
    raise AssertionError(f"NumPy takes none of {USUAL}: say in CALLS how np.{name} is called")


def nodes(result: Any) -> list[Any]:
    if isinstance(result, ComplexTensor):
        return [result.real, result.imag]
    if isinstance(result, list | tuple):
        return [node for part in result for node in nodes(part)]
    return [result] if isinstance(result, Node) else []


def numbers(result: Any) -> Any:
    if isinstance(result, list | tuple):
        return [numbers(part) for part in result]
    return result.data if isinstance(result, Node) else result


@pytest.mark.parametrize(("name", "function"), FUNCTIONS)
def test_a_tensor_in_a_function_of_numpy_does_what_the_table_says(
    name: str, function: Any, tmp_path: Path
) -> None:
    kind, _ = page.class_of(name, function)
    if kind == page.REFUSES:
        if name in ("test", "linalg.test", "fft.test", "info", "show_config", "show_runtime"):
            return  # they run tests, and print
        texts = [CALLS[name]] if name in CALLS else ["f(t)", "f(t, t)", "f(m)"]
        for text in texts:
            operands = as_tensors()
            before = {key: np.array(node._value) for key, node in operands.items()}
            settings = np.geterr(), np.getbufsize(), np.get_printoptions()
            try:
                result = call(text, function, operands, tmp_path / "file")
            except Exception as error:
                assert not isinstance(error, RecursionError | SystemError)
            else:
                found = numbers(result)
                assert not isinstance(found, np.ndarray) or found.dtype.kind not in "fcO", text
            assert settings == (np.geterr(), np.getbufsize(), np.get_printoptions())
            for key, node in operands.items():
                np.testing.assert_array_equal(node._value, before[key])
        return
    text = usual_call(name, function, tmp_path / "file")
    operands = as_tensors()
    result = call(text, function, operands, tmp_path / "file")
    found = nodes(result)
    if kind == page.PASSES:
        assert not any(node.requires_grad for node in found), text
        if name not in ("array2string", "array_repr", "array_str", "empty_like"):
            expected = call(text, function, as_arrays(), tmp_path / "other")
            if name == "einsum_path":
                assert result == expected
                return
            np.testing.assert_array_equal(np.asarray(numbers(result)), np.asarray(expected))
        return
    assert kind == page.DIFFERENTIABLE
    recorded = [node for node in found if node.requires_grad]
    assert recorded, f"{text} gives {result!r}"
    expected = numbers(call(text, function, as_arrays(), tmp_path / "other"))
    ours = np.concatenate([np.ravel(n.data) for n in recorded])
    assert np.isfinite(ours).all()
    if len(recorded) == 1 and isinstance(expected, np.ndarray | np.generic):
        np.testing.assert_allclose(recorded[0].data, expected, rtol=1e-12, atol=1e-13)
    total = sum((node.sum() if hasattr(node, "sum") else node) for node in recorded)
    leaves = [node for node in operands.values() if node.requires_grad and node.rule is None]
    gradients = ab.gradients(total, leaves)
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_no_function_is_unaccounted_for() -> None:
    unknown = [
        name
        for name, function in page.public_functions()
        if page.class_of(name, function)[0] == page.UNKNOWN
    ]
    assert unknown == []


def test_a_refused_function_says_why_and_what_to_do() -> None:
    t = Tensor(VECTOR)
    for text, reason in (
        ("np.roots(t)", "complex"),
        ("np.linalg.eig(m)", "complex"),
        ("np.histogram2d(t, t)", "bincount"),
        ("np.put(t, [0], 1.0)", r"leaf.*copy"),
        ("np.put(np.zeros(3), [0], t[0])", "zeros_like"),
    ):
        with pytest.raises(TypeError, match=reason):
            evaluate(text, t=t, m=Tensor(MATRIX))


def test_the_page_is_what_the_code_says() -> None:
    written = (Path(__file__).parents[2] / "docs" / "numpy.md").read_text(encoding="utf-8")
    now = page.page()
    if f" in NumPy {np.__version__.rsplit('.', 1)[0]}," in written:
        assert written == now, "make it again: python -m autograd_bp.numpy_protocol.page"
    # Another NumPy has a few functions more or less; of those in both the page says the same.
    rows, of_now = rows_of(written), rows_of(now)
    both = rows.keys() & of_now.keys()
    assert len(both) > 400
    assert {name: rows[name] for name in both} == {name: of_now[name] for name in both}


def rows_of(text: str) -> dict[str, str]:
    """The lines about functions, by name."""
    return {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `np.")}
