"""Scripts of NumPy alone: they do what the model does, where autograd_bp cannot be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import autograd_bp as ab
from autograd_bp import nn
from autograd_bp.export import ExportError, to_python
from autograd_bp.export.sources import Sources
from autograd_bp.rules import ROWS
from autograd_bp.testing.calls import calls_of
from autograd_bp.testing.programs import Program, programs
from tests.rules import samples


def script(text: str, name: str) -> Any:
    """The function of a script, run in a place of its own."""
    assert "autograd_bp" not in text.split('"""')[2]
    space: dict[str, Any] = {}
    exec(compile(text, "<script>", "exec"), space)
    return space[name]


def same(found: Any, expected: Any, rtol: float = 1e-12, least: float = 0.0) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    size = float(np.max(np.abs(expected), initial=least, where=np.isfinite(expected)))
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * size)


def step(params: dict[str, Any], x: Any, t: Any) -> Any:
    def loss(p: dict[str, Any]) -> Any:
        hidden = ab.maximum(x @ p["w1"] + p["b1"], 0.0)
        return nn.cross_entropy(hidden @ p["w2"] + p["b2"], t)

    value, slopes = ab.value_and_grad(loss)(params)
    return {name: params[name] - 0.1 * slopes[name] for name in params}, value


def training() -> tuple[dict[str, Any], Any, Any]:
    rng = np.random.default_rng(0)
    params = {
        "w1": rng.normal(size=(3, 4)),
        "b1": np.zeros(4),
        "w2": rng.normal(size=(4, 2)),
        "b2": np.zeros(2),
    }
    return params, rng.normal(size=(5, 3)), np.array([0, 1, 0, 1, 1])


def test_a_training_step_runs_where_autograd_bp_cannot_be_imported(tmp_path: Path) -> None:
    params, x, t = training()
    to_python(step, params, x, t, path=tmp_path / "trained.py")
    np.savez(tmp_path / "in.npz", x=x, t=t, **params)
    driver = (
        "import sys; sys.modules['autograd_bp'] = None\n"
        "import numpy as np; from trained import step\n"
        "given = dict(np.load('in.npz')); x, t = given.pop('x'), given.pop('t')\n"
        "for _ in range(3): given, loss = step(given, x, t)\n"
        "np.savez('out.npz', loss=loss, **given)\n"
        "assert not any(name.startswith('autograd_bp.') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, '.')\n{driver}"],
                   cwd=tmp_path, check=True, timeout=100)  # fmt: skip
    for _ in range(3):
        params, loss = step(params, x, t)
    with np.load(tmp_path / "out.npz") as out:
        same(out["loss"], loss)
        for name, array in params.items():
            same(out[name], array)


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (nn.Sequential(nn.Linear(3, 50, rng=0), nn.ReLU(), nn.Linear(50, 2, rng=1)), (5, 3)),
        (nn.Sequential(nn.Conv2d(2, 3, 3, padding=1, rng=0), nn.GELU(), nn.MaxPool2d(2)),
         (2, 2, 6, 6)),
        (nn.Sequential(nn.LayerNorm(4), nn.Softmax(), nn.Softplus(), nn.ELU()), (3, 4)),
        (nn.BatchNorm1d(3).eval(), (5, 3)),
        (nn.LSTMCell(3, 4, rng=0), (2, 3)),
        (nn.MultiHeadAttention(4, 2, rng=0).eval(), (2, 5, 4)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_module_is_written_with_the_numbers_it_has(net: Any, shape: Any, dtype: Any) -> None:
    net = net.astype(dtype)
    x = np.random.default_rng(1).normal(size=shape).astype(dtype)
    found = script(to_python(net, x), type(net).__name__)(x)
    expected = net(x)
    if isinstance(expected, tuple):
        assert isinstance(found, tuple)
        found, expected = found[0], expected[0]
    same(found, expected.data, 1e-12 if dtype == np.float64 else 1e-5)


def test_what_a_script_is_given_is_checked() -> None:
    run = script(to_python(lambda x: x * 2.0, np.zeros(3)), "f")
    same(run(np.ones(3)), np.full(3, 2.0))
    with pytest.raises(ValueError, match=r"x has shape \(4,\)"):
        run(np.ones(4))
    with pytest.raises(ValueError, match="int64"):
        run(np.ones(3, int))


def test_floats_keywords_static_arguments_and_results_of_every_structure() -> None:
    def f(x: Any, n: int, *, scale: Any) -> Any:
        return {"a": [x * scale, (n, ab.sum(x))], "same": x}

    x = np.arange(3.0)
    found = script(to_python(f, x, 4, scale=2.0), "f")(x, 4, scale=3.0)
    assert found["a"][1][0] == 4
    same(found["a"][0], x * 3.0)
    same(found["a"][1][1], 3.0)
    assert found["same"] is not x


def test_names_that_are_no_identifiers_do_not_reach_the_script() -> None:
    w = ab.Tensor(np.ones(3), name='"); import os  # 苹果')
    text = to_python(lambda x: ab.sum(w * x), np.ones(3))
    same(script(text, "f")(np.arange(3.0)), 3.0)
    assert "import os" not in text


def test_what_cannot_be_written_is_named() -> None:
    def noisy(x: Any) -> Any:
        return x * np.random.default_rng(0).normal()

    with pytest.raises(TypeError, match="function or a module"):
        to_python(3)  # type: ignore[arg-type]
    with pytest.raises(ExportError, match="my_row"):
        Sources().row("my_row")


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(programs(max_steps=6))
def test_random_programs_and_their_gradients(program: Program) -> None:
    n = len(program.inputs)
    f = ab.value_and_grad(lambda *xs: program.run(xs), tuple(range(n)))
    with np.errstate(all="ignore"):
        value, slopes = f(*program.inputs)
        text = to_python(f, *program.inputs)
    space: dict[str, Any] = {}
    exec(compile(text, "<script>", "exec"), space)
    function = next(v for k, v in reversed(space.items()) if callable(v))
    found, found_slopes = function(*program.inputs)
    same(found, value, 1e-10, 1.0)
    for slope, right in zip(found_slopes, slopes, strict=True):
        same(slope, right, 1e-9, 1.0)  # what cancels is 0 but for rounding


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ROWS)
def test_the_source_of_every_row_is_the_row(name: str) -> None:
    rule = ROWS[name]
    sources = Sources()
    function = sources.row(name)
    modules = "".join(f"import {module}\n" for module in {"functools", *sources.modules})
    space: dict[str, Any] = {"np": np}
    exec(f"{modules}{sources.text()}\nfunction = {function}", space)
    if rule.kind == "elementwise":
        params = (2,) * len(rule.params)
        cases = [([np.array([0.5, 0.25, 0.0])] * len(rule.args), params)]
    else:
        cases = [
            (samples.filled(samples.Sample(rule, *call), samples.REGULAR["numbers near 1"], 0),
             call.params)
            for call in calls_of(rule)[:8]
        ]  # fmt: skip
    with np.errstate(all="ignore"):
        for operands, params in cases:
            expected = rule.array.forward(*operands, *params)
            given = (operands,) if rule.variadic else operands
            found = space["function"](*given, *params)
            np.testing.assert_array_equal(found, expected)
