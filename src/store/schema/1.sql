-- The schema, version 1. Times are microseconds since 1970, ids are the 16 bytes of a UUID, JSON is
-- text. A released version is never edited; the next one is a file of its own.

CREATE TABLE meta(
    name  TEXT PRIMARY KEY,
    value
) WITHOUT ROWID;

-- Dialect numbers are stored with events, so they mean the same for ever.
CREATE TABLE dialect(
    no   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE workspace(
    no                  INTEGER PRIMARY KEY,
    id                  BLOB NOT NULL UNIQUE,
    name                TEXT NOT NULL,
    requests_per_second INTEGER NOT NULL,     -- 0: the dialect's default; -1: none
    switches            TEXT NOT NULL,        -- JSON: {"strict_50": "true"}, those that were set
    contacts            INTEGER NOT NULL,     -- how many it has
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL
);

-- The custom fields that contacts may have. Values of one that is gone stay with the contacts.
CREATE TABLE contact_field(
    no          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL,
    id          BLOB NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    type        TEXT NOT NULL,                -- '': any plain value
    title       TEXT NOT NULL,
    description TEXT NOT NULL,
    fallback    TEXT NOT NULL,                -- for messages about contacts without a value
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    UNIQUE(workspace, name)
);

-- Destinations (kind 1) and automations (kind 2). Numbers are never given twice: what has been sent
-- keeps them. A destination's body holds its secrets, because they sign what is sent.
CREATE TABLE document(
    no         INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace  INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    name       TEXT NOT NULL,
    body       TEXT NOT NULL,                 -- JSON: the declaration, an object
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE(workspace, kind, name)
);

-- Secrets of keys are kept as SHA-256 digests only.
CREATE TABLE access_key(
    no         INTEGER PRIMARY KEY,
    workspace  INTEGER NOT NULL,
    digest     BLOB NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    revoked    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- JSON: ["https://shop.example"], from where a publishable key may be used; NULL: it is none
    origins    TEXT
);

CREATE INDEX access_key_workspace ON access_key(workspace);

CREATE TABLE oauth_client(
    no         INTEGER PRIMARY KEY,           -- none that is in access_key
    workspace  INTEGER NOT NULL,
    name       TEXT NOT NULL UNIQUE,
    digest     BLOB NOT NULL,
    scopes     TEXT NOT NULL,
    revoked    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- JSON: ["https://app.example/back"], where a person's browser may be sent with a code
    redirects  TEXT NOT NULL
);

-- Fetched credentials. Both digests are SHA-256; issuer: of the key's secret, or of the client's name
-- and secret together (model/catalog.c), so that a token ends with the secret it was made for.
-- family: all that came of one consent.
CREATE TABLE token(
    digest     BLOB PRIMARY KEY,
    issuer     BLOB NOT NULL,
    kind       INTEGER NOT NULL,              -- 1: access, 2: refresh, 3: code
    workspace  INTEGER NOT NULL,
    scopes     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    family     BLOB                           -- NULL: of no consent
) WITHOUT ROWID;

CREATE INDEX token_expiry ON token(expires_at);
CREATE INDEX token_issuer ON token(issuer);
CREATE INDEX token_family ON token(family) WHERE family IS NOT NULL;

CREATE TABLE definition(
    no          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL,
    id          BLOB NOT NULL,
    name        TEXT NOT NULL,
    title       TEXT NOT NULL,
    description TEXT NOT NULL,
    annotations TEXT NOT NULL,                -- JSON: an object, what single vendors keep with it
    inferred    INTEGER NOT NULL,             -- 1: made by its first event
    deleted     INTEGER NOT NULL,             -- 1: only its events know it still
    fields      TEXT NOT NULL,                -- JSON: [{"name", "type", "required", "fields"}]
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
);

CREATE UNIQUE INDEX definition_name ON definition(workspace, name) WHERE deleted = 0;
CREATE INDEX definition_deleted ON definition(workspace, name) WHERE deleted = 1;

CREATE TABLE contact(
    no         INTEGER PRIMARY KEY,           -- shown to clients as its number
    workspace  INTEGER NOT NULL,              -- 0: deleted; the row stays for its events
    id         BLOB NOT NULL,
    identities TEXT NOT NULL,                 -- JSON: [{"kind", "value"}], as reported
    attributes TEXT NOT NULL,                 -- JSON: an object
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

-- Appended to, once per new contact.
CREATE INDEX contact_workspace ON contact(workspace);

-- What finds a contact: one owner for each (kind, key) of a workspace.
CREATE TABLE identity(
    workspace INTEGER,
    kind      INTEGER,
    key       TEXT,
    contact   INTEGER NOT NULL,
    PRIMARY KEY(workspace, kind, key)
) WITHOUT ROWID;

-- In commit order, and without a secondary index: rows are only ever appended.
CREATE TABLE event(
    seq         INTEGER PRIMARY KEY,
    id          BLOB NOT NULL,                -- UUIDv7, grows with seq
    workspace   INTEGER NOT NULL,
    contact     INTEGER NOT NULL,
    prev        INTEGER NOT NULL,             -- seq of the same contact's event before, 0: none
    nth         INTEGER NOT NULL,             -- ordinal among the contact's events, from 1
    definition  INTEGER NOT NULL,
    dialect     INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,             -- grows with seq
    properties  TEXT NOT NULL,                -- JSON: an object
    mismatches  TEXT,                         -- JSON: how they are not what is declared; NULL: they are
    -- JSON: why an automation recorded it, {"event_id", "automations"}; NULL: a client reported it
    cause       TEXT
);

-- Deleted contacts of whom something is still there: in the properties of their events, from next_seq
-- on downwards, and in requests of bulk_item, up to last_item. 0: nothing there any more.
CREATE TABLE erasure(
    contact   INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    next_seq  INTEGER NOT NULL,
    last_item INTEGER NOT NULL
);

-- Many things asked for in one request, kept for who asks what became of them. space: whose they are.
CREATE TABLE bulk(
    no         INTEGER PRIMARY KEY,
    workspace  INTEGER NOT NULL,
    space      INTEGER NOT NULL,
    about      TEXT NOT NULL,                 -- JSON: an object, the dialect's own
    first_item INTEGER NOT NULL,              -- in bulk_item; the others follow it
    items      INTEGER NOT NULL,
    refused    INTEGER NOT NULL,              -- how many of them
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);

CREATE INDEX bulk_space ON bulk(workspace, space, created_at);
CREATE INDEX bulk_expiry ON bulk(expires_at);

CREATE TABLE bulk_item(
    no        INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    contact   INTEGER NOT NULL,               -- whom it was about; 0: nobody for certain
    outcome   INTEGER NOT NULL,               -- 0: done; 1: done, the contact is new; 2: refused
    problem   INTEGER NOT NULL,               -- of a refused one: the code of the first
    request   TEXT,                           -- JSON: what was asked for; NULL: somebody was deleted
    problems  TEXT                            -- JSON: of a refused one; NULL likewise
);

-- Whose requests go with a deleted contact: its own, and those of nobody for certain.
CREATE INDEX bulk_item_contact ON bulk_item(workspace, contact) WHERE request IS NOT NULL;

-- Contacts that were deleted, in that order: for who keeps something of them elsewhere.
CREATE TABLE gone(
    no      INTEGER PRIMARY KEY,
    contact INTEGER NOT NULL
);

-- Ids that callers chose, so that a repetition is recognised. space: whose ids they are.
CREATE TABLE dedupe(
    workspace  INTEGER,
    space      INTEGER,
    key        TEXT,
    seq        INTEGER NOT NULL,              -- of the event; 0: the id of a whole request
    payload    INTEGER NOT NULL,              -- hash of what the request said
    outcomes   TEXT NOT NULL,                 -- JSON: an array, one object per operation of it
    expires_at INTEGER,                       -- NULL: never
    PRIMARY KEY(workspace, space, key)
) WITHOUT ROWID;

CREATE INDEX dedupe_expiry ON dedupe(expires_at) WHERE expires_at IS NOT NULL;

-- Per minute of received_at, and within it per 4096 seqs or more: how many events, between which
-- two, and how many there were up to then. definition 0: all of the workspace's.
CREATE TABLE rollup(
    workspace  INTEGER,
    definition INTEGER,
    minute     INTEGER,
    events     INTEGER NOT NULL,
    first_seq  INTEGER NOT NULL,
    last_seq   INTEGER NOT NULL,
    total      INTEGER NOT NULL,
    PRIMARY KEY(workspace, definition, minute, first_seq)
) WITHOUT ROWID;

-- Saved positions of each contact's newest event, 512 contacts a row. They are behind the truth by
-- at most the events after this one.
CREATE TABLE contact_head(
    block INTEGER PRIMARY KEY,
    heads BLOB NOT NULL
);
INSERT INTO meta VALUES('heads_from', 0);

-- For people with a SQLite tool: names instead of numbers, UUIDs and times as text.
CREATE VIEW events AS
SELECT e.seq,
       UUID(e.id) AS id,
       w.name AS workspace,
       l.name AS dialect,
       d.name AS definition,
       UUID(c.id) AS contact_id,
       TIME(e.occurred_at) AS occurred_at,
       TIME(e.received_at) AS received_at,
       e.properties,
       e.mismatches,
       e.cause
  FROM event e
  LEFT JOIN workspace w ON w.no = e.workspace
  LEFT JOIN dialect l ON l.no = e.dialect
  LEFT JOIN definition d ON d.no = e.definition
  LEFT JOIN contact c ON c.no = e.contact;

CREATE VIEW contacts AS
SELECT c.no AS number,
       UUID(c.id) AS id,
       w.name AS workspace,
       c.identities,
       c.attributes,
       TIME(c.created_at) AS created_at,
       TIME(c.updated_at) AS updated_at
  FROM contact c
  JOIN workspace w ON w.no = c.workspace;
