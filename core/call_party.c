/* call_party: how many calls each instance has asked and owes: for quotas, and for when it ends. Main
 * loop. */
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "call_parts.h"
#include "instance.h"

static struct map parties; /* the instance's address as text → struct call_party */

static void make_key(char key[24], const struct mu_instance *instance)
{
	c_assert(text_printf(key, 24, "%p", (const void *)instance));
}

struct call_party *party_find(struct mu_instance *instance)
{
	char key[24];

	c_assert(instance);
	make_key(key, instance);
	return map_get(&parties, key);
}

struct call_party *party_get(struct mu_instance *instance)
{
	struct call_party *party = party_find(instance);

	if (party)
		return party;
	party = mem_alloc(sizeof(*party));
	party->instance = instance;
	make_key(party->key, instance);
	list_init(&party->waiters);
	list_init(&party->calls);
	map_put(&parties, party->key, party);
	return party;
}

static void party_leave(struct call_party *party)
{
	if (party->waiter_count > 0 || party->call_count > 0)
		return;
	c_assert(list_empty(&party->waiters) && list_empty(&party->calls));
	map_del(&parties, party->key);
	free(party);
	if (parties.count == 0)
		map_fini(&parties);
}

void party_add_waiter(struct call_party *party, struct call_waiter *waiter)
{
	c_assert(loop_is_current(loop_main()));
	c_assert(!waiter->caller);
	waiter->caller = party;
	list_add(&party->waiters, &waiter->of_caller);
	party->waiter_count++;
}

void party_remove_waiter(struct call_waiter *waiter)
{
	struct call_party *party = waiter->caller;

	if (!party)
		return;
	c_assert(party->waiter_count > 0);
	list_remove(&waiter->of_caller);
	party->waiter_count--;
	waiter->caller = NULL;
	party_leave(party);
}

void party_add_call(struct call_party *party, struct mu_call *call)
{
	c_assert(loop_is_current(loop_main()));
	c_assert(!call->party);
	call->party = party;
	list_add(&party->calls, &call->of_owner);
	party->call_count++;
}

void party_remove_call(struct mu_call *call)
{
	struct call_party *party = call->party;

	if (!party)
		return;
	c_assert(party->call_count > 0);
	list_remove(&call->of_owner);
	party->call_count--;
	call->party = NULL;
	party_leave(party);
}

/* ---- bounds ---- */

int call_remedy(struct mu_error *error, int code, const char *remedy)
{
	c_assert(code < 0 && remedy);
	mu_error_remedy(error, "%s", remedy);
	return code;
}

int call_quota(struct mu_instance *asks, struct mu_instance *owes, struct mu_error *error)
{
	const struct call_party *caller = party_find(asks), *owner = party_find(owes);

	if (caller && caller->waiter_count >= CALL_QUOTA)
		return call_remedy(error,
				   mu_error(error, -EBUSY,
					    "%s has %d calls open, and no more are taken of it", asks->name,
					    CALL_QUOTA),
				   "ask again when some are answered");
	if (owner && owner->call_count >= CALL_QUOTA)
		return call_remedy(error,
				   mu_error(error, -EBUSY,
					    "%s owes the answers to %d calls, and is given no more",
					    owes->name, CALL_QUOTA),
				   "ask again when some are answered; if none ever is, restart that plugin");
	return 0;
}
