//! What a database's refusal means.
//!
//! Stops: a message of a server in our log: it may repeat what was typed. The code alone is told.

use crate::authenticators::encryption::standing_in_the_way;
use crate::sign_in::{Denied, Reason, Trace};
use serde_json::json;
use sqlx::Error;

/// SQLSTATEs and SQLite's codes of what may pass by itself: too much to do, going down, not answering in time.
const PASSING: [&str; 6] = ["57014", "55P03", "40001", "HYT00", "70100", "08S01"];
/// The same by their classes: connections, resources, an operator's intervention.
const PASSING_CLASSES: [&str; 3] = ["08", "53", "57P"];
/// MySQL's and MariaDB's own numbers where the SQLSTATE says nothing: too many connections, a lock or a time-out.
const PASSING_NUMBERS: [u16; 6] = [1040, 1203, 1205, 1317, 1969, 3024];
/// SQLite: busy, locked, interrupted.
const PASSING_SQLITE: [&str; 3] = ["5", "6", "9"];

/// Why nothing came of `doing`; `refused` if something of the server's was kept from the library.
pub(super) fn denied(doing: &str, error: &Error, refused: bool, trace: &mut Trace) -> Denied {
    let unfit = || (Reason::Invalid, "the server sends too much, or what is not its protocol".to_owned());
    let (reason, cause) = if refused { unfit() } else { judged(error) };
    trace.failed(doing, || json!({"why": error.to_string()}));
    Denied::new(reason, format!("{doing}: {cause}"))
}

fn judged(error: &Error) -> (Reason, String) {
    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else there is needs an admin")]
    match error {
        Error::Io(error) => match standing_in_the_way(error) {
            Some(why) => (Reason::Misconfigured, why),
            None => (Reason::Unreachable, error.kind().to_string()),
        },
        Error::Tls(error) => (Reason::Misconfigured, format!("no encryption: {error}")),
        Error::Database(refused) => {
            let code = refused.code().unwrap_or_default();
            let number = refused.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().map(|error| error.number());
            let sqlite = refused.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
            let passing = PASSING.contains(&&*code)
                || (!sqlite && PASSING_CLASSES.iter().any(|class| code.starts_with(class)))
                || number.is_some_and(|number| PASSING_NUMBERS.contains(&number))
                || (sqlite && PASSING_SQLITE.contains(&&*code));
            let told = number.map_or_else(|| code.to_string(), |number| number.to_string());
            let reason = if passing { Reason::Unreachable } else { Reason::Misconfigured };
            (reason, format!("the database answers with error {told}{}", hint(&told)))
        }
        Error::ColumnDecode { .. } | Error::Decode(_) => (Reason::Misconfigured, "a column holds no text".to_owned()),
        Error::WorkerCrashed => (Reason::Unreachable, "the connection ended".to_owned()),
        _ => (Reason::Misconfigured, "the answer cannot be understood".to_owned()),
    }
}

/// The usual mistakes in words.
fn hint(code: &str) -> &'static str {
    match code {
        "28P01" | "28000" | "1045" => ", wrong user or password",
        "3D000" | "1049" | "1044" => ", no such database for this user",
        "42P01" | "1146" => ", no such table",
        "42703" | "1054" => ", no such column",
        "42501" | "1142" | "1143" => ", the user may not read it",
        "25006" | "1792" => ", it tries to write",
        "57014" | "1969" | "3024" | "9" => ", it takes too long",
        "14" | "26" => ", the file cannot be opened as a database",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_breaks_may_come_back_and_what_cannot_be_read_needs_an_admin() {
        let broken = Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert_eq!(judged(&broken).0, Reason::Unreachable);
        assert_eq!(judged(&Error::Tls("no TLS".into())).0, Reason::Misconfigured);
        let untrusted = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        assert_eq!(judged(&Error::Io(std::io::Error::other(untrusted))).0, Reason::Misconfigured);
        assert_eq!(
            judged(&Error::Decode("planted".into())),
            (Reason::Misconfigured, "a column holds no text".to_owned())
        );
        assert_eq!(judged(&Error::Protocol("planted".into())).1, "the answer cannot be understood");
    }
}
