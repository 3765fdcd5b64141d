/* log: lines for people, from any thread.
 *
 * A line that repeats is counted beside its source and told once, so that no plugin needs to count. A
 * reader that is slow costs lines, never time: before a pipe, a socket or a terminal is written to it is
 * asked whether it has room for a line, and what had to go is counted and told when there is room again.
 * The flags of stderr are shared with whoever started the daemon, so they are left alone.
 *
 * One lock, "log", the innermost of all: nothing else is locked while it is held. */
#include "log.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "instance.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	SOURCES = 64, /* whose last line is remembered */
	SOURCE_MAX = 128,
	WORDS_MAX = 2048,
	LINE_MAX_LOG = 4000, /* below PIPE_BUF: a pipe that polls as writable takes it whole */
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

static struct {
	pthread_mutex_t lock;
	int fd;
	char *path; /* NULL = stderr */
	bool regular, colour;
	uint64_t dropped, uses;
	struct log_source *sources; /* SOURCES of them */
} the_log = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO };

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

/* ---- writing; under the lock ---- */

/* Takes what there is room for now. false: the line is lost. */
static bool write_line(const char *line, size_t length)
{
	c_assert(length <= LINE_MAX_LOG);
	if (!the_log.regular) {
		struct pollfd ask = { .fd = the_log.fd, .events = POLLOUT };
		int r;
		do
			r = poll(&ask, 1, 0);
		while (r < 0 && errno == EINTR);
		if (r != 1 || !(ask.revents & POLLOUT) || (ask.revents & (POLLERR | POLLNVAL)))
			return false;
	}
	while (length > 0) {
		ssize_t n = write(the_log.fd, line, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		line += n;
		length -= (size_t)n;
	}
	return true;
}

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

static bool put_line(enum mu_level level, const char *source, const char *words, uint64_t more)
{
	char line[LINE_MAX_LOG], times[48] = "";
	size_t at = stamp(line, sizeof(line));
	const char *word = level_words[level - MU_LOG_ERROR];
	const char *on = the_log.colour ? level_colours[level - MU_LOG_ERROR] : "";

	c_assert(source && words);
	if (more)
		snprintf(times, sizeof(times), " (%" PRIu64 " more time%s)", more, more == 1 ? "" : "s");
	int n = snprintf(line + at, sizeof(line) - at, " %s%s%s %s: %s%s\n", on, word, *on ? "\033[0m" : "",
			 source, words, times);
	c_assert(n > 0 && (size_t)n < sizeof(line) - at); /* the parts are bounded to fit */
	return write_line(line, at + (size_t)n);
}

static void emit(enum mu_level level, const char *source, const char *words, uint64_t more)
{
	char lost[96];

	c_assert(source && words);
	if (the_log.dropped) {
		snprintf(lost, sizeof(lost),
			 "%" PRIu64 " lines of the log were lost: its reader was too slow", the_log.dropped);
		if (put_line(MU_LOG_WARNING, "log", lost, 0))
			the_log.dropped = 0;
	}
	if (!put_line(level, source, words, more))
		the_log.dropped++;
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
	pthread_mutex_lock(&the_log.lock);
	log_words(level, name, words);
	pthread_mutex_unlock(&the_log.lock);
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

/* ---- where to ---- */

static void use_fd(int fd)
{
	struct stat st;

	c_assert(fd >= 0);
	the_log.fd = fd;
	the_log.regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	the_log.colour = fd == STDERR_FILENO && isatty(fd) && !getenv("NO_COLOR");
}

static void close_file(void)
{
	if (the_log.path)
		close(the_log.fd);
	free(the_log.path);
	the_log.path = NULL;
}

void log_init(void)
{
	pthread_mutex_lock(&the_log.lock);
	close_file();
	use_fd(STDERR_FILENO);
	pthread_mutex_unlock(&the_log.lock);
	log_level(MU_LOG_NOTICE);
}

int log_open(const char *path)
{
	int fd = STDERR_FILENO;

	if (path) {
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
		if (fd < 0)
			return -errno;
	}
	char *copy = mem_strdup(path);
	pthread_mutex_lock(&the_log.lock);
	close_file();
	the_log.path = copy;
	use_fd(fd);
	pthread_mutex_unlock(&the_log.lock);
	return 0;
}

void log_reopen(void)
{
	char *path;

	pthread_mutex_lock(&the_log.lock);
	path = mem_strdup(the_log.path);
	pthread_mutex_unlock(&the_log.lock);
	if (!path)
		return;
	int r = log_open(path);
	if (r < 0)
		log_line(MU_LOG_ERROR, NULL, "the log file %s cannot be opened again: %s", path,
			 strerror(-r));
	free(path);
}

void log_fini(void)
{
	pthread_mutex_lock(&the_log.lock);
	for (size_t i = 0; the_log.sources && i < SOURCES; i++)
		tell_folded(&the_log.sources[i]);
	free(the_log.sources);
	the_log.sources = NULL;
	the_log.dropped = 0;
	close_file();
	use_fd(STDERR_FILENO);
	pthread_mutex_unlock(&the_log.lock);
}
