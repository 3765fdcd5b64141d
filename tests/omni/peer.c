/* peer: a small neighbour of omni: may have many instances, counts what it is given, and owns objects of one kind together
 * with its other instances. */
#include <muster/muster.h>
#include <stdlib.h>
#include <string.h>

struct config {
	const char *word;
};
static const struct mu_option options[] = {
	MU_OPT_STRING(struct config, word, .name = "Word", .dflt = "peer", .help = "what it answers"),
	MU_OPT_END
};

struct peer {
	uint64_t batches, samples;
};

enum { SAMPLES };
static const struct mu_counter counters[] = {
	[SAMPLES] = { .name = "samples", .help = "values it was given" }, MU_COUNTER_END
};

static const struct mu_attr attrs[] = {
	{ .name = "word", .type = MU_STRING, .help = "what it answers" },
	MU_ATTR_END
};
static const struct mu_kind kinds[] = {
	{ .name = "peer", .plural = "peers", .help = "an instance of peer", .attrs = attrs, .title = "word" },
	MU_KIND_END
};

static void run_tell(struct mu_instance *self, struct mu_call *call)
{
	const struct peer *peer = mu_state(self);
	const struct config *config = mu_config(self);

	mu_reply(call, json_pack("{s:s, s:s, s:I, s:I}", "name", mu_name(self), "word", config->word,
				 "batches", (json_int_t)peer->batches, "samples", (json_int_t)peer->samples));
}

/* A verb of its own on a kind of another plugin. */
static void run_greet(struct mu_instance *self, struct mu_call *call)
{
	mu_reply_text(call, "%s greets %s", mu_name(self), mu_call_id(call));
}

static const struct mu_command commands[] = {
	{ .kind = "peer", .name = "tell", .title = "Tell", .help = "what it was given", .effect = MU_LOOK,
	  .flags = MU_ID_OPTIONAL, .run = run_tell },
	{ .kind = "thing", .name = "greet", .title = "Greet", .help = "a verb on another plugin's kind",
	  .effect = MU_CHANGE, .run = run_greet },
	MU_COMMAND_END
};

static int peer_start(struct mu_instance *self, struct mu_error *error)
{
	const struct config *config = mu_config(self);
	int r = mu_object_put(self, "peer", mu_name(self), json_pack("{s:s}", "word", config->word));

	return r < 0 ? mu_error(error, r, "its object was refused: %s", strerror(-r)) : 0;
}

static void peer_write(struct mu_instance *self, const struct mu_batch *batch)
{
	struct peer *peer = mu_state(self);

	peer->batches++;
	peer->samples += mu_batch_count(batch);
	mu_count(self, SAMPLES, (int64_t)mu_batch_count(batch));
}

MU_PLUGIN(peer, .about = "a neighbour; for tests", .loop = "peer", .config_size = sizeof(struct config),
          .state_size = sizeof(struct peer), .options = options, .kinds = kinds, .commands = commands,
          .counters = counters, .start = peer_start, .write = peer_write);
