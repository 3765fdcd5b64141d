# Unit tests: a program for each test_*.c, with the whole core linked in statically so that a test may call what
# libmuster.so does not export. Those that put fakes in a neighbour's place say which objects they want instead.
UNIT_TESTS = \
	tests/unit/test_arena tests/unit/test_audit tests/unit/test_batch tests/unit/test_bus \
	tests/unit/test_bus_room tests/unit/test_bus_sub tests/unit/test_call tests/unit/test_call_end \
	tests/unit/test_call_key tests/unit/test_call_list tests/unit/test_clock tests/unit/test_command \
	tests/unit/test_conf tests/unit/test_conf_lex tests/unit/test_conf_parse tests/unit/test_conf_schema \
	tests/unit/test_ctl tests/unit/test_daemon_load tests/unit/test_describe tests/unit/test_event \
	tests/unit/test_heap tests/unit/test_instance tests/unit/test_job tests/unit/test_json \
	tests/unit/test_kind tests/unit/test_loader tests/unit/test_log tests/unit/test_log_out \
	tests/unit/test_log_ring tests/unit/test_loop tests/unit/test_map tests/unit/test_nearest \
	tests/unit/test_object tests/unit/test_object_list tests/unit/test_plaintext tests/unit/test_pool \
	tests/unit/test_print tests/unit/test_route tests/unit/test_sched tests/unit/test_series \
	tests/unit/test_series_rate tests/unit/test_slurp tests/unit/test_store tests/unit/test_store_copy \
	tests/unit/test_store_sql tests/unit/test_store_trouble tests/unit/test_str tests/unit/test_stream \
	tests/unit/test_tools tests/unit/test_types tests/unit/test_words
if HAVE_CMOCKA
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif
LDADD += $(CMOCKA_LIBS)

include tests/unit/loader_plugins.mk

# fake_core is a daemon that only remembers what it was told; core_up is the real one, without files and sockets.
# ---- tests with a neighbour
tests_unit_test_audit_SOURCES = tests/unit/test_audit.c tests/unit/ask.c tests/unit/ask.h tests/unit/core_up.c tests/unit/core_up.h
tests_unit_test_batch_SOURCES = tests/unit/test_batch.c tests/unit/fake_core.c tests/unit/fake_core.h
tests_unit_test_bus_SOURCES = tests/unit/test_bus.c tests/unit/bus_up.c tests/unit/bus_up.h tests/unit/fake_core.c \
	tests/unit/fake_core.h
tests_unit_test_bus_room_SOURCES = tests/unit/test_bus_room.c tests/unit/bus_up.c tests/unit/bus_up.h tests/unit/fake_core.c \
	tests/unit/fake_core.h
tests_unit_test_bus_sub_SOURCES = tests/unit/test_bus_sub.c tests/unit/bus_up.c tests/unit/bus_up.h tests/unit/fake_core.c \
	tests/unit/fake_core.h
tests_unit_test_call_SOURCES = tests/unit/test_call.c tests/unit/ask.c tests/unit/ask.h tests/unit/call_up.c tests/unit/call_up.h \
	tests/unit/core_up.c tests/unit/core_up.h
tests_unit_test_call_end_SOURCES = tests/unit/test_call_end.c tests/unit/ask.c tests/unit/ask.h tests/unit/call_up.c \
	tests/unit/call_up.h tests/unit/core_up.c tests/unit/core_up.h
tests_unit_test_call_key_SOURCES = tests/unit/test_call_key.c tests/unit/ask.c tests/unit/ask.h tests/unit/call_up.c \
	tests/unit/call_up.h tests/unit/core_up.c tests/unit/core_up.h
tests_unit_test_call_list_SOURCES = tests/unit/test_call_list.c tests/unit/ask.c tests/unit/ask.h tests/unit/call_up.c \
	tests/unit/call_up.h tests/unit/core_up.c tests/unit/core_up.h
tests_unit_test_ctl_SOURCES = tests/unit/test_ctl.c tests/unit/core_up.c tests/unit/core_up.h
tests_unit_test_daemon_load_SOURCES = tests/unit/test_daemon_load.c tests/unit/core_up.c tests/unit/core_up.h
tests_unit_test_event_SOURCES = tests/unit/test_event.c tests/unit/core_up.c tests/unit/core_up.h
tests_unit_test_instance_SOURCES = tests/unit/test_instance.c tests/unit/core_up.c tests/unit/core_up.h
tests_unit_test_job_SOURCES = tests/unit/test_job.c tests/unit/ask.c tests/unit/ask.h tests/unit/core_up.c tests/unit/core_up.h
tests_unit_test_kind_SOURCES = tests/unit/test_kind.c tests/unit/ask.c tests/unit/ask.h tests/unit/core_up.c tests/unit/core_up.h
tests_unit_test_object_SOURCES = tests/unit/test_object.c tests/unit/ask.c tests/unit/ask.h tests/unit/core_up.c tests/unit/core_up.h
tests_unit_test_object_list_SOURCES = tests/unit/test_object_list.c tests/unit/ask.c tests/unit/ask.h tests/unit/core_up.c \
	tests/unit/core_up.h
tests_unit_test_pool_SOURCES = tests/unit/test_pool.c tests/unit/fake_core.c tests/unit/fake_core.h
tests_unit_test_route_SOURCES = tests/unit/test_route.c tests/unit/ask.c tests/unit/ask.h tests/unit/core_up.c tests/unit/core_up.h
tests_unit_test_sched_SOURCES = tests/unit/test_sched.c tests/unit/core_up.c tests/unit/core_up.h
tests_unit_test_series_SOURCES = tests/unit/test_series.c tests/unit/fake_core.c tests/unit/fake_core.h tests/unit/series_up.c \
	tests/unit/series_up.h
tests_unit_test_series_rate_SOURCES = tests/unit/test_series_rate.c tests/unit/fake_core.c tests/unit/fake_core.h tests/unit/series_up.c \
	tests/unit/series_up.h
tests_unit_test_store_SOURCES = tests/unit/test_store.c tests/unit/store_up.c tests/unit/store_up.h
tests_unit_test_store_copy_SOURCES = tests/unit/test_store_copy.c tests/unit/store_up.c tests/unit/store_up.h
tests_unit_test_store_sql_SOURCES = tests/unit/test_store_sql.c tests/unit/store_up.c tests/unit/store_up.h
tests_unit_test_store_trouble_SOURCES = tests/unit/test_store_trouble.c tests/unit/store_up.c tests/unit/store_up.h
tests_unit_test_stream_SOURCES = tests/unit/test_stream.c tests/unit/ask.c tests/unit/ask.h tests/unit/core_up.c tests/unit/core_up.h \
	tests/unit/fake_core.c tests/unit/fake_core.h
# ---- end

# The test is the disk.
tests_unit_test_log_out_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=write

# musterctl is a program of its own: what it prints with is linked in.
tests_unit_test_print_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(srcdir)/musterctl
tests_unit_test_print_SOURCES = tests/unit/test_print.c musterctl/print.c musterctl/print.h musterctl/tables.c \
	musterctl/tables.h musterctl/value.c musterctl/value.h

# Where libtool puts the plugin that hangs.
tests_unit_test_daemon_load_CPPFLAGS = $(AM_CPPFLAGS) -DHANG_PLUGINS='"$(abs_builddir)/tests/omni/.libs"'
EXTRA_tests_unit_test_daemon_load_DEPENDENCIES = tests/omni/hang.la
