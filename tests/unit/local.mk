# Unit tests: a program for each test_*.c, with the whole core linked in statically so that a test may call what
# libmuster.so does not export. Those that put fakes in a neighbour's place say which objects they want instead.
UNIT_TESTS = \
	tests/unit/test_arena tests/unit/test_clock tests/unit/test_conf_lex tests/unit/test_conf_parse \
	tests/unit/test_heap tests/unit/test_json tests/unit/test_map tests/unit/test_nearest \
	tests/unit/test_plaintext tests/unit/test_slurp tests/unit/test_store tests/unit/test_str \
	tests/unit/test_words
if HAVE_CMOCKA
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif
LDADD += $(CMOCKA_LIBS)
