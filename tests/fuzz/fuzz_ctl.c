/* fuzz_ctl: any line is a request or is refused with a sentence; what is a request has what a call needs. */
#include "ctl.h"

#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctl_request request;
	struct mu_error error = { 0 };

	int r = ctl_parse((const char *)data, size, &request, &error);
	c_assert(request.id >= -1);
	if (r < 0) {
		c_assert(error.code == r && error.what[0] && text_printable(error.what, strlen(error.what)));
		c_assert(text_printable(error.remedy, strlen(error.remedy)));
	} else {
		c_assert(request.id >= 0 && json_is_object(request.json));
		c_assert(request.cancel || request.credit > 0 ||
		      (json_get_text(request.json, "kind") && json_get_text(request.json, "verb")));
		c_assert(request.credit >= 0 && request.credit <= 1000000);
	}
	ctl_request_fini(&request);
	c_assert(!request.json);
	return 0;
}
