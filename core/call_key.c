/* call_key: the same key within ten minutes gets the first answer again, and nothing is done twice. Main
 * loop.
 *
 * A key is the user's and the verb's. It is remembered from the moment that its call is opened: who asks
 * again while the first is still open waits beside it. Looking has no key: it may be repeated. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "call_parts.h"

#define KEEP      (10 * MU_MIN)
#define BYTES_MAX (16 * 1024 * 1024)

struct call_key {
	struct list node; /* oldest first */
	char *name;
	uint64_t print;             /* of ids, match and arguments */
	int64_t until;              /* monotonic */
	struct mu_call *call;       /* while it is open */
	struct call_answer *answer; /* then */
};

static struct list keys = { &keys, &keys };
static struct map by_name;
static size_t answer_bytes;

static size_t size_of(const struct call_answer *answer)
{
	return sizeof(*answer) + (answer->bytes ? answer->bytes->length : 0);
}

static void key_free(struct call_key *key)
{
	list_remove(&key->node);
	map_del(&by_name, key->name);
	if (key->call)
		key->call->keyed = NULL;
	if (key->answer)
		answer_bytes -= size_of(key->answer);
	call_answer_unref(&key->answer);
	free(key->name);
	free(key);
}

static struct call_key *oldest(void)
{
	return list_empty(&keys) ? NULL : list_entry(keys.next, struct call_key, node);
}

/* Those past their time, and the oldest while there are too many. */
static void forget(void)
{
	int64_t now = clock_mono();
	struct call_key *key;

	while ((key = oldest()) &&
	       (key->until <= now || by_name.count > CALL_KEYS_MAX || answer_bytes > BYTES_MAX))
		key_free(key);
}

const char *key_name(const struct mu_call *call)
{
	const struct call_request *request = call->request;

	if (!request->key || !request->key[0] || request->dry_run || call->row->effect == MU_LOOK ||
	    (call->row->flags & MU_STREAM))
		return NULL;
	return arena_printf(&call->request->arena, "%s\x1f%s\x1f%s\x1f%s", request->user, call->kind->name,
			    call->row->name, request->key);
}

static uint64_t print_of(const struct mu_call *call)
{
	const struct call_request *request = call->request;
	struct str text = { 0 };

	for (size_t i = 0; i < request->id_count; i++)
		str_printf(&text, "%s ", request->ids[i]);
	if (request->match)
		json_write(&text, request->match);
	str_add_byte(&text, '\n');
	if (json_object_size(request->args) > 0)
		json_write(&text, request->args);
	uint64_t print = hash_bytes(text.data, text.len, hash_seed());
	str_fini(&text);
	return print;
}

int key_find(const struct mu_call *call, const char *name, struct call_answer **answer, struct mu_call **open)
{
	c_assert(loop_is_current(loop_main()));
	c_assert(name && answer && open);
	forget();
	const struct call_key *key = map_get(&by_name, name);
	if (!key)
		return 0;
	if (key->print != print_of(call))
		return -EEXIST;
	if (key->answer) {
		*answer = call_answer_ref(key->answer);
		return 1;
	}
	c_assert(key->call);
	*open = key->call;
	return 2;
}

void key_open(struct mu_call *call, const char *name)
{
	c_assert(loop_is_current(loop_main()));
	struct call_key *key = mem_alloc(sizeof(*key));

	c_assert(!call->keyed && !map_get(&by_name, name));
	key->name = mem_strdup(name);
	key->print = print_of(call);
	key->until = clock_mono() + KEEP;
	key->call = call;
	call->keyed = key;
	list_add(&keys, &key->node);
	map_put(&by_name, name, key);
	forget();
}

void key_answer(struct mu_call *call, struct call_answer *answer)
{
	c_assert(loop_is_current(loop_main()));
	struct call_key *key = call->keyed;

	c_assert(key && key->call == call && !key->answer);
	key->call = NULL;
	call->keyed = NULL;
	key->answer = call_answer_ref(answer);
	answer_bytes += size_of(answer);
	forget();
}

size_t key_count(void)
{
	return by_name.count;
}

void key_fini(void)
{
	while (oldest())
		key_free(oldest());
	c_assert(answer_bytes == 0);
	map_fini(&by_name);
}
