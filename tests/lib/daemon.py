"""A real musterd for a test: its own folder, its own configuration, its own socket.

Runs from an installed tree, never from libtool's wrappers: MUSTER_BUILD is either such a tree or a build folder with
one in stage/. Waiting is always for a condition with a deadline, and a daemon that dies ends the wait at once.
Only processes that were started here are ever signalled.
"""
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
# Sanitizers and loaded machines take longer: every deadline is multiplied by it.
SLOW = float(os.environ.get("MUSTER_SLOW", "1"))
STOP_SECONDS = 2.0


class Tree:
    """An installed muster: where its programs and files are."""

    def __init__(self, root=None):
        build = root or os.environ.get("MUSTER_BUILD", "")
        for candidate in (build, os.path.join(build, "stage")):
            if build and os.access(os.path.join(candidate, "sbin", "musterd"), os.X_OK):
                self.prefix = os.path.abspath(candidate)
                break
        else:
            raise RuntimeError(f"MUSTER_BUILD={build!r} has no sbin/musterd and no stage/sbin/musterd: "
                               "run contrib/check --only build and use build/check")
        self.musterd = os.path.join(self.prefix, "sbin", "musterd")
        self.musterctl = os.path.join(self.prefix, "bin", "musterctl")
        self.plugin_dir = os.path.join(self.prefix, "lib", "muster")
        self.types_db = os.path.join(self.prefix, "share", "muster", "types.db")
        self.pkgconfig = os.path.join(self.prefix, "lib", "pkgconfig")
        # The same plugins, and those that only tests load (make install-test-plugins).
        self.test_plugin_dir = self.plugin_dir + "-test"


def until(condition, seconds=10.0, what="the condition", alive=None):
    """Asks `condition` until its answer is true, and returns it. `alive` is a Popen that must not end meanwhile."""
    deadline = time.monotonic() + seconds * SLOW
    waiter = select.poll()
    watched = os.pidfd_open(alive.pid) if alive and alive.poll() is None else None
    if watched is not None:
        waiter.register(watched, select.POLLIN)
    try:
        while True:
            answer = condition()
            if answer:
                return answer
            if alive and alive.poll() is not None:
                raise AssertionError(f"the daemon ended with {alive.returncode} before {what}")
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds * SLOW:.0f} s for {what}")
            waiter.poll(20)
    finally:
        if watched is not None:
            os.close(watched)


class CtlError(Exception):
    """The daemon's own error answer: .code is "EINVAL", .what and .remedy its sentences."""

    def __init__(self, error):
        super().__init__(": ".join(x for x in (error.get("where"), error.get("what"), error.get("remedy")) if x))
        self.error = error
        self.code = error.get("code")
        self.what = error.get("what", "")
        self.remedy = error.get("remedy", "")


class Connection:
    """The control socket, raw: one line of JSON a message."""

    def __init__(self, path, seconds=10.0):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(seconds * SLOW)
        self.socket.connect(path)
        self.pending = b""
        self.next_id = 1

    def send(self, request):
        """Sends one request, numbering it when it has no id. Returns its id."""
        if "id" not in request:
            request = dict(request, id=self.next_id)
            self.next_id += 1
        self.send_raw(json.dumps(request).encode() + b"\n")
        return request["id"]

    def send_raw(self, data):
        self.socket.sendall(data)

    def receive(self):
        """The next message; None when the daemon hung up."""
        while b"\n" not in self.pending:
            data = self.socket.recv(65536)
            if not data:
                return None
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        return json.loads(line)

    def call(self, request):
        """One request to its end: (result, [parts]). CtlError for an error answer."""
        number = self.send(request)
        parts = []
        while True:
            message = self.receive()
            if message is None:
                raise ConnectionError("the daemon hung up")
            if message.get("id") != number:
                continue
            if "part" in message:
                parts.append(message["part"])
            elif "error" in message:
                raise CtlError(message["error"])
            else:
                return message.get("result"), parts

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Daemon:
    """One musterd. `config` is what comes behind the lines every daemon needs; see `preamble`."""

    def __init__(self, config="", *, interval="1", args=(), env=None, tree=None, preamble=True, plugin_dir=None,
                 hostname="testhost"):
        self.tree = tree or Tree()
        # Not pytest's tmp_path: the path of a socket holds 107 bytes.
        self.dir = tempfile.mkdtemp(prefix="muster-")
        self.socket = os.path.join(self.dir, "musterd.sock")
        self.rrd_dir = os.path.join(self.dir, "rrd")
        self.conf_file = os.path.join(self.dir, "musterd.conf")
        self.stderr_file = os.path.join(self.dir, "stderr")
        self.hostname = hostname
        self.interval = interval
        self.plugin_dir = plugin_dir or self.tree.plugin_dir
        self.args = list(args)
        self.env = dict(os.environ, **(env or {}))
        self.with_preamble = preamble
        self.process = None
        self.write_config(config)

    def preamble(self):
        return (f'BaseDir "{self.dir}"\n'
                f'PIDFile "{self.dir}/musterd.pid"\n'
                f'PluginDir "{self.plugin_dir}"\n'
                f'TypesDB "{self.tree.types_db}"\n'
                f'ControlSocket "{self.socket}"\n'
                f'Hostname "{self.hostname}"\n'
                'FQDNLookup false\n'
                f'Interval {self.interval}\n')

    def write_config(self, config):
        """Replaces the configuration file; the running daemon looks at it when it is told to reload."""
        config = config.replace("@DIR@", self.dir)
        with open(self.conf_file, "w", encoding="utf-8") as out:
            out.write((self.preamble() if self.with_preamble else "") + config)

    def command(self, *args):
        return [self.tree.musterd, *args, "-C", self.conf_file]

    def run(self, *args, seconds=20.0, check=False):
        """musterd with other arguments (-t, -T, --describe), to its end."""
        done = subprocess.run(self.command(*args), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=seconds * SLOW, env=self.env, cwd=self.dir, check=False)
        if check:
            assert done.returncode == 0, done.stderr
        return done

    def start(self, wait=True, seconds=20.0):
        assert self.process is None
        with open(self.stderr_file, "ab") as err:
            self.process = subprocess.Popen(self.command("-f", *self.args), stdin=subprocess.DEVNULL, stdout=err,
                                            stderr=err, env=self.env, cwd=self.dir)
        if wait:
            try:
                until(self.answers, seconds, "the control socket answers", alive=self.process)
                until(self.settled, seconds, "every plugin has started or failed", alive=self.process)
            except AssertionError as error:
                raise AssertionError(f"{error}\n{self.log}") from None
        return self

    def answers(self):
        try:
            with self.connect(seconds=2.0) as connection:
                connection.call({"kind": "daemon", "verb": "status"})
                return True
        except (OSError, CtlError):
            return False

    def settled(self):
        try:
            return all(p["state"] != "starting" for p in self.call("plugin", "list")["items"])
        except (OSError, CtlError):
            return False

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        """All that the daemon said on stderr so far."""
        with open(self.stderr_file, encoding="utf-8", errors="replace") as text:
            return text.read()

    def until(self, condition, seconds=10.0, what="the condition"):
        try:
            return until(condition, seconds, what, alive=self.process)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log[-4000:]}") from None

    def until_logged(self, words, seconds=10.0):
        self.until(lambda: words in self.log, seconds, f"{words!r} in the log")

    # ---- asking ----

    def connect(self, seconds=10.0):
        return Connection(self.socket, seconds)

    def call(self, kind, verb, *ids, **more):
        """One call by the raw socket; its result. `args`, `match`, `dry_run`, `key`, `deadline` as in core/ctl.h."""
        request = {"kind": kind, "verb": verb}
        if ids:
            request["ids"] = list(ids)
        with self.connect() as connection:
            return connection.call(dict(request, **more))[0]

    def ctl_run(self, *words, seconds=20.0):
        """musterctl, as a person would: the finished process with its code, stdout and stderr."""
        return subprocess.run([self.tree.musterctl, "--socket", self.socket, *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=seconds * SLOW, env=self.env, check=False)

    def ctl(self, *words):
        """musterctl --json: what it answered."""
        done = self.ctl_run("--json", *words)
        assert done.returncode == 0, f"musterctl {' '.join(words)}: {done.returncode}\n{done.stderr}{done.stdout}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    # ---- ending ----

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, seconds=STOP_SECONDS, code=0):
        """SIGTERM; must end in time and with `code`. Returns the seconds it took."""
        assert self.process is not None
        if self.process.poll() is None:
            began = time.monotonic()
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds * SLOW)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"did not stop within {seconds * SLOW:.1f} s\n{self.log[-4000:]}") from None
            took = time.monotonic() - began
        else:
            took = 0.0
        ended, self.process = self.process.returncode, None
        assert ended == code, f"ended with {ended}, not {code}\n{self.log[-8000:]}"
        self.check_sanitizers()
        return took

    def check_sanitizers(self):
        for words in ("Sanitizer", "runtime error:", "this must hold and does not"):
            assert words not in self.log, self.log[-8000:]

    def kill(self):
        """SIGKILL: what a crash looks like to everybody else."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process = None

    def close(self, keep=False):
        self.kill()
        if not keep:
            shutil.rmtree(self.dir, ignore_errors=True)
