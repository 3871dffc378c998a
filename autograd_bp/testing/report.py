"""What a check found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Failure:
    """A property that does not hold.

    Attributes
    ----------
    property
        Which one.
    argument
        The argument concerned, or None.
    message
        What was expected and what came.
    snippet
        Python that shows it, with the simplest input found.
    """

    property: str
    argument: str | None
    message: str
    snippet: str

    def __str__(self) -> str:
        where = f" by {self.argument}" if self.argument else ""
        return f"{self.property}{where}: {self.message}\n\n{self.snippet}"


@dataclass
class MutantResult:
    """One planted fault: found, and by what; or not."""

    name: str
    killed_by: str | None
    reason: str = ""

    @property
    def survived(self) -> bool:
        """Whether nothing found it and nobody declared it harmless."""
        return self.killed_by is None and not self.reason


@dataclass
class Report:
    """The outcome of `check`; `str(report)` is for people.

    Attributes
    ----------
    name, args
        What was checked, and by which arguments.
    failures
        The properties that do not hold, each with a counterexample.
    examples
        How many inputs were judged.
    filtered
        How many were drawn and could not be used: outside the domain.
    undecided
        How many no oracle had an answer for.
    jumps
        How many sat on a discontinuity, where there is no derivative to judge.
    oracles
        How often each oracle spoke.
    properties
        How often each property was tested.
    worst_ulp
        The largest error of a first derivative in units in the last place, where it is known.
    worst_error
        The largest error relative to the sum of the magnitudes that enter the contraction.
    error_bound
        The same of the oracles' own error, where they knew six digits.
    coarse
        How many derivatives, next to zero, the oracles knew less well.
    unchecked
        What was not checked, and why.
    mutants
        The planted faults, with `mutate=True`.
    """

    name: str
    args: tuple[str, ...]
    failures: list[Failure] = field(default_factory=list)
    examples: int = 0
    filtered: int = 0
    undecided: int = 0
    jumps: int = 0
    oracles: Counter[str] = field(default_factory=Counter)
    properties: Counter[str] = field(default_factory=Counter)
    worst_ulp: float | None = None
    worst_error: float = 0.0
    error_bound: float = 0.0
    coarse: int = 0
    unchecked: dict[str, str] = field(default_factory=dict)
    mutants: list[MutantResult] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything that was checked holds, and enough was."""
        return not self.problems

    @property
    def problems(self) -> list[str]:
        """Why the check does not pass, one text each."""
        problems = [str(failure) for failure in self.failures]
        drawn = self.examples + self.filtered + self.undecided
        if not self.failures:
            if self.examples == 0:
                problems.append("no input could be judged")
            if self.filtered + self.undecided > 0.05 * drawn:
                problems.append(
                    f"{self.filtered} of {drawn} inputs were outside the domain and "
                    f"{self.undecided} undecided: more than 5 %. Declare the domain"
                )
        problems += [
            f"the planted fault {mutant.name!r} was not found"
            for mutant in self.mutants
            if mutant.survived
        ]
        return problems

    def assert_ok(self) -> None:
        """Raise AssertionError, with the whole report, unless `ok`."""
        if not self.ok:
            raise AssertionError(str(self))

    def __str__(self) -> str:
        verdict = "ok" if self.ok else "NOT OK"
        lines = [f"{self.name}({', '.join(self.args)}): {verdict}"]
        lines.append(
            f"  {self.examples} inputs judged, {self.filtered} outside the domain, "
            f"{self.undecided} undecided" + (f", {self.jumps} at a jump" if self.jumps else "")
        )
        if self.oracles:
            spoken = ", ".join(f"{name} ({n})" for name, n in self.oracles.most_common())
            lines.append(f"  oracles: {spoken}; their own error at most {self.error_bound:.1e}")
            if self.coarse:
                lines.append(f"  {self.coarse} derivatives next to zero, known to fewer digits")
        if self.worst_ulp is not None:
            lines.append(f"  worst error of a first derivative: {self.worst_ulp:.2g} ulp")
        lines.append(f"  worst relative error of a contraction: {self.worst_error:.1e}")
        lines.append("  properties: " + ", ".join(self.properties))
        lines += [f"  not checked: {what} ({why})" for what, why in self.unchecked.items()]
        if self.mutants:
            killed = sum(mutant.killed_by is not None for mutant in self.mutants)
            lines.append(f"  planted faults found: {killed} of {len(self.mutants)}")
            lines += [
                f"    {mutant.name}: {mutant.killed_by or mutant.reason or 'SURVIVED'}"
                for mutant in self.mutants
            ]
        for problem in self.problems:
            lines += ["", *problem.splitlines()]
        return "\n".join(lines)
