"""Sentences of the features table in HACKING.md that no other test proves."""
import os
import re
import subprocess

from daemon import SOURCE
from omni import omni, plugin, plugin_dir, row  # noqa: F401

FLOOR = (2, 36)


def installed(tree):
    for folder in ("bin", "sbin", "lib", "lib/muster"):
        for name in sorted(os.listdir(os.path.join(tree.prefix, folder))):
            path = os.path.join(tree.prefix, folder, name)
            if os.path.isfile(path) and not os.path.islink(path) and not name.endswith((".la", ".a")):
                yield path


def test_nothing_needs_more_than_the_floor(tree):
    """No program and no plugin asks for a glibc newer than that of Debian 12."""
    seen = 0
    for path in installed(tree):
        told = subprocess.run(["objdump", "-T", path], capture_output=True, text=True, timeout=30, check=True).stdout
        needed = {tuple(int(n) for n in v.split(".")) for v in re.findall(r"\(?GLIBC_(\d+\.\d+)", told)}
        assert needed and max(needed) <= FLOOR, (path, max(needed))
        seen += 1
    assert seen >= 7


def test_what_is_missing_is_installed_through_sudo(tmp_path):
    """The packages of quickstart and check: apt-get as who is not root, and nothing at all when all is there."""
    told = tmp_path / "told"
    for name, does in {"sudo": f'echo "sudo $*" >>{told}', "dpkg-query": '[ "${@: -1}" = there ] && echo installed'}.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{does}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "apt-get").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (tmp_path / "apt-get").chmod(0o755)
    script = f'. {SOURCE}/contrib/lib.sh; id() {{ echo 1000; }}; packages_install "$@"'
    env = dict(os.environ, PATH=f"{tmp_path}:{os.environ['PATH']}", CI="")
    for words, wanted in ((["there"], False), (["there", "lacking"], True)):
        subprocess.run(["bash", "-c", script, "lib", *words], env=env, timeout=20, check=True, stdout=subprocess.DEVNULL)
        assert told.exists() == wanted
    lines = told.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2 and all(line.startswith("sudo ") for line in lines)
    assert lines[0].endswith("update") and re.search(r"install lacking$", lines[1])


def test_a_listed_object_has_kind_id_and_version(omni):
    one = omni("<Garden wild>\n</Garden>")
    for words in (("plugin",), ("thing",), ("series",), ("job",), ("event",), ("audit",)):
        listed = one.ctl(*words, "list")
        assert isinstance(listed, list)
        for item in listed:
            assert item["kind"] == words[0] and item["id"]
            if words[0] in ("plugin", "thing", "job"):
                assert isinstance(item["version"], int) and item["version"] > 0
    (thing,) = one.ctl("thing", "list")
    one.call("thing", "edit", "wild", args={"weight": 77})
    assert one.ctl("thing", "get", "wild")["version"] > thing["version"]


def test_musterctl_describes_every_table(omni):
    described = omni().ctl("describe")
    kinds = {kind["name"]: kind for kind in described["kinds"]}
    assert {"daemon", "plugin", "series", "thing"} <= set(kinds)
    assert {c["name"] for c in kinds["plugin"]["commands"]} >= {"list", "get", "start", "stop", "reload"}


def test_an_interval_of_its_own(omni):
    one = omni(load="\tInterval 0.1\n", after=plugin("load"), interval="5")
    one.until(lambda: row(one, "omni")["reads"] >= 10, what="ten reads")
    assert (row(one, "omni")["interval"], row(one, "load")["interval"]) == (0.1, 5)
    assert row(one, "load")["reads"] * 3 <= row(one, "omni")["reads"]


def test_the_first_screen_of_the_readme_has_both_commands():
    with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as text:
        screen = text.read().split("\n")[:24]
    assert "    ./contrib/quickstart" in screen and "    ./contrib/check" in screen
    assert os.readlink(os.path.join(SOURCE, "README")) == "README.md"


def test_the_readme_and_help_of_musterctl_agree(daemon):
    """Every option, and every command that one shows, is in the other."""
    one = daemon(start=False)
    usage = one.ctl_run("--help").stdout
    with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as text:
        readme = re.search(r"^## musterctl\n(.*?)^## ", text.read(), re.M | re.S).group(1)
    pattern = r"(?<![\w-])--[a-z][a-z-]*"
    assert set(re.findall(pattern, usage)) == set(re.findall(pattern, readme))
    for words in re.findall(r"^  musterctl ([a-z]+(?: [a-z]+)?)", usage, re.M):
        assert words in readme, words
    exits = r"(\d) (done|the daemon refused|wrong words|no connection|outcome unknown)"
    assert re.findall(exits, usage) == re.findall(exits, readme) != []


def test_collectds_sample_is_taken(daemon):
    """A configuration as collectd has it: all that we do not have yet is said, and nothing of the rest is refused."""
    one = daemon("""
ReadThreads     5
WriteThreads    5
CollectInternalStats true
LoadPlugin cpu
LoadPlugin load
LoadPlugin "memory"
LoadPlugin rrdtool
<Plugin cpu>
  ReportByCpu true
  ReportByState true
  ValuesPercentage false
</Plugin>
<Plugin "rrdtool">
	DataDir "@DIR@/rrd"
	CreateFilesAsync false
	CacheTimeout 120
	CacheFlush   900
	WritesPerSecond 50
</Plugin>
""")
    for name in ("cpu", "load", "memory"):
        assert row(one, name)["state"] == "running"
    assert row(one, "rrd")["state"] == "running"
    one.until(lambda: os.path.exists(f"{one.rrd_dir}/testhost/load/load.rrd"), what="a file where collectd has it")
