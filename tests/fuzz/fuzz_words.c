/* fuzz_words: any line against a small described world: split, made a request or refused with a sentence,
 * completed. A first line that is JSON stands for the described world itself. */
#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/words.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char world[] =
	"{\"kinds\":[{\"name\":\"worker\",\"plural\":\"workers\",\"aliases\":[\"clients\"],"
	"\"attrs\":[{\"name\":\"state\",\"type\":\"enum\",\"choices\":[\"on\",\"off\"]},"
	"{\"name\":\"cpu\",\"type\":\"double\"},{\"name\":\"tasks\",\"type\":\"int\"},"
	"{\"name\":\"idle\",\"type\":\"duration\"},{\"name\":\"memory\",\"type\":\"size\"}],"
	"\"states\":[{\"name\":\"on\"},{\"name\":\"off\"}],\"commands\":["
	"{\"name\":\"list\",\"on_kind\":true,\"args\":[]},{\"name\":\"get\",\"args\":[]},"
	"{\"name\":\"set\",\"bulk\":true,\"dry_run\":true,\"args\":["
	"{\"name\":\"count\",\"type\":\"int\",\"min\":1,\"max\":9},"
	"{\"name\":\"ratio\",\"type\":\"double\"},{\"name\":\"on\",\"type\":\"bool\"},"
	"{\"name\":\"size\",\"type\":\"size\"},"
	"{\"name\":\"for\",\"type\":\"duration\"},{\"name\":\"tags\",\"type\":\"strings\"},"
	"{\"name\":\"parts\",\"type\":\"block\"},"
	"{\"name\":\"mode\",\"type\":\"enum\",\"choices\":[\"x\",\"y\"]}]},"
	"{\"name\":\"put\",\"on_kind\":true,\"args\":["
	"{\"name\":\"id\",\"type\":\"string\",\"required\":true},"
	"{\"name\":\"values\",\"type\":\"strings\",\"required\":true}]}]},"
	"{\"name\":\"daemon\",\"commands\":[{\"name\":\"status\",\"on_kind\":true}]}]}";

static void try_line(const json_t *described, const char *line)
{
	struct words_problem problem;
	size_t count;
	char **words = words_split(line, &count, &problem);

	if (!words) {
		c_assert(problem.what[0]);
		return;
	}
	json_t *request = words_to_request(described, (const char *const *)words, count, &problem);
	c_assert(request ? json_get_text(request, "verb") != NULL : problem.what[0] != '\0');
	c_assert(text_printable(problem.what, strlen(problem.what)));
	c_assert(text_printable(problem.remedy, strlen(problem.remedy)));
	if (request) {
		char *text = json_text(request, NULL);
		free(text);
	}
	json_decref(request);
	for (size_t n = count > 4 ? count - 4 : 0; n <= count; n++) {
		json_t *found = words_complete(described, (const char *const *)words, n);
		c_assert(json_is_array(found));
		json_decref(found);
	}
	words_free(&words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[256], *text = mem_alloc(size + 1), *line = text;
	json_t *described = NULL;

	if (size)
		memcpy(text, data, size);
	char *end = strchr(text, '\n');
	if (end) {
		described = json_parse(text, (size_t)(end - text), error);
		if (described)
			line = end + 1;
	}
	if (!described)
		described = json_parse(world, sizeof(world) - 1, error);
	c_assert(described);
	try_line(described, line);
	json_decref(described);
	free(text);
	return 0;
}
