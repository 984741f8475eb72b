//! What holds after any sequence of commands, whatever they are.

use super::given::{ADMIN, Given, Kinds, at};
use crate::command::{Command, Request};
use crate::config::AuthConfig;
use crate::values::{Audience, Field, Fields, Sealed, Setting, SsoMode, Standing, UsersourceId};
use proptest::prelude::*;

const SECRET_CIPHERTEXT: &str = "the-ciphertext-of-a-secret";

fn id() -> impl Strategy<Value = UsersourceId> {
    prop_oneof![Just("dp_users"), Just("dp_agents"), Just("us_1"), Just("us_2"), Just("us_3"), Just("us_4")]
        .prop_map(UsersourceId::new)
}

fn audience() -> impl Strategy<Value = Audience> {
    prop_oneof![Just(Audience::Users), Just(Audience::Agents)]
}

fn sealed() -> Setting {
    Setting::Sealed(Sealed { key: "k".into(), ciphertext: SECRET_CIPHERTEXT.into(), fingerprint: "f".into() })
}

fn field() -> impl Strategy<Value = (Field, Option<Setting>)> {
    let value = prop_oneof![
        Just(None),
        Just(Some(Setting::text("https://idp.example/sso"))),
        Just(Some(Setting::text("bad"))),
        Just(Some(Setting::flag(true))),
        Just(Some(sealed())),
    ];
    let name = prop_oneof![
        Just("title"),
        Just("button_text"),
        Just("settings.sso_url"),
        Just("settings.certificates"),
        Just("settings.client_secret"),
        Just("provisioning.auto_agent"),
    ];
    (name.prop_map(Field::new), value)
}

fn command() -> impl Strategy<Value = Command> {
    let kind = prop_oneof![Just("saml"), Just("oidc"), Just("google"), Just("ldap"), Just("deskpro"), Just("none")];
    let mode = prop_oneof![Just(SsoMode::Off), Just(SsoMode::Background), Just(SsoMode::Automatic)];
    let standing =
        any::<(bool, bool, bool)>().prop_map(|(admin, active, has_password)| Standing { admin, active, has_password });
    let account = || prop_oneof![Just("acc_1"), Just("acc_2")];
    prop_oneof![
        (id(), kind, audience(), prop::collection::vec(field(), 0..4)).prop_map(|(id, kind, audience, fields)| {
            let fields = fields.into_iter().filter_map(|(f, v)| v.map(|v| (f, v))).collect::<Fields>();
            Command::InstallUsersource { id, kind: kind.into(), audience, fields }
        }),
        (id(), prop::collection::btree_map(field().prop_map(|f| f.0), field().prop_map(|f| f.1), 1..4))
            .prop_map(|(id, fields)| Command::ChangeUsersource { id, fields }),
        id().prop_map(|id| Command::EnableUsersource { id }),
        (id(), any::<bool>()).prop_map(|(id, end_sessions)| Command::DisableUsersource { id, end_sessions }),
        (id(), mode).prop_map(|(id, mode)| Command::SetSso { id, mode }),
        (audience(), prop::collection::vec(id(), 1..5))
            .prop_map(|(audience, usersources)| Command::SetOrder { audience, usersources }),
        id().prop_map(|id| Command::UninstallUsersource { id }),
        (account(), standing).prop_map(|(a, standing)| Command::SetStanding { account: a.into(), standing }),
        (id(), account()).prop_map(|(usersource, a)| Command::WithdrawProofs { usersource, account: a.into() }),
        (id(), any::<bool>(), account()).prop_map(|(usersource, right, a)| Command::RecordProof {
            usersource,
            digest: if right { "present" } else { "stale" }.into(),
            account: a.into(),
        }),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    (prop::collection::vec(command(), 1..4), prop::bool::weighted(0.1)).prop_map(|(commands, accept)| Request {
        commands,
        at: at(),
        accept_lockout: accept.then(|| "because".to_owned()),
    })
}

/// Proofs must name the digest that the usersource has when they are made.
fn with_present_digests(mut request: Request, state: &AuthConfig) -> Request {
    for command in &mut request.commands {
        if let Command::RecordProof { usersource, digest, .. } = command
            && digest == "present"
            && let Ok(found) = state.usersource(usersource)
        {
            *digest = found.sign_in_digest();
        }
    }
    request
}

/// A helpdesk in which the interesting commands have something to bite on.
fn furnished() -> AuthConfig {
    let mut given = Given::with_enabled("us_1", "oidc", Audience::Users);
    given.enabled("us_2", "oidc", Audience::Users);
    given.enabled("us_3", "saml", Audience::Agents);
    given.done(ADMIN.clone());
    given.state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn r10_r13_r40_r51_hold_after_any_sequence(requests in prop::collection::vec(request(), 1..40)) {
        let mut state = furnished();
        let mut replayed = state.clone();
        for request in requests {
            let request = with_present_digests(request, &state);
            let had_way_in = state.has_way_in();
            let Ok(events) = state.decide(&request, &Kinds) else { continue };
            prop_assert!(!events.is_empty());
            for event in &events {
                let shown = format!("{:?}", event.change());
                prop_assert!(!shown.contains(SECRET_CIPHERTEXT), "R51: {}", shown);
                state.evolve(event);
                let json = serde_json::to_value(event).unwrap();
                replayed.evolve(&serde_json::from_value(json).unwrap());
            }
            prop_assert_eq!(&state, &replayed, "replay differs from live");
            for audience in Audience::ALL {
                prop_assert!(state.of(audience).filter(|u| u.sso != SsoMode::Off).count() <= 1, "R10");
                prop_assert_eq!(state.of(audience).filter(|u| u.capabilities.built_in).count(), 1, "R2");
            }
            for usersource in &state.usersources {
                prop_assert!(usersource.enabled || usersource.sso == SsoMode::Off, "R12, R13");
                prop_assert!(usersource.capabilities.sso || usersource.sso == SsoMode::Off, "R12");
            }
            if request.accept_lockout.is_none() && had_way_in {
                prop_assert!(state.has_way_in(), "R40 broken by {:?}", request.commands);
            }
        }
        let stored: AuthConfig = serde_json::from_value(serde_json::to_value(&state).unwrap()).unwrap();
        prop_assert_eq!(stored, state, "a snapshot gives back another state");
    }

    #[test]
    fn a_refused_batch_leaves_no_part_and_an_accepted_one_equals_its_parts(request in request()) {
        let state = Given::helpdesk().state;
        if let Ok(events) = state.decide(&request, &Kinds) {
            let mut at_once = state.clone();
            events.iter().for_each(|e| at_once.evolve(e));
            let mut one_by_one = state;
            for command in &request.commands {
                // A batch is judged by its end (R40), so its parts alone may need an acceptance that it does not.
                let accept_lockout = Some("on the way".to_owned());
                let single = Request { commands: vec![command.clone()], accept_lockout, ..request.clone() };
                for event in one_by_one.decide(&single, &Kinds).unwrap() {
                    one_by_one.evolve(&event);
                }
            }
            prop_assert_eq!(at_once.entries(), one_by_one.entries());
        }
    }
}
