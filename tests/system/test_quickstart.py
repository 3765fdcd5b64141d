"""contrib/quickstart as a new user would run it, in this very clone."""
import glob
import json
import os
import re
import select
import signal
import socket
import subprocess
import time

import pytest

from daemon import SLOW, SOURCE, until

QUICKSTART = os.path.join(SOURCE, "contrib", "quickstart")


class Quickstart:
    def __init__(self, folder, *args):
        self.process = subprocess.Popen([QUICKSTART, "--dir", folder, *args], cwd=SOURCE, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        start_new_session=True)
        self.lines = []

    def until_ready(self, seconds=120):
        deadline = time.monotonic() + seconds
        while not any(line.startswith("muster is ready: ") for line in self.lines):
            left = deadline - time.monotonic()
            assert left > 0, "".join(self.lines)
            if select.select([self.process.stdout], [], [], left)[0]:
                line = self.process.stdout.readline()
                assert line, f"ended with {self.process.wait()}\n" + "".join(self.lines)
                self.lines.append(line)

    def end(self, number, group=False):
        """The seconds that it took to end, and its exit code."""
        began = time.monotonic()
        if group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=30)
        self.lines.append(rest)
        return time.monotonic() - began, self.process.returncode

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()


@pytest.fixture
def folder(tmp_path_factory):
    # Short: a socket goes into it.
    return str(tmp_path_factory.mktemp("qs") / "run")


@pytest.fixture
def start(folder):
    made = []

    def run(*args):
        made.append(Quickstart(folder, *args))
        return made[-1]

    yield run
    for one in made:
        one.close()


def daemon_pid(folder):
    """Who listens on the control socket."""
    with socket.socket(socket.AF_UNIX) as ctl:
        ctl.connect(f"{folder}/musterd.sock")
        return int.from_bytes(ctl.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], "little")


def test_ready_with_values_and_stops_on_sigterm(start, folder):
    one = start()
    one.until_ready()
    assert sum(line.startswith("muster is ready: ") for line in one.lines) == 1
    files = glob.glob(f"{folder}/rrd/*/*/*.rrd")
    assert files and os.path.getsize(files[0]) > 1000
    with open(f"{folder}/musterd.conf", encoding="utf-8") as text:
        conf = text.read()
    assert re.search(r'^PluginDir "/', conf, re.M) and re.search(r'^TypesDB "/', conf, re.M)
    pid = daemon_pid(folder)
    assert os.stat(f"/proc/{pid}").st_uid == os.getuid()
    took, code = one.end(signal.SIGTERM)
    assert code == 0, "".join(one.lines)
    assert took < 2 * SLOW
    assert not os.path.exists(f"/proc/{pid}")


def test_the_command_of_the_ready_line_works(start):
    one = start()
    one.until_ready()
    (ready,) = [line for line in one.lines if line.startswith("muster is ready: ")]
    command = re.search(r"(\S+/musterctl --socket \S+) status", ready).group(1).split()
    done = subprocess.run([*command, "--json", "status"], capture_output=True, text=True, timeout=20, check=True)
    assert json.loads(done.stdout)
    one.end(signal.SIGTERM)


def test_every_plugin_shows_something(start, folder):
    one = start()
    one.until_ready()
    hosts = os.listdir(f"{folder}/rrd")
    assert len(hosts) == 1

    def written():
        return {os.path.basename(p).split("-")[0] for p in glob.glob(f"{folder}/rrd/*/*") if os.listdir(p)}
    until(lambda: {"cpu", "load", "memory"} <= written(), 30, "cpu, load and memory on disk")
    one.end(signal.SIGTERM)


def test_ctrl_c_and_a_second_start_in_the_same_folder(start, folder):
    one = start()
    one.until_ready()
    took, code = one.end(signal.SIGINT, group=True)
    assert code == 0 and took < 2 * SLOW, "".join(one.lines)
    with open(f"{folder}/musterd.conf", "a", encoding="utf-8") as conf:
        conf.write("# mine\n")
    two = start()
    two.until_ready()
    took, code = two.end(signal.SIGINT, group=True)
    assert code == 0 and took < 2 * SLOW, "".join(two.lines)
    with open(f"{folder}/musterd.conf", encoding="utf-8") as conf:
        assert conf.read().endswith("# mine\n")
    assert sum("muster is ready" in line for line in two.lines) == 1


def test_a_broken_configuration_is_said_and_not_waited_for(start, folder):
    os.makedirs(folder)
    with open(f"{folder}/musterd.conf", "w", encoding="utf-8") as conf:
        conf.write("Intervall 10\n")
    one = start()
    out, _ = one.process.communicate(timeout=100)
    assert one.process.returncode != 0
    assert "musterd.conf:1" in out and "Interval" in out
    assert "muster is ready" not in out


@pytest.mark.parametrize("args", [["--port"], ["--port", "x"], ["--port", "70000"], ["--what"]])
def test_wrong_arguments_are_refused(args, tmp_path):
    done = subprocess.run([QUICKSTART, *args], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 2 and done.stderr
    assert not os.listdir(tmp_path)
