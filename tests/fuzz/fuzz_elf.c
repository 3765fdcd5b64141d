/* fuzz_elf: whatever a file says it is, nothing outside of its bytes is read. */
#include "base/check.h"
#include "loader_parts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mu_error error = { 0 };
	/* a copy of exactly that size, so that the sanitizer sees its ends */
	unsigned char *bytes = malloc(size ? size : 1);

	c_assert(bytes);
	memcpy(bytes, data, size);
	int r = loader_check_elf(bytes, size, size, &error);
	c_assert((r < 0) == (error.what[0] != '\0'));
	const char *text = loader_elf_text(bytes, size, "muster_plugin", offsetof(struct mu_plugin, aliases));
	if (text)
		c_assert((const unsigned char *)text >= bytes &&
		      (const unsigned char *)text + strlen(text) < bytes + size);
	c_assert(r == 0 || !text);
	free(bytes);
	return 0;
}
