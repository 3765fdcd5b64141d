/* call_parts: what the files of the room "call" share: the request, the call, the answer, and who waits
 * for it.
 *
 *   call_request.c  any loop: how requests, calls and answers are made and freed
 *   call_pending.c  the caller's loop: mu_call, credit, hanging up, `done`
 *   call_check.c    main: may this be asked, of whom, and with which words
 *   call.c          main: opens, routes, times, answers
 *   call_party.c    main: how much each instance has asked and owes
 *   call_key.c      main: idempotency
 *   call_reply.c    the owner's loop: what it reads of a call, and its reply
 *
 * A call may have several waiters (the same key asked twice), or none any more (hung up, expired) while
 * its owner is still at work. It ends when the owner has answered, or has ended. */
#ifndef CORE_CALL_PARTS_H
#define CORE_CALL_PARTS_H

#include <muster/command.h>
#include <muster/kind.h>

#include "base/arena.h"
#include "base/list.h"
#include "call.h"
#include "command.h"
#include "loop.h"
#include "object.h"

/* A copy of a struct mu_request. Made on the caller's loop, then main's, then the owner's to read. */
struct call_request {
	struct arena arena;
	const char *kind, *verb, *user, *source, *key;
	const char **ids;
	size_t id_count;
	json_t *match, *args; /* deep copies: nobody else has a reference */
	uint32_t role;
	mu_time deadline;
	bool dry_run;
	const char *refusal; /* too much or too long to be looked at: why; NULL */
};
struct call_request *call_request_new(struct mu_instance *self, const struct mu_request *request);
void call_request_free(struct call_request **request);

/* Immutable and counted: waiters and a key share it. */
struct call_answer {
	uint32_t count; /* atomic */
	bool part;
	struct object_bytes *bytes; /* when error.code < 0: NULL, or all that is wrong */
	struct mu_error error;
};
struct call_answer *call_answer_json(const json_t *json, bool part); /* NULL: null */
struct call_answer *call_answer_part(struct object_bytes *bytes); /* takes it */
struct call_answer *call_answer_error(const struct mu_error *error); /* its code < 0 */
struct call_answer *call_answer_ref(struct call_answer *answer);
void call_answer_unref(struct call_answer **answer);

/* The caller's handle. */
struct mu_pending {
	uint32_t count; /* atomic: the caller's, the waiter's, those of deliveries */
	struct mu_instance *self;
	struct mu_ref *home;
	void (*done)(struct mu_instance *self, const struct mu_result *result, void *data);
	void *data;
	bool over;                  /* caller's loop: hung up, or told the last */
	bool held;                  /* atomic: the caller's reference is not yet given back */
	struct call_waiter *waiter; /* main's; NULL once it is answered */
};
void pending_unref(struct mu_pending *pending);
void pending_let_go(struct mu_pending *pending); /* gives the caller's reference back, once */
void pending_deliver(struct mu_pending *pending, struct call_answer *answer); /* main */

/* Main: one who waits for an answer. */
struct call_waiter {
	struct mu_msg msg; /* brings the request to main */
	struct mu_pending *pending;
	struct call_request *request; /* until a call has taken it */
	struct mu_call *call;
	struct list node;      /* in call->waiters */
	struct list of_caller; /* in party->waiters */
	struct call_party *caller;
	struct loop_timer deadline;
};

/* Main: what an instance has asked and owes. */
struct call_party {
	struct mu_instance *instance; /* compared only */
	char key[24];
	struct list waiters; /* it made */
	struct list calls;   /* it owes an answer to */
	size_t waiter_count, call_count;
};
#define CALL_QUOTA 4096 /* calls that one instance may have open, and that one owner may owe */
struct call_party *party_get(struct mu_instance *instance); /* made when it is not there */
struct call_party *party_find(struct mu_instance *instance);
void party_add_waiter(struct call_party *party, struct call_waiter *waiter);
void party_remove_waiter(struct call_waiter *waiter);
void party_add_call(struct call_party *party, struct mu_call *call);
void party_remove_call(struct mu_call *call);
int call_quota(struct mu_instance *asks, struct mu_instance *owes, struct mu_error *error); /* -EBUSY: one is full */
int call_remedy(struct mu_error *error, int code, const char *remedy); /* adds it, and returns the code */

enum call_way { CALL_RUN = 1, CALL_LIST, CALL_GET };

#define CALL_MAGIC 0x6d756361
struct mu_call {
	uint32_t magic;
	uint32_t count; /* atomic: main's, and those of messages on their way */

	/* fixed before it is posted to its owner */
	struct call_request *request;
	struct command *command; /* main's, until it is posted */
	const struct mu_command *row;
	const struct mu_kind *kind;
	enum call_way way;
	void *args;
	struct mu_query *query; /* of a list, or a served kind's match */
	const char *const *ids;
	size_t id_count;
	int64_t until; /* monotonic */
	struct mu_instance *owner;
	struct mu_ref *to;
	const char *audit_ids, *audit_args;

	/* the owner's loop */
	void *data;
	void (*gone)(struct mu_instance *self, struct mu_call *call);
	void (*room)(struct mu_instance *self, struct mu_call *call);
	bool answered, hung_up, streams;
	int64_t credit;
	struct stream *stream; /* NULL: it has opened none */

	/* main's */
	struct list node;     /* in the open calls */
	struct list of_owner; /* in party->calls */
	struct call_party *party;
	struct list waiters;
	struct call_key *keyed;
	bool closed, told_gone, expired, unbounded, let_go;

	struct mu_msg run_msg, gone_msg, free_msg;
};
struct mu_call *call_new(struct call_request *request); /* takes it */
void call_ref(struct mu_call *call);
void call_unref(struct mu_call *call);
#define CALL_CREDIT 64

/* ---- call.c, for the caller's loop; each is a function for loop_call or a message's run ---- */
void call_arrived(struct mu_instance *self, struct mu_msg *msg); /* of a struct call_waiter */
void call_hung_up(void *pending);                                /* takes a reference on it */
struct call_credit {
	struct mu_msg msg;
	struct mu_pending *pending; /* a reference, until main has passed it on */
	struct mu_call *call;
	uint32_t parts;
};
void call_credited(struct mu_instance *self, struct mu_msg *msg);

/* ---- call_check.c ---- */
/* Which verb, and may they? 0, or the refusal in `error`. */
int call_check_verb(struct mu_call *call, struct mu_error *error);
/* On what, with which words: fills `call` up to and with its owner; NULL: main answers itself. */
int call_check_words(struct mu_call *call, struct mu_error *error);

/* ---- call_reply.c: on the owner's loop; reports come to main in order ---- */
/* mu_reply_part of text; takes it. */
int call_reply_bytes(struct mu_call *call, struct object_bytes *part);
void call_run(struct mu_instance *self, struct mu_msg *msg);
void call_run_gone(struct mu_instance *self, struct mu_msg *msg);
void call_run_credit(struct mu_instance *self, struct mu_msg *msg);
struct call_report {
	struct mu_msg msg;
	struct mu_call *call;       /* a reference */
	struct call_answer *answer; /* NULL: a stream that has begun */
};
void call_reported(struct mu_instance *self, struct mu_msg *msg); /* call.c */
uint64_t call_reply_bugs(void);                                   /* second replies, parts without credit */

/* ---- audit.c ---- */
void audit_init(void);
void audit_fini(void);

/* ---- call_key.c ---- */
struct call_key;
void key_fini(void);
/* The key's name, or NULL when the call is not to be remembered. In the call's arena. */
const char *key_name(const struct mu_call *call);
/* The same call was asked before: 1 and its answer (a new reference), 2 and the open call. 0: it is new.
 * -EEXIST: the key was another call's. */
int key_find(const struct mu_call *call, const char *name, struct call_answer **answer,
	     struct mu_call **open);
void key_open(struct mu_call *call, const char *name);
void key_answer(struct mu_call *call, struct call_answer *answer);
size_t key_count(void);

#endif
