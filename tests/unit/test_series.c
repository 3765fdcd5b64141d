/* test_series: names as collectd cleans them, the table against a plain array, threads, and what times out. */
#include "series_up.h"

/* ---- names ---- */

static void names_are_cleaned_as_collectd_does(void **state)
{
	static const struct {
		const char *plugin, *pi, *ti, *name;
	} rows[] = {
		{ "df", "/", "used", "here/df-root/gauge-used" },
		{ "df", "/home", "", "here/df-home/gauge" },
		{ "df", "/var/log", "/", "here/df-var_log/gauge-root" },
		{ "df", "//x", "a/b/", "here/df-_x/gauge-a_b_" },
		{ "a b", "", "c-d", "here/a b/gauge-c-d" },
		{ "process-supervisor", "x", NULL, "here/process_supervisor-x/gauge" },
		{ "p", NULL, ".hidden", "here/p/gauge-.hidden" },
		{ "p\xc3\xa4", "tab\there", "", "here/p\xc3\xa4-tab\there/gauge" },
	};

	(void)state;
	for (size_t i = 0; i < MU_ARRAY_LEN(rows); i++) {
		struct mu_series *series = get(NULL, rows[i].plugin, rows[i].pi, "gauge", rows[i].ti);
		assert_string_equal(mu_series_name(series), rows[i].name);
		/* the parts are those of the name */
		const struct mu_ident *ident = mu_series_ident(series);
		char whole[700];
		text_printf(whole, sizeof(whole), "%s/%s%s%s/%s%s%s", ident->host, ident->plugin,
		            *ident->plugin_instance ? "-" : "", ident->plugin_instance, ident->type,
		            *ident->type_instance ? "-" : "", ident->type_instance);
		assert_string_equal(whole, rows[i].name);
		mu_series_unref(&series);
	}
}

static void names_that_cannot_be(void **state)
{
	char name_127[128], name_128[129];
	struct mu_error error = { 0 };
	struct mu_series *series = NULL;

	(void)state;
	memset(name_127, 'n', sizeof(name_127));
	memset(name_128, 'n', sizeof(name_128));
	name_127[127] = name_128[128] = '\0';
	const struct {
		struct mu_ident ident;
		int r;
	} rows[] = {
		{ { "h", "p", "", "gauge", "" }, 0 },
		{ { name_127, name_127, name_127, "gauge", name_127 }, 0 },
		{ { name_128, "p", "", "gauge", "" }, -EINVAL },
		{ { "h", name_128, "", "gauge", "" }, -EINVAL },
		{ { "h", "p", "", "gauge", name_128 }, -EINVAL },
		{ { "", "p", "", "gauge", "" }, -EINVAL },
		{ { "h", "", "", "gauge", "" }, -EINVAL },
		{ { "h", NULL, "", "gauge", "" }, -EINVAL },
		{ { "h", "p", "", "", "" }, -EINVAL },
		{ { ".", "p", "", "gauge", "" }, -EINVAL },
		{ { "../..", "p", "", "gauge", "" }, -EINVAL },
		{ { "/.x", "p", "", "gauge", "" }, -EINVAL },
		{ { "h", ".p", "", "gauge", "" }, -EINVAL },
		{ { "h", "p", "a\nb", "gauge", "" }, -EINVAL },
		{ { "h", "p", "", "gauge", "\x7f" }, -EINVAL },
		{ { "h", "p", "", "guage", "" }, -ENOENT },
		{ { "h", "p", "", "gau-ge", "" }, -ENOENT },
	};
	for (size_t i = 0; i < MU_ARRAY_LEN(rows); i++) {
		int r = mu_series_get(&rows[i].ident, &series, &error);
		assert_int_equal(r, rows[i].r);
		assert_true((r == 0) == (series != NULL));
		if (r < 0)
			assert_true(error.what[0] && error.remedy[0]);
		mu_series_unref(&series);
	}
	error = (struct mu_error){ 0 };
	assert_int_equal(mu_series_get(&(struct mu_ident){ "h", "p", "", "perzent", "" }, &series, &error),
	                 -ENOENT);
	assert_string_equal(error.remedy, "did you mean \"percent\"?");
	assert_int_equal(series_count(), 2);
}

static void a_name_is_parsed(void **state)
{
	struct mu_error error = { 0 };
	struct mu_series *series, *again;

	(void)state;
	assert_int_equal(series_parse("h/cpu-0/cpu-idle", NULL, &series, false, &error), -ENOENT);
	assert_int_equal(series_parse("h/cpu-0/cpu-idle", NULL, &series, true, NULL), 0);
	assert_string_equal(mu_series_ident(series)->type_instance, "idle");
	assert_string_equal(mu_series_ident(series)->plugin_instance, "0");
	assert_int_equal(series_parse("cpu-0/cpu-idle", "h", &again, false, NULL), 0);
	assert_ptr_equal(series, again);
	mu_series_unref(&again);
	mu_series_unref(&series);
	assert_int_equal(series_parse("h/cpu", NULL, &series, true, &error), -EINVAL);
	assert_int_equal(series_parse("", NULL, &series, true, &error), -EINVAL);
	assert_int_equal(series_parse("h/cpu/none", NULL, &series, true, &error), -ENOENT);
}

static void the_host_may_change(void **state)
{
	struct mu_series *series = get(NULL, "p", "", "gauge", "");
	const char *before = mu_hostname();

	(void)state;
	assert_string_equal(series->ident.host, "here");
	series_hostname("there");
	assert_string_equal(mu_hostname(), "there");
	assert_string_equal(before, "here"); /* still to be read */
	mu_series_unref(&series);
	series = get(NULL, "p", "", "gauge", "");
	assert_string_equal(series->name, "there/p/gauge");
	mu_series_unref(&series);
}

/* ---- the table ---- */

static void one_name_is_one_series(void **state)
{
	struct mu_series *a = get("h", "p", "i", "gauge", "t"), *b = get("h", "p", "i", "gauge", "t"),
			 *c = NULL;

	(void)state;
	assert_ptr_equal(a, b);
	assert_int_equal(mu_series_find(&(struct mu_ident){ "h", "p", "i", "gauge", "t" }, &c), 0);
	assert_ptr_equal(a, c);
	mu_series_unref(&c);
	assert_null(c);
	assert_int_equal(mu_series_find(&(struct mu_ident){ "h", "p", "", "gauge", "t" }, &c), -ENOENT);
	/* the dashes fall elsewhere: another series with a like name */
	struct mu_series *d = get("h", "p", "i-x", "gauge", "t");
	struct mu_series *e = get("h", "p", "i", "gauge", "x-t");
	assert_ptr_not_equal(d, e);
	assert_int_equal(series_count(), 3);
	assert_string_equal(mu_series_type(a)->name, "gauge");
	mu_series_unref(&a);
	mu_series_unref(&b);
	mu_series_unref(&d);
	mu_series_unref(&e);
	mu_series_unref(&e); /* none is passed over */
	assert_int_equal(series_count(), 3); /* the table holds them */
}

enum { MANY = 2000 };

/* Comes and goes at random; what the table says is what an array says. */
static void it_does_what_an_array_does(void **state)
{
	static struct mu_series *held[MANY];
	uint64_t dice = 7;
	size_t there = 0;
	char instance[32];

	(void)state;
	for (int step = 0; step < 30000; step++) {
		dice = hash_bytes(&dice, sizeof(dice), 1);
		size_t i = dice % MANY;
		text_printf(instance, sizeof(instance), "%zu", i);
		struct mu_series *found;
		struct mu_ident ident = { "h", "p", instance, "gauge", "" };
		int r = mu_series_find(&ident, &found);
		assert_int_equal(r, held[i] ? 0 : -ENOENT);
		if (held[i]) {
			assert_ptr_equal(found, held[i]);
			series_unlink(held[i]);
			assert_true(series_is_unlinked(found));
			mu_series_unref(&found);
			mu_series_unref(&held[i]);
			there--;
		} else {
			held[i] = get("h", "p", instance, "gauge", "");
			assert_true(mu_series_index(held[i]) < MANY); /* small and dense */
			there++;
		}
		assert_int_equal(series_count(), there);
	}
	for (size_t i = 0; i < MANY; i++)
		mu_series_unref(&held[i]);
}

static void an_index_is_given_again_with_another_serial(void **state)
{
	struct mu_series *a = get("h", "p", "a", "gauge", "");
	uint32_t index = mu_series_index(a), serial = a->serial;

	(void)state;
	series_unlink(a);
	struct mu_series *b = get("h", "p", "a", "gauge", "");
	assert_ptr_not_equal(a, b);
	assert_int_not_equal(mu_series_index(b), index); /* a is still held */
	mu_series_unref(&a);
	struct mu_series *c = get("h", "p", "c", "gauge", "");
	assert_int_equal(mu_series_index(c), index);
	assert_int_not_equal(c->serial, serial);
	mu_series_unref(&b);
	mu_series_unref(&c);
}

static void a_list_by_glob(void **state)
{
	static const char *const instances[] = { "b", "a", "c" };
	size_t count = 99;

	(void)state;
	assert_null(series_match(NULL, &count));
	assert_int_equal(count, 0);
	for (size_t i = 0; i < 3; i++) {
		struct mu_series *series = get("h", "cpu", instances[i], "gauge", "");
		mu_series_unref(&series);
		series = get("h", "mem", instances[i], "gauge", "");
		mu_series_unref(&series);
	}
	struct mu_series **all = series_match(NULL, &count);
	assert_int_equal(count, 6);
	for (size_t i = 1; i < count; i++)
		assert_true(strcmp(all[i - 1]->name, all[i]->name) < 0);
	for (size_t i = 0; i < count; i++)
		mu_series_unref(&all[i]);
	free(all);
	all = series_match("h/cpu*", &count);
	assert_int_equal(count, 3);
	assert_string_equal(all[0]->name, "h/cpu-a/gauge");
	for (size_t i = 0; i < count; i++)
		mu_series_unref(&all[i]);
	free(all);
	assert_null(series_match("nothing", &count));
}

static void a_handle_may_outlive_the_table(void **state)
{
	struct mu_series *series = get("h", "p", "", "gauge", "");

	series_fini();
	assert_string_equal(mu_series_name(series), "h/p/gauge");
	assert_true(series_is_unlinked(series));
	series_init("here");
	struct mu_series *other = get("h", "p", "", "gauge", "");
	assert_ptr_not_equal(series, other);
	mu_series_unref(&series);
	(void)state;
	struct mu_series *again = get("h", "p", "", "gauge", "");
	assert_ptr_equal(again, other);
	mu_series_unref(&again);
	mu_series_unref(&other);
}

/* Many threads ask for the same names, and let go again, while main lets them time out. */
static void *get_on(void *data)
{
	uint64_t dice = (uint64_t)(uintptr_t)data;
	char instance[16];

	for (int i = 0; i < 20000; i++) {
		dice = hash_bytes(&dice, sizeof(dice), 3);
		text_printf(instance, sizeof(instance), "%u", (unsigned)(dice % 100));
		struct mu_series *series = get("h", "p", instance, "gauge", "");
		if (strcmp(series->ident.plugin_instance, instance) != 0)
			abort();
		mu_series_unref(&series);
	}
	return NULL;
}

static void many_threads_find_and_lose(void **state)
{
	pthread_t threads[3];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, get_on, (void *)(uintptr_t)(i + 1)), 0);
	for (int i = 0; i < 200; i++) {
		size_t count;
		series_expire(INT64_MAX, NULL, NULL);
		struct mu_series **all = series_match("h/p-1*", &count);
		for (size_t j = 0; j < count; j++)
			mu_series_unref(&all[j]);
		free(all);
	}
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	series_expire(INT64_MAX, NULL, NULL);
	assert_int_equal(series_count(), 0);
}

/* ---- time-outs ---- */

static void told(struct mu_series *series, void *data)
{
	assert_false(series_is_unlinked(series)); /* told first */
	str_printf(data, "%s ", series->name);
}

static void what_is_not_seen_times_out(void **state)
{
	struct mu_series *a = get("h", "a", "", "cpu", ""), *b = get("h", "b", "", "cpu", "");
	struct mu_series *silent = get("h", "silent", "", "cpu", "");
	struct str names = { 0 };
	double rate;

	(void)state;
	put_at(a, 100 * MU_SEC, 1, &rate);
	put_at(b, 100 * MU_SEC, 1, &rate);
	clock_advance(15 * MU_SEC);
	put_at(b, 115 * MU_SEC, 2, &rate);
	series_expire(clock_mono(), told, &names);
	assert_int_equal(names.len, 0);
	clock_advance(5 * MU_SEC); /* twice the interval */
	series_expire(clock_mono(), told, &names);
	assert_string_equal(str_text(&names), "h/a/cpu ");
	assert_true(series_is_unlinked(a));
	assert_false(series_is_unlinked(b));

	/* a stale sample is no sign of life: after a stamp from the future it begins anew */
	put_at(b, 99999 * MU_SEC, 3, &rate);
	for (int i = 0; i < 3; i++) {
		clock_advance(7 * MU_SEC);
		put_at(b, (122 + i) * MU_SEC, 4, &rate);
	}
	str_clear(&names);
	series_expire(clock_mono(), told, &names);
	assert_string_equal(str_text(&names), "h/b/cpu ");

	/* one that never spoke goes without a word */
	assert_false(series_is_unlinked(silent));
	clock_advance(10 * MU_MIN);
	str_clear(&names);
	series_expire(clock_mono(), told, &names);
	assert_int_equal(names.len, 0);
	assert_int_equal(series_count(), 0);
	str_fini(&names);
	mu_series_unref(&a);
	mu_series_unref(&b);
	mu_series_unref(&silent);
}

static void the_factor_counts(void **state)
{
	struct mu_series *series = get("h", "a", "", "cpu", "");
	double rate;

	(void)state;
	series_timeout_factor(5);
	put_at(series, 100 * MU_SEC, 1, &rate);
	clock_advance(49 * MU_SEC);
	series_expire(clock_mono(), NULL, NULL);
	assert_int_equal(series_count(), 1);
	clock_advance(1 * MU_SEC);
	series_expire(clock_mono(), NULL, NULL);
	assert_int_equal(series_count(), 0);
	mu_series_unref(&series);
}

static void a_slice_at_a_time(void **state)
{
	char instance[16];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		text_printf(instance, sizeof(instance), "%d", i);
		struct mu_series *series = get("h", "p", instance, "gauge", "");
		mu_series_unref(&series);
	}
	clock_advance(MU_HOUR);
	series_expire(clock_mono(), NULL, NULL);
	assert_int_equal(series_count(), 10000 - 4096);
	series_expire(clock_mono(), NULL, NULL);
	series_expire(clock_mono(), NULL, NULL);
	assert_int_equal(series_count(), 0);
}

static void an_unlinked_one_is_replaced(void **state)
{
	struct mu_series *old = get("h", "p", "i", "gauge", "t"), *held = mu_series_ref(old);

	(void)state;
	series_unlink(old);
	struct mu_series *now = series_relink(old);
	assert_non_null(now);
	assert_ptr_not_equal(now, held);
	assert_string_equal(now->name, held->name);
	assert_false(series_is_unlinked(now));
	/* once there is one, that is it */
	struct mu_series *again = series_relink(mu_series_ref(held));
	assert_ptr_equal(again, now);
	mu_series_unref(&again);
	mu_series_unref(&now);
	mu_series_unref(&held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		each(names_are_cleaned_as_collectd_does),
		each(names_that_cannot_be),
		each(a_name_is_parsed),
		each(the_host_may_change),
		each(one_name_is_one_series),
		each(it_does_what_an_array_does),
		each(an_index_is_given_again_with_another_serial),
		each(a_list_by_glob),
		each(a_handle_may_outlive_the_table),
		each(many_threads_find_and_lose),
		each(what_is_not_seen_times_out),
		each(the_factor_counts),
		each(a_slice_at_a_time),
		each(an_unlinked_one_is_replaced),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
