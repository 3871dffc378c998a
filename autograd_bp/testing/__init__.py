"""A kit that checks derivative rules: those of the sheet, and everyone's own.

>>> import autograd_bp as ab
>>> ab.testing.check(ab.exp, examples=20).ok
True

Needs the extra `testing` (hypothesis, mpmath, sympy).
"""

try:
    import hypothesis  # noqa: F401
    import mpmath  # noqa: F401
except ImportError as error:  # pragma: no cover
    raise ImportError(
        "autograd_bp.testing needs hypothesis, mpmath and sympy: pip install autograd-bp[testing]"
    ) from error

from autograd_bp.testing import strategies
from autograd_bp.testing.checking import as_test, check
from autograd_bp.testing.report import Failure, Report

__all__ = ["Failure", "Report", "as_test", "check", "strategies"]
