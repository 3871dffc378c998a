"""The command `autograd-bp`: values, gradients and pictures from the command line.

Exit codes: 0 all went well; 1 the work failed (a file that cannot be written, a graph too large to
draw, a rule that is wrong); 2 the request cannot be understood (usage, an expression, a value).
"""

import argparse
import os
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np

import autograd_bp as ab
import viz
from autograd_bp.expression import OPERATIONS, ExpressionError, evaluate, parse
from viz.assignments import AssignmentError, leaves
from viz.checking import CheckError
from viz.checking import check as run_check
from viz.demo import run as run_demo
from viz.styles import STYLES
from viz.table import Row, table
from viz.theme import THEMES

Node = ab.Value | ab.Tensor

FORMATS = ("svg", "png", "pdf", "dot", "html", "json", "txt")
BINARY = ("png", "pdf")
EXAMPLES = """\
examples:
  autograd-bp draw "apple * n * tax" apple=100 n=2 tax=1.1 -o price.svg
  autograd-bp grad "apple * n * tax" apple=100 n=2 tax=1.1
  autograd-bp explain "apple * n * tax" apple=100 n=2 tax=1.1 --wrt apple
  autograd-bp steps "apple * n * tax" apple=100 n=2 tax=1.1 -o steps.html
  autograd-bp check tanh --examples 20
  autograd-bp demo

`autograd-bp draw --help`, and so on, shows more.
"""
GRAD_EXAMPLES = """\
examples:
  autograd-bp grad "(x + y) ** 2" x=3 y=4
  autograd-bp grad "1 / (1 + exp(-x))" x=0.5 --output sigmoid.svg
  autograd-bp grad "sum(x @ W)" "x=[1, 2]" "W=[[1, 2, 3], [4, 5, 6]]"
  autograd-bp grad "sum(where(x > 0, x, 0))" "x=[-1, 0, 2]"

Quote the expression, and every value with brackets, so that the shell leaves them alone.
For a result with several entries the gradients are those of the sum of its entries.
"""
DRAW_EXAMPLES = """\
examples:
  autograd-bp draw "apple * n * tax" apple=100 n=2 tax=1.1 -o price.svg
  autograd-bp draw "x * x" x=3 -o square.png
  autograd-bp draw "tanh(w * x + b)" w=0.5 x=2 b=-1 --format dot

Without --output the picture is written to standard output.
"""
EXPLAIN_EXAMPLES = """\
examples:
  autograd-bp explain "apple * n * tax" apple=100 n=2 tax=1.1 --wrt apple
  autograd-bp explain "x * x + sin(x)" x=3 --wrt x --format markdown
  autograd-bp explain "sum(tanh(x @ W))" "x=[1, 2]" "W=[[1, 2], [3, 4]]" --wrt W

Without --wrt every name is explained. Of many paths the largest are shown: --paths says how many.
"""
STEPS_EXAMPLES = """\
examples:
  autograd-bp steps "apple * n * tax" apple=100 n=2 tax=1.1
  autograd-bp steps "tanh(w * x + b)" w=0.5 x=2 b=-1 -o neuron.html

Open the page in any browser; it needs no network. Arrow keys move, space plays.
"""
CHECK_EXAMPLES = """\
examples:
  autograd-bp check tanh
  autograd-bp check hypot --examples 30 --seed 7
  autograd-bp check neg --mutate
  autograd-bp check my_rules.py:swish
  autograd-bp check my_package.my_rules:Decibel --domain 0,inf

What is checked: a row of the rule sheet, by its name; or, by its place, an operation that
ab.scalar_rule made, an ab.Function, or a function of arrays. The file or module is imported, so its
code runs. Exit code: 0 if it is right, 1 if not, 2 if it cannot be checked.

The checking kit needs: pip install 'autograd-bp[testing]'
"""
STYLE_HELP = "as in a textbook, or with a box for every value"
VALUE_HELP = "a number, or an array as [1, 2] or [[1, 2], [3, 4]]; pi, e, inf and 1/3 work too"


class UsageError(ValueError):
    """A request that cannot be carried out as it stands."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    >>> main(["grad", "x * y", "x=3", "y=4"])
    name    value  gradient
    ------  -----  --------
    x           3         4
    y           4         3
    result     12         1
    0
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # names in any script, on a terminal in any encoding
            stream.reconfigure(errors="backslashreplace")
    try:
        arguments = _arguments(sys.argv[1:] if argv is None else list(argv))
        command: Callable[[argparse.Namespace], int | None] = arguments.command
        code = command(arguments) or 0
        sys.stdout.flush()
    except (ExpressionError, AssignmentError, CheckError, UsageError) as error:
        return _failed(error, 2)
    except BrokenPipeError:  # the reader, such as `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except viz.DrawError as error:
        return _failed(error, 1)
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        return _failed(f"cannot write{place}: {error.strerror or error}", 1)
    except KeyboardInterrupt:
        return 130
    except SystemExit as finished:  # from argparse: 0 after --help, 2 after an error
        return int(finished.code or 0)
    return code


def grad(arguments: argparse.Namespace) -> None:
    """Print the value and the gradient of every name; draw the graph if a file is named."""
    form = _format(arguments.output, arguments.format) if arguments.output else None
    result, given = _computed(arguments)
    ones = np.ones_like(ab.graph.value(result))
    gradients = ab.gradients(result, list(given.values()), cotangent=ones) if given else ()
    rows = [
        Row(name, leaf.data, gradient)
        for (name, leaf), gradient in zip(given.items(), gradients, strict=True)
    ]
    rows.append(Row("result", result.data, ones))
    print(table(rows))
    if ones.ndim:
        print("The gradients are those of the sum of the result's entries.")
    if form:
        _write(_drawn(result, arguments), arguments.output, form)


def draw(arguments: argparse.Namespace) -> None:
    """Draw the graph of the expression, with its values and gradients."""
    output = arguments.output or "-"
    form = _format(output, arguments.format)
    result, _ = _computed(arguments)
    _write(_drawn(result, arguments), output, form)


def explain(arguments: argparse.Namespace) -> None:
    """Explain where a gradient comes from, path by path."""
    result, given = _computed(arguments)
    if "result" not in given:
        result.name = "result"
    names = arguments.wrt or list(given)
    if not names:
        raise UsageError("the expression has no names, so there is no gradient to explain")
    for name in names:
        if name not in given:
            raise UsageError(f"--wrt {name}: give one of {', '.join(given) or 'the names'}")
    told = [viz.explain(result, given[name], paths=arguments.paths) for name in names]
    texts = {
        "text": [each.text for each in told],
        "markdown": [each.markdown for each in told],
        "latex": [each.latex for each in told],
    }
    print("\n".join(texts[arguments.format]), end="")


def steps(arguments: argparse.Namespace) -> None:
    """Write a page that goes through the expression step by step, forward and back."""
    result, given = _computed(arguments)
    if "result" not in given:
        result.name = "result"
    if not arguments.output.endswith((".html", ".htm")):
        raise UsageError(f"the steps are a page: name it .html, not '{arguments.output}'")
    viz.steps(result, title=arguments.title).save(arguments.output)


def check(arguments: argparse.Namespace) -> int:
    """Check the derivatives of a rule, or of a function of your own."""
    report = run_check(
        arguments.target,
        domains=arguments.domain,
        examples=arguments.examples,
        seed=arguments.seed,
        mutate=arguments.mutate,
    )
    print(report)
    return 0 if report.ok else 1


def demo(arguments: argparse.Namespace) -> None:
    """Print the apple-tax tables, train a net to read digits, and show it all on one page."""
    run_demo(Path(arguments.out))


def _computed(
    arguments: argparse.Namespace,
) -> tuple[Node, dict[str, Node]]:
    expression = parse(arguments.expression)
    given = leaves(expression, arguments.values)
    return evaluate(expression, given), given


def _drawn(result: Node, arguments: argparse.Namespace) -> viz.Diagram:
    return viz.draw(
        result,
        style=arguments.style,
        direction=arguments.direction,
        algebra=arguments.algebra,
        flow=arguments.flow,
        theme=arguments.theme,
        title=arguments.title,
    )


def _format(output: str, named: str | None) -> str:
    """The format to write in: the one named, or the one that the file's name ends in."""
    form = named or ("svg" if output == "-" else Path(output).suffix[1:].lower())
    if form not in FORMATS:
        known = ", ".join(f".{name}" for name in FORMATS)
        raise UsageError(
            f"cannot tell the format of '{output}': end it in {known}, or say --format"
        )
    if form in BINARY and output == "-" and sys.stdout.isatty():
        raise UsageError(
            f"a {form.upper()} cannot be shown in a terminal: name a file with --output"
        )
    return form


def _write(diagram: viz.Diagram, output: str, form: str) -> None:
    """Write a diagram to a file, or to standard output for `-`."""
    makers: dict[str, Callable[[], str | bytes]] = {
        "svg": lambda: diagram.svg,
        "png": diagram.png,
        "pdf": diagram.pdf,
        "dot": lambda: diagram.dot,
        "html": diagram.html,
        "json": lambda: diagram.json,
        "txt": lambda: diagram.text,
    }
    made = makers[form]()
    content = made if isinstance(made, bytes) else made.encode("utf-8", "replace")
    if output != "-":
        Path(output).write_bytes(content)
    else:
        sys.stdout.buffer.write(content)


def _failed(error: object, code: int) -> int:
    print(f"autograd-bp: {error}", file=sys.stderr)
    return code


def _arguments(argv: list[str]) -> argparse.Namespace:
    """The arguments, with options allowed anywhere between the values."""
    parser = _parser()
    arguments, rest = parser.parse_known_args([_shielded(word) for word in argv])
    if rest and ("values" not in arguments or any(word.startswith("-") for word in rest)):
        parser.error(f"unknown: {' '.join(rest)}")
    if rest:
        arguments.values += rest
    return arguments


def _shielded(word: str) -> str:
    """A word such as `-x * 2` is an expression, not an option: argparse knows by the space."""
    negative = word.startswith("-") and not word.startswith("--") and word not in ("-", "-o", "-h")
    return f" {word}" if negative else word


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are short and say where to read on."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}\nTry: {self.prog} --help", file=sys.stderr)
        raise SystemExit(2)


def _positive(text: str) -> int:
    """A whole number from 1, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1; got {text}")
    return number


def _parser() -> _Parser:
    layout = argparse.RawDescriptionHelpFormatter
    parser = _Parser(
        prog="autograd-bp",
        description="Compute an expression, differentiate it backward, and draw it as a graph.",
        epilog=EXAMPLES,
        formatter_class=layout,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {ab.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)

    operations = textwrap.indent(textwrap.fill(", ".join(sorted(OPERATIONS)), 76), "  ")
    for function, epilog in ((draw, DRAW_EXAMPLES), (grad, GRAD_EXAMPLES)):
        summary = str(function.__doc__)
        sub = commands.add_parser(
            function.__name__,
            help=summary[0].lower() + summary[1:].rstrip("."),
            description=summary,
            epilog=f"{epilog}\noperations:\n{operations}",
            formatter_class=layout,
            allow_abbrev=False,
        )
        sub.add_argument("expression", help="what to compute, in quotes")
        sub.add_argument("values", nargs="*", metavar="name=value", help=VALUE_HELP)
        sub.add_argument("-o", "--output", metavar="FILE", help="write the picture to FILE")
        sub.add_argument("--format", choices=FORMATS, help="instead of the one FILE ends in")
        sub.add_argument("--style", choices=STYLES, default="textbook", help=STYLE_HELP)
        sub.add_argument("--theme", choices=THEMES, default="light", help="the colours")
        sub.add_argument(
            "--direction",
            choices=("LR", "TB"),
            default="LR",
            help="left to right, or top to bottom",
        )
        sub.add_argument(
            "--algebra", action="store_true", help="write upstream × local on the arrows back"
        )
        sub.add_argument(
            "--flow", choices=("size", "gain"), help="colour the arrows back by size, or by gain"
        )
        sub.add_argument("--title", help="a heading on the picture")
        sub.set_defaults(command=function)

    summary = str(explain.__doc__)
    sub = commands.add_parser(
        "explain",
        help=summary[0].lower() + summary[1:].rstrip("."),
        description=summary,
        epilog=EXPLAIN_EXAMPLES,
        formatter_class=layout,
        allow_abbrev=False,
    )
    sub.add_argument("expression", help="what to compute, in quotes")
    sub.add_argument("values", nargs="*", metavar="name=value", help=VALUE_HELP)
    sub.add_argument("--wrt", action="append", metavar="NAME", help="differentiate by NAME")
    sub.add_argument(
        "--format", choices=("text", "markdown", "latex"), default="text", help="default: text"
    )
    sub.add_argument(
        "--paths", type=_positive, default=10, metavar="N", help="the most paths (default: 10)"
    )
    sub.set_defaults(command=explain)

    summary = str(steps.__doc__)
    sub = commands.add_parser(
        "steps",
        help=summary[0].lower() + summary[1:].rstrip("."),
        description=summary,
        epilog=STEPS_EXAMPLES,
        formatter_class=layout,
        allow_abbrev=False,
    )
    sub.add_argument("expression", help="what to compute, in quotes")
    sub.add_argument("values", nargs="*", metavar="name=value", help=VALUE_HELP)
    sub.add_argument(
        "-o", "--output", metavar="FILE", default="steps.html", help="default: steps.html"
    )
    sub.add_argument("--title", help="a heading")
    sub.set_defaults(command=steps)

    summary = str(check.__doc__)
    sub = commands.add_parser(
        "check",
        help=summary[0].lower() + summary[1:].rstrip("."),
        description=summary,
        epilog=CHECK_EXAMPLES,
        formatter_class=layout,
        allow_abbrev=False,
    )
    sub.add_argument("target", help="a row of the sheet, file.py:name, or package.module:name")
    sub.add_argument(
        "--examples", type=int, default=100, metavar="N", help="how many inputs (default: 100)"
    )
    sub.add_argument("--seed", type=int, metavar="N", help="draw other inputs; the same for each N")
    sub.add_argument(
        "--mutate", action="store_true", help="plant faults too, and see that each is found"
    )
    sub.add_argument(
        "--domain",
        action="append",
        default=[],
        metavar="LOW,HIGH",
        help="where the arguments have a value; once for all, or once for each",
    )
    sub.set_defaults(command=check)

    sub = commands.add_parser(
        "demo",
        help="a tour: tables, pictures, a net that learns to read digits, on one page",
        description=demo.__doc__,
        allow_abbrev=False,
    )
    sub.add_argument("--out", default="out", metavar="FOLDER", help="where to write (default: out)")
    sub.set_defaults(command=demo)
    return parser
