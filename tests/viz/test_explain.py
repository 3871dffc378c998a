"""Explanations: the paths, their products, what is said of them, and names that hold anything."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_bp as ab
import viz
from autograd_bp import Tensor, Value, nn
from viz.explaining.paths import ONE, Way, count_paths, largest_ways, scaled, size_of


def apple_tax():
    apple, n, tax = Value(100.0, "apple"), Value(2.0, "n"), Value(1.1, "tax")
    price = apple * n * tax
    price.name = "price"
    return price, apple, n, tax


def test_the_price_of_apples_is_explained_as_in_the_issue():
    price, apple, n, tax = apple_tax()
    explained = viz.explain(price, wrt=apple)
    assert "d price / d apple = tax * n = 1.1 * 2 = 2.2" in str(explained)
    assert explained.gradient == explained.paths[0].product == 2.2
    assert explained.paths[0].names == ("price", "t1", "apple")
    assert viz.explain(price, wrt=n).gradient == 100 * 1.1
    assert "d price / d tax = t1 = 200" in viz.explain(price, tax).text
    assert price.grad is apple.grad is None


def test_the_derivation_comes_in_names_before_it_comes_in_numbers():
    x, y = Value(3.0, "x"), Value(4.0, "y")
    z = (x + y) ** 2
    z.name = "z"
    text = viz.explain(z, x).text
    assert "t1 = x + y = 3 + 4 = 7" in text
    assert "d z / d t1 = 2 * t1 = 2 * 7 = 14" in text
    assert "d z / d x = 2 * t1 = 2 * (x + y) = 2 * 7 = 14" in text


def test_contributions_of_several_paths_add_up_with_their_signs():
    x = Value(2.0, "x")
    y = 0.5 * x - x * 0.2
    text = viz.explain(y, x).text
    assert "2 paths" in text
    assert "Sum over all paths: 0.5 - 0.2 = 0.3, the gradient." in text


def test_both_operands_of_a_square_are_paths_of_their_own():
    x = Value(3.0, "x")
    explained = viz.explain(x * x, x)
    assert explained.count == 2
    assert [path.product for path in explained.paths] == [3.0, 3.0]
    assert "d output / d x (operand 2) = x = 3" in explained.text


def test_the_branch_of_a_kink_is_named_with_its_condition():
    x, y = Value(2.0, "x"), Value(3.0, "y")
    assert "= 1, since y > x" in viz.explain(ab.maximum(x, y), y).text
    gate = Value(-1.0, "v")
    assert "= 0, since v <= 0" in viz.explain(ab.relu(gate), gate).text


def test_a_form_from_books_stands_beside_that_of_the_sheet_and_is_equal():
    for function in (ab.sigmoid, ab.tanh):
        x = Value(0.7, "x")
        y = function(x)
        y.name = "y"
        explained = viz.explain(y, x, digits=17)
        (factor,) = explained.factors
        value = eval(factor.also.text, {"y": y.data})
        assert value == pytest.approx(explained.gradient, rel=1e-14)


# -- many paths -----------------------------------------------------------------------------------


def test_of_astronomically_many_paths_the_largest_are_found_and_their_share_told():
    x = Value(1.01, "x")
    y = x
    for _ in range(60):
        y = y + 0.5 * y
    explained = viz.explain(y, x, paths=4)
    assert explained.count == 2**60
    assert [path.product for path in explained.paths] == [1.0, 0.5, 0.5, 0.5]
    assert explained.share == pytest.approx(2.5 / 1.5**60)
    assert explained.mass == pytest.approx(explained.gradient)
    assert "1,152,921,504,606,846,976 paths" in explained.text
    assert "the 4 largest" in explained.text
    assert len(explained.text) < 12_000


def test_more_paths_than_can_be_written_down_are_rounded():
    x = Value(0.0, "x")
    y = x
    for _ in range(2_000):
        y = y + y * 1e-9
    explained = viz.explain(y, x, paths=2)
    assert explained.count == 2**2_000
    assert "about 10^602" in explained.text
    assert "more)" in explained.text


def test_products_that_underflow_still_have_their_order():
    assert scaled(size_of(1e-300), 1e-300) > scaled(size_of(1e-300), 1e-301)
    assert size_of(math.nan) > size_of(math.inf) > size_of(1e308) > size_of(5e-324) > size_of(0.0)
    assert scaled(size_of(0.0), math.inf) == size_of(0.0)
    assert scaled(size_of(math.inf), 0.0) == size_of(math.nan)


@st.composite
def layered_graphs(draw):
    """A graph without cycles: for every vertex its operands, and a derivative by each."""
    size = draw(st.integers(2, 8))
    graph, local = {0: []}, {0: []}
    for vertex in range(1, size):
        operands = draw(st.lists(st.integers(0, vertex - 1), min_size=1, max_size=3))
        graph[vertex] = operands
        local[vertex] = draw(
            st.lists(
                st.sampled_from([0.0, -1.0, 0.5, 2.0, 3.0, -0.25, 7.0]),
                min_size=len(operands),
                max_size=len(operands),
            )
        )
    return graph, local


def all_products(graph, local, vertex):
    if vertex == 0:
        return [1.0]
    return [
        derivative * rest
        for operand, derivative in zip(graph[vertex], local[vertex], strict=True)
        for rest in all_products(graph, local, operand)
    ]


@given(layered_graphs(), st.integers(1, 12))
def test_the_largest_ways_are_those_that_enumeration_finds(graph_and_local, k):
    graph, local = graph_and_local
    top = len(graph) - 1
    reachable, order = {top}, []
    for vertex in range(top, -1, -1):
        if vertex in reachable:
            reachable |= set(graph[vertex])
            order.append(vertex)

    def prolonged(vertex, way):
        return [(scaled(way.size, d), way.carried * d) for d in local[vertex]]

    products = all_products(graph, local, top)
    ways = largest_ways(order, graph.__getitem__, Way(ONE, 1.0), prolonged, k)
    expected = sorted(map(abs, products), reverse=True)[:k]
    assert [abs(way.carried) for way in ways] == expected
    assert count_paths(order, graph.__getitem__) == len(products)


# -- random programs: the paths add up to the gradient --------------------------------------------

UNARY = (ab.sin, ab.tanh, ab.sigmoid, ab.exp, ab.relu, lambda x: -x, lambda x: x * x, ab.abs)
BINARY = (
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: x / (y * y + 1.0),
    ab.maximum,
    ab.hypot,
    ab.logaddexp,
)


def program(draw, leaves, steps):
    nodes = list(leaves)
    for _ in range(steps):
        pick = st.integers(0, len(nodes) - 1)
        if draw(st.booleans()):
            nodes.append(draw(st.sampled_from(UNARY))(nodes[draw(pick)]))
        else:
            nodes.append(draw(st.sampled_from(BINARY))(nodes[draw(pick)], nodes[draw(pick)]))
    return nodes[-1]


NUMBERS = st.floats(-2.0, 2.0)


@given(st.data())
def test_path_products_sum_to_the_gradient_on_random_graphs_of_values(data):
    leaves = [Value(data.draw(NUMBERS), f"x{place}") for place in range(3)]
    y = program(data.draw, leaves, data.draw(st.integers(1, 9)))
    for leaf, expected in zip(leaves, ab.gradients(y, leaves), strict=True):
        explained = viz.explain(y, leaf, paths=3_000)
        assert explained.gradient == expected
        assert explained.count == len(explained.paths)
        scale = sum(abs(path.product) for path in explained.paths) + 1e-300
        assert sum(path.product for path in explained.paths) == pytest.approx(
            expected, abs=1e-13 * scale
        )
        if explained.count and explained.mass:
            assert explained.mass == pytest.approx(scale)
        for path in explained.paths[:20]:
            if path.inputs is not None:
                names = {leaf.name: leaf.data for leaf in leaves} | {"output": y.data}
                try:
                    with np.errstate(all="ignore"):
                        value = eval(path.inputs.text, {**MEANINGS, **names})
                except ZeroDivisionError:  # x / hypot(x, y) at the origin, where the rule has 0
                    value = math.nan
                if not math.isnan(value):
                    assert value == pytest.approx(path.product, rel=1e-9, abs=1e-12)
            product = math.prod(factor.value for factor in path.factors)
            assert path.product == pytest.approx(product, rel=1e-13, abs=1e-300)


@given(st.data())
def test_path_products_sum_to_the_gradient_on_random_graphs_of_tensors(data):
    shapes = data.draw(st.permutations([(2, 3), (3,), (2, 1)]))
    leaves = [
        Tensor(
            np.array(
                data.draw(st.lists(NUMBERS, min_size=math.prod(s), max_size=math.prod(s)))
            ).reshape(s),
            name=f"x{place}",
        )
        for place, s in enumerate(shapes)
    ]
    y = program(data.draw, leaves, data.draw(st.integers(1, 7)))
    if data.draw(st.booleans()):
        y = ab.sum(y)
    for leaf in leaves:
        explained = viz.explain(y, leaf, paths=1_000)
        (expected,) = ab.gradients(y, [leaf], cotangent=np.ones(y.shape))
        np.testing.assert_array_equal(explained.gradient, expected)
        assert explained.count == len(explained.paths)
        scale = sum(np.abs(path.product) for path in explained.paths) + 1e-300
        total = np.zeros(leaf.shape) + sum(path.product for path in explained.paths)
        assert np.all(np.abs(total - expected) <= 1e-12 * scale)
        assert all(path.product.shape == leaf.shape for path in explained.paths)


ARRAYS = (
    lambda x, w, b: ab.tanh(x @ w + b),
    lambda x, w, b: ab.softmax(x @ w) * b,
    lambda x, w, b: ab.mean((x @ w - b) ** 2, axis=0, keepdims=True),
    lambda x, w, b: ab.cumsum(x, axis=1) @ w - b,
    lambda x, w, b: ab.sigmoid(x.T @ x @ w + b),
)


@given(st.data())
def test_path_products_sum_to_the_gradient_in_scalar_zooms_of_tensors(data):
    def array(name, shape):
        size = math.prod(shape)
        numbers = data.draw(st.lists(NUMBERS, min_size=size, max_size=size))
        return Tensor(np.array(numbers).reshape(shape), name=name)

    leaves = array("x", (2, 3)), array("W", (3, 2)), array("b", (2,))
    y = data.draw(st.sampled_from(ARRAYS))(*leaves)
    index = tuple(data.draw(st.integers(0, length - 1)) for length in y.shape)
    seed = np.zeros(y.shape)
    seed[index] = 1.0
    by_entry = {
        f"{leaf.name}[{', '.join(map(str, place))}]": float(gradient[place])
        for leaf, gradient in zip(leaves, ab.gradients(y, leaves, cotangent=seed), strict=True)
        for place in np.ndindex(gradient.shape)
    }
    zoomed = viz.scalar_graph(y, index)
    for node in ab.graph.topological_order(zoomed, constants=False):
        if node.rule is None and node.requires_grad:
            explained = viz.explain(zoomed, node, paths=10_000)
            assert explained.count == len(explained.paths)
            scale = sum(abs(path.product) for path in explained.paths) + 1e-12
            total = sum(path.product for path in explained.paths)
            assert abs(total - by_entry[node.name]) <= 1e-12 * scale


def test_an_entry_of_an_array_is_written_as_one():
    x, w = Tensor([[1.0, 2.0]], "x"), Tensor([[3.0], [5.0]], "W")
    entry = viz.scalar_graph(x @ w, (0, 0))
    leaf = next(node for node in ab.graph.topological_order(entry) if node.name == "W[1, 0]")
    explained = viz.explain(entry, leaf)
    assert "d output / d W[1, 0] = x[0, 1] = 2" in explained.text
    assert r"\partial {W}_{1, 0}" in explained.latex


# -- formulas: what is printed is true ------------------------------------------------------------

POINTS = ((0.3, 0.7), (-0.4, 0.6), (1.5, 2.5), (2.0, 0.5))
SHARED = (
    "sin cos tan sinh cosh tanh exp log sqrt sign abs hypot sigmoid maximum minimum rint copysign"
)
MEANINGS = {
    **{name: getattr(ab, name) for name in SHARED.split()},
    "sech": lambda x: 1 / math.cosh(x),
    "sech2": lambda x: 2 / (2**x + 2**-x),
    "sigmoid2": lambda x: 1 / (1 + 2**-x),
    "logistic2": lambda x, y: 1 / (1 + 2 ** (y - x)),
    "normal_cdf": lambda x: 0.5 * (1 + math.erf(x / math.sqrt(2))),
    "normal_pdf": lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi),
    "pi": math.pi,
    "inf": math.inf,
    # A row that exists for others means what its own formula says.
    **{
        name: rule.scalar.forward
        for name, rule in ab.rules.ROWS.items()
        if rule.kind == "elementwise" and name not in SHARED.split()
    },
}


def elementwise():
    return [
        rule
        for rule in ab.rules.ROWS.values()
        if rule.kind == "elementwise" and rule.public and not rule.params
    ]


@pytest.mark.parametrize("rule", elementwise(), ids=lambda rule: rule.name)
def test_the_formula_in_numbers_has_the_value_of_the_local_derivative(rule):
    tried = 0
    for point in POINTS:
        values = point[: len(rule.args)]
        if any(v not in interval for v, interval in zip(values, rule.domain, strict=True)):
            continue
        operands = [Value(v, name) for v, name in zip(values, "xy", strict=False)]
        y = getattr(ab, rule.name)(*operands) if hasattr(ab, rule.name) else None
        if not isinstance(y, Value) or y.rule is not rule:
            continue
        for operand in operands:
            (factor,) = viz.explain(y, operand, digits=17).factors
            if "bessel" in factor.numbers.text:
                continue
            text = factor.numbers.text.replace("ln 2", str(math.log(2)))
            text = text.replace("log2(e)", str(math.log2(math.e)))
            text = text.replace("log10(e)", str(math.log10(math.e)))
            assert eval(text, MEANINGS) == pytest.approx(factor.value, rel=1e-12)
            tried += 1
    assert tried or rule.name in ("identity", "item", "one_minus_square", "sinc"), rule.name


def test_arrays_are_explained_as_vector_jacobian_products_with_shapes():
    rng = np.random.default_rng(0)
    x, w = Tensor(rng.normal(size=(4, 3)), "X"), Tensor(rng.normal(size=(3, 2)), "W")
    b = Tensor(np.zeros(2), "b")
    loss = ab.sum(ab.tanh(x @ w + b) ** 2)
    loss.name = "loss"
    text = viz.explain(loss, w).text
    assert "= X.T @ (2 * t3 * sech(t2) ** 2)" in text
    assert "(3, 2)  matmul: multiplied by the left factor transposed" in text
    assert "sum(" in viz.explain(loss, b).text
    assert "summed over axis 0, along which it was repeated" in viz.explain(loss, b).text


@pytest.mark.parametrize(
    "made",
    [
        lambda x: ab.sum(x),
        lambda x: ab.mean(x, axis=0),
        lambda x: ab.max(x, axis=1),
        lambda x: ab.prod(x),
        lambda x: ab.std(x),
        lambda x: ab.var(x, axis=1, ddof=1),
        lambda x: ab.logsumexp(x, axis=1),
        lambda x: ab.softmax(x),
        lambda x: ab.log_softmax(x),
        lambda x: ab.linalg.norm(x),
        lambda x: ab.cumsum(x, axis=1),
        lambda x: ab.cumprod(x, axis=1),
        lambda x: x[0, 1:],
        lambda x: ab.trace(x),
        lambda x: ab.max(x[0, 0]) * ab.std(x[1, 1:2]),
        lambda x: x.T @ x,
        lambda x: ab.concatenate([x, x * 2.0], axis=0),
        lambda x: ab.stack([x, x]),
        lambda x: ab.reshape(x, (3, 2)),
        lambda x: ab.broadcast_to(x, (4, 2, 3)),
        lambda x: ab.pad(x, 1),
        lambda x: ab.where(x > 0, x, 0.0),
        lambda x: ab.clip(x, -0.5, 0.5),
        lambda x: ab.einsum("ij,kj->ik", x, x),
        lambda x: ab.leaky_relu(x),
        lambda x: ab.gelu(x),
        lambda x: x * 1e200 * 1e200,
        lambda x: ab.log(x * 0.0),
    ],
)
def test_every_kind_of_rule_can_be_explained_in_every_format(made):
    x = Tensor(np.array([[0.5, -1.0, 2.0], [0.1, 0.3, -0.2]]), "x")
    with np.errstate(all="ignore"):
        y = made(x)
        explained = viz.explain(y, x)
        (expected,) = ab.gradients(y, [x], cotangent=np.ones(y.shape))
        np.testing.assert_array_equal(explained.gradient, expected)
        if np.isfinite(expected).all():
            np.testing.assert_allclose(explained.shown, expected, atol=1e-14)
    for form in (explained.text, explained.markdown, explained.latex):
        assert "\\partial" in form or "d output / d x" in form
        assert "None" not in form


def kept(array, axis=None):
    return np.sum(array, axis, keepdims=True)


PULLS = {
    "matrices": lambda x, y: x @ y,
    "matrix and vector": lambda x, y: x @ y[0],
    "vector and matrix": lambda x, y: x[0] @ y,
    "vectors": lambda x, y: x[0] @ y[1],
    "softmax": lambda x, _: ab.softmax(x),
    "log_softmax": lambda x, _: ab.log_softmax(x),
    "inv": lambda x, _: ab.linalg.inv(x),
    "det": lambda x, _: ab.linalg.det(x),
    "transpose": lambda x, _: x.T,
    "sum": lambda x, _: ab.sum(x),
    "mean": lambda x, _: ab.mean(x),
    "logsumexp": lambda x, _: ab.logsumexp(x),
    "broadcast": lambda x, y: x * y[0],
    "cross_entropy": lambda x, _: nn.cross_entropy(x, np.array([0, 2, 1])),
}


@pytest.mark.parametrize("name", PULLS)
def test_what_is_said_to_be_done_with_a_cotangent_is_what_the_engine_does(name):
    rng = np.random.default_rng(0)
    x, y = (Tensor(rng.uniform(0.2, 1.0, (3, 3)) + np.eye(3), letter) for letter in "xy")
    output = PULLS[name](x, y)
    last = output.rule
    seed = rng.normal(size=output.shape)
    for position, parent in enumerate(output.parents):
        if not parent.requires_grad:
            continue
        explained = viz.explain(output, parent, seed=seed)
        values = {term.symbol.text: np.array(term.value.entries).reshape(term.value.shape or ())
                  for term in explained.terms if term.value.entries}  # fmt: skip
        namespace = {
            "x": x.data,
            "y": y.data,
            **values,
            "output": output.data,
            "G": seed,
            "sum": kept,
            "spread": lambda g: np.broadcast_to(g, (3, 3)),
            "softmax": lambda a: np.exp(a) / kept(np.exp(a), -1),
            "outer": np.outer,
            "inv": np.linalg.inv,
            "w": 1 / 3,
            "t": np.eye(3)[[0, 2, 1]],
        }
        if last.name == "logsumexp":  # along the last axis
            namespace["spread"] = lambda g: g[:, None]
        (factor,) = explained.factors
        made = np.asarray(eval(factor.pull.text, namespace))
        expected = ab.graph.contributions(output, seed)[position]
        np.testing.assert_allclose(made.reshape(expected.shape), expected, rtol=1e-12)
        assert factor.words


def test_an_index_is_written_as_an_index():
    x = Tensor(np.ones((2, 3)), "x")
    y = x[0, 1:] * 2.0
    assert "t1 = x[0, 1:]" in viz.explain(y, x).text


def everything(made):
    """Every public operation on one, two or three operands, where it takes them."""
    functions = {**ab.functions.PUBLIC, **{n: getattr(ab.linalg, n) for n in ab.linalg.__all__}}
    for name, function in sorted(functions.items()):
        for count in (1, 2):
            operands = [made(place) for place in range(count)]
            with np.errstate(all="ignore"):
                try:
                    result = function(*operands)
                except Exception:
                    continue
            for output in result if isinstance(result, (tuple, list)) else (result,):
                if isinstance(output, ab.graph.Node) and output.requires_grad:
                    yield name, output, operands


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", ["values", "tensors"])
def test_whatever_the_library_computes_can_be_explained(kind):
    rng = np.random.default_rng(0)

    def made(place):
        if kind == "values":
            return Value(rng.uniform(0.2, 0.8), f"v{place}")
        return Tensor(rng.uniform(0.2, 0.8, (3, 3)) + np.eye(3), f"t{place}")

    explained = 0
    for name, output, operands in everything(made):
        ones = np.ones(np.shape(ab.graph.value(output)))
        for operand in operands:
            try:
                (expected,) = ab.gradients(output, [operand], cotangent=ones)
            except ArithmeticError:
                continue
            told = viz.explain(output, operand)
            assert told.text, name
            assert "None" not in told.markdown + told.latex, name
            if len(told.paths) == told.count and np.all(np.isfinite(expected)):
                np.testing.assert_allclose(told.shown, expected, 1e-9, 1e-9, err_msg=name)
            explained += 1
    assert explained > 100


def test_functions_of_the_users_own_have_no_formula_but_a_number():
    class Cube(ab.Function):
        def forward(self, x):
            self.x = x
            return x**3

        def backward(self, g):
            return 3 * g * self.x**2

    x = Value(2.0, "x")
    y = Cube()(x) * 2.0
    y.name = "y"
    explained = viz.explain(y, x)
    assert explained.paths[0].product == 24.0
    assert "= 2 * (d t1 / d x) = 2 * 12 = 24" in explained.text


# -- names, and what cannot be explained ----------------------------------------------------------

HOSTILE = [
    "<script>alert(1)</script>", "$x$", "a_b^c", "\\end{document}", "{", "}", "`code`", "苹果 数量",
    "x * y", "two\nlines", "", "%#&~", "[link](javascript:x)", "*bold*", "\x00", "t1",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_that_text_and_nothing_else(name):
    x, t = Value(2.0, name), Value(3.0, "t1")
    y = x * t * x
    y.name = name
    explained = viz.explain(y, x)
    assert str(explained)
    markdown, latex = explained.markdown, explained.latex
    assert "<" not in markdown
    assert "](" not in markdown
    for text in (markdown, latex):
        assert text.replace("\\{", "").replace("\\}", "").count("{") == text.replace(
            "\\{", ""
        ).replace("\\}", "").count("}")
    assert "\\end{document}" not in latex


@given(st.text(max_size=12))
def test_brackets_balance_in_latex_whatever_the_name(name):
    x = Value(2.0, name)
    latex = viz.explain(ab.exp(x) * x, x).latex
    depth = 0
    for previous, character in itertools.pairwise(" " + latex.replace("\\\\", "")):
        if previous != "\\" and character in "{}":
            depth += 1 if character == "{" else -1
        assert depth >= 0
    assert depth == 0


def test_two_nodes_of_one_name_are_told_apart():
    first, second = Value(2.0, "x"), Value(5.0, "x")
    text = viz.explain(first * second, first).text
    assert "d output / d x = x#2 = 5" in text


def test_generated_names_avoid_those_of_the_user():
    t1 = Value(2.0, "t1")
    text = viz.explain((t1 * t1) * t1, t1).text
    assert "t2 = t1 * t1" in text


def test_what_does_not_depend_on_it_has_no_path_and_says_so():
    x, y = Value(2.0, "x"), Value(3.0, "y")
    z = y * 2.0
    z.name = "z"
    explained = viz.explain(z, x)
    assert (explained.count, explained.gradient, explained.paths) == (0, 0.0, ())
    assert "No path leads from z to x: z does not depend on it." in explained.text


def test_the_output_itself_is_one_empty_path():
    x = Value(2.0, "x")
    explained = viz.explain(x, x)
    assert (explained.count, explained.gradient) == (1, 1.0)
    assert str(explained)


def test_anything_on_the_way_can_be_asked_about():
    x = Value(2.0, "x")
    t = x * 3.0
    t.name = "t"
    assert viz.explain(t * t, t).gradient == 12.0


def test_a_given_seed_multiplies_every_path():
    x = Value(2.0, "x")
    explained = viz.explain(x * x, x, seed=10.0)
    assert explained.gradient == 40.0
    assert sum(path.product for path in explained.paths) == 40.0
    assert "10 * x = 10 * 2 = 20" in explained.text
    y = Tensor(np.ones((2, 2)), "y")
    assert "G" in viz.explain(y * 2.0, y, seed=np.arange(4.0).reshape(2, 2)).text


@pytest.mark.parametrize("wrong", [{"paths": 0}, {"paths": True}, {"digits": 0}, {"digits": 18}])
def test_numbers_out_of_range_are_refused(wrong):
    x = Value(1.0)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        viz.explain(x * x, x, **wrong)


def test_what_is_no_node_or_wants_no_gradient_is_refused_with_advice():
    x = Value(1.0, "x")
    with pytest.raises(TypeError, match="as its wrt; got float"):
        viz.explain(x * x, 2.0)
    with pytest.raises(TypeError, match="as its output; got str"):
        viz.explain("y", x)
    constant = Value(2.0, "c", requires_grad=False)
    with pytest.raises(ValueError, match="'c' requires no gradient"):
        viz.explain(x * constant, constant)


def test_a_notebook_gets_markdown_and_nothing_it_did_not_ask_for():
    price, apple, *_ = apple_tax()
    bundle = viz.explain(price, apple)._repr_mimebundle_()
    assert set(bundle) == {"text/markdown", "text/plain"}
    assert r"\frac{\partial \text{price}}{\partial \text{apple}}" in bundle["text/markdown"]
    assert set(viz.explain(price, apple)._repr_mimebundle_(include=["text/latex"])) == {
        "text/latex"
    }


def test_an_explanation_keeps_no_node_alive():
    import weakref

    price, apple, *_ = apple_tax()
    explained = viz.explain(price, apple)
    watched = weakref.ref(price)
    del price, apple, _
    assert watched() is None
    assert explained.text
