//! Rounds that take turns, ratios within a round, medians over rounds.

use std::fmt::Write as _;

/// So many rounds; the median then has two on either side.
pub const ROUNDS: usize = 5;

/// What a ratio, or a size, must be.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

/// One line of the table.
#[derive(Debug)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// Ours, in `unit`.
    pub ours: f64,
    /// What it is held against, in `unit`, and what that is.
    pub limit: Option<(f64, &'static str)>,
    /// What is counted.
    pub unit: &'static str,
    /// What must reach the goal: the median of the rounds' ratios, or the size itself.
    pub value: f64,
    /// The least and the greatest of the rounds.
    pub range: (f64, f64),
    /// The goal.
    pub goal: Goal,
}

/// Runs all `ways` once a round, beginning with another one each time. `[way][round]`.
pub fn rounds(ways: &mut [&mut dyn FnMut(usize) -> f64]) -> Vec<Vec<f64>> {
    let count = ways.len();
    let mut measured = vec![Vec::with_capacity(ROUNDS); count];
    for round in 0..ROUNDS {
        for turn in 0..count {
            let way = (round + turn) % count;
            measured[way].push(ways[way](round));
        }
    }
    measured
}

/// The middle one.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

impl Figure {
    /// Ours over the limit, round by round.
    pub fn ratio(what: &str, unit: &'static str, ours: &[f64], limit: (&[f64], &'static str), goal: Goal) -> Self {
        let ratios: Vec<f64> = ours.iter().zip(limit.0).map(|(ours, limit)| ours / limit).collect();
        let figure = Self {
            what: what.to_owned(),
            ours: median(ours),
            limit: Some((median(limit.0), limit.1)),
            unit,
            value: median(&ratios),
            range: (
                ratios.iter().copied().fold(f64::INFINITY, f64::min),
                ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            ),
            goal,
        };
        eprintln!("{}", figure.line());
        figure
    }

    /// A size that is measured once.
    pub fn size(what: &str, unit: &'static str, ours: f64, goal: Goal) -> Self {
        let figure = Self { what: what.to_owned(), ours, limit: None, unit, value: ours, range: (ours, ours), goal };
        eprintln!("{}", figure.line());
        figure
    }

    /// Whether the goal is reached.
    pub fn reached(&self) -> bool {
        match self.goal {
            Goal::AtLeast(goal) => self.value >= goal,
            Goal::AtMost(goal) => self.value <= goal,
        }
    }

    /// A row of a Markdown table.
    pub fn line(&self) -> String {
        let mut line = format!("| {} | {} {} |", self.what, number(self.ours), self.unit);
        let _ = match self.limit {
            Some((limit, against)) => write!(
                line,
                " {} {}: {against} | **{:.2}** ({:.2}–{:.2}) |",
                number(limit),
                self.unit,
                self.value,
                self.range.0,
                self.range.1
            ),
            None => write!(line, " – | **{}** |", number(self.value)),
        };
        let (sign, goal) = match self.goal {
            Goal::AtLeast(goal) => ("≥", goal),
            Goal::AtMost(goal) => ("≤", goal),
        };
        let _ = write!(line, " {sign} {goal} | {} |", if self.reached() { "yes" } else { "**no**" });
        line
    }
}

fn number(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}
