//! What happened in a sign-in, step by step, for the admin who tests a usersource (R42).
//!
//! Stops: a test that shows what must stay secret: whoever notes a step leaves out secrets, passwords, codes, tokens and
//! the values of signatures.

use serde::Serialize;
use serde_json::Value;

/// The steps so far, if anybody wants to see them.
#[derive(Debug, Default)]
pub struct Trace {
    steps: Option<Vec<Step>>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// What was done, as a short sentence.
    pub what: String,
    /// Whether it went well.
    pub ok: bool,
    /// What was sent or came back; null where there is nothing to say.
    pub detail: Value,
}

impl Trace {
    /// A trace that forgets everything at once: for real sign-ins.
    pub fn off() -> Self {
        Self::default()
    }

    /// A trace that keeps what it is told.
    pub fn on() -> Self {
        Self { steps: Some(Vec::new()) }
    }

    /// A step that went well. `detail` is made only if somebody wants to see it.
    pub fn note(&mut self, what: &str, detail: impl FnOnce() -> Value) {
        self.push(what, true, detail);
    }

    /// The step that did not.
    pub fn failed(&mut self, what: &str, detail: impl FnOnce() -> Value) {
        self.push(what, false, detail);
    }

    fn push(&mut self, what: &str, ok: bool, detail: impl FnOnce() -> Value) {
        if let Some(steps) = &mut self.steps {
            steps.push(Step { what: what.to_owned(), ok, detail: detail() });
        }
    }

    /// What was kept.
    pub fn into_steps(self) -> Vec<Step> {
        self.steps.unwrap_or_default()
    }
}
