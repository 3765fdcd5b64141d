/* names: text → pointer, for the few times that a series has no index yet. Open addressing; the text
 * belongs to what the pointer points to. */
#ifndef RRD_NAMES_H
#define RRD_NAMES_H

#include <stddef.h>

struct names { /* zeroed = empty */
	struct names_slot *slots;
	size_t size, count; /* size: a power of two, or 0 */
};
struct names_slot {
	const char *name; /* NULL = free */
	void *value;
	size_t hash;
};
void names_fini(struct names *names);
void *names_get(const struct names *names, const char *name); /* NULL */
/* `name` is not in it, and stays valid until it is removed. 0; -ENOMEM. */
int names_put(struct names *names, const char *name, void *value);
void names_remove(struct names *names, const char *name);

#endif
