"""Expressions from a command line: what they compute, and how everything else is refused."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import autograd_bp as ab
from autograd_bp import Tensor, Value
from autograd_bp.expression import ExpressionError, constant, evaluate, parse
from autograd_bp.expression_syntax import MAX_DEPTH, MAX_LENGTH


def computed(text, **values):
    return evaluate(text, {name: leaf(value) for name, value in values.items()}).data


def leaf(value):
    return Value(float(value)) if np.ndim(value) == 0 else Tensor(np.array(value, dtype=float))


def refused(text, **values):
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, {name: leaf(value) for name, value in values.items()})
    return caught.value


def marked(error):
    """The part of the text that the carets stand under."""
    return error.text[error.start : error.end]


class TestWhatIsComputed:
    @pytest.mark.parametrize(
        ("text", "result"),
        [
            ("x + y", 7.0),
            ("x - y", -1.0),
            ("x * y", 12.0),
            ("x / y", 0.75),
            ("y // x", 1.0),
            ("y % x", 1.0),
            ("x ** y", 81.0),
            ("-x + +y", 1.0),
            ("x - y - x", -4.0),
            ("2 ** x ** 2", 512.0),
            ("-x ** 2", -9.0),
            ("(x + y) * 2", 14.0),
            ("exp(log(x))", pytest.approx(3.0, rel=1e-15)),
            ("x * pi", 3 * math.pi),
            ("maximum(x, y)", 4.0),
            ("where(x > y, x, y)", 4.0),
            ("where(x < y, x, y)", 3.0),
        ],
    )
    def test_operators_mean_what_they_mean_in_python(self, text, result):
        assert computed(text, x=3, y=4) == result

    @pytest.mark.parametrize(
        ("text", "result"),
        [
            ("sum(W @ x)", 13.0),
            ("sum(W, axis=0)", [1.0, 6.0]),
            ("sum(W, axis=(0, 1))", 7.0),
            ("sum(W, axis=1, keepdims=True)", [[2.0], [5.0]]),
            ("x * [10, 20]", [10.0, 40.0]),
            ("W + [[1, 0], [0, 1]]", [[1.0, 2.0], [1.0, 5.0]]),
            ("W[1]", [1.0, 4.0]),
            ("W[-1, 0]", 1.0),
            ("x[::-1]", [2.0, 1.0]),
            ("x[[0, 0, 1]]", [1.0, 1.0, 2.0]),
            ("W[..., 1]", [2.0, 4.0]),
            ("x[None, :]", [[1.0, 2.0]]),
            ("reshape(W, (2 * 2,))", [0.0, 2.0, 1.0, 4.0]),
            ("transpose(W)", [[0.0, 1.0], [2.0, 4.0]]),
            ("concatenate([x, x])", [1.0, 2.0, 1.0, 2.0]),
            ("linalg.norm(x, inf)", 2.0),
            ('einsum("ij,j->i", W, x)', [4.0, 9.0]),
            ("where(W > 1, W, 0)", [[0.0, 2.0], [0.0, 4.0]]),
        ],
    )
    def test_arrays_work_with_axes_indices_and_literals(self, text, result):
        assert np.array_equal(computed(text, W=[[0, 2], [1, 4]], x=[1, 2]), result)

    def test_the_result_is_recorded_and_can_be_differentiated(self):
        apple, n, tax = Value(100.0), Value(2.0), Value(1.1)
        price = evaluate("apple * n * tax", {"apple": apple, "n": n, "tax": tax})
        found = list(ab.gradients(price, [apple, n, tax]))
        assert found == pytest.approx([2.2, 110.0, 200.0], rel=1e-14)

    def test_an_expression_without_names_is_a_single_node(self):
        assert computed("2 * 3 + 1") == 7.0
        assert np.array_equal(computed("[1, 2]"), [1.0, 2.0])

    def test_a_name_given_a_value_goes_before_the_constant_of_that_name(self):
        assert computed("e", e=3) == 3.0
        assert computed("e") == math.e

    def test_names_may_be_in_any_script(self):
        assert computed("苹果 * 税", 苹果=100, 税=1.1) == pytest.approx(110.0)

    def test_a_name_in_another_normal_form_is_the_same_name(self):
        assert evaluate("ｘ * 2", {"ｘ": Value(3.0)}).data == 6.0

    def test_a_long_flat_sum_is_no_deep_nesting(self):
        assert computed("+".join(["x"] * 500), x=2) == 1000.0

    def test_an_expression_may_stand_on_several_lines(self):
        assert computed(" x +\n\ty ", x=1, y=2) == 3.0

    def test_names_are_listed_once_in_the_order_they_are_read(self):
        assert parse("b * a + exp(b) ** c").names == ("b", "a", "c")


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("x.__class__", "x.__class__"),
            ("().__class__.__bases__", "().__class__.__bases__"),
            ("__import__('os')", "__import__"),
            ("x.data.tofile('a')", "x.data.tofile"),
            ("exp.__globals__", "exp.__globals__"),
            ("lambda: 0", "lambda: 0"),
            ("[y for y in x]", "[y for y in x]"),
            ("(y := 3)", "y := 3"),
            ("x if x else 0", "x if x else 0"),
            ("x and 1", "x and 1"),
            ("not x", "not x"),
            ("~x", "~x"),
            ("x ^ 2", "^"),
            ("(x) | (1)", "|"),
            ("x not in x", "not in"),
            ("0 < x < 1", "0 < x < 1"),
            ("f'{x}'", "f'{x}'"),
            ("{1: x}", "{1: x}"),
            ("{x}", "{x}"),
            ("exp(*x)", "*x"),
            ("exp(**x)", "x"),
            ("'text'", "'text'"),
            ("x + 'text'", "'text'"),
            ("x + 1j", "1j"),
            ("x * True", "True"),
            ("b'x'", "b'x'"),
            ("x + None", "None"),
            ("x[1.5]", "1.5"),
            ("x[True]", "True"),
            ("x['a']", "'a'"),
            ("exp(x)(x)", "exp(x)"),
        ],
    )
    def test_everything_else_is_refused_where_it_stands(self, text, place):
        error = refused(text, x=2)
        assert marked(error) == place
        pointer = str(error).split("\n")[2]
        assert pointer.strip("^ ") == ""
        assert pointer.count("^") == len(place)

    @pytest.mark.parametrize("text", ["x = 3", "x +", "(x", "x)", "2x", "x y", "exp(", "'", "@x"])
    def test_a_text_that_is_no_expression_is_refused(self, text):
        assert "^" in str(refused(text, x=2))

    @pytest.mark.parametrize("text", ["", "   ", "\n"])
    def test_an_empty_expression_is_refused(self, text):
        assert refused(text).reason == "the expression is empty"

    def test_an_unknown_name_suggests_the_nearest_one(self):
        error = refused("appel * 2", apple=100)
        assert marked(error) == "appel"
        assert error.hint == "Did you mean apple?"

    def test_an_unknown_operation_suggests_the_nearest_one(self):
        error = refused("expp(x)", x=1)
        assert marked(error) == "expp"
        assert "exp" in error.hint

    @pytest.mark.parametrize(("name", "known"), [("norm", "linalg.norm"), ("np.exp", "exp")])
    def test_an_operation_under_another_module_is_found(self, name, known):
        assert refused(f"{name}(x)", x=1).hint == f"Did you mean {known}?"

    def test_an_operation_without_its_operand_is_named_as_one(self):
        assert refused("exp * 2").reason == "'exp' is an operation"

    def test_the_carets_stand_under_the_place_even_after_wide_characters(self):
        lines = str(refused("苹果 * n", 苹果=1)).split("\n")
        assert lines[1:3] == ["  苹果 * n", "         ^"]

    def test_a_long_expression_is_shown_around_the_place(self):
        lines = str(refused("x + " * 200 + "wrong" + " + x" * 200, x=1)).split("\n")
        assert max(map(len, lines)) <= 90
        at = lines[2].index("^")
        assert lines[1][at:].startswith("wrong")

    def test_control_characters_do_not_reach_the_terminal(self):
        assert "\x1b" not in str(refused("x + '\x1b[31m'", x=1)).replace("\\x1b", "")

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("9**9**9**9", "too large for a floating-point number"),
            ("10**400", "too large"),
            ("1" + "0" * 400, "too large"),
            ("(-8) ** 0.5", "not a real number"),
            ("1 / 0", "zero"),
            ("[1, 2] + [1, 2, 3]", "shape"),
            ("[[1, 2], [3]]", ""),
            ("x @ [1, 2]", ""),
            ("[x, 1] + 1", "plain numbers"),
            ("x > 1", "no number"),
            ("split([1, 2, 3, 4], 2)", "2 results"),
            ("x[7]", ""),
            ("sum([1, 2], axis=5)", ""),
            ("sum([1, 2], no_such=5)", ""),
            ("broadcast_to(x, (100000, 100000))", "entries"),
            ("tile([1, 2], 100000000000)", "entries"),
            ("repeat([1, 2], 10000000000)", "entries"),
        ],
    )
    def test_what_cannot_be_computed_is_reported_where_it_stands(self, text, reason):
        error = refused(text, x=2)
        assert reason in error.reason
        assert marked(error)

    def test_the_operation_that_failed_is_marked_not_the_whole_text(self):
        assert marked(refused("1 + 2 * (1 / 0)")) == "1 / 0"

    @pytest.mark.parametrize(
        "text",
        [
            "(" * 5000 + "x" + ")" * 4999,
            "-" * 9000 + "x",
            "exp(" * 1000 + "x" + ")" * 1000,
            "x**" * 3000 + "x",
            "[" * 150 + "]" * 150,
            "+".join(["x"] * 5000),
            "x[" * 100 + "0" + "]" * 100,
            "x" * (MAX_LENGTH + 1),
            "9" * 9000,
        ],
    )
    def test_enormous_and_deep_texts_are_refused_or_computed_but_never_crash(self, text):
        try:
            assert evaluate(text, {"x": Value(1.0)}).data == pytest.approx(5000.0)
        except ExpressionError as error:
            assert len(str(error)) < 1000

    def test_nesting_is_allowed_up_to_the_limit(self):
        def nested(depth):
            return "tanh(" * depth + "x" + ")" * depth

        assert abs(computed(nested(MAX_DEPTH), x=1)) < 1
        assert "nested" in refused(nested(MAX_DEPTH + 1), x=1).reason

    @given(st.text(max_size=60))
    @example("\x00")
    @example("\ud800")
    @example("x\x0c+1")
    @example("0777")
    @example("1if x else 2")
    @example("'\\d'")
    def test_any_text_at_all_gives_a_node_or_an_expression_error(self, text):
        try:
            evaluate(text, {"x": Value(1.0)})
        except ExpressionError as error:
            assert str(error)

    @given(
        st.lists(
            st.sampled_from(
                "x y 2 0 1e308 1.5 None ( ) [ ] , : + - * / ** // % @ < == exp( sum( x[".split()
            ),
            max_size=12,
        ).map(" ".join)
    )
    def test_any_mix_of_allowed_pieces_gives_a_node_or_an_expression_error(self, text):
        try:
            evaluate(text, {"x": Value(2.0), "y": Tensor([[1.0, 2.0], [3.0, 4.0]])})
        except ExpressionError as error:
            assert str(error)


class TestConstants:
    @pytest.mark.parametrize(
        ("text", "number"),
        [("2", 2.0), ("-1e3", -1000.0), ("1/4", 0.25), ("2*pi", 2 * math.pi), ("-inf", -math.inf)],
    )
    def test_a_number_may_be_written_as_arithmetic(self, text, number):
        value = constant(text)
        assert isinstance(value, float)
        assert value == number

    def test_not_a_number_can_be_written(self):
        assert math.isnan(constant("nan"))

    def test_arrays_are_float64(self):
        array = constant("[[1, 2.5], [-3, 1/2]]")
        assert array.dtype == np.float64
        assert array.tolist() == [[1.0, 2.5], [-3.0, 0.5]]

    @pytest.mark.parametrize("text", ["x", "True", "'a'", "1 > 0", "[1, [2]]", "[1, 'a']", ""])
    def test_anything_else_is_refused(self, text):
        with pytest.raises(ExpressionError):
            constant(text)
