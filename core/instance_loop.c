/* instance_loop: what happens to an instance on its own loop: start, new options, stop, the end.
 *
 * Each step that main asks for is answered by a message to main; the instance ends here, once it has said that it
 * is stopped and no work of its own is under way. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/str.h"
#include "bus.h"
#include "instance.h"
#include "log.h"

static void answer_started(void *data)
{
	struct mu_instance *instance = data;
	instance_step(instance, INSTANCE_STARTED);
	instance_release(instance);
}

static void answer_refused(void *data)
{
	struct mu_instance *instance = data;
	instance->error = instance->start_error;
	instance_step(instance, INSTANCE_REFUSED);
	instance_release(instance);
}

static void answer_ended(void *data)
{
	struct mu_instance *instance = data;
	instance_step(instance, INSTANCE_ENDED);
	instance_release(instance);
}

/* The hold that came with the message from main goes back with the answer. */
void instance_loop_start(void *data)
{
	struct mu_instance *self = data;

	c_assert(mu_on_loop(self));
	if (self->start_result == 0 && self->plugin->start)
		self->start_result = self->plugin->start(self, &self->start_error);
	if (self->start_result >= 0) {
		loop_call(loop_main(), answer_started, self);
		return;
	}
	if (!self->start_error.what[0])
		mu_error(&self->start_error, self->start_result, "the plugin did not start: %s",
			 strerror(-self->start_result));
	self->stop_said = true;
	instance_loop_settle(self);
	instance_release(self);
}

void instance_loop_stop(void *data)
{
	struct mu_instance *self = data;

	c_assert(mu_on_loop(self));
	if (self->queue)
		bus_drain_writer(self, self->queue);
	self->queue = NULL;
	work_cancel_all(self);
	/* one that has ended by itself meanwhile is not asked again */
	if (self->plugin->stop && !self->stop_said)
		self->plugin->stop(self);
	else
		mu_stopped(self);
	instance_release(self);
}

void mu_stopped(struct mu_instance *self)
{
	c_assert(mu_on_loop(self));
	if (self->stop_said)
		return;
	self->stop_said = true;
	instance_loop_settle(self);
}

void instance_loop_settle(struct mu_instance *self)
{
	if (!self->stop_said || !list_empty(&self->works) || !self->ref->instance)
		return;
	timer_cancel_all(self);
	ref_end(self->ref);
	instance_hold(self);
	loop_call(loop_main(), self->start_result < 0 ? answer_refused : answer_ended, self);
}

/* ---- new options ---- */

struct swap {
	struct mu_instance *instance;
	struct config *config;
};

static void answer_restart(void *data)
{
	struct mu_instance *instance = data;
	if (instance->is == INSTANCE_RUNNING)
		instance_restart(instance, NULL);
	instance_release(instance);
}

static void swap_refused(struct mu_instance *self, int result, struct mu_error *error)
{
	if (!error->what[0])
		mu_error(error, result, "the new options were refused: %s", strerror(-result));
	log_error(MU_LOG_ERROR, self->name, error);
	mu_event(self, MU_WARNING, "%s could not take its new options and restarts with them: %s", self->name,
		 error->what);
}

static void loop_reconfigure(void *data)
{
	struct swap *swap = data;
	struct mu_instance *self = swap->instance;
	struct config *before = self->config;
	struct mu_error error = { .code = 0 };

	if (!self->ref->instance || self->stop_said) {
		config_unref(&swap->config);
		instance_release(self);
		free(swap);
		return;
	}
	self->config = swap->config;
	free(swap);
	int result = self->plugin->reconfigure(self, before->data, self->config->data, &error);
	config_unref(&before);
	if (result == 0) {
		instance_release(self);
		return;
	}
	if (result < 0)
		swap_refused(self, result, &error);
	loop_call(loop_main(), answer_restart, self);
}

void instance_loop_reconfigure(struct mu_instance *instance, struct config *config)
{
	struct swap *swap = mem_alloc(sizeof(*swap));

	swap->instance = instance;
	swap->config = config_ref(config);
	instance_hold(instance);
	loop_call_for(instance, loop_reconfigure, swap);
}

/* ---- a sentence for `plugin list` ---- */

struct status_msg {
	struct mu_instance *instance;
	char text[256];
};

static void status_set(void *data)
{
	struct status_msg *status = data;

	text_copy(status->instance->status, sizeof(status->instance->status), status->text);
	instance_changed(status->instance);
	instance_release(status->instance);
	free(status);
}

void mu_status(struct mu_instance *self, const char *sentence, ...)
{
	struct status_msg *status = mem_alloc(sizeof(*status));
	va_list args;

	if (sentence) {
		va_start(args, sentence);
		vsnprintf(status->text, sizeof(status->text), sentence, args);
		va_end(args);
	}
	instance_hold(self);
	status->instance = self;
	loop_call(loop_main(), status_set, status);
}
