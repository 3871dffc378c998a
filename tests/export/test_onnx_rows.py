"""Every row of the sheet in ONNX: the same in ONNX Runtime, or refused by name."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_bp as ab
from autograd_bp.export import ExportError
from autograd_bp.function import BUILT_IN
from autograd_bp.operations import apply
from autograd_bp.rules import ROWS
from autograd_bp.testing.calls import calls_of
from tests.rules import points, samples

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.slow

from autograd_bp.export.onnx_rows import has_counterpart  # noqa: E402
from tests.export.onnx_checks import RNG, Does, assert_same, run  # noqa: E402

OTHERS = [name for name, rule in ROWS.items() if rule.kind != "elementwise" and name in BUILT_IN]
NONE = frozenset(
    "bessel inv solve cofactor cofactor_slope cholesky eigh eigvalsh svd svdvals qr pinv cumprod "
    "linear_recurrence".split()
)


def test_these_have_no_counterpart_and_no_others() -> None:
    assert {name for name in BUILT_IN if not has_counterpart(name)} == NONE


@pytest.mark.parametrize(
    "name", [n for n, r in ROWS.items() if r.kind == "elementwise" and n != "item"]
)
def test_an_elementwise_row_is_the_same_or_refused_by_name(name: str) -> None:
    rule = ROWS[name]
    params = points.parameters(rule)[0]
    every = points._points(rule, params, random.Random(name))
    usual = [p for p in every if points.in_domain(rule, p)
             and all(x == 0 or 0.05 < abs(x) < 12 for x in p)]  # fmt: skip
    arrays = [np.array(column, np.float32) for column in zip(*usual, strict=True)]
    if name == "where":
        net = Does(lambda x, y: apply(rule, (x > 0, x, y), params))
        arrays = arrays[1:]
    elif len(arrays) == 3:
        net = Does(lambda x, y: apply(rule, (x, y, y + 1.0), params))
        arrays = arrays[:2]
    else:
        net = Does(lambda *xs: apply(rule, xs, params))
    if not has_counterpart(name):
        with pytest.raises(ExportError, match=name):
            ab.export.to_onnx(net, *arrays)
        return
    model = ab.export.to_onnx(net, *arrays)
    with np.errstate(all="ignore"):
        expected = net(*map(ab.Tensor, arrays)).data
    (found,) = run(model, *arrays)
    finite = np.isfinite(expected) & (np.abs(expected) < 1e30)
    assert finite.any()
    np.testing.assert_allclose(found[finite], expected[finite], rtol=3e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of a variance of nothing
@pytest.mark.parametrize("name", OTHERS)
def test_a_row_of_arrays_is_the_same_for_every_kind_of_call_or_refused_by_name(name: str) -> None:
    rule = ROWS[name]
    calls = calls_of(rule)
    for call in calls[:: max(1, len(calls) // 8)]:
        operands = samples.filled(samples.Sample(rule, *call), samples.REGULAR["numbers near 1"], 3)
        ends = np.cumsum([0, *(np.size(x) for x in operands)])
        flat = np.concatenate([np.ravel(x) for x in operands] + [np.ones(1)])

        # The mean of a batch of any size of the same samples.
        def row(z: Any, call: Any = call, ends: Any = ends) -> Any:
            mean = ab.mean(z, axis=0)
            xs = [
                ab.reshape(mean[a:b], shape)
                for a, b, shape in zip(ends[:-1], ends[1:], call.shapes, strict=True)
            ]
            return apply(ROWS[name], tuple(xs), call.params)

        if has_counterpart(name):
            assert_same(Does(row), flat[None], batches=(1, 4))
        else:
            with pytest.raises(ExportError, match=rf"no counterpart of '{name}'"):
                ab.export.to_onnx(Does(row), flat[None])


STRUCTURAL: dict[str, Callable[[Any], Any]] = {
    "sum": lambda x: ab.sum(x, axis=(1, 2)),
    "sum of all": lambda x: ab.sum(x),
    "mean": lambda x: ab.mean(x, axis=0, keepdims=True),
    "mean of all": lambda x: ab.mean(x),
    "prod": lambda x: ab.prod(x, axis=-1),
    "max": lambda x: ab.max(x, axis=(0, 2)),
    "min": lambda x: ab.min(x, axis=1, keepdims=True),
    "var": lambda x: ab.var(x, axis=1, ddof=1),
    "std": lambda x: ab.std(x, axis=(0, 1)),
    "logsumexp": lambda x: ab.logsumexp(x, axis=-1),
    "norm": lambda x: ab.linalg.norm(x, axis=-1),
    "softmax of all": lambda x: ab.softmax(x, axis=(1, 2)),
    "log_softmax": lambda x: ab.log_softmax(x, axis=1),
    "cumsum": lambda x: ab.cumsum(x, axis=1),
    "flip": lambda x: ab.flip(x, axis=(1, 2)),
    "roll": lambda x: ab.roll(x, 2, axis=2),
    "transpose": lambda x: ab.transpose(x, (2, 0, 1)),
    "reshape": lambda x: ab.reshape(x, (-1, 6)),
    "broadcast": lambda x: ab.broadcast_to(x[:, :1], x.shape) + x,
    "concatenate": lambda x: ab.concatenate([x, 2.0 * x], axis=0),
    "stack": lambda x: ab.stack([x, -x], axis=-1),
    "pad": lambda x: ab.pad(x, ((0, 0), (1, 2), (0, 1)), constant_values=3.0),
    "index": lambda x: x[:, 1, ::-1],
    "index with None and ...": lambda x: x[..., None, 1:],
    "index with an array": lambda x: x[:, np.array([2, 0, 2])],
    "index with the last": lambda x: x[-1],
    "einsum": lambda x: ab.einsum("bij,bkj->bik", x, x),
    "matmul": lambda x: x @ ab.transpose(x, (0, 2, 1)),
    "where": lambda x: ab.where((x > 0) & (x < 1.0), x, 0.0),
    "compared": lambda x: ab.where(x == 0, 1.0, ab.maximum(x, 0.5)),
    "clip": lambda x: ab.clip(x, -0.5, 0.5),
    "softplus of a norm": lambda x: ab.softplus(ab.sqrt(ab.sum(x * x, axis=(1, 2)))),
}  # fmt: skip


@pytest.mark.parametrize("name", STRUCTURAL)
def test_rows_that_move_and_combine_elements(name: str) -> None:
    assert_same(Does(STRUCTURAL[name]), RNG.normal(size=(4, 3, 4)), batches=(2, 5))


class Changed(ab.nn.Module):
    """Writes, adds and reads at an index as users do."""

    def __init__(self, index: Any) -> None:
        self.index = index

    def forward(self, x: Any) -> Any:
        i = self.index
        picked = ab.sin(x)[i]
        return ab.at(x, i).set(picked), ab.at(x, i).add(picked), ab.at(x, i).set(2.0), picked


INDICES: dict[str, Any] = {
    "a number": (slice(None), 1),
    "a negative number": (slice(None), -1),
    "numbers for all axes": (slice(None), 0, 2),
    "a step": (slice(None), slice(0, 2), slice(1, None, 2)),
    "a negative step": (slice(None), slice(None), slice(None, None, -2)),
    "...": (..., slice(1, 3)),
    "an array with repeats": (slice(None), np.array([0, 2, 0])),
    "a table": (slice(None), np.array([[0, 1], [1, 0]])),
    "two arrays": (slice(None), np.array([0, 2, 0]), np.array([1, -1, 1])),
    "two arrays that go together": (slice(None), np.array([[0], [2]]), np.array([1, 3])),
    "an array and a number": (slice(None), 1, np.array([2, 0])),
    "None and an array": (slice(None), None, np.array([1, 1]), slice(1, 3)),
    "arrays apart": (slice(None), np.array([1, 0]), None, np.array([2, 2])),
    "a mask": (slice(None), RNG.normal(size=(3, 4)) > 0),
    "a mask of one axis": (..., np.array([True, False, False, True])),
    "nothing": (slice(None), slice(2, 2)),
    "a mask of nothing": (slice(None), np.zeros(3, bool)),
    "all": (),
}


@pytest.mark.parametrize("name", INDICES)
def test_writing_and_adding_at_an_index(name: str) -> None:
    assert_same(Changed(INDICES[name]), RNG.normal(size=(4, 3, 4)), batches=(2, 5))


_ARRAYS = st.lists(st.integers(-3, 2), min_size=2, max_size=2).map(np.array)
_PIECES = st.one_of(
    st.integers(-3, 2),
    st.slices(3),
    st.just(slice(None)),
    st.just(None),
    _ARRAYS,
    st.lists(st.booleans(), min_size=3, max_size=3).filter(lambda m: sum(m) == 2).map(np.array),
)


@given(st.lists(_PIECES, max_size=4).filter(lambda ps: sum(p is not None for p in ps) <= 3))
@settings(max_examples=40, deadline=None)
def test_writing_and_adding_at_any_index(pieces: list[Any]) -> None:
    index = (slice(None), *pieces)
    assert_same(Changed(index), RNG.normal(size=(3, 3, 3, 3)), batches=(2,))


AS_USERS_WRITE: dict[str, Callable[[Any], Any]] = {
    "power spectrum": lambda x: np.abs(np.fft.rfft(x)) ** 2,
    "filter in frequencies": lambda x: np.fft.irfft(np.fft.rfft(x) * np.array([1.0, 0.5, 0.0]), 4),
    "other lengths": lambda x: np.fft.irfft(np.fft.rfft(x, n=7, axis=1), n=9, axis=1),
    "a thousand points": lambda x: np.fft.irfft(np.fft.rfft(x, n=1000) * 0.5, 1000),
    "a prime number of points": lambda x: np.fft.fft(x, n=997).imag,
    "complex factors": lambda x: np.fft.ifft2(np.fft.fft2(x) * (2 + 1j)).real,
    "along the samples": lambda x: np.fft.ifft(np.fft.fft(x, axis=0) * 2.0, axis=0).real,
    "hfft": lambda x: np.fft.hfft(x, norm="ortho"),
    "rfftn": lambda x: np.abs(np.fft.rfftn(x, axes=(1, 2))),
    "fftshift": lambda x: np.fft.fftshift(np.fft.fft(x), axes=2).real,
    "a signal convolved": lambda x: np.convolve(np.reshape(x, (-1,)), [1.0, 2.0, -1.0], "same"),
    "a kernel that is the batch": lambda x: np.convolve(np.ones(3), np.sum(x, axis=(1, 2))),
    "learned by learned": lambda x: np.convolve(np.sum(x, axis=(0, 1)), np.sum(x, axis=(0, 2))),
    "det": lambda x: np.linalg.det(x[:, :, :3]),
    "slogdet": lambda x: tuple(np.linalg.slogdet(x[:, :, :3])),
    "slogdet beyond all floats": lambda x: np.linalg.slogdet(x[:, :, 1:] * 1e-15),
    "slogdet of a singular matrix": lambda x: np.linalg.slogdet(x[:, :, :3] * np.eye(3)[0])[0],
    "a mask that is computed": lambda x: ab.at(x, x > 0).set(0.5),
    "an array written": lambda x: ab.at(x, (slice(None), 1)).set(np.arange(4.0)),
    "one row written to all": lambda x: ab.at(x, (slice(None), slice(0, 2))).set(x[:, 2:]),
    "multiplied at an index": lambda x: ab.at(x, (..., 0)).multiply(3.0),
}


@pytest.mark.parametrize("name", AS_USERS_WRITE)
def test_numpy_as_users_write_it(name: str) -> None:
    assert_same(Does(AS_USERS_WRITE[name]), RNG.normal(size=(4, 3, 4)), batches=(2, 5))


def test_a_determinant_of_many_rows() -> None:
    assert_same(Does(lambda x: np.linalg.slogdet(x)), RNG.normal(size=(2, 100, 100)), batches=(3,))


def test_many_values_added_at_one_place_are_all_added() -> None:
    places = np.repeat([3, 0, 3], [5000, 1, 2000])
    net = Does(lambda x: ab.at(x[:, :4], (slice(None), places)).add(x))
    assert_same(net, RNG.normal(size=(2, 7001)), batches=(8,), tol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: ab.at(x, 0).set(1.0), "'index_set' at some samples of a batch"),
        (lambda x: ab.at(x, slice(1, None)).add(x[1:]), "'?scatter|samples"),
        (lambda x: np.fft.rfft(x, axis=0).real, "rfft"),
    ],
)
def test_what_follows_no_batch_of_any_size_is_refused_by_name(change: Any, message: str) -> None:
    with pytest.raises(ExportError, match=message):
        ab.export.to_onnx(Does(change), RNG.normal(size=(4, 3)))
