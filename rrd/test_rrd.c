/* test_rrd: the whole plugin with real files, and with loop, pool, clock and calls in the test's hand. */
#include "test_series.h"

#include "rrd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ftw.h>
#include <math.h>
#include <rrd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct mu_plugin muster_plugin;

#define EPOCH (INT64_C(1700000000) * MU_SEC)

static const struct mu_source one[] = { { "value", MU_GAUGE, NAN, NAN } };
static const struct mu_type gauge = { "gauge", 1, one };

/* ---- a core in the hand ---- */

struct mu_instance {
	struct rrd_options options;
	struct rrd rrd;
	bool stopped;
};
struct mu_batch {
	struct mu_batch_head head;
	struct mu_sample samples[256];
	union mu_value values[256];
	size_t count;
};
struct mu_call {
	const char *id;
	int answers, code;
	long flushed, failed;
};

static struct mu_instance self;
static struct mu_series series[256];
static mu_time now;
static char dir[64], events[4096], status[256];
static int64_t counted[LEVEL_QUEUE + 1];
static struct {
	struct mu_timer *timer;
	mu_time due;
	void (*fired)(struct mu_instance *, struct mu_timer *);
} timers[8];
static struct mu_work *works[JOBS];

const void *mu_config(const struct mu_instance *of)
{
	return &of->options;
}

void *mu_state(const struct mu_instance *of)
{
	return (void *)(uintptr_t)&of->rrd;
}

const char *mu_base_dir(void)
{
	return dir;
}

mu_time mu_now(const struct mu_instance *of)
{
	assert_ptr_equal(of, &self);
	return now;
}

mu_time mu_time_real(void)
{
	return EPOCH + now;
}

bool mu_on_loop(const struct mu_instance *of)
{
	return of == &self;
}

void mu_stopped(struct mu_instance *of)
{
	assert_false(of->stopped);
	of->stopped = true;
}

void mu_status(struct mu_instance *of, const char *sentence, ...)
{
	va_list args;

	(void)of;
	status[0] = '\0';
	if (!sentence)
		return;
	va_start(args, sentence);
	vsnprintf(status, sizeof(status), sentence, args);
	va_end(args);
}

static void keep_event(enum mu_severity severity, const char *words, va_list args)
{
	size_t length = strlen(events);

	length += (size_t)snprintf(events + length, sizeof(events) - length, "%d ", severity);
	length += (size_t)vsnprintf(events + length, sizeof(events) - length, words, args);
	snprintf(events + length, sizeof(events) - length, "\n");
}

void mu_event(struct mu_instance *of, enum mu_severity severity, const char *words, ...)
{
	va_list args;

	(void)of;
	va_start(args, words);
	keep_event(severity, words, args);
	va_end(args);
}

void mu_event_series(struct mu_instance *of, enum mu_severity severity, const struct mu_series *about,
		     const char *words, ...)
{
	va_list args;

	(void)of;
	(void)about;
	va_start(args, words);
	keep_event(severity, words, args);
	va_end(args);
}

void mu_count(struct mu_instance *of, size_t index, int64_t more)
{
	(void)of;
	counted[index] += more;
}

void mu_level(struct mu_instance *of, size_t index, int64_t level)
{
	(void)of;
	counted[index] = level;
}

void mu_timer_start(struct mu_instance *of, struct mu_timer *timer, mu_time after,
		    void (*fired)(struct mu_instance *, struct mu_timer *))
{
	size_t at = 0;

	(void)of;
	while (timers[at].timer && timers[at].timer != timer)
		assert_true(++at < MU_ARRAY_LEN(timers));
	timers[at].timer = timer;
	timers[at].due = now + after;
	timers[at].fired = fired;
	timer->core = (struct mu_timer_core *)timer;
}

void mu_timer_stop(struct mu_timer *timer)
{
	timer->core = NULL;
}

bool mu_timer_armed(const struct mu_timer *timer)
{
	return timer->core != NULL;
}

void mu_work_start(struct mu_instance *of, struct mu_work *work)
{
	size_t at = 0;

	(void)of;
	while (works[at])
		assert_true(++at < JOBS);
	works[at] = work;
}

size_t mu_batch_count(const struct mu_batch *batch)
{
	return batch->count;
}

const char *mu_call_id(const struct mu_call *call)
{
	return call->id;
}

void mu_reply(struct mu_call *call, json_t *result)
{
	call->answers++;
	call->flushed = (long)json_integer_value(json_object_get(result, "flushed"));
	call->failed = (long)json_integer_value(json_object_get(result, "failed"));
	json_decref(result);
}

void mu_reply_error(struct mu_call *call, int code, const char *what, ...)
{
	assert_true(*what);
	call->answers++;
	call->code = code;
}

bool mu_glob(const char *glob, const char *text)
{
	return fnmatch(glob, text, 0) == 0;
}

int mu_error(struct mu_error *error, int code, const char *what, ...)
{
	(void)error;
	(void)what;
	return code;
}

int mu_scan_u64(const char **p, uint64_t *out)
{
	char *end;

	*out = strtoull(*p, &end, 10);
	if (end == *p)
		return -EINVAL;
	*p = end;
	return 0;
}

/* ---- what a test does ---- */

/* What has been given to the pool so far; `run` false: it never got to it. Returns how many. */
static size_t work(bool run)
{
	struct mu_work *mine[JOBS];
	size_t count = 0;

	for (size_t i = 0; i < JOBS; i++)
		if (works[i])
			mine[count++] = works[i];
	memset(works, 0, sizeof(works));
	for (size_t i = 0; i < count; i++) {
		if (run)
			mine[i]->run(mine[i]);
		mine[i]->done(&self, mine[i], run ? 0 : -EBUSY);
	}
	return count;
}

static void work_all(void)
{
	while (work(true) > 0)
		;
}

static void pass(mu_time span)
{
	mu_time until = now + span;

	for (;;) {
		size_t next = MU_ARRAY_LEN(timers);
		for (size_t i = 0; i < MU_ARRAY_LEN(timers); i++)
			if (timers[i].timer && timers[i].timer->core && timers[i].due <= until &&
			    (next == MU_ARRAY_LEN(timers) || timers[i].due < timers[next].due))
				next = i;
		if (next == MU_ARRAY_LEN(timers))
			break;
		now = timers[next].due > now ? timers[next].due : now;
		timers[next].timer->core = NULL;
		timers[next].fired(&self, timers[next].timer);
	}
	now = until;
}

static void put(uint32_t from, uint32_t to, uint32_t flags)
{
	static struct mu_batch batch;

	batch.head = (struct mu_batch_head){ .samples = batch.samples, .stride = sizeof(batch.samples[0]) };
	batch.count = 0;
	for (uint32_t i = from; i < to; i++) {
		batch.values[batch.count].gauge = (double)now / (double)MU_SEC;
		batch.samples[batch.count] = (struct mu_sample){ .series = &series[i],
								 .time = EPOCH + now,
								 .interval = MU_SEC,
								 .count = 1,
								 .flags = flags,
								 .values = &batch.values[batch.count] };
		batch.count++;
	}
	muster_plugin.write(&self, &batch);
}

static const char *path_of(uint32_t i)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/rrd/%s.rrd", dir, series[i].name);
	return path;
}

static int64_t last_of(uint32_t i)
{
	return (int64_t)rrd_last_r(path_of(i)) - EPOCH / MU_SEC;
}

static struct mu_call flush(const char *id)
{
	return (struct mu_call){ .id = id };
}

static int begin(void **state)
{
	(void)state;
	memset(&self, 0, sizeof(self));
	memset(counted, 0, sizeof(counted));
	memset(timers, 0, sizeof(timers));
	memset(works, 0, sizeof(works));
	events[0] = status[0] = '\0';
	fake_refs = 0;
	now = 100 * MU_SEC;
	for (uint32_t i = 0; i < MU_ARRAY_LEN(series); i++) {
		series[i] = (struct mu_series){ .index = i, .type = &gauge };
		snprintf(series[i].name, sizeof(series[i].name), "h/p%u/gauge-%u", i % 4, i);
	}
	snprintf(dir, sizeof(dir), "/tmp/test_rrd.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	self.options = (struct rrd_options){
		.data_dir = "rrd", .cache_timeout = 45 * MU_SEC, .xff = 0.1, .rows = 10, .limit = 1 << 20
	};
	return muster_plugin.start(&self, NULL);
}

static int remove_one(const char *name, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(name);
}

static int end(void **state)
{
	(void)state;
	if (!self.stopped && !self.rrd.stopping) {
		muster_plugin.stop(&self);
		work_all();
	}
	assert_true(self.stopped);
	assert_int_equal(fake_refs, 0);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- tests ---- */

static void values_come_into_their_files(void **state)
{
	(void)state;
	put(0, 3, 0);
	work_all();
	assert_int_equal(last_of(2), 100);
	assert_int_equal(counted[COUNT_CREATED], 3);
	for (int i = 0; i < 120; i++) {
		pass(MU_SEC);
		put(0, 3, 0);
		work_all();
	}
	assert_in_range(last_of(0), 220 - 46, 220);
	assert_in_range(counted[COUNT_UPDATES], 9, 15);
	assert_int_equal(counted[COUNT_VALUES] + counted[LEVEL_PENDING], 3 * 121);
	assert_int_equal(counted[COUNT_ERRORS], 0);
	assert_string_equal(events, "");
}

static void nothing_to_do_leaves_the_loop_alone(void **state)
{
	(void)state;
	put(0, 1, 0);
	work_all();
	pass(2 * MU_SEC);
	assert_false(mu_timer_armed(&self.rrd.tick));
}

static void flush_answers_when_it_is_on_disk(void **state)
{
	(void)state;
	struct mu_call call = flush("h/p1/gauge-1");

	put(0, 8, 0);
	work_all();
	pass(MU_SEC);
	put(0, 8, 0);
	flush_run(&self, &call);
	assert_int_equal(call.answers, 0);
	assert_int_equal(last_of(1), 100);
	work_all();
	assert_int_equal(call.answers, 1);
	assert_int_equal(call.flushed, 1);
	assert_int_equal(last_of(1), 101);
	assert_int_equal(last_of(5), 100);
	/* there is nothing more */
	call = flush("h/p1/gauge-1");
	flush_run(&self, &call);
	assert_int_equal(call.answers, 1);
	assert_int_equal(call.flushed, 0);
	call = flush("no/such/series");
	flush_run(&self, &call);
	assert_int_equal(call.answers, 1);
	/* a glob, then all that is left (the series with index 0 has been written, and 1) */
	call = flush("h/p1/*");
	flush_run(&self, &call);
	work_all();
	assert_int_equal(call.flushed, 1);
	assert_int_equal(last_of(5), 101);
	call = flush(NULL);
	flush_run(&self, &call);
	work_all();
	assert_int_equal(call.flushed, 6);
	assert_int_equal(call.failed, 0);
	assert_int_equal(last_of(7), 101);
}

static void who_names_one_finds_room_beside_those_who_name_all(void **state)
{
	const size_t others = 262144 / 4 * 3;
	struct mu_call all = flush(NULL), named = flush("h/p1/gauge-1");

	(void)state;
	put(0, 8, 0);
	work_all();
	pass(MU_SEC);
	put(0, 8, 0);
	self.rrd.waits = others;
	flush_run(&self, &all);
	assert_int_equal(all.flushed, 0);
	assert_int_equal(all.failed, 1);
	flush_run(&self, &named);
	work_all();
	assert_int_equal(named.flushed, 1);
	assert_int_equal(self.rrd.waits, others);
	self.rrd.waits = 0;
}

static void many_may_wait_for_the_same_write(void **state)
{
	(void)state;
	struct mu_call calls[3] = { flush("*"), flush(NULL), flush("h/p0/gauge-0") };

	put(0, 100, 0); /* the first values: two jobs of 64 are on their way */
	for (size_t i = 0; i < 3; i++)
		flush_run(&self, &calls[i]);
	work_all();
	assert_int_equal(calls[0].flushed, 100);
	assert_int_equal(calls[1].flushed, 100);
	assert_int_equal(calls[2].flushed, 1);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(calls[i].answers, 1);
	assert_int_equal(self.rrd.waits, 0);
}

static void writes_per_second_hold_back_all_but_flush(void **state)
{
	(void)state;
	self.options.writes_per_second = 8;
	put(0, 200, 0);
	for (int i = 0; i < 100; i++) {
		work_all();
		pass(100 * MU_MS);
	}
	assert_in_range(counted[COUNT_UPDATES], 78, 84);
	struct mu_call call = flush(NULL);
	flush_run(&self, &call);
	work_all();
	assert_int_equal(call.flushed, 200 - counted[COUNT_UPDATES] + call.flushed);
	assert_int_equal(counted[COUNT_UPDATES], 200);
	assert_int_equal(call.answers, 1);
}

static void one_cause_is_said_once(void **state)
{
	(void)state;
	char way[128];

	/* a file where the folder should be: every series fails */
	snprintf(way, sizeof(way), "%s/rrd", dir);
	int fd = open(way, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	close(fd);
	put(0, 50, 0);
	work_all();
	assert_int_equal(counted[COUNT_ERRORS], 50);
	assert_int_equal(counted[COUNT_LOST], 0);
	assert_int_equal(counted[LEVEL_PENDING], 50);
	assert_string_equal(
		events, "1 RRD file of h/p0/gauge-0: what lies in its place is no RRD file that can be read "
			"(Not a directory); its values are kept for another try: move it away\n");
	assert_string_equal(status,
			    "cannot write 50 files: what lies in its place is no RRD file that can be read");
	for (int i = 0; i < 20; i++) {
		pass(MU_SEC);
		put(0, 50, 0);
		work_all();
	}
	struct mu_call call = flush("h/p2/gauge-2");
	flush_run(&self, &call);
	work_all();
	assert_int_equal(call.failed, 1);
	assert_int_equal(strchr(events, '\n') - events + 1, strlen(events));
	/* it is moved away: all goes well, nothing is lost */
	assert_int_equal(unlink(way), 0);
	pass(5 * MU_MIN);
	work_all();
	assert_int_equal(last_of(49), 120);
	assert_int_equal(counted[COUNT_VALUES], 50 * 21);
	assert_non_null(strstr(events, "\n4 no RRD file is held up any more because what lies in its place"));
	assert_string_equal(status, "");
}

static void one_foreign_file_is_that_files_trouble(void **state)
{
	(void)state;
	char folder[160];

	snprintf(folder, sizeof(folder), "%s/rrd/h/p3", dir);
	put(0, 8, 0);
	work_all();
	int fd = open(path_of(3), O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	close(fd);
	pass(MU_SEC);
	put(0, 8, 0);
	struct mu_call call = flush(NULL);
	flush_run(&self, &call);
	work_all();
	assert_int_equal(call.flushed, 7);
	assert_int_equal(call.failed, 1);
	assert_int_equal(last_of(7), 101);
	assert_non_null(strstr(events, "1 RRD file of h/p3/gauge-3: what lies in its place"));
	assert_string_equal(status,
			    "cannot write 1 file: what lies in its place is no RRD file that can be read");
}

static void a_clock_that_goes_back_is_told(void **state)
{
	(void)state;
	now += MU_HOUR;
	put(0, 4, 0);
	work_all();
	now -= MU_HOUR; /* in this test both clocks are one */
	put(0, 4, MU_SAMPLE_STALE);
	put(0, 4, 0);
	assert_int_equal(counted[COUNT_PAST], 8);
	assert_string_equal(
		events,
		"2 RRD file of h/p0/gauge-0: the file's last update is ahead of the clock (ahead); its "
		"values are left out: set the clock right, or move the file away\n");
	pass(2 * MU_HOUR);
	put(0, 4, 0);
	flush_run(&self, &(struct mu_call){ .id = NULL });
	work_all();
	assert_non_null(strstr(events, "\n4 no RRD file is held up"));
}

static void a_busy_pool_loses_nothing(void **state)
{
	(void)state;
	put(0, 10, 0);
	assert_int_equal(work(false), 1);
	assert_int_equal(counted[COUNT_ERRORS], 10);
	assert_int_equal(counted[LEVEL_PENDING], 10);
	pass(3 * MU_SEC);
	work_all();
	assert_int_equal(counted[COUNT_VALUES], 10);
}

static void a_hanging_write_is_told_and_holds_up_no_other(void **state)
{
	(void)state;
	put(0, 1, 0);
	struct mu_work *hangs = works[0];
	works[0] = NULL; /* nobody comes back from there */
	for (int i = 0; i < 40; i++) {
		pass(MU_SEC);
		put(0, 2, 0);
		work_all();
	}
	struct mu_call call = flush("h/p1/gauge-1");
	flush_run(&self, &call);
	work_all();
	assert_true(call.flushed == 1 || counted[LEVEL_PENDING] < 40);
	assert_int_equal(last_of(1), 140);
	assert_non_null(strstr(events, "hangs; values wait"));
	hangs->run(hangs);
	hangs->done(&self, hangs, 0);
	assert_non_null(strstr(events, "4 writing RRD files goes on after 40 s"));
	work_all();
	assert_true(last_of(0) >= 100);
}

static void stop_writes_what_waits(void **state)
{
	(void)state;
	put(0, 200, 0);
	work_all();
	pass(MU_SEC);
	put(0, 200, 0);
	muster_plugin.stop(&self);
	assert_false(self.stopped);
	struct mu_call call = flush(NULL);
	flush_run(&self, &call);
	assert_int_equal(call.code, -ESHUTDOWN);
	work_all();
	assert_true(self.stopped);
	assert_string_equal(events, "");
	for (uint32_t i = 0; i < 200; i++)
		assert_int_equal(last_of(i), 101);
	assert_int_equal(counted[COUNT_LOST], 0);
}

static void stop_with_nothing_is_at_once(void **state)
{
	(void)state;
	muster_plugin.stop(&self);
	assert_true(self.stopped);
}

static void stop_past_its_time_counts_what_is_left(void **state)
{
	(void)state;
	put(0, 250, 0);
	work_all();
	pass(MU_SEC);
	put(0, 250, 0);
	muster_plugin.stop(&self);
	work(true); /* two jobs of 64 files; two more are given out, and are too slow */
	pass(900 * MU_MS);
	assert_false(self.stopped);
	work_all();
	assert_true(self.stopped);
	assert_int_equal(counted[COUNT_LOST], 250 - 128);
	assert_string_equal(events, "1 stopped with 122 rows not written to their RRD files\n");
}

static void stop_says_so_when_a_write_hangs(void **state)
{
	(void)state;
	put(0, 2, 0);
	struct mu_work *hangs = works[0];
	works[0] = NULL;
	muster_plugin.stop(&self);
	pass(MU_SEC);
	assert_false(self.stopped);
	assert_string_equal(events, "1 stopped with 2 rows not written to their RRD files\n");
	hangs->done(&self, hangs, -ECANCELED);
	assert_true(self.stopped);
	assert_int_equal(counted[COUNT_LOST], 2);
}

static void reconfigure_restarts_only_for_folder_and_layout(void **state)
{
	(void)state;
	struct rrd_options before = self.options, after = self.options;

	put(0, 1, 0);
	work_all();
	after.cache_timeout = 0;
	self.options = after;
	assert_int_equal(muster_plugin.reconfigure(&self, &before, &after, NULL), 0);
	pass(MU_SEC);
	put(0, 1, 0);
	work_all();
	assert_int_equal(last_of(0), 101);
	after.rows = 11;
	assert_int_equal(muster_plugin.reconfigure(&self, &before, &after, NULL), 1);
	after = before;
	after.data_dir = "elsewhere";
	assert_int_equal(muster_plugin.reconfigure(&self, &before, &after, NULL), 1);
	static const char *const spans[] = { "60", "30" };
	after = before;
	after.spans = (struct mu_strings){ spans, 2 };
	assert_int_equal(muster_plugin.reconfigure(&self, &before, &after, NULL), 1);
}

static void options_are_checked(void **state)
{
	(void)state;
	static const char *const good[] = { "3600", "86400" }, *const bad[] = { "3600", "1d" },
				 *const none[] = { "0" };
	static const char *const cfs[] = { "MAX", "LAST" }, *const wrong[] = { "MEDIAN" };
	struct mu_strings value = { good, 2 };

	for (const struct mu_option *row = muster_plugin.options; row->name; row++) {
		bool spans = strcmp(row->name, "RRATimespan") == 0;
		if (!row->check)
			continue;
		value = spans ? (struct mu_strings){ good, 2 } : (struct mu_strings){ cfs, 2 };
		assert_int_equal(row->check(&value, NULL), 0);
		value = spans ? (struct mu_strings){ bad, 2 } : (struct mu_strings){ wrong, 1 };
		assert_int_equal(row->check(&value, NULL), -EINVAL);
		value = (struct mu_strings){ none, 1 };
		assert_int_equal(row->check(&value, NULL), -EINVAL);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(values_come_into_their_files),
		TEST(nothing_to_do_leaves_the_loop_alone),
		TEST(flush_answers_when_it_is_on_disk),
		TEST(who_names_one_finds_room_beside_those_who_name_all),
		TEST(many_may_wait_for_the_same_write),
		TEST(writes_per_second_hold_back_all_but_flush),
		TEST(one_cause_is_said_once),
		TEST(one_foreign_file_is_that_files_trouble),
		TEST(a_clock_that_goes_back_is_told),
		TEST(a_busy_pool_loses_nothing),
		TEST(a_hanging_write_is_told_and_holds_up_no_other),
		TEST(stop_writes_what_waits),
		TEST(stop_with_nothing_is_at_once),
		TEST(stop_past_its_time_counts_what_is_left),
		TEST(stop_says_so_when_a_write_hangs),
		TEST(reconfigure_restarts_only_for_folder_and_layout),
		TEST(options_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
