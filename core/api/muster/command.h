/* muster/command.h: verbs on kinds, and the calls that carry them.
 *
 * A command is a row: a verb of a kind, typed arguments, who may, what it does. A call is one
 * invocation: it arrives checked, has a deadline, and is answered exactly once. The core's own verbs
 * (list and get of every kind, plugin.start, series.get …) are rows of the same table. */
#ifndef MUSTER_COMMAND_H
#define MUSTER_COMMAND_H

#include <jansson.h>
#include <muster/base.h>
#include <muster/option.h>

#ifdef __cplusplus
extern "C" {
#endif

enum mu_role { MU_VIEWER = 1, MU_OPERATOR, MU_ADMIN };
enum mu_effect {
	MU_LOOK = 1,  /* changes nothing: not in the audit, may be repeated */
	MU_CHANGE,    /* reversible */
	MU_INTERRUPT, /* something that runs is disturbed */
	MU_DESTROY,   /* cannot be taken back */
};
enum mu_command_flag {
	MU_ON_KIND = 1 << 0,  /* acts on the kind, not on one object: takes no id */
	MU_BULK = 1 << 1,     /* several ids, or a match, in one call */
	MU_DRY_RUN = 1 << 2,  /* answers mu_call_dry_run with [{kind, id, sentence}] */
	MU_LONG = 1 << 3,     /* may take over 2 s: answers by mu_job_start */
	MU_STREAM = 1 << 4,   /* answers by mu_reply_part until someone hangs up; its deadline is for `run` to return */
	MU_ID_OPTIONAL = 1 << 5, /* with an id about that object, without about all */
};

struct mu_call;

struct mu_command {
	const char *kind; /* also one of another plugin or of the core: "series" + "fetch" */
	const char *name; /* the verb: "restart"; [a-z][a-z0-9_-]* */
	const char *title; /* for a button: "Restart" */
	const char *help;
	uint32_t role;    /* enum mu_role; 0 = viewer for MU_LOOK, else operator */
	uint32_t effect;  /* enum mu_effect */
	uint32_t flags;   /* enum mu_command_flag */
	const struct mu_option *args; /* rows over a struct, as in a configuration; NULL = none */
	size_t args_size;
	mu_time deadline; /* span, at most 24 h, for callers that name none; 0 = 10 s */
	/* On the owner's loop. Must end in one mu_reply…, at once or later. */
	void (*run)(struct mu_instance *self, struct mu_call *call);
};
#define MU_COMMAND_END { .name = NULL }

/* ---- the owner's side ----
 * A call, and all that these functions return of it, is valid from `run` until you have answered it, whatever happens to
 * the caller meanwhile: one who hung up still is owed an answer, which is then dropped. mu_job_start answers too.
 * When several instances of a plugin declare a kind, a call with ids goes to the instance that put them, one without to the
 * instance started first. */

struct mu_call;

const void *mu_call_args(const struct mu_call *call);      /* the row's struct, filled and checked */
/* Did the caller give this argument, or is it the default? For an "edit" that changes only what was given. */
bool mu_call_given(const struct mu_call *call, const char *arg);
const char *mu_call_id(const struct mu_call *call);        /* the one id; NULL with MU_ON_KIND */
/* Every id: of the call, or those that its match found among a published kind. */
const char *const *mu_call_ids(const struct mu_call *call, size_t *count);
/* A served kind's match, for its owner to apply; NULL when ids were given. */
const struct mu_query *mu_call_match(const struct mu_call *call);
bool mu_call_dry_run(const struct mu_call *call);
const char *mu_call_user(const struct mu_call *call);      /* "ada", "uid 1000" */
enum mu_role mu_call_role(const struct mu_call *call);
const char *mu_call_source(const struct mu_call *call);    /* "ctl", "192.0.2.7", "plugin console" */
mu_time mu_call_left(const struct mu_call *call);          /* span until the deadline, <= 0 when past */
/* For what the owner must remember until it answers. */
void mu_call_set_data(struct mu_call *call, void *data);
void *mu_call_data(const struct mu_call *call);
/* The caller hung up, or the deadline passed: no answer is needed, one is legal. Owner's loop. */
void mu_call_on_gone(struct mu_call *call, void (*gone)(struct mu_instance *self, struct mu_call *call));

/* Exactly once; the call is no longer yours. Takes `result`, any JSON or NULL. An object may carry
 * "message" (a sentence), "undo": {"command", "args"}, "job", and for MU_BULK "failed": [{"id", "code", "sentence"}] beside a
 * message that counts the others. Answering an expired call is counted and
 * dropped. Owner's loop. */
void mu_reply(struct mu_call *call, json_t *result);
void mu_reply_text(struct mu_call *call, const char *message, ...) MU_PRINTF(2, 3); /* {"message": …} */
void mu_reply_error(struct mu_call *call, int code, const char *what, ...) MU_PRINTF(3, 4);
void mu_reply_failure(struct mu_call *call, const struct mu_error *error);

/* One piece of a stream, any JSON, before the mu_reply that ends it. Takes `part`. 0; 1 = sent, but wait for
 * `room` before the next; -EPIPE when the caller is gone: end with mu_reply; -ENOBUFS 64 parts past that, and -EINVAL
 * when it is no stream: dropped, and counted. */
int mu_reply_part(struct mu_call *call, json_t *part);
void mu_call_on_room(struct mu_call *call, void (*room)(struct mu_instance *self, struct mu_call *call));

/* ---- jobs: what outlives the call ---- */

/* An object of kind "job" with title, state, progress, sentence, who, since. Answers the call with it,
 * so the call is no longer yours. NULL (and the call answered with an error) past 1,000 open jobs. */
struct mu_job;
struct mu_job *mu_job_start(struct mu_call *call, void *data, const char *title, ...) MU_PRINTF(3, 4);
/* The same, started by the plugin itself. */
struct mu_job *mu_job_new(struct mu_instance *self, void *data, const char *title, ...) MU_PRINTF(3, 4);
void *mu_job_data(const struct mu_job *job);
/* `done` 0..1, or NAN when unknown; a sentence of where it stands, or NULL. Sent at most 5 times a second. */
void mu_job_progress(struct mu_job *job, double done, const char *sentence, ...) MU_PRINTF(3, 4);
/* Someone ran job.cancel: end soon with -ECANCELED. */
void mu_job_on_cancel(struct mu_job *job, void (*cancel)(struct mu_instance *self, struct mu_job *job));
/* code 0 = done, else failed with that negative errno (-ECANCELED: cancelled). Takes `result` or NULL. */
void mu_job_end(struct mu_job **job, int code, json_t *result, const char *sentence, ...) MU_PRINTF(4, 5);

/* ---- the caller's side: front ends, and plugins that command others ----
 * A plugin is trusted: `user` and `role` are what the front end found out about the person behind it. */

/* Written MU_REQUEST(.kind = "worker", .verb = "disable", …); copied by mu_call. A kind, verb, id, user, source
 * or key of more than 255 bytes, and more than 10,000 ids, are answered -EINVAL. */
struct mu_request {
	uint32_t size; /* MU_REQUEST's */
	const char *kind, *verb;
	const char *const *ids; /* NULL, or id_count of them */
	size_t id_count;
	json_t *match;        /* instead of ids: {"attr": "value", "attr>": n …}; borrowed */
	json_t *args;         /* an object; borrowed; NULL = none */
	const char *user;     /* who asks; NULL = the plugin itself */
	uint32_t role;        /* enum mu_role; 0 = operator */
	const char *source;   /* from where, for the audit */
	const char *key;      /* idempotency key: the same key within 10 min gets the first answer again */
	mu_time deadline;     /* span, at most 24 h; 0 = the command's own */
	bool dry_run;
};
#define MU_REQUEST(...) ((struct mu_request){ .size = sizeof(struct mu_request), __VA_ARGS__ })

struct mu_result {
	int code;              /* 0, else negative errno; -ETIMEDOUT = outcome unknown */
	bool part;             /* a piece of a stream; more will come */
	/* The result as text. When code < 0: NULL, or, where several things are wrong, all of them as
	 * [{"what", "where", "remedy"}]; `error` is the first. */
	const char *json;
	size_t json_length;
	const struct mu_error *error; /* NULL when code is 0 */
};

struct mu_pending; /* a call from its caller's side */
/* `done` runs on your loop: for each part, then once with part = false, unless cancelled before. The
 * handle is valid until that last one. Never NULL, and `done` never runs inside mu_call: a refusal comes later as well. What
 * `result` points to ends with the callback. */
struct mu_pending *mu_call(struct mu_instance *self, const struct mu_request *request,
                           void (*done)(struct mu_instance *self, const struct mu_result *result, void *data),
                           void *data);
/* Streams: `parts` more may come, 0 is nothing. They start with 64; what is given beyond 2^31 - 1 open ones is lost.
 * None after the last `done`. */
void mu_pending_credit(struct mu_pending *pending, uint32_t parts);
/* Hang up: `done` is not called again. */
void mu_pending_cancel(struct mu_pending **pending);

#ifdef __cplusplus
}
#endif
#endif
