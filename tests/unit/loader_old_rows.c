/* A plugin as an older minor would have made it: rows and description end earlier than ours. */
#include <muster/plugin.h>

struct old_option {
	const char *name;
	uint32_t type, flags;
	size_t offset;
	const char *dflt;
};
struct old_counter {
	const char *name;
};
struct old {
	int64_t count;
};
static const struct old_option options[] = {
	{ "First", MU_INT, 0, 0, "7" },
	{ "Second", MU_INT, 0, 0, NULL },
	{ 0 },
};
static const struct old_counter counters[] = { { "one" }, { "two" }, { NULL } };

extern MU_EXPORT const struct mu_plugin muster_plugin;
const struct mu_plugin muster_plugin = {
	.size = offsetof(struct mu_plugin, start),
	.abi_major = MU_ABI_MAJOR,
	.abi_minor = MU_ABI_MINOR,
	.option_stride = sizeof(struct old_option),
	.counter_stride = sizeof(struct old_counter),
	.name = "old_rows",
	.config_size = sizeof(struct old),
	.options = (const struct mu_option *)(const void *)options,
	.counters = (const struct mu_counter *)(const void *)counters,
	.start = (int (*)(struct mu_instance *, struct mu_error *))1, /* behind the size: not there */
};
