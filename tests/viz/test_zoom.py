"""One entry of an array as a graph of scalars, with the numbers of the arrays' own sweep."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_bp as ab
import viz
from autograd_bp import Tensor


def tensor(shape, name, seed=0, **options):
    data = np.random.default_rng(seed).uniform(0.5, 2.0, shape)
    return Tensor(data, name=name, **options)


def check(output, index, leaves):
    """Value and gradients of the scalar graph against those of the tensors."""
    entry = viz.scalar_graph(output, index)
    assert float(entry) == pytest.approx(float(output.data[index]), rel=1e-12)
    seed = np.zeros(output.shape)
    seed[index] = 1
    cotangents = ab.graph.cotangents(output, seed)
    found = ab.graph.cotangents(entry) if entry.requires_grad else {}
    by_name = {node.name: g for node, g in found.items() if node.rule is None}
    for leaf in leaves:
        expected = cotangents.get(leaf, np.zeros(leaf.shape))
        for at in np.ndindex(leaf.shape):
            name = f"{leaf.name}[{', '.join(map(str, at))}]" if at else leaf.name
            assert by_name.get(name, 0.0) == pytest.approx(expected[at], rel=1e-9, abs=1e-12)


def test_inside_an_entry_of_a_layer_are_its_products_and_sums():
    x, w, b = tensor((2, 3), "x", requires_grad=False), tensor((3, 2), "W"), tensor(2, "b")
    picture = viz.scalars(x @ w + b, (0, 1)).picture
    symbols = [node.operation.symbol for node in picture.nodes if node.operation]
    assert sorted(symbols) == ["+", "+", "+", "×", "×", "×"]
    names = {node.name: node.kind for node in picture.nodes if node.name}
    assert names == {
        **{f"x[0, {k}]": "detached" for k in range(3)},
        **{f"W[{k}, 1]": "leaf" for k in range(3)},
        "b[1]": "leaf",
    }
    check(x @ w + b, (0, 1), [w, b])


MAKERS = {
    "broadcasting": lambda a, b: a * b[0] + b[:, :1],
    "matrix": lambda a, b: a @ b.T,
    "vector by matrix": lambda a, b: a[0] @ b.T,
    "matrix by vector": lambda a, b: a @ b[1],
    "vectors": lambda a, b: a[0] @ b[0],
    "batch of matrices": lambda a, b: ab.stack([a, b]) @ ab.transpose(a),
    "sum": lambda a, b: ab.sum(a * b, axis=0),
    "sum kept": lambda a, b: ab.sum(a * b, axis=(0, 1), keepdims=True),
    "sum of all": lambda a, b: ab.sum(a * b),
    "mean": lambda a, b: ab.mean(a * b, axis=-1),
    "reshape": lambda a, b: ab.reshape(a * b, (3, 2)),
    "transpose": lambda a, b: ab.transpose(ab.stack([a, b]), (2, 0, 1)),
    "flip and roll": lambda a, b: ab.roll(ab.flip(a, axis=1), 1, axis=0) * b,
    "index": lambda a, b: (a * b)[1, ::-1],
    "repeated index": lambda a, b: (a * b)[[0, 0, 1], [2, 2, 1]] * 3.0,
    "mask": lambda a, b: (a * b)[np.array([[True, False, True], [False, True, False]])],
    "concatenate": lambda a, b: ab.concatenate([a, b * 2.0], axis=1),
    "stack": lambda a, b: ab.stack([a, b * 2.0], axis=1),
    "broadcast": lambda a, b: ab.broadcast_to(a[0], (2, 3)) * b,
    "pad": lambda a, b: ab.pad(a * b, 1),
    "softmax": lambda a, b: ab.softmax(a * b, axis=1),
    "maximum of all": lambda a, b: ab.max(a * b, axis=1),
    "cumulative sum": lambda a, b: ab.cumsum(a * b, axis=0),
    "einsum": lambda a, b: ab.einsum("ij,kj->ik", a, b),
    "parameter": lambda a, b: ab.leaky_relu(a - b),
    "deep": lambda a, b: ab.tanh(ab.softmax(a @ b.T, axis=0) @ b) * a[0],
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_every_entry_has_the_value_and_the_gradients_of_the_tensor(make):
    a, b = tensor((2, 3), "a", 1), tensor((2, 3), "b", 2)
    output = make(a, b)
    for index in np.ndindex(output.shape):
        check(output, index, [a, b])


@settings(max_examples=30)
@given(st.data())
def test_random_expressions_of_arrays_agree_with_their_scalars(data):
    a, b = tensor((2, 3), "a", 3), tensor((2, 3), "b", 4)
    nodes = [a, b]
    for _ in range(data.draw(st.integers(1, 5))):
        x, y = data.draw(st.sampled_from(nodes)), data.draw(st.sampled_from(nodes))
        step = data.draw(st.sampled_from(["add", "mul", "tanh", "mix", "roll", "softmax", "sums"]))
        nodes.append(
            {
                "add": lambda x, y: x + y,
                "mul": lambda x, y: x * y,
                "tanh": lambda x, _: ab.tanh(x),
                "mix": lambda x, y: ab.tanh(x @ y.T) @ y,
                "roll": lambda x, _: ab.roll(x, 1, axis=1),
                "softmax": lambda x, _: ab.softmax(x, axis=-1),
                "sums": lambda x, y: x - ab.mean(y, axis=0),
            }[step](x, y)
        )
    index = data.draw(st.tuples(st.integers(0, 1), st.integers(0, 2)))
    check(nodes[-1], index, [a, b])


def test_what_has_no_scalar_form_is_one_opaque_node_with_its_name():
    a = tensor((2, 3), "a")
    picture = viz.scalars(ab.softmax(a, axis=1), (1, 0)).picture
    (operation,) = [node.operation for node in picture.nodes if node.operation]
    assert operation.symbol == "softmax"
    assert {node.name for node in picture.nodes if node.name} == {"a[1, 0]", "a[1, 1]", "a[1, 2]"}


def test_an_entry_used_twice_is_one_leaf():
    a = tensor(2, "a")
    entry = viz.scalar_graph(ab.sum(a * a + a), ())
    names = [node.name for node in ab.graph.topological_order(entry) if node.name]
    assert sorted(names) == ["a[0]", "a[1]"]


def test_names_of_results_come_along_with_their_index():
    a = tensor((2, 2), "a")
    hidden = ab.tanh(a)
    hidden.name = "hidden"
    picture = viz.scalars(ab.sum(hidden, axis=0), 1).picture
    assert {"hidden[0, 1]", "hidden[1, 1]"} <= {node.name for node in picture.nodes}


def test_explain_takes_a_scalar_graph():
    x, w = tensor(2, "x", requires_grad=False), tensor((2, 2), "W")
    entry = viz.scalar_graph(x @ w, 1)
    leaf = next(n for n in ab.graph.topological_order(entry) if n.name == "W[0, 1]")
    assert "W[0, 1]" in viz.explain(entry, wrt=leaf).text


def test_a_wide_sum_is_folded():
    x, w = tensor(784, "x", requires_grad=False), tensor((784, 2), "W")
    picture = viz.scalars(ab.tanh(x @ w), 1)
    assert len(picture.picture.nodes) < 30
    assert "folded" in picture.svg


@pytest.mark.parametrize(
    ("index", "error", "told"),
    [
        (0, IndexError, "2 numbers"),
        ((0, 5), IndexError, "outside"),
        ((0, -4), IndexError, "outside"),
        ((0, 1.0), TypeError, "integer"),
        ((True, 0), TypeError, "integer"),
        ((), IndexError, "2 numbers"),
        ("01", TypeError, "integer"),
    ],
    ids=str,
)
def test_an_index_that_is_none_is_refused(index, error, told):
    with pytest.raises(error, match=told):
        viz.scalars(tensor((2, 3), "a") * 2.0, index)


def test_negative_numbers_count_from_the_end():
    a = tensor((2, 3), "a")
    assert float(viz.scalar_graph(a * 1.0, (-1, -1))) == a.data[1, 2]


def test_only_a_tensor_has_entries():
    with pytest.raises(TypeError, match="an entry of a Tensor, not Value"):
        viz.scalars(ab.Value(1.0), 0)


def test_an_entry_made_of_too_many_others_is_refused():
    big = Tensor(np.ones((300, 300)), name="big")
    with pytest.raises(ValueError, match="more than 200,000 others"):
        viz.scalar_graph(ab.sum(big @ big), ())
