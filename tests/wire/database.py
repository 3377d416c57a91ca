"""The database as it lies on the disk: what always holds in it, whatever happened before."""

import sqlite3


def file_of(server):
    return server.data / "occurd.db"


def opened(server):
    """Read only: looking at it changes nothing. The server may be running."""
    return sqlite3.connect(f"file:{file_of(server)}?mode=ro", uri=True)


def check_integrity(db):
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def check_lists(db):
    """Each contact's events, walked from the newest by `prev`, are all its events, and nth is
    their position."""
    events, newest = {}, {}
    rows = db.execute("SELECT seq, contact, prev, nth FROM event ORDER BY seq")
    for seq, contact, prev, nth in rows:
        assert prev == newest.get(contact, (0, 0))[0], f"event {seq}: prev is {prev}"
        assert nth == newest.get(contact, (0, 0))[1] + 1, f"event {seq}: nth is {nth}"
        newest[contact] = (seq, nth)
        events[seq] = prev
    for contact, (seq, nth) in newest.items():
        length = 0
        while seq:
            seq, length = events[seq], length + 1
        assert length == nth, f"contact {contact}: {length} of {nth} events are in its list"


def check_sequence(db):
    """seq is the position in commit order, without gaps, and ids and times grow with it."""
    rows = db.execute("SELECT seq, id, received_at FROM event ORDER BY seq").fetchall()
    assert [r[0] for r in rows] == list(range(1, len(rows) + 1))
    ids = [r[1] for r in rows]
    assert len(set(ids)) == len(ids), "an id is there twice"
    assert ids == sorted(ids), "ids do not grow with seq"
    times = [r[2] for r in rows]
    assert times == sorted(times), "received_at does not grow with seq"


def check_rollups(db):
    """The counts per minute are those of the events; definition 0 stands for all."""
    per_minute = """
        SELECT workspace, definition, minute, count(*), min(seq), max(seq) FROM (
            SELECT workspace, definition, received_at / 60000000 AS minute, seq FROM event
            UNION ALL
            SELECT workspace, 0, received_at / 60000000, seq FROM event)
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
    actual = db.execute("SELECT workspace, definition, minute, sum(events), min(first_seq),"
                        " max(last_seq) FROM rollup GROUP BY 1, 2, 3 ORDER BY 1, 2, 3").fetchall()
    assert actual == db.execute(per_minute).fetchall()
    totals = db.execute("""
        SELECT count(*) FROM (SELECT total, sum(events) OVER
            (PARTITION BY workspace, definition ORDER BY minute, first_seq) AS sum FROM rollup)
        WHERE total <> sum""").fetchone()[0]
    assert totals == 0, f"{totals} running totals are wrong"


def check_identities(db):
    """Every identity points at a contact of its workspace."""
    astray = db.execute("""
        SELECT count(*) FROM identity i LEFT JOIN contact c ON c.no = i.contact
        WHERE c.no IS NULL OR c.workspace <> i.workspace""").fetchone()[0]
    assert astray == 0
    orphans = db.execute("""
        SELECT count(*) FROM event e LEFT JOIN contact c ON c.no = e.contact
        WHERE c.no IS NULL OR c.workspace <> e.workspace""").fetchone()[0]
    assert orphans == 0


def check_all(server):
    db = opened(server)
    try:
        check_integrity(db)
        check_sequence(db)
        check_lists(db)
        check_rollups(db)
        check_identities(db)
    finally:
        db.close()
