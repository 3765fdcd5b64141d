/* log: lines for people: to stderr or a file, from any thread, repeats folded.
 *
 * "2026-11-26T12:04:31.004Z warning cpu: words". A line equal to the one before from the same source is counted
 * and told as "… (12 more times)" when another comes, or at the next line of that source after 60 s.
 *
 * log.c has levels, words and repeats; log_out.c the file and the thread that writes it; log_ring.c what waits. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <muster/base.h>

void log_init(void); /* stderr, NOTICE */
/* NULL = stderr. -errno when the file cannot be opened: the old one stays. */
int log_open(const char *path);
/* From here on a thread writes, and whoever has something to say never waits for a disk or a reader: of what they
 * cannot take the newest is lost, counted and told. After the last fork. Without threads it goes on in place. */
void log_start(void);
/* Repeats are told, and what waits is written, at most `wait_ns`; later lines are written in place again. Returns 1
 * when the thread hangs in a write: then nothing more can be said. */
int log_stop(int64_t wait_ns);
struct log_stats {
	uint64_t lines, lost;
	size_t waiting;
};
void log_stats(struct log_stats *stats); /* any thread */
void log_reopen(void); /* after rotation by others; on SIGHUP */
void log_level(enum mu_level level);
int log_level_parse(const char *word, enum mu_level *out); /* "err" "warning" "notice" "info" "debug" */
void log_line(enum mu_level level, const char *source, const char *format, ...) MU_PRINTF(3, 4);
void log_vline(enum mu_level level, const char *source, const char *format, va_list args);
/* An error as a person should see it: where: what; remedy. */
void log_error(enum mu_level level, const char *source, const struct mu_error *error);
void error_print(char *text, size_t size, const struct mu_error *error);
void log_fini(void);

#endif
