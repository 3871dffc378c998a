"""SciPy's minimisers, with exact gradients and exact Hessians."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_bp.optim.hyperparameters import count, positive
from autograd_bp.optim.objective import Objective, is_true

FIRST_ORDER = ("CG", "BFGS", "L-BFGS-B", "SLSQP")
PRODUCTS = ("Newton-CG", "trust-ncg", "trust-krylov", "trust-constr")
HESSIANS = ("dogleg", "trust-exact")
METHODS = (*FIRST_ORDER, *PRODUCTS, *HESSIANS)


def minimize(
    loss_fn: Callable[..., Any],
    params: Any,
    method: str = "L-BFGS-B",
    *,
    maxiter: int | None = None,
    tol: float | None = None,
    options: Mapping[str, Any] | None = None,
    callback: Callable[[int, float], Any] | None = None,
) -> Any:
    """Minimise a loss by `scipy.optimize.minimize`, with exact derivatives.

    The gradient is taken once for each point. Newton-CG, trust-ncg, trust-krylov and trust-constr
    get exact Hessian-vector products, trust-exact and dogleg the exact Hessian.

    Parameters
    ----------
    loss_fn
        Gives the loss, a scalar. For arrays it is called with them as Tensors, in the structure of
        `params`; for a Module or Tensors it may take no argument and just use them.
    params
        Where to start: a `Module`, Tensors and Values (leaves), or arrays and floats; the latter
        two in nested lists, tuples and dicts. A Module and nodes are changed: they are at the
        minimum afterwards, and at the best point found so far if an exception ends the search.
    method
        CG, BFGS, L-BFGS-B, SLSQP, Newton-CG, trust-ncg, trust-krylov, trust-exact, trust-constr
        or dogleg: see SciPy.
    maxiter, tol, options
        The largest number of iterations, SciPy's tolerance, and other options of the method.
    callback
        Called with the number of the iteration, from 1, and its loss; True stops.

    Returns
    -------
    scipy.optimize.OptimizeResult
        With SciPy's fields (``x`` as one flat vector, ``fun``, ``success``, ``message``, ``nit``,
        ``nfev``, ...), and ``params``, the minimum in the structure given, and ``losses``, an array
        of the loss at the start and after each iteration.

    Raises
    ------
    ValueError
        If the method is unknown or uses no gradient, the loss is not a scalar, or not finite at the
        start.
    TypeError
        If a parameter is of integers, or the loss is not computed with ab's operations.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> def rosenbrock(x):
    ...     return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()
    >>> found = minimize(rosenbrock, np.zeros(3), method="trust-ncg", tol=1e-9)
    >>> found.params.round(6)
    array([1., 1., 1.])
    """
    if method not in METHODS:
        close = {known.lower(): known for known in METHODS}.get(str(method).lower())
        hint = f"did you mean {close!r}?" if close else f"it must be one of {', '.join(METHODS)}"
        raise ValueError(f"no method {method!r} that uses gradients: {hint}")
    settings = dict(options or {})
    if maxiter is not None:
        settings["maxiter"] = count("maxiter", maxiter)
    tol = None if tol is None else positive("tol", tol)
    scipy = _scipy()
    objective = Objective(loss_fn, params)
    x = objective.start
    first, _ = objective(x)
    if not np.isfinite(first):
        raise ValueError(f"the loss at the start is {first}: there is no way down from it")
    losses = [first]

    def after_iteration(point: NDArray[np.float64], *_: Any) -> bool:
        found = objective.losses.get(point.tobytes())
        losses.append(objective(point)[0] if found is None else found)
        objective.forget()
        stop = callback is not None and is_true(callback(len(losses) - 1, losses[-1]))
        if stop and method != "trust-constr":  # which stops by the answer
            raise StopIteration
        return stop

    curvature: dict[str, Any] = {}
    if method in PRODUCTS:
        curvature["hessp"] = objective.hessian_product
    elif method in HESSIANS:
        curvature["hess"] = objective.hessian
    try:
        result = scipy.minimize(
            objective,
            x,
            method=method,
            jac=True,
            tol=tol,
            options=settings,
            callback=after_iteration,
            **curvature,
        )
    except BaseException:
        objective.move(objective.best)
        raise
    objective.move(result.x)
    result.params = objective.result()
    result.losses = np.array(losses)
    return result


def _scipy() -> Any:
    try:
        from scipy import optimize
    except ImportError as error:
        raise ImportError(
            "optim.minimize needs SciPy: pip install 'autograd-bp[examples]'"
        ) from error
    return optimize
