pluginexec_LTLIBRARIES += plugins/memory/memory.la
plugins_memory_memory_la_CPPFLAGS = $(PLUGIN_CPPFLAGS) -iquote $(srcdir)/plugins/memory
plugins_memory_memory_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_memory_memory_la_LDFLAGS = $(PLUGIN_LINK)
plugins_memory_memory_la_LIBADD = $(PLUGIN_LIBS)
plugins_memory_memory_la_SOURCES = \
	plugins/memory/memory.c plugins/memory/memory_info.c plugins/memory/memory_info.h

PLUGIN_PAPERS += plugins/memory/memory.conf plugins/memory/memory.md
PLUGIN_TESTS += plugins/memory/test_memory
plugins_memory_test_memory_SOURCES = plugins/memory/test_memory.c plugins/memory/memory.c plugins/memory/memory_info.c
plugins_memory_test_memory_CPPFLAGS = $(PLUGIN_CPPFLAGS) $(CMOCKA_CFLAGS) -iquote $(srcdir)/plugins/memory
