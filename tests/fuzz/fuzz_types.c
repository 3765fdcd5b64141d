/* fuzz_types: any bytes as a types.db: nothing is read outside, and every type that is found keeps its
 * promises. */
#include "types.h"
#include "base/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void found(const struct mu_type *type, void *data)
{
	size_t *count = data;

	check(type->count >= 1 && type->count <= 63);
	check(strlen(type->name) >= 1 && strlen(type->name) <= 127);
	check(!strpbrk(type->name, "-/ \t\n"));
	check(types_equal(type, type));
	for (size_t i = 0; i < type->count; i++) {
		const struct mu_source *source = &type->sources[i];
		check(source->name[0] && !strpbrk(source->name, ":, \t\n"));
		check(types_kind_name(source->type));
		check(!(source->min > source->max));
	}
	(*count)++;
}

static void bad(int line, const char *what, void *data)
{
	(void)data;
	check(line > 0 && *what);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t count = 0;
	int good = types_parse((const char *)data, size, found, bad, &count);

	check(good >= 0 && (size_t)good == count);
	return 0;
}
