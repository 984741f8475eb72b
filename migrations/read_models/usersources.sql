-- What admins see of usersources: a row each, and a row for each field that is set.
CREATE TABLE {usersources} (
    helpdesk TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    audience TEXT NOT NULL,
    capabilities TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    sso TEXT NOT NULL,
    sessions_valid_from BIGINT,
    revision BIGINT NOT NULL,
    position BIGINT NOT NULL,
    displaced_by TEXT,
    displaced_at BIGINT,
    installed_at BIGINT NOT NULL,
    PRIMARY KEY (helpdesk, id)
);
CREATE TABLE {usersource_fields} (
    helpdesk TEXT NOT NULL,
    usersource TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (helpdesk, usersource, field)
);
