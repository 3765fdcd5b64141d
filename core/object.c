/* object: see object.h. Bytes are canonical, in the order of the kind's table, so that equal content is
 * equal bytes, and a put that changes nothing ends at a memcmp. */
#include "object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/str.h"
#include "instance.h"
#include "kind.h"
#include "log.h"

enum { ID_MAX = 255 };

static struct object_stats stats;
static uint64_t refused; /* atomic: by owners, on their loops */

/* ---- bytes ---- */

struct object_bytes *object_bytes_new(const char *text, size_t length)
{
	c_assert(text && length < UINT32_MAX);
	struct object_bytes *bytes = mem_alloc(sizeof(*bytes) + length + 1);

	bytes->count = 1;
	bytes->length = (uint32_t)length;
	memcpy(bytes->text, text, length);
	return bytes;
}

struct object_bytes *object_bytes_json(const json_t *json)
{
	struct str text = { 0 };

	json_write(&text, json);
	struct object_bytes *bytes = object_bytes_new(str_text(&text), text.len);
	str_fini(&text);
	return bytes;
}

struct object_bytes *object_bytes_ref(struct object_bytes *bytes)
{
	if (bytes)
		c_assert(__atomic_add_fetch(&bytes->count, 1, __ATOMIC_RELAXED) > 1);
	return bytes;
}

void object_bytes_unref(struct object_bytes **bytes)
{
	c_assert(bytes);
	if (*bytes && __atomic_sub_fetch(&(*bytes)->count, 1, __ATOMIC_ACQ_REL) == 0)
		free(*bytes);
	*bytes = NULL;
}

/* ---- what an owner hands in; any thread ---- */

bool object_id_valid(const char *id)
{
	if (!id)
		return false;
	size_t length = strnlen(id, ID_MAX + 1);
	return length >= 1 && length <= ID_MAX && !memchr(id, ' ', length) && text_printable(id, length);
}

static bool is_texts(const json_t *value)
{
	for (size_t i = 0; i < json_array_size(value); i++)
		if (!json_is_string(json_array_get(value, i)))
			return false;
	return json_is_array(value);
}

static bool is_choice(const struct mu_kind *row, const struct mu_attr *attr, const json_t *value)
{
	const char *word = json_string_value(value);

	if (!word)
		return false;
	if (row->states && strcmp(attr->name, "state") == 0)
		return kind_state(row, word) != NULL;
	if (!attr->choices)
		return true;
	for (const char *const *choice = attr->choices; *choice; choice++)
		if (strcmp(*choice, word) == 0)
			return true;
	return false;
}

static bool value_fits(const struct mu_kind *row, const struct mu_attr *attr, const json_t *value)
{
	c_assert(row && attr && value);
	switch ((enum mu_option_type)attr->type) {
	case MU_STRING:
		return json_is_string(value);
	case MU_BOOL:
		return json_is_boolean(value);
	case MU_INT:
		return json_is_integer(value);
	case MU_DOUBLE:
	case MU_DURATION:
	case MU_SIZE:
		return json_is_number(value);
	case MU_ENUM:
		return is_choice(row, attr, value);
	case MU_STRINGS:
		return is_texts(value);
	case MU_BLOCK:
		return true;
	}
	return false;
}

size_t object_check_attrs(const struct mu_kind *row, json_t *attrs, char complaint[160])
{
	size_t dropped = 0;
	const char *name;
	json_t *value;
	void *next;

	c_assert(row && json_is_object(attrs) && complaint);
	complaint[0] = '\0';
	json_object_foreach_safe(attrs, next, name, value)
	{
		const struct mu_attr *attr = kind_attr(row, name);
		if (attr && !json_is_null(value) && value_fits(row, attr, value))
			continue;
		/* an id is welcome, null is as good as absent */
		if (strcmp(name, "id") != 0 && !(attr && json_is_null(value)) && dropped++ == 0)
			text_printf(complaint, 160, "kind %s: attribute \"%.60s\" %s", row->name, name,
				    attr ? "has another type than its table says, or no known name"
					 : "is not in its table");
		json_object_del(attrs, name);
	}
	return dropped;
}

struct object_bytes *object_encode(const struct mu_kind *row, json_t *attrs, size_t *dropped,
				   char complaint[160])
{
	struct str text = { 0 };
	const struct mu_attr *attr;

	c_assert(dropped);
	*dropped = object_check_attrs(row, attrs, complaint);
	object_mask(row, attrs, MU_ADMIN);
	str_add_byte(&text, '{');
	for (size_t at = 0; (attr = kind_attr_next(row, &at));) {
		const json_t *value = json_object_get(attrs, attr->name);
		if (!value)
			continue;
		str_printf(&text, "%s\"%s\":", text.len > 1 ? "," : "", attr->name);
		json_write(&text, value);
	}
	str_add_byte(&text, '}');
	struct object_bytes *bytes = object_bytes_new(text.data, text.len);
	str_fini(&text);
	return bytes;
}

void object_mask(const struct mu_kind *row, json_t *item, enum mu_role role)
{
	const struct mu_attr *attr;

	c_assert(row);
	for (size_t at = 0; (attr = kind_attr_next(row, &at));) {
		bool hide = (attr->flags & MU_SECRET) || ((attr->flags & MU_PERSONAL) && role <= MU_VIEWER);
		const json_t *value = hide ? json_object_get(item, attr->name) : NULL;
		if (value && !json_is_null(value))
			json_object_set_new(item, attr->name, json_string(OBJECT_MASK));
	}
}

/* ---- from the owner's loop to main ---- */

struct object_msg {
	struct mu_msg msg;
	struct mu_instance *owner; /* compared, and looked into only while it is an owner */
	const struct mu_kind *row;
	struct object_bytes *bytes; /* NULL: deleted */
	size_t dropped;
	char complaint[160];
	char id[];
};

static void object_apply(struct kind *kind, struct object_msg *put);

static void object_arrived(struct mu_instance *self, struct mu_msg *msg)
{
	struct object_msg *put = container_of(msg, struct object_msg, msg);
	struct kind *kind = kind_find(put->row->name);

	(void)self;
	/* one that was given up may go on talking */
	if (kind && kind_owned_by(kind, put->owner))
		object_apply(kind, put);
	object_bytes_unref(&put->bytes);
	free(put);
}

static struct object_msg *object_msg_new(struct mu_instance *owner, const struct mu_kind *row, const char *id)
{
	c_assert(owner && row && id);
	size_t length = strlen(id);
	struct object_msg *put = mem_alloc(sizeof(*put) + length + 1);

	put->msg.run = object_arrived;
	put->owner = owner;
	put->row = row;
	memcpy(put->id, id, length);
	return put;
}

/* The checked and encoded message; <0 as mu_object_put. Takes `attrs`. */
static int make_put(struct mu_instance *self, const char *kind, const char *id, json_t *attrs,
		    struct object_msg **out)
{
	const struct mu_kind *row = kind_row(self, kind);
	int r = row && object_id_valid(id) && json_is_object(attrs) ? 0 : -EINVAL;

	if (r < 0)
		mu_log(self, MU_LOG_ERROR, "put of %s \"%.80s\" is refused: %s", kind, id ? id : "",
		       !row                     ? "the plugin declares no such kind"
		       : !json_is_object(attrs) ? "its attributes are no object"
						: "an id is 1 to 255 printable bytes without blanks");
	else
		r = kind_admit(row, self, id);
	if (r == -ENOSPC)
		__atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED);
	if (r == -EEXIST)
		mu_log(self, MU_LOG_ERROR, "put of %s \"%s\" is refused: another instance has put it", kind,
		       id);
	if (r == 0) {
		*out = object_msg_new(self, row, id);
		(*out)->bytes = object_encode(row, attrs, &(*out)->dropped, (*out)->complaint);
	}
	json_decref(attrs);
	return r;
}

static int make_delete(struct mu_instance *self, const char *kind, const char *id, struct object_msg **out)
{
	const struct mu_kind *row = kind_row(self, kind);

	if (!row || !object_id_valid(id))
		return -ENOENT;
	int r = kind_dismiss(row, self, id);
	if (r == 0)
		*out = object_msg_new(self, row, id);
	return r;
}

int mu_object_put(struct mu_instance *self, const char *kind, const char *id, json_t *attrs)
{
	struct object_msg *put;

	c_assert(self && mu_on_loop(self));
	c_assert(kind);
	int r = make_put(self, kind, id, attrs, &put);
	if (r == 0)
		loop_post(loop_main(), &put->msg);
	return r;
}

int mu_object_delete(struct mu_instance *self, const char *kind, const char *id)
{
	struct object_msg *gone;

	c_assert(self && mu_on_loop(self));
	c_assert(kind);
	int r = make_delete(self, kind, id, &gone);
	if (r == 0)
		loop_post(loop_main(), &gone->msg);
	return r;
}

int object_put_now(struct mu_instance *self, const char *kind, const char *id, json_t *attrs)
{
	struct object_msg *put;

	c_assert(self && loop_is_current(loop_main()));
	c_assert(self->loop == loop_main());
	int r = attrs ? make_put(self, kind, id, attrs, &put) : make_delete(self, kind, id, &put);
	if (r == 0)
		object_arrived(NULL, &put->msg);
	return r;
}

/* ---- main ---- */

struct object *object_find(struct kind *kind, const char *id)
{
	c_assert(kind);
	return id ? map_get(&kind->objects, id) : NULL;
}

const char *object_nearest(struct kind *kind, const char *id)
{
	struct nearest nearest;
	const char *candidate;

	nearest_init(&nearest, id);
	for (size_t at = 0; map_next(&kind->objects, &at, &candidate, NULL);)
		nearest_try(&nearest, candidate);
	return nearest_best(&nearest);
}

static void object_free(struct object *object)
{
	object_bytes_unref(&object->bytes);
	free(object->id);
	free(object);
}

static void complain(struct kind *kind, const struct object_msg *put)
{
	kind->bad_attrs += put->dropped;
	stats.bad_attrs += put->dropped;
	if (put->dropped == 0 || kind->bad_told)
		return;
	kind->bad_told = true;
	log_line(MU_LOG_WARNING, kind->plugin, "%s, and is dropped", put->complaint);
}

static void object_gone(struct kind *kind, struct object *object)
{
	c_assert(loop_is_current(loop_main()));
	map_del(&kind->objects, object->id);
	stats.deletes++;
	kind->sequence++;
	object_sub_change(kind, object->id, MU_CHANGE_DELETE, object->version + 1, NULL);
	object_free(object);
}

/* A served kind's objects are with their owner: only the change passes. */
static void object_relay(struct kind *kind, struct object_msg *put)
{
	kind->sequence++;
	*(put->bytes ? &stats.puts : &stats.deletes) += 1;
	object_sub_change(kind, put->id, put->bytes ? MU_CHANGE_PUT : MU_CHANGE_DELETE, kind->sequence,
			  put->bytes);
}

static struct object *object_new(struct kind *kind, struct mu_instance *owner, const char *id)
{
	struct object *object = mem_alloc(sizeof(*object));

	object->id = mem_strdup(id);
	object->kind = kind;
	object->owner = owner;
	map_put(&kind->objects, id, object);
	return object;
}

static void object_apply(struct kind *kind, struct object_msg *put)
{
	c_assert(loop_is_current(loop_main()));
	complain(kind, put);
	if (kind->row->flags & MU_SERVED) {
		object_relay(kind, put);
		return;
	}
	struct object *object = object_find(kind, put->id);
	if (!put->bytes) {
		if (object && object->owner == put->owner)
			object_gone(kind, object);
		return;
	}
	if (object && object->bytes->length == put->bytes->length &&
	    memcmp(object->bytes->text, put->bytes->text, put->bytes->length) == 0) {
		stats.equal++;
		return;
	}
	if (!object)
		object = object_new(kind, put->owner, put->id);
	/* the owner before has deleted it, which we shall hear: it could be admitted only since */
	object->owner = put->owner;
	object_bytes_unref(&object->bytes);
	object->bytes = object_bytes_ref(put->bytes);
	object->version++;
	kind->sequence++;
	stats.puts++;
	object_sub_change(kind, object->id, MU_CHANGE_PUT, object->version, object->bytes);
}

void object_kind_gone(struct kind *kind, struct mu_instance *instance)
{
	c_assert(loop_is_current(loop_main()));
	void *value;

	c_assert(kind);
	for (size_t at = 0; map_next(&kind->objects, &at, NULL, &value);) {
		struct object *object = value;
		if (instance && object->owner == instance) {
			object_gone(kind, object);
		} else if (!instance) {
			/* the kind goes whole: one MU_CHANGE_RESET says so */
			map_del(&kind->objects, object->id);
			object_free(object);
		}
	}
}

void object_instance_gone(struct mu_instance *instance)
{
	struct kind *kind;

	c_assert(instance);
	/* those of kinds that are its alone go with the kind, and one MU_CHANGE_RESET says so */
	for (size_t at = 0; kind_next(&at, &kind);)
		if (kind_owned_by(kind, instance) && kind->owners.next != kind->owners.prev)
			object_kind_gone(kind, instance);
	object_sub_gone(instance);
}

json_t *object_json(const struct object *object)
{
	c_assert(object && object->bytes);
	json_t *json = json_loadb(object->bytes->text, object->bytes->length, JSON_ALLOW_NUL, NULL);

	if (!json) /* a plugin's text that was no UTF-8, made by a function that does not look */
		json = json_object();
	json_object_set_new(json, "kind", json_string(object->kind->row->name));
	json_object_set_new(json, "id", json_string(object->id));
	json_object_set_new(json, "version", json_integer((json_int_t)object->version));
	return json;
}

void object_stats(struct object_stats *out)
{
	c_assert(out);
	*out = stats;
	out->refused = __atomic_load_n(&refused, __ATOMIC_RELAXED);
	out->subscriptions = object_sub_stats(&out->resyncs);
}
