"""daemon backup: copies of all databases while the daemon works, read by somebody else's SQLite."""
import json
import os
import sqlite3
import stat

import pytest

from daemon import CtlError


def backup(one, *words):
    """Runs it and waits for its job; returns the job's object."""
    answer = json.loads(one.ctl_run("--json", "daemon", "backup", *words).stdout)
    number = answer["job"]

    def ended():
        job = one.ctl("job", "get", number)
        return job if job["state"] != "running" else None

    return one.until(ended, what="the backup is over")


def test_backup_copies_every_database(daemon):
    one = daemon("LoadPlugin load\n")
    one.ctl("event", "list")
    job = backup(one)
    assert job["state"] == "done", job
    folder = os.path.join(one.dir, "backup")
    assert job["result"]["folder"] == folder
    files = job["result"]["files"]
    assert [row["plugin"] for row in files] == ["muster"]
    for row in files:
        assert row["file"] == os.path.join(folder, "muster.sqlite")
        assert os.path.getsize(row["file"]) == row["bytes"] > 0
        assert stat.S_IMODE(os.stat(row["file"]).st_mode) == 0o600
    assert os.listdir(folder) == ["muster.sqlite"]
    with sqlite3.connect(os.path.join(folder, "muster.sqlite")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        # the audit of the call that asked for it was handed in before
        tables = [name for (name,) in copy.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        assert tables, "a copy without tables"
    copy.close()
    # again, elsewhere, by name
    other = os.path.join(one.dir, "other")
    assert backup(one, other)["state"] == "done"
    assert os.listdir(other) == ["muster.sqlite"]


def test_backup_that_fails_names_the_file(daemon):
    one = daemon()
    job = backup(one, "folder=/nowhere/at/all")
    assert job["state"] == "failed"
    assert "/nowhere/at/all/muster.sqlite" in job["sentence"] and "name a folder" in job["sentence"]
    with pytest.raises(CtlError) as refused:
        one.call("daemon", "backup", args={"folder": "relative"})
    assert refused.value.code == "EINVAL" and "folder=/" in refused.value.remedy
