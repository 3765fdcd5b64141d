"""omni as a whole: every corner of the plugin ABI in a real daemon, each used once and seen from outside."""
import json
import signal

import pytest

from daemon import SLOW, CtlError
from omni import gather, look, omni, plugin, plugin_dir, row, series  # noqa: F401

GARDEN = """
	<Garden kitchen>
		Soil clay
		Season 120d
		<Bed "north">
			Width 1.5
			<Plant "leek">
				Height 0.3
				Count 40
				Tags "winter" "hardy"
			</Plant>
			<Plant "kale">
			</Plant>
		</Bed>
		<Bed "south">
			Width 2
		</Bed>
	</Garden>
	<Garden wild>
	</Garden>
"""


@pytest.fixture
def one(omni):
    return omni(GARDEN)


def test_it_runs_on_its_own_loop_and_says_what_it_waits_for(one):
    plug = row(one, "omni")
    assert plug["state"] == "running"
    assert plug["loop"] == "omni"
    assert "HTTP" in plug["reason"]
    assert plug["about"].startswith("uses every function")
    assert plug["file"].endswith("/omni.so")
    seen = look(one)
    assert seen["on_loop"] and seen["has_uv"]
    assert (seen["name"], seen["plugin"], seen["interval"]) == ("omni", "omni", 1.0)
    assert seen["base_dir"] == one.dir
    assert seen["host"] == "testhost"


def test_options_have_their_defaults(omni):
    config = look(omni())["config"]
    assert config == {"greeting": "hello", "anchor": "here", "level": 7, "share": 0.25, "period": 1.0, "room": 65536,
                      "colour": "green", "loud": False, "password_length": 0, "gardens": 0, "tags": ["one", "two words"]}


def test_options_of_every_type_arrive(omni):
    config = look(omni("""
        greeting "good \\"day\\""
        LEVEL 0x20
        Share 0.5
        Period 250ms
        Room 2M
        Colour Blue
        Loud on
        Password "sesame"
        Tags "a" b
        Tags c
    """))["config"]
    assert config["greeting"] == 'good "day"'
    assert (config["level"], config["share"], config["period"], config["room"]) == (32, 0.5, 0.25, 2 << 20)
    assert (config["colour"], config["loud"], config["password_length"]) == ("blue", True, 6)
    assert config["tags"] == ["a", "b", "c"]


def test_blocks_three_deep_become_things(one):
    things = {t["id"]: t for t in one.call("thing", "list")["items"]}
    assert set(things) == {"kitchen", "kitchen/north", "kitchen/north/leek", "kitchen/north/kale", "kitchen/south", "wild"}
    leek = things["kitchen/north/leek"]
    assert (leek["weight"], leek["share"], leek["tags"]) == (40, 0.3, ["winter", "hardy"])
    assert leek["parent"] == "kitchen/north"
    assert things["kitchen/north"]["extra"] == {"width": 1.5}
    assert things["kitchen"]["lease"] == 120 * 86400
    assert things["kitchen/north/kale"]["share"] == 0.5


def test_blocks_of_one_plugin_are_one(omni):
    one = omni("Greeting one", after='<Plugin omni>\n\tColour red\n\t<Garden wild>\n\t</Garden>\n</Plugin>\n')
    config = look(one)["config"]
    assert (config["greeting"], config["colour"], config["gardens"]) == ("one", "red", 1)


def test_an_alias_loads_it(daemon, plugin_dir):
    one = daemon(plugin("everything") + '<Plugin allsorts>\n\tGreeting "by an alias"\n</Plugin>\n', plugin_dir=plugin_dir)
    assert look(one)["config"]["greeting"] == "by an alias"
    assert row(one, "omni")["state"] == "running"


def test_the_user_chooses_another_loop(omni):
    one = omni(load="\tLoop garden\n\tInterval 0.2\n")
    assert row(one, "omni")["loop"] == "garden"
    assert look(one)["interval"] == 0.2


def test_two_plugins_share_one_loop(daemon, plugin_dir):
    text = plugin("omni", load="\tLoop shared") + plugin("peer", load="\tLoop shared")
    one = daemon(text, plugin_dir=plugin_dir)
    assert {row(one, "omni")["loop"], row(one, "peer")["loop"]} == {"shared"}
    assert look(one)["lives"] == 1
    assert one.call("peer", "tell")["word"] == "peer"


def test_timers_beat(omni):
    one = omni("Period 50ms")
    one.until(lambda: look(one)["pulses"] >= 5, what="five beats of a timer")


def test_messages_to_oneself_come_later_and_in_order(one):
    assert one.call("probe", "post", args={"count": 10000}) == {"run": 10000, "dropped": 0, "disorder": 0,
                                                               "synchronous": False}


def test_work_comes_back(one):
    answer = one.call("probe", "work", args={"count": 20, "take": 0.01})
    assert (answer["done"], answer["busy"], answer["overdue"], answer["greeting"]) == (20, 0, 0, "hello")


def test_errors_of_a_plugin_are_refused_and_told(one):
    answer = one.call("probe", "misuse")
    einval, enoent = -22, -2
    assert (answer["bad_id"], answer["empty_id"], answer["unknown_kind"], answer["foreign_kind"]) == (einval,) * 4
    assert answer["no_object"] == enoent
    assert answer["no_type"] == enoent and "no_such_type" in answer["no_type_says"]
    assert answer["not_found"] == enoent
    assert answer["no_file"] == enoent
    assert answer["too_big"] == -27
    # What is not in the table is dropped, the rest stands.
    assert answer["unknown_attr"] == 0
    odd = one.call("thing", "get", "odd")
    assert odd["state"] == "idle" and "legs" not in odd and "weight" not in odd
    assert "legs" in one.log or "weight" in one.log


def test_a_callback_that_holds_up_its_loop_is_counted(one):
    before = row(one, "omni")["slow"]
    answer = one.call("probe", "spin", args={"span": 0.05})
    assert answer["took"] >= 0.05
    assert answer["loop_time"] == 0, "the time of a turn stands still within it"
    one.until(lambda: row(one, "omni")["slow"] > before, what="a slow callback is counted")


def test_it_counts_about_itself(one):
    one.call("thing", "add", args={"id": "new"})
    one.until(lambda: row(one, "omni")["counters"]["things"] == 7, what="the level of things")
    counters = row(one, "omni")["counters"]
    assert counters["greetings"] == 1
    assert set(counters) == {"greetings", "pulses", "dropped", "things", "late"}


def test_a_sentence_for_the_list(one):
    one.call("probe", "say", args={"sentence": "waits for rain"})
    one.until(lambda: row(one, "omni")["reason"] == "waits for rain", what="the sentence")
    assert "was told to say: waits for rain" in one.log
    one.call("probe", "say")
    one.until(lambda: row(one, "omni").get("reason") != "waits for rain", what="all is well again")


# ---- the store ----

def recall(one, key):
    return one.call("thing", "recall", args={"key": key})["rows"]


def test_what_is_remembered_survives_a_crash(one):
    one.call("thing", "remember", args={"key": "k1", "value": "ein Wert"})
    assert recall(one, "k1")[0]["value"] == "ein Wert"
    one.kill()
    one.start()
    kept = recall(one, "k1")
    assert len(kept) == 1
    assert (kept[0]["value"], kept[0]["weight"], kept[0]["raw"]) == ("ein Wert", 0.5, "ein Wert")
    assert kept[0]["stamp"] > 0, "the second migration has run"


def test_the_store_says_what_it_does_not_take(one):
    one.call("thing", "remember", args={"key": "k", "value": "first"})
    with pytest.raises(CtlError) as exists:
        one.call("thing", "remember", args={"key": "k", "value": "second", "once": True})
    assert exists.value.code == "EEXIST"
    with pytest.raises(CtlError) as back:
        one.call("thing", "remember", args={"key": "other", "value": "x", "fail": True})
    assert back.value.code == "ECANCELED"
    assert recall(one, "other") == [], "its savepoint was rolled back"
    with pytest.raises(CtlError) as cheat:
        one.call("thing", "cheat", args={"key": "k", "value": "third"})
    assert cheat.value.code == "EROFS"
    assert recall(one, "k")[0]["value"] == "first"


def test_the_store_gives_pages_and_forgets(one):
    with one.connect() as connection:
        waiting = {connection.send({"kind": "thing", "verb": "remember", "args": {"key": f"p{i:03}", "value": str(i)}})
                   for i in range(200)}
        while waiting:
            message = connection.receive()
            assert "result" in message, message
            waiting.discard(message["id"])
    first = one.call("thing", "memories", args={"limit": 150})["rows"]
    rest = one.call("thing", "memories", args={"limit": 150, "after": first[-1]["key"]})["rows"]
    assert [r["value"] for r in first + rest] == [str(i) for i in range(200)]
    assert one.call("thing", "forget", args={"key": "p000"})["count"] == 1
    assert one.call("thing", "forget", args={"key": "p000"})["count"] == 0


def test_the_store_takes_no_more_than_may_wait(one):
    answer = one.call("thing", "hoard", args={"count": 100000}, deadline=60 * SLOW)
    assert answer["busy"] > 0 and answer["other"] == 0
    assert answer["done"] + answer["busy"] == 100000
    assert answer["done"] >= 65536
    assert len(one.call("thing", "memories", args={"limit": 1000})["rows"]) == 100


# ---- the tables ----

def names(rows):
    return {r["name"] for r in rows}


def test_describe_tells_every_table(omni):
    described = json.loads(omni(GARDEN, start=False).run("--describe", check=True).stdout)
    assert described["abi"].startswith("0.")
    assert {"Interval", "PluginDir", "TypesDB"} <= names(described["globals"])
    tables = next(p for p in described["plugins"] if p["name"] == "omni")
    assert {"muster", "cpu", "load", "memory", "omni", "peer"} <= names(described["plugins"])
    garden = next(o for o in tables["options"] if o["name"] == "Garden")
    bed = next(o for o in garden["options"] if o["name"] == "Bed")
    plant = next(o for o in bed["options"] if o["name"] == "Plant")
    height = next(o for o in plant["options"] if o["name"] == "Height")
    assert (height["type"], height["default"], height["min"], height["max"], height["unit"]) == ("double", "0.5", 0, 100, "m")
    assert next(o for o in bed["options"] if o["name"] == "Width")["required"] is True
    assert next(o for o in tables["options"] if o["name"] == "Password")["secret"] is True
    assert next(o for o in tables["options"] if o["name"] == "Colour")["choices"] == ["red", "green", "blue"]
    assert names(tables["kinds"]) == {"thing", "grain", "probe"}
    assert names(tables["counters"]) == {"greetings", "pulses", "dropped", "things", "late"}


def test_the_running_daemon_describes_its_kinds(one):
    kinds = {k["name"]: k for k in one.call("daemon", "describe")["kinds"]}
    assert {"daemon", "plugin", "series", "event", "job", "audit", "thing", "grain", "probe"} <= set(kinds)
    thing = kinds["thing"]
    assert thing["plural"] == "things"
    verbs = {c["name"]: c for c in thing["commands"]}
    assert {"list", "get", "add", "edit", "delete", "paint", "poke", "fill"} <= set(verbs)
    assert verbs["delete"]["effect"] == "destroy" and verbs["delete"]["bulk"] and verbs["delete"]["dry_run"]
    assert verbs["fill"]["role"] == "admin"
    states = {s["name"]: s["tone"] for s in thing["states"]}
    assert states["broken"] == "fail" and states["idle"] == "ok"


def test_the_values_of_one_read_are_printed(omni):
    done = omni(start=False).run("-T")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert any(line.startswith('PUTVAL "testhost/omni/gauge-pi" interval=1.000 ') and line.endswith(":3.14159")
               for line in lines), done.stdout
    assert any('"elsewhere/greenhouse-plot/percent-humid"' in line for line in lines)
    assert any('"testhost/omni/load"' in line and line.endswith(":1.5:2.5:3.5") for line in lines)


def test_it_stops_and_tells_why(omni):
    one = omni('StopFile "@DIR@/why"')
    one.stop()
    with open(f"{one.dir}/why", encoding="utf-8") as why:
        assert why.read() == "end\n"


def test_interrupt_stops_as_well(omni):
    one = omni('StopFile "@DIR@/why"')
    one.signal(signal.SIGINT)
    assert one.stop() < 2.0 * SLOW


def test_a_second_instance_is_an_error(omni):
    done = omni(after='<Plugin omni "second">\n</Plugin>\n', start=False).run("-t")
    assert done.returncode == 1
    assert "omni" in done.stderr and "second" in done.stderr


# ---- several instances of one plugin, and verbs on another's kind ----

def refused(one, *call):
    """The code of the error that the call is answered with, or None."""
    try:
        one.call(*call)
    except CtlError as error:
        return error.code
    return None


PEERS = plugin("peer") + '<Plugin peer "a">\n\tWord alpha\n</Plugin>\n<Plugin peer "b">\n\tWord beta\n</Plugin>\n'


def test_instances_of_one_plugin_share_a_kind(omni):
    one = omni(after=PEERS)
    rows = {p["id"]: p["word"] for p in one.call("peer", "list")["items"]}
    assert rows["a"] == "alpha" and rows["b"] == "beta"
    assert one.call("peer", "tell", "a")["word"] == "alpha"
    assert one.call("peer", "tell", "b")["word"] == "beta"
    one.call("plugin", "stop", "peer:a")
    one.until(lambda: row(one, "peer:a")["state"] == "stopped", what="one of them stops")
    assert "a" not in {p["id"] for p in one.call("peer", "list")["items"]}
    assert one.call("peer", "tell", "b")["word"] == "beta"


def test_a_verb_on_the_kind_of_another_plugin(omni):
    one = omni(GARDEN, after=PEERS)
    assert "greets wild" in one.call("thing", "greet", "wild")["message"]
    for name in ("peer", "peer:a", "peer:b"):
        if any(p["id"] == name for p in one.call("plugin", "list")["items"]):
            one.call("plugin", "stop", name)
    one.until(lambda: refused(one, "thing", "greet", "wild") == "ENOENT", what="the verb goes with its plugin")
