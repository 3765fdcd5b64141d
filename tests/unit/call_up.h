/* call_up: farm, the plugin whose three workers a, b (down) and c are asked, and what it saw of it. */
#ifndef CALL_UP_H
#define CALL_UP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "call.h"
#include "kind.h"
#include "object.h"

struct args {
	const char *reason, *password;
	int64_t times;
};

/* What the owner saw, and the call that it holds. */
struct saw {
	int runs, gones, rooms;
	struct mu_call *held[8];
	size_t held_count;
	char ids[256];
	char user[32], source[64], reason[32];
	int64_t times;
	bool given, dry_run;
	mu_time left;
	int role;
};
extern struct saw saw;

extern const struct mu_attr worker_attrs[];
extern const struct mu_plugin farm;
extern const struct mu_plugin wall;            /* never answers */
extern struct mu_instance *owner;              /* farm's */
extern bool answers_at_stop, stops_in_silence; /* when farm stops it answers what it holds; or says nothing at all */

int up(void **state);
int down(void **state);
void pass(mu_time span);
struct call_stats stats_now(void);
struct mu_request hold(void);

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

#endif
