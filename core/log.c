/* log: lines for people, from any thread.
 *
 * A line that repeats is counted beside its source and told once, so that no plugin needs to count. Where lines
 * go is the business of log_out; its lock guards what is here as well. */
#include "log.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "instance.h"
#include "log_out.h"
#include "log_ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	SOURCES = 64, /* whose last line is remembered */
	SOURCE_MAX = 128,
	WORDS_MAX = 2048,
};
#define TELL_AFTER ((int64_t)60 * 1000000000)

struct log_source {
	char name[SOURCE_MAX];
	char words[WORDS_MAX]; /* of its last line */
	enum mu_level level;
	uint64_t folded; /* times it came again since it was told */
	int64_t told;    /* monotonic: when the line was last written */
	uint64_t used;   /* the least is the next to go */
};

/* Under the lock. */
static struct {
	uint64_t uses;
	struct log_source *sources; /* SOURCES of them */
} the_log;

static _Atomic int the_level = MU_LOG_NOTICE;

/* In the order of the levels, from MU_LOG_ERROR. */
static const char *const level_words[] = { "error", "warning", "notice", "info", "debug" };
static const char *const level_colours[] = { "\033[31m", "\033[33m", "\033[32m", "", "\033[2m" };

static bool level_valid(enum mu_level level)
{
	return level >= MU_LOG_ERROR && level <= MU_LOG_DEBUG;
}

int log_level_parse(const char *word, enum mu_level *out)
{
	c_assert(word && out);
	if (text_equal_nocase(word, "err")) {
		*out = MU_LOG_ERROR;
		return 0;
	}
	for (size_t i = 0; i < MU_ARRAY_LEN(level_words); i++)
		if (text_equal_nocase(word, level_words[i])) {
			*out = (enum mu_level)(MU_LOG_ERROR + i);
			return 0;
		}
	return -EINVAL;
}

void log_level(enum mu_level level)
{
	c_assert(level_valid(level));
	atomic_store(&the_level, (int)level);
}

/* ---- lines; under the lock ---- */

static size_t stamp(char *text, size_t size)
{
	int64_t now = clock_real();
	time_t seconds = (time_t)(now / 1000000000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	int n = snprintf(text, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
			 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(now / 1000000 % 1000));
	c_assert(n > 0 && (size_t)n < size);
	return (size_t)n;
}

/* Returns its length, with the newline. */
static size_t print_line(char *line, size_t size, enum mu_level level, const char *source, const char *words,
			 uint64_t more)
{
	char times[48] = "";
	size_t at = stamp(line, size);
	const char *word = level_words[level - MU_LOG_ERROR];
	const char *on = log_out_colour() ? level_colours[level - MU_LOG_ERROR] : "";

	c_assert(source && words);
	if (more)
		snprintf(times, sizeof(times), " (%" PRIu64 " more time%s)", more, more == 1 ? "" : "s");
	int n = snprintf(line + at, size - at, " %s%s%s %s: %s%s\n", on, word, *on ? "\033[0m" : "", source,
			 words, times);
	c_assert(n > 0 && (size_t)n < size - at); /* the parts are bounded to fit */
	return at + (size_t)n;
}

static void tell_lost(void)
{
	char line[LOG_LINE_MAX], words[96];
	uint64_t lost = log_out_lost();

	c_assert(lost > 0);
	snprintf(words, sizeof(words), "%" PRIu64 " line%s lost: the log could not be written", lost,
		 lost == 1 ? " was" : "s were");
	log_out_tell(line, print_line(line, sizeof(line), MU_LOG_WARNING, "log", words, 0));
}

static void emit(enum mu_level level, const char *source, const char *words, uint64_t more)
{
	char line[LOG_LINE_MAX];

	c_assert(source && words);
	if (log_out_lost())
		tell_lost();
	log_out_put(line, print_line(line, sizeof(line), level, source, words, more));
}

/* ---- folding; under the lock ---- */

static void tell_folded(struct log_source *source)
{
	if (source->folded)
		emit(source->level, source->name, source->words, source->folded);
	source->folded = 0;
}

/* The slot of that source; the one longest unused gives way. */
static struct log_source *find_source(const char *name)
{
	struct log_source *oldest = NULL;

	c_assert(name);
	if (!the_log.sources)
		the_log.sources = mem_array(SOURCES, sizeof(*the_log.sources));
	for (size_t i = 0; i < SOURCES; i++) {
		struct log_source *source = &the_log.sources[i];
		if (source->used && strcmp(source->name, name) == 0)
			return source;
		if (!oldest || source->used < oldest->used)
			oldest = source;
	}
	tell_folded(oldest);
	text_copy(oldest->name, sizeof(oldest->name), name);
	oldest->words[0] = '\0';
	oldest->used = 0;
	return oldest;
}

static void log_words(enum mu_level level, const char *name, const char *words)
{
	c_assert(level_valid(level));
	int64_t now = clock_mono();
	struct log_source *source = find_source(name);
	bool again = source->used && source->level == level && strcmp(source->words, words) == 0;

	source->used = ++the_log.uses;
	if (again) {
		source->folded++;
		if (now - source->told < TELL_AFTER)
			return;
		tell_folded(source);
	} else {
		tell_folded(source);
		source->level = level;
		text_copy(source->words, sizeof(source->words), words);
		emit(level, name, words, 0);
	}
	source->told = now;
}

/* One line stays one line, and a terminal is told nothing but letters. */
static void flatten(char *text)
{
	size_t length = strlen(text);

	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	while (length > 0 && text[length - 1] == ' ')
		text[--length] = '\0';
}

void log_vline(enum mu_level level, const char *source, const char *format, va_list args)
{
	char name[SOURCE_MAX], words[WORDS_MAX];

	c_assert(level_valid(level));
	c_assert(format);
	if ((int)level > atomic_load(&the_level))
		return;
	int errno_kept = errno;
	text_copy(name, sizeof(name), source ? source : "muster");
	int n = vsnprintf(words, sizeof(words), format, args);
	c_assert(n >= 0);
	if ((size_t)n >= sizeof(words))
		memcpy(words + sizeof(words) - 4, "...", 4);
	flatten(name);
	flatten(words);
	log_out_lock();
	log_words(level, name, words);
	log_out_unlock();
	errno = errno_kept;
}

void log_line(enum mu_level level, const char *source, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_vline(level, source, format, args);
	va_end(args);
}

void mu_log(struct mu_instance *self, enum mu_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_vline(level, self ? self->name : NULL, format, args);
	va_end(args);
}

void error_print(char *text, size_t size, const struct mu_error *error)
{
	c_assert(text && size > 0);
	c_assert(error);
	text_printf(text, size, "%s%s%s%s%s", error->where, error->where[0] ? ": " : "", error->what,
		    error->remedy[0] ? "; " : "", error->remedy);
}

void log_error(enum mu_level level, const char *source, const struct mu_error *error)
{
	char text[sizeof(*error) + 8];

	c_assert(error);
	error_print(text, sizeof(text), error);
	log_line(level, source, "%s", text);
}

/* ---- life ---- */

static void tell_all_folded(void)
{
	log_out_lock();
	for (size_t i = 0; the_log.sources && i < SOURCES; i++)
		tell_folded(&the_log.sources[i]);
	log_out_unlock();
}

void log_init(void)
{
	log_out_init(tell_lost);
	log_level(MU_LOG_NOTICE);
}

int log_stop(int64_t wait_ns)
{
	tell_all_folded();
	return log_out_stop(wait_ns);
}

void log_fini(void)
{
	if (log_stop(150 * MU_MS))
		return;
	log_out_lock();
	free(the_log.sources);
	the_log.sources = NULL;
	log_out_unlock();
	log_out_init(tell_lost);
}
