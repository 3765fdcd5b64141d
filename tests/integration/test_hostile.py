"""What a daemon must outlive: floods, pipes in the place of files, tight limits, a second of its kind, haste."""
import os
import resource
import signal
import subprocess
import time

import pytest

from daemon import SLOW, CtlError
from omni import look, omni, plugin, plugin_dir, row, until_seen  # noqa: F401

HOST = ('LoadPlugin cpu\nLoadPlugin load\nLoadPlugin memory\nLoadPlugin rrd\n'
        '<Plugin rrd>\n\tDataDir "@DIR@/rrd"\n</Plugin>\n')


def instances(count, prefix="n"):
    return "LoadPlugin load\n" + "".join(f'<Plugin load "{prefix}{i}">\n</Plugin>\n' for i in range(count))


def run_beside(one, *args, seconds=20.0, **more):
    """Another musterd with the same configuration."""
    return subprocess.run(one.command(*args), capture_output=True, text=True, timeout=seconds, check=False, **more)


# ---- configuration ----

def test_a_flood_of_instances_is_refused(daemon):
    one = daemon(instances(5000), start=False)
    done = one.run("-t")
    assert done.returncode == 1 and "4000 instances" in done.stderr
    one.write_config("LoadPlugin load\n")
    one.start()
    one.write_config(instances(5000))
    with pytest.raises(CtlError) as refused:
        one.call("daemon", "reload")
    assert "4000 instances" in str(refused.value)
    assert len(one.call("plugin", "list")["items"]) == 2


def test_a_flood_of_unknown_plugins_is_not_looked_for(daemon):
    one = daemon("".join(f"LoadPlugin p{i}\n" for i in range(50000)), start=False)
    done = one.run("-t", seconds=20)
    assert done.returncode == 1 and 'no plugin "p0"' in done.stderr


def test_a_plugin_has_a_name(daemon):
    done = daemon('LoadPlugin load\nLoadPlugin ""\n', start=False).run("-t")
    assert done.returncode == 1 and '"" cannot be the name of a plugin' in done.stderr


def test_thousands_of_instances_make_room_for_others(daemon):
    one = daemon(instances(3000, "a"), interval="3600")
    one.write_config(instances(3000, "b"))
    one.call("daemon", "reload")
    one.until(one.settled, what="all have started")
    assert row(one, "load:b2999")["state"] == "running"


def test_a_pipe_is_no_configuration(daemon):
    one = daemon("LoadPlugin load\n")
    os.unlink(one.conf_file)
    os.mkfifo(one.conf_file)
    with pytest.raises(CtlError) as refused:
        one.call("daemon", "reload")
    assert "it is a pipe" in str(refused.value)
    assert one.run("-t", seconds=10).returncode == 1
    one.signal(signal.SIGHUP)
    assert row(one, "load")["state"] == "running"


def test_types_are_part_of_the_test(daemon):
    one = daemon('TypesDB "@DIR@/none"\n', start=False)
    done = one.run("-t")
    assert done.returncode == 1 and f"{one.dir}/none" in done.stderr


def test_tables_that_cannot_be_written_are_told(daemon):
    one = daemon(HOST, start=False)
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(one.command("--describe"), stdout=full, stderr=subprocess.PIPE, text=True, timeout=20,
                              check=False)
    assert done.returncode == 1 and "could not be written" in done.stderr


# ---- reload faster than plugins stop ----

def test_one_that_comes_back_before_it_has_gone(omni):
    one = omni("StopDelay 400ms")
    with_omni = open(one.conf_file, encoding="utf-8").read()
    one.write_config("")
    one.call("daemon", "reload")
    with open(one.conf_file, "w", encoding="utf-8") as out:
        out.write(with_omni)
    one.call("daemon", "reload")
    until_seen(one, "its second life", lives=2)


def test_one_that_goes_while_it_restarts(omni):
    one = omni("StopDelay 400ms")
    one.write_config(plugin("omni", "StopDelay 400ms", "\tInterval 0.5\n"))
    one.call("daemon", "reload")
    one.write_config("")
    one.call("daemon", "reload")
    one.until(lambda: [p["id"] for p in one.call("plugin", "list")["items"]] == ["muster"], what="omni is gone")


def test_a_storm_of_reloads(daemon):
    one = daemon(HOST, interval="0.1")
    for i in range(200):
        one.write_config(HOST + ("LoadPlugin load\n" if i % 2 else '<Plugin load "x">\n</Plugin>\n'))
        one.signal(signal.SIGHUP)
    one.until(one.answers, what="it answers")
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGHUP):
        one.signal(number)
    one.stop()


# ---- signals at the start ----

def test_who_stops_it_at_the_start_leaves_nothing_behind(daemon):
    for wait in range(0, 60, 4):
        one = daemon(HOST, start=False)
        one.start(wait=False)
        time.sleep(wait / 1000)  # the moment is what is tried
        one.signal(signal.SIGTERM)
        code = one.process.wait(5)
        assert code in (0, -signal.SIGTERM), one.log
        assert not os.path.exists(one.socket) and not os.path.exists(f"{one.dir}/musterd.pid")
        one.process = None
        one.check_sanitizers()


# ---- two of a kind ----

def test_two_daemons_do_not_share_a_folder(daemon):
    one = daemon(HOST)
    second = run_beside(one, "-f")
    assert second.returncode == 1 and "another daemon works in" in second.stderr
    with open(f"{one.dir}/two.conf", "w", encoding="utf-8") as out:
        out.write(one.preamble().replace("musterd.sock", "other.sock").replace("musterd.pid", "other.pid"))
    second = subprocess.run([one.tree.musterd, "-f", "-C", f"{one.dir}/two.conf"], capture_output=True, text=True,
                            timeout=20, check=False)
    assert second.returncode == 1 and "another daemon works in" in second.stderr
    assert one.answers()


def test_reading_once_disturbs_no_running_daemon(daemon):
    one = daemon(HOST, start=False)
    one.args = ["-P", f"{one.dir}/pid"]
    one.start()
    assert one.run("-T").returncode == 0
    with open(f"{one.dir}/pid", encoding="utf-8") as text:
        assert int(text.read()) == one.pid
    assert one.answers()


def test_paths_of_the_command_line_hold_in_the_background(daemon):
    one = daemon('LogFile "@DIR@/log"\n', start=False)
    done = subprocess.run([one.tree.musterd, "-C", "musterd.conf", "-P", "pid"], cwd=one.dir, timeout=30, check=False)
    assert done.returncode == 0
    with open(f"{one.dir}/pid", encoding="utf-8") as text:
        pid = int(text.read())
    try:
        one.call("daemon", "reload")
    finally:
        os.kill(pid, signal.SIGTERM)


# ---- limits ----

def test_closed_descriptors_are_nobody_elses(daemon):
    one = daemon(HOST + 'LogFile "@DIR@/log"\n', start=False)
    one.process = subprocess.Popen(["bash", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "bash", *one.command("-f")], cwd=one.dir)
    one.until(one.answers, what="it answers")
    for number in range(3):
        assert os.readlink(f"/proc/{one.pid}/fd/{number}") == "/dev/null"
    one.process.send_signal(signal.SIGTERM)
    assert one.process.wait(5) == 0
    one.process = None


def test_few_descriptors_are_told(daemon):
    one = daemon(HOST, start=False)
    done = run_beside(one, "-f", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16)))
    assert done.returncode == 1 and "only 16 files" in done.stderr


# ---- the control socket ----

def test_one_client_can_open_so_many_streams(daemon):
    one = daemon("LoadPlugin load\n")
    with one.connect() as door:
        for number in range(40):
            door.send({"id": number, "kind": "series", "verb": "watch", "args": {"glob": "*/load/*"}})
        refused, streaming = set(), set()
        while len(refused) < 8 or len(streaming) < 32:
            answer = door.receive()
            if "error" in answer:
                assert answer["error"]["code"] == "EBUSY" and "streams" in answer["error"]["what"]
                refused.add(answer["id"])
            else:
                streaming.add(answer["id"])
    assert len(refused) == 8 and not refused & streaming


def anonymous(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))


def test_clients_that_do_not_read_cost_little(daemon):
    one = daemon("LoadPlugin load\n", interval="0.1")
    before = anonymous(one.pid)
    doors = [one.connect() for _ in range(20)]
    for door in doors:
        for number in range(32):
            door.send({"id": number, "kind": "series", "verb": "watch"})
            door.send({"id": number, "credit": 1000000})
    reads = row(one, "load")["reads"]
    one.until(lambda: row(one, "load")["reads"] > reads + 30, what="three seconds of values")
    # A sanitizer keeps what is freed for a while, and more beside it.
    assert anonymous(one.pid) - before < (100 if SLOW == 1 else 800) * 1024
    for door in doors:
        door.close()
    assert one.stop() < 2
