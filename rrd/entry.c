/* entry: the state machine of one file, as the table that the manual prints. */
#include "cache.h"

#include <assert.h>

#define TO(state) ((state) + 1) /* 0 = cannot happen */

static const unsigned char table[ENTRY_STATES][ENTRY_EVENTS] = {
	[ENTRY_IDLE] = { [ENTRY_COALESCE] = TO(ENTRY_WAITING),
			 [ENTRY_HURRY] = TO(ENTRY_QUEUED),
			 [ENTRY_FLUSH] = TO(ENTRY_URGENT) },
	[ENTRY_WAITING] = { [ENTRY_COALESCE] = TO(ENTRY_WAITING),
			    [ENTRY_HURRY] = TO(ENTRY_QUEUED),
			    [ENTRY_FLUSH] = TO(ENTRY_URGENT),
			    [ENTRY_DUE] = TO(ENTRY_QUEUED),
			    [ENTRY_EMPTIED] = TO(ENTRY_IDLE) },
	[ENTRY_QUEUED] = { [ENTRY_COALESCE] = TO(ENTRY_QUEUED),
			   [ENTRY_HURRY] = TO(ENTRY_QUEUED),
			   [ENTRY_FLUSH] = TO(ENTRY_URGENT),
			   [ENTRY_HELD] = TO(ENTRY_WAITING),
			   [ENTRY_TAKE] = TO(ENTRY_BUSY),
			   [ENTRY_EMPTIED] = TO(ENTRY_IDLE) },
	[ENTRY_URGENT] = { [ENTRY_COALESCE] = TO(ENTRY_URGENT),
			   [ENTRY_HURRY] = TO(ENTRY_URGENT),
			   [ENTRY_FLUSH] = TO(ENTRY_URGENT),
			   [ENTRY_HELD] = TO(ENTRY_WAITING),
			   [ENTRY_TAKE] = TO(ENTRY_BUSY),
			   [ENTRY_EMPTIED] = TO(ENTRY_IDLE) },
	/* What comes while it is being written is remembered in `again`. */
	[ENTRY_BUSY] = { [ENTRY_COALESCE] = TO(ENTRY_BUSY),
			 [ENTRY_HURRY] = TO(ENTRY_BUSY),
			 [ENTRY_FLUSH] = TO(ENTRY_BUSY),
			 [ENTRY_WRITTEN] = TO(ENTRY_IDLE),
			 [ENTRY_FAILED] = TO(ENTRY_BACKOFF),
			 [ENTRY_EMPTIED] = TO(ENTRY_BUSY) },
	[ENTRY_BACKOFF] = { [ENTRY_COALESCE] = TO(ENTRY_BACKOFF),
			    [ENTRY_HURRY] = TO(ENTRY_BACKOFF),
			    [ENTRY_FLUSH] = TO(ENTRY_URGENT),
			    [ENTRY_DUE] = TO(ENTRY_QUEUED),
			    [ENTRY_EMPTIED] = TO(ENTRY_IDLE) },
};

const char *entry_state_name(enum entry_state state)
{
	static const char *const names[ENTRY_STATES] = { "idle",   "waiting", "queued",
							 "urgent", "busy",    "backoff" };

	assert((unsigned)state < ENTRY_STATES);
	return names[state];
}

int entry_next(enum entry_state state, enum entry_event event)
{
	assert((unsigned)state < ENTRY_STATES && (unsigned)event < ENTRY_EVENTS);
	return table[state][event] - 1;
}
