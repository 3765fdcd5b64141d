/* nearest: which word did they mean? */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

/* Feed candidates; the one with the least edits (case counts little) within a third of its length. */
struct nearest {
	const char *word, *best;
	size_t least;
};
void nearest_init(struct nearest *nearest, const char *word);
void nearest_try(struct nearest *nearest, const char *candidate); /* kept by pointer; NULL passed over */
const char *nearest_best(const struct nearest *nearest);          /* NULL when nothing is near */

#endif
