"""Values on their way to disk, in a real daemon: flush, stop, trouble in the way, reload, seconds that are shared."""
import os
import shutil
import subprocess
import time

import pytest

from daemon import CtlError

assert shutil.which("rrdtool"), "these tests need rrdtool; contrib/check installs it"

READERS = "CollectInternalStats false\nLoadPlugin cpu\nLoadPlugin load\nLoadPlugin memory\nLoadPlugin rrd\n"
FILES = 7 + 8 * os.cpu_count()


def path_of(one, name, folder="rrd"):
    return os.path.join(one.dir, folder, name + ".rrd")


def last(path):
    return int(subprocess.run(["rrdtool", "last", path], capture_output=True, text=True, check=True).stdout)


def second(row):
    """The whole second of a series' newest value; its time is rounded to a millisecond, maybe upwards."""
    return int(row["time"] - 0.001)


def counters(one):
    """As the object shows them: a moment late."""
    return one.call("plugin", "get", "rrd")["counters"]


def all_there(one, folder="rrd"):
    one.until(lambda: os.path.exists(path_of(one, "testhost/load/load", folder)) and
              os.path.exists(path_of(one, "testhost/memory/memory-used", folder)) and
              os.path.exists(path_of(one, "testhost/cpu-0/cpu-idle", folder)), what="the first files")


def events(one):
    return one.call("event", "list")["items"]


def said(one, words):
    return [event for event in events(one) if words in event["words"]]


def test_flush_is_answered_when_it_is_on_disk(daemon):
    one = daemon(READERS)
    all_there(one)
    for _ in range(4):
        before = last(path_of(one, "testhost/load/load"))
        one.until(lambda: second(one.call("series", "get", "testhost/load/load")) > before, what="a new value")
        seen = second(one.call("series", "get", "testhost/load/load"))
        # 0 when its turn came by itself just now
        assert one.call("series", "flush", "testhost/load/load")["flushed"] <= 1
        assert last(path_of(one, "testhost/load/load")) >= seen
    answer = one.call("series", "flush", "testhost/cpu-0/*")
    assert answer["flushed"] <= 8 and "failed" not in answer
    assert one.call("series", "flush", "no/such/series") == {"flushed": 0}
    assert one.call("series", "flush")["flushed"] <= FILES


def test_values_wait_for_each_other(daemon):
    one = daemon(READERS)
    all_there(one)
    one.until(lambda: counters(one)["pending"] > 2 * FILES, 20, "values that wait")
    now = counters(one)
    assert now["files-created"] == FILES
    assert now["updates"] < now["values"] + now["pending"]
    assert now["errors"] == now["dropped"] == now["lost"] == 0


def test_stop_writes_all_that_waits(daemon):
    one = daemon(READERS)
    all_there(one)
    one.until(lambda: counters(one)["pending"] > 2 * FILES, 20, "values that wait")
    newest = {row["id"]: second(row) for row in one.call("series", "list")["items"]
              if row["id"].startswith("testhost/")}
    assert len(newest) >= FILES
    one.stop()
    for name, seen in newest.items():
        if os.path.exists(path_of(one, name)):
            assert last(path_of(one, name)) >= seen, name
    assert "not written" not in one.log


def test_trouble_is_said_once_and_nothing_is_lost(daemon):
    one = daemon(READERS, start=False)
    with open(os.path.join(one.dir, "rrd"), "w", encoding="utf-8"):
        pass
    one.start()
    one.until(lambda: counters(one)["errors"] >= 2 * FILES, 20, "two tries of each file")
    assert len(said(one, "its values are kept for another try")) == 1
    assert "cannot write" in one.call("plugin", "get", "rrd")["reason"]
    waiting = counters(one)["pending"]
    os.unlink(os.path.join(one.dir, "rrd"))
    answer = one.call("series", "flush")
    assert answer["flushed"] == FILES and "failed" not in answer
    one.until(lambda: said(one, "no RRD file is held up any more"), what="good news")
    one.until(lambda: counters(one)["values"] >= waiting, what="all values written")
    assert counters(one)["lost"] == counters(one)["dropped"] == 0
    assert not one.call("plugin", "get", "rrd").get("reason")


def test_a_foreign_file_is_left_alone(daemon):
    one = daemon(READERS, start=False)
    way = path_of(one, "testhost/load/load")
    os.makedirs(os.path.dirname(way))
    with open(way, "w", encoding="utf-8") as out:
        out.write("a letter to my aunt\n")
    one.start()
    one.until(lambda: said(one, "testhost/load/load"), what="the event")
    assert os.path.exists(path_of(one, "testhost/memory/memory-used"))
    answer = one.call("series", "flush")
    assert answer["failed"] == 1
    with open(way, encoding="utf-8") as text:
        assert text.read() == "a letter to my aunt\n"
    os.unlink(way)
    assert one.call("series", "flush", "testhost/load/load") == {"flushed": 1}
    assert last(way) >= int(time.time()) - 2
    one.stop()


def test_seconds_are_shared_by_several_values(daemon):
    one = daemon(READERS, interval="0.1")
    all_there(one)
    one.until(lambda: counters(one)["folded"] > 10 * FILES, 20, "values of one second")
    one.call("series", "flush")
    now = counters(one)
    assert now["errors"] == 0 and now["lost"] == 0
    info = subprocess.run(["rrdtool", "info", path_of(one, "testhost/load/load")], capture_output=True, text=True,
                          check=True).stdout
    assert "\nstep = 1\n" in info


def put(one, name, *values, interval=10):
    for value in values:
        one.call("series", "put", args={"series": name, "values": value, "interval": interval})


def rows(path, start, end):
    """What `rrdtool fetch` shows: {second: [numbers]}, without what is unknown."""
    text = subprocess.run(["rrdtool", "fetch", path, "AVERAGE", "-s", str(start), "-e", str(end)], check=True,
                          capture_output=True, text=True, env=dict(os.environ, LC_ALL="C")).stdout
    found = {}
    for line in text.splitlines()[2:]:
        second, _, numbers = line.partition(":")
        if "nan" not in numbers:
            found[int(second)] = [float(number) for number in numbers.split()]
    return found


def test_what_comes_from_outside_is_in_the_file(daemon):
    one = daemon("CollectInternalStats false\nLoadPlugin rrd\n")
    now = int(time.time()) // 10 * 10
    times = range(now - 1000, now + 1, 10)
    put(one, "far/away/gauge-x", *(f"{t}:{t - now}" for t in times))
    assert one.call("series", "flush", "far/away/gauge-x")["flushed"] <= 1
    found = rows(path_of(one, "far/away/gauge-x"), now - 990, now - 10)
    assert all(found[t] == [t - now] for t in times if now - 990 < t < now - 10)
    # two in one second are one, their mean
    put(one, "far/away/gauge-y", f"{now - 20}:1", interval=1)
    one.call("series", "flush")
    put(one, "far/away/gauge-y", f"{now - 19}:1", f"{now - 18}:4", f"{now - 18}.25:6", f"{now - 18}.5:8",
        f"{now - 17}:0", interval=1)
    one.call("series", "flush")
    one.until(lambda: counters(one)["folded"] == 2, what="two folded values")
    assert rows(path_of(one, "far/away/gauge-y"), now - 19, now - 18)[now - 18] == [6.0]


def test_a_file_ahead_of_the_clock_is_told(daemon):
    one = daemon("CollectInternalStats false\nLoadPlugin rrd\n")
    ahead = int(time.time()) + 3600
    put(one, "far/away/gauge-x", f"{ahead}:1")
    one.until(lambda: os.path.exists(path_of(one, "far/away/gauge-x")), what="the file")
    one.until(lambda: counters(one)["values"] == 1, what="its value")
    put(one, "far/away/gauge-x", "N:2")
    one.until(lambda: said(one, "ahead of the clock"), what="the event")
    one.until(lambda: counters(one)["past"] == 1, what="one value of the past")
    one.stop()
    # and by one who finds the file
    one.start()
    put(one, "far/away/gauge-x", "N:2")
    one.until(lambda: len(said(one, "ahead of the clock")) == 2, what="the event")
    put(one, "far/away/gauge-y", "N:2")
    one.until(lambda: os.path.exists(path_of(one, "far/away/gauge-y")), what="another file")


def test_cache_timeout_0_writes_as_it_comes(daemon):
    one = daemon(READERS + "<Plugin rrd>\nCacheTimeout 0\n</Plugin>\n")
    all_there(one)
    one.until(lambda: counters(one)["updates"] >= 4 * FILES, 20, "writes")
    assert counters(one)["pending"] <= FILES


def test_reload_moves_to_another_folder(daemon):
    one = daemon(READERS)
    all_there(one)
    one.until(lambda: counters(one)["pending"] > FILES, 20, "values that wait")
    one.write_config(READERS + '<Plugin rrd>\nDataDir "elsewhere"\n</Plugin>\n')
    one.call("daemon", "reload")
    all_there(one, "elsewhere")
    old, new = path_of(one, "testhost/load/load"), path_of(one, "testhost/load/load", "elsewhere")
    assert 0 <= last(new) - last(old) <= 3, "no value between the folders is lost"
    # times alone need no restart
    since = one.call("plugin", "get", "rrd")["since"]
    one.write_config(READERS + '<Plugin rrd>\nDataDir "elsewhere"\nCacheTimeout 0\n</Plugin>\n')
    one.call("daemon", "reload")
    one.until(lambda: last(new) >= int(time.time()) - 1 and counters(one)["pending"] <= FILES, what="quick writes")
    assert one.call("plugin", "get", "rrd")["since"] == since


@pytest.mark.parametrize("line", ["RRATimespan 1d", "XFF 1", "RRARows 0", "RRAType MEDIAN", "CacheTimeout -1",
                                  "PendingLimit 1"])
def test_wrong_options_are_refused_by_name(daemon, line):
    one = daemon(READERS + f"<Plugin rrd>\n{line}\n</Plugin>\n", start=False)
    done = one.run("-t")
    assert done.returncode != 0
    assert line.split()[0] in done.stderr + done.stdout or line.split()[1] in done.stderr + done.stdout


def test_two_writers_are_one_too_many(daemon):
    one = daemon(READERS + '<Plugin rrd "other">\nDataDir "other"\n</Plugin>\n', start=False)
    done = one.run("-t")
    assert done.returncode != 0, done.stdout + done.stderr


def test_flush_is_a_viewers_right(daemon):
    one = daemon(READERS)
    kind = next(kind for kind in one.call("daemon", "describe")["kinds"] if kind["name"] == "series")
    row = next(verb for verb in kind["commands"] if verb["name"] == "flush")
    assert (row["role"], row["effect"]) == ("viewer", "look")
    with pytest.raises(CtlError):
        one.call("series", "flush", "testhost/load/load", args={"no": "such"})
