/* call_up: see call_up.h. */
#include "call_up.h"

static const struct mu_state states[] = { { "up", MU_OK, "runs" },
					  { "down", MU_FAIL, "does not" },
					  MU_STATE_END };
const struct mu_attr worker_attrs[] = { { .name = "n", .type = MU_INT },
					{ .name = "mail", .type = MU_STRING, .flags = MU_PERSONAL },
					{ .name = "token", .type = MU_STRING, .flags = MU_SECRET },
					MU_ATTR_END };
static const struct mu_kind kinds[] = {
	{ .name = "worker", .plural = "workers", .aliases = "clients", .attrs = worker_attrs, .states = states },
	MU_KIND_END
};

static const struct mu_option args[] = {
	MU_OPT_STRING(struct args, reason, .name = "reason", .dflt = "none"),
	MU_OPT_STRING(struct args, password, .name = "password", .flags = MU_SECRET),
	MU_OPT_INT(struct args, times, .name = "times", .min = 1, .max = 5, .dflt = "1"), MU_OPT_END
};

struct saw saw;

static void note(struct mu_call *call)
{
	const struct args *a = mu_call_args(call);
	size_t count;
	const char *const *ids = mu_call_ids(call, &count);

	saw.runs++;
	struct str words = { 0 };
	for (size_t i = 0; i < count; i++)
		str_printf(&words, "%s%s", i ? " " : "", ids[i]);
	text_copy(saw.ids, sizeof(saw.ids), str_text(&words));
	str_fini(&words);
	if (count == 0)
		assert_null(mu_call_id(call));
	else
		assert_ptr_equal(mu_call_id(call), ids[0]);
	text_copy(saw.user, sizeof(saw.user), mu_call_user(call));
	text_copy(saw.source, sizeof(saw.source), mu_call_source(call));
	text_copy(saw.reason, sizeof(saw.reason), a->reason ? a->reason : "");
	saw.times = a->times;
	saw.given = mu_call_given(call, "reason");
	saw.dry_run = mu_call_dry_run(call);
	saw.left = mu_call_left(call);
	saw.role = mu_call_role(call);
	assert_null(mu_call_match(call));
}

static void run_poke(struct mu_instance *self, struct mu_call *call)
{
	note(call);
	mu_reply_text(call, "%s poked by %s", mu_call_id(call) ? mu_call_id(call) : mu_name(self),
		      mu_call_user(call));
}

static void run_change(struct mu_instance *self, struct mu_call *call)
{
	note(call);
	mu_object_put(self, "worker", mu_call_id(call), json_pack("{s:i}", "n", saw.runs));
	mu_reply(call, NULL);
}

static void run_delete(struct mu_instance *self, struct mu_call *call)
{
	note(call);
	mu_object_delete(self, "worker", mu_call_id(call));
	mu_reply_text(call, "deleted for the %d. time", saw.runs);
}

static void gone(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	saw.gones++;
	assert_ptr_equal(mu_call_data(call), &saw);
}

static void run_hold(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	note(call);
	mu_call_set_data(call, &saw);
	mu_call_on_gone(call, gone);
	saw.held[saw.held_count++] = call;
}

static void run_fail(struct mu_instance *self, struct mu_call *call)
{
	struct mu_error error = { 0 };

	(void)self;
	note(call);
	if (strcmp(saw.reason, "zero") == 0) {
		mu_reply_error(call, 0, "with no code");
		return;
	}
	mu_error(&error, -EPROTO, "it spoke in tongues");
	mu_error_remedy(&error, "ask in English");
	mu_reply_failure(call, &error);
}

static void run_busy(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	clock_advance(5 * MU_SEC);
	mu_reply(call, NULL);
}

static void run_twice(struct mu_instance *self, struct mu_call *call)
{
	(void)self;
	mu_reply_text(call, "first");
	mu_reply_text(call, "second");
	mu_reply_error(call, -EIO, "third");
}

static void room(struct mu_instance *self, struct mu_call *call)
{
	(void)self, (void)call;
	saw.rooms++;
}

static void run_stream(struct mu_instance *self, struct mu_call *call)
{
	run_hold(self, call);
	mu_call_on_room(call, room);
}

static const struct mu_command commands[] = {
	{ .kind = "worker",
	  .name = "poke",
	  .effect = MU_CHANGE,
	  .args = args,
	  .args_size = sizeof(struct args),
	  .run = run_poke },
	{ .kind = "worker",
	  .name = "look",
	  .effect = MU_LOOK,
	  .flags = MU_ID_OPTIONAL,
	  .args = args,
	  .args_size = sizeof(struct args),
	  .run = run_poke },
	{ .kind = "worker",
	  .name = "many",
	  .effect = MU_INTERRUPT,
	  .flags = MU_BULK | MU_DRY_RUN,
	  .args = args,
	  .args_size = sizeof(struct args),
	  .run = run_poke },
	{ .kind = "worker",
	  .name = "new",
	  .effect = MU_CHANGE,
	  .role = MU_ADMIN,
	  .flags = MU_ON_KIND,
	  .args_size = sizeof(struct args),
	  .run = run_poke },
	{ .kind = "worker",
	  .name = "change",
	  .effect = MU_CHANGE,
	  .args_size = sizeof(struct args),
	  .run = run_change },
	{ .kind = "worker",
	  .name = "delete",
	  .effect = MU_DESTROY,
	  .args_size = sizeof(struct args),
	  .run = run_delete },
	{ .kind = "worker",
	  .name = "hold",
	  .effect = MU_CHANGE,
	  .flags = MU_ON_KIND,
	  .args = args,
	  .args_size = sizeof(struct args),
	  .deadline = 3 * MU_SEC,
	  .run = run_hold },
	{ .kind = "worker",
	  .name = "fail",
	  .effect = MU_LOOK,
	  .flags = MU_ON_KIND,
	  .args = args,
	  .args_size = sizeof(struct args),
	  .run = run_fail },
	{ .kind = "worker", .name = "busy", .effect = MU_LOOK, .flags = MU_ON_KIND, .run = run_busy },
	{ .kind = "worker", .name = "twice", .effect = MU_LOOK, .flags = MU_ON_KIND, .run = run_twice },
	{ .kind = "worker",
	  .name = "stream",
	  .effect = MU_LOOK,
	  .flags = MU_ON_KIND | MU_STREAM,
	  .args_size = sizeof(struct args),
	  .run = run_stream },
	MU_COMMAND_END
};

bool answers_at_stop, stops_in_silence;
static void farm_stop(struct mu_instance *self)
{
	if (stops_in_silence)
		return;
	for (size_t i = 0; answers_at_stop && i < saw.held_count; i++)
		mu_reply_text(saw.held[i], "I stop");
	mu_stopped(self);
}
const struct mu_plugin farm = MU_PLUGIN_INIT(farm, .kinds = kinds, .commands = commands,
						    .stop = farm_stop);

static void never(struct mu_instance *self, struct mu_call *call)
{
	(void)self, (void)call;
	saw.runs++;
}

static const struct mu_kind wall_kinds[] = { { .name = "wall", .plural = "walls" }, MU_KIND_END };
static const struct mu_command wall_commands[] = {
	{ .kind = "wall", .name = "ask", .effect = MU_LOOK, .flags = MU_ON_KIND, .run = never },
	MU_COMMAND_END
};
const struct mu_plugin wall = MU_PLUGIN_INIT(wall, .kinds = wall_kinds, .commands = wall_commands);

struct mu_instance *owner;

int up(void **state)
{
	(void)state;
	memset(&saw, 0, sizeof(saw));
	answers_at_stop = stops_in_silence = false;
	ask_up();
	owner = ask_start(&farm);
	for (int i = 0; i < 3; i++) {
		char id[] = { (char)('a' + i), '\0' };
		mu_object_put(
			owner, "worker", id,
			json_pack("{s:s, s:i, s:s}", "state", i == 1 ? "down" : "up", "n", i, "mail", "a@b"));
	}
	core_settle();
	return 0;
}

int down(void **state)
{
	struct call_stats stats;

	(void)state;
	ask_down();
	call_stats(&stats);
	assert_int_equal(stats.open, 0);
	return 0;
}

void pass(mu_time span)
{
	clock_advance(span);
	core_settle();
}

struct call_stats stats_now(void)
{
	struct call_stats stats;
	call_stats(&stats);
	return stats;
}

struct mu_request hold(void)
{
	return MU_REQUEST(.kind = "worker", .verb = "hold");
}
