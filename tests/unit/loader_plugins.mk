# Plugins for test_loader to load and to refuse. Never installed: -rpath is there because libtool makes no module without.
check_LTLIBRARIES += \
	tests/unit/good.la tests/unit/newer_minor.la tests/unit/other_major.la tests/unit/no_symbol.la \
	tests/unit/bad_table.la tests/unit/old_rows.la
LOADER_PLUGIN_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
tests_unit_good_la_SOURCES = tests/unit/loader_good.c
tests_unit_good_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_unit_good_la_LDFLAGS = $(LOADER_PLUGIN_LDFLAGS)
tests_unit_newer_minor_la_SOURCES = tests/unit/loader_newer_minor.c
tests_unit_newer_minor_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_unit_newer_minor_la_LDFLAGS = $(LOADER_PLUGIN_LDFLAGS)
tests_unit_other_major_la_SOURCES = tests/unit/loader_other_major.c
tests_unit_other_major_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_unit_other_major_la_LDFLAGS = $(LOADER_PLUGIN_LDFLAGS)
tests_unit_no_symbol_la_SOURCES = tests/unit/loader_no_symbol.c
tests_unit_no_symbol_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_unit_no_symbol_la_LDFLAGS = $(LOADER_PLUGIN_LDFLAGS)
tests_unit_bad_table_la_SOURCES = tests/unit/loader_bad_table.c
tests_unit_bad_table_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_unit_bad_table_la_LDFLAGS = $(LOADER_PLUGIN_LDFLAGS)
tests_unit_old_rows_la_SOURCES = tests/unit/loader_old_rows.c
tests_unit_old_rows_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_unit_old_rows_la_LDFLAGS = $(LOADER_PLUGIN_LDFLAGS)
# The folder where libtool puts them.
tests_unit_test_loader_SOURCES = tests/unit/test_loader.c
tests_unit_test_loader_CPPFLAGS = $(AM_CPPFLAGS) -DLOADER_PLUGINS='"$(abs_builddir)/tests/unit/.libs"'
EXTRA_tests_unit_test_loader_DEPENDENCIES = \
	tests/unit/good.la tests/unit/newer_minor.la tests/unit/other_major.la tests/unit/no_symbol.la \
	tests/unit/bad_table.la tests/unit/old_rows.la
