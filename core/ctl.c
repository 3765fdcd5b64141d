/* ctl: the control socket: where it lies, who may come in, and how many.
 *
 * The file mode lets everybody in, since a viewer's rights are everybody's; with a group it is that group's.
 * The last places are kept for admins, so that others cannot shut them out. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/str.h"
#include "ctl_client.h"
#include "instance.h"
#include "log.h"
#include "loop.h"

enum { BACKLOG = 64 };

static struct {
	bool open, accepting;
	uv_pipe_t server;
	struct mu_instance *self;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	dev_t device; /* of our socket's file: another daemon's is left alone */
	ino_t inode;
	struct list clients;
	size_t count, viewers;
	uint64_t refused;
} ctl;

/* ---- the file ---- */

/* Does a daemon answer there? 1; 0 it is nobody's any more; <0 cannot say. */
static int socket_answers(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	int r = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? errno : 0;
	close(fd);
	if (r == 0 || r == EAGAIN) /* EAGAIN: so many wait for it that we would, too */
		return 1;
	return r == ECONNREFUSED || r == ENOENT ? 0 : -r;
}

/* Removes what a dead daemon left behind. */
static int clear_path(const struct sockaddr_un *address, struct mu_error *error)
{
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0
				       : mu_error(error, -errno, "cannot look at %s: %s", address->sun_path,
						  strerror(errno));
	if (!S_ISSOCK(st.st_mode)) {
		mu_error(error, -EEXIST, "%s is there, and is no socket", address->sun_path);
		mu_error_remedy(error, "move it away, or set ControlSocket to another path");
		return -EEXIST;
	}
	int r = socket_answers(address);
	if (r == 0)
		return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
	mu_error(error, r < 0 ? r : -EADDRINUSE,
		 r < 0 ? "cannot tell whether a daemon answers at %s" : "another daemon answers at %s",
		 address->sun_path);
	mu_error_remedy(error, "stop it, or give this one another BaseDir or ControlSocket");
	return error ? error->code : -EADDRINUSE;
}

static int set_rights(const char *path, const char *group, struct mu_error *error)
{
	bool everyone = !group || !group[0];

	if (!everyone) {
		const struct group *entry = getgrnam(group);
		if (!entry) {
			mu_error(error, -ENOENT, "there is no group \"%s\"", group);
			mu_error_remedy(error, "make it, or set ControlGroup to one that exists");
			return -ENOENT;
		}
		if (chown(path, (uid_t)-1, entry->gr_gid) < 0) {
			int r = -errno;
			mu_error(error, r, "cannot give %s to the group \"%s\": %s", path, group,
				 strerror(-r));
			mu_error_remedy(error, "the user that the daemon runs as must be in it");
			return r;
		}
	}
	return chmod(path, everyone ? 0666 : 0660) < 0 ? -errno : 0;
}

/* A bound socket that is nobody else's yet. fd or <0. */
static int socket_bind(const struct sockaddr_un *address, const char *group, struct mu_error *error)
{
	struct stat st;

	int r = clear_path(address, error);
	if (r < 0)
		return r;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* bind(2) takes the mode from the socket: nobody can come in before the rights are right */
	r = fchmod(fd, 0600) < 0 || bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno
												     : 0;
	if (r < 0) {
		close(fd);
		return r;
	}
	r = set_rights(address->sun_path, group, error);
	if (r == 0 && lstat(address->sun_path, &st) < 0)
		r = -errno;
	if (r < 0) {
		unlink(address->sun_path);
		close(fd);
		return r;
	}
	ctl.device = st.st_dev;
	ctl.inode = st.st_ino;
	return fd;
}

/* ---- clients ---- */

static void client_gone(struct ctl_client *client)
{
	if (!list_linked(&client->node))
		return; /* it was refused */
	list_remove(&client->node);
	c_assert(ctl.count > 0);
	ctl.count--;
	if (client->role < MU_ADMIN)
		ctl.viewers--;
}

static void accept_one(uv_stream_t *server, int status)
{
	if (status < 0)
		return;
	struct ctl_client *client = ctl_client_accept(ctl.self, server, client_gone);
	if (!client)
		return;
	bool viewer = client->role < MU_ADMIN;
	if (ctl.count >= CTL_CLIENTS_MAX || (viewer && ctl.viewers >= CTL_CLIENTS_MAX - CTL_ADMINS_KEPT)) {
		if (ctl.refused++ == 0)
			log_line(MU_LOG_WARNING, "ctl", "too many clients: some were refused");
		ctl_client_refuse(client, -EMFILE, "too many clients are connected to the control socket",
				  "try again when some of them are through");
		return;
	}
	list_add(&ctl.clients, &client->node);
	ctl.count++;
	ctl.viewers += viewer;
	ctl_client_read(client);
}

uint64_t ctl_clients(void)
{
	return ctl.count;
}

void ctl_stats(struct ctl_stats *out)
{
	c_assert(out && loop_is_current(loop_main()));
	*out = (struct ctl_stats){ .clients = ctl.count, .clients_refused = ctl.refused };
	ctl_client_count(out);
}

/* ---- life ---- */

int ctl_open(struct mu_instance *self, const char *path, const char *group, struct mu_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	c_assert(self && path && !ctl.open);
	c_assert(loop_is_current(loop_main()));
	if (!text_copy(address.sun_path, sizeof(address.sun_path), path)) {
		mu_error(error, -ENAMETOOLONG, "the path of the control socket is longer than %zu bytes: %s",
			 sizeof(address.sun_path) - 1, path);
		mu_error_remedy(error, "set ControlSocket to a shorter one");
		return -ENAMETOOLONG;
	}
	int fd = socket_bind(&address, group, error);
	if (fd < 0) {
		if (error && !error->code)
			mu_error(error, fd, "cannot make the control socket %s: %s", path, strerror(-fd));
		mu_error_remedy(error, "its folder must be writable for the user that the daemon runs as");
		return fd;
	}
	ctl.self = self;
	text_copy(ctl.path, sizeof(ctl.path), path);
	if (!ctl.clients.next)
		list_init(&ctl.clients);
	c_assert(uv_pipe_init(loop_uv(loop_main()), &ctl.server, 0) == 0);
	c_assert(uv_pipe_open(&ctl.server, fd) == 0);
	ctl.open = ctl.accepting = true;
	int r = uv_listen((uv_stream_t *)&ctl.server, BACKLOG, accept_one);
	if (r < 0) {
		ctl_close();
		return mu_error(error, r, "cannot listen at %s: %s", path, strerror(-r));
	}
	return 0;
}

void ctl_stop_accepting(void)
{
	struct stat st;

	c_assert(loop_is_current(loop_main()));
	if (!ctl.accepting)
		return;
	ctl.accepting = false;
	if (lstat(ctl.path, &st) == 0 && st.st_dev == ctl.device && st.st_ino == ctl.inode)
		unlink(ctl.path);
	uv_close((uv_handle_t *)&ctl.server, NULL);
}

void ctl_close(void)
{
	if (!ctl.open)
		return;
	ctl_stop_accepting();
	list_each_safe (node, &ctl.clients)
		ctl_client_close(list_entry(node, struct ctl_client, node));
	ctl.open = false;
}
