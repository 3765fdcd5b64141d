/* kind: see kind.h. Each kind is entered under all its words; the array keeps the order in which they
 * came. */
#include "kind.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/str.h"
#include "command.h"
#include "event.h"
#include "instance.h"
#include "object.h"

static struct {
	pthread_mutex_t lock;
	struct map words; /* name, plural, alias → struct kind */
	struct kind **kinds;
	size_t count;
	uint64_t epoch; /* the newest given out */
} directory = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- rows ---- */

static const struct mu_attr state_attr = { .name = "state", .type = MU_ENUM, .help = "what it is doing" };

const struct mu_kind *kind_row(const struct mu_instance *instance, const char *name)
{
	c_assert(instance && instance->plugin && name);
	for (const struct mu_kind *row = instance->plugin->kinds; row && row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

static const struct mu_attr *table_attr(const struct mu_kind *row, const char *name)
{
	for (const struct mu_attr *attr = row->attrs; attr && attr->name; attr++)
		if (strcmp(attr->name, name) == 0)
			return attr;
	return NULL;
}

const struct mu_attr *kind_attr(const struct mu_kind *row, const char *name)
{
	c_assert(row && name);
	const struct mu_attr *attr = table_attr(row, name);
	return !attr && row->states && strcmp(name, state_attr.name) == 0 ? &state_attr : attr;
}

const struct mu_attr *kind_attr_next(const struct mu_kind *row, size_t *at)
{
	c_assert(row && at);
	size_t extra = row->states && !table_attr(row, state_attr.name);
	size_t i = (*at)++;

	if (i < extra)
		return &state_attr;
	const struct mu_attr *attr = row->attrs ? &row->attrs[i - extra] : NULL;
	return attr && attr->name ? attr : NULL;
}

const struct mu_state *kind_state(const struct mu_kind *row, const char *name)
{
	c_assert(row && name);
	for (const struct mu_state *state = row->states; state && state->name; state++)
		if (strcmp(state->name, name) == 0)
			return state;
	return NULL;
}

/* ---- words ---- */

/* Calls `each` for the kind's name, plural and aliases until it returns non-zero. */
static int each_word(const struct mu_kind *row, int (*each)(const char *word, void *data), void *data)
{
	char word[KIND_NAME_MAX + 1];

	c_assert(row->name);
	int r = each(row->name, data);
	if (r == 0 && row->plural && strcmp(row->plural, row->name) != 0)
		r = each(row->plural, data);
	for (const char *p = row->aliases; r == 0 && p && *p;) {
		size_t n = strcspn(p, " ");
		c_assert(text_printf(word, sizeof(word), "%.*s", (int)n, p));
		if (n > 0)
			r = each(word, data);
		p += n + strspn(p + n, " ");
	}
	return r;
}

static int same_word(const char *word, void *data)
{
	return strcmp(word, data) == 0;
}

bool kind_has_word(const struct mu_kind *row, const char *word)
{
	c_assert(row && word);
	return each_word(row, same_word, (void *)(uintptr_t)word) != 0;
}

struct word_check {
	const struct mu_instance *instance;
	const struct mu_kind *row;
	struct mu_error *error;
};

/* The loader has looked at the words themselves; another plugin's it cannot know. */
static int check_word(const char *word, void *data)
{
	const struct word_check *c = data;
	struct kind *other = map_get(&directory.words, word);

	if (other && (strcmp(other->plugin, c->instance->plugin->name) != 0 ||
		      strcmp(other->row->name, c->row->name) != 0))
		return mu_error(c->error, -EEXIST, "kind %s: \"%s\" is a word for kind %s of plugin %s",
				c->row->name, word, other->row->name, other->plugin);
	return 0;
}

static int enter_word(const char *word, void *data)
{
	struct kind *kind = data;
	struct kind *before = map_put(&directory.words, word, kind);

	c_assert(!before || before == kind); /* an alias may repeat the plural */
	return 0;
}

static int leave_word(const char *word, void *data)
{
	struct kind *kind = map_del(&directory.words, word);

	c_assert(!kind || kind == data);
	return 0;
}

/* ---- the directory ---- */

void kind_init(void)
{
	c_assert(directory.count == 0 && directory.words.count == 0);
}

static uint64_t epoch_new(void)
{
	uint64_t now = (uint64_t)clock_real();
	/* also when the wall clock was set back */
	directory.epoch = now > directory.epoch ? now : directory.epoch + 1;
	return directory.epoch;
}

struct kind *kind_find(const char *word)
{
	return word ? map_get(&directory.words, word) : NULL;
}

bool kind_next(size_t *at, struct kind **out)
{
	c_assert(at && out);
	if (*at >= directory.count)
		return false;
	*out = directory.kinds[(*at)++];
	return true;
}

bool kind_owned_by(const struct kind *kind, const struct mu_instance *instance)
{
	c_assert(kind && instance);
	list_each (node, &kind->owners)
		if (list_entry(node, struct kind_owner, node)->instance == instance)
			return true;
	return false;
}

const char *kind_nearest(const char *word)
{
	struct nearest nearest;
	const char *candidate;

	nearest_init(&nearest, word);
	for (size_t at = 0; map_next(&directory.words, &at, &candidate, NULL);)
		nearest_try(&nearest, candidate);
	return nearest_best(&nearest);
}

static struct kind *kind_new(const struct mu_kind *row, const char *plugin)
{
	c_assert(loop_is_current(loop_main()));
	struct kind *kind = mem_alloc(sizeof(*kind));

	kind->row = row;
	kind->plugin = plugin;
	kind->epoch = epoch_new();
	list_init(&kind->owners);
	each_word(row, enter_word, kind);
	directory.kinds = mem_grow(directory.kinds, directory.count + 1, sizeof(struct kind *));
	directory.kinds[directory.count++] = kind;
	return kind;
}

static int check_instance(const struct mu_instance *instance, struct mu_error *error)
{
	for (const struct mu_kind *row = instance->plugin->kinds; row && row->name; row++) {
		struct word_check c = { instance, row, error };
		c_assert(!(row->flags & MU_SERVED) || (row->list && row->get));
		int r = each_word(row, check_word, &c);
		if (r < 0)
			return r;
		struct kind *there = kind_find(row->name);
		if (there && (row->flags & MU_SERVED)) {
			mu_error(error, -EBUSY, "kind %s is served by %s", row->name, there->server->name);
			mu_error_remedy(error, "one instance alone can serve a kind: remove the other");
			return -EBUSY;
		}
	}
	return command_check_instance(instance, error);
}

int kind_add_instance(struct mu_instance *instance, struct mu_error *error)
{
	c_assert(loop_is_current(loop_main()));
	c_assert(instance && instance->plugin);
	int r = check_instance(instance, error);
	if (r < 0)
		return r;

	for (const struct mu_kind *row = instance->plugin->kinds; row && row->name; row++) {
		struct kind *kind = kind_find(row->name);
		bool is_new = !kind;
		struct kind_owner *owner = mem_alloc(sizeof(*owner));

		owner->instance = instance;
		pthread_mutex_lock(&directory.lock);
		if (is_new)
			kind = kind_new(row, instance->plugin->name);
		c_assert(!kind_owned_by(kind, instance));
		list_add(&kind->owners, &owner->node);
		if (row->flags & MU_SERVED)
			kind->server = instance;
		pthread_mutex_unlock(&directory.lock);
		if (is_new) {
			command_kind_added(kind);
			object_sub_reset(kind, true);
		}
	}
	command_add_instance(instance);
	return 0;
}

/* Under the lock. */
static void disown(struct kind *kind, struct mu_instance *instance)
{
	const char *id;
	void *owner;

	list_each_safe (node, &kind->owners) {
		struct kind_owner *o = list_entry(node, struct kind_owner, node);
		if (o->instance != instance)
			continue;
		list_remove(&o->node);
		free(o);
	}
	for (size_t at = 0; map_next(&kind->ids, &at, &id, &owner);)
		if (owner == instance)
			map_del(&kind->ids, id);
}

/* Under the lock. */
static void take_out(struct kind *kind)
{
	size_t i = 0;

	each_word(kind->row, leave_word, kind);
	while (directory.kinds[i] != kind)
		i++;
	directory.count--;
	memmove(&directory.kinds[i], &directory.kinds[i + 1], (directory.count - i) * sizeof(struct kind *));
	if (directory.count == 0) {
		free(directory.kinds);
		directory.kinds = NULL;
		map_fini(&directory.words);
	}
}

static void kind_free(struct kind *kind)
{
	c_assert(loop_is_current(loop_main()));
	c_assert(list_empty(&kind->owners));
	object_kind_gone(kind, NULL);
	kind->epoch = epoch_new();
	kind->sequence = 0;
	object_sub_reset(kind, false);
	command_kind_removed(kind);
	c_assert(kind->objects.count == 0 && kind->commands.count == 0);
	map_fini(&kind->objects);
	map_fini(&kind->commands);
	map_fini(&kind->ids);
	free(kind);
}

void kind_remove_instance(struct mu_instance *instance)
{
	c_assert(loop_is_current(loop_main()));
	c_assert(instance && instance->plugin);
	command_remove_instance(instance);
	for (const struct mu_kind *row = instance->plugin->kinds; row && row->name; row++) {
		struct kind *kind = kind_find(row->name);
		if (!kind || !kind_owned_by(kind, instance))
			continue;
		pthread_mutex_lock(&directory.lock);
		disown(kind, instance);
		bool last = list_empty(&kind->owners);
		if (last)
			take_out(kind);
		pthread_mutex_unlock(&directory.lock);
		if (last)
			kind_free(kind);
		else
			object_kind_gone(kind, instance);
	}
}

void kind_fini(void)
{
	while (directory.count > 0) {
		struct kind *kind = directory.kinds[0];
		kind_remove_instance(list_entry(kind->owners.next, struct kind_owner, node)->instance);
	}
}

/* ---- what an owner asks on its own loop ---- */

int kind_admit(const struct mu_kind *row, struct mu_instance *instance, const char *id)
{
	c_assert(row && instance && id);
	bool tell = false;
	int r = 0;

	pthread_mutex_lock(&directory.lock);
	struct kind *kind = map_get(&directory.words, row->name);
	if (!kind || !kind_owned_by(kind, instance)) {
		r = -ECANCELED;
	} else if (!(row->flags & MU_SERVED)) {
		struct mu_instance *owner = map_get(&kind->ids, id);
		if (owner && owner != instance) {
			r = -EEXIST;
		} else if (!owner && kind->ids.count >= KIND_OBJECTS_MAX) {
			r = -ENOSPC;
			kind->refused++;
			tell = !kind->full_told;
			kind->full_told = true;
		} else if (!owner) {
			map_put(&kind->ids, id, instance);
		}
	}
	pthread_mutex_unlock(&directory.lock);
	if (tell)
		event_core(MU_WARNING,
			   "kind %s is full: %d objects are all that the core keeps, the rest is not shown",
			   row->name, KIND_OBJECTS_MAX);
	return r;
}

int kind_dismiss(const struct mu_kind *row, struct mu_instance *instance, const char *id)
{
	c_assert(row && instance && id);
	int r = 0;

	pthread_mutex_lock(&directory.lock);
	struct kind *kind = map_get(&directory.words, row->name);
	if (!kind || !kind_owned_by(kind, instance)) {
		r = -ECANCELED;
	} else if (!(row->flags & MU_SERVED)) {
		r = map_get(&kind->ids, id) == instance ? 0 : -ENOENT;
		if (r == 0)
			map_del(&kind->ids, id);
		/* it may fill again, and be told again, once there was real room */
		if (kind->ids.count < KIND_OBJECTS_MAX / 10 * 9)
			kind->full_told = false;
	}
	pthread_mutex_unlock(&directory.lock);
	return r;
}
