/* route: who offers which route, and who is told.
 *
 * The registry is main's. The provider is claimed on its own loop by one atomic exchange, so that it hears
 * at once whether it is the one; what it then is told comes from main by message, each route once, in
 * order. */
#include "route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/str.h"
#include "instance.h"
#include "kind.h"

struct offer {
	struct list node;
	struct mu_instance *owner;
	const struct mu_route *route;
	const struct mu_namespace *space; /* instead of a route */
};

static struct list offers = { &offers, &offers };
static struct mu_instance *claimed;           /* atomic */
static struct mu_http_provider table;         /* its own, written once it has claimed */
static const struct mu_http_ops *claimed_ops; /* atomic: NULL while there is none */
static struct mu_instance *provider;          /* main's: attached */
static struct mu_ref *provider_ref;

/* ---- telling the provider ---- */

struct notice {
	struct mu_msg msg;
	struct mu_ref *owner;
	const struct mu_route *route;
	const struct mu_namespace *space;
	bool added;
};

static void notice_drop(struct mu_msg *msg)
{
	struct notice *notice = container_of(msg, struct notice, msg);

	mu_ref_unref(&notice->owner);
	free(notice);
}

static void notice_run(struct mu_instance *self, struct mu_msg *msg)
{
	c_assert(mu_on_loop(self));
	struct notice *n = container_of(msg, struct notice, msg);
	const struct mu_http_provider *to = &table;

	if (n->route && n->added && to->route_added)
		to->route_added(self, n->owner, n->route);
	else if (n->route && !n->added && to->route_removed)
		to->route_removed(self, n->owner, n->route);
	else if (n->space && n->added && to->namespace_added)
		to->namespace_added(self, n->owner, n->space);
	else if (n->space && !n->added && to->namespace_removed)
		to->namespace_removed(self, n->owner, n->space);
	notice_drop(msg);
}

static void tell(const struct offer *offer, bool added)
{
	c_assert(loop_is_current(loop_main()));
	if (!provider || !offer->owner->ref)
		return;
	struct notice *notice = mem_alloc(sizeof(*notice));

	notice->msg.run = notice_run;
	notice->msg.drop = notice_drop;
	notice->owner = mu_ref_ref(offer->owner->ref);
	notice->route = offer->route;
	notice->space = offer->space;
	notice->added = added;
	mu_post(provider_ref, &notice->msg);
}

/* ---- offers ---- */

void route_init(void)
{
	c_assert(list_empty(&offers) && !provider);
}

bool route_same(const struct mu_route *a, const struct mu_route *b)
{
	return strcmp(a->method, b->method) == 0 && route_same_shape(a->path, b->path);
}

/* Against all that is there; within one table the loader has looked. */
static int check_route(const struct mu_route *row, struct mu_error *error)
{
	c_assert(row->method && row->path && row->handle);
	list_each (node, &offers) {
		const struct offer *offer = list_entry(node, struct offer, node);
		if (offer->route && route_same(offer->route, row))
			return mu_error(error, -EEXIST, "route %s %s is %s's already", row->method, row->path,
					offer->owner->name);
	}
	return 0;
}

static int check_space(const struct mu_namespace *space, struct mu_error *error)
{
	list_each (node, &offers) {
		const struct offer *offer = list_entry(node, struct offer, node);
		if (offer->space && strcmp(offer->space->path, space->path) == 0)
			return mu_error(error, -EEXIST, "namespace %s is %s's already", space->path,
					offer->owner->name);
	}
	return 0;
}

static void offer_add(struct mu_instance *owner, const struct mu_route *route,
		      const struct mu_namespace *space)
{
	c_assert(owner && (route || space));
	struct offer *offer = mem_alloc(sizeof(*offer));

	offer->owner = owner;
	offer->route = route;
	offer->space = space;
	list_add(&offers, &offer->node);
	tell(offer, true);
}

int route_add_instance(struct mu_instance *instance, struct mu_error *error)
{
	c_assert(loop_is_current(loop_main()));
	c_assert(instance && instance->plugin);
	const struct mu_plugin *plugin = instance->plugin;
	int r = 0;

	for (const struct mu_route *row = plugin->routes; r == 0 && row && row->method; row++)
		r = check_route(row, error);
	for (const struct mu_namespace *space = plugin->namespaces; r == 0 && space && space->path; space++)
		r = check_space(space, error);
	if (r < 0)
		return r;
	for (const struct mu_route *row = plugin->routes; row && row->method; row++)
		offer_add(instance, row, NULL);
	for (const struct mu_namespace *space = plugin->namespaces; space && space->path; space++)
		offer_add(instance, NULL, space);
	return 0;
}

void route_remove_instance(struct mu_instance *instance)
{
	c_assert(loop_is_current(loop_main()));
	c_assert(instance);
	list_each_safe (node, &offers) {
		struct offer *offer = list_entry(node, struct offer, node);
		if (offer->owner != instance)
			continue;
		tell(offer, false);
		list_remove(&offer->node);
		free(offer);
	}
	if (__atomic_load_n(&claimed, __ATOMIC_ACQUIRE) != instance)
		return;
	provider = NULL;
	mu_ref_unref(&provider_ref);
	__atomic_store_n(&claimed_ops, NULL, __ATOMIC_RELEASE);
	__atomic_store_n(&claimed, NULL, __ATOMIC_RELEASE);
}

bool route_next(size_t *at, const struct mu_route **row, struct mu_instance **owner)
{
	c_assert(loop_is_current(loop_main()));
	size_t i = 0;

	c_assert(at && row && owner);
	list_each (node, &offers) {
		const struct offer *offer = list_entry(node, struct offer, node);
		if (!offer->route || i++ < *at)
			continue;
		*at = i;
		*row = offer->route;
		*owner = offer->owner;
		return true;
	}
	return false;
}

bool route_provided(void)
{
	return provider != NULL;
}

void route_fini(void)
{
	while (!list_empty(&offers))
		route_remove_instance(list_entry(offers.next, struct offer, node)->owner);
	if (provider)
		route_remove_instance(provider);
}

/* ---- the provider's own call ---- */

struct attachment {
	struct mu_instance *instance;
	struct mu_ref *ref;
};

static void attach(void *data)
{
	c_assert(loop_is_current(loop_main()));
	struct attachment *attachment = data;
	struct mu_instance *instance = attachment->instance;

	/* it may have ended since */
	if (__atomic_load_n(&claimed, __ATOMIC_ACQUIRE) == instance && !provider) {
		provider = instance;
		provider_ref = mu_ref_ref(attachment->ref);
		list_each (node, &offers)
			tell(list_entry(node, struct offer, node), true);
		/* whose routes waited for a server has another status now */
		list_each (node, &offers)
			instance_changed(list_entry(node, struct offer, node)->owner);
	}
	mu_ref_unref(&attachment->ref);
	free(attachment);
}

const struct mu_http_ops *route_ops(void)
{
	return __atomic_load_n(&claimed_ops, __ATOMIC_ACQUIRE);
}

int mu_http_provide(struct mu_instance *self, const struct mu_http_provider *to)
{
	struct mu_instance *none = NULL;

	c_assert(self && mu_on_loop(self));
	c_assert(to && to->size >= offsetof(struct mu_http_provider, ops) + sizeof(to->ops));
	c_assert(to->ops && to->ops->size > 0);
	if (!__atomic_compare_exchange_n(&claimed, &none, self, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return -EBUSY;
	mem_fit(&table, sizeof(table), to, to->size);
	__atomic_store_n(&claimed_ops, to->ops, __ATOMIC_RELEASE);
	struct attachment *attachment = mem_alloc(sizeof(*attachment));
	attachment->instance = self;
	attachment->ref = mu_self_ref(self);
	loop_call(loop_main(), attach, attachment);
	return 0;
}
