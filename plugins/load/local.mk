pluginexec_LTLIBRARIES += plugins/load/load.la
plugins_load_load_la_CPPFLAGS = $(PLUGIN_CPPFLAGS) -iquote $(srcdir)/plugins/load
plugins_load_load_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_load_load_la_LDFLAGS = $(PLUGIN_LINK)
plugins_load_load_la_LIBADD = $(PLUGIN_LIBS)
plugins_load_load_la_SOURCES = \
	plugins/load/load.c plugins/load/load_avg.c plugins/load/load_avg.h

PLUGIN_PAPERS += plugins/load/load.conf plugins/load/load.md
PLUGIN_TESTS += plugins/load/test_load
plugins_load_test_load_SOURCES = plugins/load/test_load.c plugins/load/load.c plugins/load/load_avg.c
plugins_load_test_load_CPPFLAGS = $(PLUGIN_CPPFLAGS) $(CMOCKA_CFLAGS) -iquote $(srcdir)/plugins/load
