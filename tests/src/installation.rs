//! One installation of the program: where its data is, and everything an operator does with it.

use crate::database::Database;
use crate::folder::Folder;
use crate::program::{self, Ran};
use crate::server::Server;
use crate::{Browser, Client};

/// Where the data of an installation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// Files in the data folder.
    Sqlite,
    /// A PostgreSQL database.
    Postgres,
}

/// The password of every admin that a story makes.
pub const PASSWORD: &str = "correct horse battery staple";

/// A data folder and, on PostgreSQL, a database. Nothing runs until something is asked of it.
#[derive(Debug)]
pub struct Installation {
    folder: Folder,
    database: Option<Database>,
    url: Option<String>,
}

impl Installation {
    /// A fresh one.
    pub async fn fresh(store: Store) -> Self {
        let database = match store {
            Store::Sqlite => None,
            Store::Postgres => Some(Database::fresh().await),
        };
        let url = database.as_ref().map(Database::url);
        Self { folder: Folder::new("data"), database, url }
    }

    /// A fresh one on a database that somebody else looks after.
    pub fn on(database_url: &str) -> Self {
        Self { folder: Folder::new("data"), database: None, url: Some(database_url.to_owned()) }
    }

    /// The data folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Runs `gateledger` with these words and the flags that name this installation.
    pub fn run(&self, words: &[&str]) -> Ran {
        self.run_with(words, "")
    }

    /// As `run`, with a standard input.
    pub fn run_with(&self, words: &[&str], stdin: &str) -> Ran {
        program::run(&self.words(words), stdin)
    }

    /// Starts the service on a free port and waits until it listens.
    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    /// As `serve`, with more flags.
    pub fn serve_with(&self, flags: &[&str]) -> Server {
        let words = ["serve", "--listen", "127.0.0.1:0"].into_iter().chain(flags.iter().copied());
        Server::start(&self.words(&words.collect::<Vec<_>>()))
    }

    fn words(&self, words: &[&str]) -> Vec<String> {
        let mut words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        words.extend(["--data-dir".to_owned(), self.folder.path().display().to_string()]);
        words.extend(self.url.iter().flat_map(|url| ["--database-url".to_owned(), url.clone()]));
        words
    }

    /// A new API token for the helpdesk `default`.
    pub fn token(&self, role: &str) -> String {
        self.run(&["token", "create", "--role", role, "--label", &format!("a story's {role}")]).text().to_owned()
    }

    /// A new account with `PASSWORD`.
    pub fn account(&self, email: &str, name: &str, role: &str) {
        let words = ["account", "create", "--email", email, "--name", name, "--role", role, "--password-stdin"];
        self.run_with(&words, &format!("{PASSWORD}\n")).text();
    }

    /// An admin whom the lockout guard knows, so that the guard is on; and a client with a token.
    pub fn admin(&self, server: &Server) -> Client {
        self.account("jane@example.com", "Jane Doe", "admin");
        Client::new(server.address(), "default").with_token(&self.token("admin"))
    }

    /// Somebody without cookies at `server`.
    pub fn visitor(&self, server: &Server) -> Browser {
        Browser::new(server.address())
    }

    /// All bytes that this installation keeps: its folder, and what `pg_dump` writes. Each with a name.
    pub fn kept(&self) -> Vec<(String, Vec<u8>)> {
        let files = self.folder.files().into_iter().map(|(path, bytes)| (path.display().to_string(), bytes));
        let dump = self.database.iter().map(|database| ("pg_dump".to_owned(), database.dump().into_bytes()));
        files.chain(dump).collect()
    }
}
