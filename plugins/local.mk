# A plugin brings its local.mk: its .so, its papers (sample configuration and manual) and its unit tests, which link the
# plugin's own files, the core for what they call, or fakes in its place.
include plugins/cpu/local.mk
include plugins/load/local.mk
include plugins/memory/local.mk
