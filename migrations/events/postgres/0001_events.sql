-- The event log: what was written stays as it was written.
CREATE TABLE events (
    aggregate_type text COLLATE "C" NOT NULL,
    aggregate_id   text COLLATE "C" NOT NULL,
    sequence       bigint NOT NULL CHECK (sequence > 0),
    event_type     text NOT NULL,
    event_version  text NOT NULL,
    -- json keeps the bytes; jsonb would not.
    payload        json NOT NULL,
    metadata       json NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- No other unique constraint: breaking one is taken for a conflict.
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
);

CREATE INDEX events_recorded_at ON events (recorded_at);

CREATE FUNCTION events_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed or deleted';
END
$$;

CREATE TRIGGER events_are_final BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION events_are_final();

-- Where a replay may begin. Can be emptied at any time.
CREATE TABLE snapshots (
    aggregate_id text COLLATE "C" NOT NULL PRIMARY KEY,
    schema       bigint NOT NULL,
    sequence     bigint NOT NULL,
    hash         text NOT NULL,
    payload      text NOT NULL
);
