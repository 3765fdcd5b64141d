/* muster/base.h: the words every other header uses: time, errors, logging, small readers.
 *
 * Errors, everywhere in this ABI: a negative errno is trouble and is passed up, 0 is done, and a
 * positive number is a case that the function's own comment documents.
 *
 * How it grows, after the freeze: tables by their strides (plugin.h); a struct that you fill and hand in, and a
 * table of functions, by the `size` that its macro writes (MU_REQUEST, MU_WS_OPS …): begin each with that macro,
 * or it is zero and refused by an assert; a struct that you are handed by pointer, at its end. What lies in an
 * array, in your own memory or in your own struct keeps its layout for ever: mu_error, mu_file, mu_strings,
 * mu_ident, mu_type, mu_source, mu_value, mu_condition, mu_msg, mu_timer, mu_work, mu_store_op; some have room
 * left, which stays zero. */
#ifndef MUSTER_BASE_H
#define MUSTER_BASE_H

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MU_EXPORT __attribute__((visibility("default")))
#define MU_PRINTF(at, first) __attribute__((__format__(__printf__, at, first)))
#define MU_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
/* The struct that embeds a message, timer, work item or store operation. */
#define MU_CONTAINER(p, T, member) ((T *)(void *)((char *)(p)-offsetof(T, member)))

/* One configured plugin. Opaque; every callback gets its own as `self`. */
struct mu_instance;

/* ---- time ------------------------------------------------------------------------------- */

/* Nanoseconds: since the epoch when it is a stamp, else a span. */
typedef int64_t mu_time;

#define MU_NS  ((mu_time)1)
#define MU_US  (1000 * MU_NS)
#define MU_MS  (1000 * MU_US)
#define MU_SEC (1000 * MU_MS)
#define MU_MIN (60 * MU_SEC)
#define MU_HOUR (60 * MU_MIN)
#define MU_DAY (24 * MU_HOUR)

/* Seconds, as JSON and people have them. */
static inline double mu_seconds(mu_time t) { return (double)t / 1e9; }

/* Wall clock, for stamps. May step. Any thread. */
mu_time mu_time_real(void);
/* Monotonic clock, for deadlines and ages; its zero means nothing. Any thread. */
mu_time mu_time_mono(void);

/* ---- errors a person reads -------------------------------------------------------------- */

/* What happened, where, and what to do about it. Each is a plain sentence or "", UTF-8, cut to its size. */
struct mu_error {
	int code;          /* negative errno, 0 while nothing is wrong */
	char what[256];    /* "unknown option \"Intervall\"" */
	char where[160];   /* "/etc/muster/musterd.conf:12", "" when it is nowhere in a file */
	char remedy[256];  /* "did you mean \"Interval\"?" */
};

/* Fill `error` (which may be NULL) and return `code`, so that a caller can
 * `return mu_error(error, -EINVAL, "…");`. `code` < 0. */
int mu_error(struct mu_error *error, int code, const char *what, ...) MU_PRINTF(3, 4);
/* Add where it was, or what to do; both keep what is there already. */
void mu_error_where(struct mu_error *error, const char *where, ...) MU_PRINTF(2, 3);
void mu_error_remedy(struct mu_error *error, const char *remedy, ...) MU_PRINTF(2, 3);

/* ---- log -------------------------------------------------------------------------------- */

enum mu_level { MU_LOG_ERROR = 3, MU_LOG_WARNING = 4, MU_LOG_NOTICE = 5, MU_LOG_INFO = 6, MU_LOG_DEBUG = 7 };

/* One line, named after the instance (NULL: the core). Never blocks for long, any thread. A line
 * that repeats is folded by the core, so that a plugin need not count. */
void mu_log(struct mu_instance *self, enum mu_level level, const char *format, ...) MU_PRINTF(3, 4);

/* ---- small readers: files of /proc and /sys --------------------------------------------- */

/* Reads a whole small file into `text` and ends it with NUL. >=0 its length; -ENOENT and so on as
 * open(2) and read(2) give them; -EFBIG when it does not fit (text holds the first size-1 bytes). */
int mu_slurp(char *text, size_t size, const char *path, ...) MU_PRINTF(3, 4);

/* A file that is read again and again: the descriptor stays open and is read at offset 0. Zeroed =
 * closed; opens itself at the first read. One thread at a time: keep it in reader state. */
struct mu_file {
	int fd_plus_one;
};
int mu_file_read(struct mu_file *file, char *text, size_t size, const char *path, ...) MU_PRINTF(4, 5);
void mu_file_close(struct mu_file *file);

/* Numbers at *p; on success *p moves behind them. Leading blanks are passed over. C locale, no
 * sign for u64. 0; -EINVAL when there is no number; -ERANGE. `p` must end in NUL. */
int mu_scan_u64(const char **p, uint64_t *out);
int mu_scan_i64(const char **p, int64_t *out);
int mu_scan_double(const char **p, double *out);
/* Moves *p behind the next line end. false at the end of the text. */
bool mu_scan_line(const char **p);
/* If *p (after blanks) begins with `word` and a non-word byte follows, moves behind it. */
bool mu_scan_word(const char **p, const char *word);

/* Does `text` match the shell pattern `glob`? '*' crosses '/'. fnmatch(3) without flags. */
bool mu_glob(const char *glob, const char *text);

#ifdef __cplusplus
}
#endif
#endif
