/* fuzz_types: any bytes as a types.db: nothing is read outside, and every type that is found keeps its
 * promises. */
#include "types.h"
#include "base/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void found(const struct mu_type *type, void *data)
{
	size_t *count = data;

	c_assert(type->count >= 1 && type->count <= 63);
	c_assert(strlen(type->name) >= 1 && strlen(type->name) <= 127);
	c_assert(!strpbrk(type->name, "-/ \t\n"));
	c_assert(types_equal(type, type));
	for (size_t i = 0; i < type->count; i++) {
		const struct mu_source *source = &type->sources[i];
		c_assert(source->name[0] && !strpbrk(source->name, ":, \t\n"));
		c_assert(types_kind_name(source->type));
		c_assert(!(source->min > source->max));
	}
	(*count)++;
}

static void bad(int line, const char *what, void *data)
{
	(void)data;
	c_assert(line > 0 && *what);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t count = 0;
	int good = types_parse((const char *)data, size, found, bad, &count);

	c_assert(good >= 0 && (size_t)good == count);
	return 0;
}
