//! Serving: opens everything, prints the address and, while there is no admin, the link that makes the first one;
//! ends cleanly on SIGTERM and SIGINT.

use crate::accounts::{NewLink, Purpose};
use crate::app::App;
use crate::http;
use crate::people::Hand;
use crate::settings::Settings;
use crate::tasks::create_helpdesk;
use actix_web::{HttpServer, web};
use anyhow::Context as _;
use domain::HelpdeskId;
use std::io::Write as _;
use std::time::Duration;

/// How long requests under way may take after a signal to stop, in seconds.
const GRACE: u64 = 20;

/// How long a first-admin link works, in seconds.
const LINK_LIFE: i64 = 86_400;

/// How often what is over is forgotten, and what was left undone is settled.
const SWEEP: Duration = Duration::from_secs(60);

/// How long after the start, and how often, providers' metadata is read.
const METADATA_FIRST: Duration = Duration::from_secs(300);
const METADATA: Duration = Duration::from_secs(86_400);

/// Whoever left something undone for so long, in seconds, will not come back to it.
const LEFT_UNDONE: i64 = 60;

/// Serves until it is told to stop.
pub async fn serve(mut settings: Settings) -> anyhow::Result<()> {
    let listener = std::net::TcpListener::bind(settings.listen)
        .with_context(|| format!("{} cannot be listened on; choose another with --listen", settings.listen))?;
    let address = listener.local_addr()?;
    settings.public_url.get_or_insert_with(|| format!("http://{address}"));
    let app = web::Data::new(App::open(settings).await?);
    prepare(&app).await?;
    say(&format!("listening on http://{address}"))?;
    invite_first_admin(&app).await?;
    let sweeping = tokio::spawn(sweep(app.clone()));
    let reading = tokio::spawn(read_metadata(app.clone()));
    let server = {
        let front = web::Data::from(std::sync::Arc::clone(&app.front));
        let app = app.clone();
        HttpServer::new(move || actix_web::App::new().configure(http::routes::configure(app.clone(), front.clone())))
    }
    .shutdown_timeout(GRACE)
    .client_request_timeout(Duration::from_secs(10))
    .listen(listener)?
    .run();
    server.await?;
    sweeping.abort();
    reading.abort();
    tracing::info!("stopped; requests under way were finished");
    Ok(())
}

/// Brings everything into order before the first request: the default helpdesk, what a crash left due, who answers to
/// which host.
async fn prepare(app: &App) -> anyhow::Result<()> {
    let default = HelpdeskId::new("default");
    if app.first_helpdesk().await?.is_none() {
        match create_helpdesk(app, &default, "Helpdesk", None, &Hand::service("first start")).await {
            Ok(_) => tracing::info!("made the helpdesk `default`"),
            Err(error) => {
                // Another node may have made it in the same moment.
                app.first_helpdesk().await?.ok_or(error)?;
            }
        }
    }
    let settled = app.settle_standings(app.now()).await?;
    if settled > 0 {
        tracing::info!(settled, "settled what the last run left due");
    }
    app.load_hosts().await?;
    Ok(())
}

/// While the default helpdesk has no admin, whoever reads the terminal may make one.
async fn invite_first_admin(app: &App) -> anyhow::Result<()> {
    let helpdesk = HelpdeskId::new("default");
    if app.ledger.refresh(&helpdesk).await?.state.version == 0 || app.accounts.count_active_admins(&helpdesk).await? > 0
    {
        return Ok(());
    }
    let now = app.now();
    let link = NewLink::lasting(Purpose::FirstAdmin, now.plus_seconds(LINK_LIFE));
    let secret = app.accounts.issue_link(&helpdesk, &link, now).await?;
    let url = app.settings.public_url.clone().unwrap_or_default();
    say(&format!("create the first admin here (works once, for 24 hours): {url}/setup?token={}", secret.expose()))
}

async fn sweep(app: web::Data<App>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let now = app.now();
        if let Err(error) = app.settle_standings(now.plus_seconds(-LEFT_UNDONE)).await {
            tracing::warn!(%error, "what was left undone could not be settled; it will be tried again");
        }
        let kept_from = now.plus_seconds(-86_400 * app.settings.sign_ins_days);
        if let Err(error) = app.accounts.purge_expired(now).await {
            tracing::warn!(%error, "what is over could not be forgotten; it will be tried again");
        }
        if let Err(error) = app.accounts.expire_sign_ins(kept_from).await {
            tracing::warn!(%error, "old sign-in attempts could not be forgotten; it will be tried again");
        }
    }
}

/// Providers' metadata, once a day; for the first time soon after the start, since nobody knows when it was read last.
async fn read_metadata(app: web::Data<App>) {
    tokio::time::sleep(METADATA_FIRST).await;
    loop {
        let changed = app.read_metadata_again().await;
        if changed > 0 {
            tracing::info!(changed, "usersources were changed by their providers' metadata");
        }
        tokio::time::sleep(METADATA).await;
    }
}

/// Tells whoever started the service; that is what standard output is for here.
fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
