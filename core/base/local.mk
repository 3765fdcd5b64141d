# Tools that know nothing of monitoring. libc and jansson.
noinst_LTLIBRARIES += core/base/libbase.la
core_base_libbase_la_CPPFLAGS = $(BASE_CPPFLAGS)
core_base_libbase_la_LIBADD = $(JANSSON_LIBS)
core_base_libbase_la_SOURCES = \
	core/base/arena.c core/base/arena.h core/base/check.c core/base/check.h core/base/clock.c \
	core/base/clock.h core/base/conf_lex.c core/base/conf_lex.h core/base/conf_parse.c \
	core/base/conf_parse.h core/base/heap.c core/base/heap.h core/base/json.c core/base/json.h \
	core/base/list.h core/base/map.c core/base/map.h core/base/mem.c core/base/mem.h core/base/nearest.c \
	core/base/nearest.h core/base/plaintext.c core/base/plaintext.h core/base/slurp.c core/base/slurp.h \
	core/base/str.c core/base/str.h core/base/thread.c core/base/thread.h core/base/words.c \
	core/base/words.h core/base/words_complete.c core/base/words_split.c core/base/words_table.c \
	core/base/words_table.h core/base/words_value.c
