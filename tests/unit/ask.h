/* ask: a front end for tests: an instance that calls, and what it was told. */
#ifndef TESTS_ASK_H
#define TESTS_ASK_H

#include <jansson.h>
#include <muster/muster.h>

#include "core_up.h"

struct asked {
	size_t dones, parts;
	int code;
	json_t *json; /* of the last answer or part */
	struct mu_error error;
	struct mu_pending *pending; /* NULL once it is done */
};

void ask_up(void);   /* core_up, and the instance that asks, running */
void ask_down(void); /* stops every instance, then core_down */
struct mu_instance *ask_instance(void);
/* A second one, to see who pays for whom. */
struct mu_instance *ask_other(void);
/* Starts an instance of a plugin that is part of the test, and waits until it runs. */
struct mu_instance *ask_start(const struct mu_plugin *plugin);
struct mu_instance *ask_start_named(const struct mu_plugin *plugin, const char *name);
void ask_stop(struct mu_instance *instance);
/* The core itself, with its kinds and its store. */
struct mu_instance *ask_start_self(void);

/* `asked` is zeroed; nothing has run when it returns. */
void ask_begin(struct asked *asked, const struct mu_request *request);
void ask_begin_as(struct mu_instance *self, struct asked *asked, const struct mu_request *request);
/* And waits for the answer. "" or NULL id: none. */
void ask(struct asked *asked, const struct mu_request *request);
void ask_one(struct asked *asked, const char *kind, const char *verb, const char *id);
void asked_free(struct asked *asked);
/* Asserts on the answer. */
void asked_ok(const struct asked *asked);
void asked_failed(const struct asked *asked, int code, const char *part_of_what);
const char *asked_text(const struct asked *asked, const char *key);

#endif
