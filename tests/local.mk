# unit/ and fuzz/ and lint/ run in make check; integration/ and system/ need an installed tree: see contrib/check.
TEST_EXTENSIONS = .py
PY_LOG_COMPILER = $(PYTHON3) -B
EXTRA_DIST += tests/lib tests/lint tests/integration tests/system

include tests/unit/local.mk
include tests/fuzz/local.mk
include tests/sketches/local.mk

TESTS += tests/lint/rooms.py
