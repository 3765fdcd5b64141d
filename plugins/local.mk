# A plugin brings its local.mk: its .so, its papers (sample configuration and manual) and its unit tests, which link the
# plugin's own files, the core for what they call, or fakes in its place.
PLUGIN_PAPERS =
PLUGIN_TESTS =

include plugins/cpu/local.mk
include plugins/load/local.mk
include plugins/memory/local.mk

plugindocdir = $(docdir)/plugins
dist_plugindoc_DATA = $(PLUGIN_PAPERS)
if HAVE_CMOCKA
check_PROGRAMS += $(PLUGIN_TESTS)
TESTS += $(PLUGIN_TESTS)
endif
