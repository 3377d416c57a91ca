"""What an operator does beside the server: `occurd check` and `occurd backup`."""

import pathlib
import signal
import sqlite3
import stat
import subprocess
import time

import pytest

import database
import occurd
import senders


def run(*arguments, env=None):
    done = subprocess.run([occurd.binary(), *map(str, arguments)], capture_output=True, text=True,
                          timeout=120, env=occurd.clean_environment(env or {}),
                          stdin=subprocess.DEVNULL)
    assert not any(word in done.stderr for word in occurd.SANITIZER_WORDS), done.stderr
    assert not occurd.SOURCE_PLACE.search(done.stdout + done.stderr), done
    return done


def filled(tmp_path, name, events=20):
    """The workspace and its server, which is running."""
    space = senders.engine_workspace(name)
    server = occurd.start(tmp_path, [space])
    for i in range(events):
        reply = server.request(*senders.arsel(space, f"person{i % 5}@example.com", {"n": str(i)}))
        assert reply.status == 202
    return space, server


# --- check ---


def test_check_finds_explains_and_repairs(tmp_path):
    _, server = filled(tmp_path, "checked")
    done = run("check", "--data", server.data)
    assert done.returncode == 2 and "in use" in done.stderr, done
    server.stop()

    done = run("check", "--data", server.data)
    assert done.returncode == 0, done
    assert "20 events, 5 contacts, 5 identities; 0 findings" in done.stdout

    db = sqlite3.connect(server.data / "occurd.db")
    db.execute("UPDATE event SET prev = 1 WHERE seq = 17")
    db.execute("UPDATE rollup SET total = total + 5")
    db.commit()
    db.close()
    before = (server.data / "occurd.db").read_bytes()
    done = run("check", env={"OCCURD_DATA": str(server.data)})
    assert done.returncode == 1, done
    assert "event 17" in done.stdout and "its count says otherwise" in done.stdout
    assert (server.data / "occurd.db").read_bytes() == before, "looking has changed something"

    done = run("check", "--repair", f"--data={server.data}")
    assert done.returncode == 0 and "looking again" in done.stdout, done
    assert run("check", "--data", server.data).returncode == 0
    with server:
        pass
    database.check_all(server)


def test_check_after_a_kill_reads_the_log(tmp_path):
    _, server = filled(tmp_path, "killed")
    server.kill()
    log = server.data / "occurd.db-wal"
    assert log.stat().st_size > 0
    done = run("check", "--data", server.data)
    assert done.returncode == 0 and "20 events" in done.stdout, done
    assert log.stat().st_size > 0, "looking has changed something"


@pytest.mark.parametrize("arguments, word", [
    (["check", "--data", "/nonexistent"], "No such file"),
    (["check", "--data", "/tmp", "--fix"], "--fix"),
    (["check", "--repair=yes"], "--repair=yes"),
    (["check", "--data"], "--data"),
    (["backup", "--data", "/tmp"], "--to"),
    (["backup", "--to", "x", "y"], "y"),
])
def test_what_cannot_be_done_is_told(tmp_path, arguments, word):
    done = run(*arguments)
    assert done.returncode == 2 and word in done.stderr, done


@pytest.mark.parametrize("command", ["check", "backup"])
def test_help(command):
    done = run(command, "--help")
    assert done.returncode == 0 and done.stdout.startswith(f"usage: occurd {command}")


# --- backup ---


def test_backup_under_load_and_restore(tmp_path):
    """All that was acknowledged before it began is in it, it is whole, and a server goes on with
    it; meanwhile nobody was refused."""
    space, server = filled(tmp_path, "backed-up", events=0)
    crowd = [senders.Sender(server, lambda i, s=s: senders.arsel(
        space, f"person{i % 50}@example.com", {"sender": str(s), "n": str(i)}), depth=8)
        for s in range(4)]
    with senders.beside([s.run_until_closed for s in crowd]):
        time.sleep(1)
        before = [(s, i) for s, sender in enumerate(crowd) for i, _ in list(sender.answers)]
        done = run("backup", "--data", server.data, "--to", tmp_path)
        answered = sum(len(s.answers) for s in crowd)
        time.sleep(0.2)
    assert done.returncode == 0, done
    assert sum(len(s.answers) for s in crowd) > answered > len(before) > 100
    assert {r.status for s in crowd for _, r in s.answers} == {202}
    server.stop()

    copy = pathlib.Path(done.stdout.split(": ")[0])
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    restored = occurd.Server(tmp_path)
    restored.data = tmp_path / "restored"
    restored.data.mkdir()
    copy.rename(restored.data / "occurd.db")
    check = run("check", "--data", restored.data)
    assert check.returncode == 0, check
    with restored:
        db = database.opened(restored)
        stored = {(int(s), int(n)) for s, n in db.execute(
            "SELECT json_extract(properties, '$.sender'), json_extract(properties, '$.n')"
            " FROM event")}
        db.close()
        lost = set(before) - stored
        assert not lost, f"{len(lost)} events are not in the backup"
        assert restored.request(*senders.arsel(space, "later@example.com")).status == 202
    assert run("check", "--data", restored.data).returncode == 0


def test_backup_into_a_directory_that_is_not_there(tmp_path):
    """No file gets its name: the "/" says what was meant."""
    _, server = filled(tmp_path, "nowhere", events=1)
    done = run("backup", "--data", server.data, "--to", f"{tmp_path}/absent/")
    assert done.returncode == 1 and "absent/" in done.stderr, done
    assert not (tmp_path / "absent").exists()
    (tmp_path / "absent").mkdir()
    done = run("backup", "--data", server.data, "--to", f"{tmp_path}/absent/")
    assert done.returncode == 0 and len(list((tmp_path / "absent").glob("occurd-*.db"))) == 1, done
    server.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_backup_that_is_stopped_leaves_nothing(tmp_path, number):
    """It ends within the pieces it copies, of which these are more than a hundred."""
    _, server = filled(tmp_path, "stopped", events=1)
    server.stop()
    db = sqlite3.connect(server.data / "occurd.db")
    db.execute("CREATE TABLE filler AS SELECT zeroblob(128 << 20)")
    db.commit()
    db.close()
    (tmp_path / "to").mkdir()
    backup = subprocess.Popen([occurd.binary(), "backup", "--data", server.data, "--to", tmp_path / "to"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    occurd.wait_until(lambda: list((tmp_path / "to").glob("*.part-*")), what="the copy")
    backup.send_signal(number)
    said = backup.communicate(timeout=60)
    assert backup.returncode == 1 and "stopped" in said[1], said
    assert not list((tmp_path / "to").iterdir())


def test_backup_overwrites_nothing(tmp_path):
    _, server = filled(tmp_path, "kept", events=3)
    mine = tmp_path / "mine.db"
    mine.write_text("mine")
    done = run("backup", "--data", server.data, "--to", mine)
    assert done.returncode == 1 and "is there already" in done.stderr, done
    assert mine.read_text() == "mine"
    done = run("backup", "--data", server.data, "--to", tmp_path / "new.db")
    assert done.returncode == 0 and "events up to 3" in done.stdout, done
    server.stop()
    assert not list(tmp_path.glob("*.part-*"))
