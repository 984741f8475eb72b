//! The program under test: built by cargo, found by asking cargo, run as an operator would run it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The path of the program: what `GATELEDGER_BIN` names, else what cargo builds now, once per process. Cargo's own lock
/// keeps several test processes from building at a time.
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| std::env::var_os("GATELEDGER_BIN").map_or_else(build, PathBuf::from))
}

/// The whole workspace is selected, so that cargo's choice of features is the one with which the tests were built.
fn build() -> PathBuf {
    // A benchmark is built with optimisations, and wants a program that is.
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--workspace", "--bins", "--locked", "--message-format=json-render-diagnostics"])
        .args(["--profile", profile])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|e| panic!("cargo cannot be run to build the program: {e}"));
    assert!(built.status.success(), "cargo could not build the program; see its words above");
    let messages = String::from_utf8_lossy(&built.stdout);
    executable(&messages).unwrap_or_else(|| panic!("cargo named no executable called gateledger"))
}

fn executable(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "gateledger")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

/// The program with these words, and with nothing of ours in its environment.
pub fn command<S: AsRef<std::ffi::OsStr>>(words: &[S]) -> Command {
    let mut command = Command::new(path());
    command.args(words).stdin(Stdio::null()).env("TZ", "UTC");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GATELEDGER_") {
            command.env_remove(name);
        }
    }
    command
}

/// As `command`, in a process that is told of a file that may not grow, instead of being ended for it.
pub fn patient_command<S: AsRef<std::ffi::OsStr>>(words: &[S]) -> Command {
    let plain = command(words);
    let mut patient = Command::new("sh");
    patient.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(plain.get_program()).args(plain.get_args());
    patient.stdin(Stdio::null()).env("TZ", "UTC");
    for (name, value) in plain.get_envs() {
        if value.is_none() {
            patient.env_remove(name);
        }
    }
    patient
}

/// What a run that has ended left behind.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it told.
    pub stderr: String,
}

impl Ran {
    /// Its standard output without the newline, if it went well; a panic otherwise.
    pub fn text(&self) -> &str {
        assert_eq!(self.code, Some(0), "the command failed: {self:?}");
        self.stdout.trim_end_matches('\n')
    }
}

/// Runs the program to its end with `stdin` as its standard input.
pub fn run(words: &[String], stdin: &str) -> Ran {
    let mut child = command(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("cannot run {}: {e}", path().display()));
    if let Some(mut pipe) = child.stdin.take() {
        // A program that does not read its standard input closes it; that is its right.
        let _ = pipe.write_all(stdin.as_bytes());
    }
    let output = child.wait_with_output().unwrap_or_else(|e| panic!("cannot wait for {words:?}: {e}"));
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
