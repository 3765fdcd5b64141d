/* fuzz_json: any text is read or refused with a sentence; what is read can be written and read again. */
#include "base/check.h"
#include "base/json.h"
#include "base/str.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[256];
	json_t *json = json_parse((const char *)data, size, error);

	if (!json) {
		c_assert(error[0] && text_printable(error, strlen(error)));
		return 0;
	}
	size_t length;
	char *text = json_text(json, &length);
	json_t *again = json_parse(text, length, error);
	c_assert(again && json_equal(json, again));
	json_decref(again);
	json_decref(json);
	free(text);
	return 0;
}
