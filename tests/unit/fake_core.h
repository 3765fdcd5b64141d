/* fake_core: stands in for the daemon around the rooms of values: what was logged and told is kept for the
 * test to see. Each is weak, so that the real one wins where it is linked in. */
#ifndef TEST_FAKE_CORE_H
#define TEST_FAKE_CORE_H

#include <muster/base.h>

struct fake_told {
	size_t count;
	int level; /* of the last: enum mu_level, or enum mu_severity */
	char words[1024];
};
extern struct fake_told fake_log, fake_event;

/* Loads a types.db of this text. */
void fake_types(const char *text);

#endif
