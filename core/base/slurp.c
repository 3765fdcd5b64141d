/* slurp: small files at one go, and numbers out of their text.
 *
 * Files of /proc and /sys may give less than asked before their end, so only an empty read is the end.
 * Numbers are read by hand: the common case of /proc (digits, perhaps a point and some more) is exact in
 * a double and needs no strtod(3), and no locale can change what a point is. */
#include "base/slurp.h"
#include "base/check.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Fills `text` from `fd` at 0: the length; -EFBIG when there are `size` bytes or more. */
static int read_whole(int fd, char *text, size_t size, bool from_start)
{
	size_t length = 0;

	c_assert(fd >= 0);
	c_assert(size > 0 && size <= INT_MAX);
	while (length < size) {
		ssize_t n = from_start ? pread(fd, text + length, size - length, (off_t)length)
				       : read(fd, text + length, size - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int code = -errno;
			text[length] = '\0';
			return code;
		}
		if (n == 0) {
			text[length] = '\0';
			return (int)length;
		}
		length += (size_t)n;
	}
	text[size - 1] = '\0';
	return -EFBIG;
}

static int open_read(const char *path, int flags)
{
	int fd;

	c_assert(path);
	do
		fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

int slurp(char *text, size_t size, const char *path)
{
	c_assert(text && size > 0);
	text[0] = '\0';
	int fd = open_read(path, 0);
	if (fd < 0)
		return fd;
	int r = read_whole(fd, text, size, false);
	close(fd);
	return r;
}

int slurp_fd(int *fd, char *text, size_t size, const char *path)
{
	c_assert(fd);
	c_assert(text && size > 0);
	text[0] = '\0';
	if (*fd < 0) {
		int opened = open_read(path, 0);
		if (opened < 0)
			return opened;
		*fd = opened;
	}
	int r = read_whole(*fd, text, size, true);
	/* what the descriptor stood for is gone; the path may soon name its successor */
	if (r == -ENODEV || r == -ESTALE || r == -ENOENT || r == -ESRCH) {
		close(*fd);
		*fd = -1;
	}
	return r;
}

/* Everything that `fd` gives, in a block that grows from `size`; -EFBIG beyond `max`. The block is the caller's
 * in any case. */
static int read_growing(int fd, size_t size, size_t max, char **block)
{
	size_t length = 0;

	c_assert(size >= 2);
	*block = mem_grow(NULL, size, 1);
	for (;;) {
		if (length == size - 1) {
			/* one byte more than allowed, to see that there is one */
			size = size * 2 > max + 2 ? max + 2 : size * 2;
			*block = mem_grow(*block, size, 1);
		}
		c_assert(length < size - 1);
		ssize_t n = read(fd, *block + length, size - 1 - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		length += (size_t)n;
		if (length > max)
			return -EFBIG;
		if (n == 0) {
			(*block)[length] = '\0';
			return (int)length;
		}
	}
}

int slurp_all(const char *path, size_t max, char **text)
{
	struct stat st;
	size_t size = 4096;

	c_assert(text);
	c_assert(max < INT_MAX / 2);
	*text = NULL;
	/* a pipe would be waited for, perhaps for ever, and says another thing each time */
	int fd = open_read(path, O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fd;
	int known = fstat(fd, &st);
	if (known == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))) {
		close(fd);
		return -ENOTSUP;
	}
	/* room for one byte more, so that the read that finds the end needs no growing */
	if (known == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		size = (uintmax_t)st.st_size > max ? max + 2 : (size_t)st.st_size + 2;
	if (size > max + 2)
		size = max + 2;
	int r = read_growing(fd, size, max, text);
	close(fd);
	if (r < 0) {
		free(*text);
		*text = NULL;
	}
	return r;
}

/* ---- numbers ---- */

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

/* The digits at *p. 0; -EINVAL; -ERANGE, and then *p is behind them as well. */
static int scan_digits(const char **p, uint64_t *out)
{
	const char *at = *p;
	uint64_t value = 0;
	bool over = false;

	if (!is_digit(*at))
		return -EINVAL;
	for (; is_digit(*at); at++)
		if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
			over = true;
	*p = at;
	*out = value;
	return over ? -ERANGE : 0;
}

int scan_u64(const char **p, uint64_t *out)
{
	c_assert(p && *p && out);
	const char *at = skip_blanks(*p);
	uint64_t value;
	int r = scan_digits(&at, &value);
	if (r < 0)
		return r;
	*p = at;
	*out = value;
	return 0;
}

int scan_i64(const char **p, int64_t *out)
{
	c_assert(p && *p && out);
	const char *at = skip_blanks(*p);
	bool minus = *at == '-';
	if (minus || *at == '+')
		at++;
	uint64_t value;
	int r = scan_digits(&at, &value);
	if (r < 0)
		return r;
	if (value > (uint64_t)INT64_MAX + minus)
		return -ERANGE;
	*p = at;
	*out = minus ? (int64_t)(0 - value) : (int64_t)value;
	return 0;
}

static locale_t c_locale(void)
{
	static _Atomic(locale_t) the_locale;
	locale_t locale = atomic_load(&the_locale);

	if (locale)
		return locale;
	locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	c_assert(locale);
	locale_t none = (locale_t)0;
	if (atomic_compare_exchange_strong(&the_locale, &none, locale))
		return locale;
	freelocale(locale);
	return none;
}

static int scan_double_slow(const char **p, const char *at, double *out)
{
	char *end;

	/* strtod would pass over line ends on its own */
	if (!is_digit(*at) && !strchr("+-.iInN", *at))
		return -EINVAL;
	errno = 0;
	double value = strtod_l(at, &end, c_locale());
	if (end == at)
		return -EINVAL;
	if (errno == ERANGE && isinf(value))
		return -ERANGE;
	*p = end;
	*out = value;
	return 0;
}

int scan_double(const char **p, double *out)
{
	static const double powers[] = { 1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
					 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
	c_assert(p && *p && out);
	const char *start = skip_blanks(*p), *at = start;
	bool minus = *at == '-';
	if (minus || *at == '+')
		at++;
	uint64_t digits = 0;
	size_t count = 0, behind = 0;

	for (; is_digit(*at) && count <= 15; at++, count++)
		digits = digits * 10 + (uint64_t)(*at - '0');
	if (*at == '.') {
		const char *point = at++;
		for (; is_digit(*at) && count <= 15; at++, count++)
			digits = digits * 10 + (uint64_t)(*at - '0');
		behind = (size_t)(at - point) - 1;
	}
	/* up to 15 digits and a power of ten up to 15 are exact, and one division rounds once */
	if (count == 0 || count > 15 || is_digit(*at) || strchr("eExXpP", *at ? *at : '0'))
		return scan_double_slow(p, start, out);
	double value = (double)digits / powers[behind];
	*p = at;
	*out = minus ? -value : value;
	return 0;
}

bool scan_line(const char **p)
{
	c_assert(p && *p);
	*p = strchrnul(*p, '\n');
	if (**p == '\n')
		(*p)++;
	return **p != '\0';
}

static bool is_word_byte(char byte)
{
	return is_digit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

bool scan_word(const char **p, const char *word)
{
	c_assert(p && *p);
	c_assert(word && *word);
	const char *at = skip_blanks(*p);
	size_t length = strlen(word);
	if (strncmp(at, word, length) != 0 || is_word_byte(at[length]))
		return false;
	*p = at + length;
	return true;
}
