"""Files that are no plugin of this daemon: each is refused with a sentence that says why, and the daemon runs on."""
import os
import shutil
import subprocess

import pytest

from daemon import SOURCE
from omni import event_with, omni, plugin, plugin_dir, row  # noqa: F401

GOOD = """
static int start(struct mu_instance *self, struct mu_error *error)
{
	(void)error;
	mu_log(self, MU_LOG_NOTICE, "is here");
	return 0;
}
MU_PLUGIN(odd, .about = "for a test", .start = start);
"""
OTHER = """
static const struct mu_attr attrs[] = { { .name = "a", .type = MU_STRING }, MU_ATTR_END };
static const struct mu_kind kinds[] = { { .name = "thing", .plural = "things", .attrs = attrs }, MU_KIND_END };
MU_PLUGIN(odd, .kinds = kinds);
"""
TWICE = """
struct config { const char *a; };
static const struct mu_option options[] = { MU_OPT_STRING(struct config, a, .name = "Name"),
	MU_OPT_STRING(struct config, a, .name = "name"), MU_OPT_END };
MU_PLUGIN(odd, .options = options, .config_size = sizeof(struct config));
"""
MISSING = """
void mu_no_such_function(void);
static int start(struct mu_instance *self, struct mu_error *error)
{
	(void)self;
	(void)error;
	mu_no_such_function();
	return 0;
}
MU_PLUGIN(odd, .start = start);
"""


def version(major, minor):
    return f"#undef MU_ABI_MAJOR\n#undef MU_ABI_MINOR\n#define MU_ABI_MAJOR {major}\n#define MU_ABI_MINOR {minor}\n{GOOD}"


def build(folder, source):
    """Compiles `source` against the public headers alone, as odd.so."""
    path = os.path.join(folder, "odd.so")
    with open(f"{folder}/odd.c", "w", encoding="utf-8") as out:
        out.write(f"#include <muster/muster.h>\n{source}")
    subprocess.run(["cc", "-std=gnu17", "-shared", "-fPIC", f"-I{SOURCE}/core/api", "-o", path, f"{folder}/odd.c"],
                   check=True, timeout=60)
    os.unlink(f"{folder}/odd.c")
    return path


def cut(length):
    """A good plugin of which only a part is there."""
    def make(folder):
        path = build(folder, GOOD)
        size = os.path.getsize(path)
        os.truncate(path, length if length > 1 else int(size * length))
    return make


def patched(offset, byte):
    """A good plugin with another byte in its ELF header."""
    def make(folder):
        with open(build(folder, GOOD), "r+b") as file:
            file.seek(offset)
            file.write(bytes([byte]))
    return make


def bytes_of(content):
    def make(folder):
        with open(f"{folder}/odd.so", "wb") as out:
            out.write(content)
    return make


def no_plugin(folder):
    build(folder, "int something_else = 1;\n")


def other_name(folder):
    build(folder, GOOD.replace("MU_PLUGIN(odd", "MU_PLUGIN(even"))


def no_file(folder):
    os.mkdir(f"{folder}/odd.so")


def dangling(folder):
    os.symlink("nowhere.so", f"{folder}/odd.so")


REFUSED = {
    "a newer minor": (lambda f: build(f, version(0, 99)), ("0.99", "newer")),
    "another major": (lambda f: build(f, version(7, 0)), ("7.0",)),
    "cut in its middle": (cut(0.5), ("cut short",)),
    "cut in its header": (cut(40), ()),
    "one byte": (cut(2), ()),
    "empty": (bytes_of(b""), ()),
    "text": (bytes_of(b"LoadPlugin odd\n"), ("ELF",)),
    "an archive": (bytes_of(b"!<arch>\n" + b"x" * 500), ("ELF",)),
    "for 32 bit": (patched(4, 1), ()),
    "of another machine": (patched(18, 0x28), ()),
    "no plugin": (no_plugin, ("muster_plugin",)),
    "of another name": (other_name, ("even",)),
    "with a bad table": (lambda f: build(f, TWICE), ("name",)),
    "with a call that does not exist": (lambda f: build(f, MISSING), ("mu_no_such_function",)),
    "a folder": (no_file, ()),
    "a link to nowhere": (dangling, ()),
}


@pytest.fixture
def folder(plugin_dir, tmp_path):
    """A PluginDir of the test's own."""
    own = str(tmp_path / "plugins")
    os.mkdir(own)
    for name in ("load.so", "omni.so"):
        shutil.copy(f"{plugin_dir}/{name}", own)
    return own


def sentence(done):
    """What musterd says of odd, in one line."""
    said = [line for line in done.stderr.splitlines() if line.startswith("error:") and "odd" in line]
    assert len(said) == 1, done.stderr
    return said[0]


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_a_sentence(daemon, folder, name):
    make, words = REFUSED[name]
    make(folder)
    one = daemon(plugin("load") + plugin("odd"), start=False, plugin_dir=folder)
    done = one.run("-t")
    assert done.returncode == 1
    said = sentence(done)
    line = one.preamble().count("\n") + 2
    assert f"{one.conf_file}:{line}" in said, "file and line of its LoadPlugin"
    for word in words:
        assert word in said, said
    assert len(said) > len("error: ") + 60, "a sentence, and what to do"


@pytest.mark.parametrize("name", ["a newer minor", "another major", "cut in its middle", "text", "no plugin"])
def test_the_daemon_runs_on_without_it(daemon, folder, name):
    make, words = REFUSED[name]
    make(folder)
    one = daemon(plugin("load") + plugin("odd") + "<Plugin odd>\n\tAnything 1\n</Plugin>\n", plugin_dir=folder)
    one.until(lambda: row(one, "load")["state"] == "running" and row(one, "load")["reads"] >= 1, what="the other plugin")
    odd = row(one, "odd")
    assert odd["state"] == "failed"
    for word in words:
        assert word in odd["reason"] or word in one.log, odd["reason"]
    assert one.call("daemon", "status")["state"] == "degraded"
    one.until(lambda: event_with(one, "odd", severity="failure"), what="an event")


@pytest.mark.parametrize("name", ["a newer minor", "cut in its middle", "no plugin"])
def test_a_reload_is_as_good_as_a_start(daemon, folder, name):
    one = daemon(plugin("load") + plugin("omni"), plugin_dir=folder)
    since = row(one, "omni")["since"]
    REFUSED[name][0](folder)
    one.write_config(plugin("load", load="\tInterval 7") + plugin("omni") + plugin("odd"))
    one.call("daemon", "reload")
    one.until(lambda: row(one, "load")["state"] == "running" and row(one, "load")["interval"] == 7, what="what is good counts")
    one.until(lambda: row(one, "odd")["state"] == "failed", what="what is not fails alone")
    assert row(one, "omni")["since"] == since
    one.until_logged(f"{one.conf_file}:")


def test_one_that_is_mended_runs_after_a_reload(daemon, folder):
    REFUSED["text"][0](folder)
    one = daemon(plugin("load") + plugin("odd"), plugin_dir=folder)
    one.until(lambda: row(one, "odd")["state"] == "failed", what="it is refused")
    one.call("daemon", "reload")
    one.call("daemon", "reload")
    assert "ELF" in row(one, "odd")["reason"]
    os.unlink(f"{folder}/odd.so")
    build(folder, GOOD)
    one.call("daemon", "reload")
    one.until(lambda: row(one, "odd")["state"] == "running", what="it runs")
    assert "is here" in one.log
    assert row(one, "odd")["about"] == "for a test"


def test_one_that_runs_needs_its_file_no_more(daemon, folder):
    one = daemon(plugin("load") + plugin("omni"), plugin_dir=folder)
    since = row(one, "omni")["since"]
    REFUSED["text"][0](folder)
    os.replace(f"{folder}/odd.so", f"{folder}/omni.so")
    assert one.call("daemon", "reload")["changes"] == []
    assert row(one, "omni")["since"] == since
    one.until(lambda: row(one, "omni").get("newer_on_disk"), what="the list tells of the file")


def test_one_of_an_older_minor_is_good(daemon, folder):
    build(folder, version(0, 0))
    one = daemon(plugin("odd"), plugin_dir=folder)
    one.until(lambda: row(one, "odd")["state"] == "running", what="it runs")


def test_a_kind_of_another_plugin_is_refused(daemon, folder):
    build(folder, OTHER)
    one = daemon(plugin("omni") + plugin("odd") + plugin("load"), plugin_dir=folder)
    one.until(lambda: row(one, "odd")["state"] == "failed", what="it fails")
    assert "thing" in row(one, "odd")["reason"] and "omni" in row(one, "odd")["reason"]
    assert row(one, "omni")["state"] == "running"
    assert one.call("probe", "look")["lives"] == 1


def test_a_file_that_is_not_there_names_the_nearest(daemon, folder):
    one = daemon(plugin("lod"), start=False, plugin_dir=folder)
    done = one.run("-t")
    assert done.returncode == 1 and '"load"' in done.stderr


def test_describe_passes_over_what_it_cannot_load(daemon, folder):
    build(folder, version(0, 99))
    done = daemon(plugin("load"), start=False, plugin_dir=folder).run("--describe")
    assert done.returncode == 0
    assert "0.99" in done.stderr and '"load"' in done.stdout
