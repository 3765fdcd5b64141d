"""Routes that a plugin offers, before there is a web server: door stands in for it, and its requests come by a command."""
import pytest

from daemon import CtlError
from omni import look, omni, plugin, plugin_dir, row, until_seen  # noqa: F401

ROUTES = {"GET /omni/v1/thing/{id}", "POST /omni/v1/thing"}


@pytest.fixture
def one(omni):
    one = omni("<Garden wild>\n</Garden>", after=plugin("door"))
    one.until(lambda: offers(one)["added"] == 3, what="the door knows two routes and a namespace")
    return one


def offers(one):
    return one.call("door", "offers")


def knock(one, path, **args):
    return one.call("door", "knock", args=dict(args, path=path))


def test_without_a_server_the_plugin_says_what_it_waits_for(omni):
    one = omni(after=plugin("load"))
    assert "HTTP" in row(one, "omni")["reason"]
    # It comes later, and all that waited is told.
    one.write_config(plugin("omni") + plugin("load") + plugin("door"))
    one.call("daemon", "reload")
    one.until(lambda: "HTTP" not in row(one, "omni").get("reason", ""), what="it waits no longer")
    one.until(lambda: set(offers(one)["routes"]) == ROUTES, what="its routes are offered")
    assert offers(one)["namespaces"] == ["/omni"]


def test_a_request_is_answered_by_its_owner(one):
    answer = knock(one, "/omni/v1/thing/wild")
    assert (answer["status"], answer["type"]) == (200, "application/json")
    assert answer["body"]["title"] == "wild"
    missing = knock(one, "/omni/v1/thing/nothing")
    assert (missing["status"], missing["type"]) == (404, "application/problem+json")
    assert missing["body"]["title"] == "no such thing" and missing["body"]["status"] == 404
    assert look(one)["requests"] == 2


def test_a_body_arrives(one):
    answer = knock(one, "/omni/v1/thing", method="POST", body='{"a": [1, 2]}')
    assert answer["status"] == 201 and answer["header"] == "X-Source: 192.0.2.7"
    assert answer["body"]["got"] == {"a": [1, 2]}
    for body in ("{", ""):
        bad = knock(one, "/omni/v1/thing", method="POST", **({"body": body} if body else {}))
        assert (bad["status"], bad["body"]["title"]) == (400, "not JSON")


def test_what_nobody_offers(one):
    with pytest.raises(CtlError) as error:
        knock(one, "/elsewhere")
    assert error.value.code == "ENOENT"


def test_routes_go_and_come_with_their_owner(one):
    one.call("plugin", "stop", "omni")
    one.until(lambda: offers(one)["removed"] == 3, what="the door hears of it")
    assert offers(one)["routes"] == []
    one.call("plugin", "start", "omni")
    until_seen(one, "its second life", lives=2)
    one.until(lambda: offers(one)["added"] == 6, what="they are back")
    assert knock(one, "/omni/v1/thing/wild")["status"] == 200


def test_the_server_may_go_and_come(one):
    one.call("plugin", "stop", "door")
    one.until(lambda: "HTTP" in row(one, "omni").get("reason", ""), what="it waits again")
    one.call("plugin", "start", "door")
    one.until(lambda: row(one, "door")["state"] == "running" and offers(one)["added"] == 3, what="a new server is told of all")
    assert knock(one, "/omni/v1/thing/wild")["status"] == 200


def test_there_is_one_server(omni):
    one = omni(after=plugin("door") + '<Plugin door "back">\n</Plugin>\n')
    states = {p["id"]: p["state"] for p in one.call("plugin", "list")["items"] if p["id"].startswith("door")}
    assert sorted(states.values())[0] == "failed"
    failed = next(name for name, state in states.items() if state == "failed")
    assert "another plugin provides" in row(one, failed)["reason"]


def test_requests_while_the_owner_restarts(one):
    statuses = set()
    for _ in range(10):
        one.call("plugin", "reload", "omni")
        for _ in range(5):
            try:
                statuses.add(knock(one, "/omni/v1/thing/wild")["status"])
            except CtlError as error:
                statuses.add(error.code)
    assert statuses <= {200, 404, 503, "ENOENT"}
    one.until(lambda: row(one, "omni")["state"] == "running" and set(offers(one)["routes"]) == ROUTES, what="all is back")
    one.until(lambda: knock(one, "/omni/v1/thing/wild")["status"] == 200, what="an answer")
