"""Settings that every test shares: one BLAS thread, Hypothesis profiles, the browser."""

import os

# Before NumPy is imported, or it is too late: with two threads on two cores every small product
# becomes several times slower.
for variable in (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
):
    os.environ.setdefault(variable, "1")

import gc
import shutil
from collections.abc import Iterator

import pytest
from hypothesis import settings

from autograd_bp.testing.repeatable import repeatable_draws

CI = os.environ.get("CI") == "true"

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", derandomize=True, max_examples=200, deadline=None, print_blob=True)
settings.register_profile("thorough", max_examples=20_000, deadline=None, print_blob=True)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if CI else "dev")
settings.load_profile(PROFILE)


@pytest.fixture(scope="session", autouse=PROFILE == "ci")
def the_same_draws_in_every_worker() -> Iterator[None]:
    with repeatable_draws():
        yield


@pytest.fixture
def no_collector() -> Iterator[None]:
    """No cyclic garbage collector: it is slow on many objects, and graphs are freed without it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; where there is none the test is skipped, but in CI it fails."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    if CI:
        pytest.fail("no Chromium found, and CI must not skip the browser tests")
    pytest.skip("needs Chromium on the PATH")
