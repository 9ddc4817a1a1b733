# SPDX-License-Identifier: MPL-2.0
"""Fixtures of the flow and fault tests: one running system a module, or one a test that breaks it."""
import pathlib
import sys

import pytest

sys.path.insert (0, str (pathlib.Path (__file__).resolve ().parent))

from support.system import System   # noqa: E402


@pytest.fixture (scope = "module")
def system ():
    with System () as running:
        yield running


@pytest.fixture
def fresh ():
    """Makes systems of the test's own: fresh (SETTING = value)."""
    running = []

    def make (**settings):
        running.append (System (**settings).start ())
        return running [-1]
    yield make
    for one in running:
        one.__exit__ (None, None, None)
