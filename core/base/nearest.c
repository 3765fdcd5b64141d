/* nearest: which word did they mean?
 *
 * The distance of Damerau and Levenshtein (insert, delete, change, swap two neighbours), in quarters of
 * an edit, so that another case can cost one quarter. Words over 63 bytes are nobody's slip of the hand
 * and are passed over. */
#include "base/nearest.h"
#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { EDIT = 4, CASE = 1, LONGEST = 63 };

void nearest_init(struct nearest *nearest, const char *word)
{
	c_assert(nearest && word);
	*nearest = (struct nearest){ .word = word, .least = SIZE_MAX };
}

static char lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
}

static size_t change_cost(char a, char b)
{
	return a == b ? 0 : lower(a) == lower(b) ? CASE : EDIT;
}

static bool swapped(const char *a, const char *b)
{
	return lower(a[0]) == lower(b[1]) && lower(a[1]) == lower(b[0]);
}

static size_t least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][LONGEST + 1]; /* this one, the one before, and the one before that */

	c_assert(a_length <= LONGEST && b_length <= LONGEST);
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = j * EDIT;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *now = rows[i % 3], *up = rows[(i + 2) % 3], *upper = rows[(i + 1) % 3];
		now[0] = i * EDIT;
		for (size_t j = 1; j <= b_length; j++) {
			size_t cost = up[j - 1] + change_cost(a[i - 1], b[j - 1]);
			cost = least_of(cost, least_of(up[j], now[j - 1]) + EDIT);
			if (i > 1 && j > 1 && swapped(a + i - 2, b + j - 2))
				cost = least_of(cost, upper[j - 2] + EDIT);
			now[j] = cost;
		}
	}
	return rows[a_length % 3][b_length];
}

void nearest_try(struct nearest *nearest, const char *candidate)
{
	c_assert(nearest && nearest->word);
	if (!candidate)
		return;
	size_t length = strlen(candidate), word_length = strlen(nearest->word);
	if (length > LONGEST || word_length > LONGEST)
		return;
	size_t cost = distance(nearest->word, word_length, candidate, length);
	if (cost * 3 <= length * EDIT && cost < nearest->least) {
		nearest->least = cost;
		nearest->best = candidate;
	}
}

const char *nearest_best(const struct nearest *nearest)
{
	c_assert(nearest);
	return nearest->best;
}
