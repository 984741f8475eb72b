//! What a run of events changes, gathered so that it costs few statements.
//!
//! Changes of one row are folded into one, so a batch writes each row once, however many events touched it; rows of
//! one table go into statements of many rows. Within a batch the order of events is kept, row by row.

use crate::database::Dialect;
use crate::row::Row;
use crate::tables::{Table, Tables};
use sqlx::AnyConnection;
use std::collections::BTreeMap;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// A text, or none.
    Text(Option<String>),
    /// A whole number, or none.
    Number(Option<i64>),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<Option<&str>> for Cell {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for Cell {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Number(Some(i64::from(flag)))
    }
}

#[derive(Debug)]
enum Fate {
    Whole(Vec<Cell>),
    Some(BTreeMap<&'static str, Cell>),
    Gone,
}

/// Changes that are still to be written.
#[derive(Debug, Default)]
pub struct Batch {
    appended: BTreeMap<&'static Table, Vec<Vec<Cell>>>,
    rows: BTreeMap<&'static Table, BTreeMap<Vec<Cell>, Fate>>,
}

impl Batch {
    /// Adds a row that cannot be there yet.
    pub fn append(&mut self, table: &'static Table, row: Vec<Cell>) {
        self.appended.entry(table).or_default().push(row);
    }

    /// Makes the row this one, whether it was there or not.
    pub fn put(&mut self, table: &'static Table, row: Vec<Cell>) {
        let key = row.iter().take(table.key).cloned().collect();
        self.rows.entry(table).or_default().insert(key, Fate::Whole(row));
    }

    /// Changes some columns of a row, if it is there.
    pub fn set(&mut self, table: &'static Table, key: Vec<Cell>, changes: Vec<(&'static str, Cell)>) {
        let fate = self.rows.entry(table).or_default().entry(key).or_insert_with(|| Fate::Some(BTreeMap::new()));
        match fate {
            Fate::Whole(row) => {
                for (column, cell) in changes {
                    let place = table.columns.iter().position(|c| *c == column);
                    if let Some(old) = place.and_then(|place| row.get_mut(place)) {
                        *old = cell;
                    }
                }
            }
            Fate::Some(columns) => columns.extend(changes),
            Fate::Gone => {}
        }
    }

    /// Removes a row, if it is there.
    pub fn delete(&mut self, table: &'static Table, key: Vec<Cell>) {
        self.rows.entry(table).or_default().insert(key, Fate::Gone);
    }

    /// Writes everything, inside the caller's transaction.
    pub(crate) async fn write(self, tables: &Tables, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        for (table, mut rows) in self.appended {
            // In the order of the primary key, so that neighbours in the index are written together.
            rows.sort_unstable();
            let text = format!("INSERT INTO {{{}}} ({}) VALUES ROWS", table.name, table.columns.join(", "));
            run(tables, connection, &text, rows).await?;
        }
        for (table, fates) in self.rows {
            let (mut whole, mut gone) = (Vec::new(), Vec::new());
            let mut some: BTreeMap<Vec<&str>, Vec<Vec<Cell>>> = BTreeMap::new();
            for (mut key, fate) in fates {
                match fate {
                    Fate::Whole(row) => whole.push(row),
                    Fate::Gone => gone.push(key),
                    Fate::Some(columns) => {
                        let names = columns.keys().copied().collect();
                        key.extend(columns.into_values());
                        some.entry(names).or_default().push(key);
                    }
                }
            }
            run(tables, connection, &delete(table), gone).await?;
            for (columns, rows) in some {
                run(tables, connection, &update(table, &columns), rows).await?;
            }
            run(tables, connection, &upsert(table), whole).await?;
        }
        Ok(())
    }
}

fn key(table: &Table) -> String {
    table.columns.iter().take(table.key).copied().collect::<Vec<_>>().join(", ")
}

fn delete(table: &Table) -> String {
    format!("DELETE FROM {{{}}} WHERE ({}) IN (VALUES ROWS)", table.name, key(table))
}

fn update(table: &Table, columns: &[&str]) -> String {
    let same = |(place, column): (usize, &&str)| format!("{{{}}}.{column} = v.column{}", table.name, place + 1);
    let found: Vec<_> = table.columns.iter().take(table.key).enumerate().map(same).collect();
    let changed: Vec<_> =
        columns.iter().enumerate().map(|(i, column)| format!("{column} = v.column{}", table.key + i + 1)).collect();
    format!(
        "UPDATE {{{}}} SET {} FROM (VALUES ROWS) AS v WHERE {}",
        table.name,
        changed.join(", "),
        found.join(" AND ")
    )
}

fn upsert(table: &Table) -> String {
    let taken: Vec<_> = table.columns.iter().skip(table.key).map(|c| format!("{c} = excluded.{c}")).collect();
    let then = if taken.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", taken.join(", ")) };
    let columns = table.columns.join(", ");
    format!("INSERT INTO {{{}}} ({columns}) VALUES ROWS ON CONFLICT ({}) DO {then}", table.name, key(table))
}

/// Both databases take at least 32,766 parameters; more rows at once bring nothing.
const MOST_PARAMETERS: usize = 30_000;
const MOST_ROWS: usize = 500;
/// Statements of up to so many rows come again and again: they are kept prepared.
const USUAL_ROWS: usize = 64;

/// Runs `text` over all `rows`, `ROWS` standing for their parameters, in as few statements as can be.
async fn run(
    tables: &Tables,
    connection: &mut AnyConnection,
    text: &str,
    rows: Vec<Vec<Cell>>,
) -> Result<(), sqlx::Error> {
    for part in parts(tables, text, rows) {
        part.query().execute(&mut *connection).await?;
    }
    Ok(())
}

/// The same for a statement that returns something.
pub(crate) async fn fetch(
    tables: &Tables,
    connection: &mut AnyConnection,
    text: &str,
    rows: Vec<Vec<Cell>>,
) -> Result<Vec<Row>, sqlx::Error> {
    let mut found = Vec::new();
    for part in parts(tables, text, rows) {
        found.extend(part.query().fetch_all(&mut *connection).await?.into_iter().map(Row));
    }
    Ok(found)
}

/// One statement over some of the rows.
struct Part {
    sql: String,
    rows: Vec<Vec<Cell>>,
    often: bool,
}

impl Part {
    fn query(&self) -> Query<'_> {
        self.rows.iter().flatten().cloned().fold(sqlx::query(&self.sql), bind).persistent(self.often)
    }
}

fn parts(tables: &Tables, text: &str, mut rows: Vec<Vec<Cell>>) -> Vec<Part> {
    let width = rows.first().map_or(1, Vec::len);
    let most = (MOST_PARAMETERS / width.max(1)).clamp(1, MOST_ROWS);
    let mut parts = Vec::new();
    while !rows.is_empty() {
        let rest = rows.split_off(rows.len().min(most));
        let sql = tables.sql(&text.replace("ROWS", &parameters(tables.dialect, rows.len(), width)));
        let often = rows.len() == most || rows.len() <= USUAL_ROWS;
        parts.push(Part { sql, rows, often });
        rows = rest;
    }
    parts
}

/// SQLite looks numbered parameters up one by one, which with thousands of them is most of the work; nameless ones it
/// counts.
fn parameters(dialect: Dialect, rows: usize, width: usize) -> String {
    let parameter = |number: usize| match dialect {
        Dialect::Sqlite => "?".to_owned(),
        Dialect::Postgres => format!("${number}"),
    };
    let row = |row: usize| {
        let row: Vec<_> = (1..=width).map(|column| parameter(row * width + column)).collect();
        format!("({})", row.join(","))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(",")
}

/// A statement of the database's own making.
pub(crate) type Query<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments<'q>>;

/// Hands the statement its next parameter.
pub(crate) fn bind(query: Query<'_>, cell: Cell) -> Query<'_> {
    match cell {
        Cell::Text(text) => query.bind(text),
        Cell::Number(number) => query.bind(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static T: Table = Table { name: "t", key: 1, columns: &["id", "a", "b"] };

    fn fates(batch: &Batch) -> String {
        format!("{:?}", batch.rows.get(&T).unwrap().values().collect::<Vec<_>>())
    }

    #[test]
    fn changes_of_one_row_are_folded_in_the_order_of_events() {
        let mut batch = Batch::default();
        batch.put(&T, vec!["1".into(), 1.into(), 1.into()]);
        batch.set(&T, vec!["1".into()], vec![("b", 2.into())]);
        batch.set(&T, vec!["2".into()], vec![("a", 3.into())]);
        batch.set(&T, vec!["2".into()], vec![("a", 4.into()), ("b", 5.into())]);
        batch.set(&T, vec!["3".into()], vec![("a", 3.into())]);
        batch.delete(&T, vec!["3".into()]);
        batch.set(&T, vec!["3".into()], vec![("a", 6.into())]);
        assert_eq!(
            fates(&batch),
            "[Whole([Text(Some(\"1\")), Number(Some(1)), Number(Some(2))]), \
             Some({\"a\": Number(Some(4)), \"b\": Number(Some(5))}), Gone]"
        );
    }

    #[test]
    fn statements_name_every_row() {
        assert_eq!(parameters(Dialect::Postgres, 2, 2), "($1,$2),($3,$4)");
        assert_eq!(parameters(Dialect::Sqlite, 2, 2), "(?,?),(?,?)");
        assert_eq!(update(&T, &["b"]), "UPDATE {t} SET b = v.column2 FROM (VALUES ROWS) AS v WHERE {t}.id = v.column1");
        assert_eq!(delete(&T), "DELETE FROM {t} WHERE (id) IN (VALUES ROWS)");
    }
}
