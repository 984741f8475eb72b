-- Since when a standing is due, in milliseconds (1: longer ago than anybody knows); and what is announced to weaken it.

DROP INDEX accounts_due;
ALTER TABLE accounts ADD COLUMN weakening TEXT;
ALTER TABLE accounts ADD COLUMN weakening_since BIGINT;
CREATE INDEX accounts_due ON accounts (standing_due) WHERE standing_due > 0;
