//! The command line's tasks. They work on the same data as the service, also while it runs.

use crate::accounts::{Account, AccountUpdate, NewToken, Role};
use crate::app::App;
use crate::command_line::{AccountTask, HelpdeskTask, Task, TokenTask};
use crate::commands::{CommandError, Done, Wish};
use crate::http::wishes::new_usersource_id;
use crate::people::Hand;
use crate::settings::Settings;
use anyhow::{Context as _, bail};
use domain::{Actor, ActorType, Audience, Command, Field, HelpdeskId, Setting, Via};
use std::io::{BufRead as _, Write as _};
use zeroize::Zeroizing;

/// Runs one task and ends.
pub async fn run(settings: Settings, task: Task) -> anyhow::Result<()> {
    let app = App::open(settings).await?;
    match task {
        Task::Serve => bail!("serving is not a task of this kind"),
        Task::Token(task) => token(&app, task).await,
        Task::Account(task) => account(&app, task).await,
        Task::Helpdesk(task) => helpdesk(&app, task).await,
        Task::Rebuild => rebuild(&app).await,
    }
}

/// Whoever stands at the host: the ledger names the operating-system user.
fn hand() -> Hand {
    let user = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_else(|_| "unknown".to_owned());
    let actor =
        Actor { id: format!("cli:{user}"), kind: ActorType::CommandLine, role: None, personal: None, acting_for: None };
    Hand { actor, via: Via::Cli, request: None, reason: None, accept_lockout: false }
}

/// Begins a helpdesk (R1).
pub async fn create_helpdesk(
    app: &App,
    id: &HelpdeskId,
    name: &str,
    url: Option<String>,
    hand: &Hand,
) -> Result<Done, CommandError> {
    let create = Command::CreateHelpdesk {
        name: name.to_owned(),
        url,
        users_deskpro: new_usersource_id(),
        agents_deskpro: new_usersource_id(),
    };
    let wish = Wish {
        helpdesk: id.clone(),
        commands: vec![create],
        actor: hand.actor.clone(),
        via: hand.via,
        request: None,
        reason: hand.reason.clone(),
        if_match: None,
        ask: None,
        accept_lockout: false,
    };
    let done = app.commands.execute(&wish, app.now()).await?;
    app.projector.catch_up(app.ledger.as_ref(), id).await?;
    Ok(done)
}

async fn helpdesk(app: &App, task: HelpdeskTask) -> anyhow::Result<()> {
    match task {
        HelpdeskTask::Create { id, name, url } => {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            if !(1..=40).contains(&id.len()) || !id.bytes().all(plain) {
                bail!("a helpdesk's id is 1 to 40 of a–z, 0–9 and -");
            }
            app.load_hosts().await?;
            if let Some(url) = &url
                && app.helpdesk_at(url).await?.is_some()
            {
                bail!("another helpdesk answers at {url}");
            }
            create_helpdesk(app, &HelpdeskId::new(&id), &name, url, &hand()).await?;
            for other in app.all_helpdesks().await?.iter().filter(|other| other.url.is_none()) {
                tracing::warn!(
                    helpdesk = %other.id,
                    "this helpdesk has no URL, so no host reaches its pages while there are others; `helpdesk set-url` gives it one"
                );
            }
            print(&id)
        }
        HelpdeskTask::SetUrl { id, url } => set_url(app, &HelpdeskId::new(id), url).await,
        HelpdeskTask::List => {
            for helpdesk in app.all_helpdesks().await? {
                print(&format!("{}\t{}\t{}", helpdesk.id, helpdesk.name, helpdesk.url.unwrap_or_default()))?;
            }
            Ok(())
        }
    }
}

async fn set_url(app: &App, helpdesk: &HelpdeskId, url: Option<String>) -> anyhow::Result<()> {
    let fields = [(Field::new("url"), url.map(Setting::text))].into();
    let commands = vec![Command::ChangeHelpdesk { fields }];
    app.refuse_taken_url(helpdesk, &commands).await.map_err(|problem| anyhow::anyhow!("{problem}"))?;
    let hand = hand();
    let wish = Wish {
        helpdesk: helpdesk.clone(),
        commands,
        actor: hand.actor,
        via: hand.via,
        request: None,
        reason: None,
        if_match: None,
        ask: None,
        accept_lockout: false,
    };
    app.commands.execute(&wish, app.now()).await?;
    Ok(())
}

async fn token(app: &App, task: TokenTask) -> anyhow::Result<()> {
    match task {
        TokenTask::Create { role, label, owner, expires_in_days, helpdesk } => {
            let helpdesk = HelpdeskId::new(helpdesk);
            let role: Role = role.parse().ok().context("--role is admin or auditor")?;
            let owner = match owner {
                Some(email) => by_email(app, &helpdesk, &email).await?,
                None => only_admin(app, &helpdesk).await?,
            };
            let now = app.now();
            let new = NewToken { owner: owner.id, role, label, expires_at: now.plus_seconds(86_400 * expires_in_days) };
            let (_, secret) = app.accounts.create_token(&helpdesk, &new, now).await?;
            print(secret.expose())
        }
        TokenTask::List { helpdesk } => {
            for token in app.accounts.list_tokens(&HelpdeskId::new(helpdesk)).await? {
                print(&format!(
                    "{}\t{}\t{}\t{}\t{}",
                    token.id,
                    token.role.as_str(),
                    token.label,
                    token.owner,
                    token.expires_at
                ))?;
            }
            Ok(())
        }
        TokenTask::Revoke { id, helpdesk } => Ok(app.accounts.revoke_token(&HelpdeskId::new(helpdesk), &id).await?),
    }
}

async fn account(app: &App, task: AccountTask) -> anyhow::Result<()> {
    match task {
        AccountTask::Create { email, name, role, password_stdin, helpdesk } => {
            let helpdesk = HelpdeskId::new(helpdesk);
            if app.ledger.refresh(&helpdesk).await?.state.version == 0 {
                create_default(app, &helpdesk).await?;
            }
            let role: Role = role.parse().ok().context("--role is admin, auditor, agent or user")?;
            let hash = if password_stdin { Some(hash(app, &helpdesk, role, &email, &name).await?) } else { None };
            let new = app.draw_up(&helpdesk, Some(&email), &name, role)?;
            let account = app.create_account(&new, hash.as_deref(), &hand()).await?;
            print(account.id.as_str())
        }
        AccountTask::SetRole { email, role, helpdesk } => {
            let helpdesk = HelpdeskId::new(helpdesk);
            let role: Role = role.parse().ok().context("--role is admin, auditor, agent or user")?;
            let account = by_email(app, &helpdesk, &email).await?;
            let update = AccountUpdate { role: Some(role), ..AccountUpdate::default() };
            app.update_account(&helpdesk, &account.id, &update, &hand()).await?;
            Ok(())
        }
        AccountTask::SetPassword { email, helpdesk } => {
            let helpdesk = HelpdeskId::new(helpdesk);
            let account = by_email(app, &helpdesk, &email).await?;
            let hash = hash(app, &helpdesk, account.role, account.login(), &account.name).await?;
            app.accounts.mark_standing_due(&helpdesk, &account.id, app.now()).await?;
            app.accounts.set_password_hash(&helpdesk, &account.id, &hash).await?;
            app.accounts.end_all_sessions(&helpdesk, &account.id).await?;
            Ok(app.settle_standing(&helpdesk, &account.id, &hand()).await?)
        }
    }
}

/// The command line may come before the first start.
async fn create_default(app: &App, helpdesk: &HelpdeskId) -> anyhow::Result<()> {
    if helpdesk.as_str() != "default" {
        bail!("there is no helpdesk {helpdesk}; begin it with `gateledger helpdesk create {helpdesk} --name …`");
    }
    create_helpdesk(app, helpdesk, "Helpdesk", None, &hand()).await?;
    Ok(())
}

async fn hash(app: &App, helpdesk: &HelpdeskId, role: Role, email: &str, name: &str) -> anyhow::Result<String> {
    let mut line = Zeroizing::new(String::new());
    std::io::stdin().lock().read_line(&mut line).context("no password on standard input")?;
    let password = Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned());
    let audience = if role == Role::User { Audience::Users } else { Audience::Agents };
    let policy = app.ledger.refresh(helpdesk).await?.state.policy(audience);
    crate::accounts::passwords::check_new(&password, &policy, email, name)?;
    Ok(app.passwords.hash(password).await?)
}

async fn by_email(app: &App, helpdesk: &HelpdeskId, email: &str) -> anyhow::Result<Account> {
    app.accounts
        .by_email(helpdesk, email)
        .await?
        .with_context(|| format!("nobody in {helpdesk} has the e-mail {email}"))
}

async fn only_admin(app: &App, helpdesk: &HelpdeskId) -> anyhow::Result<Account> {
    let state = app.ledger.refresh(helpdesk).await?;
    let mut admins = state.state.standings.iter().filter(|(_, s)| s.admin && s.active).map(|(id, _)| id);
    match (admins.next(), admins.next()) {
        (Some(id), None) => app.accounts.by_id(helpdesk, id).await?.context("the admin's account is gone"),
        (None, _) => {
            bail!("{helpdesk} has no admin yet; create one, or follow the link that `gateledger serve` prints")
        }
        (Some(_), Some(_)) => bail!("{helpdesk} has several admins; say which with --owner EMAIL"),
    }
}

async fn rebuild(app: &App) -> anyhow::Result<()> {
    app.projector
        .rebuild(app.ledger.as_ref(), |progress| tracing::info!(?progress, "rebuilding the read models"))
        .await?;
    print("rebuilt")
}

/// Standard output is what the caller asked for; everything else goes to the log.
fn print(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}
