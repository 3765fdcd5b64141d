"""Tests of the whole, as a user meets it: the same daemons as the integration tests."""
import importlib.util
import os

_path = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration", "conftest.py")
_spec = importlib.util.spec_from_file_location("integration_conftest", _path)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

tree = _module.tree
daemon = _module.daemon
pytest_runtest_makereport = _module.pytest_runtest_makereport
