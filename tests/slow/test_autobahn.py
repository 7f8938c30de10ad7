"""The cases of Autobahn|Testsuite, but for those of speed and of compression."""

from __future__ import annotations

import os

import pytest

from tests.slow.autobahn import install, settled, worse
from tests.support import python27

CASES = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"]


@pytest.mark.python27
def test_nothing_is_worse_than_the_library_says_of_itself() -> None:
    python = python27.find()
    if python is None:
        assert os.environ.get("CI") != "true", "CI has Python 2.7"
        pytest.skip("no Python 2.7 runs here")
    install(python)
    results = settled(python, CASES)
    assert len(results) == 247
    assert not worse(results)
