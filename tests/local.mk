# unit/ and fuzz/ and lint/ run in make check; integration/, soak/ and system/ need an installed tree: see contrib/check.
TEST_EXTENSIONS = .py
PY_LOG_COMPILER = $(PYTHON3) -B
EXTRA_DIST += tests/lib tests/lint tests/integration tests/soak tests/system

include tests/unit/local.mk
include tests/fuzz/local.mk
include tests/omni/local.mk
include tests/sketches/local.mk

TESTS += tests/lint/rooms.py
if HAVE_CMOCKA
check_PROGRAMS += $(PLUGIN_TESTS)
TESTS += $(PLUGIN_TESTS)
endif

# Plugins that only tests load, and copies of the others, in a PluginDir of their own beside the real one.
TEST_PLUGINS = tests/omni/omni.la tests/omni/peer.la tests/omni/door.la tests/omni/hang.la
install-test-plugins: $(TEST_PLUGINS)
	$(MKDIR_P) '$(DESTDIR)$(plugindir)-test'
	rm -f '$(DESTDIR)$(plugindir)-test'/*.so
	cp '$(DESTDIR)$(plugindir)'/*.so '$(DESTDIR)$(plugindir)-test'
	for plugin in $(TEST_PLUGINS); do \
		cp "$$(dirname $$plugin)/.libs/$$(basename $$plugin .la).so" '$(DESTDIR)$(plugindir)-test'; done
.PHONY: install-test-plugins
