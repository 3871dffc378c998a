"""Recording on and off, and that it is each thread's own business."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import Tensor, Value


def records() -> bool:
    """Whether operations are recorded now, on all kinds of node."""
    v, t = Value(2.0), Tensor([1.0, 2.0])
    results = [
        v * 2.0,
        2.0 * v,
        v.exp(),
        t * 2.0,
        t.sum(),
        t[0],
        np.exp(t),
        ab.stack([v, v]),
        v * t,
    ]
    found = {result.requires_grad for result in results}
    assert len(found) == 1
    return found.pop()


def test_no_grad_is_a_context_manager() -> None:
    assert records()
    with ab.no_grad():
        assert not records()
    assert records()


def test_contexts_nest_and_one_object_may_be_entered_again() -> None:
    off = ab.no_grad()
    with off:
        with off:
            assert not records()
            with ab.no_grad():
                assert not records()
            assert not records()
        assert not records()
    assert records()
    with off:
        assert not records()
    assert records()


def test_an_error_inside_turns_recording_on_again() -> None:
    with pytest.raises(ZeroDivisionError), ab.no_grad():
        _ = 1 / 0
    assert records()


def test_no_grad_is_a_decorator_even_of_recursive_functions_and_methods() -> None:
    @ab.no_grad()
    def depth(n: int) -> list[bool]:
        """Count down."""
        return [records()] + (depth(n - 1) if n else [])

    assert depth(3) == [False] * 4
    assert records()
    assert depth.__name__ == "depth"
    assert depth.__doc__ == "Count down."

    class Model:
        @ab.no_grad()
        def predict(self, x: Any) -> Any:
            return x * 2.0

    assert not Model().predict(Value(1.0)).requires_grad


def test_a_decorated_generator_records_nothing_inside_and_leaves_its_caller_alone() -> None:
    @ab.no_grad()
    def samples() -> Iterator[bool]:
        yield records()
        received = yield records()
        assert received == "sent"
        yield records()

    generator = samples()
    assert next(generator) is False
    assert records()
    assert next(generator) is False
    assert records()
    assert generator.send("sent") is False
    assert records()
    with pytest.raises(StopIteration):
        next(generator)
    assert records()


def test_the_decorator_without_parentheses_works_or_says_what_is_missing() -> None:
    def f(x: Any) -> Any:
        return x * 2.0

    try:
        decorated = ab.no_grad(f)  # type: ignore[call-arg]
    except TypeError as error:
        assert "no_grad()" in str(error)
    else:
        assert not decorated(Value(1.0)).requires_grad  # type: ignore[operator]


def test_results_without_recording_are_plain_leaves() -> None:
    x = Tensor([1.0, 2.0])
    with ab.no_grad():
        y = x * 2.0
    assert (y.rule, y.parents, y.requires_grad) == (None, (), False)
    z = (y * x).sum()
    z.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_leaf_made_without_recording_can_still_require_a_gradient() -> None:
    with ab.no_grad():
        x = Tensor([1.0])
    assert x.requires_grad
    (x * 2.0).backward()
    assert x.grad.tolist() == [2.0]


def test_transforms_record_inside_no_grad() -> None:
    with ab.no_grad():
        assert ab.grad(lambda x: x**3)(2.0) == 12.0
        assert ab.grad(ab.grad(lambda x: x**3))(2.0) == 12.0
        assert ab.jvp(lambda x: x**3, (2.0,), (1.0,)) == (8.0, 12.0)
        np.testing.assert_array_equal(ab.hessian(lambda x: (x**3).sum())(np.array([1.0])), [[6.0]])
        assert not records()


def test_no_grad_inside_a_transform_is_a_constant() -> None:
    def f(x: Any) -> Any:
        with ab.no_grad():
            weight = x * x
        return weight * x

    assert ab.grad(f)(3.0) == 9.0


def test_backward_works_inside_no_grad() -> None:
    x = Value(2.0)
    y = x * x
    with ab.no_grad():
        y.backward()
    assert x.grad == 4.0


# -- threads --------------------------------------------------------------------------------------


def in_threads(work: Callable[[int], Any], count: int = 4) -> list[Any]:
    """Run `work` in several threads at once, and give their results."""
    barrier = threading.Barrier(count)

    def start(i: int) -> Any:
        barrier.wait(timeout=30)
        return work(i)

    with ThreadPoolExecutor(count) as pool:
        return [
            future.result(timeout=60) for future in [pool.submit(start, i) for i in range(count)]
        ]


def test_no_grad_in_one_thread_does_not_reach_another() -> None:
    inside, checked = threading.Event(), threading.Event()

    def silent() -> bool:
        with ab.no_grad():
            inside.set()
            assert checked.wait(timeout=30)
            return records()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(silent)
        assert inside.wait(timeout=30)
        assert records()
        checked.set()
        assert future.result(timeout=30) is False
    with ab.no_grad(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(records).result(timeout=30) is True


def test_one_decorated_function_serves_several_threads() -> None:
    @ab.no_grad()
    def predict(x: Any) -> Any:
        for _ in range(50):
            x = x * 1.0
        return x

    def work(_: int) -> bool:
        clean = True
        for _ in range(100):
            clean = clean and not predict(Tensor([1.0])).requires_grad
            clean = clean and (Tensor([1.0]) * 2.0).requires_grad
        return clean

    assert in_threads(work) == [True] * 4


def trained(seed: int) -> list[float]:
    """A small net trained for some steps, and the losses on the way."""
    rng = np.random.default_rng(seed)
    x, t = rng.normal(size=(8, 3)), rng.integers(0, 2, 8)
    W1, W2 = Tensor(rng.normal(size=(3, 4))), Tensor(rng.normal(size=(4, 2)))
    losses = []
    for _ in range(30):
        hidden = ab.tanh(x @ W1)
        loss = -ab.log_softmax(hidden @ W2)[np.arange(8), t].mean()
        for parameter in (W1, W2):
            parameter.zero_grad()
        loss.backward()
        for parameter in (W1, W2):
            parameter.data -= 0.5 * parameter.grad
        losses.append(float(loss))
    return losses


def test_several_threads_train_at_once_and_get_what_each_gets_alone() -> None:
    alone = [trained(seed) for seed in range(4)]
    assert alone[0][-1] < alone[0][0]
    assert in_threads(trained) == alone


def test_transforms_in_several_threads_do_not_see_each_other() -> None:
    def work(i: int) -> list[float]:
        scale = float(i + 1)
        return [ab.grad(ab.grad(lambda x: scale * x**3))(float(k)) for k in range(1, 40)]

    for i, found in enumerate(in_threads(work)):
        assert found == [6.0 * (i + 1) * k for k in range(1, 40)]


def test_several_threads_may_read_and_differentiate_one_shared_graph() -> None:
    x = Tensor(np.linspace(0.1, 1.0, 5), name="x")
    y = (ab.exp(x * 2.0) + x * 3.0).sum()
    expected = 2 * np.exp(2 * x.data.copy()) + 3

    def work(_: int) -> Any:
        found = [ab.gradients(y, [x])[0] for _ in range(20)]
        assert len(ab.graph.topological_order(y)) == 8
        return found

    for results in in_threads(work):
        for gradient in results:
            np.testing.assert_allclose(gradient, expected, rtol=1e-14)


def test_debug_in_one_thread_does_not_watch_another() -> None:
    inside, checked = threading.Event(), threading.Event()

    def watched() -> None:
        with ab.debug():
            inside.set()
            assert checked.wait(timeout=30)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(watched)
        assert inside.wait(timeout=30)
        with np.errstate(all="ignore"):
            y = ab.log(Value(0.0))
        assert ab.graph.where_made(y) is None
        checked.set()
        future.result(timeout=30)
