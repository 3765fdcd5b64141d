"""Every integration test may ask for `daemon`: a maker of real daemons that are stopped, and judged, at its end."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

from daemon import Daemon, Tree  # noqa: E402  the path must be there first


@pytest.fixture(scope="session")
def tree():
    return Tree()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call":
        item.failed = report.failed


@pytest.fixture
def daemon(request):
    """daemon(config, **more) starts one; daemon(config, start=False) only prepares it."""
    made = []

    def make(config="", start=True, **more):
        one = Daemon(config, **more)
        made.append(one)
        return one.start() if start else one

    yield make
    failed = getattr(request.node, "failed", False)
    try:
        for one in made:
            if failed and os.path.exists(one.stderr_file):
                print(f"---- log of {one.dir} ----\n{one.log[-8000:]}")
            if one.process is not None:
                one.stop()
    finally:
        for one in made:
            one.close()
