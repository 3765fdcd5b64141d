/* daemon: what starts in which order, and stops in the other. Each row of `subsystems` is a room; the plugins come
 * after all of them. Stopping is asynchronous: doors, calls, readers, writers, the core itself, then the threads. */
#include "daemon.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "bus.h"
#include "call.h"
#include "ctl.h"
#include "event.h"
#include "instance.h"
#include "kind.h"
#include "loader.h"
#include "log.h"
#include "loop.h"
#include "pool.h"
#include "route.h"
#include "self.h"
#include "series.h"
#include "store.h"
#include "types.h"

#define STOP_WHOLE                                                                                           \
	(1600 * MU_MS) /* of the 2 s that stopping may take in all; the rest is for threads and files */
#define FILES_LEAST 32
#define TELL_GONE   10 /* series that timed out told one by one */

static struct {
	struct daemon_arguments arguments;
	struct conf *conf;
	mu_time started;
	char program[1024];  /* for restart */
	char base_dir[1024]; /* as it was at start: a reload does not move it */
	int lock_fd;         /* of base_dir */
	struct mu_instance *self;
	uv_signal_t signals[3];
	bool stopping;
	bool again;
	struct loop_timer stop_timer;
} d;

const struct conf *daemon_conf(void)
{
	return d.conf;
}
mu_time daemon_started(void)
{
	return d.started;
}
bool daemon_is_stopping(void)
{
	return d.stopping;
}
const char *mu_base_dir(void)
{
	return d.base_dir;
}

struct conf *daemon_conf_swap(struct conf *after)
{
	struct conf *before = d.conf;
	d.conf = after;
	return before;
}

/* ---- start ---- */

/* Of those that main takes. They are blocked when it takes none any more, and stay so over a restart. */
static void signals_mask(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(how, &set, NULL);
}

static void start_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	mallopt(M_ARENA_MAX, 2);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN); /* until there is something to reload */
	signals_mask(SIG_UNBLOCK);
}

/* Two daemons in one folder would write the same files. The lock ends with the process, however that ends. */
static int start_alone(const char *path, struct mu_error *error)
{
	if (d.arguments.read_once)
		return 0;
	d.lock_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d.lock_fd < 0 || flock(d.lock_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return 0; /* a file system without locks: it goes without */
	mu_error(error, -EADDRINUSE, "another daemon works in \"%s\"", path);
	mu_error_remedy(error, "stop it, or give this one another BaseDir");
	return error->code;
}

static int start_base_dir(struct mu_error *error)
{
	const char *path = d.conf->globals.base_dir;
	char part[1024];

	text_copy(d.base_dir, sizeof(d.base_dir), path);
	if (d.arguments.no_base_dir)
		return start_alone(path, error);
	text_copy(part, sizeof(part), path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(part, 0755);
		*slash = '/';
	}
	if (mkdir(part, 0755) < 0 && errno != EEXIST) {
		mu_error(error, -errno, "BaseDir \"%s\" cannot be made: %s", path, strerror(errno));
		mu_error_remedy(error,
				"name another with BaseDir, or run musterd as a user who may write there");
		return error->code;
	}
	return start_alone(path, error);
}

static int start_log(struct mu_error *error)
{
	(void)error;
	daemon_apply_globals(d.conf);
	return 0;
}

static int start_types(struct mu_error *error)
{
	const struct mu_strings *files = &d.conf->globals.types_db;

	for (size_t i = 0; i < files->count; i++) {
		int r = types_load(files->items[i], error);
		if (r < 0)
			return r;
	}
	return 0;
}

static int start_series(struct mu_error *error)
{
	char name[128];

	(void)error;
	daemon_host(&d.conf->globals, name, sizeof(name));
	series_init(name);
	series_timeout_factor(d.conf->globals.timeout);
	return 0;
}

static int start_threads(struct mu_error *error)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FILES_LEAST) {
		mu_error(error, -EMFILE, "only %d files may be open at a time", (int)limit.rlim_cur);
		mu_error_remedy(error, "allow at least %d (ulimit -n, LimitNOFILE); 1024 are usual",
				FILES_LEAST);
		return error->code;
	}
	/* from here on there is something to clean up: who wants us to end is heard by watch_signals */
	signals_mask(SIG_BLOCK);
	if (!d.arguments.read_once) /* that one's lines belong among what it prints */
		log_start();
	loop_main_init();
	pool_init((size_t)d.conf->globals.pool_size);
	return 0;
}

static int start_rooms(struct mu_error *error)
{
	(void)error;
	event_init();
	bus_init();
	kind_init();
	call_init();
	job_init();
	route_init();
	store_init(d.conf->globals.base_dir);
	return 0;
}

static int start_self(struct mu_error *error)
{
	static struct conf_plugin conf = { .plugin = "muster", .name = "muster", .load_text = "" };

	(void)error;
	conf.descriptor = self_descriptor();
	conf.interval = d.conf->globals.interval;
	conf.config = config_new(0);
	d.self = instance_new(conf.descriptor, &conf);
	config_unref(&conf.config);
	instance_start(d.self);
	while (d.self->is == INSTANCE_STARTING)
		if (loop_turn(loop_main()) == 0)
			uv_run(loop_uv(loop_main()), UV_RUN_ONCE);
	if (d.self->is == INSTANCE_RUNNING)
		return 0;
	*error = d.self->error;
	return error->code;
}

static int start_ctl(struct mu_error *error)
{
	const struct conf_globals *globals = &d.conf->globals;
	char path[1024];

	if (d.arguments.read_once)
		return 0;
	if (globals->control_socket && globals->control_socket[0])
		text_copy(path, sizeof(path), globals->control_socket);
	else
		text_printf(path, sizeof(path), "%s/musterd.sock", globals->base_dir);
	return ctl_open(d.self, path, globals->control_group, error);
}

/* In the foreground somebody else knows the process; a pid file is written only when it was asked for. */
static int start_pid(struct mu_error *error)
{
	const char *path = d.arguments.pid_file ? d.arguments.pid_file : d.conf->globals.pid_file;

	if (d.arguments.read_once)
		return 0;
	if (d.arguments.foreground && !d.arguments.pid_file && conf_pid_file_is_default(&d.conf->globals))
		return 0;
	return daemon_pid_write(path, error);
}

static int start_plugins(struct mu_error *error)
{
	(void)error;
	daemon_plugins_start(d.conf, d.arguments.read_once);
	return 0;
}

static const struct subsystem {
	const char *name;
	int (*start)(struct mu_error *error);
} subsystems[] = {
	{ "BaseDir", start_base_dir }, { "log", start_log },
	{ "types", start_types },      { "series", start_series },
	{ "threads", start_threads },  { "rooms", start_rooms },
	{ "core", start_self },        { "control socket", start_ctl },
	{ "pid file", start_pid },     { "plugins", start_plugins },
};

/* ---- stop ---- */

static void on_stop_overdue(struct loop_timer *timer)
{
	(void)timer;
	log_line(MU_LOG_WARNING, "muster", "not everything stopped in time; the rest is left behind");
	loop_main_quit();
}

void daemon_stop(void)
{
	if (d.stopping)
		return;
	d.stopping = true;
	log_line(MU_LOG_NOTICE, "muster", d.again ? "stops, and starts again" : "stops");
	daemon_notify("STOPPING=1");
	loop_timer_start(loop_main(), &d.stop_timer, STOP_WHOLE, on_stop_overdue);
	ctl_stop_accepting();
	call_cancel_all("the daemon stops");
	daemon_stop_instances(d.self, d.again ? MU_STOP_RESTART : MU_STOP_END, loop_main_quit);
}

void daemon_restart(void)
{
	d.again = true;
	daemon_stop();
}

/* After the loop: threads, then memory. What is disowned still uses memory, so then nothing is freed. */
static void stop_rest(void)
{
	/* one who is impatient asks twice: the second must not kill what is being closed */
	signals_mask(SIG_BLOCK);
	for (size_t i = 0; i < MU_ARRAY_LEN(d.signals); i++)
		uv_close((uv_handle_t *)&d.signals[i], NULL);
	loop_timer_stop(&d.stop_timer);
	daemon_stop_fini();
	int left = store_fini(150 * MU_MS) + pool_fini(150 * MU_MS) + loop_stop_all(150 * MU_MS);
	while (loop_turn(loop_main()) > 0)
		;
	daemon_pid_remove();
	log_line(MU_LOG_NOTICE, "muster", "stopped");
	int mute = log_stop(150 * MU_MS);
	if (d.again) {
		execv(d.program, d.arguments.argv);
		log_line(MU_LOG_ERROR, "muster", "cannot execute \"%s\" again: %s", d.program,
			 strerror(errno));
		_exit(1);
	}
	if (left > 0 || mute > 0)
		_exit(0);
	size_t held = instance_free_all();
	if (held > 0)
		_exit(0);
	bus_fini();
	job_fini();
	call_fini();
	route_fini();
	kind_fini();
	event_fini();
	series_fini();
	loop_main_fini();
	types_fini();
	conf_free(&d.conf);
	log_fini();
}

/* ---- while it runs ---- */

struct gone {
	size_t count;
};

static void series_gone(struct mu_series *series, void *data)
{
	struct gone *gone = data;

	if (gone->count++ < TELL_GONE)
		mu_event_series(d.self, MU_WARNING, series, "no value of %s has come for %.0f s",
				mu_series_name(series), (double)(clock_mono() - series->seen_mono) / 1e9);
}

void daemon_tick(void)
{
	struct gone gone = { 0 };
	size_t slices = series_count() / 4096 + 1;

	while (slices-- > 0)
		series_expire(clock_mono(), series_gone, &gone);
	if (gone.count > TELL_GONE)
		event_core(MU_WARNING, "and of %zu other series no value has come in time",
			   gone.count - TELL_GONE);
}

static void on_signal(uv_signal_t *handle, int number)
{
	(void)handle;
	if (number != SIGHUP)
		daemon_stop();
	if (d.stopping)
		return;
	log_reopen();
	daemon_reload_soon();
}

static void watch_signals(void)
{
	static const int numbers[] = { SIGHUP, SIGTERM, SIGINT };

	for (size_t i = 0; i < MU_ARRAY_LEN(numbers); i++) {
		c_assert(uv_signal_init(loop_uv(loop_main()), &d.signals[i]) == 0);
		c_assert(uv_signal_start(&d.signals[i], on_signal, numbers[i]) == 0);
	}
	signals_mask(SIG_UNBLOCK);
}

static int start_all(struct mu_error *error)
{
	for (size_t i = 0; i < MU_ARRAY_LEN(subsystems); i++) {
		int r = subsystems[i].start(error);
		if (r < 0) {
			log_error(MU_LOG_ERROR, subsystems[i].name, error);
			return r;
		}
	}
	return 0;
}

static void remember_program(void)
{
	ssize_t length = readlink("/proc/self/exe", d.program, sizeof(d.program) - 1);
	if (length > 0)
		d.program[length] = '\0';
}

static int daemon_run(void)
{
	struct mu_error error = { .code = 0 };

	start_limits();
	d.started = mu_time_real();
	if (start_all(&error) < 0) {
		if (loop_main())
			ctl_stop_accepting();
		daemon_pid_remove();
		log_stop(150 * MU_MS);
		daemon_fork_ready(false);
		return 1;
	}
	watch_signals();
	log_line(MU_LOG_NOTICE, "muster", "musterd " PACKAGE_VERSION " runs as %s with %s", mu_hostname(),
		 d.conf->path);
	daemon_notify("READY=1");
	daemon_fork_ready(true);
	if (d.arguments.read_once)
		daemon_read_once();
	loop_main_run();
	stop_rest();
	return 0;
}

int daemon_main(int argc, char **argv)
{
	static struct conf_report report;
	int r = daemon_arguments(argc, argv, &d.arguments);

	if (r)
		return r - 1;
	daemon_fork_std();
	log_init();
	remember_program();
	if (d.arguments.test)
		return daemon_test(&d.arguments);
	if (d.arguments.describe)
		return daemon_describe(&d.arguments);
	d.conf = conf_load(d.arguments.conf_file, &report);
	daemon_print_report(&report);
	if (!d.conf) {
		fputs("musterd does not start: the configuration has errors. Mend them and try `musterd -t`.\n",
		      stderr);
		return 1;
	}
	if (!d.arguments.foreground)
		daemon_fork();
	return daemon_run();
}
