#!/usr/bin/env python3
"""idle.py BUILD [SECONDS]: wakes, CPU and memory of a daemon without plugins, and of one with the host's at 1 s and rrd."""
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

build = os.path.abspath(sys.argv[1])
seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 20
source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def plugin_folder(work):
    """The built plugins as an installation has them: name.so side by side."""
    folder = os.path.join(work, "plugins")
    os.mkdir(folder)
    for path in glob.glob(build + "/plugins/*/.libs/*.so") + glob.glob(build + "/rrd/.libs/rrd.so"):
        shutil.copy(path, folder)
    return folder


def switches(pid):
    """Times that any thread went to sleep and was woken: voluntary context switches."""
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/status"):
        total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", open(path).read(), re.M).group(1))
    return total


def cpu(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid, key):
    return int(re.search(rf"^{key}:\s+(\d+) kB", open(f"/proc/{pid}/status").read(), re.M).group(1)) / 1024


def measure(what, lines):
    with tempfile.TemporaryDirectory() as work:
        conf = os.path.join(work, "musterd.conf")
        with open(conf, "w") as out:
            out.write(f'BaseDir "{work}"\nPluginDir "{plugin_folder(work)}"\nTypesDB "{source}/etc/types.db"\n'
                      f'FQDNLookup false\n{lines}')
        environment = dict(os.environ, LD_LIBRARY_PATH=build + "/.libs")
        daemon = subprocess.Popen([build + "/.libs/musterd", "-f", "-C", conf], env=environment,
                                  stderr=subprocess.DEVNULL)
        try:
            time.sleep(5)
            before, spent = switches(daemon.pid), cpu(daemon.pid)
            time.sleep(seconds)
            wakes, spent = switches(daemon.pid) - before, cpu(daemon.pid) - spent
            print(f"{what:28} {wakes / seconds:7.2f} wakes/s {100 * spent / seconds:6.2f} % of a core"
                  f" {memory(daemon.pid, 'VmRSS'):6.1f} MB RSS {memory(daemon.pid, 'RssAnon'):5.1f} MB anonymous"
                  f" {len(os.listdir(f'/proc/{daemon.pid}/task')):3d} threads")
            began = time.monotonic()
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(10)
            print(f"{'':28} stopped in {time.monotonic() - began:.3f} s")
        finally:
            daemon.kill()
            daemon.wait()


measure("empty", "")
measure("cpu load memory, rrd, 1 s", "Interval 1\nLoadPlugin cpu\nLoadPlugin load\nLoadPlugin memory\nLoadPlugin rrd\n")
