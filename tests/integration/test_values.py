"""Values: from a read or a push to whoever writes, watches or asks; and what happens when somebody does not keep up."""
import json
import os
import subprocess
import time

import pytest

from daemon import CtlError
from omni import event_with, look, omni, plugin, plugin_dir, row, series  # noqa: F401


def touch(path):
    with open(path, "w", encoding="utf-8"):
        pass


def until_series(one, name, seconds=10.0):
    def get():
        try:
            found = one.call("series", "get", name)
        except CtlError:
            return None
        return found if found.get("values") else None
    one.until(get, seconds, f"a value of {name}")
    return get()


def test_values_of_every_sort(omni):
    one = omni(load="\tInterval 0.2\n")
    one.until(lambda: row(one, "omni")["reads"] >= 1 and series(one, "*/omni/derive-steps"), what="a read")
    one.until(lambda: until_series(one, "testhost/omni/derive-steps")["rates"]["value"] is not None, what="a rate")
    found = series(one)
    assert found["testhost/omni/gauge-pi"]["values"] == {"value": 3.14159}
    assert found["testhost/omni/gauge-pi"]["rates"] == {"value": 3.14159}
    assert found["testhost/omni/load"]["values"] == {"shortterm": 1.5, "midterm": 2.5, "longterm": 3.5}
    assert found["testhost/omni/gauge-pi"]["interval"] == 0.2
    names = found["testhost/omni-plot/if_octets-path"]
    assert (names["host"], names["plugin"], names["plugin_instance"], names["type"], names["type_instance"]) == \
        ("testhost", "omni", "plot", "if_octets", "path")
    assert set(names["values"]) == {"rx", "tx"}
    assert found["elsewhere/greenhouse-plot/percent-humid"]["values"] == {"value": 60.0}
    assert found["testhost/omni-held/gauge-steps"]["values"]["value"] >= 1
    assert found["testhost/omni/absolute-drops"]["values"] == {"value": 3}
    # 5 a read, 5 reads a second; 7 laps; an absolute of 3 a read.
    one.until(lambda: row(one, "omni")["reads"] >= 4, what="some reads")
    for name, wanted in (("derive-steps", 25), ("counter-laps", 35), ("absolute-drops", 15)):
        rate = one.call("series", "get", f"testhost/omni/{name}")["rates"]["value"]
        assert rate == pytest.approx(wanted, rel=0.6), name


def test_ticks_of_a_tenth_of_a_second(omni):
    one = omni(load="\tInterval 0.1\n")
    one.until(lambda: row(one, "omni")["reads"] >= 1, what="a read")
    began, first = time.monotonic(), one.call("series", "get", "testhost/omni/counter-laps")["values"]["value"]
    one.until(lambda: one.call("series", "get", "testhost/omni/counter-laps")["values"]["value"] >= first + 70, 15, "ten reads")
    assert time.monotonic() - began > 0.7, "not faster than the clock"


def test_reads_are_aligned_to_the_clock(omni):
    one = omni(load="\tInterval 0.5\n")
    stamps = set()
    for _ in range(3):
        now = until_series(one, "testhost/omni/gauge-pi")["time"]
        stamps.add(now)
        one.until(lambda now=now: one.call("series", "get", "testhost/omni/gauge-pi")["time"] > now, what="the next read")
    late = [stamp % 0.5 for stamp in stamps]
    assert min(late) < 0.1, late


def test_writers_get_what_was_read(omni):
    one = omni(load="\tInterval 0.2\n", after=plugin("peer"))
    one.until(lambda: look(one)["write_samples"] >= 18 and one.call("peer", "tell")["samples"] >= 18, what="two reads")
    assert look(one)["write_stale"] == 0


def test_what_a_batch_refuses(omni):
    one = omni()
    answer = one.call("probe", "spill")
    assert (answer["no_type"], answer["wrong_sort"], answer["wrong_count"], answer["good"]) == (-2, -22, -22, 0)
    assert "no_such_type" in one.log
    assert "testhost/omni/gauge-spilled" not in series(one) or not series(one)["testhost/omni/gauge-spilled"].get("values")


def test_a_push_from_outside_a_read(omni):
    one = omni(after=plugin("peer"))
    assert one.call("probe", "flood", args={"batches": 3, "values": 10}) == {"admitted": 3, "paused": 0, "refused": 0, "full": 0}
    assert until_series(one, "testhost/flood/gauge-flood-9")["values"]["value"] == 9
    one.until(lambda: one.call("peer", "tell")["samples"] >= 30, what="the writer has them")


def test_a_batch_has_a_limit(omni):
    one = omni()
    answer = one.call("probe", "flood", args={"batches": 1, "values": 65600}, deadline=60)
    assert answer["full"] == 64


# ---- by hand ----

def test_put_and_get(omni):
    one = omni(after=plugin("peer"))
    assert one.ctl_run("series", "put", "series=far/away/gauge-x", "values=N:42.5").returncode == 0
    assert until_series(one, "far/away/gauge-x")["values"] == {"value": 42.5}
    got = one.ctl("series", "get", "far/away/gauge-x")
    assert got["values"] == {"value": 42.5} and got["host"] == "far"
    one.call("series", "put", args={"series": "far/away/load", "values": f"{time.time()}:1:2:U"})
    assert until_series(one, "far/away/load")["values"] == {"shortterm": 1.0, "midterm": 2.0, "longterm": None}
    for args in ({"series": "far/away/nonsense", "values": "N:1"}, {"series": "far/away/load", "values": "N:1"},
                 {"series": "far/away/gauge-x", "values": "soon:1"}, {"series": "far", "values": "N:1"},
                 {"series": "far/away/gauge-x", "values": "N:many"}):
        with pytest.raises(CtlError) as error:
            one.call("series", "put", args=args)
        assert error.value.code in ("EINVAL", "ENOENT"), args


def test_an_older_sample_is_stale(omni):
    one = omni()
    now = time.time()
    one.call("series", "put", args={"series": "far/away/gauge-x", "values": f"{now}:1"})
    one.call("series", "put", args={"series": "far/away/gauge-x", "values": f"{now - 10}:2"})
    one.until(lambda: look(one)["write_stale"] == 1, what="a stale sample")
    assert one.call("series", "get", "far/away/gauge-x")["values"] == {"value": 1.0}


def test_series_list_by_musterctl(omni):
    one = omni(after=plugin("load"))
    until_series(one, "testhost/load/load")
    rows = one.ctl("series", "list", "*/load/*")
    assert [r["id"] for r in rows] == ["testhost/load/load"]
    table = one.ctl_run("series", "list", "*/load/*")
    assert table.returncode == 0 and "testhost/load/load" in table.stdout


def test_watching_a_series(omni):
    one = omni()
    with one.connect() as connection:
        connection.send({"kind": "series", "verb": "watch", "args": {"glob": "far/away/*"}})
        one.call("series", "list")
        one.call("series", "put", args={"series": "far/off/gauge-x", "values": "N:1"})
        one.call("series", "put", args={"series": "far/away/gauge-x", "values": "N:2"})
        part = connection.receive()["part"]
    assert (part["id"], part["values"]) == ("far/away/gauge-x", {"value": 2.0})


def test_a_plugin_watches_series(omni):
    one = omni("WatchSeries far/*")
    for i in range(5):
        one.call("series", "put", args={"series": f"far/away/gauge-{i}", "values": "N:1"})
        one.call("series", "put", args={"series": f"near/by/gauge-{i}", "values": "N:1"})
    one.until(lambda: look(one)["watched"] == 5, what="five samples")
    assert look(one)["watch_lost"] == 0


def test_a_slow_watcher_loses_the_oldest_and_knows_how_many(omni):
    one = omni("WatchSeries *flood*", after=plugin("peer"))
    # It builds them itself, so it reads none meanwhile: 64 KiB may wait.
    one.call("probe", "flood", args={"batches": 50, "values": 1000}, deadline=60)
    one.until(lambda: look(one)["watched"] + look(one)["watch_lost"] == 50000, what="what it saw and what it lost")
    assert look(one)["watch_lost"] > 0 and look(one)["watched"] >= 1000
    one.until(lambda: one.call("peer", "tell")["samples"] >= 50000, what="the writer beside it has all")


# ---- full queues ----

def test_a_slow_writer_loses_alone_and_it_is_told(omni):
    one = omni(load="\tInterval 3600\n", after=plugin("peer") + plugin("load"))
    before = one.call("peer", "tell")["samples"]
    # omni's queue takes 1 MiB; peer's 16.
    answer = one.call("probe", "flood", args={"batches": 60, "values": 1000}, deadline=60)
    assert answer["refused"] == 0
    one.until(lambda: one.call("peer", "tell")["samples"] >= before + 60000, what="peer has all")
    assert row(one, "peer")["lost"] == 0
    one.until(lambda: row(one, "omni")["lost"] > 0, what="the loss is shown")
    lost = row(one, "omni")["lost"]
    one.until(lambda: 0 <= look(one)["write_samples"] + lost - 60000 < 2000, what="what it got and lost is all there was")
    told = event_with(one, "omni does not keep up", severity="warning")
    assert told and "values are lost" in told["words"]
    assert not event_with(one, "peer does not keep up")
    assert one.call("daemon", "status")["lost"] >= lost
    # Others are read on.
    reads = row(one, "load")["reads"]
    one.until(lambda: row(one, "load")["reads"] > reads, what="others are read")


def test_a_writer_that_dawdles_catches_up(omni):
    one = omni("WriteDelay 30ms", after=plugin("peer"))
    for i in range(20):
        one.call("series", "put", args={"series": f"far/away/gauge-{i}", "values": "N:1"})
    one.until(lambda: look(one)["write_samples"] >= 20, 20, "all of them, late")
    assert row(one, "omni")["lost"] == 0
    one.until(lambda: row(one, "omni")["slow"] > 0, what="its slowness is counted")


def test_a_full_bus_refuses_and_says_so(omni):
    one = omni(load="\tInterval 3600\n", after=plugin("peer") + "CollectInternalStats false\n")
    # All built before the first is sent: first the sender is asked to pause, and past 64 MiB he is refused.
    answer = one.call("probe", "flood", args={"batches": 150, "values": 20000, "step": "1us", "at_once": True}, deadline=120)
    assert answer["admitted"] + answer["refused"] == 150
    assert answer["paused"] > 0 and answer["refused"] > 0
    one.until(lambda: one.call("daemon", "status")["values"] >= answer["admitted"] * 20000, 60, "all that was admitted")
    one.until(lambda: one.call("daemon", "status")["refused"] == answer["refused"] * 20000, what="what was not")
    one.until(lambda: look(one)["rooms"] >= 1, what="room is told")
    assert one.call("peer", "tell")["batches"] <= answer["admitted"]


# ---- reads that go wrong ----

def test_a_read_that_fails_backs_off_and_is_told_once(omni):
    one = omni('FailFile "@DIR@/fail"', load="\tInterval 0.2\n", after="LoadPlugin load\n")
    touch(f"{one.dir}/fail")
    one.until(lambda: row(one, "omni")["errors"] >= 1, what="a failure")
    one.until(lambda: event_with(one, "omni cannot be read", severity="warning"), what="an event")
    assert "Input/output" in row(one, "omni")["reason"]
    reads = row(one, "load")["reads"]
    one.until(lambda: row(one, "load")["reads"] > reads + 1, what="others are read meanwhile")
    errors = row(one, "omni")["errors"]
    assert errors <= 5, "it is tried more and more rarely"
    os.unlink(f"{one.dir}/fail")
    one.until(lambda: event_with(one, "can be read again", severity="okay"), 20, "it is told that all is well")
    assert len([1 for line in one.log.splitlines() if "cannot be read:" in line]) == 1
    # What is in the batch counts also when the read fails.
    assert series(one, "testhost/omni/gauge-pi")


def test_a_slow_read_leaves_out_ticks(omni):
    one = omni('HangFile "@DIR@/hang"', load="\tInterval 0.1\n\tDeadline 30\n")
    touch(f"{one.dir}/hang")
    one.until(lambda: row(one, "omni")["overruns"] >= 5, what="ticks left out")
    os.unlink(f"{one.dir}/hang")
    reads = row(one, "omni")["reads"]
    one.until(lambda: row(one, "omni")["reads"] > reads, what="reads go on")
    assert row(one, "omni")["hung"] == 0


def test_a_series_that_is_missed(omni):
    one = omni(load="\tInterval 3600\n")
    one.call("series", "put", args={"series": "far/away/gauge-x", "values": "N:1", "interval": 0.3})
    until_series(one, "far/away/gauge-x")
    one.until(lambda: event_with(one, "no value of far/away/gauge-x"), what="an event")
    assert event_with(one, "no value of far/away/gauge-x")["series"] == "far/away/gauge-x"
    one.until(lambda: "far/away/gauge-x" not in series(one), what="it goes")
    one.call("series", "put", args={"series": "far/away/gauge-x", "values": "N:2"})
    assert until_series(one, "far/away/gauge-x")["values"] == {"value": 2.0}


# ---- the daemon watches itself ----

def test_its_own_figures_are_series(omni):
    one = omni(after=plugin("peer"))
    until_series(one, "testhost/muster-omni/derive-greetings")
    found = series(one, "testhost/muster*")
    for name in ("muster/derive-batches", "muster/gauge-series", "muster/derive-calls", "muster/gauge-workers",
                 "muster/queue_length-pool", "muster-omni/gauge-things", "muster-omni/derive-reads", "muster-omni/duration-read",
                 "muster-omni/derive-hung", "muster-omni/derive-work_refused", "muster-omni/derive-events_lost",
                 "muster-peer/derive-queue_lost", "muster-peer/derive-samples", "muster-loop_omni/derive-messages"):
        assert f"testhost/{name}" in found, name
    assert found["testhost/muster-omni/derive-greetings"]["values"] == {"value": 1}


def test_whatever_is_lost_is_a_series(omni):
    one = omni()
    lost = {f"testhost/muster/derive-{name}" for name in (
        "values_refused", "values_stale", "values_wrong", "values_wrong_untold", "series_refused", "events_dropped",
        "stream_parts_lost", "audit_lost", "calls_expired", "calls_refused", "replies_late", "replies_wrong",
        "object_resyncs", "objects_refused", "object_attrs_dropped", "workers_not_started", "store_failed",
        "store_refused", "log_lost", "ctl_clients_refused", "ctl_clients_cut", "ctl_lines_refused")}
    until_series(one, "testhost/muster/derive-ctl_lines_refused")
    assert lost - set(series(one, "testhost/muster/derive-*")) == set()
    with one.connect() as connection:
        connection.send_raw(b"no line of ours\n")
    one.until(lambda: series(one, "*")["testhost/muster/derive-ctl_lines_refused"]["values"] == {"value": 1},
              what="it is counted")


def test_no_figures_unless_they_are_wanted(omni):
    one = omni(after="CollectInternalStats false\n")
    # The core's beat, at which they would come, is also what brings the row of an instance up to date.
    reads = row(one, "omni")["reads"]
    one.until(lambda: row(one, "omni")["reads"] > reads + 2, what="two beats")
    assert series(one, "*/muster*") == {}


def test_watch_by_musterctl_streams_json(omni):
    one = omni(load="\tInterval 0.2\n")
    done = subprocess.run(["timeout", "2", one.tree.musterctl, "--socket", one.socket, "--json", "series", "watch",
                           "*/omni/gauge-pi"], capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines and all(line["id"] == "testhost/omni/gauge-pi" for line in lines)
