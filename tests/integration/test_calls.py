"""Calls: what is asked is checked before its owner hears of it, answered once, in time or not at all, and remembered."""
import json
import os
import subprocess
import sys

import pytest

import daemon as harness
from daemon import CtlError
from omni import look, omni, plugin, plugin_dir, row  # noqa: F401


@pytest.fixture
def one(omni):
    return omni("<Garden wild>\n</Garden>\n<Garden kitchen>\n<Bed north>\nWidth 1\n</Bed>\n</Garden>")


def error_of(one, kind, verb, *ids, **more):
    with pytest.raises(CtlError) as error:
        one.call(kind, verb, *ids, **more)
    return error.value


def audit(one, verb):
    def rows():
        return one.call("audit", "list", args={"where": [{"attr": "verb", "op": "eq", "value": verb}]})["items"]
    one.until(rows, what=f"a row of the audit about {verb}")
    return rows()


# ---- what is asked ----

def test_arguments_of_every_type(one):
    got = one.call("probe", "echo", args={"text": "ä \"q\"", "secret": "12345", "thing": "wild", "flag": True, "whole": -7,
                                          "real": 1.25, "span": "5min", "size": "2K", "colour": "red",
                                          "words": ["a", "b c"]})
    assert (got["text"], got["secret_length"], got["thing"], got["flag"]) == ("ä \"q\"", 5, "wild", True)
    assert (got["whole"], got["real"], got["span"], got["size"]) == (-7, 1.25, 300, 2048)
    assert (got["colour"], got["words"]) == ("red", ["a", "b c"])
    assert set(got["given"]) == {"text", "secret", "thing", "flag", "whole", "real", "span", "size", "colour", "words"}
    assert 0 < got["left"] <= 10


def test_arguments_that_are_not_given_have_their_defaults(one):
    got = one.call("probe", "echo")
    assert (got["text"], got["flag"], got["whole"], got["span"], got["size"]) == ("nothing", False, -1, 60, 1024)
    assert got["given"] == [] and got["words"] == []


def test_the_same_by_musterctl(one):
    got = one.ctl("probe", "echo", "text=two words", "whole=5", "span=1.5min", "size=1M", "colour=green", "flag=yes",
                  "words=a", "words=b")
    assert (got["text"], got["whole"], got["span"], got["size"], got["flag"]) == ("two words", 5, 90, 1 << 20, True)
    assert (got["colour"], got["words"]) == ("green", ["a", "b"])


@pytest.mark.parametrize("args, words", [
    ({"whole": "many"}, ("whole", "number")),
    ({"whole": 101}, ("whole", "100")),
    ({"whole": 1.5}, ("whole",)),
    ({"flag": "perhaps"}, ("flag",)),
    ({"colour": "purple"}, ("purple", "red")),
    ({"span": "-1s"}, ("span",)),
    ({"words": ["a", "b", "c", "d", "e"]}, ("words", "4")),
    ({"words": [1, {}]}, ("words",)),
    ({"txt": "x"}, ("txt", "text")),
    ({"text": {"a": 1}}, ("text",)),
    (["a"], ("object",)),
])
def test_wrong_arguments_are_refused_with_a_sentence(one, args, words):
    error = error_of(one, "probe", "echo", args=args)
    assert error.code in ("EINVAL", "ERANGE")
    for word in words:
        assert word in str(error), str(error)


def test_a_required_argument_is_missing(one):
    assert "id" in str(error_of(one, "thing", "add"))
    assert error_of(one, "thing", "paint", "wild").code == "EINVAL"


def test_wrong_words_name_the_nearest(one):
    assert "thing" in error_of(one, "thng", "list").remedy
    assert "delete" in error_of(one, "thing", "delte", "wild").remedy
    assert "kitchen" in error_of(one, "thing", "get", "kitchn").remedy
    assert error_of(one, "thing", "get").code == "EINVAL"
    assert error_of(one, "thing", "list", "wild").code == "EINVAL"
    assert error_of(one, "thing", "edit", "wild", "kitchen").code == "EINVAL"
    assert error_of(one, "thing", "edit", "two words").code == "EINVAL"
    assert error_of(one, "probe", "look", dry_run=True).code == "EINVAL"
    assert one.ctl_run("thing", "delte", "wild").returncode in (1, 2)


def test_an_error_keeps_its_words_on_the_way(one):
    error = error_of(one, "probe", "fail", args={"code": "EBUSY", "sentence": "the kettle is on", "remedy": "wait a minute"})
    assert (error.code, error.what, error.remedy, error.error["where"]) == ("EBUSY", "the kettle is on", "wait a minute", "here")
    done = one.ctl_run("probe", "fail", "code=EPERM", "sentence=not today")
    assert done.returncode == 1 and "not today" in done.stderr


def test_edit_changes_only_what_is_given(one):
    one.call("thing", "add", args={"id": "t", "title": "old", "weight": 5, "colour": "blue"})
    one.call("thing", "edit", "t", args={"title": "new"})
    got = one.call("thing", "get", "t")
    assert (got["title"], got["weight"], got["colour"], got["version"]) == ("new", 5, "blue", 2)
    assert got["extra"]["by"] == one.call("probe", "echo")["user"]


def test_a_change_comes_before_its_reply(one):
    for i in range(200):
        one.call("thing", "edit", "wild", args={"weight": i})
        assert one.call("thing", "get", "wild")["weight"] == i


# ---- many at once ----

def fill(one, count, prefix="fill-"):
    return one.call("thing", "fill", args={"count": count, "prefix": prefix})


def test_a_dry_run_tells_and_does_nothing(one):
    told = one.call("thing", "delete", "wild", "kitchen", dry_run=True)
    assert [(t["kind"], t["id"]) for t in told] == [("thing", "wild"), ("thing", "kitchen")]
    assert "for good" in told[0]["sentence"]
    assert one.call("thing", "get", "wild")
    assert one.call("thing", "poke", "wild", dry_run=True)[0]["id"] == "wild"
    assert one.call("thing", "get", "wild")["state"] == "idle"
    done = one.ctl_run("--dry-run", "thing", "delete", "wild")
    assert done.returncode == 0 and "wild" in done.stdout
    assert one.call("thing", "get", "wild")


def test_a_match_stands_for_many(one):
    fill(one, 50)
    answer = one.call("thing", "paint", match={"weight>": 40, "id~": "fill-*"}, args={"colour": "blue"})
    assert "10 things" in answer["message"]
    blue = one.call("thing", "list", args={"where": [{"attr": "colour", "op": "eq", "value": "blue"}]})["items"]
    assert len(blue) == 10
    assert "50 things" in one.call("thing", "delete", match={"id~": "fill-*"})["message"]
    assert error_of(one, "thing", "delete", match={"id~": "fill-*"}).code == "ENOENT"
    assert error_of(one, "thing", "delete", match={}).code == "EINVAL"
    assert error_of(one, "thing", "delete", match={"legs": 4}).code == "EINVAL"
    assert error_of(one, "thing", "delete", "wild", match={"weight": 1}).code == "EINVAL"


def test_musterctl_matches_too(one):
    fill(one, 5)
    done = one.ctl_run("thing", "delete", "--match", "id~fill-*")
    assert done.returncode == 0, done.stderr
    assert "5 things" in done.stdout


def test_some_of_many_may_fail(one):
    fill(one, 3)
    answer = one.call("thing", "delete", "fill-00001", "fill-00001", "fill-00002")
    assert "2 things" in answer["message"]
    assert [f["id"] for f in answer["failed"]] == ["fill-00001"]


def test_a_reply_may_tell_how_to_undo(one):
    undo = one.call("thing", "add", args={"id": "brief"})["undo"]
    kind, verb = undo["command"].split(".")
    one.call(kind, verb, undo["args"]["id"])
    assert error_of(one, "thing", "get", "brief").code == "ENOENT"


# ---- late, never, gone ----

def test_an_expired_call_has_an_unknown_outcome(one):
    error = error_of(one, "probe", "never")
    assert error.code == "ETIMEDOUT"
    assert "unknown" in str(error), "not: failed"
    done = one.ctl_run("probe", "never")
    assert done.returncode == 4 and "unknown" in done.stderr
    assert "unknown" in audit(one, "never")[0]["outcome"]


def test_a_late_answer_is_counted_and_dropped(one):
    assert error_of(one, "probe", "late", args={"after": "900ms"}).code == "ETIMEDOUT"
    one.until(lambda: look(one)["late"] == 1, what="the late answer")
    assert look(one)["gone"] == 1
    assert one.call("probe", "late", args={"after": "100ms"})["message"] == "late, but here"


def test_the_caller_may_wait_shorter_or_longer(one):
    assert error_of(one, "probe", "late", args={"after": 5}, deadline=0.1).code == "ETIMEDOUT"
    assert one.call("probe", "late", args={"after": "800ms"}, deadline=30)["message"]
    assert one.ctl_run("--timeout", "0.2", "probe", "late", "after=5").returncode == 4


def test_a_caller_may_hang_up(one):
    with one.connect() as connection:
        number = connection.send({"kind": "probe", "verb": "never", "deadline": 60})
        connection.send({"id": number, "cancel": True})
        one.until(lambda: look(one)["gone"] == 1, what="the owner hears of it")
        connection.send({"kind": "probe", "verb": "never", "deadline": 60})
    one.until(lambda: look(one)["gone"] == 2, what="closing the connection is hanging up")


# ---- streams ----

def test_a_stream_comes_in_parts(one):
    with one.connect() as connection:
        result, parts = connection.call({"kind": "probe", "verb": "tick", "args": {"count": 5}})
    assert [p["tick"] for p in parts] == [1, 2, 3, 4, 5]
    assert result["parts"] == 5
    done = one.ctl_run("--json", "probe", "tick", "count=3")
    assert [json.loads(line)["tick"] for line in done.stdout.splitlines()[:3]] == [1, 2, 3]


def test_a_stream_waits_for_credit(one):
    with one.connect() as connection:
        number = connection.send({"kind": "probe", "verb": "tick", "args": {"count": 200}})
        got = [connection.receive()["part"]["tick"] for _ in range(64)]
        assert got == list(range(1, 65))
        connection.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.receive()
        connection.socket.settimeout(10)
        connection.send({"id": number, "credit": 100})
        got += [connection.receive()["part"]["tick"] for _ in range(100)]
        connection.send({"id": number, "credit": 100})
        message = connection.receive()
        while "part" in message:
            got.append(message["part"]["tick"])
            message = connection.receive()
        assert got == list(range(1, 201))
        assert message["result"]["parts"] == 200
    assert look(one)["rooms"] >= 1


def test_a_long_stream_by_musterctl(one):
    done = one.ctl_run("--json", "probe", "tick", "count=5000")
    assert done.returncode == 0
    ticks = [json.loads(line).get("tick") for line in done.stdout.splitlines()]
    assert [t for t in ticks if t is not None] == list(range(1, 5001))


def test_hanging_up_ends_a_stream(one):
    with one.connect() as connection:
        connection.send({"kind": "probe", "verb": "tick", "args": {"count": 100000, "pause": "10ms"}})
        assert connection.receive()["part"]
    one.until(lambda: look(one)["gone"] == 1, what="the stream ends")


# ---- jobs ----

def job(one, name):
    return one.call("job", "get", name)


def test_a_job_goes_on_after_its_call(one):
    name = one.call("probe", "brew", args={"steps": 3, "pause": "100ms"})["job"]
    first = job(one, name)
    assert (first["state"], first["title"]) == ("running", "brew 3 cups")
    one.until(lambda: job(one, name).get("progress", 0) > 0, what="progress")
    one.until(lambda: job(one, name)["state"] == "done", what="its end")
    last = job(one, name)
    assert last["result"] == {"cups": 3} and last["sentence"] == "3 cups are ready"
    assert last["until"] >= last["since"]


def test_a_job_may_fail(one):
    name = one.call("probe", "brew", args={"steps": 1, "pause": "20ms", "spoil": True})["job"]
    one.until(lambda: job(one, name)["state"] == "failed", what="its end")
    assert job(one, name)["sentence"] == "the brew is spoiled"


def test_a_job_may_be_cancelled(one):
    name = one.call("probe", "brew", args={"steps": 1000, "pause": "50ms"})["job"]
    one.call("job", "cancel", name)
    one.until(lambda: job(one, name)["state"] == "cancelled", what="its end")
    assert "poured away" in job(one, name)["sentence"]
    assert error_of(one, "job", "cancel", name).code


def test_a_job_nobody_asked_for(one):
    one.call("probe", "simmer")
    one.until(lambda: any(j["title"] == "simmer" and j["state"] == "done" for j in one.call("job", "list")["items"]),
              what="its end")


def test_jobs_have_a_limit(one):
    with one.connect() as connection:
        for i in range(1050):
            connection.send({"kind": "probe", "verb": "brew", "args": {"steps": 2, "pause": 600}})
            if i % 100 == 99:
                for _ in range(100):
                    connection.receive()
        answers = [connection.receive() for _ in range(50)]
    assert any("error" in a for a in answers), "past a thousand open jobs"
    assert one.call("probe", "look")["lives"] == 1


# ---- plugins that ask others ----

def ask(one, kind, verb, args=None, **more):
    return one.call("probe", "ask", args={"kind": kind, "verb": verb, "args": json.dumps(args or {}), **more})


def test_a_plugin_calls_another_and_itself(omni):
    one = omni(after=plugin("peer", "Word alpha"))
    answer = ask(one, "peer", "tell")
    assert (answer["code"], answer["result"]["word"]) == (0, "alpha")
    assert ask(one, "daemon", "status")["result"]["state"] == "running"
    itself = ask(one, "probe", "echo", {"whole": 9})
    assert itself["result"]["whole"] == 9 and itself["result"]["source"] == "plugin omni"
    assert ask(one, "plugin", "stop", id="peer")["code"] == 0
    one.until(lambda: row(one, "peer")["state"] == "stopped", what="it was stopped by a plugin")
    assert ask(one, "thing", "get", id="nothing")["code"] == -2
    assert ask(one, "probe", "echo", {"whole": 900})["code"] == -34
    assert ask(one, "thing", "add", {"id": "x"}, viewer=True)["code"] == -13


def test_a_plugin_takes_streams(one):
    answer = ask(one, "probe", "tick", {"count": 500})
    assert (answer["code"], answer["parts"], answer["result"]["parts"]) == (0, 500, 500)
    answer = ask(one, "probe", "tick", {"count": 500}, hang_up=10)
    assert (answer["parts"], answer["what"]) == (10, "hung up")
    one.until(lambda: look(one)["gone"] >= 1, what="the other side hears of it")


def test_a_plugin_waits_no_longer_than_it_wants(one):
    answer = ask(one, "probe", "never", deadline="200ms")
    assert answer["code"] == -110 and "unknown" in answer["what"]


# ---- twice the same ----

def test_the_same_key_is_done_once(one):
    first = one.call("thing", "add", args={"id": "once"}, key="k-1")
    again = one.call("thing", "add", args={"id": "once"}, key="k-1")
    assert again == first
    assert error_of(one, "thing", "add", args={"id": "once"}).code == "EEXIST"
    assert error_of(one, "thing", "add", args={"id": "other"}, key="k-1").code == "EEXIST", "the key was another call's"
    assert len(audit(one, "add")) >= 2


def test_an_error_is_remembered_as_well(one):
    one.call("thing", "add", args={"id": "a"})
    assert error_of(one, "thing", "add", args={"id": "a"}, key="k-2").code == "EEXIST"
    one.call("thing", "delete", "a")
    assert error_of(one, "thing", "add", args={"id": "a"}, key="k-2").code == "EEXIST"


def test_one_who_asks_again_learns_how_an_expired_call_ended(one):
    args = {"after": "800ms"}
    assert error_of(one, "probe", "late", args=args, key="k-3", deadline=0.2).code == "ETIMEDOUT"
    assert one.call("probe", "late", args=args, key="k-3", deadline=10)["message"] == "late, but here"


# ---- who may ----

AS_VIEWER = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from daemon import Connection, CtlError
# Only now: nobody may not read everybody's checkout.
os.setgid(65534); os.setuid(65534)
with Connection(sys.argv[2]) as connection:
    try:
        print(json.dumps({"result": connection.call(json.loads(sys.argv[3]))[0]}))
    except CtlError as error:
        print(json.dumps({"error": error.error}))
"""


@pytest.fixture
def viewer(one):
    """Calls as another user of this machine."""
    if os.getuid() != 0:
        pytest.skip("only root may become somebody else")
    os.chmod(one.dir, 0o755)

    def call(kind, verb, *ids, **more):
        request = {"kind": kind, "verb": verb, **({"ids": list(ids)} if ids else {}), **more}
        lib = os.path.dirname(os.path.abspath(harness.__file__))
        done = subprocess.run([sys.executable, "-c", AS_VIEWER, lib, one.socket, json.dumps(request)], capture_output=True,
                              text=True, timeout=20, check=False, cwd="/")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    return call


def test_another_user_may_look(one, viewer):
    assert viewer("thing", "get", "wild")["result"]["title"] == "wild"
    assert viewer("daemon", "status")["result"]["state"] == "running"
    echo = viewer("probe", "echo")["result"]
    assert (echo["user"], echo["role"]) == ("nobody", 1) or "65534" in echo["user"]


def test_another_user_may_change_nothing(one, viewer):
    for request in (("thing", "add", {"args": {"id": "x"}}), ("thing", "delete", "wild"), ("plugin", "stop", "omni"),
                    ("daemon", "reload"), ("daemon", "restart"), ("series", "put", {"args": {"series": "a/b/gauge",
                                                                                            "values": "N:1"}})):
        more = request[-1] if isinstance(request[-1], dict) else {}
        words = [r for r in request if isinstance(r, str)]
        error = viewer(*words, **more)["error"]
        assert error["code"] == "EACCES", request
        assert "viewer" in error["what"]
    refused = audit(one, "restart")
    assert refused[0]["code"] == -13, "who tried is in the audit too"
    assert one.call("thing", "get", "wild")


def test_another_user_does_not_see_what_is_personal(one, viewer):
    one.call("thing", "add", args={"id": "mine", "email": "ada@example.org", "password": "sesame"})
    assert one.call("thing", "get", "mine")["email"] == "ada@example.org"
    shown = viewer("thing", "get", "mine")["result"]
    assert "ada" not in json.dumps(shown) and "sesame" not in json.dumps(shown)
    where = [{"attr": "email", "op": "eq", "value": "ada@example.org"}]
    assert viewer("thing", "list", args={"where": where})["error"]["code"] == "EACCES"


# ---- what is kept of it ----

def test_every_change_is_in_the_audit(one):
    one.call("thing", "add", args={"id": "noted", "weight": 3})
    entry = audit(one, "add")[0]
    assert (entry["about"], entry["source"], entry["code"]) == ("thing", "ctl", 0)
    assert entry["user"] == one.call("probe", "echo")["user"]
    assert '"noted"' in entry["args"]
    one.call("thing", "delete", "noted")
    assert audit(one, "delete")[0]["ids"] == "noted"
    error_of(one, "probe", "fail", args={"sentence": "the kettle is on"})
    failed = audit(one, "fail")[0]
    assert failed["code"] == -22 and "kettle" in failed["outcome"]
    one.call("thing", "get", "wild")
    verbs = {e["verb"] for e in one.call("audit", "list")["items"]}
    assert "get" not in verbs and "echo" not in verbs


def test_secrets_are_kept_nowhere(one):
    one.call("probe", "whisper", args={"secret": "open-sesame", "text": "aloud"})
    one.call("thing", "add", args={"id": "safe", "password": "open-sesame"})
    error_of(one, "thing", "add", args={"id": "safe", "password": "open-sesame", "weight": "much"})
    entry = audit(one, "whisper")[0]
    assert "aloud" in entry["args"] and "secret" in entry["args"]
    shown = json.dumps([one.call("audit", "list"), one.call("thing", "list"), one.call("thing", "get", "safe"),
                        one.call("event", "list")])
    assert "open-sesame" not in shown and "open-sesame" not in one.log
    one.stop()
    for folder, _, files in os.walk(one.dir):
        for name in files:
            with open(os.path.join(folder, name), "rb") as kept:
                assert b"open-sesame" not in kept.read(), name


def test_the_audit_survives(one):
    one.call("thing", "add", args={"id": "x"})
    audit(one, "add")
    one.stop()
    one.start()
    assert audit(one, "add")[0]["args"].count("x") == 1


# ---- the door ----

@pytest.mark.parametrize("line", [b"nonsense\n", b"{}\n", b"[]\n", b'{"id": 1}\n', b'{"id": "x", "kind": "daemon"}\n',
                                  b'{"id": 1, "kind": 5, "verb": []}\n', b'{"id": 1, "kind": "daemon", "verb": "status", "x": 1}\n',
                                  b"\xff\xfe\n", b"\n", b'{"id":1,"id":2,"kind":"daemon","verb":"status"}\n',
                                  b"[" * 5000 + b"\n"])
def test_a_line_that_is_no_request(one, line):
    with one.connect(seconds=5) as connection:
        connection.send_raw(line)
        connection.send({"id": 77, "kind": "daemon", "verb": "status"})
        messages = []
        while (message := connection.receive()) is not None:
            messages.append(message)
            if message.get("id") == 77:
                break
    assert all("error" in m for m in messages if m.get("id") != 77)
    assert look(one)["lives"] == 1


def test_a_line_without_end(one):
    with one.connect(seconds=5) as connection:
        try:
            connection.send_raw(b"x" * 200000)
            connection.send_raw(b"y" * 200000)
            while connection.receive() is not None:
                pass
        except OSError:
            pass
    assert look(one)["lives"] == 1


def test_open_calls_have_a_limit(one):
    with one.connect() as connection:
        for _ in range(300):
            connection.send({"kind": "probe", "verb": "never", "deadline": 30})
        answers = [connection.receive() for _ in range(300 - 256)]
        assert all(a["error"]["code"] == "EBUSY" for a in answers), answers[0]
        # Another caller is not held up by it.
        assert look(one)["lives"] == 1
    one.until(lambda: look(one)["gone"] == 256, what="all of them hear that he is gone")


def test_a_plugin_has_a_limit_too(one):
    answer = one.call("probe", "swarm", args={"count": 5000}, deadline=60)
    assert answer["busy"] >= 5000 - 4096 and answer["expired"] <= 4096 and answer["other"] == 0
    assert answer["busy"] + answer["expired"] == 5000
    # What its owner still owes does not count against others, and goes when it stops.
    assert one.call("daemon", "status")["state"] == "running"
    one.call("plugin", "reload", "omni")
    answer = one.call("probe", "swarm", args={"count": 100}, deadline=60)
    assert answer == {"busy": 0, "expired": 100, "other": 0}


def test_clients_have_a_limit(one):
    connections, refused = [], 0
    try:
        for _ in range(70):
            connections.append(one.connect(seconds=5))
            try:
                connections[-1].call({"kind": "daemon", "verb": "status"})
            except (OSError, CtlError):
                refused += 1
        assert refused == 70 - 64
    finally:
        for connection in connections:
            connection.close()
    one.until(one.answers, what="there is room again")


def test_one_who_does_not_read_his_answers_is_let_go(one):
    fill(one, 2000, "a-rather-long-name-so-that-answers-are-large-")
    with one.connect(seconds=2) as connection:
        connection.socket.settimeout(0.5)
        sent = 0
        try:
            while sent < 500:
                connection.send({"kind": "thing", "verb": "list", "args": {"limit": 1000}})
                sent += 1
        except OSError:
            pass
        assert look(one)["lives"] == 1, "everybody else is served"


def test_musterctl_without_a_daemon(one):
    one.stop()
    done = one.ctl_run("status")
    assert done.returncode == 3 and one.socket in done.stderr
