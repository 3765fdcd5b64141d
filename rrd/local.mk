# The writer of history, and the one home of librrd. An archive, for the plugin and for its tests.
noinst_LTLIBRARIES += rrd/libparts.la
rrd_libparts_la_CPPFLAGS = $(PLUGIN_CPPFLAGS) -iquote $(srcdir)/rrd $(RRD_CFLAGS)
rrd_libparts_la_CFLAGS = $(PLUGIN_CFLAGS)
rrd_libparts_la_LIBADD = $(RRD_LIBS)
rrd_libparts_la_SOURCES = \
	rrd/cache.c rrd/cache.h rrd/cause.c rrd/cause.h rrd/entry.c rrd/file.c rrd/file.h rrd/flush.c \
	rrd/layout.c rrd/layout.h rrd/link.h rrd/names.c rrd/names.h rrd/path.c rrd/path.h rrd/report.c \
	rrd/rows.c rrd/rows.h rrd/rrd.c rrd/rrd.h rrd/writer.c

pluginexec_LTLIBRARIES += rrd/rrd.la
rrd_rrd_la_LDFLAGS = $(PLUGIN_LINK)
rrd_rrd_la_LIBADD = rrd/libparts.la $(PLUGIN_LIBS)
rrd_rrd_la_SOURCES =

EXTRA_DIST += rrd/quickstart.conf
PLUGIN_PAPERS += rrd/rrd.conf rrd/rrd.md

RRD_TEST_CPPFLAGS = $(rrd_libparts_la_CPPFLAGS) $(CMOCKA_CFLAGS)
RRD_TEST_LDADD = rrd/libparts.la $(LDADD)
PLUGIN_TESTS += rrd/test_cache \
	rrd/test_file \
	rrd/test_fold \
	rrd/test_layout \
	rrd/test_names \
	rrd/test_path \
	rrd/test_rrd
rrd_test_cache_SOURCES = rrd/test_cache.c rrd/test_series.h
rrd_test_cache_CPPFLAGS = $(RRD_TEST_CPPFLAGS)
rrd_test_cache_LDADD = $(RRD_TEST_LDADD)
rrd_test_file_CPPFLAGS = $(RRD_TEST_CPPFLAGS)
rrd_test_file_LDADD = $(RRD_TEST_LDADD)
rrd_test_fold_CPPFLAGS = $(RRD_TEST_CPPFLAGS)
rrd_test_fold_LDADD = $(RRD_TEST_LDADD)
rrd_test_layout_CPPFLAGS = $(RRD_TEST_CPPFLAGS)
rrd_test_layout_LDADD = $(RRD_TEST_LDADD)
rrd_test_names_CPPFLAGS = $(RRD_TEST_CPPFLAGS)
rrd_test_names_LDADD = $(RRD_TEST_LDADD)
rrd_test_path_CPPFLAGS = $(RRD_TEST_CPPFLAGS)
rrd_test_path_LDADD = $(RRD_TEST_LDADD)
rrd_test_rrd_SOURCES = rrd/test_rrd.c rrd/test_series.h
rrd_test_rrd_CPPFLAGS = $(RRD_TEST_CPPFLAGS)
rrd_test_rrd_LDADD = $(RRD_TEST_LDADD)
