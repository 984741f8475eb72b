-- How far the read models of a helpdesk have come: the version of its last event that is in them, all of them.
CREATE TABLE {checkpoint} (
    helpdesk TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL
);
