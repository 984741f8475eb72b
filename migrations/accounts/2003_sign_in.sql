-- Whom sources speak of, and what was used and works no second time.

CREATE TABLE identities (
    helpdesk     TEXT   NOT NULL,
    usersource   TEXT   NOT NULL,
    issuer       TEXT   NOT NULL,
    subject      TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    account      TEXT   NOT NULL,
    linked_at    BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (helpdesk, usersource, issuer, subject),
    FOREIGN KEY (helpdesk, account) REFERENCES accounts (helpdesk, id)
);
CREATE UNIQUE INDEX identities_by_id ON identities (helpdesk, id);
CREATE INDEX identities_by_account ON identities (helpdesk, account);

CREATE TABLE used_once (
    helpdesk   TEXT   NOT NULL,
    usersource TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (helpdesk, usersource, digest)
);
CREATE INDEX used_once_by_end ON used_once (expires_at);

ALTER TABLE accounts ADD COLUMN user_group TEXT;

-- Whose session it is at the provider; what signing out there needs is sealed.
ALTER TABLE sessions ADD COLUMN issuer TEXT;
ALTER TABLE sessions ADD COLUMN subject TEXT;
ALTER TABLE sessions ADD COLUMN provider_index TEXT;
ALTER TABLE sessions ADD COLUMN provider TEXT;
CREATE INDEX sessions_by_identity ON sessions (helpdesk, usersource, subject) WHERE subject IS NOT NULL;
