//! A PostgreSQL server of a test's own, to be stopped and started at will.

use crate::folder::Folder;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The path of one of PostgreSQL's programs: the newest of those that Debian keeps apart from `PATH`, else from there.
pub fn tool(name: &str) -> PathBuf {
    let searched = std::env::var_os("PATH").unwrap_or_default();
    let on_path = || std::env::split_paths(&searched).map(|folder| folder.join(name)).find(|path| path.is_file());
    debian(name).or_else(on_path).unwrap_or_else(|| panic!("{name} is missing; Debian's package `postgresql` has it"))
}

fn debian(name: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let version = |path: &Path| path.file_name().and_then(|v| v.to_str()).and_then(|v| v.parse::<u32>().ok());
    let newest = versions.flatten().map(|entry| entry.path()).max_by_key(|path| version(path))?;
    Some(newest.join("bin").join(name)).filter(|path| path.is_file())
}

/// A server with a data folder and a port of its own. Every commit is on disk before it is answered.
#[derive(Debug)]
pub struct PrivatePostgres {
    folder: Folder,
    port: u16,
}

impl PrivatePostgres {
    /// Makes a data folder and starts a server on it.
    pub fn start() -> Self {
        let folder = Folder::new("postgres");
        let server = Self { folder, port: free_port() };
        if runs_as_root() {
            let owned = Command::new("chown").arg("postgres").arg(server.folder.path()).status();
            assert!(owned.is_ok_and(|s| s.success()), "cannot give the data folder to the user postgres");
        }
        let data = server.data();
        server.must("initdb", &["--pgdata", &data, "--username", "postgres", "--auth", "trust", "--encoding", "UTF8"]);
        server.resume();
        server
    }

    /// The URL of its first database.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// The server's first process, whose children are the others.
    pub fn id(&self) -> u32 {
        let file = format!("{}/postmaster.pid", self.data());
        let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("cannot read {file}: {e}"));
        let line = text.lines().next().and_then(|line| line.trim().parse().ok());
        line.unwrap_or_else(|| panic!("{file} names no process"))
    }

    /// Stops it as a crash would: connections are cut, nothing is written out in an orderly way.
    pub fn crash(&self) {
        self.must("pg_ctl", &["stop", "--pgdata", &self.data(), "--mode", "immediate"]);
    }

    /// Starts it again on the same port.
    pub fn resume(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=on -c max_connections=100",
            self.port
        );
        let log = format!("{}/log", self.data());
        self.must("pg_ctl", &["start", "--wait", "--pgdata", &self.data(), "--log", &log, "--options", &options]);
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// PostgreSQL refuses to run as root, so root hands over to the user that Debian's package made.
    fn command(&self, name: &str, words: &[&str]) -> Command {
        let program = tool(name);
        let mut command = if runs_as_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // The server outlives pg_ctl and keeps what it inherits, so it must not inherit a pipe.
        command
            .args(words)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .env("LC_ALL", "C");
        command
    }

    fn must(&self, name: &str, words: &[&str]) {
        let status = self.command(name, words).status().unwrap_or_else(|e| panic!("cannot run {name}: {e}"));
        assert!(status.success(), "{name} {words:?} failed");
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        let _ = self.command("pg_ctl", &["stop", "--silent", "--pgdata", &self.data(), "--mode", "immediate"]).status();
    }
}

fn runs_as_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap_or_else(|e| panic!("cannot run id: {e}"));
    id.stdout.starts_with(b"0\n")
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let probe = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    probe.unwrap_or_else(|e| panic!("no port is free: {e}")).port()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::{Connection as _, PgConnection};

    #[tokio::test]
    async fn a_private_server_crashes_and_comes_back_at_the_same_address() {
        let server = PrivatePostgres::start();
        PgConnection::connect(&server.url()).await.unwrap().close().await.unwrap();
        server.crash();
        assert!(PgConnection::connect(&server.url()).await.is_err());
        server.resume();
        PgConnection::connect(&server.url()).await.unwrap().close().await.unwrap();
    }
}
