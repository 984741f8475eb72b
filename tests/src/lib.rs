//! Starts the real program and talks to it as visitors, admins and operators do: HTTP, the command line, signals.
//!
//! Nothing here knows the program's insides; what a story needs to know, it asks as anybody would. Whatever goes wrong
//! while a stage is set is a panic with a sentence, since a test that cannot begin has failed.

pub mod answer;
pub mod browser;
pub mod client;
pub mod database;
pub mod folder;
pub mod html;
pub mod installation;
pub mod postgres;
pub mod program;
pub mod providers;
pub mod raw;
pub mod remote_login;
pub mod server;
pub mod wanderer;

pub use answer::Answer;
pub use browser::Browser;
pub use client::Client;
pub use installation::{Installation, JANE, PASSWORD, Stage, Store};
pub use postgres::PrivatePostgres;
pub use remote_login::RemoteLogin;
pub use server::Server;
pub use wanderer::{Page, Wanderer};

/// Makes two tests of each story named: one on SQLite, one on PostgreSQL.
#[macro_export]
macro_rules! on_both_stores {
    ($($story:ident),+ $(,)?) => {$(
        mod $story {
            #[tokio::test]
            async fn sqlite() {
                Box::pin(super::$story($crate::Store::Sqlite)).await;
            }

            #[tokio::test]
            async fn postgres() {
                Box::pin(super::$story($crate::Store::Postgres)).await;
            }
        }
    )+};
}
