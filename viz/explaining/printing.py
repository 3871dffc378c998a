"""Expressions written down: as text, as LaTeX and as MathML."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Final

from viz import numerals
from viz.explaining.algebra import Expression, Leaf, Written
from viz.text import escape_xml, one_line

_ENTRY: Final = re.compile(r"([^\W\d][\w.]*)\[(\d+(?:, \d+)*)\]")
# How tightly an operation binds; an operand that binds less is put in brackets.
_CHOICE, _OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(10)


def _sign(text: str, latex: str, mathml: str) -> Written:
    return Written(text, latex, f"<mo>{mathml}</mo>")


_OPERATORS: Final = {
    ast.Add: (_SUM, _sign("+", "+", "+")),
    ast.Sub: (_SUM, _sign("-", "-", "&#8722;")),
    ast.Mult: (_PRODUCT, _sign("*", r"\cdot", "&#8901;")),
    ast.Div: (_PRODUCT, _sign("/", "/", "/")),
    ast.FloorDiv: (_PRODUCT, _sign("//", r"\mathbin{//}", "//")),
    ast.Mod: (_PRODUCT, _sign("%", r"\bmod", "mod")),
    ast.MatMult: (_PRODUCT, _sign("@", r"\,", "&#8290;")),
}
_COMPARED: Final = {
    ast.Gt: _sign(">", ">", "&gt;"),
    ast.GtE: _sign(">=", r"\ge", "&#8805;"),
    ast.Lt: _sign("<", "<", "&lt;"),
    ast.LtE: _sign("<=", r"\le", "&#8804;"),
    ast.Eq: _sign("==", "=", "="),
    ast.NotEq: _sign("!=", r"\ne", "&#8800;"),
}
_MINUS: Final = _sign("-", "-", "&#8722;")
_PLUS: Final = _sign("+", "+", "+")
_EQUALS: Final = _sign("=", "=", "=")
_COMMA: Final = _sign(", ", ", ", ",")
_NOT_SIGN: Final = _sign("not ", r"\lnot ", "&#172;")
_AND_SIGN: Final = _sign(" and ", r" \land ", "&#8743;")
_OR_SIGN: Final = _sign(" or ", r" \lor ", "&#8744;")
_CONSTANTS: Final = {
    "pi": Written("pi", r"\pi", "<mi>&#960;</mi>"),
    "inf": Written("inf", r"\infty", "<mi>&#8734;</mi>"),
    "ln2": Written("ln 2", r"\ln 2", "<mi>ln</mi><mn>2</mn>"),
    "log2_e": Written("log2(e)", r"\log_2 e", "<msub><mi>log</mi><mn>2</mn></msub><mi>e</mi>"),
    "log10_e": Written(
        "log10(e)", r"\log_{10} e", "<msub><mi>log</mi><mn>10</mn></msub><mi>e</mi>"
    ),
}
_NAMED: Final = ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "max", "min", "arctan")
_OWN_SIGNS: Final = {"log": r"\ln", "sigmoid": r"\sigma", "normal_pdf": r"\varphi"} | {
    name: rf"\{name}" for name in _NAMED
}
# What LaTeX reads as a command, each as a sign of math mode.
_ESCAPES: Final = {
    "\\": r"\backslash ",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "%": r"\%",
    "#": r"\#",
    "&": r"\&",
    "_": r"\_",
    "^": r"{\wedge}",
    "~": r"{\sim}",
    "<": "<",
    ">": ">",
    "`": r"{\grave{}}",
    "*": "*",
}


def symbol(name: str) -> Written:
    """A name as it stands in a formula. It may be any text.

    >>> symbol("apple").latex, symbol("w1").latex, symbol("apple number").text
    ('\\\\text{apple}', 'w_{1}', '"apple number"')
    """
    shown = one_line(name)
    entry = _ENTRY.fullmatch(shown)
    if entry:  # an entry of an array
        array, at = symbol(entry[1]), entry[2]
        return Written(
            shown,
            f"{{{array.latex}}}_{{{at}}}",
            f"<msub><mrow>{array.mathml}</mrow><mn>{at}</mn></msub>",
        )
    text = shown if _is_one_word(shown) else f'"{shown}"'
    letters = shown.rstrip("0123456789")
    digits = shown[len(letters) :]
    if len(letters) == 1 and letters.isalpha() and letters.isascii():
        if not digits:
            return Written(text, letters, f"<mi>{letters}</mi>")
        mathml = f"<msub><mi>{letters}</mi><mn>{digits}</mn></msub>"
        return Written(text, f"{letters}_{{{digits}}}", mathml)
    return Written(text, _latex_text(shown), f"<mi>{escape_xml(shown)}</mi>")


def words(text: str) -> Written:
    """Text that is not a name, in a formula."""
    shown = one_line(text)
    return Written(shown, _latex_text(shown), f"<mtext>{escape_xml(shown)}</mtext>")


def _is_one_word(name: str) -> bool:
    """Whether `name` cannot be taken for anything else in a formula."""
    return (
        bool(name)
        and not name[0].isdecimal()
        and all(
            character.isalnum() or character in "_.'′#" or ord(character) > 0x2070
            for character in name
        )
    )


def _latex_text(text: str) -> str:
    pieces = [""]
    for character in text:
        if character in _ESCAPES:
            pieces += [_ESCAPES[character], ""]
        else:
            pieces[-1] += character
    return "".join(
        piece if place % 2 else rf"\text{{{piece}}}" for place, piece in enumerate(pieces) if piece
    )


def written(tree: Expression, digits: int = 4) -> Written:
    """An expression written down; numbers to `digits` significant digits.

    >>> tree = ast.parse("-x * (1 + y) ** 2 / exp(z)", mode="eval").body
    >>> written(tree).text
    '-x * (1 + y) ** 2 / exp(z)'
    >>> written(tree).latex
    '\\\\frac{-x \\\\cdot \\\\left(1 + y\\\\right)^{2}}{\\\\exp\\\\left(z\\\\right)}'
    """
    printers = (_Text(digits), _Latex(digits), _MathML(digits))
    return Written(*(printer.at(tree, _CHOICE) for printer in printers))


def numeral(value: float, digits: int) -> Written:
    """A number written down.

    >>> numeral(-1.5e-7, 4).latex
    '-1.5 \\\\times 10^{-7}'
    """
    text = numerals.number(value, digits)
    head, exponent, power = text.partition("e")
    mathml = f"<mn>{text.replace('-', '&#8722;')}</mn>"
    if text.endswith(("inf", "nan")):
        latex = text.replace("inf", r"\infty").replace("nan", r"\text{nan}")
        mathml = f"<mi>{text.replace('inf', '&#8734;')}</mi>"
    elif exponent:
        latex = rf"{head} \times 10^{{{int(power)}}}"
        mathml = (
            f"<mrow><mn>{head.replace('-', '&#8722;')}</mn><mo>&#215;</mo>"
            f"<msup><mn>10</mn><mn>{power.lstrip('+').replace('-', '&#8722;')}</mn></msup></mrow>"
        )
    else:
        latex = text
    return Written(text, latex, mathml)


class _Printer:
    def __init__(self, digits: int) -> None:
        self.digits = digits

    def at(self, tree: Expression, level: int) -> str:
        """`tree` where at least `level` must bind, in brackets if it does not."""
        binds, text = self.bound(tree)
        return text if binds >= level else self.brackets(text)

    def bound(self, tree: Expression) -> tuple[int, str]:
        """How tightly `tree` binds, and its text."""
        match tree:
            case Leaf():
                return _ATOM, self.choose(tree.written)
            case ast.Name(id=name):
                return _ATOM, self.choose(_CONSTANTS.get(name) or symbol(name))
            case ast.Constant(value=bool() | None as value):
                return _ATOM, self.choose(words(str(value)))
            case ast.Constant(value=value) if isinstance(value, (int, float)):
                shown = numeral(value, self.digits)
                level = _PRODUCT if "e" in shown.text else _ATOM
                return level, self.choose(shown)
            case ast.BinOp(op=ast.Pow()):
                return self.power(tree)
            case ast.BinOp(op=ast.Div()):
                return self.quotient(tree)
            case ast.BinOp():
                return self.binary(tree)
            case ast.UnaryOp(op=ast.Not()):
                return _NOT, self.choose(_NOT_SIGN) + self.at(tree.operand, _NOT)
            case ast.UnaryOp():
                sign = self.choose(_MINUS if isinstance(tree.op, ast.USub) else _PLUS)
                # Two signs in a row are kept apart by brackets.
                within = _POWER if isinstance(tree.operand, ast.UnaryOp) else _SIGN
                return _SIGN, sign + self.at(tree.operand, within)
            case ast.Compare():
                return _COMPARISON, self.comparison(tree)
            case ast.BoolOp():
                both = isinstance(tree.op, ast.And)
                level = _AND if both else _OR
                word = self.choose(_AND_SIGN if both else _OR_SIGN)
                return level, word.join(self.at(v, level + 1) for v in tree.values)
            case ast.IfExp():
                return self.choice(tree)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
                return self.call(name, arguments, keywords)
            case ast.Tuple(elts=elements):
                return _ATOM, self.brackets(self.listed(elements))
        return _ATOM, self.choose(symbol(ast.unparse(tree)))

    def binary(self, tree: ast.BinOp) -> tuple[int, str]:
        level, both = _OPERATORS[type(tree.op)]
        sign = self.choose(both)
        right = tree.right
        same = isinstance(right, ast.BinOp) and isinstance(right.op, type(tree.op))
        loose = isinstance(tree.op, (ast.Add, ast.Mult)) and same
        # A minus next to another sign is put in brackets.
        needed = level if loose else _POWER if isinstance(right, ast.UnaryOp) else level + 1
        return level, f"{self.at(tree.left, level)} {sign} {self.at(right, needed)}"

    def comparison(self, tree: ast.Compare) -> str:
        parts = [self.at(tree.left, _SUM)]
        for op, side in zip(tree.ops, tree.comparators, strict=True):
            parts += [self.choose(_COMPARED[type(op)]), self.at(side, _SUM)]
        return " ".join(parts)

    def listed(self, elements: Sequence[Expression], keywords: Sequence[ast.keyword] = ()) -> str:
        """Arguments with commas between them."""
        given = [self.at(element, _CHOICE) for element in elements]
        for each in keywords:
            name = self.choose(symbol(str(each.arg)))
            given.append(f"{name}{self.choose(_EQUALS)}{self.at(each.value, _CHOICE)}")
        return self.choose(_COMMA).join(given)

    def choose(self, both: Written) -> str:
        raise NotImplementedError

    def brackets(self, text: str) -> str:
        raise NotImplementedError

    def power(self, tree: ast.BinOp) -> tuple[int, str]:
        raise NotImplementedError

    def quotient(self, tree: ast.BinOp) -> tuple[int, str]:
        raise NotImplementedError

    def choice(self, tree: ast.IfExp) -> tuple[int, str]:
        raise NotImplementedError

    def call(
        self, name: str, arguments: list[Expression], keywords: list[ast.keyword]
    ) -> tuple[int, str]:
        raise NotImplementedError


class _Text(_Printer):
    def choose(self, both: Written) -> str:
        return both.text

    def brackets(self, text: str) -> str:
        return f"({text})"

    def power(self, tree: ast.BinOp) -> tuple[int, str]:
        return _POWER, f"{self.at(tree.left, _ATOM)} ** {self.at(tree.right, _POWER)}"

    def quotient(self, tree: ast.BinOp) -> tuple[int, str]:
        return self.binary(tree)

    def choice(self, tree: ast.IfExp) -> tuple[int, str]:
        parts = (self.at(part, _OR) for part in (tree.body, tree.test))
        return _CHOICE, " if ".join(parts) + f" else {self.at(tree.orelse, _OR)}"

    def call(
        self, name: str, arguments: list[Expression], keywords: list[ast.keyword]
    ) -> tuple[int, str]:
        if name == "T":
            return _ATOM, f"{self.at(arguments[0], _ATOM)}.T"
        return _ATOM, f"{name}({self.listed(arguments, keywords)})"


class _Latex(_Printer):
    def choose(self, both: Written) -> str:
        return both.latex

    def brackets(self, text: str) -> str:
        return rf"\left({text}\right)"

    def power(self, tree: ast.BinOp) -> tuple[int, str]:
        return _POWER, f"{self.at(tree.left, _ATOM)}^{{{self.at(tree.right, _CHOICE)}}}"

    def quotient(self, tree: ast.BinOp) -> tuple[int, str]:
        above, below = self.at(tree.left, _CHOICE), self.at(tree.right, _CHOICE)
        return _SIGN, rf"\frac{{{above}}}{{{below}}}"

    def choice(self, tree: ast.IfExp) -> tuple[int, str]:
        cases = []
        rest: Expression = tree
        while isinstance(rest, ast.IfExp):
            cases.append(rf"{self.at(rest.body, _CHOICE)} & {self.at(rest.test, _CHOICE)}")
            rest = rest.orelse
        cases.append(rf"{self.at(rest, _CHOICE)} & \text{{otherwise}}")
        return _ATOM, r"\begin{cases}" + r" \\ ".join(cases) + r"\end{cases}"

    def call(
        self, name: str, arguments: list[Expression], keywords: list[ast.keyword]
    ) -> tuple[int, str]:
        if name == "T":
            return _POWER, rf"{self.at(arguments[0], _ATOM)}^{{\top}}"
        given = self.listed(arguments, keywords)
        if name == "sqrt":
            return _ATOM, rf"\sqrt{{{given}}}"
        if name == "abs":
            return _ATOM, rf"\left|{given}\right|"
        sign = _OWN_SIGNS.get(name) or rf"\operatorname{{{name.replace('_', chr(92) + '_')}}}"
        # As a power's base it needs brackets of its own: exp(x)^2 is read as exp(x^2) by some.
        return _POWER, sign + self.brackets(given)


class _MathML(_Printer):
    def choose(self, both: Written) -> str:
        return both.mathml

    def brackets(self, text: str) -> str:
        return f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>"

    def power(self, tree: ast.BinOp) -> tuple[int, str]:
        base, exponent = self.at(tree.left, _ATOM), self.at(tree.right, _CHOICE)
        return _POWER, f"<msup><mrow>{base}</mrow><mrow>{exponent}</mrow></msup>"

    def quotient(self, tree: ast.BinOp) -> tuple[int, str]:
        above, below = self.at(tree.left, _CHOICE), self.at(tree.right, _CHOICE)
        return _SIGN, f"<mfrac><mrow>{above}</mrow><mrow>{below}</mrow></mfrac>"

    def choice(self, tree: ast.IfExp) -> tuple[int, str]:
        yes, test, no = (self.at(part, _OR) for part in (tree.body, tree.test, tree.orelse))
        return (
            _CHOICE,
            f"{yes}<mtext>&#160;if&#160;</mtext>{test}<mtext>&#160;else&#160;</mtext>{no}",
        )

    def call(
        self, name: str, arguments: list[Expression], keywords: list[ast.keyword]
    ) -> tuple[int, str]:
        if name == "T":
            return _POWER, f"<msup><mrow>{self.at(arguments[0], _ATOM)}</mrow><mi>T</mi></msup>"
        given = self.listed(arguments, keywords)
        if name == "sqrt":
            return _ATOM, f"<msqrt>{given}</msqrt>"
        if name == "abs":
            return _ATOM, f"<mrow><mo>|</mo>{given}<mo>|</mo></mrow>"
        shown = _GREEK.get(name, name)
        return _POWER, f"<mi>{shown}</mi>{self.brackets(given)}"


_GREEK: Final = {"sigmoid": "&#963;", "normal_pdf": "&#966;", "log": "ln"}
