//! The composition root: everything that a request may need, made once from the settings.

use crate::accounts::mail::Mailer;
use crate::accounts::passwords::Passwords;
use crate::accounts::{Accounts, AccountsError};
use crate::commands::{Commands, Done};
use crate::http::request::Network;
use crate::key_ring::KeyRing;
use crate::outbound::{AddressPolicy, Files, Outbound, OutboundError};
use crate::pages::{Front, Hosts, Pages};
use crate::projecting::Projecting;
use crate::read_models::{LoginFront, ReadModels};
use crate::settings::Settings;
use crate::store::{Ledger, StoreError};
use crate::vault::Vault;
use domain::{HelpdeskId, Timestamp};
use projections::{Database, Durability, ProjectionError, Projector};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// So many mails are written at once. Whoever comes then is asked to try again, whether there is such an account or not.
const MAILS_AT_ONCE: usize = 64;

/// Everything that a request may need.
pub struct App {
    /// The settings in force.
    pub settings: Settings,
    /// The door through which configuration changes.
    pub commands: Commands,
    /// The event log.
    pub ledger: Arc<Ledger>,
    /// The read models.
    pub projector: Arc<Projector>,
    /// Brings the read models and the login pages up to the ledger.
    pub projecting: Projecting,
    /// People, sessions, tokens.
    pub accounts: Accounts,
    /// Hashing, on a bounded pool.
    pub passwords: Passwords,
    /// Keys.
    pub vault: Vault,
    /// Login pages in memory.
    pub front: Arc<LoginFront>,
    /// Mail.
    pub mailer: Mailer,
    /// One turn for each mail that is being written.
    pub mailing: Arc<Semaphore>,
    /// Networks whose forwarded headers count.
    pub trusted_proxies: Vec<Network>,
    /// The way to other machines.
    pub outbound: Outbound,
}

/// The service cannot start, and why.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be used.
    #[error("the data folder {0} cannot be used: {1}")]
    DataFolder(String, std::io::Error),
    /// Another setting is wrong.
    #[error("{0}")]
    Setting(String),
    /// The key ring cannot be read or made.
    #[error("the key ring: {0}")]
    Keys(#[from] crate::key_ring::KeyRingError),
    /// The keys cannot be used.
    #[error("the keys: {0}")]
    Vault(#[from] crate::vault::VaultError),
    /// The database was sealed with other keys.
    #[error(
        "this database was sealed with other keys: put its keys.json into the data folder, or its text into \
         GATELEDGER_KEYS; if it is lost for good, start once with --accept-new-keys, and what it sealed stays unreadable"
    )]
    OtherKeys,
    /// The event log cannot be opened.
    #[error("the event log: {0}")]
    Store(#[from] StoreError),
    /// The read models cannot be opened.
    #[error("the read models: {0}")]
    Projections(#[from] ProjectionError),
    /// The accounts cannot be opened.
    #[error("the accounts: {0}")]
    Accounts(#[from] AccountsError),
    /// The way to other machines cannot be made.
    #[error("the way to other machines: {0}")]
    Outbound(#[from] OutboundError),
    /// A database cannot be opened.
    #[error("the database does not answer: {0}")]
    Database(#[from] sqlx::Error),
}

impl App {
    /// Opens or makes everything that the settings name.
    pub async fn open(settings: Settings) -> Result<Self, StartError> {
        let folder = &settings.data_dir;
        let unusable = |error| StartError::DataFolder(folder.display().to_string(), error);
        make_private_folder(folder).map_err(unusable)?;
        let vault = Vault::new(&KeyRing::load(folder, keys_from_environment())?)?;
        let (ledger, read_models, accounts) = match &settings.database_url {
            Some(url) => {
                let database = Database::postgres(url, settings.database_connections).await?;
                (Ledger::open_postgres(url, settings.database_connections).await?, database.clone(), database)
            }
            None => (
                Ledger::open_sqlite(&folder.join("events.db")).await?,
                Database::sqlite(&folder.join("read-models.db"), Durability::Disposable).await?,
                Database::sqlite(&folder.join("accounts.db"), Durability::Full).await?,
            ),
        };
        let accounts = Accounts::open(accounts).await?;
        check_keys(&accounts, &vault, settings.accept_new_keys).await?;
        let ledger = Arc::new(ledger);
        let projector = Arc::new(Projector::open(read_models).await?);
        let public_url = settings.public_url.as_deref().unwrap_or("http://localhost");
        let public_url =
            url::Url::parse(public_url).map_err(|_| StartError::Setting("--public-url is no URL".to_owned()))?;
        let pages = Pages::new(settings.pages_megabytes.saturating_mul(1024 * 1024));
        let source = ReadModels::new(Arc::clone(&ledger), Arc::clone(&projector));
        let front = Arc::new(Front::new(pages, Hosts::new(public_url), source));
        let trusted_proxies = settings
            .trusted_proxies
            .iter()
            .map(|n| n.parse())
            .collect::<Result<_, _>>()
            .map_err(StartError::Setting)?;
        let mailer = Mailer::from_settings(settings.smtp_url.as_deref(), &settings.mail_from, folder)
            .map_err(|error| StartError::Setting(format!("--smtp-url or --mail-from: {error}")))?;
        let policy =
            if settings.allow_private_addresses { AddressPolicy::PrivateToo } else { AddressPolicy::PublicOnly };
        let parallelism = std::thread::available_parallelism().map_or(2, usize::from);
        Ok(Self {
            commands: Commands::new(Arc::clone(&ledger), Arc::clone(&projector)),
            projecting: Projecting::start(Arc::clone(&ledger), Arc::clone(&projector), Arc::clone(&front)),
            accounts,
            passwords: Passwords::new(parallelism),
            ledger,
            projector,
            vault,
            front,
            mailer,
            mailing: Arc::new(Semaphore::new(MAILS_AT_ONCE)),
            trusted_proxies,
            outbound: Outbound::new(policy)?.with_files(Files::new(Some(folder.join("sqlite")), policy)),
            settings,
        })
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// What follows a change: the login pages show it before the change is answered, the read models soon after.
    pub fn after(&self, helpdesk: &HelpdeskId, done: &Done) {
        if let Some(newest) = &done.newest {
            self.front.show(helpdesk, &newest.state);
        }
        self.projecting.wake(helpdesk, &done.events);
    }
}

/// What the keys are recognised by.
const MARK: &str = "key mark";

async fn check_keys(accounts: &Accounts, vault: &Vault, accept_new: bool) -> Result<(), StartError> {
    let fresh = vault.seal_bytes(MARK, MARK.as_bytes())?;
    let stored = accounts.key_mark(&fresh).await?;
    if vault.open_bytes(MARK, &stored).is_ok() {
        return Ok(());
    }
    if !accept_new {
        return Err(StartError::OtherKeys);
    }
    tracing::warn!("the former keys are given up; what they sealed stays unreadable");
    Ok(accounts.replace_key_mark(&fresh).await?)
}

/// The key ring may come from the environment instead of a file.
fn keys_from_environment() -> Option<Zeroizing<String>> {
    std::env::var("GATELEDGER_KEYS").ok().map(Zeroizing::new)
}

/// The folder holds keys and hashes: nobody else reads it.
fn make_private_folder(folder: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}
