//! Nodes tell each other which helpdesk changed: after the commit, outside its transaction, several in one breath.
//!
//! A lost word is healed by `Ledger::changed_since`, so nothing here is retried and nobody waits for it.

use domain::HelpdeskId;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc;

const CHANNEL: &str = "gateledger";

/// So many words may wait, and go out at once.
const WAITING: usize = 1024;

/// The pause before a listener that lost its server asks again.
const PAUSE: Duration = Duration::from_secs(1);

/// How long words wait for others after a word was said. Each saying is a transaction, and they queue for one lock.
const BREATH: Duration = Duration::from_millis(5);

/// Connections of their own, so that neither speaking nor listening takes one from a command.
const CONNECTIONS: u32 = 2;

pub(super) struct Words {
    /// Set before each word of ours, so that we do not wake ourselves.
    speaker: String,
    pool: PgPool,
    waiting: mpsc::Sender<HelpdeskId>,
}

impl Words {
    /// Connects when there is something to say or to hear.
    pub(super) fn start(options: PgConnectOptions) -> Self {
        // What is said is not kept, so no disk need be waited for.
        let options = options.options([("synchronous_commit", "off")]);
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect_lazy_with(options);
        let speaker = uuid::Uuid::new_v4().simple().to_string();
        let (waiting, words) = mpsc::channel(WAITING);
        tokio::spawn(speak(pool.clone(), speaker.clone(), words));
        Self { speaker, pool, waiting }
    }

    /// Never waits. Where too many words wait already, this one is left to the poll.
    pub(super) fn tell(&self, helpdesk: &HelpdeskId) {
        let _ = self.waiting.try_send(helpdesk.clone());
    }

    /// The helpdesks that other nodes changed, until the receiver is dropped.
    pub(super) fn listen(&self) -> mpsc::Receiver<HelpdeskId> {
        let (heard, receiver) = mpsc::channel(WAITING);
        tokio::spawn(hear(self.pool.clone(), self.speaker.clone(), heard));
        receiver
    }
}

async fn speak(pool: PgPool, speaker: String, mut words: mpsc::Receiver<HelpdeskId>) {
    let mut batch = Vec::new();
    while words.recv_many(&mut batch, WAITING).await > 0 {
        let once: BTreeSet<String> = batch.drain(..).map(|helpdesk| format!("{speaker} {helpdesk}")).collect();
        let said = sqlx::query("SELECT pg_notify($1, word) FROM unnest($2::text[]) AS word")
            .bind(CHANNEL)
            .bind(once.into_iter().collect::<Vec<_>>())
            .execute(&pool)
            .await;
        if let Err(error) = said {
            tracing::warn!(%error, "other nodes were not told; their poll will find out");
        }
        tokio::time::sleep(BREATH).await;
    }
}

async fn hear(pool: PgPool, speaker: String, heard: mpsc::Sender<HelpdeskId>) {
    while !heard.is_closed() {
        if let Err(error) = hear_once(&pool, &speaker, &heard).await {
            tracing::warn!(%error, "cannot hear other nodes; the poll goes on");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Returns when nobody wants to hear any more. The listener itself makes a lost connection anew.
async fn hear_once(pool: &PgPool, speaker: &str, heard: &mpsc::Sender<HelpdeskId>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        let word = tokio::select! {
            word = listener.recv() => word?,
            () = heard.closed() => return Ok(()),
        };
        if let Some((who, helpdesk)) = word.payload().split_once(' ')
            && who != speaker
        {
            // Full: the reader is busy catching up, and the poll has the rest.
            let _ = heard.try_send(HelpdeskId::new(helpdesk));
        }
    }
}
