"""Objects: what the core holds, what its owner serves, and what those who look at them are told."""
import json

import pytest

from daemon import CtlError
from omni import events, look, omni, plugin, plugin_dir, row, until_seen  # noqa: F401

LIMIT = 10000
GRAINS = 1000000


@pytest.fixture
def one(omni):
    return omni("<Garden wild>\n</Garden>")


def listed(one, kind, where=(), **args):
    """One page: (items, next, total)."""
    conditions = [{"attr": a, "op": op, "value": v} for a, op, v in where]
    page = one.call(kind, "list", args=dict(args, where=conditions))
    return page["items"], page["next"], page["total"]


def everything(one, kind, where=(), **args):
    items, after, _ = listed(one, kind, where, **args)
    while after:
        more, after, _ = listed(one, kind, where, after=after, **args)
        items += more
    return items


def fill(one, count, prefix="fill-"):
    return one.call("thing", "fill", args={"count": count, "prefix": prefix}, deadline=60)


# ---- published: the core holds them ----

def test_a_published_kind_holds_ten_thousand_and_no_more(one):
    answer = fill(one, LIMIT + 1)
    assert (answer["put"], answer["full"], answer["other"]) == (LIMIT - 1, 2, 0), "one was there before"
    assert fill(one, 20, "more-")["full"] == 20

    def told():
        return [e for e in events(one, severity="warning") if "thing is full" in e["words"]]

    one.until(told, what="an event")
    assert len(told()) == 1, "it is told once"
    items, _, total = listed(one, "thing", limit=1)
    assert total == LIMIT and len(items) == 1
    assert len(everything(one, "thing", limit=1000)) == LIMIT
    # What is there may change, and room that is made may be used.
    one.call("thing", "edit", "wild", args={"weight": 7})
    one.call("thing", "delete", "fill-00001")
    assert fill(one, 1, "again-") == {"put": 1, "full": 0, "other": 0}
    assert len(told()) == 1


def test_all_of_them_by_musterctl(one):
    fill(one, LIMIT - 1)
    rows = one.ctl("thing", "list")
    assert len(rows) == LIMIT
    assert {"kind", "id", "version", "state"} <= set(rows[0])


def test_a_page_is_what_was_asked_for(one):
    fill(one, 300)
    items, after, total = listed(one, "thing", [("id", "glob", "fill-*")], limit=100)
    assert (len(items), total) == (100, 300) and after
    ids = [i["id"] for i in everything(one, "thing", [("id", "glob", "fill-*")], limit=7)]
    assert ids == [f"fill-{i:05}" for i in range(1, 301)]
    heavy, _, _ = listed(one, "thing", [("weight", "ge", 290), ("id", "glob", "fill-*")], sort="weight", descending=True)
    assert [i["weight"] for i in heavy] == list(range(300, 289, -1))
    by_weight = everything(one, "thing", [("id", "glob", "fill-*")], sort="weight", limit=64)
    assert [i["weight"] for i in by_weight] == list(range(1, 301))
    assert listed(one, "thing", [("state", "eq", "idle")])[0][0]["id"] == "wild"
    assert listed(one, "thing", [("weight", "lt", 3), ("weight", "ne", 1), ("id", "glob", "fill-*")])[0][0]["weight"] == 2


@pytest.mark.parametrize("args", [
    {"limit": 0}, {"limit": 1001}, {"sort": "legs"}, {"sort": "tags"}, {"where": [{"attr": "legs", "value": 4}]},
    {"where": [{"attr": "weight", "op": "about", "value": 4}]}, {"where": [{"attr": "weight", "value": "heavy"}]},
    {"where": [{"attr": "state", "value": "angry"}]}, {"where": [{"attr": "password", "value": "x"}]}, {"after": 5},
    {"page": 2},
])
def test_a_question_that_makes_no_sense(one, args):
    with pytest.raises(CtlError) as error:
        one.call("thing", "list", args=args)
    assert error.value.code in ("EINVAL", "ERANGE")
    assert error.value.what


def test_a_thing_is_deleted_and_is_gone(one):
    one.call("thing", "add", args={"id": "brief"})
    one.call("thing", "delete", "brief")
    with pytest.raises(CtlError) as error:
        one.call("thing", "get", "brief")
    assert error.value.code == "ENOENT"


def test_a_secret_is_masked_for_everybody(one):
    one.call("thing", "add", args={"id": "safe", "password": "sesame"})
    got = one.call("thing", "get", "safe")
    assert got["password"] and "sesame" not in json.dumps(got)


@pytest.mark.parametrize("name", ["a", "ä-ö-ü", "x" * 255, "a/b/c", "a:b", "-", "..", "日本"])
def test_names_that_may_be(one, name):
    one.call("thing", "add", args={"id": name})
    assert one.call("thing", "get", name)["id"] == name
    assert any(r["id"] == name for r in one.ctl("thing", "list"))


@pytest.mark.parametrize("name", ["", "two words", "x" * 256, "line\nfeed", "tab\t", "bell\x07"])
def test_names_that_may_not_be(one, name):
    with pytest.raises(CtlError) as error:
        one.call("thing", "add", args={"id": name})
    assert error.value.code == "EINVAL"


def test_a_poked_thing_comes_to_rest(one):
    one.call("thing", "poke", "wild", args={"rest": "200ms"})
    assert one.call("thing", "get", "wild")["state"] == "busy"
    one.until(lambda: one.call("thing", "get", "wild")["state"] == "idle", what="it rests")
    assert one.call("thing", "get", "wild")["reason"] == "came to rest"


# ---- served: a million, nowhere ----

def test_a_million_is_served_a_page_at_a_time(one):
    items, after, total = listed(one, "grain", limit=1000)
    assert (len(items), total) == (1000, GRAINS)
    assert items[0]["id"] == "g0000001" and after == "g0001000"
    assert listed(one, "grain", limit=1, after="g0999999")[0][0]["number"] == GRAINS
    assert listed(one, "grain", limit=1, after="g1000000") == ([], None, GRAINS)
    newest = listed(one, "grain", limit=3, sort="number", descending=True)[0]
    assert [g["number"] for g in newest] == [GRAINS, GRAINS - 1, GRAINS - 2]


def test_musterctl_turns_the_pages(one):
    rows = one.ctl("grain", "list", "number>=950001")
    assert len(rows) == 50000
    assert (rows[0]["id"], rows[-1]["id"]) == ("g0950001", "g1000000")
    assert {"kind", "id", "number", "parity"} <= set(rows[0])
    table = one.ctl_run("grain", "list", "number>=999990")
    assert table.returncode == 0 and "g1000000" in table.stdout
    # A person wants no million lines.
    everything = one.ctl_run("grain", "list", seconds=60)
    assert everything.returncode == 0
    assert 10000 <= everything.stdout.count("\n") < 20000
    assert "the first 10000 of 1000000" in everything.stderr


def test_where_and_get_of_a_served_kind(one):
    found = everything(one, "grain", [("number", "gt", 500000), ("number", "le", 500100), ("parity", "eq", "odd"),
                                      ("state", "ne", "ripe")])
    assert len(found) == 50 and all(g["parity"] == "odd" for g in found)
    assert listed(one, "grain", [("id", "eq", "g0000042")])[0][0]["number"] == 42
    assert listed(one, "grain", [("id", "glob", "g099999?")], limit=1000)[2] is None
    assert len(everything(one, "grain", [("id", "glob", "g099999?")])) == 10
    assert one.call("grain", "get", "g0000042")["size"] == 42 * 37
    with pytest.raises(CtlError) as error:
        one.call("grain", "get", "g9999999")
    assert error.value.code == "ENOENT"
    assert one.ctl("grain", "get", "g0000007")["number"] == 7


def test_its_owner_may_refuse_an_order(one):
    with pytest.raises(CtlError) as error:
        one.call("grain", "list", args={"sort": "size"})
    assert "by their number alone" in error.value.what
    with pytest.raises(CtlError) as error:
        one.call("grain", "list", args={"after": "nonsense"})
    assert error.value.code == "EINVAL"


def test_a_match_of_a_served_kind_goes_to_its_owner(one):
    answer = one.call("grain", "weigh", match={"number<=": 1000, "parity": "even"}, deadline=30)
    assert answer["found"] == 500 and answer["missing"] == 0
    assert one.call("grain", "weigh", "g0000001", "g0000002", "gnats")["missing"] == 1


# ---- looking at them ----

def seen(one):
    return look(one)["seen"]


def until_counts(one, **wanted):
    one.until(lambda: all(seen(one)[k] == v for k, v in wanted.items()), what=f"{wanted}, not {seen(one)}")


def test_a_picture_and_then_every_change(omni):
    one = omni("WatchKind thing\n<Garden wild>\n</Garden>")
    until_counts(one, synced=1)
    start = seen(one)
    assert start["snapshot"] + start["put"] == 1
    one.call("thing", "add", args={"id": "a"})
    until_counts(one, put=start["put"] + 1)
    one.call("thing", "edit", "a", args={"weight": 2})
    until_counts(one, put=start["put"] + 2)
    one.call("thing", "delete", "a")
    until_counts(one, deleted=1)
    assert seen(one)["last"] == "a"
    assert seen(one)["gaps"] == 0


def test_equal_content_is_no_change(omni):
    one = omni("WatchKind thing\n<Garden wild>\n</Garden>")
    until_counts(one, synced=1)
    before = seen(one)
    version = one.call("thing", "get", "wild")["version"]
    for _ in range(3):
        one.call("thing", "edit", "wild", args={"title": "wild"})
    assert one.call("thing", "get", "wild")["version"] == version
    assert seen(one) == before


def test_many_changes_come_in_order(omni):
    one = omni("WatchKind thing")
    until_counts(one, synced=1)
    fill(one, 5000)
    one.until(lambda: seen(one)["put"] >= 5000, what="all of them")
    assert seen(one)["gaps"] == 0


def test_a_slow_reader_gets_the_newest(omni):
    one = omni("WatchKind thing\n<Garden wild>\n</Garden>")
    until_counts(one, synced=1)
    before = seen(one)["put"]
    with one.connect() as connection:
        connection.send({"kind": "probe", "verb": "spin", "args": {"span": 0.5}})
        # Changes by others come meanwhile: the core's own objects change by themselves.
        assert connection.receive()["result"]
    one.call("thing", "edit", "wild", args={"weight": 99})
    one.until(lambda: seen(one)["put"] > before, what="the newest")
    assert one.call("thing", "get", "wild")["weight"] == 99


def test_a_served_kind_has_an_empty_picture_and_changes(omni):
    one = omni("WatchKind grain")
    until_counts(one, synced=1, snapshot=0)
    one.call("grain", "polish", "g0000011")
    until_counts(one, put=1)
    assert seen(one)["last"] == "g0000011"
    one.call("grain", "crush", "g0000011")
    until_counts(one, deleted=1)


def test_one_who_is_far_behind_is_shown_all_anew(omni):
    one = omni("WatchKind grain")
    until_counts(one, synced=1)
    # It makes them itself, so it sees none meanwhile: 10,000 objects may wait.
    one.call("grain", "ripen", args={"count": 25000}, deadline=60)
    one.until(lambda: seen(one)["synced"] > 1, what="another picture")
    assert seen(one)["put"] < 25000
    puts = seen(one)["put"]
    one.call("grain", "polish", "g0000011")
    until_counts(one, put=puts + 1)


def test_who_watches_is_told_that_an_owner_went_and_came(omni):
    one = omni("WatchKind peer", after=plugin("peer"))
    one.until(lambda: seen(one)["snapshot"] + seen(one)["put"] == 1, what="the peer")
    one.call("plugin", "stop", "peer")
    one.until(lambda: seen(one)["reset"] >= 1, what="its kind is gone")
    puts, resets = seen(one)["put"], seen(one)["reset"]
    one.call("plugin", "start", "peer")
    one.until(lambda: seen(one)["reset"] > resets or seen(one)["put"] + seen(one)["snapshot"] > puts + 1,
              what="its kind is back")
    one.until(lambda: seen(one)["last"] == "peer", what="and its object")


def test_the_daemon_itself_can_be_watched(omni):
    one = omni("WatchKind plugin", after=plugin("load"))
    one.until(lambda: seen(one)["synced"] == 1, what="the picture")
    one.call("plugin", "stop", "load")
    before = seen(one)["put"]
    one.call("plugin", "start", "load")
    one.until(lambda: seen(one)["put"] > before, what="a change of state")


def test_objects_end_with_their_owner(omni):
    one = omni(after=plugin("peer") + '<Plugin peer "a">\n</Plugin>\n<Plugin peer "b">\n</Plugin>\n')
    names = {p["id"] for p in one.call("peer", "list")["items"]}
    assert {"a", "b"} <= names
    one.call("plugin", "stop", "peer:b")
    one.until(lambda: {p["id"] for p in one.call("peer", "list")["items"]} == names - {"b"}, what="b's object goes")


def test_a_full_kind_is_empty_after_a_restart_of_its_owner(one):
    fill(one, LIMIT)
    one.call("plugin", "reload", "omni")
    until_seen(one, "its second life", lives=2)
    assert listed(one, "thing", limit=1)[2] == 1
    assert row(one, "omni")["state"] == "running"
