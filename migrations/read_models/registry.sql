-- Which generation of the tables with a given schema is read (live), and which was begun last by a rebuild.
-- Programs of every age share this table, so it never changes.
CREATE TABLE IF NOT EXISTS read_models (
    hash TEXT NOT NULL PRIMARY KEY,
    live BIGINT NOT NULL,
    building BIGINT NOT NULL
);
