"""The soak: one daemon under a mixed load for MUSTER_SOAK seconds, and nothing of it stays behind.

Memory, descriptors and threads are looked at after each third. What the daemon keeps up to a bound (the newest events,
ended jobs, pages of its databases) is filled before it begins; what grows after that has no bound.
"""
import os
import re
import statistics
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

from daemon import SLOW, CtlError, Daemon, Tree  # noqa: E402  the path must be there first
from omni import gather, series  # noqa: E402
from soak_load import BROKEN, Load, Voice, configuration, fill_up  # noqa: E402

SECONDS = float(os.environ.get("MUSTER_SOAK", "300"))
WARM_UP = min(30.0, SECONDS / 10)
GROWTH, SLACK_KIB = 0.10, 2048
# Figures of muster/… that must stay at nothing, whatever the load.
NOTHING = ("values_refused", "series_refused", "events_dropped", "audit_lost", "replies_wrong", "log_lost", "store_failed",
           "objects_refused", "workers_not_started", "ctl_clients_refused", "values_wrong_untold")
RRD_NOTHING = ("dropped", "lost", "errors")
# Error lines that the load itself asks for.
PROVOKED = (BROKEN,)


class Looks:
    """What the kernel says of the process."""

    def __init__(self, one):
        self.one = one

    def rss(self):
        with open(f"/proc/{self.one.pid}/status", encoding="utf-8") as status:
            found = re.search(r"RssAnon:\s+(\d+)", status.read())
        assert found, f"the daemon has ended\n{self.one.log[-8000:]}"
        return int(found.group(1))

    def handles(self):
        return (len(os.listdir(f"/proc/{self.one.pid}/fd")), len(os.listdir(f"/proc/{self.one.pid}/task")))

    def settled_handles(self):
        """(descriptors, threads) when they have been the same for a second."""
        last, since = self.handles(), time.monotonic()

        def same():
            nonlocal last, since
            now = self.handles()
            if now != last:
                last, since = now, time.monotonic()
            return time.monotonic() - since > 1.0
        self.one.until(same, 20, "descriptors and threads that stay the same")
        return last


class Soaked(Daemon):
    """Under ASan it must have looked for leaks at its end: it does not when something still holds an instance."""
    STATS = "AddressSanitizer exit stats"

    def __init__(self, config, **more):
        options = os.environ.get("ASAN_OPTIONS", "")
        super().__init__(config, env={"ASAN_OPTIONS": options + ":atexit=1"}, **more)
        self.sanitized = False

    def start(self, *args, **more):
        super().start(*args, **more)
        with open(f"/proc/{self.pid}/maps", encoding="utf-8") as maps:
            self.sanitized = "/libasan.so" in maps.read()
        return self

    def check_sanitizers(self):
        said = self.log
        if self.sanitized:
            assert self.STATS in said, "it ended without a look for leaks\n" + said[-4000:]
            with open(self.stderr_file, "w", encoding="utf-8") as out:
                out.write(said.replace(self.STATS, "exit stats"))
        super().check_sanitizers()


@pytest.fixture
def one(tmp_path):
    tree = Tree()
    daemon = Soaked(configuration(0), interval="0.2", tree=tree, plugin_dir=gather(tree, str(tmp_path / "plugins")))
    try:
        yield daemon.start()
    finally:
        if daemon.process:  # the test did not come to its end
            print(f"---- log of {daemon.dir} ----\n{daemon.log[-8000:]}")
        daemon.close()


def error_lines(one):
    lines = [line for line in one.log.splitlines() if re.match(r"\S+ (\x1b\S+?m)?error\b", line)]
    return [line for line in lines if not any(words in line for words in PROVOKED)]


def lost_by(one):
    """What should be nothing, and is not."""
    kept = series(one, "testhost/muster/derive-*")
    found = {name: kept[f"testhost/muster/derive-{name}"]["values"]["value"] for name in NOTHING}
    rrd = one.call("plugin", "get", "rrd")
    found.update({f"rrd {name}": rrd["counters"][name] for name in RRD_NOTHING})
    found["rrd queue"] = rrd["lost"]
    return {name: value for name, value in found.items() if value}


def calm(one, load, looks):
    """Holds the load, with the configuration of the start; what is there then."""
    load.hold()
    load.configure(0)
    one.until(lambda: reloaded(one), what="the first configuration again")
    one.until(lambda: all(p["state"] == "running" for p in one.call("plugin", "list")["items"]), 20, "all plugins run")
    one.until(lambda: greets(one), what="the first options")
    one.until(lambda: not series(one, "soak/*"), 20, "the series that came have gone")
    fds, threads = looks.settled_handles()
    assert not load.faults, "\n".join(load.faults)
    assert not error_lines(one), "\n".join(error_lines(one)[:20])
    assert "no value of testhost/muster/" not in one.log, "its own figures come when they are due"
    assert lost_by(one) == {}
    found = {"rss": looks.rss(), "fds": fds, "threads": threads, "series": len(series(one))}
    load.go_on()
    return found


def greets(one):
    try:
        return one.call("probe", "look")["config"]["greeting"] == "hello"
    except CtlError:
        return False


def reloaded(one):
    """One asked for by a signal may be under way."""
    with one.connect() as connection:
        number = connection.send({"kind": "daemon", "verb": "reload"})
        message = connection.receive()
        assert message["id"] == number
        return "result" in message


def third(load, looks, seconds):
    """Under load: the median of its memory. Ends at the first fault."""
    samples, end = [], time.monotonic() + seconds
    while time.monotonic() < end and not load.faults:
        looks.one.until(lambda began=time.monotonic(): time.monotonic() - began > 0.5 / SLOW, 5, "a moment")
        samples.append(looks.rss())
    return statistics.median(samples)


def no_value_is_missing(one, load):
    assert "flushed" in one.call("series", "flush", deadline=30)
    missing = [name for name in sorted(load.put) if not os.path.exists(f"{one.dir}/rrd/{name}.rrd")]
    assert not missing, f"{len(missing)} of {len(load.put)} files were never made: {missing[:5]}"


def test_a_mixed_load_leaves_nothing_behind(one):
    looks, load = Looks(one), Load(one)
    filler = Voice(load, 0)
    fill_up(filler)
    filler.close()
    load.start()
    third(load, looks, WARM_UP)
    calm(one, load, looks)
    medians, points = [], []
    for number in range(3):
        medians.append(third(load, looks, (SECONDS - WARM_UP) / 3))
        points.append(calm(one, load, looks))
        print(f"after third {number + 1}: median {medians[-1]} KiB under load, {points[-1]}; asked {load.asked}, "
              f"answered {load.answered}, refused {load.refused}, reloads {load.turn}, names {len(load.put)}", flush=True)
    load.stop()
    assert not load.faults, "\n".join(load.faults)
    assert load.asked == load.answered + load.refused
    assert load.answered > 10 * SECONDS / SLOW and load.turn > SECONDS / 4 / SLOW, "there was a load"
    for name in ("fds", "threads"):
        values = [point[name] for point in points]
        assert max(values) - min(values) <= 2, f"{name}: {values}"
    if not one.sanitized:  # its quarantine keeps what was freed
        for before, after in ((medians[0], medians[2]), (points[0]["rss"], points[2]["rss"])):
            assert after <= before * (1 + GROWTH) + SLACK_KIB, f"{before} KiB grew to {after} KiB: {medians} {points}"
    no_value_is_missing(one, load)
    assert one.stop() < 2.0 * SLOW
    assert not error_lines(one), "\n".join(error_lines(one)[:20])
