"""What NumPy's protocol adds to calling `ab` directly."""

from __future__ import annotations

import time
import timeit

import numpy as np
import pytest

import autograd_bp as ab

CALLS = (
    "exp(t)",
    "add(t, t)",
    "multiply(t, 2.0)",
    "exp(v)",
    "sum(t)",
    "sum(t, axis=0)",
    "maximum(t, 0.0)",
    "where(t > 0, t, t)",
    "reshape(t, (3, 1))",
    "concatenate([t, t])",
    "linalg.inv(m)",
)


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_a_call_through_numpy_takes_less_than_a_microsecond_more(call: str) -> None:
    names = {
        "np": np,
        "ab": ab,
        "t": ab.Tensor(np.ones(3)),
        "m": ab.Tensor(np.eye(2)),
        "v": ab.Value(1.0),
    }
    # Time of this thread alone, and the best of many: the machine does other things too.
    timers = [
        timeit.Timer(f"{module}.{call}", globals=names, timer=time.thread_time)
        for module in ("ab", "np")
    ]
    extra = []
    for _ in range(3):
        direct, through = (
            min(times) / 500 * 1e6
            for times in zip(*([t.timeit(500) for t in timers] for _ in range(40)), strict=True)
        )
        extra.append(through - direct)
    assert min(extra) < 1.0, f"np.{call} takes {min(extra):.2f} microseconds more"
