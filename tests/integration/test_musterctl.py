"""musterctl as a person uses it: words in, tables and exit codes out; and as a script does, with --json."""
import json
import os
import pty
import re
import select
import signal
import subprocess


from daemon import SLOW, SOURCE
from omni import event_with, omni, plugin_dir, until_seen  # noqa: F401

DONE, REFUSED, WRONG_WORDS, NO_CONNECTION, UNKNOWN = range(5)


def start(one, *words, **more):
    """musterctl in the background: its stdout is read line by line."""
    return subprocess.Popen([one.tree.musterctl, "--socket", one.socket, *words], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1, env=one.env, **more)


def line_of(process, seconds=10):
    ready, _, _ = select.select([process.stdout], [], [], seconds * SLOW)
    assert ready, "no line in time"
    return process.stdout.readline().rstrip("\n")


def end(process):
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10 * SLOW)


# ---- tables and values ----

def test_status_and_plugins(daemon):
    one = daemon("LoadPlugin load\n")
    done = one.ctl_run("status")
    assert done.returncode == DONE and done.stderr == ""
    assert re.search(r"^state +running \(", done.stdout, re.M)
    assert re.search(r"^since +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$", done.stdout, re.M)
    table = one.ctl_run("plugin", "list").stdout.splitlines()
    assert table[0].split()[:2] == ["ID", "STATE"]
    assert [row.split()[:2] for row in table[1:]] == [["load", "running"], ["muster", "running"]]
    assert "\033" not in "".join(table), "colours are for terminals"
    assert one.ctl_run("plugins").stdout.splitlines()[0] == table[0]


def test_series(daemon):
    one = daemon("LoadPlugin load\n")
    one.until(lambda: one.ctl("series", "list", "*/load/load"), what="load is measured")
    done = one.ctl_run("series", "list", "*/load/load")
    assert done.stdout.splitlines()[1].startswith("testhost/load/load  ")
    assert one.ctl_run("series", "list", "nothing*").stderr == "no series\n"
    lines = one.ctl_run("series", "get", "testhost/load/load").stdout.splitlines()
    assert [line.split("=")[0] for line in lines] == ["shortterm", "midterm", "longterm"]
    assert all(float(line.split("=")[1]) >= 0 for line in lines)
    assert one.ctl_run("series", "put", "testhost/hand/gauge-made", "N:42.5").returncode == DONE
    assert one.ctl_run("series", "get", "testhost/hand/gauge-made").stdout == "value=42.5\n"
    gone = one.ctl_run("series", "get", "testhost/no/gauge-made")
    assert gone.returncode == REFUSED and "testhost/no/gauge-made" in gone.stderr


def test_a_list_as_json_is_all_pages(omni):
    one = omni()
    done = one.ctl_run("--json", "grain", "list", "number<=2500")
    grains = json.loads(done.stdout)
    assert len(grains) == 2500 and len({g["id"] for g in grains}) == 2500
    assert list(grains[0])[:2] == ["kind", "id"]
    assert len(json.loads(one.ctl_run("grain", "list", "limit=3", "--json").stdout)) == 3
    assert json.loads(one.ctl_run("grain", "list", "number<0", "--json").stdout) == []


def test_a_table_of_a_million_has_an_end(omni):
    one = omni()
    done = one.ctl_run("grain", "list", seconds=60)
    assert done.returncode == DONE
    assert len(done.stdout.splitlines()) == 10001
    assert "the first 10000 of 1000000" in done.stderr
    sizes = [line.index(" B") for line in done.stdout.splitlines()[1:20] if " B" in line]
    assert len(set(sizes)) <= 1, "numbers are set flush right"


def test_colours_on_a_terminal(daemon):
    one = daemon("LoadPlugin load\n")
    ours, theirs = pty.openpty()
    env = dict(one.env, TERM="xterm")
    env.pop("NO_COLOR", None)
    try:
        for more, coloured in (([], True), (["--no-color"], False)):
            subprocess.run([one.tree.musterctl, "--socket", one.socket, *more, "plugin", "list"], stdout=theirs,
                           stdin=subprocess.DEVNULL, env=env, timeout=20 * SLOW, check=True)
            text = os.read(ours, 65536).decode()
            assert ("\033[32mrunning\033[0m" in text) == coloured
    finally:
        os.close(ours)
        os.close(theirs)


# ---- commands ----

def test_commands_and_their_refusals(omni):
    one = omni()
    echo = one.ctl("probe", "echo", "text=a b", "flag=yes", "whole=0x10", "span=90", "size=2K", "words=x", "words=y")
    assert (echo["text"], echo["flag"], echo["whole"], echo["words"]) == ("a b", True, 16, ["x", "y"])
    fail = one.ctl_run("probe", "fail", "code=EBUSY", "sentence=it is at work", "remedy=wait a little")
    assert fail.returncode == REFUSED and fail.stdout == ""
    assert fail.stderr == "musterctl: here: it is at work\n  wait a little\n"
    wrong = one.ctl_run("probe", "ecko")
    assert wrong.returncode == WRONG_WORDS
    assert wrong.stderr == 'musterctl: the kind probe has no command "ecko"\n  did you mean "echo"?\n'
    assert one.ctl_run("probe", "echo", "whole=200").returncode == WRONG_WORDS
    assert one.ctl_run("plugin", "get", "nobody").returncode == REFUSED
    assert one.ctl_run().returncode == WRONG_WORDS
    assert one.ctl_run("status", "--timeout", "soon").returncode == WRONG_WORDS


def test_stop_start_reload(daemon):
    one = daemon("LoadPlugin load\n")
    assert one.ctl_run("plugin", "stop", "load").returncode == DONE
    one.until(lambda: one.ctl("plugin", "list", "state=stopped"), what="load stops")
    assert [p["id"] for p in one.ctl("plugin", "list", "state=stopped")] == ["load"]
    assert one.ctl_run("plugin", "start", "load").returncode == DONE
    one.until(lambda: one.ctl("plugin", "get", "load")["state"] == "running", what="load runs")
    one.write_config("LoadPlugin load\nLoadPlugin memory\n")
    dry = one.ctl_run("reload", "--dry-run").stdout.splitlines()
    assert dry[0].split() == ["KIND", "ID", "SENTENCE"] and dry[1].split()[:2] == ["plugin", "memory"]
    assert {p["id"] for p in one.ctl("plugin", "list")} == {"load", "muster"}, "nothing was done"
    assert one.ctl_run("reload").returncode == DONE
    one.until(lambda: one.ctl("plugin", "list", "id=memory"), what="memory is there")
    one.write_config("LoadPlugin load\nIntervall 5\n")
    bad = one.ctl_run("reload")
    assert bad.returncode == REFUSED and "Intervall" in bad.stderr and f"{one.conf_file}:" in bad.stderr


def test_a_job_is_named(omni):
    one = omni()
    done = one.ctl_run("probe", "brew", "steps=1", "pause=10ms")
    assert done.returncode == DONE
    job = re.search(r"musterctl job get (\S+)", done.stdout)
    assert job, done.stdout
    one.until(lambda: one.ctl("job", "get", job.group(1))["state"] == "done", what="the job is done")


def test_restart(daemon):
    one = daemon("LoadPlugin load\n")
    before = one.ctl("status")["since"]
    assert one.ctl_run("restart").returncode == DONE

    def is_back():
        done = one.ctl_run("--json", "status")
        return done.returncode == DONE and json.loads(done.stdout)["since"] > before
    one.until(is_back, what="the daemon is back")


# ---- no answer ----

def test_nobody_listens(daemon):
    one = daemon(start=False)
    done = one.ctl_run("status")
    assert done.returncode == NO_CONNECTION
    assert done.stderr.startswith(f"musterctl: cannot connect to {one.socket}: No such file")
    assert "is musterd running?" in done.stderr
    one.start()
    one.kill()
    dead = one.ctl_run("status")
    assert dead.returncode == NO_CONNECTION and "Connection refused" in dead.stderr


def test_outcome_unknown(omni):
    one = omni()
    done = one.ctl_run("--timeout", "0.3", "probe", "never")
    assert done.returncode == UNKNOWN and "unknown" in done.stderr
    calls = one.call("daemon", "status")["calls"]
    process = start(one, "probe", "never")
    # its describe, its call, and each of our own questions
    asked = iter(range(1, 1000))
    one.until(lambda: one.call("daemon", "status")["calls"] >= calls + next(asked) + 2, what="it has asked")
    one.kill()
    _, error = process.communicate(timeout=10 * SLOW)
    assert process.returncode == UNKNOWN and "hung up before it answered" in error


# ---- streams ----

def test_watch_and_follow(daemon):
    one = daemon("LoadPlugin load\n")
    watch = start(one, "series", "watch", "*/load/load")
    assert line_of(watch).startswith("testhost/load/load  shortterm=")
    end(watch)
    one.write_config("LoadPlugin load\nLoadPlugin memry\n")
    one.ctl_run("reload")
    one.until(lambda: event_with(one, "memry"), what="the failure is told")
    with_recent = start(one, "--json", "event", "follow", "severity=failure")
    assert "memry" in json.loads(line_of(with_recent))["words"]
    # it is connected now, and sees the next one happen
    one.write_config("LoadPlugin load\nLoadPlugin lod\n")
    one.ctl_run("reload")
    told = json.loads(line_of(with_recent))
    assert told["severity"] == "failure" and "lod" in told["words"]
    end(with_recent)
    plain = start(one, "event", "follow", "severity=failure", "recent=1")
    assert re.match(r"\d+  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  failure  lod  ", line_of(plain))
    end(plain)


def test_a_stream_is_as_fast_as_its_reader(omni):
    one = omni()
    done = one.ctl_run("--json", "probe", "tick", "count=5000", seconds=60)
    assert done.returncode == DONE
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) >= 5000


def test_events_outlive_the_daemon(omni):
    one = omni("Loud yes\n")
    one.until(lambda: one.ctl("event", "list", "plugin=omni"), what="omni has said something")
    before = one.ctl("event", "list", "plugin=omni")[0]
    one.stop()
    one.start()
    until_seen(one, "omni is back", lives=1)
    after = one.ctl("event", "list")
    assert before["id"] in [event["id"] for event in after]
    numbers = [event["number"] for event in after]
    assert numbers == sorted(numbers, reverse=True) and numbers[0] > before["number"]


# ---- help and completion ----

def test_help_is_the_daemons_own(omni):
    one = omni()
    assert one.ctl_run("--help").stdout.startswith("Usage: musterctl")
    assert "musterctl" in one.ctl_run("--version").stdout
    kinds = one.ctl_run("help").stdout
    assert re.search(r"^probe +.*\becho\b", kinds, re.M)
    echo = one.ctl_run("help", "probe", "echo").stdout
    assert re.search(r"^whole +int +-1 +a number$", echo, re.M)
    assert "one of a million" in one.ctl_run("help", "grain").stdout
    assert one.ctl_run("help", "nothing").returncode == WRONG_WORDS


def complete(one, *words):
    return one.ctl_run("complete", "--", *words).stdout.splitlines()


def test_completion(omni):
    one = omni("<Garden wild>\n</Garden>")
    assert "plugin" in complete(one, "plu")
    assert complete(one, "plugin", "sto") == ["stop"]
    assert complete(one, "plugin", "get", "om") == ["omni"]
    assert complete(one, "thing", "get", "wi") == ["wild"]
    assert complete(one, "--json", "probe", "echo", "col") == ["colour="]
    assert "plugin=omni" in complete(one, "event", "list", "plugin=om")
    assert complete(one, "nothing", "of", "this") == []
    one.stop()
    assert one.ctl_run("complete", "--", "plugin", "").returncode == DONE


def test_completion_in_bash(omni):
    one = omni()
    script = """
        source "$1"; musterctl=$2
        ask() { COMP_LINE=$1; COMP_POINT=${#1}; COMPREPLY=(); compopt() { :; }; _musterctl; printf '%s|' "${COMPREPLY[@]}"; echo; }
        ask "$musterctl plugin sto"
        ask "$musterctl plugin get "
        ask "$musterctl probe echo colour=g"
        ask "$musterctl --socket /nowhere plu"
    """
    done = subprocess.run(["bash", "-c", script, "bash", os.path.join(SOURCE, "contrib/completion/musterctl.bash"),
                           one.tree.musterctl], env=dict(one.env, MUSTER_SOCKET=one.socket), capture_output=True,
                          text=True, timeout=30 * SLOW, check=True)
    stop, ids, colours, nowhere = done.stdout.splitlines()
    assert stop == "stop|"
    assert set(ids.split("|")) >= {"muster", "omni"}
    assert colours == "green|"
    assert nowhere == "|"
