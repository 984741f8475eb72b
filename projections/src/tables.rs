//! What the tables are called: name, hash of all schemas, generation.
//!
//! The one checkpoint covers all read models of a helpdesk, so they share one hash: a program that knows other
//! schemas, or applies events in another way, has tables and checkpoints of its own, and both run side by side.

use crate::database::Dialect;
use crate::projection::{PROJECTIONS, Projection};
use domain::chain::hex;
use sha2::{Digest, Sha256};

/// A table as batches write it. The first `key` columns are its primary key.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Table {
    /// Its name in schemas and statements, without braces.
    pub name: &'static str,
    /// How many of the columns identify a row. They are texts, but for a last number.
    pub key: usize,
    /// All columns, in order.
    pub columns: &'static [&'static str],
}

/// How far each helpdesk has come.
pub static CHECKPOINT: Table = Table { name: "checkpoint", key: 1, columns: &["helpdesk", "sequence"] };

/// Every table, the checkpoint first. Locks are taken in this order.
pub fn all() -> impl Iterator<Item = &'static Table> {
    std::iter::once(&CHECKPOINT).chain(PROJECTIONS.iter().flat_map(|p| p.tables().iter().copied()))
}

/// The text of the table in which programs agree on generations.
pub(crate) const REGISTRY: &str = include_str!("../../migrations/read_models/registry.sql");
const CHECKPOINT_SCHEMA: &str = include_str!("../../migrations/read_models/checkpoint.sql");

fn schemas() -> impl Iterator<Item = &'static str> {
    std::iter::once(CHECKPOINT_SCHEMA).chain(PROJECTIONS.iter().map(|p| p.schema()))
}

/// A hash of every schema and every projection's version.
pub fn hash() -> String {
    hash_of(PROJECTIONS)
}

fn hash_of(projections: &[&dyn Projection]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(CHECKPOINT_SCHEMA);
    for projection in projections {
        hasher.update(format!("\0{}\0{}\0{}", projection.name(), projection.version(), projection.schema()));
    }
    hex(&hasher.finalize()).chars().take(6).collect()
}

/// One generation of the tables.
#[derive(Debug, Clone)]
pub struct Tables {
    pub(crate) dialect: Dialect,
    suffix: String,
}

impl Tables {
    /// The tables of `generation` with the schemas of `hash`.
    pub fn new(dialect: Dialect, hash: &str, generation: i64) -> Self {
        Self { dialect, suffix: format!("_{hash}_{generation}") }
    }

    /// The statement with its tables' real names: `{name}` is the table, `BYTEWISE` the collation by bytes.
    pub fn sql(&self, text: &str) -> String {
        let bytewise = match self.dialect {
            Dialect::Sqlite => "BINARY",
            Dialect::Postgres => "\"C\"",
        };
        text.replace('{', "").replace('}', &self.suffix).replace("BYTEWISE", bytewise)
    }

    /// What makes the tables.
    pub(crate) fn create(&self) -> Vec<String> {
        self.statements("CREATE TABLE ")
    }

    /// What makes their indexes.
    pub(crate) fn index(&self) -> Vec<String> {
        self.statements("CREATE INDEX ")
    }

    /// What tells PostgreSQL how the rows are spread, which it would find out later by itself. SQLite's planner is told
    /// nothing: it goes by the indexes' columns.
    pub(crate) fn analyze(&self) -> Vec<String> {
        match self.dialect {
            Dialect::Sqlite => Vec::new(),
            Dialect::Postgres => all().map(|table| self.sql(&format!("ANALYZE {{{}}}", table.name))).collect(),
        }
    }

    /// What drops them, the checkpoint first.
    pub(crate) fn drop(&self) -> Vec<String> {
        all().map(|table| self.sql(&format!("DROP TABLE IF EXISTS {{{}}}", table.name))).collect()
    }

    fn statements(&self, beginning: &str) -> Vec<String> {
        let without_comments = |text: &str| {
            text.lines().filter(|line| !line.starts_with("--")).fold(String::new(), |all, line| all + line + "\n")
        };
        schemas()
            .flat_map(|schema| {
                without_comments(schema).split(';').map(str::trim).map(str::to_owned).collect::<Vec<_>>()
            })
            .filter_map(|text| text.strip_prefix(beginning).map(|rest| format!("{beginning}IF NOT EXISTS {rest}")))
            .map(|text| self.sql(&text))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;
    use domain::Recorded;

    struct Newer;

    impl Projection for Newer {
        fn name(&self) -> &'static str {
            "helpdesks"
        }
        fn version(&self) -> u32 {
            2
        }
        fn schema(&self) -> &'static str {
            crate::helpdesks::Rows.schema()
        }
        fn tables(&self) -> &'static [&'static Table] {
            &[]
        }
        fn apply(&self, _: &Recorded, _: &mut Batch) {}
    }

    #[test]
    fn another_version_of_one_projection_has_tables_of_its_own() {
        assert_ne!(hash_of(&[&Newer]), hash_of(&[&crate::helpdesks::Rows]));
        assert_eq!(hash(), hash_of(PROJECTIONS));
    }

    #[test]
    fn every_table_and_index_bears_hash_and_generation() {
        let tables = Tables::new(Dialect::Postgres, "3fa9c1", 7);
        let create = tables.create();
        assert_eq!(create.len(), all().count(), "a table is missing from its projection's list");
        for text in create.iter().chain(&tables.index()) {
            assert!(text.contains("_3fa9c1_7") && !text.contains(['{', '}']), "{text}");
        }
        assert!(tables.index().len() >= 8);
        assert!(create.iter().any(|text| text.contains("COLLATE \"C\"")));
    }
}
