//! The login pages as one visitor sees them, and their form (R20–R23, R26).

use super::attempt_cookies as cookies;
use super::auth::end_former_session;
use super::return_to::ReturnTo;
use super::visit::{Visit, opens};
use super::{public, session_cookie};
use crate::app::App;
use crate::pages::Notice;
use crate::pages::login::LoginPage;
use crate::pages::options::{silent_url, start_url, with_return_to};
use crate::read_models::LoginFront;
use crate::sign_in::{Admitted, Attempt, Refused, Tried};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, LOCATION, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, web};
use domain::Surface;
use zeroize::Zeroizing;

/// What was typed is no longer than this.
const LONGEST_LOGIN: usize = 320;

/// `GET` of a login page. Without query and cookies it comes from memory; else it is made for this visitor.
async fn show(app: &App, front: &LoginFront, request: &HttpRequest, surface: Surface) -> HttpResponse {
    if public::is_plain(request) {
        return public::plain_login(request, front, surface).await;
    }
    match show_to_visitor(app, front, request, surface).await {
        Ok(response) | Err(response) => response,
    }
}

async fn show_to_visitor(
    app: &App,
    front: &LoginFront,
    request: &HttpRequest,
    surface: Surface,
) -> Result<HttpResponse, HttpResponse> {
    let visit = Visit::of(front, request).await?;
    let member = |wanted: &str| {
        url::form_urlencoded::parse(request.query_string().as_bytes())
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
    };
    let return_to = member("return_to").as_deref().and_then(ReturnTo::parse);
    let return_to = return_to.as_ref().map(ReturnTo::as_str);
    if let Some(session) = visit.session(app, request).await?
        && opens(&session, surface)
    {
        return Ok(see_other(return_to.unwrap_or(surface.home_path())));
    }
    let offer = &visit.surfaces.of(surface).offer;
    let transport = visit.site.transport;
    let told = member("tried").map(|word| word.parse().unwrap_or(Tried::Silently));
    // Whoever tried a moment ago is not sent round again, also without cookies (R22).
    let tried = told.or_else(|| cookies::read_tried(request, transport));
    if let (Some(choice), None) = (&offer.automatic, tried) {
        return Ok(see_other(&with_return_to(start_url(&choice.id), surface, return_to)));
    }
    if let (Some(id), None) = (&offer.silent, told)
        && !cookies::was_silent(request, transport)
    {
        return Ok(see_other(&with_return_to(silent_url(id), surface, return_to)));
    }
    // Without `automatic` nobody needs to hear of what they gave up by themselves.
    let notice = told.or(tried.filter(|_| offer.automatic.is_some())).and_then(|tried| visit.texts().tried(tried));
    let frame = notice.map_or(visit.frame(), |sentence| visit.frame().with_notice(Notice::Problem(sentence)));
    let page = LoginPage::new(frame, offer).with_return_to(return_to);
    Ok(visit.page(StatusCode::OK, &page))
}

/// The form.
#[derive(serde::Deserialize)]
struct Typed {
    login: String,
    password: Zeroizing<String>,
    return_to: Option<String>,
}

async fn enter(
    app: &App,
    front: &LoginFront,
    request: &HttpRequest,
    surface: Surface,
    typed: Typed,
) -> Result<HttpResponse, HttpResponse> {
    let visit = Visit::of_post(front, request).await?;
    let transport = visit.site.transport;
    let return_to = typed.return_to.as_deref().and_then(ReturnTo::parse);
    let return_to = return_to.as_ref().map(ReturnTo::as_str);
    let attempt = Attempt {
        helpdesk: visit.helpdesk().clone(),
        surface,
        login: typed.login.chars().take(LONGEST_LOGIN).collect(),
        password: typed.password,
        ip: app.peer(request).ip(),
        browser: session_cookie::read_browser(request, transport),
    };
    match app.sign_in(&attempt).await {
        Ok(Admitted { session, browser }) => {
            end_former_session(app, &visit, request).await;
            let mut response = HttpResponse::SeeOther();
            response
                .insert_header((LOCATION, return_to.unwrap_or(surface.home_path())))
                .insert_header((CACHE_CONTROL, "no-store"))
                .cookie(session_cookie::session(&session, transport))
                .cookie(session_cookie::browser(&browser, transport))
                .cookie(cookies::not_tried(transport));
            Ok(response.finish())
        }
        Err(refused) => Ok(again(&visit, surface, &attempt.login, return_to, &refused)),
    }
}

/// The page again, with the reason in plain words.
fn again(visit: &Visit, surface: Surface, login: &str, return_to: Option<&str>, refused: &Refused) -> HttpResponse {
    let (status, wait) = match refused {
        Refused::Mismatch | Refused::MismatchOrAway => (StatusCode::UNAUTHORIZED, None),
        Refused::TooMany => (StatusCode::TOO_MANY_REQUESTS, Some("60")),
        Refused::NoForm => return visit.not_found(),
        Refused::Automatic => (StatusCode::FORBIDDEN, None),
        Refused::Busy => (StatusCode::SERVICE_UNAVAILABLE, Some("5")),
        Refused::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, Some("2")),
    };
    let sentence = visit.texts().refusal(refused);
    let frame = visit.frame().with_notice(Notice::Problem(sentence));
    let page = LoginPage::new(frame, &visit.surfaces.of(surface).offer).with_return_to(return_to).with_login(login);
    let mut response = visit.page(status, &page);
    if let Some(seconds) = wait {
        response.headers_mut().insert(RETRY_AFTER, actix_web::http::header::HeaderValue::from_static(seconds));
    }
    response
}

/// Somewhere else on our own origin.
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).insert_header((CACHE_CONTROL, "no-store")).finish()
}

/// The page and the form of one surface.
fn login(surface: Surface) -> actix_web::Resource {
    web::resource(surface.login_path())
        .route(web::get().to(
            move |request: HttpRequest, app: web::Data<App>, front: web::Data<LoginFront>| async move {
                show(&app, &front, &request, surface).await
            },
        ))
        .route(
            web::post().to(
                move |request: HttpRequest,
                      app: web::Data<App>,
                      front: web::Data<LoginFront>,
                      typed: web::Form<Typed>| async move {
                    match enter(&app, &front, &request, surface, typed.into_inner()).await {
                        Ok(response) | Err(response) => response,
                    }
                },
            ),
        )
}

/// The login pages of all surfaces.
pub fn configure(config: &mut web::ServiceConfig) {
    for surface in Surface::ALL {
        config.service(login(surface));
    }
}
