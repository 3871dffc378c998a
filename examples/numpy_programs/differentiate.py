"""Five programs written for NumPy, differentiated as they are.

Each has an `example` with parameters and data, and an `objective` of both; none imports anything
but NumPy. Here Tensors go in, and gradients and products with the Hessian come out. The gradient is
compared with a difference of the plain program along a random direction.

    python examples/numpy_programs/differentiate.py
"""

import importlib.util
from pathlib import Path

import numpy as np

import autograd_bp as ab

PROGRAMS = ("kalman_filter", "gaussian_process", "n_body", "deconvolution", "mixture_model")


def load(name):
    """A program of this folder as a module."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    """Differentiate every program, and show what came out."""
    print(f"{'program':18} {'objective':>12} {'along v':>16} {'difference':>16} {'v H v':>14}")
    for name in PROGRAMS:
        program = load(name)
        rng = np.random.default_rng(0)
        parameters, data = program.example(rng)
        v = {key: rng.normal(size=np.shape(value)) for key, value in parameters.items()}

        def f(parameters, program=program, data=data):
            return program.objective(parameters, data)

        value, gradient = ab.value_and_grad(f)(parameters)
        curvature = ab.hvp(f, parameters, v)

        def moved(t, f=f, parameters=parameters, v=v):
            return f({key: parameters[key] + t * v[key] for key in parameters})

        slope = sum(np.sum(gradient[key] * v[key]) for key in v)
        difference = (moved(1e-6) - moved(-1e-6)) / 2e-6
        bend = sum(np.sum(curvature[key] * v[key]) for key in v)
        print(f"{name:18} {value:12.6f} {slope:16.10f} {difference:16.10f} {bend:14.6f}")


if __name__ == "__main__":
    main()
