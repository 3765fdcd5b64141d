/* A plugin of another major: all behind its version may be anything, and must not be looked at. */
#include <muster/plugin.h>

extern MU_EXPORT const struct mu_plugin muster_plugin;
const struct mu_plugin muster_plugin = { .size = sizeof(struct mu_plugin),
					 .abi_major = MU_ABI_MAJOR + 1,
					 .name = (const char *)1,
					 .options = (const struct mu_option *)1 };
