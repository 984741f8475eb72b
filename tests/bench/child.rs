//! This program again, as another process: the load, the bare server, the loops that are the limits.

use crate::machine::{ASKING, SERVING, on_core};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::{self, Command, Stdio};

/// A process of ours. It is ended when this is dropped.
#[derive(Debug)]
pub struct Child {
    process: process::Child,
    said: BufReader<process::ChildStdout>,
}

impl Child {
    /// On the core of whatever asks.
    pub fn asking(words: &[&str]) -> Self {
        on_core(ASKING, || Self::start(words))
    }

    /// On the core of whatever answers.
    pub fn serving(words: &[&str]) -> Self {
        on_core(SERVING, || Self::start(words))
    }

    fn start(words: &[&str]) -> Self {
        let program = std::env::current_exe().unwrap_or_else(|e| panic!("where is this program: {e}"));
        let started = Command::new(program).args(words).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut process = started.unwrap_or_else(|e| panic!("cannot start {words:?}: {e}"));
        let said = process.stdout.take().unwrap_or_else(|| panic!("{words:?} has no output"));
        Self { process, said: BufReader::new(said) }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The next line that it says, as JSON.
    pub fn told(&mut self) -> Value {
        let mut line = String::new();
        let _ = self.said.read_line(&mut line);
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("a process of the benchmark failed ({e}): {line:?}"))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
