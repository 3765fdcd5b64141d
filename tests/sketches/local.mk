# The public headers, as the five large plugins would use them: they must compile, nothing runs them.
# Each file defines muster_plugin, which an archive does not mind.
check_LIBRARIES += tests/sketches/libsketches.a
tests_sketches_libsketches_a_SOURCES = \
	tests/sketches/process_supervisor.c \
	tests/sketches/farm_dispatcher.c \
	tests/sketches/instance_crawler.c \
	tests/sketches/scm_backup.c \
	tests/sketches/realtime_push.c
tests_sketches_libsketches_a_CPPFLAGS = $(PLUGIN_CPPFLAGS)
