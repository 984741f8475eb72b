-- The event log: what was written stays as it was written.
CREATE TABLE events (
    aggregate_type TEXT NOT NULL,
    aggregate_id   TEXT NOT NULL,
    sequence       INTEGER NOT NULL CHECK (sequence > 0),
    event_type     TEXT NOT NULL,
    event_version  TEXT NOT NULL,
    payload        TEXT NOT NULL CHECK (json_valid(payload)),
    metadata       TEXT NOT NULL CHECK (json_valid(metadata)),
    -- Milliseconds since 1970, UTC.
    recorded_at    INTEGER NOT NULL DEFAULT (CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER)),
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
) STRICT;

CREATE INDEX events_recorded_at ON events (recorded_at);

CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;

CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never deleted');
END;

-- INSERT OR REPLACE would delete without asking the trigger above.
CREATE TRIGGER events_are_not_replaced BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE aggregate_type = NEW.aggregate_type AND aggregate_id = NEW.aggregate_id
             AND sequence = NEW.sequence)
BEGIN
    SELECT RAISE(ABORT, 'events are never replaced');
END;

-- Where a replay may begin. Can be emptied at any time.
CREATE TABLE snapshots (
    aggregate_id TEXT NOT NULL PRIMARY KEY,
    schema       INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    hash         TEXT NOT NULL,
    payload      TEXT NOT NULL
) STRICT;
