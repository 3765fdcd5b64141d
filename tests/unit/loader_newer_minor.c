/* A plugin of a minor that this daemon does not know yet. */
#include <muster/plugin.h>

extern MU_EXPORT const struct mu_plugin muster_plugin;
const struct mu_plugin muster_plugin = { .size = sizeof(struct mu_plugin),
					 .abi_major = MU_ABI_MAJOR,
					 .abi_minor = MU_ABI_MINOR + 1,
					 .name = "newer_minor" };
