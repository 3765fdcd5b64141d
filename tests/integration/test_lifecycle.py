"""The life of an instance and of the daemon: start, failure, stop, the late, the hung and the abandoned."""
import os
import signal
import socket
import subprocess
import time

import pytest

from daemon import SLOW, CtlError, until
from omni import event_with, events, look, omni, plugin, plugin_dir, row, until_seen  # noqa: F401


def state(one, name="omni"):
    return row(one, name)["state"]


def until_state(one, wanted, name="omni", seconds=10.0):
    one.until(lambda: state(one, name) == wanted, seconds, f"{name} is {wanted}")


def touch(path):
    with open(path, "w", encoding="utf-8"):
        pass


# ---- one life after the other ----

def test_stop_and_start_again(omni):
    one = omni("<Garden wild>\n</Garden>")
    since = row(one, "omni")["since"]
    assert "stopped" in one.call("plugin", "stop", "omni")["message"]
    assert state(one) == "stopped"
    with pytest.raises(CtlError) as gone:
        one.call("thing", "list")
    assert gone.value.code == "ENOENT", "its kinds went with it"
    one.call("plugin", "start", "omni")
    until_state(one, "running")
    assert row(one, "omni")["since"] > since
    assert look(one)["lives"] == 2
    assert one.call("thing", "get", "wild")["title"] == "wild"


def test_messages_to_one_who_has_ended_come_back(omni):
    one = omni()
    with pytest.raises(CtlError) as first:
        one.call("probe", "post", args={"to": "before"})
    assert first.value.code == "ENOENT"
    one.call("plugin", "reload", "omni")
    until_seen(one, "its second life", lives=2)
    answer = one.call("probe", "post", args={"to": "before", "count": 5000})
    assert (answer["run"], answer["dropped"]) == (0, 5000)
    assert look(one)["dropped"] == 5000


def test_one_that_ends_by_itself(omni):
    one = omni()
    one.call("probe", "quit")
    until_state(one, "stopped")
    one.call("plugin", "start", "omni")
    until_state(one, "running")


def test_what_is_not_there_cannot_be_stopped(omni):
    one = omni()
    with pytest.raises(CtlError) as error:
        one.call("plugin", "stop", "omny")
    assert error.value.code == "ENOENT" and "omni" in error.value.remedy
    with pytest.raises(CtlError) as itself:
        one.call("plugin", "stop", "muster")
    assert itself.value.code in ("EINVAL", "ENOENT")


def test_one_that_fails_to_start_is_told_and_the_others_run(omni):
    one = omni('FailStart "the soil is frozen"', after=plugin("peer"))
    until_state(one, "failed")
    failed = row(one, "omni")
    assert failed["reason"].startswith("the soil is frozen")
    assert state(one, "peer") == "running"
    one.until(lambda: event_with(one, "the soil is frozen", severity="failure"), what="an event")
    status = one.call("daemon", "status")
    assert status["state"] == "degraded" and "omni" in status["reason"]
    done = one.ctl_run("plugin", "list")
    assert "frozen" in done.stdout
    # Mended, it runs.
    one.write_config(plugin("omni") + plugin("peer"))
    one.call("daemon", "reload")
    until_state(one, "running")
    assert one.call("daemon", "status")["state"] == "running"


def test_a_late_stop_is_waited_for(omni):
    one = omni("StopDelay 500ms")
    with one.connect() as connection:
        connection.send({"kind": "plugin", "verb": "stop", "ids": ["omni"]})
        until_state(one, "stopping")
        assert "stopped" in connection.receive()["result"]["message"], "the answer comes when it has"
    assert state(one) == "stopped"
    assert not event_with(one, "left behind")


def abandon(one):
    with pytest.raises(CtlError) as error:
        one.call("plugin", "stop", "omni")
    assert "left behind" in str(error.value)
    until_state(one, "abandoned")


def test_one_that_does_not_stop_is_abandoned(omni):
    one = omni("StopDelay 1h", after=plugin("peer"))
    began = time.monotonic()
    abandon(one)
    assert time.monotonic() - began < 5 * SLOW
    one.until(lambda: event_with(one, "left behind", severity="failure"), what="an event")
    assert one.call("daemon", "status")["state"] == "degraded"
    assert state(one, "peer") == "running"
    # Another life needs nothing of the old one.
    one.call("plugin", "start", "omni")
    until_state(one, "running")
    assert look(one)["lives"] == 2
    assert look(one)["things"] == 0


def test_an_abandoned_one_that_comes_back_disturbs_nobody(omni):
    one = omni("StopDelay 1300ms")
    abandon(one)
    one.call("plugin", "start", "omni")
    until_state(one, "running")
    # Its timer fires about now; what it says comes from a life that is over.
    answer = one.call("probe", "late", args={"after": 1.0}, deadline=5 * SLOW)
    assert answer["message"] == "late, but here"
    assert state(one) == "running"


def test_why_it_stops(omni):
    config = 'StopFile "@DIR@/why"'
    one = omni(config)

    def why():
        try:
            with open(f"{one.dir}/why", encoding="utf-8") as file:
                return file.read().split()
        except FileNotFoundError:
            return []

    one.call("plugin", "stop", "omni")
    until_state(one, "stopped")
    assert why() == ["removed"]
    one.call("plugin", "start", "omni")
    until_state(one, "running")
    one.call("plugin", "reload", "omni")
    one.until(lambda: why() == ["removed", "reload"], what="stopped by a reload")
    until_state(one, "running")
    one.write_config("")
    one.call("daemon", "reload")
    one.until(lambda: why()[2:] == ["removed"], what="stopped because it was removed")
    one.write_config(plugin("omni", config))
    one.call("daemon", "reload")
    until_state(one, "running")
    one.call("daemon", "restart")
    one.until(lambda: why()[3:] == ["restart"], what="stopped by a restart")
    one.until(one.answers, what="the daemon is back")
    until_state(one, "running")
    one.stop()
    assert why()[4:] == ["end"]


# ---- calls and jobs that are open when the owner stops ----

def test_open_calls_are_answered_when_the_owner_stops(omni):
    one = omni()
    with one.connect() as connection:
        connection.send({"kind": "probe", "verb": "never", "deadline": 60})
        connection.send({"kind": "probe", "verb": "late", "args": {"after": 60}, "deadline": 60})
        one.call("probe", "look")
        one.call("plugin", "stop", "omni")
        for _ in range(2):
            answer = connection.receive()
            assert answer["error"]["code"] == "ECANCELED", answer


def test_open_jobs_fail_when_the_owner_stops(omni):
    one = omni()
    job = one.call("probe", "brew", args={"steps": 1000, "pause": 1})["job"]
    one.call("plugin", "stop", "omni")
    one.until(lambda: one.call("job", "get", job)["state"] not in ("running", "queued"), what="the job ends")
    until_state(one, "stopped")


def test_open_calls_are_answered_when_the_daemon_stops(omni):
    one = omni()
    with one.connect() as connection:
        connection.send({"kind": "probe", "verb": "never", "deadline": 60})
        one.call("probe", "look")
        one.signal(signal.SIGTERM)
        answer = connection.receive()
        assert answer is None or answer["error"]["code"] == "ECANCELED", answer
    assert one.stop() < 2.0 * SLOW


# ---- reads that hang ----

def test_a_hung_read_costs_nobody_else_a_tick(omni):
    one = omni('HangFile "@DIR@/hang"', load="\tInterval 0.2\n\tDeadline 1\n", after=plugin("load") + plugin("peer"),
               interval="0.2")
    one.until(lambda: row(one, "omni")["reads"] >= 2, what="healthy reads")
    touch(f"{one.dir}/hang")
    one.until(lambda: event_with(one, "read of omni hangs", severity="warning"), what="an event about the hung read")
    before = row(one, "load")
    one.until(lambda: row(one, "load")["reads"] >= before["reads"] + 10, 10, "ten more ticks of a neighbour")
    after = row(one, "load")
    assert after["overruns"] == before["overruns"]
    hung = row(one, "omni")
    assert hung["hung"] == 1 and hung["state"] == "running"
    assert hung["overruns"] > 0
    assert "hang" in hung["reason"]
    # It still answers: only its read is lost.
    assert look(one)["lives"] == 1
    os.unlink(f"{one.dir}/hang")
    one.until(lambda: event_with(one, "has returned", severity="okay"), what="the read returns")
    reads = row(one, "omni")["reads"]
    one.until(lambda: row(one, "omni")["reads"] > reads, what="reads go on")


def test_reloading_a_hung_plugin_does_not_drain_the_pool(omni):
    one = omni('HangFile "@DIR@/hang"', load="\tInterval 0.1\n\tDeadline 0.2\n", after="PoolSize 4\n" + plugin("load"),
               interval="0.1")
    touch(f"{one.dir}/hang")
    hung = 0
    for life in range(1, 12):
        until_seen(one, f"life {life}", lives=life)
        wanted = min(life, 8)
        one.until(lambda: len([e for e in events(one, severity="warning") if "read of omni hangs" in e["words"]]) >= wanted
                  or (life > 8 and "none more" in row(one, "omni").get("reason", "")), 5, f"hung read {life}")
        hung = len([e for e in events(one, severity="warning") if "read of omni hangs" in e["words"]])
        if life < 11:
            one.call("plugin", "reload", "omni")
    assert hung == 8, "past the cap none more is started"
    one.until(lambda: "none more" in row(one, "omni").get("reason", ""), what="and the list says so")
    assert one.call("daemon", "status")["workers"] <= 4 + 8
    before = row(one, "load")
    one.until(lambda: row(one, "load")["reads"] >= before["reads"] + 10, 10, "ten more ticks of a neighbour")
    assert row(one, "load")["overruns"] == before["overruns"]
    os.unlink(f"{one.dir}/hang")
    one.until(lambda: "none more" not in row(one, "omni").get("reason", ""), what="reads go on")


def test_work_past_its_deadline_is_disowned(omni):
    one = omni()
    file = f"{one.dir}/block"
    touch(file)
    answer = one.call("probe", "work", args={"file": file, "deadline": 0.2, "count": 3})
    assert (answer["overdue"], answer["done"]) == (3, 0)
    one.until(lambda: event_with(one, "no longer waited for", severity="warning"), what="an event")
    os.unlink(file)
    assert one.call("probe", "work", args={"take": 0.01})["done"] == 1


def test_work_that_hangs_is_capped(omni):
    one = omni()
    file = f"{one.dir}/block"
    touch(file)
    assert one.call("probe", "work", args={"file": file, "deadline": 0.2, "count": 8})["overdue"] == 8
    assert one.call("probe", "work", args={"count": 2})["busy"] == 2
    os.unlink(file)
    one.until(lambda: one.call("probe", "work", args={"count": 2})["done"] == 2, what="room for work again")


def test_work_that_no_worker_had_time_for_is_given_back(omni):
    one = omni(after="PoolSize 1\n", load="\tInterval 3600\n")
    file = f"{one.dir}/block"
    touch(file)
    assert one.call("probe", "work", args={"file": file, "deadline": 0.3, "count": 5})["overdue"] == 5
    os.unlink(file)
    assert one.call("probe", "work", args={"count": 2})["done"] == 2
    # What leaked would be told by the sanitizer at the end.


def test_work_that_has_not_begun_is_cancelled_by_a_stop(omni):
    one = omni(after="PoolSize 1\n", load="\tInterval 3600\n")
    file = f"{one.dir}/block"
    touch(file)
    with one.connect() as connection:
        connection.send({"kind": "probe", "verb": "work", "args": {"file": file, "count": 5}, "deadline": 30})
        one.call("probe", "look")
        connection.send({"kind": "plugin", "verb": "stop", "ids": ["omni"]})
        assert connection.receive()["error"]["code"] == "ECANCELED"
    # What a worker has begun is waited for; with luck none had.
    assert state(one) in ("stopping", "abandoned", "stopped")
    os.unlink(file)
    one.until(lambda: state(one) in ("stopped", "abandoned"), what="it stops once its work is back")


# ---- the daemon ----

def test_it_stops_in_time_whatever_hangs(omni):
    one = omni('HangFile "@DIR@/hang"\n\tStopDelay 1h', load="\tInterval 0.1\n\tDeadline 0.2\n", after=plugin("peer"))
    touch(f"{one.dir}/hang")
    one.until(lambda: row(one, "omni")["hung"] == 1, what="a hung read")
    file = f"{one.dir}/block"
    touch(file)
    with one.connect() as connection:
        connection.send({"kind": "probe", "verb": "work", "args": {"file": file}, "deadline": 60})
        assert one.stop() < 2.0 * SLOW


def test_restart_is_a_new_program_with_the_same_state(omni):
    one = omni()
    before = one.call("daemon", "status")
    one.call("thing", "remember", args={"key": "over", "value": "a restart"})
    assert one.ctl_run("restart").returncode == 0

    def back():
        try:
            now = one.call("daemon", "status")
        except (OSError, CtlError):
            return None
        return now if now["since"] > before["since"] else None

    after = one.until(back, what="the daemon comes back")
    after = after or one.call("daemon", "status")
    assert after["pid"] == before["pid"] == one.pid
    until_state(one, "running")
    assert one.call("thing", "recall", args={"key": "over"})["rows"][0]["value"] == "a restart"
    assert look(one)["lives"] == 1, "nothing of the old program is left"


def test_a_second_daemon_does_not_work_beside_it(omni):
    one = omni()
    second = subprocess.run(one.command("-f"), capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 1
    assert "another daemon" in second.stderr and one.dir in second.stderr
    assert look(one)["lives"] == 1


def test_a_second_daemon_does_not_take_the_socket(omni):
    one, other = omni(), omni(start=False)
    with open(other.conf_file, "a", encoding="utf-8") as out:
        out.write(f'ControlSocket "{one.socket}"\n')
    second = subprocess.run(other.command("-f"), capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 1
    assert one.socket in second.stderr
    assert look(one)["lives"] == 1


def test_the_socket_of_a_dead_daemon_is_taken_over(omni):
    one = omni()
    one.kill()
    assert os.path.exists(one.socket)
    one.start()
    assert look(one)["lives"] == 1


def test_pid_file_and_background(omni):
    one = omni(after='PIDFile "@DIR@/pid"\nLogFile "@DIR@/log"\n', start=False)
    done = subprocess.run(one.command(), capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    with open(f"{one.dir}/pid", encoding="utf-8") as text:
        pid = int(text.read())
    try:
        assert one.answers(), "it is ready when its parent has ended"
        assert one.call("daemon", "status")["pid"] == pid
    finally:
        os.kill(pid, signal.SIGTERM)
    until(lambda: not os.path.exists(f"{one.dir}/pid"), 5, "its pid file goes")


def test_service_manager_is_told(omni, tmp_path):
    path = str(tmp_path / "notify")
    if len(path) > 100:
        path = f"/tmp/muster-notify-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(path)
        notify.settimeout(10)
        one = omni(env={"NOTIFY_SOCKET": path})
        assert b"READY=1" in notify.recv(4096)
        one.stop()
        assert b"STOPPING=1" in notify.recv(4096)
    if os.path.exists(path):
        os.unlink(path)
