/* A plugin whose option has a default that its own bounds refuse. */
#include <muster/plugin.h>

struct bad {
	int64_t count;
};
static const struct mu_option options[] = {
	MU_OPT_INT(struct bad, count, .name = "Count", .dflt = "5", .min = 10, .max = 20), MU_OPT_END
};

MU_PLUGIN(bad_table, .config_size = sizeof(struct bad), .options = options);
