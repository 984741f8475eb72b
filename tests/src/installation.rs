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

/// The address of the admin that `admin` makes.
pub const JANE: &str = "jane@example.com";

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

    /// A new API token of Jane's for `helpdesk`.
    pub fn token(&self, helpdesk: &str, role: &str) -> String {
        let label = format!("a story's {role}");
        let words = ["token", "create", "--role", role, "--label", &label, "--owner", JANE, "--helpdesk", helpdesk];
        self.run(&words).text().to_owned()
    }

    /// A new account with `PASSWORD`.
    pub fn account(&self, helpdesk: &str, email: &str, name: &str, role: &str) {
        let who = ["--email", email, "--name", name, "--role", role, "--helpdesk", helpdesk, "--password-stdin"];
        let words = ["account", "create"].into_iter().chain(who).collect::<Vec<_>>();
        self.run_with(&words, &format!("{PASSWORD}\n")).text();
    }

    /// Jane, an admin of `helpdesk` with a password, so that the lockout guard is on; and a client with her token.
    pub fn admin(&self, server: &Server, helpdesk: &str) -> Client {
        self.account(helpdesk, JANE, "Jane Doe", "admin");
        Client::new(server.address(), helpdesk).with_token(&self.token(helpdesk, "admin"))
    }

    /// Another helpdesk, with an admin of its own.
    pub fn another_helpdesk(&self, server: &Server, id: &str) -> Client {
        let url = format!("https://{id}.example.com");
        self.run(&["helpdesk", "create", id, "--name", id, "--url", &url]).text();
        self.admin(server, id)
    }

    /// Somebody without cookies at `server`.
    pub fn visitor(&self, server: &Server) -> Browser {
        Browser::new(server.address())
    }

    /// The mails that were written to the outbox, oldest first, with their quoted-printable lines made whole.
    pub fn mails(&self) -> Vec<String> {
        let mut files = self.folder.files();
        files.retain(|(path, _)| path.extension().is_some_and(|extension| extension == "eml"));
        files.sort_by_key(|(path, _)| std::fs::metadata(path).and_then(|m| m.modified()).ok());
        let plain = |(_, bytes): (_, Vec<u8>)| String::from_utf8_lossy(&bytes).replace("=\r\n", "").replace("=3D", "=");
        files.into_iter().map(plain).collect()
    }

    /// All bytes that this installation keeps: its folder, and what `pg_dump` writes. Each with a name.
    pub fn kept(&self) -> Vec<(String, Vec<u8>)> {
        let files = self.folder.files().into_iter().map(|(path, bytes)| (path.display().to_string(), bytes));
        let dump = self.database.iter().map(|database| ("pg_dump".to_owned(), database.dump().into_bytes()));
        files.chain(dump).collect()
    }
}

/// An installation that runs, and its admin.
#[derive(Debug)]
pub struct Stage {
    /// The running service.
    pub server: Server,
    /// Jane's client, for the helpdesk `default`.
    pub admin: Client,
    /// Where it is installed. It goes last, after the service has ended.
    pub installation: Installation,
}

impl Stage {
    /// A fresh installation on `store` that runs and has an admin.
    pub async fn set(store: Store) -> Self {
        Self::set_with(store, &[]).await
    }

    /// The same with more flags.
    pub async fn set_with(store: Store, flags: &[&str]) -> Self {
        let installation = Installation::fresh(store).await;
        let server = installation.serve_with(flags);
        let admin = installation.admin(&server, "default");
        Self { server, admin, installation }
    }

    /// Somebody without cookies.
    pub fn visitor(&self) -> Browser {
        self.installation.visitor(&self.server)
    }

    /// Starts the service again after `end` has ended it; the admin follows to the new address.
    pub fn again(self, end: impl FnOnce(Server)) -> Self {
        let Self { server, admin, installation } = self;
        end(server);
        let server = installation.serve();
        Self { admin: admin.at(server.address()), server, installation }
    }
}
