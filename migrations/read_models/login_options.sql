-- What login pages depend on: a row a usersource, and the flags that are set on it.
CREATE TABLE {login_options} (
    helpdesk TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    audience TEXT NOT NULL,
    display TEXT NOT NULL,
    built_in BIGINT NOT NULL,
    title TEXT NOT NULL,
    button_text TEXT,
    enabled BIGINT NOT NULL,
    sso TEXT NOT NULL,
    silent TEXT NOT NULL,
    silent_field TEXT,
    position BIGINT NOT NULL,
    PRIMARY KEY (helpdesk, id)
);
CREATE TABLE {login_flags} (
    helpdesk TEXT NOT NULL,
    usersource TEXT NOT NULL,
    field TEXT NOT NULL,
    PRIMARY KEY (helpdesk, usersource, field)
);
