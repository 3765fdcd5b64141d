/* daemon_fork: the outside of a service: the background, the pid file, the word to systemd. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/slurp.h"
#include "base/str.h"
#include "daemon.h"

static int ready_fd = -1; /* the child's end */
static char *pid_path;

/* A descriptor below 3 that was closed at the start would be given to a database or a socket, and a library that
 * complains to stderr would write into that. */
void daemon_fork_std(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

void daemon_fork(void)
{
	int pipe_fds[2];
	char word = 0;

	pid_t pid = pipe2(pipe_fds, O_CLOEXEC) == 0 ? fork() : -1;
	if (pid < 0) {
		fprintf(stderr, "musterd cannot go to the background: %s. Try `musterd -f`.\n",
			strerror(errno));
		exit(1);
	}
	if (pid > 0) {
		close(pipe_fds[1]);
		while (read(pipe_fds[0], &word, 1) < 0 && errno == EINTR)
			;
		_exit(word == 'y' ? 0 : 1);
	}
	close(pipe_fds[0]);
	ready_fd = pipe_fds[1];
	setsid(); /* and stays in its folder: relative paths go on to mean what they meant */
}

/* From here on nobody reads our stderr: the log file, or nothing. */
void daemon_fork_ready(bool good)
{
	if (ready_fd < 0)
		return;
	ssize_t sent = write(ready_fd, good ? "y" : "n", 1);
	(void)sent;
	close(ready_fd);
	ready_fd = -1;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	close(null);
}

void daemon_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t length = path ? strlen(path) : 0;

	if (length < 2 || length >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, length);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
	close(fd);
}

int daemon_pid_write(const char *path, struct mu_error *error)
{
	char text[32];
	int fd;

	if (!path || !path[0])
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		mu_error(error, -errno, "the pid file \"%s\" cannot be written: %s", path, strerror(errno));
		mu_error_remedy(error, "make its folder, or name another with -P or PIDFile");
		return error->code;
	}
	text_printf(text, sizeof(text), "%d\n", (int)getpid());
	ssize_t wrote = write(fd, text, strlen(text));
	close(fd);
	pid_path = mem_strdup(path);
	return wrote < 0 ? mu_error(error, -EIO, "the pid file \"%s\" cannot be written", path) : 0;
}

void daemon_pid_remove(void)
{
	char text[32] = "";

	/* another may have written it since */
	if (pid_path && slurp(text, sizeof(text), pid_path) > 0 && strtol(text, NULL, 10) == (long)getpid())
		unlink(pid_path);
	free(pid_path);
	pid_path = NULL;
}
