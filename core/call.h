/* call: one invocation: opened on main, run on the owner's loop, answered once, delivered to the caller's
 * loop.
 *
 * Both ways go through main, so that a reply never overtakes the change that it caused. */
#ifndef CORE_CALL_H
#define CORE_CALL_H

#include <muster/command.h>
#include <muster/kind.h>
#include <muster/store.h>

struct mu_instance;

void call_init(void); /* main loop */
void call_fini(void);
/* Main loop: the calls it owes are answered "cancelled". While it is stopping it may still answer them,
 * which is then a late reply; once it has ended they are gone, and those that it made are hung up. */
void call_instance_gone(struct mu_instance *instance);
/* Whoever waits is answered "cancelled: why"; the owners are told, and their answers no longer waited for. */
void call_cancel_all(const char *why);
/* Owner's loop: a failure for several reasons, [{"what","where","remedy"}], of which `error` is the first. Takes `all`. */
void call_reply_errors(struct mu_call *call, const struct mu_error *error, json_t *all);
struct call_stats {
	uint64_t opened, failed, expired, late_replies, refused;
	size_t open;
	uint64_t bugs; /* second replies, parts without credit */
};
void call_stats(struct call_stats *out);
#define CALL_OPEN_MAX 10000 /* calls open at once; more are refused -EBUSY */
#define CALL_KEYS_MAX 4096  /* idempotency keys remembered, 10 min each */

/* ---- jobs (job.c) ---- */
void job_init(void);
void job_fini(void);
/* Main: its open jobs fail: "its plugin stopped". While it is stopping it may still end them itself. */
void job_instance_gone(struct mu_instance *instance);
extern const struct mu_kind job_kind;
extern const struct mu_command job_commands[]; /* cancel, forget; for the core's own tables */

/* ---- audit (audit.c): every changing call: who, from where, what, outcome; in the core's store ---- */
void audit_call(const char *user, const char *source, const char *kind, const char *verb, const char *ids,
		const char *args /* without secrets */, int code, const char *outcome);
/* Main, once: the core's own store is open, and what waited is written; NULL: there is none, only the log. */
void audit_store(struct mu_store *store);
uint64_t audit_lost(void);
extern const struct mu_kind audit_kind; /* served: newest first; for the core's own tables */

#endif
