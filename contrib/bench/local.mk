# Measurements: `make bench`. Never part of check: a shared machine gives no verdicts.
MEASURES = contrib/bench/bus_bench contrib/bench/loop_bench
EXTRA_PROGRAMS += $(MEASURES)
CLEANFILES += $(MEASURES)
EXTRA_DIST += contrib/bench/run contrib/bench/idle.py
contrib_bench_bus_bench_SOURCES = contrib/bench/bus_bench.c
contrib_bench_loop_bench_SOURCES = contrib/bench/loop_bench.c

.PHONY: bench
bench: all $(MEASURES)
	$(srcdir)/contrib/bench/run '$(builddir)'
