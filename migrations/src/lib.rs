//! The SQL that makes the tables of the event log, the accounts and the read models. Nothing but SQL lives here.
