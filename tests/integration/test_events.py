"""Events: said anywhere, numbered, kept, told to plugins and to people; a flood of them is bounded."""
import pytest

from daemon import CtlError
from omni import event_with, events, look, omni, plugin, plugin_dir, row  # noqa: F401


def shout(one, words="something happened", **args):
    one.call("probe", "shout", args=dict(args, words=words), deadline=60)


def test_an_event_has_words_and_a_number(omni):
    one = omni()
    shout(one, "first", severity="failure")
    shout(one, "second", severity="info", about="thing")
    shout(one, "third", severity="okay", about="series")
    one.until(lambda: event_with(one, "third"), what="all three")
    first, second, third = (event_with(one, words) for words in ("first", "second", "third"))
    assert (first["severity"], first["plugin"]) == ("failure", "omni")
    assert first["number"] < second["number"] < third["number"]
    assert (second["about_kind"], second["about_id"]) == ("thing", "kitchen")
    assert third["series"] == "testhost/omni/gauge-pi"
    assert one.call("event", "get", first["id"])["words"] == "first"
    assert {e["words"] for e in events(one, severity="failure")} >= {"first"}
    assert "first" in one.log, "the log has it too"


def test_plugins_are_told(omni):
    one = omni()
    shout(one, "look here")
    one.until(lambda: look(one)["last_event"] == "look here", what="omni's own event callback")


def test_the_history_survives(omni):
    one = omni()
    shout(one, "before the crash")
    one.until(lambda: event_with(one, "before the crash"), what="the event")
    number = event_with(one, "before the crash")["number"]
    one.stop()
    one.start()
    one.until(lambda: event_with(one, "before the crash"), what="the history")
    shout(one, "after it")
    one.until(lambda: event_with(one, "after it"), what="the next")
    assert event_with(one, "after it")["number"] > number
    assert event_with(one, "before the crash")["number"] == number


def test_following(omni):
    one = omni()
    shout(one, "an old one")
    one.until(lambda: event_with(one, "an old one"), what="the event")
    with one.connect() as connection:
        connection.send({"kind": "event", "verb": "follow", "args": {"recent": 5, "plugin": "omni"}})
        assert connection.receive()["part"]["words"] == "an old one"
        shout(one, "a new one")
        assert connection.receive()["part"]["words"] == "a new one"
    with one.connect() as connection:
        connection.send({"kind": "event", "verb": "follow", "args": {"recent": 0, "severity": "warning"}})
        one.call("event", "list")
        shout(one, "not worth a word", severity="info")
        shout(one, "worth one", severity="failure")
        assert connection.receive()["part"]["words"] == "worth one"


def test_musterctl_lists_them(omni):
    one = omni()
    shout(one, "for everyone", severity="failure")
    one.until(lambda: event_with(one, "for everyone"), what="the event")
    rows = one.ctl("event", "list", "severity=failure")
    assert rows[0]["words"] == "for everyone"
    assert "for everyone" in one.ctl_run("event", "list").stdout


def test_a_page_of_history(omni):
    one = omni()
    shout(one, "again", count=1500)
    one.until(lambda: len(events(one)) == 1000, what="more than a page")
    page = one.call("event", "list", args={"limit": 1000})
    rest = one.call("event", "list", args={"limit": 1000, "after": page["next"]})
    numbers = [e["number"] for e in page["items"] + rest["items"]]
    assert len(numbers) >= 1500 and numbers == sorted(numbers, reverse=True) and len(set(numbers)) == len(numbers)


def test_a_flood_is_bounded_and_counted(omni):
    one = omni(after="LogLevel err\n" + plugin("load"))
    # 10,000 may wait for main; its own callback takes 1,000.
    shout(one, "flood", count=50000, severity="info")

    def dropped():
        try:
            return one.call("series", "get", "testhost/muster/derive-events_dropped")["values"]["value"]
        except (CtlError, KeyError):
            return 0

    one.until(lambda: dropped() > 0, 15, "the loss is counted")
    one.until(lambda: look(one)["events"] >= 900, what="omni hears of some")
    assert look(one)["events"] < 50000
    shout(one, "after the flood", severity="failure")
    one.until(lambda: event_with(one, "after the flood", severity="failure"), 20, "it goes on")
    assert row(one, "load")["state"] == "running"


def test_a_follower_who_does_not_read_is_told_what_he_missed(omni):
    one = omni(after="LogLevel err\n")
    with one.connect(seconds=20) as connection:
        number = connection.send({"kind": "event", "verb": "follow", "args": {"recent": 0, "plugin": "omni"}})
        one.call("event", "list")
        for _ in range(4):
            shout(one, "on and on", count=1000, severity="warning")
            one.call("event", "list")
        lost = seen = 0
        while seen + lost < 4000:
            connection.send({"id": number, "credit": 1})
            part = connection.receive()["part"]
            if "lost" in part:
                lost += part["lost"]
            else:
                seen += 1
        assert lost > 0 and seen >= 1000


def test_a_bad_question(omni):
    one = omni()
    with pytest.raises(CtlError) as error:
        one.call("event", "get", "nonsense")
    assert error.value.code in ("ENOENT", "EINVAL")
    with pytest.raises(CtlError):
        one.call("event", "list", args={"where": [{"attr": "severity", "value": "awful"}]})
