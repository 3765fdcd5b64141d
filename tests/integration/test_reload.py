"""From one configuration to another: only what changed is touched, and a mistake touches nothing."""
import os
import shutil
import signal
import time

import pytest

from daemon import CtlError
from omni import event_with, look, omni, plugin, plugin_dir, row, until_seen  # noqa: F401


def changes(one, **more):
    """What a reload did, or would do: plugin → sentence; of the daemon itself: "musterd" → sentences."""
    answer = one.call("daemon", "reload", **more)
    said = {}
    for c in answer if isinstance(answer, list) else answer["changes"]:
        assert c["kind"] == ("daemon" if c["id"] == "musterd" else "plugin")
        assert c["sentence"].strip(": ") == c["sentence"], "words on both sides"
        said[c["id"]] = "\n".join(filter(None, (said.get(c["id"]), c["sentence"])))
    return said


def until_greeting(one, words):
    until_seen(one, f"omni says {words}", greeting=words)


@pytest.fixture
def one(omni):
    return omni("Greeting one", after=plugin("load") + plugin("peer"))


def rest():
    return plugin("load") + plugin("peer")


def test_nothing_changed(one):
    assert changes(one) == {}
    assert "nothing has changed" in one.call("daemon", "reload")["message"]
    # Comments and blanks are nothing.
    one.write_config("# a comment\n" + plugin("omni", "  Greeting   one   # here too") + "\n\n" + rest())
    assert changes(one) == {}
    assert look(one)["reconfigured"] == 0


def test_new_values_are_taken_over_while_it_runs(one):
    since = {name: row(one, name)["since"] for name in ("omni", "load", "peer")}
    one.write_config(plugin("omni", "Greeting two\n\tLevel 9") + rest())
    said = changes(one)
    assert set(said) == {"omni"}
    assert "reconfigured" in said["omni"] and "Greeting" in said["omni"]
    until_greeting(one, "two")
    seen = look(one)
    assert (seen["lives"], seen["reconfigured"], seen["config"]["level"]) == (1, 1, 9)
    assert not seen["same_config"]
    assert {name: row(one, name)["since"] for name in since} == since, "nobody was restarted"


def test_it_may_ask_to_be_restarted_instead(one):
    since = {name: row(one, name)["since"] for name in ("load", "peer")}
    one.write_config(plugin("omni", "Greeting two\n\tAnchor there") + rest())
    changes(one)
    until_seen(one, "its second life", lives=2)
    assert look(one)["config"]["anchor"] == "there"
    assert {name: row(one, name)["since"] for name in since} == since


def test_it_may_refuse_new_values_and_starts_with_them(one):
    one.write_config(plugin("omni", "Greeting two\n\tRefuse yes") + rest())
    changes(one)
    until_seen(one, "its second life", lives=2)
    assert look(one)["config"]["greeting"] == "two"
    one.until(lambda: event_with(one, "omni was told to refuse", severity="warning"), what="an event")


def test_a_plugin_without_reconfigure_restarts(one):
    since = row(one, "omni")["since"]
    one.write_config(plugin("omni", "Greeting one") + plugin("load") + plugin("peer", "Word new"))
    said = changes(one)
    assert set(said) == {"peer"} and "restarted" in said["peer"]
    one.until(lambda: row(one, "peer")["state"] == "running" and one.call("peer", "tell")["word"] == "new",
              what="peer with its new word")
    assert row(one, "omni")["since"] == since


def test_what_stands_in_loadplugin_needs_a_restart(one):
    one.write_config(plugin("omni", "Greeting one", load="\tInterval 5") + rest())
    said = changes(one)
    assert set(said) == {"omni"} and "Interval" in said["omni"]
    one.until(lambda: row(one, "omni")["interval"] == 5, what="its new interval")
    one.until(lambda: row(one, "omni")["state"] == "running", what="it runs")
    one.write_config(plugin("omni", "Greeting one", load="\tInterval 5\n\tLoop other") + rest())
    assert "Loop" in changes(one)["omni"]
    one.until(lambda: row(one, "omni")["state"] == "running" and row(one, "omni")["loop"] == "other", what="another loop")


def test_added_and_removed(one):
    one.write_config(plugin("omni", "Greeting one") + plugin("cpu") + plugin("load"))
    said = changes(one)
    assert set(said) == {"cpu", "peer"}
    assert said["cpu"] == "added" and said["peer"] == "removed: it stops"
    one.until(lambda: row(one, "cpu")["state"] == "running", what="the new one")

    def gone():
        with pytest.raises(CtlError) as error:
            one.call("plugin", "get", "peer")
        return error.value.code == "ENOENT"

    one.until(lambda: "peer" not in {p["id"] for p in one.call("plugin", "list")["items"]}, what="the old one goes")
    assert gone()


def test_dry_run_tells_and_does_nothing(one):
    one.write_config(plugin("omni", "Greeting two\n\tPassword secret") + plugin("load"))
    said = changes(one, dry_run=True)
    assert set(said) == {"omni", "peer"}
    assert "secret" not in str(said), "names are told, never values"
    done = one.ctl_run("reload", "--dry-run")
    assert done.returncode == 0 and "omni" in done.stdout and "peer" in done.stdout
    seen = look(one)
    assert (seen["config"]["greeting"], seen["reconfigured"], seen["lives"]) == ("one", 0, 1)
    assert row(one, "peer")["state"] == "running"


def test_sighup_reloads(one):
    one.write_config(plugin("omni", "Greeting two") + rest())
    one.signal(signal.SIGHUP)
    until_greeting(one, "two")
    one.until(lambda: event_with(one, "was reloaded", severity="info"), what="an event")


def test_musterctl_reloads(one):
    one.write_config(plugin("omni", "Greeting two") + rest())
    done = one.ctl_run("reload")
    assert done.returncode == 0 and "omni" in done.stdout
    until_greeting(one, "two")


def test_a_bad_file_changes_nothing(one):
    before = {p["id"]: p["since"] for p in one.call("plugin", "list")["items"]}
    # A good change beside the mistake: it must not be taken either.
    one.write_config(plugin("omni", "Greeting two\n\tColour purple") + plugin("cpu"))
    with pytest.raises(CtlError) as error:
        one.call("daemon", "reload")
    assert "purple" in error.value.what
    assert f"{one.conf_file}:" in error.value.error["where"]
    assert "red" in error.value.remedy
    done = one.ctl_run("reload")
    assert done.returncode == 1 and "purple" in done.stderr
    with pytest.raises(CtlError):
        one.call("daemon", "reload", dry_run=True)
    one.signal(signal.SIGHUP)
    one.until(lambda: event_with(one, "not reloaded", severity="warning"), what="an event")
    assert {p["id"]: p["since"] for p in one.call("plugin", "list")["items"]} == before
    assert look(one)["config"]["greeting"] == "one"


def test_a_file_that_is_gone_changes_nothing(one):
    os.unlink(one.conf_file)
    with pytest.raises(CtlError) as error:
        one.call("daemon", "reload")
    assert one.conf_file in str(error.value)
    assert row(one, "omni")["state"] == "running"


# ---- while something is under way ----

def test_work_keeps_the_options_it_began_with(one):
    file = f"{one.dir}/block"
    with open(file, "w", encoding="utf-8"):
        pass
    with one.connect() as connection:
        connection.send({"kind": "probe", "verb": "work", "args": {"file": file, "count": 4}, "deadline": 30})
        one.call("probe", "look")
        for word in ("two", "three", "four"):
            one.write_config(plugin("omni", f"Greeting {word}") + rest())
            changes(one)
            until_greeting(one, word)
        os.unlink(file)
        answer = connection.receive()["result"]
    assert (answer["done"], answer["greeting"]) == (4, "one")
    assert one.call("probe", "work")["greeting"] == "four"


def test_work_outlives_a_restart_of_its_instance(one):
    file = f"{one.dir}/block"
    with open(file, "w", encoding="utf-8"):
        pass
    with one.connect() as connection:
        connection.send({"kind": "probe", "verb": "work", "args": {"file": file}, "deadline": 30})
        one.call("probe", "look")
        one.write_config(plugin("omni", "Greeting two\n\tAnchor there") + rest())
        changes(one)
        assert connection.receive()["error"]["code"] == "ECANCELED"
    os.unlink(file)
    until_seen(one, "its second life", lives=2)
    assert one.call("probe", "work")["greeting"] == "two"


def test_a_job_goes_on_over_new_values(one):
    job = one.call("probe", "brew", args={"steps": 4, "pause": 0.1})["job"]
    one.write_config(plugin("omni", "Greeting two") + rest())
    changes(one)
    until_greeting(one, "two")
    one.until(lambda: one.call("job", "get", job)["state"] == "done", what="the job is done")


def test_a_read_keeps_the_options_it_began_with(omni):
    one = omni('HangFile "@DIR@/hang"\n\tFailFile "@DIR@/fail"', load="\tInterval 0.2\n\tDeadline 30")
    for name in ("hang", "fail"):
        with open(f"{one.dir}/{name}", "w", encoding="utf-8"):
            pass
    one.until(lambda: row(one, "omni")["overruns"] > 0, what="a read under way")
    one.write_config(plugin("omni", "Greeting two", load="\tInterval 0.2\n\tDeadline 30"))
    changes(one)
    until_greeting(one, "two")
    os.unlink(f"{one.dir}/hang")
    one.until(lambda: row(one, "omni")["errors"] == 1, what="the read ends as its own FailFile says")
    one.until(lambda: row(one, "omni")["reads"] >= 3 and not row(one, "omni").get("reason", "").startswith("Input"),
              what="the next ones know of none")
    assert row(one, "omni")["errors"] == 1


def test_one_stopped_by_a_person_stays_so(one):
    one.call("plugin", "stop", "omni")
    one.until(lambda: row(one, "omni")["state"] == "stopped", what="it is stopped")
    one.write_config(plugin("omni", "Greeting two") + rest())
    changes(one)
    assert row(one, "omni")["state"] == "stopped"
    one.call("plugin", "start", "omni")
    one.until(lambda: row(one, "omni")["state"] == "running", what="it runs")
    until_greeting(one, "two")


def test_plugin_reload_takes_its_own_part_alone(one):
    one.write_config(plugin("omni", "Greeting two") + plugin("load") + plugin("peer", "Word new"))
    one.call("plugin", "reload", "omni")
    until_seen(one, "its second life", lives=2)
    assert look(one)["config"]["greeting"] == "two"
    assert one.call("peer", "tell")["word"] == "peer"


def test_what_needs_a_restart_of_the_daemon_is_told(one):
    text = "Hostname elsewhere\n" + plugin("omni", "Greeting one") + rest()
    with open(one.conf_file, "w", encoding="utf-8") as out:
        out.write(one.preamble().replace("Hostname", "# Hostname") + text)
    said = changes(one, dry_run=True)
    assert said["musterd"] == "later: Hostname changed; takes effect when the daemon restarts"


def test_what_takes_effect_at_once_is_told(one):
    text = "LogLevel debug\nMaxReadInterval 20\nTimeout 3\nPoolSize 9\n"
    one.write_config(text + plugin("omni", "Greeting one") + rest())
    said = changes(one, dry_run=True)["musterd"].split("\n")
    assert said == changes(one)["musterd"].split("\n")
    assert said[0].startswith("reconfigured: ") and said[1].startswith("later: PoolSize changed")
    assert all(name in said[0] for name in ("LogLevel", "MaxReadInterval", "Timeout"))
    one.write_config(text + plugin("omni", "Greeting one") + plugin("load"))
    changes(one)
    one.until_logged("info peer: stopped")  # a line of that level


def test_new_files_of_types_are_taken(one):
    def put():
        return one.ctl_run("series", "put", "testhost/hand/novelty-made", "N:42.5").returncode

    assert put() != 0
    before = plugin("omni", "Greeting one") + rest()
    with open(f"{one.dir}/more.db", "w", encoding="utf-8") as out:
        out.write("novelty value:GAUGE:0:U\nwrong wrong\n")
    one.write_config(f'TypesDB "{one.dir}/more.db"\n' + before)
    with pytest.raises(CtlError) as error:
        one.call("daemon", "reload")
    assert error.value.error["where"] == f"{one.dir}/more.db:2"
    assert put() != 0, "a mistake changes nothing"
    with open(f"{one.dir}/more.db", "w", encoding="utf-8") as out:
        out.write("novelty value:GAUGE:0:U\n")
    assert "TypesDB" in changes(one, dry_run=True)["musterd"] and put() != 0
    assert changes(one) == {"musterd": "reconfigured: TypesDB changed"}
    assert put() == 0
    one.write_config(before)
    assert "no longer named stay" in changes(one)["musterd"]
    assert put() == 0


# ---- what a reload says ----

def test_a_refused_plugin_is_told(one):
    one.write_config("PreCacheChain x\nLoadPlugin nonesuch\n" + plugin("omni", "Greeting one") + rest())
    dry = one.call("daemon", "reload", dry_run=True)
    assert any(row["sentence"].startswith("warning: ") and "PreCacheChain" in row["sentence"] for row in dry)
    answer = one.call("daemon", "reload")
    said = {c["id"]: c["sentence"] for c in answer["changes"]}
    assert said["nonesuch"].startswith('added: its file cannot be loaded: there is no plugin "nonesuch"')
    assert said["nonesuch"].endswith("; it will be failed")
    odd = [w["sentence"] for w in answer["warnings"]]
    assert any("nonesuch" in text for text in odd)
    assert any("PreCacheChain has no effect" in text and f"{one.conf_file}:" in text for text in odd)
    one.until(lambda: row(one, "nonesuch")["state"] == "failed", what="it has failed")
    again = one.call("daemon", "reload")
    assert again["changes"] == [] and again["warnings"] == answer["warnings"], "and it is still odd"


def test_all_errors_are_told(one):
    one.write_config("Bogus 1\nTimeout soon\n" + plugin("omni", "Colour purple"))
    with pytest.raises(CtlError) as error:
        one.call("daemon", "reload")
    told = error.value.error["errors"]
    assert len(told) == 3 and told[0]["what"] == error.value.what
    for word in ("Bogus", "soon", "purple"):
        assert any(word in e["what"] and e["where"] for e in told)
    done = one.ctl_run("reload")
    assert done.returncode == 1
    assert all(word in done.stderr for word in ("Bogus", "soon", "purple"))
    assert done.stderr.count("purple") == 1
    done = one.ctl_run("plugin", "reload", "omni")
    assert done.returncode == 1 and "Bogus" in done.stderr and "purple" in done.stderr
    one.write_config("Bogus 1\n" * 40)
    with pytest.raises(CtlError) as error:
        one.call("daemon", "reload")
    assert len(error.value.error["errors"]) == 33
    assert error.value.error["errors"][-1]["what"] == "and 8 more errors"


# ---- while the configuration hangs ----

@pytest.fixture
def hanging(daemon, plugin_dir, tmp_path):
    """A daemon whose next reload hangs in a library until `gate` is gone."""
    gate = tmp_path / "gate"
    one = daemon(plugin("omni", "Greeting one", load="\tInterval 0.2"), plugin_dir=plugin_dir,
                 env={"MUSTER_TEST_HANG": str(gate)})
    one.gate = gate
    gate.touch()
    one.write_config(plugin("omni", "Greeting two", load="\tInterval 0.2") + plugin("hang"))
    return one


def until_begun(one):
    one.until(lambda: os.path.exists(f"{one.gate}.begun"), what="the reload has begun")


def reloads(one):
    return sum("was reloaded" in e["words"] for e in one.call("event", "list", args={"limit": 1000})["items"])


def test_a_reload_that_hangs_holds_up_nobody(hanging):
    one = hanging
    with one.connect(seconds=30) as connection:
        connection.send({"kind": "daemon", "verb": "reload"})
        until_begun(one)
        for kind, verb, ids in (("daemon", "reload", []), ("plugin", "reload", ["omni"])):
            with pytest.raises(CtlError) as error:
                one.call(kind, verb, *ids)
            assert error.value.code == "EBUSY" and "being read already" in error.value.what
        reads = row(one, "omni")["reads"]
        one.until(lambda: row(one, "omni")["reads"] > reads + 3, what="reads go on")
        one.call("daemon", "describe")
        assert look(one)["config"]["greeting"] == "one"
        one.signal(signal.SIGHUP)
        one.signal(signal.SIGHUP)
        reads = row(one, "omni")["reads"]
        one.until(lambda: row(one, "omni")["reads"] > reads, what="reads still go on")
        one.gate.unlink()
        answer = connection.receive()["result"]
    assert {c["id"] for c in answer["changes"]} == {"omni", "hang"}
    until_greeting(one, "two")
    one.until(lambda: reloads(one) == 2, what="once more for the signal")


def test_one_who_hung_up_has_asked_all_the_same(hanging):
    one = hanging
    with one.connect() as connection:
        connection.send({"kind": "daemon", "verb": "reload"})
        until_begun(one)
    one.gate.unlink()
    until_greeting(one, "two")
    one.until(lambda: reloads(one) == 1, what="an event")


@pytest.mark.parametrize("verb", [("daemon", "reload", []), ("plugin", "reload", ["omni"]), None])
def test_stopping_while_a_reload_hangs(hanging, verb):
    one = hanging
    with one.connect() as connection:
        if verb:
            connection.send({"kind": verb[0], "verb": verb[1], "ids": verb[2]} if verb[2] else
                            {"kind": verb[0], "verb": verb[1]})
        else:
            one.signal(signal.SIGHUP)
        until_begun(one)
        one.stop()
        if verb:
            assert connection.receive()["error"]["code"] == "ECANCELED"
    assert "was reloaded" not in one.log and "hang: runs" not in one.log


def test_stopping_while_a_reload_ends(hanging):
    one = hanging
    one.signal(signal.SIGHUP)
    until_begun(one)
    one.signal(signal.SIGTERM)
    time.sleep(0.01)
    one.gate.unlink()
    one.process.wait(5)
    assert one.process.returncode == 0 and "was reloaded" not in one.log


# ---- against an operator's word ----

def test_one_stopped_by_a_person_stays_so_over_a_new_loadplugin(one):
    one.call("plugin", "stop", "omni")
    one.write_config(plugin("omni", "Greeting two", load="\tInterval 5") + rest())
    said = changes(one, dry_run=True)["omni"]
    assert said == changes(one)["omni"] == "changed: Interval changed; it was told to stop, and stays so"
    assert row(one, "omni")["state"] == "stopped"
    one.call("plugin", "start", "omni")
    until_greeting(one, "two")
    assert row(one, "omni")["interval"] == 5
    one.call("plugin", "stop", "omni")
    assert one.call("plugin", "reload", "omni"), "a word about this one starts it"
    assert row(one, "omni")["state"] == "running"


def test_a_bulk_verb_tells_what_it_could_not_do(one):
    one.write_config("LoadPlugin nonesuch\n" + plugin("omni", "Greeting one") + rest())
    changes(one)
    one.call("plugin", "stop", "load", "peer")
    answer = one.call("plugin", "start", "nonesuch", "load", "muster", "peer")
    assert answer["message"] == "2 plugins: each runs"
    assert {f["id"] for f in answer["failed"]} == {"nonesuch", "muster"}
    assert all(f["code"] < 0 for f in answer["failed"])
    assert any("there is no plugin" in f["sentence"] for f in answer["failed"])
    assert any("the daemon itself" in f["sentence"] for f in answer["failed"])
    assert row(one, "load")["state"] == row(one, "peer")["state"] == "running"
    assert "failed" not in one.call("plugin", "stop", "load", "peer")
    done = one.ctl_run("plugin", "start", "nonesuch", "load")
    assert done.returncode == 1 and "1 plugin: each runs" in done.stdout and "there is no plugin" in done.stdout
    assert one.call("plugin", "start", "nonesuch", "muster")["message"] == "none of 2 plugins runs"
    with pytest.raises(CtlError):
        one.call("plugin", "start", "nonesuch")


def test_a_newer_file_on_disk_is_shown(daemon, plugin_dir, tmp_path):
    folder = str(tmp_path / "own")
    shutil.copytree(plugin_dir, folder)
    one = daemon(plugin("omni"), plugin_dir=folder)
    assert not row(one, "omni").get("newer_on_disk")
    shutil.copy(f"{folder}/omni.so", f"{folder}/new")
    os.rename(f"{folder}/new", f"{folder}/omni.so")
    one.until(lambda: row(one, "omni").get("newer_on_disk"), what="the list says so")


def test_reloads_in_a_row(one):
    for i in range(20):
        one.write_config(plugin("omni", f"Greeting g{i}\n\tAnchor a{i // 5}") + rest())
        one.call("daemon", "reload")
    until_seen(one, "the last of twenty", greeting="g19")
    assert look(one)["config"]["anchor"] == "a3"
