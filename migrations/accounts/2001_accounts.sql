-- People and what they hold. One text for SQLite and PostgreSQL: texts and 64-bit integers alone, times in
-- milliseconds since 1970. Whatever is a secret is here as a hash. Every key begins with the helpdesk.

CREATE TABLE accounts (
    helpdesk        TEXT   NOT NULL,
    id              TEXT   NOT NULL,
    email           TEXT,
    email_key       TEXT,
    email_verified  BIGINT NOT NULL CHECK (email_verified IN (0, 1)),
    name            TEXT,
    role            TEXT   NOT NULL CHECK (role IN ('admin', 'auditor', 'agent', 'user')),
    active          BIGINT NOT NULL CHECK (active IN (0, 1)),
    password_hash   TEXT,
    personal_key    TEXT,
    created_at      BIGINT NOT NULL,
    last_sign_in_at BIGINT,
    erased_at       BIGINT,
    standing_due    BIGINT NOT NULL DEFAULT 1,
    PRIMARY KEY (helpdesk, id)
);
CREATE UNIQUE INDEX accounts_by_email ON accounts (helpdesk, email_key);
CREATE INDEX accounts_by_role ON accounts (helpdesk, role);
CREATE INDEX accounts_due ON accounts (helpdesk, id) WHERE standing_due = 1;

CREATE TABLE sessions (
    helpdesk         TEXT   NOT NULL,
    secret_hash      TEXT   NOT NULL,
    id               TEXT   NOT NULL,
    account          TEXT   NOT NULL,
    audience         TEXT   NOT NULL,
    surface          TEXT   NOT NULL,
    usersource       TEXT,
    version          BIGINT NOT NULL,
    means            TEXT   NOT NULL,
    authenticated_at BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    last_seen_at     BIGINT NOT NULL,
    idle_millis      BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    PRIMARY KEY (helpdesk, secret_hash),
    FOREIGN KEY (helpdesk, account) REFERENCES accounts (helpdesk, id)
);
CREATE INDEX sessions_by_account ON sessions (helpdesk, account);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE tokens (
    secret_hash  TEXT   NOT NULL PRIMARY KEY,
    helpdesk     TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    owner        TEXT   NOT NULL,
    role         TEXT   NOT NULL CHECK (role IN ('admin', 'auditor')),
    label        TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    FOREIGN KEY (helpdesk, owner) REFERENCES accounts (helpdesk, id)
);
CREATE UNIQUE INDEX tokens_by_id ON tokens (helpdesk, id);
CREATE INDEX tokens_by_owner ON tokens (helpdesk, owner);

CREATE TABLE links (
    helpdesk    TEXT   NOT NULL,
    secret_hash TEXT   NOT NULL,
    purpose     TEXT   NOT NULL CHECK (purpose IN ('first_admin', 'reset_password', 'recovery')),
    account     TEXT,
    usersource  TEXT,
    version     BIGINT,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (helpdesk, secret_hash)
);
CREATE INDEX links_by_account ON links (helpdesk, account);
CREATE INDEX links_by_end ON links (expires_at);

CREATE TABLE attempt_counters (
    helpdesk     TEXT   NOT NULL,
    key          TEXT   NOT NULL,
    total        BIGINT NOT NULL,
    locked_until BIGINT,
    seen_at      BIGINT NOT NULL,
    PRIMARY KEY (helpdesk, key)
);
CREATE INDEX attempt_counters_by_time ON attempt_counters (seen_at);

CREATE TABLE attempts (
    helpdesk TEXT   NOT NULL,
    key      TEXT   NOT NULL,
    number   BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (helpdesk, key, number)
);
CREATE INDEX attempts_by_time ON attempts (at);

CREATE TABLE known_browsers (
    helpdesk     TEXT   NOT NULL,
    browser_hash TEXT   NOT NULL,
    login_key    TEXT   NOT NULL,
    account      TEXT   NOT NULL,
    seen_at      BIGINT NOT NULL,
    PRIMARY KEY (helpdesk, browser_hash, login_key)
);
CREATE INDEX known_browsers_by_account ON known_browsers (helpdesk, account);
CREATE INDEX known_browsers_by_time ON known_browsers (seen_at);

CREATE TABLE sign_ins (
    helpdesk   TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    surface    TEXT   NOT NULL,
    usersource TEXT,
    outcome    TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    account    TEXT,
    ip         TEXT,
    PRIMARY KEY (helpdesk, at, id)
);
CREATE INDEX sign_ins_by_account ON sign_ins (helpdesk, account, at);
CREATE INDEX sign_ins_by_usersource ON sign_ins (helpdesk, usersource, at);
CREATE INDEX sign_ins_by_time ON sign_ins (at);

-- What the first program sealed, so that another with other keys notices.
CREATE TABLE key_marks (
    id     TEXT NOT NULL PRIMARY KEY,
    sealed TEXT NOT NULL
);
