/* file: the update is tried first, for nearly always the file is there; only when librrd says that it is
 * not are folders and file made. RRD_SKIP_PAST_UPDATES makes a call idempotent: what the file has already
 * is passed over instead of ending the call, so a call that failed half-way can be made again as it was. */
#include "file.h"

#include "path.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <rrd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define AHEAD_GRACE 2 /* s: clocks of two hosts, and the second that begins while we look */
#define LOCK_TRIES  5
#define LOCK_WAIT   (5 * MU_MS)

void file_init(void)
{
	(void)rrd_get_context(); /* the per-thread contexts' key */
}

static void fail(struct file_result *result, enum cause cause, const char *words)
{
	assert(cause != CAUSE_NONE);
	result->cause = cause;
	snprintf(result->words, sizeof(result->words), "%s", *words ? words : cause_words(cause));
}

static void fail_errno(struct file_result *result, int code)
{
	fail(result, cause_of_errno(code), strerrordesc_np(code) ? strerrordesc_np(code) : "");
}

/* ---- values as words ---- */

struct words {
	char *text;
	const char **argv;
	int argc;
};

static void words_fini(struct words *words)
{
	free(words->text);
	free(words->argv);
}

static int words_make(struct words *words, const struct file_task *task)
{
	const struct rows *rows = task->rows;
	size_t each = ROWS_TEXT(rows->sources), used = 0, size = rows->count * each;

	words->text = malloc(size);
	words->argv = calloc(rows->count, sizeof(*words->argv));
	words->argc = (int)rows->count;
	if (!words->text || !words->argv)
		return -ENOMEM;
	for (uint32_t i = 0; i < rows->count; i++) {
		words->argv[i] = words->text + used;
		used += rows_text(words->text + used, size - used, rows, i, task->type) + 1;
		assert(used <= size);
	}
	return 0;
}

/* ---- update ---- */

/* 0; 1 = there is no file; -1 = told in `result`. */
static int try_update(const char *path, const struct words *words, struct file_result *result)
{
	for (int tries = 1;; tries++) {
		rrd_clear_error();
		if (rrd_updatex_r(path, NULL, RRD_SKIP_PAST_UPDATES, words->argc, words->argv) == 0)
			return 0;
		const char *said = rrd_get_error();
		if (cause_is_missing(said))
			return 1;
		enum cause cause = cause_of_text(said);
		/* A grapher reads the file: that is over in a moment. */
		if (cause == CAUSE_LOCKED && tries < LOCK_TRIES) {
			struct timespec pause = { .tv_nsec = LOCK_WAIT };
			nanosleep(&pause, NULL);
			continue;
		}
		fail(result, cause, said);
		return -1;
	}
}

/* How many rows the file can take, its last update being `last`. */
static uint32_t count_newer(const struct rows *rows, int64_t last)
{
	uint32_t past = 0;

	while (past < rows->count && rows_second(rows, past) <= last)
		past++;
	return rows->count - past;
}

/* What has been written to this file before our time? 0; 1 = there is no file; -1 = told in `result`. */
static int look(const char *path, const struct file_task *task, struct file_result *result, int64_t *last)
{
	struct stat st;

	*last = 0;
	if (stat(path, &st) < 0) {
		if (errno == ENOENT)
			return 1;
		fail_errno(result, errno);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		fail(result, CAUSE_FOREIGN, "not a regular file");
		return -1;
	}
	rrd_clear_error();
	*last = rrd_last_r(path);
	if (*last > task->now + AHEAD_GRACE && *last >= rows_last(task->rows)) {
		char words[128];
		snprintf(words, sizeof(words), "last update %" PRId64 ", now is %" PRId64, *last, task->now);
		fail(result, CAUSE_AHEAD, words);
		return -1;
	}
	return 0; /* also when it cannot be read: the update says why */
}

/* ---- create ---- */

/* The folders of `path` below data_dir, and data_dir itself. */
static int make_folders(const char *path)
{
	char part[PATH_MAX];

	assert(path && strlen(path) < sizeof(part));
	for (const char *end = strchr(path + 1, '/'); end; end = strchr(end + 1, '/')) {
		memcpy(part, path, (size_t)(end - path));
		part[end - path] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* librrd makes a file under another name and says little when that fails: we look for ourselves. */
static enum cause why_not_created(const char *path, const struct layout *layout, const struct mu_type *type)
{
	char folder[PATH_MAX];
	struct statvfs fs;
	uint64_t size = 4096;

	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
	if (access(folder, W_OK | X_OK) < 0)
		return cause_of_errno(errno);
	for (size_t i = 0; i < layout->rra_count; i++)
		size += layout->rras[i].rows * sizeof(double) * type->count;
	if (statvfs(folder, &fs) == 0 &&
	    ((uint64_t)fs.f_bavail * fs.f_frsize < size || (fs.f_files && !fs.f_favail)))
		return CAUSE_FULL;
	return CAUSE_OTHER;
}

static int definitions(const struct file_task *task, const struct layout *layout, char (*texts)[LAYOUT_TEXT],
		       const char **argv)
{
	size_t n = 0;

	for (size_t i = 0; i < task->type->count; i++, n++)
		if (layout_source_text(texts[n], layout, &task->type->sources[i]) < 0)
			return -ENAMETOOLONG;
	for (size_t i = 0; i < layout->rra_count; i++, n++)
		layout_rra_text(texts[n], task->layout, &layout->rras[i]);
	for (size_t i = 0; i < n; i++)
		argv[i] = texts[i];
	return (int)n;
}

/* 0, also when someone else has made it meanwhile; -1 = told in `result`. */
static int create(const char *path, const struct file_task *task, struct file_result *result)
{
	struct layout layout;
	int status = -1;

	int r = make_folders(path);
	if (r < 0) {
		fail_errno(result, -r);
		return -1;
	}
	layout_make(task->layout, task->interval, &layout);
	size_t count = task->type->count + layout.rra_count;
	char(*texts)[LAYOUT_TEXT] = calloc(count, sizeof(*texts));
	const char **argv = calloc(count, sizeof(*argv));
	int argc = texts && argv ? definitions(task, &layout, texts, argv) : -ENOMEM;
	if (argc < 0) {
		fail(result, CAUSE_OTHER,
		     argc == -ENOMEM ? "out of memory" : "data source name of over 19 bytes");
		goto out;
	}
	rrd_clear_error();
	time_t start = (time_t)(rows_first(task->rows) - 1);
	if (rrd_create_r2(path, layout.step, start, 1, NULL, NULL, argc, argv) == 0) {
		result->created = true;
		status = 0;
		goto out;
	}
	if (access(path, F_OK) == 0) {
		status = 0;
		goto out;
	}
	enum cause cause = cause_of_text(rrd_get_error());
	fail(result, cause == CAUSE_OTHER ? why_not_created(path, &layout, task->type) : cause,
	     rrd_get_error());
out:
	free(texts);
	free(argv);
	return status;
}

void file_write(const struct file_task *task, struct file_result *result)
{
	struct words words = { .argc = 0 };
	char path[PATH_MAX];
	int64_t last = 0;
	int found = 0;

	assert(task && result);
	assert(task->rows->count > 0 && task->rows->sources == task->type->count);
	memset(result, 0, sizeof(*result));
	int r = path_of_name(path, sizeof(path), task->data_dir, task->name);
	if (r < 0) {
		fail(result, CAUSE_NAME,
		     r == -ENAMETOOLONG ? "too long" : "a part is empty or begins with a dot");
		return;
	}
	if (task->first)
		found = look(path, task, result, &last);
	if (found < 0)
		return;
	if (words_make(&words, task) < 0)
		fail(result, CAUSE_OTHER, "out of memory");
	else if (found == 0)
		found = try_update(path, &words, result);
	if (result->cause == CAUSE_NONE && found == 1 && create(path, task, result) == 0 &&
	    try_update(path, &words, result) == 1)
		fail(result, CAUSE_OTHER, "the file is gone as soon as it is made");
	words_fini(&words);
	if (result->cause != CAUSE_NONE)
		return;
	result->written = count_newer(task->rows, last);
	result->past = task->rows->count - result->written;
}
