-- Which helpdesks there are, and whose a host is.
CREATE TABLE {helpdesks} (
    id TEXT COLLATE BYTEWISE NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    url TEXT,
    host TEXT,
    url_since BIGINT NOT NULL
);
CREATE INDEX {helpdesks}_by_host ON {helpdesks} (host, url_since, id);
CREATE INDEX {helpdesks}_by_url ON {helpdesks} (url, url_since, id);
