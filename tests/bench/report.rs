//! The table, and the page that keeps it.

use crate::machine;
use crate::rounds::{Figure, ROUNDS};
use std::path::Path;

/// All figures as a Markdown table.
pub fn table(figures: &[Figure]) -> String {
    let mut table = String::from(
        "| what | ours | limit, in the same rounds | ratio (least–greatest) | goal | reached |\n|---|---|---|---|---|---|\n",
    );
    figures.iter().for_each(|figure| table.push_str(&(figure.line() + "\n")));
    table
}

/// Writes `docs/performance.md`.
pub fn write(figures: &[Figure], costs: &str) {
    let page = format!(
        "# How fast it is, and against what\n\n\
         Made by `cargo bench --workspace --bench limits` on {}, on {}. To repeat it: the same command, on a machine \
         with two cores or more that does nothing else, with PostgreSQL's programs installed. It takes about eight \
         minutes beside the build.\n\n\
         Absolute numbers are that machine's; ratios travel better. Each is taken against a limit that was measured \
         in the same rounds: {ROUNDS} rounds, in which ours and the limit take turns, one ratio a round, and the \
         median of those. The service and whatever it is held against run on one core, the load on another; \
         PostgreSQL, where it takes part, runs on both.\n\n\
         {}\n\
         - **A bare handler**: actix-web with nothing but a handler that writes the same bytes under the same headers, \
         under the same load: 32 connections, one request at a time on each. What counts is how many answers a second of \
         the server's core gives.\n\
         - **A command**: `PATCH …/usersources/ID` with another title, over HTTP, with an API token: token looked \
         up, rules judged, event hashed, chained and durably committed, answer with the audit entry.\n\
         - **pgbench**: 32 connections inserting one row of the same size a commit, prepared, into a table with the same \
         indexes, in the same cluster, with fsync.\n\
         - **cqrs-es as it comes**: its own PostgreSQL store on its own table, in process, with the same aggregate, the \
         same command and no HTTP. Its streams are new in each round; it reads the whole stream for each command.\n\
         - **One row a durable commit**: a loop in one process over SQLite with the same pragmas (WAL, \
         `synchronous=FULL`), rows of the same size and the same indexes, on the same file system.\n\
         - **An answer with a JWT**: all that the kind `jwt` does with what comes back, claims judged and person read, \
         with its key in memory; the limit is the check of the same token's signature and nothing else.\n\
         - **A SAML response**: all that the kind `saml` does with a posted response whose assertion is signed and names \
         sixty groups: parsed, judged, verified, read.\n\
         - **A sign-in with a password**: the form of the admins' page over HTTP, from the counter of failures to the \
         new session and the line in the log of sign-ins, two at a time.\n\
         - **Memory** is what the process has resident (`VmRSS`).\n\n\
         ## What a command costs\n\n\
         The processor's time for each command: of the service, of PostgreSQL's processes, and of the load that asks. What \
         the read models cost afterwards is in it. Unlike the rates above, these times hold on a busy machine too; \
         `cargo bench --workspace --bench limits -- costs` prints them. On two cores, a million microseconds a second \
         each, a rate is never above 2,000,000 divided by the sum, nor above 1,000,000 divided by the service's part.\n\n\
         {costs}\n\
         - **The floor**: actix-web with one handler that inserts one row of the same size by sqlx, commits it and answers \
         as many bytes. Nobody is asked for a token, nothing is judged, hashed, chained, logged or shown, and there are no \
         read models. SQLite's part is in the service.\n\
         - With one client nothing is shared: a command waits for the look-up of its token, then for its commit. sqlx runs \
         SQLite on a thread of its own, so each of the two is a way there and back.\n",
        time::OffsetDateTime::now_utc().date(),
        machine::class(),
        table(figures),
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md");
    std::fs::write(&path, page).unwrap_or_else(|e| panic!("cannot write docs/performance.md: {e}"));
}
