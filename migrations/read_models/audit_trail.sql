-- The audit trail: a row an event, with the words that it can be found by; and for each word a row for each block of
-- versions in which some event has it. The block bears the number of its first version.
CREATE TABLE {audit_trail} (
    helpdesk TEXT NOT NULL,
    version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    actor_type TEXT NOT NULL,
    actor_role TEXT,
    personal TEXT,
    acting_for TEXT,
    via TEXT NOT NULL,
    request TEXT,
    reason TEXT,
    action TEXT NOT NULL,
    audience TEXT,
    usersource TEXT,
    usersource_kind TEXT,
    usersource_title TEXT,
    account TEXT,
    predicate TEXT NOT NULL,
    fields TEXT NOT NULL,
    hash TEXT NOT NULL,
    change_first BIGINT NOT NULL,
    change_last BIGINT NOT NULL,
    idempotency_key TEXT,
    idempotency_asked TEXT,
    words TEXT NOT NULL,
    PRIMARY KEY (helpdesk, version)
);
CREATE TABLE {audit_words} (
    helpdesk TEXT NOT NULL,
    word TEXT COLLATE BYTEWISE NOT NULL,
    block BIGINT NOT NULL,
    PRIMARY KEY (helpdesk, word, block)
);
CREATE INDEX {audit_trail}_by_action ON {audit_trail} (helpdesk, action, version);
CREATE INDEX {audit_trail}_by_usersource ON {audit_trail} (helpdesk, usersource, version);
CREATE INDEX {audit_trail}_by_actor ON {audit_trail} (helpdesk, actor, version);
CREATE INDEX {audit_trail}_by_audience ON {audit_trail} (helpdesk, audience, version);
CREATE INDEX {audit_trail}_by_time ON {audit_trail} (helpdesk, at, version);
CREATE INDEX {audit_trail}_by_key ON {audit_trail} (helpdesk, idempotency_key, actor, version)
    WHERE idempotency_key IS NOT NULL;
