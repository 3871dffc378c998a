"""Compiled functions: what they return, what they refuse, and what they leave alone."""

from __future__ import annotations

import math
import threading
from typing import Any, NamedTuple

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import ConcreteValueError, Tensor, Value, nn

rng = np.random.default_rng(0)


def net_step(params: Any, x: Any, labels: Any, lr: float) -> Any:
    def loss(p: Any) -> Any:
        hidden = ab.relu(x @ p["W1"] + p["b1"])
        return nn.cross_entropy(hidden @ p["W2"] + p["b2"], labels)

    value, slopes = ab.value_and_grad(loss)(params)
    return {name: params[name] - lr * slopes[name] for name in params}, value


def net_params(dtype: Any = np.float32) -> Any:
    generator = np.random.default_rng(1)
    return {
        "W1": generator.normal(size=(5, 4)).astype(dtype),
        "b1": np.zeros(4, dtype),
        "W2": generator.normal(size=(4, 3)).astype(dtype),
        "b2": np.zeros(3, dtype),
    }


def batch(dtype: Any = np.float32, rows: int = 6) -> Any:
    return rng.normal(size=(rows, 5)).astype(dtype), rng.integers(0, 3, rows)


def assert_same(found: Any, expected: Any, rtol: float = 1e-5) -> None:
    found, shape = ab.trees.flatten(found)
    for a, b in zip(found, shape.flatten_like(expected, "the result"), strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol / 10)


@pytest.mark.parametrize("donate", [(), (0,), 0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_training_step_gives_what_the_function_gives(dtype: Any, donate: Any) -> None:
    step = ab.compile(net_step, donate=donate)
    params, expected = net_params(dtype), net_params(dtype)
    for lr in (0.1, 0.2, 0.4):
        x, labels = batch(dtype)
        params, loss = step(params, x, labels, lr)
        expected, right = net_step(expected, x, labels, lr)
        assert_same((params, loss), (expected, right))
    assert len(step.programs) == 1


def test_donated_arrays_are_written_over_and_others_are_not() -> None:
    step = ab.compile(net_step, donate=0)
    params, (x, labels) = net_params(), batch()
    before = {name: array.copy() for name, array in params.items()}
    new, _ = step(params, x, labels, 0.1)
    assert all(new[name] is params[name] for name in params)
    kept = ab.compile(net_step)
    again, _ = kept(before, x, labels, 0.1)
    assert all(not np.shares_memory(again[name], before[name]) for name in before)
    assert_same(again, new)
    assert_same(before, net_params())


def test_donated_arrays_that_share_memory_are_copied_first() -> None:
    def f(a: Any, b: Any) -> Any:
        return a - 2.0 * b, b * a

    run = ab.compile(f, donate=(0, 1))
    a = np.array([1.0, 2.0, 3.0])
    assert_same(run(a, a), ([-1.0, -2.0, -3.0], [1.0, 4.0, 9.0]))
    whole = np.arange(6.0)
    expected = f(whole[:4].copy(), whole[2:].copy())
    assert_same(run(whole[:4], whole[2:]), expected)


def test_a_donated_array_may_lie_across_or_be_read_only() -> None:
    step = ab.compile(net_step, donate=0)
    x, labels = batch()
    for change in (np.asfortranarray, lambda a: np.repeat(a, 2, axis=0)[::2]):
        params = {name: change(array) for name, array in net_params().items()}
        expected = net_step(net_params(), x, labels, 0.1)
        assert_same(step(params, x, labels, 0.1), expected)
    params = net_params()
    params["W1"].flags.writeable = False
    assert_same(step(params, x, labels, 0.1)[0], expected[0])
    assert_same(params["W1"], net_params()["W1"])


def test_an_update_that_needs_old_values_of_two_arguments() -> None:
    def f(a: Any, b: Any) -> Any:
        return a + b, b - a

    run = ab.compile(f, donate=(0, 1))
    a, b = rng.normal(size=3), rng.normal(size=3)
    expected = f(a, b)
    assert_same(run(a, b), expected)


def test_momentum_and_adam_written_by_hand() -> None:
    def adam(w: Any, m: Any, v: Any, count: float, x: Any) -> Any:
        loss, g = ab.value_and_grad(lambda w: ab.sum(ab.tanh(x @ w) ** 2))(w)
        m, v, count = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g, count + 1.0
        scale = ab.sqrt(1.0 - 0.99**count) / (1.0 - 0.9**count)
        return w - 0.1 * scale * m / (ab.sqrt(v) + 1e-8), m, v, count, loss

    run = ab.compile(adam, donate=(0, 1, 2))
    x = rng.normal(size=(5, 3))
    state = expected = (rng.normal(size=(3, 2)), np.zeros((3, 2)), np.zeros((3, 2)), 0.0)
    state = tuple(np.copy(s) if isinstance(s, np.ndarray) else s for s in state)
    for _ in range(5):
        *state, loss = run(*state, x)
        *expected, right = adam(*expected, x)
        assert_same((*state, loss), (*expected, right), 1e-12)
    assert len(run.programs) == 1


def test_containers_come_back_as_they_are() -> None:
    class Pair(NamedTuple):
        first: Any
        second: Any

    def f(tree: Any) -> Any:
        return Pair([tree["a"].first * 2.0, None], {"b": (tree["c"][0], 3, 2.5)})

    given = {"a": Pair(np.ones(2), np.zeros(2)), "c": [np.array(1.0)]}
    run = ab.compile(f)
    for _ in range(2):
        found = run(given)
        assert isinstance(found, Pair)
        assert found.first[1] is None
        assert_same(found.first[0], [2.0, 2.0])
        assert found.second["b"][1:] == (3, 2.5)
        assert not np.shares_memory(found.second["b"][0], given["c"][0])


def test_higher_derivatives_inside() -> None:
    def f(x: Any) -> Any:
        return ab.hessian(lambda x: ab.sum(ab.exp(x) * x))(x), ab.jvp(ab.sin, (x,), (x,))[1]

    run = ab.compile(f)
    for shift in (0.0, 0.5):
        x = rng.normal(size=3) + shift
        assert_same(run(x), f(x), 1e-12)


def test_each_signature_is_recorded_once_and_static_arguments_are_part_of_it() -> None:
    calls = []

    def f(x: Any, n: int, flag: bool = False, *, name: str = "a") -> Any:
        calls.append((n, flag, name))
        return x * n if flag else ab.exp(x) ** n

    run = ab.compile(f)
    x = np.ones(2)
    for _ in range(3):
        run(x, 2)
        run(x, 3, True)
        run(x, 1, name="b")
        run(x, 1, True)
        run(np.ones((2, 1)), 1, True)
        run(x.astype(np.float32), 1, True)
    assert len(calls) == 6
    assert_same(run(x, 3, True), [3.0, 3.0])


def test_a_signature_for_every_int_is_warned_of() -> None:
    run = ab.compile(lambda x, n: x * n)
    for n in range(31):
        run(np.ones(2), n)
    with pytest.warns(UserWarning, match=r"compiled 32 times.*better passed as a float"):
        run(np.ones(2), 31)


def test_floats_are_arguments_and_stay_weak() -> None:
    run = ab.compile(lambda x, c: x * c + c / 3.0)
    x = np.ones(2, np.float32)
    assert run(x, 0.5).dtype == np.float32
    assert_same(run(x, 2.0), np.float32([2.0 + 2.0 / 3.0] * 2))
    assert len(run.programs) == 1
    assert run(2.0, 3.0) == 7.0
    assert isinstance(run(2.0, 3.0), float)
    assert ab.compile(lambda c: 1.0 / c)(0.0) == np.inf


def test_parameters_from_outside_are_read_at_every_call() -> None:
    w, v = Tensor([1.0, 2.0], name="w"), Value(3.0)

    def f(x: Any) -> Any:
        loss = ab.sum(w * w * x) * v + ab.sum(w)
        return loss, ab.gradients(loss, [w, v])

    run = ab.compile(f)
    for _ in range(3):
        loss, slopes = run(np.ones(2))
        right, expected = f(np.ones(2))
        assert loss == right.data
        assert_same(slopes, list(expected))
        w.data = w.data + 1.0
        v.data = v.data * 2.0


def test_modules_in_training_and_in_evaluation_are_two_programs() -> None:
    net = nn.Sequential(nn.Linear(3, 20, rng=0), nn.Dropout(0.5, rng=1))
    run, by_argument = ab.compile(lambda x: net(x)), ab.compile(lambda x, net: net(x))
    x = np.ones((2, 3))
    for _ in range(2):
        net.train()
        assert (run(x) == 0).any()
        assert (by_argument(x, net) == 0).any()
        net.eval()
        assert_same(run(x), net(x).data)
        assert_same(by_argument(x, net), net(x).data)
    assert len(run.programs) == 2


def test_parameters_of_another_dtype_are_another_program() -> None:
    net = nn.Linear(3, 2, rng=0)
    run = ab.compile(lambda x: net(x))
    for dtype in (np.float64, np.float32, np.float64):
        net.astype(dtype)
        x = np.ones((2, 3), dtype)
        assert_same(run(x), net(x).data)
        assert_same(run(x[:1].astype(np.float64)), net(x[:1].astype(np.float64)).data)


def test_arrays_from_outside_are_read_at_every_call() -> None:
    offset = np.array([1.0, 2.0])
    run = ab.compile(lambda x: x + offset)
    run(np.zeros(2))
    offset[0] = 5.0
    assert_same(run(np.zeros(2)), [5.0, 2.0])


def test_an_array_that_the_function_changes_has_the_numbers_of_each_time() -> None:
    def f(x: Any) -> Any:
        mask = np.zeros(2)
        first = x + mask
        mask[0] = 1.0
        return first, x + mask

    assert_same(ab.compile(f)(np.zeros(2)), ([0.0, 0.0], [1.0, 0.0]))


def test_numbers_in_conditions_on_what_is_outside() -> None:
    w = Tensor([1.0, -2.0])
    run = ab.compile(lambda x: ab.where(w > 0, x, w.data * 2.0))
    assert_same(run(np.zeros(2)), [0.0, -4.0])
    w.data[:] = [-3.0, 2.0]
    assert_same(run(np.zeros(2)), [-6.0, 0.0])


def test_embeddings_and_labels_are_arguments() -> None:
    def f(table: Any, words: Any, labels: Any) -> Any:
        def loss(table: Any) -> Any:
            return -ab.mean(ab.log_softmax(table[words])[np.arange(3), labels])

        return ab.value_and_grad(loss)(table)

    run, table = ab.compile(f), rng.normal(size=(4, 5))
    for words, labels in (([0, 1, 0], [0, 4, 2]), ([3, 3, 3], [1, 1, 0])):
        given = table, np.array(words), np.array(labels)
        assert_same(run(*given), f(*given), 1e-12)
    assert len(run.programs) == 1


def test_bad_labels_are_refused_as_without_a_compiler() -> None:
    step = ab.compile(net_step)
    x, labels = batch()
    step(net_params(), x, labels, 0.1)
    for wrong in (-1, 3):
        labels[0] = wrong
        with pytest.raises((ValueError, IndexError)):
            net_step(net_params(), x, labels, 0.1)
        with pytest.raises((ValueError, IndexError)):
            step(net_params(), x, labels, 0.1)


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "needed"),
    [
        (lambda x: x if x.sum() > 0 else -x, "truth value"),
        (lambda x: x * float(x.sum()), "float"),
        (lambda x: x * x.sum().item(), "item"),
        (lambda x: x * math.exp(x.sum()), "float"),
        (lambda x: x[int(x.sum())], "int"),
        (lambda x: np.ones(3)[x.argmax()] * x, "index"),
        (lambda x: x * len(ab.where(x > 0)[0]), "depends on the numbers"),
        (lambda x: [i for i in range(3) if i < x[0]], "truth value"),
        (lambda x: x * np.asarray(x), "plain array"),
        (lambda x: f"{x.sum():.3f}", "text"),
    ],
)
def test_control_flow_on_numbers_says_what_was_needed_and_where(function: Any, needed: str) -> None:
    with pytest.raises(ConcreteValueError) as raised:
        ab.compile(function)(np.ones(3))
    message = str(raised.value)
    assert needed in message
    assert "test_compile.py" in message
    assert "ab.where" in message


def test_a_traced_node_that_was_kept_is_refused_later() -> None:
    kept = []
    ab.compile(lambda x: kept.append(x) or x * 2.0)(np.ones(2))
    with pytest.raises(ConcreteValueError, match=r"made while .* was being compiled"):
        ab.compile(lambda x: x + kept[0])(np.ones(2))


def test_arguments_of_other_types() -> None:
    with pytest.raises(TypeError, match=r"argument .*bytearray"):
        ab.compile(lambda x: x)(bytearray(b"a"))
    with pytest.raises(TypeError, match="compile needs a function"):
        ab.compile(3)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="no source yet"):
        _ = ab.compile(lambda x: x).source


def test_an_error_of_an_operation_is_the_eager_one() -> None:
    with pytest.raises(ValueError, match=r"matmul\('x': shape \(3,\)"):
        ab.compile(lambda x: x @ np.ones((2, 2)))(np.ones(3))


# -- random numbers --------------------------------------------------------------------------------


def test_draws_that_would_be_frozen_are_refused() -> None:
    generator = np.random.default_rng(0)
    for f in (
        lambda x: x * generator.random(3),
        lambda x: x * np.random.rand(3),  # noqa: NPY002
    ):
        with pytest.raises(ConcreteValueError, match="would be the same at every call"):
            ab.compile(f)(np.ones(3))


def test_dropout_draws_anew_and_as_the_net_itself_does() -> None:
    def made() -> Any:
        return nn.Sequential(nn.Linear(3, 50, rng=0), nn.Dropout(0.5, rng=1))

    net, other = made(), made()
    run = ab.compile(lambda x: net(x))
    x = np.ones((2, 3))
    outputs = [run(x) for _ in range(3)]
    for output in outputs:
        assert_same(output, other(x).data)
    assert not np.array_equal(outputs[0], outputs[1])


# -- zero times infinity ---------------------------------------------------------------------------


def test_a_branch_that_is_not_taken_passes_no_nan() -> None:
    f = ab.value_and_grad(lambda x: ab.sum(ab.where(x > 0, ab.sqrt(x), 0.0)))
    run = ab.compile(f)
    for x in (np.array([4.0, 1.0]), np.array([4.0, 0.0]), np.array([-1.0, 0.0])):
        with np.errstate(all="ignore"):
            assert_same(run(x), f(x), 1e-13)


def test_saturated_sigmoids_and_huge_logits() -> None:
    def f(x: Any, labels: Any) -> Any:
        def loss(x: Any) -> Any:
            return nn.cross_entropy(x, labels) + ab.sum(ab.sigmoid(x)) + ab.log_softmax(x)[0, 0]

        return ab.value_and_grad(loss)(x)

    run, labels = ab.compile(f), np.array([0, 2])
    for scale in (1.0, 50.0, 1e3, 1e5, 1e5, 1e5, 1e5, 1.0):
        x = scale * np.array([[1.0, -2.0, 3.0], [0.0, 0.5, -1.0]])
        assert_same(run(x, labels), f(x, labels), 1e-12)


def test_infinite_inputs_meet_zero_cotangents() -> None:
    def f(w: Any, x: Any) -> Any:
        return ab.value_and_grad(lambda w: ab.sum(ab.relu(x @ w)))(w)

    run = ab.compile(f)
    w = np.array([[-1.0, 1.0], [1.0, 1.0]])
    for x in (np.ones((2, 2)), np.array([[np.inf, 1.0], [1.0, 2.0]])):
        with np.errstate(all="ignore"):
            assert_same(run(w, x), f(w, x), 1e-13)


def test_a_gradient_that_is_cleaned_of_nan_is_cleaned_of_the_right_ones() -> None:
    def f(x: Any) -> Any:
        slope = ab.grad(lambda x: ab.sum(ab.where(x > 0, ab.sqrt(x), 0.0)))(x)
        return ab.where(ab.isnan(slope), 7.0, slope)

    assert_same(ab.compile(f)(np.array([4.0, 0.0])), [0.25, 0.0])


# -- company ---------------------------------------------------------------------------------------


def test_derivatives_pass_through_a_compiled_function() -> None:
    run = ab.compile(lambda x: ab.sum(x * x))
    assert_same(ab.grad(run)(np.array([1.0, 2.0])), [2.0, 4.0])
    x = Tensor([1.0, 2.0])
    run(x).backward()
    assert_same(x.grad, [2.0, 4.0])
    with ab.no_grad():
        assert isinstance(run(x), Tensor)
    inner = ab.compile(lambda x: x * 2.0)
    assert_same(ab.compile(lambda x: inner(x) + 1.0)(np.ones(2)), [3.0, 3.0])


def test_several_threads_call_at_once() -> None:
    step = ab.compile(net_step)
    x, labels = batch()
    expected = net_step(net_params(), x, labels, 0.1)
    wrong: list[Any] = []

    def work() -> None:
        for _ in range(50):
            found = step(net_params(), x, labels, 0.1)
            if not np.allclose(found[0]["W1"], expected[0]["W1"], atol=1e-6):
                wrong.append(found)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_recording_elsewhere_is_left_alone_when_recording_fails() -> None:
    with pytest.raises(ConcreteValueError):
        ab.compile(lambda x: float(x.sum()))(np.ones(2))
    w = Tensor([1.0, 2.0])
    (w * w).sum().backward()
    assert_same(w.grad, [2.0, 4.0])
    assert float(w.sum().data) == 3.0


def test_a_user_function_keeps_its_own_backward() -> None:
    class Clipped(ab.Function):
        def forward(self, x: Any) -> Any:
            self.x = x
            return x * 2.0

        def backward(self, g: Any) -> Any:
            return g * 100.0 * self.x

    def f(x: Any) -> Any:
        return ab.value_and_grad(lambda x: ab.sum(Clipped()(x)))(x)

    run = ab.compile(f)
    for x in (np.array([1.0, 2.0]), np.array([3.0, 4.0])):
        assert_same(run(x), f(x))


# -- the text --------------------------------------------------------------------------------------


def test_the_source_names_arguments_and_shapes() -> None:
    step = ab.compile(net_step, donate=0)
    x, labels = batch()
    step(net_params(), x, labels, 0.1)
    for piece in ("def net_step(W1, b1, W2, b2, x, labels, lr", "np.dot(x, W1", "# (6, 4) float32"):
        assert piece in step.source
    compile(step.source, "source", "exec")


def test_no_step_is_left_that_nobody_needs() -> None:
    run = ab.compile(lambda x: (ab.exp(x) * 1.0 + 0.0, ab.sin(x))[0])
    run(np.ones(2))
    assert "sin" not in run.source
    assert run.source.count("np.") == 1
