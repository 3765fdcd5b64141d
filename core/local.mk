# The daemon: one noun a file. libcore.la is all of it, for libmuster.so and, statically, for the unit tests.
noinst_LTLIBRARIES += core/libcore.la
core_libcore_la_CPPFLAGS = $(CORE_CPPFLAGS)
core_libcore_la_CFLAGS = $(AM_CFLAGS) $(NO_INTERPOSITION)
core_libcore_la_LIBADD = core/base/libbase.la $(UV_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS)
core_libcore_la_SOURCES = \
	core/audit.c core/batch.c core/batch.h core/builder.c core/bus.c core/bus.h core/call.c core/call.h \
	core/call_check.c core/call_key.c core/call_parts.h core/call_party.c core/call_pending.c \
	core/call_reply.c core/call_request.c core/command.c core/command.h core/command_query.c core/conf.c \
	core/conf.h core/conf_diff.c core/conf_include.c core/conf_include.h core/conf_json.c \
	core/conf_plugins.c core/conf_plugins.h core/conf_rows.c core/conf_schema.c core/conf_schema.h \
	core/conf_word.c core/conf_word.h core/counters.c core/counters.h core/ctl.c core/ctl.h \
	core/ctl_client.c core/ctl_client.h core/ctl_parse.c core/daemon.c core/daemon.h core/daemon_args.c \
	core/daemon_fork.c core/daemon_host.c core/daemon_load.c core/daemon_load.h core/daemon_once.c \
	core/daemon_reload.c core/daemon_stop.c core/describe.c core/describe.h core/event.c core/event.h \
	core/event_fan.c core/event_history.c core/event_kind.c core/event_node.h core/hostname.c \
	core/http.c core/instance.c core/instance.h core/instance_loop.c core/instance_state.c core/job.c \
	core/job_kind.c core/job_parts.h core/kind.c core/kind.h core/loader.c core/loader.h \
	core/loader_check.c core/loader_copy.c core/loader_elf.c core/loader_parts.h core/loader_watch.c \
	core/log.c core/log.h core/log_out.c core/log_out.h core/log_ring.c core/log_ring.h core/loop.c \
	core/loop.h core/loop_ref.c core/loop_timer.c core/object.c core/object.h core/object_list.c \
	core/object_sub.c core/pool.c core/pool.h core/route.c core/route.h core/route_pattern.c \
	core/sched.c core/sched.h core/self.c core/self.h core/self_backup.c core/self_daemon.c \
	core/self_plugin.c core/self_series.c core/series.c core/series.h core/series_last.c \
	core/series_match.c core/sink.c core/sink.h core/store.c core/store.h core/store_copy.c \
	core/store_db.c core/store_parts.h core/store_sql.c core/store_turn.c core/stream.c core/stream.h \
	core/tools.c core/types.c core/types.h core/value_sub.c core/work.c

# No -fvisibility=hidden here: the map alone says what is exported.
lib_LTLIBRARIES += libmuster.la
libmuster_la_SOURCES =
libmuster_la_LIBADD = core/libcore.la
libmuster_la_LDFLAGS = $(MUSTER_LDFLAGS) -version-info 0:0:0 $(NO_UNDEFINED) \
	-Wl,--version-script=$(srcdir)/core/libmuster.map
EXTRA_libmuster_la_DEPENDENCIES = core/libmuster.map
EXTRA_DIST += core/libmuster.map

sbin_PROGRAMS += musterd
musterd_SOURCES = core/main.c
musterd_CPPFLAGS = $(CORE_CPPFLAGS)
musterd_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
musterd_LDFLAGS = $(MUSTER_LDFLAGS) $(PIE_LDFLAGS)
musterd_LDADD = libmuster.la

# The plugin ABI, as <muster/...>.
muster_includedir = $(includedir)/muster
muster_include_HEADERS = \
	core/api/muster/base.h core/api/muster/child.h core/api/muster/command.h core/api/muster/counter.h \
	core/api/muster/event.h core/api/muster/http.h core/api/muster/kind.h core/api/muster/loop.h \
	core/api/muster/muster.h core/api/muster/option.h core/api/muster/plugin.h core/api/muster/store.h \
	core/api/muster/value.h
