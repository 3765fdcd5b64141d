/* fuzz_conf: any text is parsed or refused with a sentence; and what is parsed can be written, parsed
 * again, and then writes the same. */
#include "base/arena.h"
#include "base/check.h"
#include "base/conf_parse.h"
#include "base/str.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_all(struct str *out, const struct conf_node *first)
{
	for (const struct conf_node *node = first; node; node = node->next)
		conf_node_write(out, node, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct conf_node *first;
	struct conf_problem problem;
	struct str once = { 0 }, twice = { 0 };

	arena_init(&arena);
	int r = conf_parse(&arena, "fuzz.conf", (const char *)data, size, &first, &problem);
	if (r < 0) {
		c_assert(problem.what[0] && problem.line >= 1);
		c_assert(text_printable(problem.what, strlen(problem.what)));
		c_assert(text_printable(problem.remedy, strlen(problem.remedy)));
	} else {
		write_all(&once, first);
		r = conf_parse(&arena, "fuzz.conf", str_text(&once), once.len, &first, &problem);
		c_assert(r == 0);
		write_all(&twice, first);
		c_assert(once.len == twice.len && strcmp(str_text(&once), str_text(&twice)) == 0);
	}
	str_fini(&once);
	str_fini(&twice);
	arena_fini(&arena);
	return 0;
}
