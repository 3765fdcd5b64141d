"""From one configuration to another: only what changed is touched, and a mistake touches nothing."""
import os
import shutil
import signal

import pytest

from daemon import CtlError
from omni import event_with, look, omni, plugin, plugin_dir, row, until_seen  # noqa: F401


def changes(one, **more):
    """What a reload did, or would do: plugin → sentence."""
    answer = one.call("daemon", "reload", **more)
    return {c["id"]: c["sentence"] for c in (answer if isinstance(answer, list) else answer["changes"])}


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
    assert "added" in said["cpu"] and "removed" in said["peer"]
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
    assert "Hostname" in said["daemon"] and "restart" in said["daemon"]


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
