"""Expressions written down, as text and as LaTeX."""

from __future__ import annotations

import ast
from typing import Final

from viz import numerals
from viz.explaining.algebra import Expression, Leaf, Written
from viz.text import one_line

# How tightly an operation binds; an operand that binds less is put in brackets.
_CHOICE, _OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(10)

_OPERATORS: Final = {
    ast.Add: (_SUM, "+", "+"),
    ast.Sub: (_SUM, "-", "-"),
    ast.Mult: (_PRODUCT, "*", r"\cdot"),
    ast.Div: (_PRODUCT, "/", "/"),
    ast.FloorDiv: (_PRODUCT, "//", r"\mathbin{//}"),
    ast.Mod: (_PRODUCT, "%", r"\bmod"),
    ast.MatMult: (_PRODUCT, "@", r"\,"),
}
_COMPARED: Final = {
    ast.Gt: (">", ">"),
    ast.GtE: (">=", r"\ge"),
    ast.Lt: ("<", "<"),
    ast.LtE: ("<=", r"\le"),
    ast.Eq: ("==", "="),
    ast.NotEq: ("!=", r"\ne"),
}
_CONSTANTS: Final = {
    "pi": Written("pi", r"\pi"),
    "inf": Written("inf", r"\infty"),
    "ln2": Written("ln 2", r"\ln 2"),
    "log2_e": Written("log2(e)", r"\log_2 e"),
    "log10_e": Written("log10(e)", r"\log_{10} e"),
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
    "`": "{}^{`}",
}


def symbol(name: str) -> Written:
    """A name as it stands in a formula. It may be any text.

    >>> symbol("apple"), symbol("w1").latex, symbol("apple number").text
    (Written(text='apple', latex='\\\\text{apple}'), 'w_{1}', '"apple number"')
    """
    shown = one_line(name)
    text = shown if _is_one_word(shown) else f'"{shown}"'
    letters = shown.rstrip("0123456789")
    digits = shown[len(letters) :]
    if len(letters) == 1 and letters.isalpha() and letters.isascii():
        return Written(text, f"{letters}_{{{digits}}}" if digits else letters)
    return Written(text, _latex_text(shown))


def words(text: str) -> Written:
    """Text that is not a name, in a formula."""
    shown = one_line(text)
    return Written(shown, _latex_text(shown))


def _is_one_word(name: str) -> bool:
    """Whether `name` cannot be taken for anything else in a formula."""
    return bool(name) and all(
        character.isalnum() or character in "_.'′#" or ord(character) > 0x2070 for character in name
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
    """An expression as text and as LaTeX; numbers to `digits` significant digits.

    >>> tree = ast.parse("-x * (1 + y) ** 2 / exp(z)", mode="eval").body
    >>> written(tree).text
    '-x * (1 + y) ** 2 / exp(z)'
    >>> written(tree).latex
    '\\\\frac{-x \\\\cdot \\\\left(1 + y\\\\right)^{2}}{\\\\exp\\\\left(z\\\\right)}'
    """
    return Written(_Text(digits).at(tree, _CHOICE), _Latex(digits).at(tree, _CHOICE))


def numeral(value: float, digits: int) -> Written:
    """A number as text and as LaTeX.

    >>> numeral(-1.5e-7, 4).latex
    '-1.5 \\\\times 10^{-7}'
    """
    text = numerals.number(value, digits)
    head, exponent, power = text.partition("e")
    if text.endswith(("inf", "nan")):
        latex = text.replace("inf", r"\infty").replace("nan", r"\text{nan}")
    elif exponent:
        latex = rf"{head} \times 10^{{{int(power)}}}"
    else:
        latex = text
    return Written(text, latex)


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
            case ast.Constant(value=value) if isinstance(value, (int, float)):
                shown = self.choose(numeral(value, self.digits))
                return (_PRODUCT if r"\times" in shown else _ATOM), shown
            case ast.BinOp(op=ast.Pow()):
                return self.power(tree)
            case ast.BinOp(op=ast.Div()):
                return self.quotient(tree)
            case ast.BinOp():
                return self.binary(tree)
            case ast.UnaryOp(op=ast.Not()):
                return _NOT, self.choose(Written("not ", r"\lnot ")) + self.at(tree.operand, _NOT)
            case ast.UnaryOp():
                sign = "-" if isinstance(tree.op, ast.USub) else "+"
                # Two signs in a row are kept apart by brackets.
                within = _POWER if isinstance(tree.operand, ast.UnaryOp) else _SIGN
                return _SIGN, sign + self.at(tree.operand, within)
            case ast.Compare():
                return _COMPARISON, self.comparison(tree)
            case ast.BoolOp():
                both = isinstance(tree.op, ast.And)
                level = _AND if both else _OR
                word = Written(" and ", r" \land ") if both else Written(" or ", r" \lor ")
                return level, self.choose(word).join(self.at(v, level + 1) for v in tree.values)
            case ast.IfExp():
                return self.choice(tree)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
                return self.call(name, arguments, keywords)
            case ast.Tuple(elts=elements):
                return _ATOM, self.brackets(", ".join(self.at(e, _CHOICE) for e in elements))
        return _ATOM, self.choose(symbol(ast.unparse(tree)))

    def binary(self, tree: ast.BinOp) -> tuple[int, str]:
        level, *signs = _OPERATORS[type(tree.op)]
        sign = self.choose(Written(*signs))
        right = tree.right
        same = isinstance(right, ast.BinOp) and isinstance(right.op, type(tree.op))
        loose = isinstance(tree.op, (ast.Add, ast.Mult)) and same
        # A minus next to another sign is put in brackets.
        needed = level if loose else _POWER if isinstance(right, ast.UnaryOp) else level + 1
        return level, f"{self.at(tree.left, level)} {sign} {self.at(right, needed)}"

    def comparison(self, tree: ast.Compare) -> str:
        parts = [self.at(tree.left, _SUM)]
        for op, side in zip(tree.ops, tree.comparators, strict=True):
            parts += [self.choose(Written(*_COMPARED[type(op)])), self.at(side, _SUM)]
        return " ".join(parts)

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
        given = [self.at(argument, _CHOICE) for argument in arguments]
        given += [f"{each.arg}={self.at(each.value, _CHOICE)}" for each in keywords]
        return _ATOM, f"{name}({', '.join(given)})"


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
        given = [self.at(argument, _CHOICE) for argument in arguments]
        given += [
            rf"{_latex_text(str(each.arg))}={self.at(each.value, _CHOICE)}" for each in keywords
        ]
        if name == "sqrt" and len(given) == 1:
            return _ATOM, rf"\sqrt{{{given[0]}}}"
        if name == "abs" and len(given) == 1:
            return _ATOM, rf"\left|{given[0]}\right|"
        sign = _OWN_SIGNS.get(name) or rf"\operatorname{{{name.replace('_', chr(92) + '_')}}}"
        # As a power's base it needs brackets of its own: exp(x)^2 is read as exp(x^2) by some.
        return _POWER, sign + self.brackets(", ".join(given))
