//! Settings: flags first, then the environment, then a TOML file (`--config`).

use clap::Args;
use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Flags that every command takes. Each has an environment variable and a key in the TOML file of the same name.
#[derive(Clone, Default, Args, Serialize)]
pub struct Flags {
    /// Where to listen; port 0 picks a free one. Default: 127.0.0.1:8080.
    #[arg(long, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// What links and callbacks are made from; https makes cookies Secure. Default: http:// and the address.
    #[arg(long, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// SQLite files, key ring and outbox. Default: ./gateledger-data.
    #[arg(long, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// postgres://… for the ledger, accounts and read models. Default: SQLite in the data folder.
    #[arg(long, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_url: Option<String>,
    /// Connections to PostgreSQL, 2 to 200. Default: 16.
    #[arg(long, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_connections: Option<u32>,
    /// smtp://, smtps:// or smtp+starttls URL; without it mails are written to the data folder's outbox.
    #[arg(long, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_url: Option<String>,
    /// The sender of mails. Default: gateledger@localhost.
    #[arg(long, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail_from: Option<String>,
    /// Networks whose forwarded headers count, as addresses with prefix lengths, separated by commas. Default: none.
    #[arg(long, global = true, value_delimiter = ',')]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_proxies: Option<Vec<String>>,
    /// For so many days sign-in attempts are kept. Default: 90.
    #[arg(long, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_ins_days: Option<i64>,
    /// Megabytes of login pages kept in memory. Default: 32.
    #[arg(long, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages_megabytes: Option<usize>,
    /// pretty or json. Default: pretty on a terminal, else json.
    #[arg(long, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<String>,
    /// Providers may stand in this machine's own network. Default: only where the whole internet reaches them.
    #[arg(long, global = true, num_args = 0..=1, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_private_addresses: Option<bool>,
    /// The former key ring is lost for good: give up what it sealed, and seal with the present one from now on.
    #[arg(long, global = true, num_args = 0..=1, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept_new_keys: Option<bool>,
    /// A TOML file with any of these settings.
    #[arg(long, global = true)]
    #[serde(skip)]
    pub config: Option<PathBuf>,
}

/// The settings in force.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What links are made from.
    pub public_url: Option<String>,
    /// The data folder.
    pub data_dir: PathBuf,
    /// PostgreSQL, or SQLite if absent. May hold a password: never shown.
    pub database_url: Option<String>,
    /// Connections to PostgreSQL.
    pub database_connections: u32,
    /// The mail server. May hold a password: never shown.
    pub smtp_url: Option<String>,
    /// The sender of mails.
    pub mail_from: String,
    /// Networks whose forwarded headers count.
    #[serde(deserialize_with = "list")]
    pub trusted_proxies: Vec<String>,
    /// How long sign-in attempts are kept, in days.
    pub sign_ins_days: i64,
    /// Bound of the login pages in memory, in megabytes.
    pub pages_megabytes: usize,
    /// pretty or json.
    pub log_format: Option<String>,
    /// Whether requests of the service itself may go to private addresses.
    pub allow_private_addresses: bool,
    /// Whether what other keys sealed is given up.
    pub accept_new_keys: bool,
}

/// A list, or one text with commas: all that an environment variable can be.
fn list<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        List(Vec<String>),
        Text(String),
    }
    Ok(match Either::deserialize(from)? {
        Either::List(list) => list,
        Either::Text(text) => text.split(',').map(|part| part.trim().to_owned()).filter(|p| !p.is_empty()).collect(),
    })
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            data_dir: PathBuf::from("./gateledger-data"),
            database_url: None,
            database_connections: 16,
            smtp_url: None,
            mail_from: "gateledger@localhost".to_owned(),
            trusted_proxies: Vec::new(),
            sign_ins_days: 90,
            pages_megabytes: 32,
            log_format: None,
            allow_private_addresses: false,
            accept_new_keys: false,
        }
    }
}

/// Every setting's name, as in the TOML file; in the environment in capitals behind `GATELEDGER_`.
const NAMES: [&str; 13] = [
    "listen",
    "public_url",
    "data_dir",
    "database_url",
    "database_connections",
    "smtp_url",
    "mail_from",
    "trusted_proxies",
    "sign_ins_days",
    "pages_megabytes",
    "log_format",
    "allow_private_addresses",
    "accept_new_keys",
];

/// A setting that cannot be. The sentence names it.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A value of the wrong type, or a name that there is not.
    #[error("a setting is wrong: {0}")]
    Unreadable(Box<figment::Error>),
    /// A value that makes no sense.
    #[error("{0}")]
    Wrong(String),
}

impl Settings {
    /// Flags first, then the environment (`GATELEDGER_LISTEN` for `--listen`), then the file, then the defaults.
    pub fn read(flags: &Flags) -> Result<Self, SettingsError> {
        let mut layers = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = &flags.config {
            layers = layers.merge(Toml::file_exact(file));
        }
        // Only names of ours: others may begin alike, such as those that a container platform makes up.
        let environment = Env::prefixed("GATELEDGER_").only(&NAMES);
        let settings: Self = layers
            .merge(environment)
            .merge(Serialized::defaults(flags))
            .extract()
            .map_err(|error| SettingsError::Unreadable(Box::new(error)))?;
        settings.checked()
    }

    fn checked(mut self) -> Result<Self, SettingsError> {
        let wrong = |text: &str| Err(SettingsError::Wrong(text.to_owned()));
        if let Some(url) = &mut self.public_url {
            let parsed = url::Url::parse(url).ok().filter(|u| matches!(u.scheme(), "http" | "https"));
            let Some(parsed) = parsed.filter(|u| u.path() == "/" && u.query().is_none() && u.username().is_empty())
            else {
                return wrong("--public-url is https:// or http://, a host and perhaps a port; no path");
            };
            *url = parsed.origin().ascii_serialization();
        }
        if self
            .database_url
            .as_deref()
            .is_some_and(|u| !u.starts_with("postgres://") && !u.starts_with("postgresql://"))
        {
            return wrong("--database-url starts with postgres://; without it SQLite in --data-dir is used");
        }
        if !(2..=200).contains(&self.database_connections) {
            return wrong("--database-connections is 2 to 200");
        }
        if !(1..=36_500).contains(&self.sign_ins_days) {
            return wrong("--sign-ins-days is 1 to 36500");
        }
        if !matches!(self.log_format.as_deref(), None | Some("pretty" | "json")) {
            return wrong("--log-format is pretty or json");
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin_and_keeps_no_slash() {
        let with = |url: &str| Settings { public_url: Some(url.into()), ..Settings::default() }.checked();
        assert_eq!(with("https://Help.Example.com:443/").unwrap().public_url.unwrap(), "https://help.example.com");
        for wrong in ["help.example.com", "https://a/b", "ftp://a", "https://u@a", "https://a/?q"] {
            assert!(with(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_setting_can_come_from_the_environment() {
        let settings = serde_json::to_value(Settings::default()).unwrap();
        let mut names: Vec<&str> = settings.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        let mut known = NAMES;
        known.sort_unstable();
        assert_eq!(names, known);
    }

    #[test]
    fn networks_come_as_a_list_or_as_one_text_with_commas() {
        let read = |toml: &str| {
            let layers = Figment::from(Serialized::defaults(Settings::default())).merge(Toml::string(toml));
            layers.extract::<Settings>().unwrap().trusted_proxies
        };
        let both = ["10.0.0.0/8", "::1"];
        assert_eq!(read("trusted_proxies = '10.0.0.0/8, ::1'"), both, "as an environment variable says it");
        assert_eq!(read("trusted_proxies = ['10.0.0.0/8', '::1']"), both);
        assert!(read("").is_empty());
    }

    #[test]
    fn attempts_are_kept_for_some_time_and_not_deleted_from_the_future() {
        let kept = |sign_ins_days| Settings { sign_ins_days, ..Settings::default() }.checked().is_ok();
        assert!(kept(1) && kept(36_500) && !kept(0) && !kept(-1) && !kept(i64::MAX));
    }
}
