/* job_parts: what the two files of a job share: its handle on the owner's loop (job.c), its object on main
 * (job_kind.c). */
#ifndef CORE_JOB_PARTS_H
#define CORE_JOB_PARTS_H

#include <muster/command.h>
#include <muster/loop.h>

#include "base/list.h"

struct object_bytes;

enum job_state { JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_CANCELLED };

struct mu_job {
	uint32_t count; /* atomic: the owner's, main's, those of messages */
	char id[32];
	struct mu_ref *home;
	char *title, *who, *command, *plugin; /* fixed */
	mu_time since;

	/* the owner's loop */
	struct mu_instance *self;
	void *data;
	void (*cancel)(struct mu_instance *self, struct mu_job *job);
	bool over;
	struct mu_timer timer; /* armed: there is news that must wait */
	int64_t sent;          /* monotonic; 0 = never */
	double done;
	char *sentence;

	/* main's */
	struct list node;
	enum job_state state;
	bool can_cancel;
	double shown_done;
	char *shown_sentence;
	mu_time until;
	struct object_bytes *result;
};

void job_ref(struct mu_job *job);
void job_unref(struct mu_job *job);

/* A place among the jobs that may be under way, and an id. False when there is none left. Any thread. */
bool job_enter(char id[32]);
#define JOB_OPEN_MAX 1000

/* What the owner tells main. */
enum job_news { JOB_BEGUN, JOB_MOVED, JOB_CANCELLABLE, JOB_ENDED };
struct job_msg {
	struct mu_msg msg;
	struct mu_job *job; /* a reference */
			    /* What the owner tells main. */
	enum job_news news;
	double done;
	char *sentence;
	int code;
	struct object_bytes *result;
};
void job_arrived(struct mu_instance *self, struct mu_msg *msg); /* main */

#endif
