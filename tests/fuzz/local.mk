# Fuzz targets, a program each, linked like a unit test. Without --enable-fuzz main() comes from main.c, which replays the
# corpora in `make check`; with it libFuzzer brings its own, and `make fuzzers` builds them.
FUZZERS = \
	tests/fuzz/fuzz_conf tests/fuzz/fuzz_ctl tests/fuzz/fuzz_elf tests/fuzz/fuzz_json \
	tests/fuzz/fuzz_plaintext tests/fuzz/fuzz_proc tests/fuzz/fuzz_query tests/fuzz/fuzz_route \
	tests/fuzz/fuzz_schema tests/fuzz/fuzz_types tests/fuzz/fuzz_words
check_PROGRAMS += $(FUZZERS)
EXTRA_DIST += tests/fuzz/corpus

if !FUZZ
TESTS += $(FUZZERS)
check_LIBRARIES += tests/fuzz/libreplay.a
tests_fuzz_libreplay_a_SOURCES = tests/fuzz/main.c
LDADD += tests/fuzz/libreplay.a
endif

fuzzers: $(FUZZERS)
.PHONY: fuzzers

tests_fuzz_fuzz_proc_SOURCES = tests/fuzz/fuzz_proc.c plugins/cpu/cpu_stat.c plugins/load/load_avg.c \
	plugins/memory/memory_info.c
