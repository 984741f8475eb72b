//! Helpdesks with an admin's token each, and whole commands to them over HTTP.

use crate::load::{Load, Outcome, request};
use crate::machine::{SERVING, on_core};
use black_box::{Installation, Server, raw};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use std::ops::Range;
use std::time::Duration;

/// For how long in each round.
pub const LASTING: Duration = Duration::from_secs(3);

/// What a command stores, so that a limit can store as much.
#[derive(Debug, Clone)]
pub struct Row {
    /// The event.
    pub payload: String,
    /// Its circumstances.
    pub metadata: String,
}

/// A running service and its helpdesks.
pub struct Desks {
    /// The service.
    pub server: Server,
    desks: Vec<Desk>,
    /// Where it is installed. It goes last.
    pub installation: Installation,
}

struct Desk {
    helpdesk: String,
    authorization: String,
    usersource: String,
}

impl Desks {
    /// So many helpdesks on `installation`.
    pub async fn set_up(installation: Installation, count: usize) -> Self {
        let server = on_core(SERVING, || installation.serve());
        let mut desks = Vec::new();
        for number in 0..count {
            let helpdesk = format!("desk-{number}");
            let client = installation.another_helpdesk(&server, &helpdesk);
            let usersource = client.deskpro("users").await;
            desks.push(Desk { helpdesk, authorization: client.authorization(), usersource });
        }
        Self { server, desks, installation }
    }

    /// Ends the service, does `work`, and starts it again.
    pub async fn meanwhile(self, work: impl AsyncFnOnce(&Installation)) -> Self {
        let Self { server, desks, installation } = self;
        server.kill();
        work(&installation).await;
        let server = on_core(SERVING, || installation.serve());
        Self { server, desks, installation }
    }

    /// The id of a helpdesk, and of its usersource that the commands change.
    pub fn names(&self, number: usize) -> (String, String) {
        (self.desks[number].helpdesk.clone(), self.desks[number].usersource.clone())
    }

    /// The clients of these helpdesks change a title again and again, each on a connection of its own.
    pub fn command(&self, round: usize, desks: Range<usize>) -> Outcome {
        self.load(round, desks, self.server.authority()).run(self.installation.folder().path())
    }

    /// What they ask, of whatever answers at `authority`.
    pub fn load(&self, round: usize, desks: Range<usize>, authority: &str) -> Load {
        let requests = |desk: &Desk| {
            let path = format!("/api/helpdesks/{}/usersources/{}", desk.helpdesk, desk.usersource);
            let headers = [("host", "127.0.0.1"), ("authorization", desk.authorization.as_str())];
            let title = |which| json!({"title": format!("Directory {which} of round {round}")}).to_string();
            ["one", "two"].map(|which| request("PATCH", &path, &headers, &title(which))).to_vec()
        };
        Load {
            authority: authority.to_owned(),
            connections: self.desks[desks].iter().map(requests).collect(),
            status: 200,
            lasting: LASTING,
        }
    }

    /// The body of an answer to one of these commands.
    pub fn answer(&self) -> String {
        let Load { connections, authority, .. } = self.load(9_000, 0..1, self.server.authority());
        let heard = raw::exchange(&authority, connections[0][0].as_bytes(), Duration::from_millis(300));
        let body = heard.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        body.unwrap_or_else(|| panic!("no answer: {heard}"))
    }

    /// The last row that the first helpdesk's commands stored.
    pub async fn row(&self, database: Option<&str>) -> Row {
        const LAST: &str = "SELECT CAST(payload AS TEXT), CAST(metadata AS TEXT) FROM events \
                            WHERE aggregate_id = 'desk-0' ORDER BY sequence DESC LIMIT 1";
        let row = match database {
            Some(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap_or_else(|e| panic!("no database: {e}"));
                sqlx::query_as(LAST).fetch_one(&mut connection).await
            }
            None => {
                let file = self.installation.folder().path().join("events.db");
                let url = format!("sqlite://{}?mode=ro", file.display());
                let mut connection = SqliteConnection::connect(&url).await.unwrap_or_else(|e| panic!("no file: {e}"));
                sqlx::query_as(LAST).fetch_one(&mut connection).await
            }
        };
        let (payload, metadata) = row.unwrap_or_else(|e| panic!("no event to measure: {e}"));
        Row { payload, metadata }
    }
}

impl Row {
    /// For another process.
    pub fn to_json(&self) -> Value {
        json!({"payload": self.payload, "metadata": self.metadata})
    }
}
