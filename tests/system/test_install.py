"""make install: what a packager gets, and that uninstall takes it all away."""
import os
import re
import subprocess

import pytest

from daemon import SOURCE


@pytest.fixture(scope="module")
def root(tree, tmp_path_factory):
    """The build that made the tree, installed once more below a DESTDIR."""
    where = str(tmp_path_factory.mktemp("root"))
    make(tree, "install", where)
    return where + tree.prefix


def make(tree, target, destdir):
    build = os.path.dirname(tree.prefix)
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    done = subprocess.run(["make", "-s", "-C", build, target, f"DESTDIR={destdir}"], capture_output=True, text=True,
                          env=env, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def files(root):
    found = []
    for folder, _, names in os.walk(root):
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(found)


def test_everything_has_its_place(root):
    found = files(root)
    for wanted in ("sbin/musterd", "bin/musterctl", "lib/libmuster.so.0", "lib/muster/cpu.so",
                   "lib/muster/load.so", "lib/muster/memory.so", "lib/muster/rrd.so",
                   "lib/pkgconfig/muster.pc", "include/muster/muster.h", "include/muster/plugin.h",
                   "share/muster/types.db", "etc/muster/musterd.conf",
                   "share/bash-completion/completions/musterctl"):
        assert wanted in found, found
    assert not [f for f in found if f.endswith((".la", ".a"))]


def test_every_header_stands_alone(root, tmp_path):
    include = os.path.join(root, "include")
    headers = sorted(os.listdir(os.path.join(include, "muster")))
    assert headers == sorted(os.listdir(os.path.join(SOURCE, "core/api/muster")))
    for header in headers:
        source = tmp_path / "one.c"
        source.write_text(f"#include <muster/{header}>\n", encoding="utf-8")
        subprocess.run(["gcc", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{include}", str(source)],
                       check=True, timeout=60)


def exported(path):
    listed = subprocess.run(["nm", "-D", "--defined-only", path], capture_output=True, text=True, check=True).stdout
    return {line.split()[2] for line in listed.splitlines() if line.split()[1] not in "Aa"}


def test_the_library_exports_the_abi_and_no_more(root):
    symbols = exported(os.path.join(root, "lib/libmuster.so.0"))
    assert {s.split("@")[0] for s in symbols if not s.startswith("mu_")} <= {"daemon_main"}
    assert all(re.search(r"@@?MUSTER_(0|PRIVATE)$", s) for s in symbols), symbols


def test_a_plugin_exports_one_symbol(root):
    folder = os.path.join(root, "lib/muster")
    for name in os.listdir(folder):
        assert exported(os.path.join(folder, name)) == {"muster_plugin"}, name


def test_an_existing_configuration_is_kept(tree, root):
    conf = os.path.join(root, "etc/muster/musterd.conf")
    with open(conf, "a", encoding="utf-8") as out:
        out.write("# mine\n")
    make(tree, "install", root.removesuffix(tree.prefix))
    with open(conf, encoding="utf-8") as text:
        assert text.read().endswith("# mine\n")


def test_uninstall_leaves_only_the_configuration(tree, root):
    make(tree, "uninstall", root.removesuffix(tree.prefix))
    assert files(root) in ([], ["etc/muster/musterd.conf"])
