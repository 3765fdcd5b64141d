"""A configuration as a person writes it: every mistake named with file, line, key and the nearest that is valid."""
import json
import os
import re

import pytest

from daemon import CtlError
from omni import look, omni, plugin, plugin_dir, row  # noqa: F401


@pytest.fixture
def written(daemon, plugin_dir):
    """written(text, name=text …): a daemon that is not started, and files beside its configuration."""
    def make(text, **files):
        one = daemon("", start=False, plugin_dir=plugin_dir)
        for name, content in files.items():
            path = os.path.join(one.dir, name.replace("__", "/").replace("_conf", ".conf"))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as out:
                out.write(content)
        one.write_config(text)
        return one
    return make


def lines_before(one):
    return one.preamble().count("\n")


def complaints(one, code=1):
    """What musterd -t says: [(file, line, sentence)], errors first as they come."""
    done = one.run("-t")
    assert done.returncode == code, done.stderr
    found = re.findall(r"^(error|warning): (?:(\S+?):(\d+): )?(.*)$", done.stderr, re.M)
    return [(kind, os.path.relpath(path, one.dir) if path else "", int(line or 0), words)
            for kind, path, line, words in found]


def test_a_good_one_is_said_to_be_good(written):
    one = written(plugin("omni") + plugin("load"))
    done = one.run("-t")
    assert done.returncode == 0 and "is good" in done.stdout and "2 plugins" in done.stdout
    assert done.stderr == ""


def test_every_mistake_is_named_in_one_run(written):
    one = written("""LoadPlugin omni
Intervall 10
<Plugin omni>
	Greting hello
	Colour purple
	Level 101
	Period 0
	Room many
	Loud perhaps
	<Garden kitchen>
		Sol clay
		<Bed north>
			Plant carrot
			<Plant leek>
				Height 13
			</Plant>
		</Bed>
	</Garden>
	<Garden kitchen>
		<Bed a>
			Width 1
		</Bed>
	</Garden>
	<Garden empty>
	</Garden>
</Plugin>
LoadPlugin lod
""")
    first = lines_before(one)
    found = {line - first: words for kind, path, line, words in complaints(one) if kind == "error"}
    assert all(path == "musterd.conf" for _, path, _, _ in complaints(one))
    for line, words in {2: ("Intervall", '"Interval"'), 4: ("Greting", '"Greeting"'), 5: ("purple", "red"),
                        6: ("Level", "100"), 7: ("Period", "0.01"), 8: ("many", "64K"), 9: ("perhaps", "true"),
                        11: ("Sol", '"Soil"'), 12: ("Width",), 15: ("13", "another height"), 19: ("kitchen",),
                        24: ("empty", "no bed"), 27: ("lod", '"load"')}.items():
        assert line in found, f"line {line} is not named: {found}"
        for word in words:
            assert word in found[line] or word.lower() in found[line].lower(), (line, found[line])
    assert 13 in found, "a block written as an option"


def test_the_daemon_does_not_start_with_a_mistake(written):
    one = written(plugin("omni", "Colour purple"))
    done = one.run("-f")
    assert done.returncode == 1
    assert "purple" in done.stderr and "musterd -t" in done.stderr


@pytest.mark.parametrize("options, words", [
    ("Greeting", ("Greeting",)),
    ("Greeting a b", ("Greeting",)),
    ("Level 1.5", ("Level", "1.5")),
    ("Level -1", ("Level", "0")),
    ("Share 1.01", ("Share", "1")),
    ("Period 10parsecs", ("Period", "10s")),
    ("Period 2h", ("Period", "3600")),
    ("Tags a b c d e f g h i", ("Tags", "8")),
    ("<Garden>\n</Garden>", ("Garden",)),
    ("<Garden a b>\n<Bed x>\nWidth 1\n</Bed>\n</Garden>", ("Garden",)),
    ("<Garden g>\n<Bed x>\nWidth 1\n</Bed>\n<Bed x>\nWidth 2\n</Bed>\n</Garden>", ("x",)),
    ("<Garden g>\n<Bed x>\nWidth 0.05\n</Bed>\n</Garden>", ("Width", "0.1")),
    ("<Gardn g>\n</Gardn>", ("Gardn", "Garden")),
])
def test_one_mistake(written, options, words):
    errors = [c for c in complaints(written(plugin("omni", options))) if c[0] == "error"]
    assert errors, "it must be refused"
    assert all(line > 0 for _, _, line, _ in errors)
    text = " ".join(words for _, _, _, words in errors)
    for word in words:
        assert word in text, text


@pytest.mark.parametrize("text, words", [
    ("<Plugin omni>\n", ("Plugin",)),
    ("<Plugin omni>\n</Plugn>\n", ("Plugn",)),
    ("</Plugin>\n", ("Plugin",)),
    ('Hostname "never closed\n', ()),
    ("<Plugin\n", ()),
    ("Interval 0\n", ("Interval",)),
    ("Interval soon\n", ("Interval", "soon")),
    ("PoolSize 0\n", ("PoolSize",)),
    ("LoadPlugin\n", ("LoadPlugin",)),
    ("LoadPlugin ../../etc/passwd\n", ()),
    ("<LoadPlugin load>\n\tIntervall 1\n</LoadPlugin>\n", ("Intervall", "Interval")),
    ("<LoadPlugin load>\n\tLoop \"two words\"\n</LoadPlugin>\n", ("loop",)),
    ("\x00\x01\x02\n", ()),
])
def test_a_broken_file(written, text, words):
    one = written(text)
    errors = [c for c in complaints(one) if c[0] == "error"]
    assert errors
    assert errors[0][1] == "musterd.conf" and errors[0][2] > lines_before(one) - 1, errors
    said = " ".join(w for _, _, _, w in errors)
    for word in words:
        assert word in said, said


def test_includes(written):
    one = written('Include "@DIR@/conf.d/*.conf"\n<Include "@DIR@/more">\n\tFilter "*.take"\n</Include>\n',
                  conf__d__10omni_conf="", **{"conf.d/b_conf": "<Plugin omni>\n\tGreeting second\n</Plugin>\n",
                                              "conf.d/a_conf": "LoadPlugin omni\n",
                                              "more/c.take": "LoadPlugin peer\n",
                                              "more/d.leave": "Nonsense\n"})
    one.start()
    assert look(one)["config"]["greeting"] == "second"
    assert row(one, "peer")["state"] == "running"


def test_a_mistake_in_an_include_names_its_file(written):
    one = written('LoadPlugin omni\nInclude "@DIR@/omni_conf"\n', **{"sub/omni_conf": "#\n<Plugin omni>\n\tLevel many\n"
                                                                     "</Plugin>\n"})
    one.write_config('LoadPlugin omni\nInclude "@DIR@/sub/omni.conf"\n')
    errors = [c for c in complaints(one) if c[0] == "error"]
    assert [(path, line) for _, path, line, _ in errors] == [("sub/omni.conf", 3)]


def test_an_include_of_itself_ends(written):
    one = written('Include "@DIR@/musterd.conf"\n')
    errors = [c for c in complaints(one) if c[0] == "error"]
    assert errors and "musterd.conf" in errors[0][1]


def test_an_include_that_is_not_there_is_a_warning(written):
    one = written('Include "@DIR@/nowhere/*.conf"\nInclude "@DIR@/nothing.conf"\n' + plugin("load"))
    said = complaints(one, code=0)
    assert all(kind == "warning" for kind, _, _, _ in said)
    assert any("nothing.conf" in words for _, _, _, words in said)


def test_what_only_collectd_needs_is_accepted_with_a_sentence(written):
    one = written("ReadThreads 5\nWriteQueueLimitHigh 1000\n" + plugin("load") + "<Plugin load>\n</Plugin>\n")
    said = {words.split()[0]: words for kind, _, _, words in complaints(one, code=0) if kind == "warning"}
    assert "ReadThreads" in said and "WriteQueueLimitHigh" in said


def test_a_block_of_a_plugin_that_is_not_loaded_is_a_warning(written):
    one = written("<Plugin omni>\n\tGreeting x\n</Plugin>\n")
    said = complaints(one, code=0)
    assert said[0][0] == "warning" and "omni" in said[0][3] and "LoadPlugin" in said[0][3]
    one.write_config("AutoLoadPlugin true\n<Plugin omni>\n\tGreeting x\n</Plugin>\n")
    assert complaints(one, code=0) == []
    one.start()
    assert look(one)["config"]["greeting"] == "x"


def test_interval_counts_from_its_line_on(written):
    one = written("Interval 3\n" + plugin("load") + "Interval 7\n" + plugin("omni"))
    one.start()
    assert row(one, "load")["interval"] == 3
    assert row(one, "omni")["interval"] == 7


def test_an_option_that_stands_twice_is_a_warning(omni):
    one = omni("Greeting a\n\tGreeting b")
    assert look(one)["config"]["greeting"] == "b"
    assert "Greeting" in one.log and "again" in one.log


def test_an_empty_one_runs(written):
    one = written("")
    one.start()
    assert one.call("daemon", "status")["state"] == "running"


def test_no_file_at_all(written):
    one = written("")
    os.unlink(one.conf_file)
    for arguments in (("-t",), ("-f",)):
        done = one.run(*arguments)
        assert done.returncode == 1
        assert one.conf_file in done.stderr


def test_the_command_line(written):
    one = written(plugin("load"))
    assert "SIGHUP" in one.run("-h", check=True).stdout
    assert one.run("-V", check=True).stdout.startswith("musterd ")
    bad = one.run("--nonsense")
    assert bad.returncode != 0 and "--help" in bad.stderr
    word = one.run("-t", "superfluous")
    assert word.returncode != 0 and "superfluous" in word.stderr


def test_describe_is_json_even_with_a_mistake(written):
    one = written(plugin("omni", "Colour purple"))
    done = one.run("--describe")
    assert done.returncode == 0 and "purple" in done.stderr
    assert json.loads(done.stdout)["globals"]


def test_read_once_prints_and_ends(written):
    one = written(plugin("load") + plugin("memory") + plugin("cpu"))
    done = one.run("-T", check=True)
    names = re.findall(r'PUTVAL "([^"]+)"', done.stdout)
    assert "testhost/load/load" in names
    assert any(name.startswith("testhost/memory/memory-") for name in names)
    assert any(name.startswith("testhost/cpu") for name in names)
    assert not os.path.exists(one.socket), "nobody else can talk to it"


def test_a_secret_is_never_shown(omni):
    one = omni('Password "open-sesame"')
    assert look(one)["config"]["password_length"] == 11
    one.write_config(plugin("omni", 'Password "another-word"'))
    answer = one.call("daemon", "reload", dry_run=True)
    described = one.run("--describe", check=True).stdout
    one.call("daemon", "reload")
    everything = json.dumps([answer, one.call("daemon", "describe"), one.call("plugin", "list")]) + described + one.log
    assert "open-sesame" not in everything and "another-word" not in everything
    one.write_config(plugin("omni", 'Password "a" "third-word"'))
    with pytest.raises(CtlError) as error:
        one.call("daemon", "reload")
    assert "third-word" not in str(error.value)
