//! Mail: to an SMTP server, or, without one, into a folder where the admin finds it.
//!
//! Spec: RFC 5322; one recipient, whose address has been parsed; no control character in a subject. Credentials go to an
//! SMTP server over TLS alone, unless it is this machine.
//! Stops: header injection through names and addresses; a reset link in a log or in a file that others may read.

use lettre::message::{Mailbox, header::ContentType};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use uuid::Uuid;

/// How long an SMTP server may take for one command.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends mail from one address.
#[derive(Clone)]
pub struct Mailer {
    from: Mailbox,
    way: Way,
}

/// How mail leaves.
#[derive(Clone)]
enum Way {
    /// To a server.
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    /// Into a folder, a file each.
    Folder(PathBuf),
}

/// Why a mail was not sent. No message holds an address, the content or the server's credentials.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The sender or the recipient is not an address, or the subject would end its line.
    #[error("the {0} of a mail is not one")]
    Malformed(&'static str),
    /// The SMTP URL is not one.
    #[error("the SMTP URL is not one: write smtps://user:password@host, or smtp://host?tls=required")]
    InvalidUrl,
    /// Credentials would be sent in clear.
    #[error("the SMTP URL has a password and no TLS: write smtps:// or add ?tls=required")]
    InsecureUrl,
    /// The server did not take it now; trying again may help.
    #[error("the mail server did not answer or did not take the mail now")]
    Unavailable,
    /// The server will not take it.
    #[error("the mail server refused the mail")]
    Refused,
    /// The folder could not be written.
    #[error("the outbox could not be written: {0}")]
    Outbox(#[from] std::io::Error),
}

impl Mailer {
    /// Mail from `from`, by the server at `smtp_url` or into `outbox` in the data folder.
    pub fn from_settings(smtp_url: Option<&str>, from: &str, data_dir: &Path) -> Result<Self, MailError> {
        let from = from.parse().map_err(|_| MailError::Malformed("sender"))?;
        let way = match smtp_url {
            None => Way::Folder(data_dir.join("outbox")),
            Some(url) => {
                refuse_clear_credentials(url)?;
                let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| MailError::InvalidUrl)?;
                Way::Smtp(builder.timeout(Some(PATIENCE)).build())
            }
        };
        Ok(Self { from, way })
    }

    /// Sends a plain text to one person.
    pub async fn send(&self, to: &str, subject: &str, text: &str) -> Result<(), MailError> {
        let message = self.compose(to, subject, text)?;
        match &self.way {
            Way::Folder(folder) => keep(folder, &message.formatted()).await,
            Way::Smtp(server) => match server.send(message).await {
                Ok(_) => Ok(()),
                Err(error) if error.is_permanent() => Err(MailError::Refused),
                Err(_) => Err(MailError::Unavailable),
            },
        }
    }

    fn compose(&self, to: &str, subject: &str, text: &str) -> Result<Message, MailError> {
        let to: Address = to.parse().map_err(|_| MailError::Malformed("recipient"))?;
        if subject.chars().any(char::is_control) {
            return Err(MailError::Malformed("subject"));
        }
        let id = format!("<{}@{}>", Uuid::new_v4().simple(), self.from.email.domain());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .message_id(Some(id))
            .header(ContentType::TEXT_PLAIN)
            .body(text.to_owned())
            .map_err(|_| MailError::Malformed("content"))
    }
}

fn refuse_clear_credentials(url: &str) -> Result<(), MailError> {
    let url = url::Url::parse(url).map_err(|_| MailError::InvalidUrl)?;
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let tls = url.scheme() == "smtps" || url.query_pairs().any(|(name, value)| name == "tls" && value == "required");
    if url.password().is_some() && !tls && !here { Err(MailError::InsecureUrl) } else { Ok(()) }
}

/// Writes a mail into the folder, for this user's eyes alone.
async fn keep(folder: &Path, mail: &[u8]) -> Result<(), MailError> {
    let mut directory = tokio::fs::DirBuilder::new();
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        directory.mode(0o700);
        options.mode(0o600);
    }
    directory.recursive(true).create(folder).await?;
    let path = folder.join(format!("{}.eml", Uuid::now_v7().simple()));
    let mut file = options.open(&path).await?;
    file.write_all(mail).await?;
    file.sync_all().await?;
    tracing::info!(path = %path.display(), "no SMTP server is set: a mail was written to the outbox");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox() -> (PathBuf, Mailer) {
        let data = std::env::temp_dir().join(format!("gateledger-{}", Uuid::new_v4().simple()));
        let mailer = Mailer::from_settings(None, "Gateledger <desk@example.test>", &data).unwrap();
        (data, mailer)
    }

    #[tokio::test]
    async fn without_a_server_a_mail_is_a_file_that_only_its_owner_may_read() {
        let (data, mailer) = outbox();
        mailer.send("jane@example.test", "Wählen Sie ein Passwort", "https://desk.test/x?y=1\n.\nEnde").await.unwrap();
        let file = std::fs::read_dir(data.join("outbox")).unwrap().next().unwrap().unwrap();
        let mail = std::fs::read_to_string(file.path()).unwrap();
        assert!(mail.contains("To: jane@example.test\r\n") && mail.contains("https://desk.test/x?y=1"), "{mail}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(std::fs::metadata(data.join("outbox")).unwrap().permissions().mode() & 0o777, 0o700);
        }
        std::fs::remove_dir_all(data).unwrap();
    }

    #[test]
    fn no_address_or_subject_can_add_a_header_or_a_recipient() {
        let (_, mailer) = outbox();
        for to in ["a@x.test\r\nBcc: b@x.test", "a@x.test, b@x.test", "A <a@x.test>", "a@x.test\n", ""] {
            assert!(matches!(mailer.compose(to, "s", "t"), Err(MailError::Malformed("recipient"))), "{to:?}");
        }
        for subject in ["s\r\nBcc: b@x.test", "s\nX: y", "s\u{0}"] {
            assert!(matches!(mailer.compose("a@x.test", subject, "t"), Err(MailError::Malformed("subject"))));
        }
        let mail = mailer.compose("a@x.test", "s", "t\r\n\r\nBcc: b@x.test\r\n").unwrap().formatted();
        let mail = String::from_utf8(mail).unwrap();
        let (headers, _) = mail.split_once("\r\n\r\n").unwrap();
        assert!(!headers.contains("Bcc"), "{headers}");
        assert!(Mailer::from_settings(None, "x@y.test\r\nBcc: z@y.test", Path::new("/")).is_err());
    }

    #[tokio::test]
    async fn a_password_goes_to_no_server_in_clear_and_a_server_that_is_gone_is_unavailable() {
        let url = |url| Mailer::from_settings(Some(url), "desk@example.test", Path::new("/"));
        assert!(matches!(url("smtp://u:secret@mail.test"), Err(MailError::InsecureUrl)));
        assert!(matches!(url("smtp://u:secret@mail.test?tls=opportunistic"), Err(MailError::InsecureUrl)));
        assert!(matches!(url("ftp://mail.test"), Err(MailError::InvalidUrl)));
        assert!(url("smtps://u:secret@mail.test").is_ok() && url("smtp://u:secret@mail.test?tls=required").is_ok());
        let gone = url("smtp://u:secret@127.0.0.1:9").unwrap().send("a@x.test", "s", "t").await.unwrap_err();
        assert!(matches!(gone, MailError::Unavailable) && !format!("{gone:?} {gone}").contains("secret"));
    }
}
