/* tools: the small functions of <muster/base.h>, as thin doors to core/base.
 *
 * A plugin sees only the ABI and the core only its own tools, so each door is as thin as it can be. What
 * is kept here is the making of an error: its sentences end up in JSON, so they are always UTF-8. */
#include <muster/base.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/slurp.h"
#include "base/str.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- time ---- */

mu_time mu_time_real(void)
{
	return clock_real();
}

mu_time mu_time_mono(void)
{
	return clock_mono();
}

/* ---- errors ---- */

/* A sentence that was cut may end within a letter. */
static void trim_half_letter(char *text)
{
	size_t length = strlen(text), behind = 0;

	while (behind < 3 && behind < length && ((unsigned char)text[length - 1 - behind] & 0xc0) == 0x80)
		behind++;
	if (behind == length)
		return;
	unsigned char lead = (unsigned char)text[length - 1 - behind];
	size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	if (lead >= 0x80 && behind + 1 < want)
		text[length - 1 - behind] = '\0';
}

static void make_printable(char *text)
{
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	if (text_printable(text, strlen(text)))
		return;
	for (char *p = text; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
}

MU_PRINTF(3, 0) static void sentence(char *to, size_t size, const char *format, va_list args)
{
	c_assert(to && format);
	c_assert(size > 4);
	int n = vsnprintf(to, size, format, args);
	c_assert(n >= 0);
	if ((size_t)n >= size)
		trim_half_letter(to);
	make_printable(to);
}

int mu_error(struct mu_error *error, int code, const char *what, ...)
{
	va_list args;

	c_assert(code < 0);
	c_assert(what);
	if (!error)
		return code;
	error->code = code;
	error->where[0] = error->remedy[0] = '\0'; /* those of an error before would not fit this one */
	va_start(args, what);
	sentence(error->what, sizeof(error->what), what, args);
	va_end(args);
	return code;
}

/* What is there already was said nearer to the trouble, and is kept. */
static void add_sentence(char *text, size_t size, const char *format, va_list args)
{
	c_assert(format);
	if (!text[0])
		sentence(text, size, format, args);
}

void mu_error_where(struct mu_error *error, const char *where, ...)
{
	va_list args;

	va_start(args, where);
	if (error)
		add_sentence(error->where, sizeof(error->where), where, args);
	va_end(args);
}

void mu_error_remedy(struct mu_error *error, const char *remedy, ...)
{
	va_list args;

	va_start(args, remedy);
	if (error)
		add_sentence(error->remedy, sizeof(error->remedy), remedy, args);
	va_end(args);
}

/* ---- small files ---- */

/* 0; -ENAMETOOLONG. */
MU_PRINTF(2, 0) static int make_path(char path[PATH_MAX], const char *format, va_list args)
{
	c_assert(path && format);
	int n = vsnprintf(path, PATH_MAX, format, args);
	c_assert(n >= 0);
	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int mu_slurp(char *text, size_t size, const char *path, ...)
{
	char whole[PATH_MAX];
	va_list args;

	c_assert(text && path);
	c_assert(size > 0);
	text[0] = '\0';
	va_start(args, path);
	int r = make_path(whole, path, args);
	va_end(args);
	return r < 0 ? r : slurp(text, size, whole);
}

int mu_file_read(struct mu_file *file, char *text, size_t size, const char *path, ...)
{
	char whole[PATH_MAX];
	va_list args;

	c_assert(file && file->fd_plus_one >= 0);
	c_assert(text && path);
	c_assert(size > 0);
	text[0] = '\0';
	va_start(args, path);
	int r = make_path(whole, path, args);
	va_end(args);
	if (r < 0)
		return r;
	int fd = file->fd_plus_one - 1;
	r = slurp_fd(&fd, text, size, whole);
	c_assert(fd >= -1);
	file->fd_plus_one = fd + 1;
	return r;
}

void mu_file_close(struct mu_file *file)
{
	c_assert(file && file->fd_plus_one >= 0);
	if (file->fd_plus_one > 0)
		close(file->fd_plus_one - 1);
	file->fd_plus_one = 0;
}

/* ---- text ---- */

int mu_scan_u64(const char **p, uint64_t *out)
{
	return scan_u64(p, out);
}

int mu_scan_i64(const char **p, int64_t *out)
{
	return scan_i64(p, out);
}

int mu_scan_double(const char **p, double *out)
{
	return scan_double(p, out);
}

bool mu_scan_line(const char **p)
{
	return scan_line(p);
}

bool mu_scan_word(const char **p, const char *word)
{
	return scan_word(p, word);
}

bool mu_glob(const char *glob, const char *text)
{
	c_assert(glob && text);
	return fnmatch(glob, text, 0) == 0;
}
