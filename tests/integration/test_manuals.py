"""What a manual says of options, defaults, counters and commands is what the daemon's own tables say, and the other way round."""
import json
import os
import re
import subprocess

import pytest

from daemon import SOURCE

NOT_SAID = ("muster",)


def manual(name):
    for path in (f"plugins/{name}/{name}.md", f"{name}/{name}.md"):
        path = os.path.join(SOURCE, path)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as text:
                return text.read()
    return None


def section(text, title):
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return found.group(1) if found else ""


def options_said(text):
    """Option → default, out of the table; several options may share a row."""
    said = {}
    for line in section(text, "Options").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[0].startswith("`"):
            for name in re.findall(r"`([^`]+)`", cells[0]):
                assert name not in said, f"{name} stands twice"
                said[name] = cells[1].strip("`")
    return said


def default_of(option):
    """As a manual says it. A list without a default tells in its help what none stands for."""
    if "default" in option:
        return option["default"]
    none = re.search(r"none = (.*)$", option.get("help", ""))
    if none:
        return none.group(1)
    return "0" if option["type"] in ("int", "double", "duration", "size") else ""


@pytest.fixture(scope="module")
def plugins(tree, tmp_path_factory):
    conf = tmp_path_factory.mktemp("describe") / "musterd.conf"
    conf.write_text(f'PluginDir "{tree.plugin_dir}"\nTypesDB "{tree.types_db}"\n', encoding="utf-8")
    done = subprocess.run([tree.musterd, "--describe", "-C", str(conf)], capture_output=True, text=True, timeout=60, check=True)
    found = {p["name"]: p for p in json.loads(done.stdout)["plugins"] if p["name"] not in NOT_SAID}
    assert {"cpu", "load", "memory", "rrd"} <= set(found)
    return found


def test_each_plugin_has_one(plugins):
    assert [name for name in plugins if manual(name) is None] == []


def test_options_and_their_defaults_are_as_said(plugins):
    wrong = []
    for name, plugin in plugins.items():
        said = options_said(manual(name))
        options = {option["name"]: option for option in plugin.get("options", [])}
        wrong += [f"{name}: {word} is not in its manual" for word in options if word not in said]
        wrong += [f"{name}: {word} is in its manual alone" for word in said if word not in options]
        for word in set(said) & set(options):
            # Those that are accepted without effect have no default worth a word.
            if said[word] == "" and options[word]["help"].startswith("accepted"):
                continue
            if said[word] != default_of(options[word]):
                wrong.append(f"{name}: {word} is {default_of(options[word])!r}, the manual says {said[word]!r}")
    assert wrong == []


def test_counters_and_commands_are_said(plugins):
    wrong = []
    for name, plugin in plugins.items():
        text = manual(name)
        counters = {counter["name"] for counter in plugin.get("counters", [])}
        said = set(re.findall(r"`([^`]+)`", section(text, "Counters")))
        wrong += [f"{name}: counter {word}" for word in counters ^ said]
        for command in plugin.get("commands", []):
            words = f"{command.get('kind', '')} {command['name']}".strip()
            if words not in section(text, "Commands"):
                wrong.append(f"{name}: command {words}")
    assert wrong == []


def test_aliases_are_said(plugins):
    for name, plugin in plugins.items():
        for alias in plugin.get("aliases", []):
            assert f"`<Plugin {alias}>`" in manual(name), (name, alias)


def test_samples_are_good_with_and_without_their_hashes(plugins, daemon):
    """What a user takes the hash off must be good as it stands, and be what is so without it."""
    for name in plugins:
        folder = "rrd" if name == "rrd" else f"plugins/{name}"
        with open(os.path.join(SOURCE, folder, f"{name}.conf"), encoding="utf-8") as text:
            sample = text.read()
        for config in (sample, re.sub(r"^#(?=[<\t])", "", sample, flags=re.M)):
            done = daemon(config, start=False).run("-t")
            assert done.returncode == 0 and done.stderr == "", f"{name}.conf: {done.stderr}"
