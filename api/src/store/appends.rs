//! Appends that wait are written together: one statement, one commit, and each still written or refused by itself.
//!
//! The statement writes every append whose place is right and passes over the others. What it cannot judge, since a
//! rival took the place in the same moment, makes the whole of it fail without a trace; then each is written alone, and
//! the rival's victim alone is refused.

use super::{PATIENCE, StoreError};
use crate::together::{Together, Work};
use cqrs_es::persist::SerializedEvent;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::Future;

/// So many appends share a commit. More wait for the next.
const TOGETHER: usize = 64;

/// The events of one change, behind one event of their stream.
pub(super) struct Append {
    pub(super) stream: String,
    /// The version of the event before; 0 if there is none.
    pub(super) behind: i64,
    /// That event's hash.
    pub(super) prev: String,
    pub(super) events: Vec<SerializedEvent>,
}

/// A database's statement.
pub(super) trait Write: Send + Sync + 'static {
    /// Writes, in one statement that commits by itself, all events of each append that stands behind the event it
    /// names, where nothing else stands. All `appends` are of different streams. Returns a stream for each row.
    fn write(&self, appends: &[&Append]) -> impl Future<Output = Result<Vec<String>, sqlx::Error>> + Send;
}

/// The only writer of a log in this process.
pub(super) struct Appends<W: Write>(Together<Writing<W>>);

impl<W: Write> Appends<W> {
    pub(super) fn new(writer: W) -> Self {
        Self(Together::new(Writing(writer), TOGETHER))
    }

    /// Appends all of it, durably, or nothing.
    pub(super) async fn append(&self, append: Append) -> Result<(), StoreError> {
        let answer = tokio::time::timeout(PATIENCE, self.0.ask(append)).await;
        answer.ok().flatten().unwrap_or_else(|| Err(StoreError::silent()))
    }

    pub(super) fn writer(&self) -> &W {
        &self.0.work().0
    }
}

struct Writing<W>(W);

impl<W: Write> Work for Writing<W> {
    type Asked = Append;
    type Answer = Result<(), StoreError>;

    async fn work(&self, asked: Vec<Append>) -> Vec<Result<(), StoreError>> {
        let mut answers = BTreeMap::new();
        for turn in turns(asked) {
            let (places, appends): (Vec<usize>, Vec<Append>) = turn.into_iter().unzip();
            answers.extend(places.into_iter().zip(self.write(&appends).await));
        }
        answers.into_values().collect()
    }
}

/// Of two appends to one stream the second stands behind the first or is refused: so it comes a turn later. Each has its
/// place among all with it.
fn turns(asked: Vec<Append>) -> Vec<Vec<(usize, Append)>> {
    let mut turns: Vec<Vec<(usize, Append)>> = Vec::new();
    let mut turn_of = HashMap::new();
    for (place, append) in asked.into_iter().enumerate() {
        let turn = turn_of.entry(append.stream.clone()).and_modify(|turn| *turn += 1).or_insert(0);
        match turns.get_mut(*turn) {
            Some(turn) => turn.push((place, append)),
            None => turns.push(vec![(place, append)]),
        }
    }
    turns
}

impl<W: Write> Writing<W> {
    async fn write(&self, appends: &[Append]) -> Vec<Result<(), StoreError>> {
        let all: Vec<&Append> = appends.iter().collect();
        match self.together(&all).await {
            Err(StoreError::Conflict) if appends.len() > 1 => {
                let mut answers = Vec::with_capacity(appends.len());
                for append in appends {
                    answers.push(self.together(&[append]).await.and_then(|written| judged(append, &written)));
                }
                answers
            }
            Ok(written) => appends.iter().map(|append| judged(append, &written)).collect(),
            Err(error) => appends.iter().map(|_| Err(error.to_everybody())).collect(),
        }
    }

    async fn together(&self, appends: &[&Append]) -> Result<HashSet<String>, StoreError> {
        let written = tokio::time::timeout(PATIENCE, self.0.write(appends)).await.map_err(|_| StoreError::silent())?;
        Ok(written.map_err(StoreError::of_append)?.into_iter().collect())
    }
}

/// The event before is not there, or is another, or something stands behind it: what was decided upon is not the stream.
fn judged(append: &Append, written: &HashSet<String>) -> Result<(), StoreError> {
    if written.contains(&append.stream) { Ok(()) } else { Err(StoreError::Conflict) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_to_one_stream_take_their_turns_and_nobody_else_waits_for_them() {
        let append = |stream: &str| Append { stream: stream.into(), behind: 1, prev: "00".into(), events: Vec::new() };
        let turns = turns(["a", "b", "a", "c", "a", "b"].map(append).into());
        let places = |turn: &Vec<(usize, Append)>| turn.iter().map(|(place, _)| *place).collect::<Vec<_>>();
        assert_eq!(turns.iter().map(places).collect::<Vec<_>>(), [vec![0, 1, 3], vec![2, 5], vec![4]]);
    }
}
