pluginexec_LTLIBRARIES += plugins/cpu/cpu.la
plugins_cpu_cpu_la_CPPFLAGS = $(PLUGIN_CPPFLAGS) -iquote $(srcdir)/plugins/cpu
plugins_cpu_cpu_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_cpu_cpu_la_LDFLAGS = $(PLUGIN_LINK)
plugins_cpu_cpu_la_LIBADD = $(PLUGIN_LIBS)
plugins_cpu_cpu_la_SOURCES = \
	plugins/cpu/cpu.c plugins/cpu/cpu_stat.c plugins/cpu/cpu_stat.h

PLUGIN_PAPERS += plugins/cpu/cpu.conf plugins/cpu/cpu.md
PLUGIN_TESTS += plugins/cpu/test_cpu
plugins_cpu_test_cpu_SOURCES = plugins/cpu/test_cpu.c plugins/cpu/cpu.c plugins/cpu/cpu_stat.c
plugins_cpu_test_cpu_CPPFLAGS = $(PLUGIN_CPPFLAGS) $(CMOCKA_CFLAGS) -iquote $(srcdir)/plugins/cpu
