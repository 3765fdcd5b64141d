/* call_check: may this be asked, of whom, and with which words? Main loop; decides everything before an
 * owner hears of a call, so that a plugin never checks a role, an id or an argument's type. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/str.h"
#include "call_parts.h"
#include "conf_schema.h"
#include "describe.h"
#include "instance.h"
#include "kind.h"

enum { AUDIT_IDS_MAX = 1024, AUDIT_ARGS_MAX = 4096 };

/* ---- who ---- */

static int check_role(const struct mu_call *call, struct mu_error *error)
{
	const struct mu_command *row = call->row;
	enum mu_role needed = command_role(row);

	if (call->request->role >= needed)
		return 0;
	return call_remedy(error,
			   mu_error(error, -EACCES, "%s.%s needs the role %s; you are %s", call->kind->name,
				    row->name, describe_role(needed), describe_role(call->request->role)),
			   "ask an admin, or run it as the user of the daemon");
}

/* ---- on what ---- */

static int no_object(struct kind *kind, const char *id, struct mu_error *error)
{
	c_assert(loop_is_current(loop_main()));
	const char *near = object_nearest(kind, id);

	mu_error(error, -ENOENT, "there is no %s \"%.200s\"", kind->row->name, id);
	if (near)
		mu_error_remedy(error, "did you mean \"%s\"?", near);
	return -ENOENT;
}

/* Do the ids and the match go together with the flags? */
static int check_form(const struct mu_call *call, struct mu_error *error)
{
	const struct call_request *request = call->request;
	const char *kind = call->kind->name, *verb = call->row->name;
	uint32_t flags = call->row->flags;

	if (request->dry_run && !(flags & MU_DRY_RUN))
		return mu_error(error, -EINVAL, "%s.%s cannot be tried without doing it", kind, verb);
	if ((flags & MU_ON_KIND) && (request->id_count > 0 || request->match))
		return mu_error(error, -EINVAL, "%s.%s acts on the kind, and takes no id", kind, verb);
	if (request->match && !(flags & MU_BULK))
		return mu_error(error, -EINVAL, "%s.%s takes one id, and no match", kind, verb);
	if (request->match && request->id_count > 0)
		return mu_error(error, -EINVAL, "%s.%s takes ids or a match, not both", kind, verb);
	if (request->id_count > 1 && !(flags & MU_BULK))
		return mu_error(error, -EINVAL, "%s.%s takes one id, and %zu were given", kind, verb,
				request->id_count);
	if (request->id_count == 0 && !request->match && !(flags & (MU_ON_KIND | MU_ID_OPTIONAL)))
		return mu_error(error, -EINVAL, "%s.%s needs the id of %s", kind, verb, kind);
	for (size_t i = 0; i < request->id_count; i++)
		if (!object_id_valid(request->ids[i]))
			return mu_error(error, -EINVAL,
					"\"%.200s\" is no id: 1 to 255 printable bytes without blanks",
					request->ids[i]);
	return 0;
}

/* What viewers do not see they cannot look for either. */
static int check_personal(const struct mu_call *call, struct mu_error *error)
{
	const struct mu_query *query = call->query;

	if (!query || call->request->role > MU_VIEWER)
		return 0;
	for (size_t i = 0; i <= query->where_count; i++) {
		const char *name = i < query->where_count ? query->where[i].attr : query->sort;
		const struct mu_attr *attr = name ? kind_attr(call->kind, name) : NULL;
		if (attr && (attr->flags & MU_PERSONAL))
			return mu_error(error, -EACCES, "%s is about a person: viewers cannot ask for it",
					name);
	}
	return 0;
}

static int match_objects(struct mu_call *call, struct kind *kind, struct mu_error *error)
{
	c_assert(loop_is_current(loop_main()));
	size_t count;
	const struct object **objects = object_select(kind, call->query, &count);
	const char **ids = arena_array(&call->request->arena, count + 1, sizeof(*ids));

	for (size_t i = 0; i < count; i++)
		ids[i] = arena_strdup(&call->request->arena, objects[i]->id);
	free(objects);
	call->ids = ids;
	call->id_count = count;
	call->query = NULL;
	return count ? 0 : mu_error(error, -ENOENT, "no %s fulfils the match", kind->row->name);
}

static int take_objects(struct mu_call *call, struct kind *kind, struct mu_error *error)
{
	c_assert(!call->query && kind);
	struct call_request *request = call->request;
	struct mu_query query;

	call->ids = request->ids;
	call->id_count = request->id_count;
	if (!request->match)
		return 0;
	int r = command_match(&request->arena, kind->row, request->match, &query, error);
	if (r < 0)
		return r;
	call->query = arena_memdup(&request->arena, &query, sizeof(query));
	r = check_personal(call, error);
	if (r == 0 && !(kind->row->flags & MU_SERVED))
		r = match_objects(call, kind, error);
	return r;
}

/* A published kind's ids exist; those of a plugin's own verb lie with one instance, which becomes the
 * owner. */
static int find_owner(struct mu_call *call, struct kind *kind, struct mu_error *error)
{
	c_assert(call->command && kind);
	const struct command *command = call->command;
	bool own = command->generic || strcmp(command->plugin, kind->plugin) == 0;

	call->owner = command->generic ? kind->server : command->owner;
	if (kind->row->flags & MU_SERVED) {
		if (own)
			call->owner = kind->server;
		return 0;
	}
	for (size_t i = 0; i < call->id_count; i++) {
		const struct object *object = object_find(kind, call->ids[i]);
		if (!object)
			return no_object(kind, call->ids[i], error);
		if (own && i > 0 && object->owner != call->owner)
			return mu_error(error, -EINVAL, "the ids belong to %s and %s: ask each by itself",
					call->owner->name, object->owner->name);
		if (own && !command->generic) /* main answers list and get of a published kind itself */
			call->owner = object->owner;
	}
	return 0;
}

/* ---- with which words ---- */

static int no_arguments(const struct mu_call *call, struct mu_error *error)
{
	const struct mu_kind *kind = call->kind;
	const char *key = json_object_iter_key(json_object_iter(call->request->args));

	c_assert(key);
	mu_error(error, -EINVAL, "%s.%s takes no arguments", kind->name, call->row->name);
	mu_error_remedy(error, "leave \"%.100s\" out%s", key,
			json_object_size(call->request->args) > 1 ? ", and the others" : "");
	return -EINVAL;
}

static int take_args(struct mu_call *call, struct kind *kind, struct mu_error *error)
{
	c_assert(call->row && kind);
	struct call_request *request = call->request;
	const struct mu_command *row = call->row;
	struct mu_query query;

	if (request->args && !json_is_object(request->args))
		return mu_error(error, -EINVAL, "the arguments of %s.%s are an object", kind->row->name,
				row->name);
	if (call->way == CALL_LIST) {
		int r = command_query(&request->arena, kind->row, request->args, &query, error);
		if (r < 0)
			return r;
		call->query = arena_memdup(&request->arena, &query, sizeof(query));
		return check_personal(call, error);
	}
	if (!row->args || !row->args->name) {
		if (json_object_size(request->args) > 0)
			return no_arguments(call, error);
		/* a plugin that asks for them all the same gets zeroes, not NULL */
		call->args = arena_alloc(&request->arena, row->args_size ? row->args_size : 1);
		return 0;
	}
	json_t *none = request->args ? NULL : json_object();
	call->args = arena_alloc(&request->arena, row->args_size);
	int r = schema_fill_json(&request->arena, row->args, call->args, none ? none : request->args, error);
	json_decref(none);
	if (r < 0)
		mu_error_where(error, "%s.%s", kind->row->name, row->name);
	return r;
}

/* ---- for the audit ---- */

static json_t *masked(const struct mu_option *rows, const json_t *args);

static json_t *masked_value(const struct mu_option *row, json_t *value)
{
	if (row->flags & MU_SECRET)
		return json_string(OBJECT_MASK);
	if (row->type != MU_BLOCK || !row->options)
		return json_incref(value);
	if (!json_is_array(value))
		return masked(row->options, value);
	json_t *array = json_array();
	for (size_t i = 0; i < json_array_size(value); i++)
		json_array_append_new(array, masked(row->options, json_array_get(value, i)));
	return array;
}

/* Only what the rows know: nobody else can say that it is no secret. */
static json_t *masked(const struct mu_option *rows, const json_t *args)
{
	json_t *out = json_object(), *value;
	const char *key;

	json_object_foreach ((json_t *)(uintptr_t)args, key, value)
		for (const struct mu_option *row = rows; row && row->name; row++)
			if (text_equal_nocase(row->name, key))
				json_object_set_new(out, key, masked_value(row, value));
	return out;
}

/* Cut between two letters. */
static const char *cut(struct arena *arena, const struct str *text, size_t max)
{
	c_assert(max > 4);
	size_t length = text->len;

	if (length <= max)
		return arena_strdup(arena, str_text(text));
	for (length = max; length > 0 && ((unsigned char)text->data[length] & 0xc0) == 0x80;)
		length--;
	return arena_printf(arena, "%.*s…", (int)length, text->data);
}

static void note_for_audit(struct mu_call *call)
{
	c_assert(call->row && call->request);
	struct call_request *request = call->request;
	struct str text = { 0 };

	if (call->row->effect == MU_LOOK)
		return;
	for (size_t i = 0; i < request->id_count && text.len <= AUDIT_IDS_MAX; i++)
		str_printf(&text, "%s%s", i ? " " : "", request->ids[i]);
	if (request->match) {
		str_add(&text, "match ");
		json_write(&text, request->match);
	}
	call->audit_ids = cut(&request->arena, &text, AUDIT_IDS_MAX);
	str_clear(&text);
	json_t *args = masked(call->row->args, request->args);
	if (json_object_size(args) > 0)
		json_write(&text, args);
	json_decref(args);
	call->audit_args = cut(&request->arena, &text, AUDIT_ARGS_MAX);
	str_fini(&text);
}

/* ---- all of it ---- */

static enum call_way way_of(const struct command *command)
{
	if (!command->generic)
		return CALL_RUN;
	return command->row == &command_list_row ? CALL_LIST : CALL_GET;
}

int call_check_verb(struct mu_call *call, struct mu_error *error)
{
	c_assert(loop_is_current(loop_main()));
	struct call_request *request = call->request;

	c_assert(request && error);
	if (request->refusal)
		return mu_error(error, -E2BIG, "%s", request->refusal);
	int r = command_resolve(request->kind, request->verb, &call->command, error);
	if (r < 0)
		return r;
	c_assert(call->command->kind);
	call->row = call->command->row;
	call->kind = call->command->kind->row;
	call->way = way_of(call->command);
	note_for_audit(call);
	return check_role(call, error);
}

int call_check_words(struct mu_call *call, struct mu_error *error)
{
	c_assert(call->command && error);
	struct kind *kind = call->command->kind;
	int r = check_form(call, error);

	if (r == 0)
		r = take_objects(call, kind, error);
	if (r == 0)
		r = take_args(call, kind, error);
	if (r == 0)
		r = find_owner(call, kind, error);
	return r;
}
