//! The kind from outside: its fields, its keys, what it sends, what it publishes.
