"""Programs written for NumPy differentiate unchanged, and as JAX says."""

from __future__ import annotations

import ast
import importlib.util
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab

FOLDER = Path(__file__).parents[2] / "examples" / "numpy_programs"
PROGRAMS = ("kalman_filter", "gaussian_process", "n_body", "deconvolution", "mixture_model")
every_program = pytest.mark.parametrize("name", PROGRAMS)


def load(name: str, numpy: Any = np) -> Any:
    """A program as a module, with something else for NumPy if asked for."""
    path = FOLDER / f"{name}.py"
    module = types.ModuleType(name)
    source = path.read_text(encoding="utf-8")
    assert source.count("import numpy as np\n") == 1
    exec(compile(source, str(path), "exec"), module.__dict__)
    module.np = numpy
    return module


def problem(name: str) -> tuple[dict[str, Any], Any, dict[str, Any]]:
    """Parameters, data, and a direction."""
    rng = np.random.default_rng(0)
    parameters, data = load(name).example(rng)
    return parameters, data, {k: rng.normal(size=np.shape(p)) for k, p in parameters.items()}


@every_program
def test_a_program_imports_nothing_but_numpy(name: str) -> None:
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in imports] == ["import numpy as np"]


@every_program
def test_values_and_gradients_are_those_of_the_plain_program(name: str) -> None:
    parameters, data, v = problem(name)
    program = load(name)

    def f(parameters: Any) -> Any:
        return program.objective(parameters, data)

    value, gradient = ab.value_and_grad(f)(parameters)
    assert value == pytest.approx(float(f(parameters)), rel=1e-13)
    h = 1e-6
    ahead = f({k: p + h * v[k] for k, p in parameters.items()})
    behind = f({k: p - h * v[k] for k, p in parameters.items()})
    slope = sum(np.sum(gradient[k] * v[k]) for k in v)
    assert slope == pytest.approx(float(ahead - behind) / (2 * h), rel=1e-7)
    for k, g in gradient.items():
        assert g.shape == np.shape(parameters[k])


@pytest.mark.slow
@every_program
def test_gradients_and_hessian_vector_products_are_those_of_jax(name: str) -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    parameters, data, v = problem(name)
    ours, theirs = load(name), load(name, jax.numpy)

    def f(parameters: Any) -> Any:
        return ours.objective(parameters, data)

    def g(parameters: Any) -> Any:
        return theirs.objective(parameters, data)

    value, gradient = ab.value_and_grad(f)(parameters)
    jax_value, jax_gradient = jax.value_and_grad(g)(parameters)
    curvature = ab.hvp(f, parameters, v)
    _, jax_curvature = jax.jvp(jax.grad(g), (parameters,), (v,))
    assert float(value) == pytest.approx(float(jax_value), rel=1e-12)
    for k in parameters:
        for found, expected in ((gradient[k], jax_gradient[k]), (curvature[k], jax_curvature[k])):
            scale = np.max(np.abs(expected))
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * scale)


def test_the_example_runs_and_prints_what_agrees(run_numpy_programs: str) -> None:
    lines = run_numpy_programs.splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(PROGRAMS)
    for line in lines:
        _, _, along, difference, _ = line.split()
        assert float(along) == pytest.approx(float(difference), rel=1e-6)


@pytest.fixture
def run_numpy_programs(capsys: pytest.CaptureFixture[str]) -> str:
    path = FOLDER / "differentiate.py"
    spec = importlib.util.spec_from_file_location("differentiate", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main()
    return capsys.readouterr().out
