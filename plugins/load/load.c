/* load: how many tasks run or wait to run, averaged over 1, 5 and 15 minutes.
 *
 * Reads /proc/loadavg: one series of type "load" with three data sources, as collectd does. */
#include "load_avg.h"

#include <assert.h>
#include <errno.h>
#include <muster/plugin.h>
#include <unistd.h>

struct load {
	const char *root;
	bool relative;
};

struct load_reader {
	struct mu_file file;
};

static const struct mu_option options[] = {
	MU_OPT_BOOL(struct load, relative, .name = "ReportRelative", .dflt = "false",
		    .help = "divided by the number of CPUs, as type instance \"relative\""),
	MU_OPT_STRING(struct load, root, .name = "Root", .dflt = "/proc",
		      .help = "folder with the file loadavg; tests point it at a fixture"),
	MU_OPT_END
};

static int load_read(struct mu_instance *self, struct mu_batch *out)
{
	const struct load *l = mu_config(self);
	struct load_reader *r = mu_reader(self);
	struct load_avg load;
	double cpus = 1;
	char text[128];

	int got = mu_file_read(&r->file, text, sizeof(text), "%s/loadavg", l->root);
	if (got >= 0)
		got = load_avg_parse(text, &load);
	if (got < 0)
		return got;
	if (l->relative) {
		long online = sysconf(_SC_NPROCESSORS_ONLN);
		if (online < 1)
			return -ENODATA;
		cpus = (double)online;
	}
	assert(cpus >= 1);
	const union mu_value values[] = { { .gauge = load.shortterm / cpus },
					  { .gauge = load.midterm / cpus },
					  { .gauge = load.longterm / cpus } };
	mu_values(out, "load", l->relative ? "relative" : "", values, MU_ARRAY_LEN(values));
	return 0;
}

static void load_reader_fini(struct mu_instance *self)
{
	struct load_reader *r = mu_reader(self);

	mu_file_close(&r->file);
}

MU_PLUGIN(load, .about = "tasks that run or wait, mean of 1, 5 and 15 min",
	  .config_size = sizeof(struct load), .reader_size = sizeof(struct load_reader), .options = options,
	  .read = load_read, .reader_fini = load_reader_fini);
