"""Daemons that run the test plugins omni and peer (tests/omni), beside whatever is installed."""
import glob
import os
import shutil

import pytest

from daemon import CtlError


def gather(tree, folder):
    """One folder with the installed plugins and those that only tests load: PluginDir names one alone."""
    os.makedirs(folder, exist_ok=True)
    for where in (tree.plugin_dir, tree.test_plugin_dir):
        for so in glob.glob(os.path.join(where, "*.so")):
            shutil.copy(so, folder)
    for name in ("omni.so", "peer.so", "door.so"):
        assert os.path.exists(os.path.join(folder, name)), f"{name} is not in {tree.test_plugin_dir}: make check builds it"
    return folder


@pytest.fixture(scope="session")
def plugin_dir(tree, tmp_path_factory):
    return gather(tree, str(tmp_path_factory.mktemp("plugins") / "all"))


def plugin(name, options="", load="", instance=None):
    """The lines of one plugin."""
    loads = f"<LoadPlugin {name}>\n{load}\n</LoadPlugin>\n" if load else f"LoadPlugin {name}\n"
    second = f' "{instance}"' if instance else ""
    return loads + (f"<Plugin {name}{second}>\n{options}\n</Plugin>\n" if options or instance else "")


@pytest.fixture
def omni(daemon, plugin_dir):
    """omni(options, after) starts a daemon with omni and these options, and `after` behind them."""
    def make(options="", after="", load="", **more):
        return daemon(plugin("omni", options, load) + after, plugin_dir=plugin_dir, **more)
    return make


def look(one):
    """What omni has seen."""
    return one.call("probe", "look")


def until_seen(one, what, **wanted):
    """Waits until omni runs and has seen that: lives=2, greeting="two". It may be stopping or starting meanwhile."""
    def seen():
        try:
            now = look(one)
        except CtlError:
            return False
        return all(now["config"].get(k, now.get(k)) == v for k, v in wanted.items())
    one.until(seen, what=what)
    one.until(lambda: row(one, "omni")["state"] == "running", what="omni runs")


def row(one, name):
    """A plugin's object."""
    return one.call("plugin", "get", name)


def events(one, **where):
    """The newest events, of which every attribute named has exactly that value; newest first."""
    conditions = [{"attr": k, "op": "eq", "value": v} for k, v in where.items()]
    return one.call("event", "list", args={"where": conditions, "limit": 1000})["items"]


def event_with(one, words, **where):
    """The newest event whose sentence holds `words`, or None."""
    return next((e for e in events(one, **where) if words in e["words"]), None)


def series(one, glob_words="*"):
    """name → newest sample."""
    found, after = {}, None
    while True:
        args = {"where": [{"attr": "id", "op": "glob", "value": glob_words}], "limit": 1000}
        if after:
            args["after"] = after
        page = one.call("series", "list", args=args)
        found.update({item["id"]: item for item in page["items"]})
        after = page["next"]
        if not after:
            return found
