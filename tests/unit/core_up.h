/* core_up: the rooms of the daemon for a test, without files, sockets or plugins, on the clock that the test holds. */
#ifndef TESTS_CORE_UP_H
#define TESTS_CORE_UP_H

#include "instance.h"

void core_up(void);
/* Everything ended and freed; fails the test when something is still held. */
void core_down(void);
/* Turns of main until nothing is left to run and no worker is busy. */
void core_settle(void);
/* Turns of main until `truth` holds; fails the test after ten seconds of real time. */
void core_until(bool (*truth)(void *data), void *data);
/* An instance of a plugin that is part of the test, in the directory, stopped. */
struct mu_instance *core_instance(const struct mu_plugin *plugin, mu_time interval);

#endif
