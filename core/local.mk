# The daemon: one noun a file. libcore.la is all of it, for libmuster.so and, statically, for the unit tests.
noinst_LTLIBRARIES += core/libcore.la
core_libcore_la_CPPFLAGS = $(CORE_CPPFLAGS)
core_libcore_la_CFLAGS = $(AM_CFLAGS) $(NO_INTERPOSITION)
core_libcore_la_LIBADD = core/base/libbase.la $(UV_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS)
core_libcore_la_SOURCES = \
	core/batch.h core/bus.h core/call.h core/command.h core/conf.h core/conf_schema.h core/counters.h \
	core/ctl.h core/daemon.h core/describe.h core/event.h core/instance.h core/kind.h core/loader.h \
	core/log.h core/loop.c core/loop.h core/loop_ref.c core/loop_timer.c core/object.h core/pool.c \
	core/pool.h core/route.h core/sched.h core/self.h core/series.h core/store.h core/types.h

# No -fvisibility=hidden here: the map alone says what is exported.
lib_LTLIBRARIES += libmuster.la
libmuster_la_SOURCES =
libmuster_la_LIBADD = core/libcore.la
libmuster_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 $(NO_UNDEFINED) \
	-Wl,--version-script=$(srcdir)/core/libmuster.map
EXTRA_libmuster_la_DEPENDENCIES = core/libmuster.map
EXTRA_DIST += core/libmuster.map

sbin_PROGRAMS += musterd
musterd_SOURCES = core/main.c
musterd_CPPFLAGS = $(CORE_CPPFLAGS)
musterd_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
musterd_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
musterd_LDADD = libmuster.la

# The plugin ABI, as <muster/...>.
muster_includedir = $(includedir)/muster
muster_include_HEADERS = \
	core/api/muster/base.h core/api/muster/child.h core/api/muster/command.h core/api/muster/counter.h \
	core/api/muster/event.h core/api/muster/http.h core/api/muster/kind.h core/api/muster/loop.h \
	core/api/muster/muster.h core/api/muster/option.h core/api/muster/plugin.h core/api/muster/store.h \
	core/api/muster/value.h
