/* memory: what the machine's memory is used for.
 *
 * Reads /proc/meminfo: a series of type "memory" (bytes) for each part, of type "percent" when asked. */
#include "memory_info.h"

#include <assert.h>
#include <errno.h>
#include <muster/plugin.h>

struct memory {
	const char *root;
	bool absolute, percent;
};

struct memory_reader {
	struct mu_file file;
};

static const struct mu_option options[] = {
	MU_OPT_BOOL(struct memory, absolute, .name = "ValuesAbsolute", .dflt = "true", .help = "in bytes"),
	MU_OPT_BOOL(struct memory, percent, .name = "ValuesPercentage", .dflt = "false",
		    .help = "in percent of all memory"),
	MU_OPT_STRING(struct memory, root, .name = "Root", .dflt = "/proc",
		      .help = "folder with the file meminfo; tests point it at a fixture"),
	MU_OPT_END
};

static int memory_read(struct mu_instance *self, struct mu_batch *out)
{
	const struct memory *m = mu_config(self);
	struct memory_reader *r = mu_reader(self);
	struct memory_info info;
	char text[8192]; /* some 1,500 bytes in 2024; what we want stands in the first half */

	int got = mu_file_read(&r->file, text, sizeof(text), "%s/meminfo", m->root);
	if (got >= 0 || got == -EFBIG)
		got = memory_info_parse(text, &info);
	if (got < 0)
		return got;
	assert(info.known & 1u << MEMORY_USED);
	for (size_t i = 0; i < MEMORY_PARTS; i++) {
		enum memory_part part = (enum memory_part)i;

		if (!(info.known & 1u << i))
			continue;
		if (m->absolute)
			mu_gauge(out, "memory", memory_part_name(part), (double)info.bytes[i]);
		if (m->percent)
			mu_gauge(out, "percent", memory_part_name(part), memory_info_percent(&info, part));
	}
	return 0;
}

static void memory_reader_fini(struct mu_instance *self)
{
	struct memory_reader *r = mu_reader(self);

	mu_file_close(&r->file);
}

MU_PLUGIN(memory, .about = "what the memory is used for", .config_size = sizeof(struct memory),
	  .reader_size = sizeof(struct memory_reader), .options = options, .read = memory_read,
	  .reader_fini = memory_reader_fini);
