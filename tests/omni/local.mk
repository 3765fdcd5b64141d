# omni uses all of the plugin ABI, peer is its neighbour. Only tests/integration loads them, so they are built by make check
# and never installed. -rpath is what makes libtool build a shared object of something that is not.
check_LTLIBRARIES += tests/omni/omni.la tests/omni/peer.la

tests_omni_omni_la_CPPFLAGS = $(PLUGIN_CPPFLAGS) -iquote $(srcdir)/tests/omni
tests_omni_omni_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_omni_omni_la_LDFLAGS = $(PLUGIN_LINK) -rpath $(plugindir)
tests_omni_omni_la_LIBADD = libmuster.la $(JANSSON_LIBS)
tests_omni_omni_la_SOURCES = \
	tests/omni/omni.c tests/omni/omni.h tests/omni/omni_calls.c tests/omni/omni_grain.c tests/omni/omni_http.c \
	tests/omni/omni_options.c tests/omni/omni_store.c tests/omni/omni_talk.c tests/omni/omni_things.c \
	tests/omni/omni_values.c tests/omni/omni_work.c

tests_omni_peer_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_omni_peer_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_omni_peer_la_LDFLAGS = $(PLUGIN_LINK) -rpath $(plugindir)
tests_omni_peer_la_LIBADD = libmuster.la $(JANSSON_LIBS)
tests_omni_peer_la_SOURCES = tests/omni/peer.c

# door is a web server without a network, so that routes can be walked.
check_LTLIBRARIES += tests/omni/door.la
tests_omni_door_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_omni_door_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_omni_door_la_LDFLAGS = $(PLUGIN_LINK) -rpath $(plugindir)
tests_omni_door_la_LIBADD = libmuster.la $(JANSSON_LIBS)
tests_omni_door_la_SOURCES = tests/omni/door.c

# hang is a library that does not come up; it calls nothing of the core, so unit tests load it as well.
check_LTLIBRARIES += tests/omni/hang.la
tests_omni_hang_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_omni_hang_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_omni_hang_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
tests_omni_hang_la_SOURCES = tests/omni/hang.c
