//! From the words of a request to commands of the domain: the same for single calls and for atomic changes.

use super::members::{Members, faulty};
use super::problem::Problem;
use crate::app::App;
use crate::authenticators::{self, Input};
use actix_web::http::StatusCode;
use domain::{Audience, AuthConfig, Command, Field, Fields, HelpdeskId, Plain, Setting, SsoMode, UsersourceId};
use serde_json::Value;
use std::collections::BTreeMap;

/// At most so many commands make one change.
const MOST_COMMANDS: usize = 100;

/// A new usersource's id.
pub fn new_usersource_id() -> UsersourceId {
    UsersourceId::new(format!("us_{}", uuid::Uuid::now_v7().simple()))
}

/// `{kind, audience, title, button_text?, filter?, provisioning?, settings?}`: installs a usersource as `id`.
pub fn install(app: &App, helpdesk: &HelpdeskId, id: UsersourceId, mut members: Members) -> Result<Command, Problem> {
    let kind = members.required_text("kind");
    let audience = members.word::<Audience>("audience", "users, agents").unwrap_or(Audience::Users);
    let rest = members.rest()?;
    let Some(authenticator) = authenticators::kind(&kind) else {
        return Err(domain::Rejection::UnknownKind(kind).into());
    };
    let mut input =
        authenticators::read_input(authenticator, audience, &rest, &Fields::default()).map_err(|f| invalid(&f))?;
    let made = authenticator.made_at_install().map_err(Problem::accident)?;
    for (field, value) in made {
        input.entry(field).or_insert(Some(value));
    }
    let fields =
        seal(app, helpdesk, &id, input)?.into_iter().filter_map(|(field, value)| Some((field, value?))).collect();
    Ok(Command::InstallUsersource { id, kind, audience, fields })
}

/// A merge patch of `title`, `button_text`, `filter`, `provisioning` and `settings`.
pub fn change(
    app: &App,
    helpdesk: &HelpdeskId,
    state: &AuthConfig,
    id: UsersourceId,
    members: Members,
) -> Result<Command, Problem> {
    let usersource = state.usersource(&id)?;
    let Some(authenticator) = authenticators::kind(&usersource.kind) else {
        return Err(domain::Rejection::UnknownKind(usersource.kind.clone()).into());
    };
    let input = authenticators::read_input(authenticator, usersource.audience, &members.rest()?, &usersource.fields)
        .map_err(|f| invalid(&f))?;
    let fields = seal(app, helpdesk, &id, input)?;
    Ok(Command::ChangeUsersource { id, fields })
}

/// `{end_sessions?}`.
pub fn disable(id: UsersourceId, mut members: Members) -> Result<Command, Problem> {
    let end_sessions = members.flag("end_sessions").unwrap_or(false);
    members.finish()?;
    Ok(Command::DisableUsersource { id, end_sessions })
}

/// `{mode}`.
pub fn set_sso(id: UsersourceId, mut members: Members) -> Result<Command, Problem> {
    let mode = members.word::<SsoMode>("mode", "off, background, automatic").unwrap_or_default();
    members.finish()?;
    Ok(Command::SetSso { id, mode })
}

/// `{usersources: [ids]}`.
pub fn set_order(audience: Audience, mut members: Members) -> Result<Command, Problem> {
    let usersources = members.texts("usersources").into_iter().map(UsersourceId::new).collect();
    members.finish()?;
    Ok(Command::SetOrder { audience, usersources })
}

/// `{name?, url?}`, where a url of null clears it.
pub fn change_helpdesk(mut members: Members) -> Result<Command, Problem> {
    let mut fields = BTreeMap::new();
    for name in ["name", "url"] {
        let value = match members.take(name) {
            None => continue,
            Some(Value::Null) => None,
            Some(Value::String(text)) => Some(Setting::text(text)),
            Some(Value::Bool(flag)) => Some(Setting::Plain(Plain::Flag(flag))),
            Some(Value::Number(_) | Value::Array(_) | Value::Object(_)) => Some(Setting::Plain(Plain::Number(0))),
        };
        fields.insert(Field::new(name), value);
    }
    members.finish()?;
    Ok(Command::ChangeHelpdesk { fields })
}

/// Whole numbers by name.
pub fn change_policy(audience: Audience, mut members: Members) -> Result<Command, Problem> {
    let mut values = BTreeMap::new();
    for (name, ..) in domain::Policy::RANGES {
        values.extend(members.number(name).map(|value| (name.to_owned(), value)));
    }
    members.finish()?;
    Ok(Command::ChangePolicy { audience, values })
}

/// `{commands: [{command, usersource?, …}]}`: several as one. `$0` stands for the id that the first command made.
pub fn batch(
    app: &App,
    helpdesk: &HelpdeskId,
    state: &AuthConfig,
    mut members: Members,
) -> Result<Vec<Command>, Problem> {
    let list = match members.take("commands") {
        Some(Value::Array(list)) if (1..=MOST_COMMANDS).contains(&list.len()) => list,
        _ => {
            let detail = format!("a list of 1 to {MOST_COMMANDS} commands");
            return Err(faulty(&[domain::Fault::new(&Field::new("commands"), "invalid", detail)]));
        }
    };
    members.finish()?;
    let kinds = authenticators::Kinds;
    let mut made: Vec<Option<UsersourceId>> = Vec::new();
    let mut state = state.clone();
    let mut commands = Vec::new();
    for (place, item) in list.into_iter().enumerate() {
        let command =
            one(app, helpdesk, &state, &made, item).map_err(|problem| problem.at(&format!("commands[{place}]")))?;
        made.push(if let Command::InstallUsersource { id, .. } = &command { Some(id.clone()) } else { None });
        // What a later command says of this one's usersource is read against the state that this one makes. A refusal
        // here is the door's to give: it judges the newest state.
        let request =
            domain::Request { commands: vec![command.clone()], at: app.now(), accept_lockout: Some(String::new()) };
        for event in state.decide(&request, &kinds).unwrap_or_default() {
            state.evolve(&event);
        }
        commands.push(command);
    }
    Ok(commands)
}

fn one(
    app: &App,
    helpdesk: &HelpdeskId,
    state: &AuthConfig,
    made: &[Option<UsersourceId>],
    item: Value,
) -> Result<Command, Problem> {
    let Value::Object(map) = item else {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_body",
            "a command is a JSON object with a member `command`",
        ));
    };
    let mut members = Members::of(map);
    let name = members.required_text("command");
    let mut usersource = || -> UsersourceId {
        let id = members.required_text("usersource");
        let place = id.strip_prefix('$').and_then(|n| n.parse::<usize>().ok());
        place.and_then(|n| made.get(n).cloned().flatten()).unwrap_or_else(|| UsersourceId::new(id))
    };
    match name.as_str() {
        "install_usersource" => install(app, helpdesk, new_usersource_id(), members),
        "change_usersource" => {
            let id = usersource();
            change(app, helpdesk, state, id, members)
        }
        "enable_usersource" => {
            let id = usersource();
            members.finish().map(|()| Command::EnableUsersource { id })
        }
        "disable_usersource" => {
            let id = usersource();
            disable(id, members)
        }
        "uninstall_usersource" => {
            let id = usersource();
            members.finish().map(|()| Command::UninstallUsersource { id })
        }
        "set_sso" => {
            let id = usersource();
            set_sso(id, members)
        }
        "set_order" => {
            let audience = members.word::<Audience>("audience", "users, agents").unwrap_or(Audience::Users);
            let ids = members.texts("usersources").into_iter();
            let resolve = |id: String| {
                let place = id.strip_prefix('$').and_then(|n| n.parse::<usize>().ok());
                place.and_then(|n| made.get(n).cloned().flatten()).unwrap_or_else(|| UsersourceId::new(id))
            };
            let usersources = ids.map(resolve).collect();
            members.finish().map(|()| Command::SetOrder { audience, usersources })
        }
        "change_policy" => {
            let audience = members.word::<Audience>("audience", "users, agents").unwrap_or(Audience::Users);
            change_policy(audience, members)
        }
        "change_helpdesk" => change_helpdesk(members),
        _ => Err(faulty(&[domain::Fault::new(
            &Field::new("command"),
            "invalid",
            "one of install_usersource, change_usersource, enable_usersource, disable_usersource, uninstall_usersource, \
             set_sso, set_order, change_policy, change_helpdesk",
        )])),
    }
}

fn seal(
    app: &App,
    helpdesk: &HelpdeskId,
    id: &UsersourceId,
    input: BTreeMap<Field, Option<Input>>,
) -> Result<BTreeMap<Field, Option<Setting>>, Problem> {
    authenticators::seal_input(&app.vault, helpdesk, id, input).map_err(Problem::accident)
}

fn invalid(faults: &[domain::Fault]) -> Problem {
    domain::Rejection::InvalidSetting(faults.to_vec()).into()
}
