"""Programs: a function recorded once, and run flat afterwards.

trace       a function becomes a `Program`
passes      programs become programs
source      a program becomes NumPy text
compile     all of it, for each signature of the arguments
"""

from autograd_bp.compiler.call import CompiledFunction, compile  # noqa: A004
from autograd_bp.compiler.errors import ConcreteValueError
from autograd_bp.compiler.program import Instruction, Program, Var
from autograd_bp.compiler.tracer import trace

__all__ = [
    "CompiledFunction",
    "ConcreteValueError",
    "Instruction",
    "Program",
    "Var",
    "compile",
    "trace",
]
