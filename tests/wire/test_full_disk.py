"""A disk that is really full: a file system of a few megabytes, filled by events and by others."""

import json

import database
import senders
import smalldisk
from occurd import made_uuid, wait_until
from test_engine import Acknowledged

MIB = 1 << 20
DISK = 40 * MIB
RESERVE = 16 * MIB
PADDING = "x" * 2000
CROWD = 4


def requests(space):
    """One good event in each dialect."""
    return {"pristo": senders.pristo(space, made_uuid("known"), "known@example.com"),
            "arsel": senders.arsel(space, "known@example.com"),
            "omnisend": senders.omnisend(space, "known@example.com"),
            "infobip": senders.infobip(space, "known@example.com")}


def padded(space, sender):
    """Events that fill the disk, each of which can be told from all others."""
    def make(i):
        said = {"n": str(i), "sender": str(sender)}
        if i % 2:
            return senders.arsel(space, f"{i % 50}@example.com", {**said, "padding": PADDING})
        return senders.omnisend(space, f"{i % 50}@example.com", {**said, "padding": PADDING}, "bulk")
    return make


class Filler(senders.Sender):
    """Sends until it is refused."""

    def run_until_refused(self):
        with self.server.wire() as wire:
            while not self.answers or self.answers[-1][1].status < 300:
                self._round(wire, 1)


def check_refused(server, space):
    for dialect, request in requests(space).items():
        reply = server.request(*request)
        assert reply.status == 503, (dialect, reply)
        assert int(reply.header("Retry-After")) >= 1, (dialect, reply)
    assert server.request("GET", "/readyz").status == 503
    assert server.request("GET", "/healthz").status == 200


def check_taken(server, space):
    wait_until(lambda: server.request("GET", "/readyz").status == 200, what="/readyz")
    for dialect, request in requests(space).items():
        assert server.request(*request).status in (201, 202), dialect
    return len(requests(space))


def events_of(server, space):
    return int(senders.reader_of(server, space).get("/_/v1/stats")["events"])


def check_reading(server, space, events):
    reader = senders.reader_of(server, space)
    assert len(reader.events()) == events
    contact = reader.contact("email=known@example.com")
    assert len(reader.timeline(contact)) == int(contact["event_count"])


def check_kept(disk, server, tmp_path, crowd, more):
    """What the ended server has left: each acknowledged event once, `more` others, nothing else."""
    disk.copy_data(tmp_path / "copy")
    server.data = tmp_path / "copy"
    acknowledged = Acknowledged()
    for s, sender in enumerate(crowd):
        acknowledged.add(s, sender)
    db = database.opened(server)
    said = {(int(s), int(n)) for s, n in db.execute(
        "SELECT json_extract(properties, '$.sender'), json_extract(properties, '$.n') FROM event"
        " WHERE json_extract(properties, '$.sender') IS NOT NULL")}
    total = db.execute("SELECT count(*) FROM event").fetchone()[0]
    db.close()
    assert said == set(acknowledged.said)
    assert total == len(said) + more
    database.check_all(server)


def test_events_fill_the_disk(tmp_path):
    """They are taken down to the reserve and no further; with room again they go on, without a
    restart."""
    space = senders.engine_workspace("filled")
    with smalldisk.make(tmp_path, DISK // MIB) as disk:
        server = disk.server(space, ["--disk-reserve", str(RESERVE), "--threads", "2"])
        with server:
            more = check_taken(server, space)
            disk.fill(leave=RESERVE + 8 * MIB)
            crowd = [Filler(server, padded(space, s)) for s in range(CROWD)]
            senders.in_threads([f.run_until_refused for f in crowd])
            good = sum(len(f.answers) - 1 for f in crowd)
            assert good > 100
            for filler in crowd:
                (_, refused) = filler.answers[-1]
                assert refused.status == 503 and int(refused.header("Retry-After")) >= 1, refused
            # The last batch, and what the log's copying into the database takes.
            assert disk.free_bytes() > RESERVE // 4
            check_refused(server, space)
            check_reading(server, space, good + more)

            disk.empty()
            more += check_taken(server, space)
            senders.in_threads([lambda f=f: f.run(len(f.answers) + 20) for f in crowd])
            check_reading(server, space, good + more + 20 * CROWD)
            wait_until(lambda: told(server) == ["events_refused", "events_taken_again"],
                       what="a line for each, not one per request")
        check_kept(disk, server, tmp_path, crowd, more)


def test_others_fill_the_disk_under_load(tmp_path):
    """Without a reserve there is nothing between the events and the disk's own refusal: what was
    acknowledged is there, what was not got an honest answer, and it goes on by itself."""
    space = senders.engine_workspace("taken")
    with smalldisk.make(tmp_path, DISK // MIB) as disk:
        with disk.server(space, ["--disk-reserve", "0"]) as server:
            more = check_taken(server, space)
            crowd = [senders.Sender(server, padded(space, s), depth=4) for s in range(CROWD)]
            with senders.beside([f.run_until_closed for f in crowd]):
                for _ in range(3):
                    refused = refusals(crowd)
                    disk.fill()
                    wait_until(lambda: refusals(crowd) > refused, 60, "a refusal")
                    assert server.request("GET", "/healthz").status == 200
                    taken = acknowledged(crowd)
                    disk.empty()
                    wait_until(lambda: acknowledged(crowd) > taken, 60, "an event taken again")
            more += check_taken(server, space)
            for filler in crowd:
                for _, reply in filler.answers:
                    assert reply.status in (201, 202, 500, 503), reply
        check_kept(disk, server, tmp_path, crowd, more)


def refusals(crowd):
    return sum(r.status >= 500 for f in crowd for _, r in list(f.answers))


def acknowledged(crowd):
    return sum(r.status < 300 for f in crowd for _, r in list(f.answers))


def test_killed_and_started_on_a_full_disk(tmp_path):
    """Nothing is lost; it starts for reading, and takes events once there is room."""
    space = senders.engine_workspace("restarted")
    with smalldisk.make(tmp_path, DISK // MIB) as disk:
        server = disk.server(space, ["--disk-reserve", "4M"])
        server.start()
        more = check_taken(server, space)
        filler = Filler(server, padded(space, 0))
        filler.run(500)
        disk.fill()
        server.kill()
        server.start()
        check_refused(server, space)
        check_reading(server, space, 500 + more)
        server.stop()
        # What the log had, which a clean end gives back, but for what SQLite shares between readers.
        disk.fill(leave=64 * 1024)
        with server:
            check_refused(server, space)
            disk.empty()
            more += check_taken(server, space)
        assert told(server) == ["events_refused"] * 2 + ["events_taken_again"]
        disk.fill(leave=MIB)
        with server:  # nobody asks before there is room again
            disk.empty()
            more += check_taken(server, space)
        assert told(server)[3:] == ["events_refused", "events_taken_again"]
        check_kept(disk, server, tmp_path, [filler], more)


def told(server):
    """What was said of the disk, of all starts."""
    events = [json.loads(line)["event"] for line in server.log if line.startswith("{")]
    return [e for e in events if e in ("events_refused", "events_taken_again")]


def size(disk, name):
    path = disk.path / "data" / name
    return path.stat().st_size if path.exists() else 0


def test_a_held_log_leaves_room_to_be_copied(tmp_path):
    """Events are refused while what is in the log alone still fits beside it. Once the reader has
    gone they are taken again, with nobody sending meanwhile, and the log is given back."""
    space = senders.engine_workspace("held")
    with smalldisk.make(tmp_path, DISK // MIB) as disk:
        server = disk.server(space, ["--disk-reserve", str(4 * MIB)])
        with server:
            more = check_taken(server, space)
            filler = Filler(server, padded(space, 0))
            with disk.held_log():
                filler.run_until_refused()
                log = size(disk, "occurd.db-wal")
                assert log > 8 * MIB
                assert disk.free_bytes() > 8 * MIB
                check_refused(server, space)
                assert "the log" in server.request("GET", "/readyz").text
            more += check_taken(server, space)
            assert size(disk, "occurd.db-wal") < log // 4
        assert size(disk, "occurd.db-wal") == 0
        check_kept(disk, server, tmp_path, [filler], more)


def test_a_log_without_room_to_be_copied_is_left(tmp_path):
    """Others take the disk that the log needs: an end takes the last of it from nobody, a start
    takes no events, and with room again it goes on by itself."""
    space = senders.engine_workspace("left")
    with smalldisk.make(tmp_path, DISK // MIB) as disk:
        server = disk.server(space, ["--disk-reserve", str(4 * MIB)])
        with server:
            more = check_taken(server, space)
            filler = Filler(server, padded(space, 0))
            with disk.held_log():
                filler.run(2000)
                disk.fill(leave=MIB)
            check_refused(server, space)
            database_bytes, log = size(disk, "occurd.db"), size(disk, "occurd.db-wal")
        assert size(disk, "occurd.db") == database_bytes
        assert size(disk, "occurd.db-wal") == log
        with server:
            check_refused(server, space)
            disk.empty()
            more += check_taken(server, space)
        assert size(disk, "occurd.db-wal") == 0
        check_kept(disk, server, tmp_path, [filler], more)


def test_deliveries_leave_the_last_of_the_disk_to_events(tmp_path):
    """While less than twice the reserve is free nothing is decided, and events are taken; with room
    again all that was not decided is delivered, without a restart."""
    log = {"name": "log", "type": "file", "path": "log", "retry_seconds": [1] * 20}
    space = senders.engine_workspace("followed", destinations=[log],
                                     automations=[{"name": "all", "actions": [{"send": "log"}]}])
    with smalldisk.make(tmp_path, DISK // MIB) as disk:
        with disk.server(space, ["--disk-reserve", str(8 * MIB)]) as server:
            taken = check_taken(server, space)
            wait_until(lambda: lines(disk) == taken, 30, "what was sent before")
            disk.fill(leave=12 * MIB)
            wait_until(lambda: "deliveries_wait_for_disk" in server.log_text(), 30, "the halt")
            taken += check_taken(server, space)
            disk.empty()
            taken += check_taken(server, space)
            wait_until(lambda: lines(disk) == taken, 30, "all of it")
            assert "deliveries_have_disk" in server.log_text()
            # Without any room nothing can be written, and it goes on by itself.
            disk.fill()
            check_refused(server, space)
            disk.empty()
            taken += check_taken(server, space)
            wait_until(lambda: lines(disk) >= taken, 30, "all of it, again")


def lines(disk):
    path = disk.path / "data/out/log"
    return len(path.read_text().splitlines()) if path.exists() else 0
