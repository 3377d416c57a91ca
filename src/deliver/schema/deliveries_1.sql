-- The ledger's schema, version 1. Times are microseconds since 1970. Row numbers of workspaces,
-- automations, destinations, contacts and events are those of occurd.db. Numbers of deliveries and of
-- replays are never given twice: an attempt may still be under way when its row is gone, and who
-- asks by a number means the one that had it.

-- Up to where on the feed each automation has decided. -1: where the feed ended when the ledger was begun;
-- 0: up to which row of the store's `gone` those contacts have left the ledger.
CREATE TABLE position(
    automation INTEGER PRIMARY KEY,
    seq        INTEGER NOT NULL,
    paused     INTEGER NOT NULL DEFAULT 0      -- when it was last looked at
);

-- When an automation fired for a contact last. Of one that was deleted these go, and its position stays.
CREATE TABLE fired(
    automation INTEGER,
    contact    INTEGER,
    at         INTEGER NOT NULL,
    PRIMARY KEY(automation, contact)
) WITHOUT ROWID;
CREATE INDEX fired_contact ON fired(contact);

CREATE TABLE delivery(
    no          INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace   INTEGER NOT NULL,
    automation  INTEGER NOT NULL,
    action      INTEGER NOT NULL,              -- which of the automation's, from 0
    kind        INTEGER NOT NULL,              -- what it does (enum action_kind); 0: it sends
    destination INTEGER NOT NULL,              -- of what does not send: 2^31 + workspace
    seq         INTEGER NOT NULL,              -- the event
    contact     INTEGER NOT NULL,
    state       INTEGER NOT NULL,              -- 0: pending, 1: done, 2: dead
    attempts    INTEGER NOT NULL,
    tried       INTEGER NOT NULL,              -- attempts of before it was replayed last
    created_at  INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,              -- of the next attempt, while pending; 2^63 - 1: another goes before
    ended_at    INTEGER NOT NULL,              -- 0: pending
    status      INTEGER NOT NULL,              -- HTTP status of the last attempt; 0: none
    answer      TEXT NOT NULL,                 -- the first bytes of its answer, or what went wrong
    doubt_at    INTEGER NOT NULL DEFAULT 0,    -- since when it may have been taken; 0: it was not
    note        TEXT NOT NULL DEFAULT ''       -- what of the event was not sent
);
CREATE INDEX delivery_due ON delivery(destination, due_at) WHERE state = 0;
CREATE INDEX delivery_first ON delivery(destination, contact) WHERE state = 0; -- of each contact
CREATE INDEX delivery_ended ON delivery(ended_at) WHERE state > 0;
CREATE INDEX delivery_dead ON delivery(workspace) WHERE state = 2;
CREATE INDEX delivery_workspace ON delivery(workspace);
CREATE INDEX delivery_automation ON delivery(automation);
CREATE INDEX delivery_destination ON delivery(destination);
CREATE INDEX delivery_contact ON delivery(contact);

CREATE TABLE attempt(
    delivery    INTEGER,
    n           INTEGER,                       -- from 1
    at          INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    status      INTEGER NOT NULL,
    answer      TEXT NOT NULL,
    PRIMARY KEY(delivery, n)
) WITHOUT ROWID;

-- How many deliveries of a destination are in each state; with every change of theirs.
CREATE TABLE tally(
    destination INTEGER PRIMARY KEY,
    pending     INTEGER NOT NULL,
    done        INTEGER NOT NULL,
    dead        INTEGER NOT NULL
);

-- Replays of what had ended by then: delivery after delivery, at a pace.
CREATE TABLE replay(
    no          INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace   INTEGER NOT NULL,
    automation  INTEGER NOT NULL,              -- 0: any
    destination INTEGER NOT NULL,              -- 0: any
    contact     INTEGER NOT NULL,              -- 0: any
    state       INTEGER NOT NULL,              -- of those that are meant
    since       INTEGER NOT NULL,              -- their created_at
    until       INTEGER NOT NULL,              -- likewise, exclusive; 2^63 - 1: open
    per_second  INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    last        INTEGER NOT NULL,              -- the newest delivery then
    place       INTEGER NOT NULL,              -- up to which delivery it has come
    replayed    INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,              -- when it goes on
    ended_at    INTEGER NOT NULL,              -- 0: it goes on
    stopped     INTEGER NOT NULL               -- by somebody, before its end
);
CREATE INDEX replay_due ON replay(due_at) WHERE ended_at = 0;
CREATE INDEX replay_running ON replay(workspace) WHERE ended_at = 0;
CREATE INDEX replay_ended ON replay(ended_at) WHERE ended_at > 0;
CREATE INDEX replay_workspace ON replay(workspace);
CREATE INDEX replay_contact ON replay(contact) WHERE contact > 0;

-- Destinations that have said, as they were declared then, that they want nothing any more.
CREATE TABLE silenced(
    destination INTEGER PRIMARY KEY,
    declared_at INTEGER NOT NULL
);
