"""The load of the soak: a dozen threads that each do one sort of thing to one daemon, over and over.

Each has a connection of its own and a pace. None of them judges the daemon but for one rule: whatever was asked is
answered, or refused with a sentence; what breaks the rule goes to `faults`. Between two steps all of them can be held,
so that the daemon can be looked at while it is quiet.
"""
import os
import random
import signal
import subprocess
import threading
import time

from daemon import SLOW, CtlError
from omni import plugin, row

BROKEN = "purple"  # in the one configuration that is refused, and so in the log
HANG_DEADLINE = 1.0
COMING_BACK = 200  # series that time out and come back


def configuration(turn):
    """One of six that follow each other. The first is the one in which the daemon is looked at."""
    variant = turn % 6
    omni = ['Period 50ms', 'HangFile "@DIR@/hang"', 'WatchSeries "soak/*"', 'WatchKind "thing"']
    after, loads, timeout, cache = plugin("peer"), plugin("load"), 2, 2
    cpu = plugin("cpu")
    if variant == 1:
        omni += ['Greeting "another word"', f"Level {turn % 100}"]
    elif variant == 2:
        omni += ["Anchor there"]  # restarts it
    elif variant == 3:
        omni += ["<Garden wild>\n</Garden>"]  # likewise
        after += '<Plugin peer "second">\n\tWord second\n</Plugin>\n'
        loads = ""
    elif variant == 4:
        cpu = plugin("cpu", load="\tInterval 0.4\n\tLoop other\n")
        timeout, cache = 3, 1
    elif variant == 5:
        omni += [f"Colour {BROKEN}"]
    return (f"PoolSize 8\nTimeout {timeout}\n" + cpu + loads + plugin("memory") +
            plugin("rrd", f'DataDir "@DIR@/rrd"\n\tCacheTimeout {cache}\n\tRRARows 10\n\tRRATimespan 60') +
            plugin("omni", "\n\t".join(omni), load=f"\tInterval 0.2\n\tDeadline {HANG_DEADLINE}\n") + after)


class Load:
    """All threads, and what they have in common."""

    def __init__(self, one):
        self.one = one
        self.faults = []
        self.asked = self.answered = self.refused = 0
        self.put = set()  # the names that the daemon took a value for
        self.turn = 0
        self.lock = threading.Lock()
        self.over, self.open = threading.Event(), threading.Event()
        self.busy = 0
        self.idle = threading.Condition(self.lock)
        self.threads = []

    def start(self):
        self.open.set()
        steps = [(calls, 0.01), (calls, 0.02), (pipelined, 0.2), (jobs, 0.05), (streams, 0.05), (things, 0.1), (churn, 0.05),
                 (floods, 0.1), (reloads, 1.0), (restarts, 1.5), (hangs, 4.0), (memories, 0.03), (killed, 0.2), (works, 0.1)]
        for number, (step, pace) in enumerate(steps):
            voice = Voice(self, number)
            self.threads.append(threading.Thread(target=self.run, args=(voice, step, pace), daemon=True))
        for thread in self.threads:
            thread.start()

    def run(self, voice, step, pace):
        while not self.over.is_set():
            self.open.wait()
            with self.lock:
                if not self.open.is_set():
                    continue
                self.busy += 1
            try:
                step(voice)
            except Exception as error:  # any: the test tells what it was, and ends
                self.fault(f"{step.__name__}: {type(error).__name__}: {error}")
            finally:
                with self.lock:
                    self.busy -= 1
                    self.idle.notify_all()
            self.over.wait(pace * SLOW)
        voice.close()

    def fault(self, words):
        with self.lock:
            if len(self.faults) < 20:
                self.faults.append(words)

    def count(self, **more):
        with self.lock:
            for name, by in more.items():
                setattr(self, name, getattr(self, name) + by)

    def hold(self, seconds=60.0):
        """No step is under way when it returns, and none begins before `go_on`."""
        self.open.clear()
        with self.lock:
            assert self.idle.wait_for(lambda: self.busy == 0, seconds * SLOW), "a step of the load does not end"

    def go_on(self):
        self.open.set()

    def stop(self):
        self.over.set()
        self.open.set()
        for thread in self.threads:
            thread.join(30 * SLOW)
            assert not thread.is_alive()

    def configure(self, turn):
        """Puts the file in place at once: somebody may be reading it."""
        path = self.one.conf_file
        with open(path + ".new", "w", encoding="utf-8") as out:
            out.write((self.one.preamble() + configuration(turn)).replace("@DIR@", self.one.dir))
        os.replace(path + ".new", path)


class Voice:
    """One thread's connection."""

    def __init__(self, load, number):
        self.load, self.one, self.steps = load, load.one, 0
        self.random = random.Random(number)
        self.connection = None

    def connected(self):
        if not self.connection:
            self.connection = self.one.connect(30)
        return self.connection

    def ask(self, kind, verb, *ids, **more):
        """What was answered; None when it was refused."""
        request = dict({"kind": kind, "verb": verb}, **more)
        if ids:
            request["ids"] = list(ids)
        return self.take(lambda: self.connected().call(request)[0], f"{kind}.{verb}")

    def take(self, ask, words):
        self.load.count(asked=1)
        try:
            answer = ask()
        except CtlError as error:
            self.refuse(error.error, words)
            return None
        self.load.count(answered=1)
        return answer

    def refuse(self, error, words):
        self.load.count(refused=1)
        if len(error.get("what", "")) < 5 or not error.get("code"):
            self.load.fault(f"{words} was refused without a sentence: {error}")

    def rest(self, seconds):
        self.load.over.wait(seconds)

    def close(self):
        if self.connection:
            self.connection.close()


# ---- calls of every sort ----

CALLS = (
    ("probe", "echo", (), {"args": {"text": "soak", "whole": 3, "words": ["a", "b"]}}),
    ("probe", "whisper", (), {"args": {"text": "aloud", "secret": "quiet"}}),
    ("probe", "look", (), {}),
    ("probe", "fail", (), {"args": {"sentence": "the kettle is on", "remedy": "take it off"}}),
    ("probe", "late", (), {"args": {"after": "20ms"}}),
    ("probe", "late", (), {"args": {"after": "120ms"}, "deadline": 0.05}),
    ("probe", "never", (), {"deadline": 0.05}),
    ("probe", "echo", (), {"args": {"whole": 900}}),
    ("probe", "brew", (), {"args": {"sort": "none"}}),
    ("probe", "nonsense", (), {}),
    ("probe", "post", (), {"args": {"count": 50}}),
    ("probe", "post", (), {"args": {"to": "before", "count": 50}}),
    ("probe", "shout", (), {"args": {"words": "soaked", "count": 3}}),
    ("probe", "say", (), {"args": {"sentence": "waits for rain"}}),
    ("probe", "spill", (), {}),
    ("probe", "ask", (), {"args": {"kind": "probe", "verb": "echo"}}),
    ("probe", "ask", (), {"args": {"kind": "probe", "verb": "tick", "args": '{"count": 50}', "hang_up": 10}}),
    ("thing", "list", (), {"args": {"limit": 100}}),
    ("thing", "get", ("none",), {}),
    ("thing", "paint", (), {"match": {"id~": "fill-*"}, "args": {"colour": "blue"}}),
    ("thing", "delete", (), {"match": {"id~": "*"}, "dry_run": True}),
    ("grain", "list", (), {"args": {"limit": 50}}),
    ("grain", "get", ("g-1",), {}),
    ("peer", "tell", (), {}),
    ("daemon", "status", (), {}),
    ("daemon", "describe", (), {}),
    ("daemon", "reload", (), {"dry_run": True}),
    ("plugin", "list", (), {}),
    ("series", "list", (), {"args": {"limit": 200}}),
    ("series", "get", ("testhost/load/load",), {}),
    ("series", "flush", ("testhost/load/*",), {}),
    ("event", "list", (), {"args": {"limit": 50}}),
    ("audit", "list", (), {"args": {"limit": 50}}),
    ("job", "list", (), {"args": {"limit": 50}}),
)


def calls(voice):
    kind, verb, ids, more = voice.random.choice(CALLS)
    if voice.random.random() < 0.05:
        more = dict(more, key=f"k-{voice.random.randrange(50)}")
    voice.ask(kind, verb, *ids, **more)


def pipelined(voice):
    """A hundred at once, each to be answered."""
    connection = voice.connected()
    waiting = {connection.send({"kind": "probe", "verb": "late", "args": {"after": "10ms"}}) if i % 2 else
               connection.send({"kind": "probe", "verb": "echo"}) for i in range(100)}
    voice.load.count(asked=100)
    while waiting:
        message = connection.receive()
        assert message is not None, "the daemon hung up"
        waiting.remove(message["id"])
        if "error" in message:
            voice.refuse(message["error"], "one of a hundred")
        else:
            voice.load.count(answered=1)


def jobs(voice):
    begun = voice.ask("probe", "brew", args={"steps": voice.random.randrange(1, 8), "pause": "5ms",
                                             "spoil": voice.random.random() < 0.2})
    voice.ask("probe", "simmer")
    if not begun:
        return
    if voice.random.random() < 0.3:
        voice.ask("job", "cancel", begun["job"])
    deadline = time.monotonic() + 20 * SLOW
    while time.monotonic() < deadline:
        job = voice.ask("job", "get", begun["job"])
        if not job or job["state"] in ("done", "failed", "cancelled"):
            return
        voice.rest(0.02)
    voice.load.fault(f"{begun['job']} does not end: {job}")


def streams(voice):
    """Read to the end, cancelled, or hung up in the middle."""
    how = voice.random.choice(("whole", "hang up", "cancel", "events", "series"))
    with voice.one.connect(30) as connection:
        if how in ("events", "series"):
            connection.send({"kind": "event", "verb": "follow"} if how == "events" else
                            {"kind": "series", "verb": "watch", "args": {"glob": "*"}})
            for _ in range(voice.random.randrange(20) if how == "series" else 2):
                if "part" not in connection.receive():
                    return
            return
        number = connection.send({"kind": "probe", "verb": "tick", "args": {"count": 300, "pause": "1ms"}})
        parts, leave_at = 0, voice.random.randrange(1, 60)
        voice.load.count(asked=1)
        while True:
            message = connection.receive()
            assert message is not None, "the daemon hung up"
            if "error" in message:
                voice.refuse(message["error"], "a stream")
                return
            if "result" in message:
                assert how == "cancel" or message["result"]["parts"] == parts
                voice.load.count(answered=1)
                return
            parts += 1
            if parts % 50 == 0:
                connection.send({"id": number, "credit": 50})
            if parts == leave_at and how == "cancel":
                connection.send({"id": number, "cancel": True})
            if parts == leave_at and how != "whole":
                voice.load.count(answered=1)
                return


def things(voice):
    count = voice.random.randrange(1, 300)
    voice.ask("thing", "fill", args={"count": count})
    voice.ask("thing", "add", args={"id": "own", "title": "x" * voice.random.randrange(200), "tags": ["a", "b"]})
    voice.ask("thing", "edit", "own", args={"weight": voice.random.randrange(1000)})
    voice.ask("thing", "poke", "own", args={"rest": "10ms"})
    voice.ask("thing", "delete", "own")
    voice.ask("thing", "delete", match={"id~": "fill-*"})


# ---- values ----

def churn(voice):
    """Names that time out at once and come back much later, and now and then one that was never there. Few of these:
    rrd remembers a file for ten minutes after its last value, which is a bound, and yet looks like growth until then."""
    voice.steps += 1
    fresh = voice.steps % 20 == 0
    name = f"soak/fresh-{voice.steps % 5}/gauge-{voice.steps:06}" if fresh else \
        f"soak/churn-{voice.steps % 5}/gauge-{voice.steps % COMING_BACK:06}"
    for _ in range(2):
        if voice.ask("series", "put", args={"series": name, "values": f"N:{voice.steps}", "interval": "0.5"}):
            voice.load.put.add(name)


def floods(voice):
    voice.ask("probe", "flood", args={"batches": 5, "values": 100})


# ---- what is hard on everybody else ----

def reloads(voice):
    voice.load.turn += 1
    voice.load.configure(voice.load.turn)
    if voice.load.turn % 4 < 2:
        voice.one.signal(signal.SIGHUP)
    else:
        voice.ask("daemon", "reload")


def restarts(voice):
    name = voice.random.choice(("load", "memory", "peer", "omni", "cpu"))
    if voice.random.random() < 0.3:
        voice.ask("plugin", "reload", name)
        return
    voice.ask("plugin", "stop", name)
    voice.rest(voice.random.random() / 5)
    voice.ask("plugin", "start", name)


def hangs(voice):
    """A read that hangs: every other time longer than anybody waits for it."""
    voice.steps += 1
    path = f"{voice.one.dir}/hang"
    with open(path, "w", encoding="utf-8"):
        pass
    voice.rest(0.5 if voice.steps % 2 else HANG_DEADLINE + 0.8)
    os.unlink(path)


def memories(voice):
    key = f"key-{voice.random.randrange(500):03}"
    voice.ask("thing", "remember", args={"key": key, "value": "v" * voice.random.randrange(1, 200)})
    voice.ask("thing", "recall", args={"key": key})
    voice.ask("thing", "memories", args={"limit": 20})
    if voice.random.random() < 0.3:
        voice.ask("thing", "forget", args={"key": key})
    if voice.random.random() < 0.05:
        voice.ask("thing", "hoard", args={"count": 300})


def killed(voice):
    """Clients that end in the middle of a call: a program that is killed, and a connection that breaks."""
    words = voice.random.choice((["probe", "late", "after=300ms"], ["event", "follow"], ["series", "watch"],
                                 ["probe", "tick", "count=100000", "pause=1ms"], ["series", "list"]))
    client = subprocess.Popen([voice.one.tree.musterctl, "--socket", voice.one.socket, *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    voice.rest(voice.random.random() / 5)
    client.kill()
    client.stdout.close()
    client.wait()
    with voice.one.connect(30) as connection:
        for _ in range(40):
            connection.send({"kind": "probe", "verb": "late", "args": {"after": "100ms"}})
        connection.send({"kind": "daemon", "verb": "describe"})
        connection.send_raw(b'{"id": 9, "kind": "da')


def works(voice):
    voice.ask("probe", "work", args={"count": 30, "take": 0.005})


# ---- before it begins ----

def fill_up(voice):
    """What the daemon keeps up to a bound is filled to it, so that it does not look like growth later."""
    def many(count, request):
        connection, sent, open_calls = voice.connected(), 0, 0
        while sent < count or open_calls:
            while sent < count and open_calls < 100:
                connection.send(request)
                sent, open_calls = sent + 1, open_calls + 1
            message = connection.receive()
            assert "result" in message, message
            open_calls -= 1

    many(12000, {"kind": "probe", "verb": "whisper", "args": {"text": "x" * 100}})  # the audit's pages in memory
    many(1100, {"kind": "probe", "verb": "brew", "args": {"steps": 1, "pause": "1ms"}})  # ended jobs
    for _ in range(15):
        voice.ask("probe", "shout", args={"count": 100})  # events
    voice.ask("thing", "fill", args={"count": 300})
    voice.ask("thing", "delete", match={"id~": "fill-*"})
    voice.one.until(lambda: row(voice.one, "omni")["state"] == "running", what="omni runs")
