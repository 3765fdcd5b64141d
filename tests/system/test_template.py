"""contrib/plugin-template: a plugin of a third party, built with nothing but pkg-config, in a real daemon."""
import glob
import os
import re
import shutil
import subprocess

import pytest

from daemon import SOURCE

TEMPLATE = os.path.join(SOURCE, "contrib", "plugin-template")
RRD = 'LoadPlugin rrd\n<Plugin rrd>\n\tDataDir "@DIR@/rrd"\n</Plugin>\n'


def build(tree, folder, edit=None):
    """Builds a copy of the template as its README says; `edit` changes its source. Returns the .so."""
    shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("*.so"))
    source = os.path.join(folder, "template.c")
    if edit:
        with open(source, encoding="utf-8") as text:
            before = text.read()
        after = edit(before)
        assert after != before
        with open(source, "w", encoding="utf-8") as text:
            text.write(after)
    env = {k: v for k, v in os.environ.items() if k not in ("CFLAGS", "LDFLAGS", "PKG_CONFIG_PATH")}
    done = subprocess.run(["make", "-s", "-C", folder, f"PKG_CONFIG_PATH={tree.pkgconfig}"], env=env, check=False,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return os.path.join(folder, "template.so")


@pytest.fixture(scope="module")
def built(tree, tmp_path_factory):
    return build(tree, str(tmp_path_factory.mktemp("template") / "plugin"))


@pytest.fixture
def plugin_dir(tree, tmp_path):
    """The installed plugins in a folder that a test may add to."""
    folder = tmp_path / "plugins"
    shutil.copytree(tree.plugin_dir, folder)
    return str(folder)


@pytest.fixture
def with_template(built, plugin_dir):
    shutil.copy(built, plugin_dir)
    return plugin_dir


def test_it_installs_where_the_daemon_looks(tree, built, tmp_path):
    folder = os.path.dirname(built)
    subprocess.run(["make", "-s", "-C", folder, f"PKG_CONFIG_PATH={tree.pkgconfig}", f"DESTDIR={tmp_path}", "install"],
                   check=True, timeout=60)
    assert os.path.exists(f"{tmp_path}{tree.plugin_dir}/template.so")


def test_its_series_is_listed_and_on_disk(daemon, with_template):
    one = daemon(RRD + "LoadPlugin template\n", plugin_dir=with_template)
    name = f"{one.hostname}/template/files-entries"
    one.until(lambda: any(s["id"] == name for s in one.ctl("series", "list")), what="its series")
    one.until(lambda: os.path.exists(f"{one.rrd_dir}/{name}.rrd"), what="its RRD file")


def test_its_kind_and_command_answer(daemon, with_template, tmp_path):
    folder = tmp_path / "counted"
    folder.mkdir()
    (folder / "one").touch()
    one = daemon(f'LoadPlugin template\n<Plugin template>\n\tFolder "{folder}"\n\tLimit 2\n</Plugin>\n',
                 plugin_dir=with_template)
    one.until(lambda: one.ctl("folder", "list"), what="its object")
    (seen,) = one.ctl("folders", "list")
    assert (seen["kind"], seen["id"], seen["state"], seen["entries"]) == ("folder", str(folder), "roomy", 1)
    for name in ("two", "three"):
        (folder / name).touch()
    assert one.ctl("folder", "recount", str(folder))["entries"] == 3
    seen = one.ctl("folder", "get", str(folder))
    assert (seen["state"], seen["entries"]) == ("full", 3)
    failed = one.ctl_run("folder", "recout", str(folder))
    assert failed.returncode != 0 and "recount" in failed.stderr


def test_its_bad_option_is_refused_with_file_and_line(daemon, with_template):
    one = daemon("LoadPlugin template\n<Plugin template>\n\tLimit 0\n\tFoldr \"/tmp\"\n</Plugin>\n", start=False,
                 plugin_dir=with_template)
    done = one.run("-t")
    assert done.returncode != 0
    lines = one.preamble().count("\n")
    assert f"musterd.conf:{lines + 3}" in done.stderr and "Limit" in done.stderr
    assert f"musterd.conf:{lines + 4}" in done.stderr and "Folder" in done.stderr


def test_its_own_check_is_heard(daemon, with_template):
    one = daemon('LoadPlugin template\n<Plugin template>\n\tFolder "tmp"\n</Plugin>\n', start=False,
                 plugin_dir=with_template)
    done = one.run("-t")
    assert done.returncode != 0
    assert "absolute path" in done.stderr and re.search(r"musterd\.conf:\d+", done.stderr)


def test_a_misspelt_call_does_not_link(tree, tmp_path):
    with pytest.raises(AssertionError, match="mu_objct_put"):
        build(tree, str(tmp_path / "plugin"), lambda text: text.replace("mu_object_put(", "mu_objct_put(", 1))


def redefine(**macros):
    lines = "".join(f"#undef {name}\n#define {name} {value}\n" for name, value in macros.items())
    return lambda text: text.replace("#include <muster/muster.h>\n", "#include <muster/muster.h>\n" + lines)


def refused(one, words):
    """-t ends with an error that says why; a daemon that runs takes note of it, and runs on with the others."""
    done = one.run("-t")
    assert done.returncode > 0 and re.search(words, done.stderr), done.stderr
    assert re.search(r"musterd\.conf:\d+", done.stderr) and "template" in done.stderr
    one.ctl("reload")
    one.until(lambda: one.ctl("plugin", "get", "template")["state"] == "failed", what="it is refused")
    assert re.search(words, one.ctl("plugin", "get", "template")["reason"])
    assert one.ctl("plugin", "get", "load")["state"] == "running"


@pytest.mark.parametrize("macros, words", [
    ({"MU_ABI_MINOR": 999}, "newer"),
    ({"MU_ABI_MAJOR": 77}, "77"),
])
def test_another_abi_is_refused(tree, daemon, plugin_dir, tmp_path, macros, words):
    one = daemon("LoadPlugin load\n", plugin_dir=plugin_dir)
    shutil.copy(build(tree, str(tmp_path / "plugin"), redefine(**macros)), plugin_dir)
    one.write_config("LoadPlugin load\nLoadPlugin template\n")
    refused(one, words)


@pytest.mark.parametrize("spoil, words", [
    ("cut", "cut short|truncated|shorter|incomplete"),
    ("text", "ELF|shared object"),
    ("library", "muster_plugin"),
    ("folder", "regular file"),
])
def test_what_is_no_plugin_is_refused_and_the_daemon_runs_on(daemon, built, plugin_dir, spoil, words):
    target = os.path.join(plugin_dir, "template.so")
    one = daemon("LoadPlugin load\n", plugin_dir=plugin_dir)
    if spoil == "cut":
        with open(built, "rb") as whole, open(target, "wb") as out:
            out.write(whole.read()[:5000])
    elif spoil == "text":
        with open(target, "w", encoding="utf-8") as out:
            out.write("I am no plugin\n" * 100)
    elif spoil == "library":
        (library,) = glob.glob("/usr/lib/*/libjansson.so.4")
        shutil.copy(os.path.realpath(library), target)
    else:
        os.mkdir(target)
    one.write_config("LoadPlugin load\nLoadPlugin template\n")
    refused(one, words)
