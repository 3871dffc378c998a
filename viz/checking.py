"""The command `autograd-bp check`: find what is named, check its derivatives, report.

The kit, `autograd_bp.testing`, needs libraries that nothing else here needs, so it is imported
when a check is run and not before.
"""

import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from importlib import import_module, invalidate_caches
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import autograd_bp as ab
from autograd_bp.expression import ExpressionError, constant

if TYPE_CHECKING:
    from autograd_bp.testing import Report

Domain = tuple[float, float]


class CheckError(ValueError):
    """What is named cannot be found, or cannot be checked."""


def check(
    target: str, *, domains: Sequence[str], examples: int, seed: int | None, mutate: bool
) -> "Report":
    """Check what `target` names; `domains` are texts as `interval` takes them.

    >>> print(check("neg", domains=[], examples=5, seed=0, mutate=False))
    neg(x): ok
      5 inputs judged, ...
    """
    if examples < 1:
        raise CheckError(f"--examples must be at least 1, not {examples}")
    intervals = [interval(text) for text in domains]
    domain = intervals[0] if len(intervals) == 1 else intervals or None
    try:
        import hypothesis.configuration
        import mpmath  # noqa: F401
    except ModuleNotFoundError as error:
        raise CheckError(
            f"a check needs {error.name}, which is missing: pip install 'autograd-bp[testing]'"
        ) from None
    from autograd_bp import testing

    with ExitStack() as stack:
        checked = stack.enter_context(_found(target))
        # Hypothesis keeps notes in the current folder; a command leaves nothing behind.
        notes = stack.enter_context(tempfile.TemporaryDirectory())
        hypothesis.configuration.set_hypothesis_home_dir(notes)
        stack.callback(hypothesis.configuration.set_hypothesis_home_dir, None)
        try:
            return testing.check(
                checked,
                domain=domain,
                examples=examples,
                seed=seed,
                mutate=mutate,
            )
        except (TypeError, ValueError) as error:
            raise CheckError(f"cannot check {target}: {error}") from error


def interval(text: str) -> Domain:
    """The open interval that `low,high` says.

    >>> interval("0, inf")
    (0.0, inf)
    """
    try:
        low, high = (constant(end) for end in text.split(","))
    except (ExpressionError, ValueError) as error:
        why = f": {error}" if isinstance(error, ExpressionError) else ""
        raise CheckError(f"'{text}' is not an interval, as 0,inf or -1,1 are{why}") from None
    if not (isinstance(low, float) and isinstance(high, float) and low < high):
        raise CheckError(f"'{text}' is not an interval: the first end must be below the second")
    return low, high


@contextmanager
def _found(target: str) -> Iterator[Any]:
    """What `target` names, with its folder on the path, as it is for `python file.py`."""
    place, colon, name = target.rpartition(":")
    if not colon:
        yield _row(target)
        return
    if not (place and name):
        raise CheckError(f"'{target}' does not say where and what: write file.py:name")
    folder = (Path(place).parent if place.endswith(".py") else Path()).resolve()
    with _first_on_the_path(folder):
        yield _attribute(_imported(place), name, place)


@contextmanager
def _first_on_the_path(folder: Path) -> Iterator[None]:
    """What is imported meanwhile comes from the folder if it is there, and is forgotten after.

    A process that checks several folders must not give one the modules of another: those whose
    folder is no longer on the path step aside.
    """
    before = dict(sys.modules)
    reachable = {Path(entry or ".").resolve() for entry in sys.path} | {folder}
    for name in before:
        root = name.partition(".")[0]
        if root in _OWN or not ((folder / f"{root}.py").exists() or (folder / root).is_dir()):
            continue
        if _folder_of(before.get(root)) not in {None, *reachable}:
            del sys.modules[name]
    sys.path.insert(0, str(folder))
    invalidate_caches()  # the files may be younger than the last look at the folder
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        loaded = dict(sys.modules)
        for name in loaded.keys() - before.keys():
            if _folder_of(loaded.get(name.partition(".")[0])) == folder:
                del sys.modules[name]
        sys.modules.update(before)


_OWN = ("autograd_bp", "viz")


def _folder_of(module: ModuleType | None) -> Path | None:
    """Where a top-level module or package lies, if that is in a file."""
    inside = list(getattr(module, "__path__", ()))
    place = inside[0] if inside else getattr(module, "__file__", None)
    return Path(place).parent.resolve() if isinstance(place, str) else None


def _row(name: str) -> Any:
    rows = ab.rules.ROWS
    if name in rows:
        return rows[name]
    if name.endswith(".py") or "/" in name:
        raise CheckError(f"'{name}' does not say what in the file to check: write {name}:name")
    close = get_close_matches(name, rows, n=1)
    hint = f": did you mean {close[0]}?" if close else "."
    raise CheckError(
        f"the rule sheet has no row '{name}'{hint} What is yours is named with its place: "
        "file.py:name or package.module:name"
    )


def _imported(place: str) -> ModuleType:
    """The module or file, run."""
    if place.endswith(".py") and not Path(place).is_file():
        raise CheckError(f"there is no file {place}")
    try:
        return _run_file(Path(place)) if place.endswith(".py") else import_module(place)
    except (Exception, SystemExit) as error:
        file = f"{Path(place.replace('.', '/')).stem}.py"
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename).name in (file, Path(place).name)
        ]
        where = f", line {lines[-1]}" if lines else ""
        said = f"{type(error).__name__}: {error}"
        raise CheckError(f"cannot import {place}{where}: {said}") from error


def _run_file(path: Path) -> ModuleType:
    name = path.stem
    while name in sys.modules:  # a file may be called as a module is
        name += "_"
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _attribute(module: ModuleType, name: str, place: str) -> Any:
    found: Any = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise CheckError(_absent(module, name, place)) from None
    return found


def _absent(module: ModuleType, name: str, place: str) -> str:
    names = [
        known
        for known, value in vars(module).items()
        if callable(value)
        and not known.startswith("_")
        and (hasattr(value, "rule") or getattr(value, "__module__", None) == module.__name__)
    ]
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(names) or 'no functions'}"
    return f"{place} has no '{name}': {hint}"
