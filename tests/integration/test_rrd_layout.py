"""Side by side with a real collectd: the same plugins and options give the same files, laid out alike."""
import os
import re
import shutil
import subprocess
import tempfile

import pytest

from daemon import until

COLLECTD = shutil.which("collectd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
TYPES = "/usr/share/collectd/types.db"
assert COLLECTD and os.path.exists(TYPES) and shutil.which("rrdtool"), \
    "these tests need collectd and rrdtool; contrib/check installs them"

READERS = ("cpu", "load", "memory")
# What of `rrdtool info` says how a file is laid out, and not what is in it.
LAYOUT = re.compile(r"(step|header_size|ds\[.*\]\.(index|type|minimal_heartbeat|min|max)"
                    r"|rra\[.*\]\.(cf|rows|pdp_per_row|xff)) = .*")


def files(folder):
    found = []
    for path, _, names in os.walk(folder):
        found += [os.path.relpath(os.path.join(path, name), folder) for name in names]
    return sorted(name for name in found if name.endswith(".rrd"))


def layout(path):
    text = subprocess.run(["rrdtool", "info", path], capture_output=True, text=True, check=True,
                          env=dict(os.environ, LC_ALL="C")).stdout
    return [line for line in text.splitlines() if LAYOUT.fullmatch(line)]


def last(path):
    return int(subprocess.run(["rrdtool", "last", path], capture_output=True, text=True, check=True).stdout)


class Collectd:
    """collectd in the foreground, in a folder of its own; nothing of the network is loaded."""

    def __init__(self, interval, writer, blocks, hostname="testhost"):
        self.dir = tempfile.mkdtemp(prefix="collectd-")
        self.rrd_dir = os.path.join(self.dir, "rrd")
        conf = os.path.join(self.dir, "collectd.conf")
        with open(conf, "w", encoding="utf-8") as out:
            out.write(f'Hostname "{hostname}"\nFQDNLookup false\nBaseDir "{self.dir}"\nPIDFile "{self.dir}/pid"\n'
                      f'TypesDB "{TYPES}"\nInterval {interval}\n'
                      + "".join(f"LoadPlugin {name}\n" for name in (*READERS, "rrdtool"))
                      + f'<Plugin rrdtool>\nDataDir "{self.rrd_dir}"\n{writer}</Plugin>\n{blocks}')
        with open(os.path.join(self.dir, "log"), "wb") as log:
            self.process = subprocess.Popen([COLLECTD, "-f", "-C", conf], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


@pytest.fixture
def collectd():
    made = []

    def make(*args, **more):
        made.append(Collectd(*args, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def musterd_config(writer, blocks):
    # `LoadPlugin rrdtool` and `<Plugin rrdtool>`, as they stand in the file that a user brings along.
    # Our own figures are files that collectd has not.
    return ("CollectInternalStats false\n" + "".join(f"LoadPlugin {name}\n" for name in (*READERS, "rrdtool"))
            + f"<Plugin rrdtool>\n{writer}</Plugin>\n{blocks}")


def assert_same_files(daemon, collectd, interval, writer="", blocks="", count=1):
    theirs = collectd(interval, writer, blocks)
    ours = daemon(musterd_config(writer, blocks), interval=str(interval))
    until(lambda: len(files(theirs.rrd_dir)) >= count, 20, f"{count} files of collectd", alive=theirs.process)
    # What is there after a second more is all that there is: collectd writes each value as it comes.
    before = []

    def settled():
        nonlocal before
        now = files(theirs.rrd_dir)
        same, before = now == before, now
        return same

    until(settled, 20, "collectd's files", alive=theirs.process)
    ours.until(lambda: files(ours.rrd_dir) == files(theirs.rrd_dir), 20,
               f"the same files: {files(theirs.rrd_dir)}, not {files(ours.rrd_dir)}")
    theirs.stop()
    ours.stop()
    for name in files(theirs.rrd_dir):
        mine, other = os.path.join(ours.rrd_dir, name), os.path.join(theirs.rrd_dir, name)
        assert layout(mine) == layout(other), name
        assert os.path.getsize(mine) == os.path.getsize(other), name
        assert os.stat(mine).st_mode == os.stat(other).st_mode, name
        assert abs(last(mine) - last(other)) <= interval + 1, name
    assert not [name for name in os.listdir(ours.rrd_dir) if name != "testhost"]


@pytest.mark.parametrize("interval", [1, 10])
def test_files_are_laid_out_alike(daemon, collectd, interval):
    assert_same_files(daemon, collectd, interval, count=15)


def test_options_lay_out_alike(daemon, collectd):
    writer = "StepSize 7\nHeartBeat 33\nRRARows 300\nRRATimespan 86400\nRRATimespan 1800\nXFF 0.25\n"
    assert_same_files(daemon, collectd, 1, writer, count=15)


@pytest.mark.parametrize("cpu", ["ValuesPercentage true", "ReportByCpu false", "ReportByState false",
                                 "ReportByCpu false\nReportByState false", "ReportGuestState true"])
def test_readers_name_their_series_alike(daemon, collectd, cpu):
    blocks = (f"<Plugin cpu>\n{cpu}\nReportNumCpu true\n</Plugin>\n"
              "<Plugin load>\nReportRelative true\n</Plugin>\n"
              "<Plugin memory>\nValuesPercentage true\n</Plugin>\n")
    assert_same_files(daemon, collectd, 1, blocks=blocks, count=15)


def test_collectds_files_are_gone_on_with(daemon, collectd):
    theirs = collectd(1, "", "")
    until(lambda: len(files(theirs.rrd_dir)) >= 15, 20, "collectd's files", alive=theirs.process)
    theirs.stop()
    was = {name: (os.stat(os.path.join(theirs.rrd_dir, name)).st_ino, last(os.path.join(theirs.rrd_dir, name)),
                  layout(os.path.join(theirs.rrd_dir, name))) for name in files(theirs.rrd_dir)}
    ours = daemon(musterd_config(f'DataDir "{theirs.rrd_dir}"\n', ""))

    def newer():
        ours.call("series", "flush")
        return all(last(os.path.join(theirs.rrd_dir, name)) > was[name][1] for name in was)

    ours.until(newer, 20, "values in every one of collectd's files")
    ours.stop()
    assert files(theirs.rrd_dir) == sorted(was)
    for name, (inode, _, plan) in was.items():
        path = os.path.join(theirs.rrd_dir, name)
        assert os.stat(path).st_ino == inode, name
        assert layout(path) == plan, name
    assert "error" not in ours.log
