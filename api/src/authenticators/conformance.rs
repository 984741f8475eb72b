//! What every kind must keep to, run over each of them.

use super::*;
use crate::key_ring::KeyRing;
use crate::vault::Vault;
use domain::{Catalogue as _, Plain, Setting, Timestamp};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const SECRET: &str = "planted-secret-0123456789-planted-secret-0123456789-planted-secret";

/// The kind's sample as settings.
pub(super) fn sample_fields(kind: &dyn Authenticator, audience: Audience) -> Fields {
    let Value::Object(members) = kind.sample() else { panic!("a sample is an object") };
    let input = read_input(kind, audience, &members, &Fields::default());
    let input = input.unwrap_or_else(|faults| panic!("{}: {faults:?}", kind.slug()));
    let vault = Vault::new(&KeyRing::fresh().unwrap()).unwrap();
    let sealed = seal_input(&vault, &"h".into(), &"us_1".into(), input).unwrap();
    sealed.into_iter().filter_map(|(field, setting)| Some((field, setting?))).collect()
}

fn each(test: impl Fn(&dyn Authenticator, Audience)) {
    for kind in KINDS {
        for audience in Audience::ALL {
            test(*kind, audience);
        }
    }
}

#[test]
fn slugs_are_unique_and_find_their_kind() {
    let slugs: BTreeSet<_> = KINDS.iter().map(|kind| kind.slug()).collect();
    let expected = ["database", "deskpro", "facebook", "google", "jwt", "ldap", "oidc", "onelogin", "saml", "twitter"];
    assert_eq!(slugs, BTreeSet::from(expected));
    assert_eq!(KINDS.len(), slugs.len());
    assert!(slugs.iter().all(|slug| kind(slug).unwrap().slug() == *slug));
}

#[test]
fn every_field_is_named_once_and_explained() {
    each(|kind, _| {
        let fields = kind.fields();
        let names: BTreeSet<_> = fields.iter().map(|spec| spec.name).collect();
        assert_eq!(names.len(), fields.len(), "{}", kind.slug());
        for spec in fields {
            let what = format!("{} {}", kind.slug(), spec.name);
            assert!(!spec.label.is_empty() && spec.help.ends_with('.') && spec.help.len() > 10, "{what}");
            assert!(!spec.help.contains("  "), "{what}");
            assert!(spec.presence != Presence::Required || spec.unset == Unset::Nothing, "{what}");
            let top = [Field::TITLE, Field::BUTTON_TEXT, Field::FILTER].contains(&spec.name);
            assert!(top || spec.name.starts_with("settings.") || spec.name.starts_with("provisioning."), "{what}");
            if spec.takes == FieldType::Url {
                assert!(kind.field(Audience::Users, every::ALLOW_INSECURE).is_some(), "{what}");
            }
        }
    });
}

#[test]
fn what_is_told_as_unset_would_be_taken_if_it_were_set() {
    each(|kind, audience| {
        for spec in kind.fields().into_iter().filter(|spec| spec.audiences.contains(&audience)) {
            let value = spec.unset.json();
            if value.is_null() {
                continue;
            }
            let (group, name) = spec.name.split_once('.').unwrap();
            let members = json!({group: {name: value}});
            assert!(
                read_input(kind, audience, members.as_object().unwrap(), &Fields::default()).is_ok(),
                "{}",
                spec.name
            );
        }
    });
}

#[test]
fn r4_a_complete_sample_passes_and_each_missing_field_is_reported_once() {
    each(|kind, audience| {
        let fields = sample_fields(kind, audience);
        assert_eq!(Kinds.invalid(kind.slug(), audience, &fields), [], "{}", kind.slug());
        assert_eq!(Kinds.incomplete(kind.slug(), audience, &fields), [], "{}", kind.slug());
        let mut bare = Fields::default();
        let mut expected = BTreeSet::new();
        for spec in kind.fields().into_iter().filter(|spec| spec.presence == Presence::Required) {
            expected.insert(spec.field());
            let mut without = fields.clone();
            without.set(spec.field(), None);
            let told = Kinds.incomplete(kind.slug(), audience, &without);
            assert!(
                told.iter().any(|f| f.field == spec.field() && f.code == "required"),
                "{} {}",
                kind.slug(),
                spec.name
            );
            bare.set(spec.field(), None);
        }
        let told = Kinds.incomplete(kind.slug(), audience, &bare);
        assert_eq!(told.len(), expected.len(), "{}: {told:?}", kind.slug());
        assert_eq!(told.into_iter().map(|fault| fault.field).collect::<BTreeSet<_>>(), expected, "{}", kind.slug());
    });
}

#[test]
fn a_secret_is_refused_plain_and_anything_else_is_refused_sealed() {
    each(|kind, audience| {
        let sample = sample_fields(kind, audience);
        let sealed = domain::Sealed { key: "k".into(), ciphertext: "c".into(), fingerprint: "f".into() };
        for spec in kind.fields().into_iter().filter(|spec| spec.audiences.contains(&audience)) {
            let wrong = if spec.takes.is_secret() { Setting::text(SECRET) } else { Setting::Sealed(sealed.clone()) };
            let mut fields = sample.clone();
            fields.set(spec.field(), Some(wrong));
            let told = Kinds.invalid(kind.slug(), audience, &fields);
            assert!(told.iter().any(|fault| fault.field == spec.field()), "{} {}", kind.slug(), spec.name);
            assert!(!format!("{told:?}").contains("planted"), "{told:?}");
        }
    });
}

#[test]
fn a_field_of_the_other_audience_is_refused() {
    each(|kind, audience| {
        for spec in kind.fields().into_iter().filter(|spec| !spec.audiences.contains(&audience)) {
            let mut fields = sample_fields(kind, audience);
            fields.set(spec.field(), Some(Setting::flag(true)));
            let told = Kinds.invalid(kind.slug(), audience, &fields);
            assert!(told.iter().any(|fault| fault.code == "unknown_field" && fault.field == spec.field()));
        }
    });
}

#[test]
fn r12_r23_r25_what_a_kind_can_do_is_what_the_rules_say() {
    for kind in KINDS {
        let can = kind.capabilities();
        let sso = ["saml", "onelogin", "jwt", "oidc"].contains(&kind.slug());
        assert_eq!(can.sso, sso, "{}", kind.slug());
        assert_eq!(can.display == domain::Display::Button, sso, "{}", kind.slug());
        assert_eq!(can.built_in, kind.slug() == "deskpro");
        if let domain::Silent::IfSet(field) = &can.silent {
            assert_eq!(kind.field(Audience::Users, field.as_str()).unwrap().takes, FieldType::Flag);
        }
        let redirects = can.display != domain::Display::Form;
        let told = outputs(*kind, "https://help.example", &"us_1".into());
        assert_eq!(told.iter().any(|o| o.value == "https://help.example/auth/us_1/callback"), redirects);
        let open = ["google", "facebook", "twitter", "oidc"].contains(&kind.slug());
        assert_eq!(kind.admits_anyone(&Fields::default()), open, "{}", kind.slug());
    }
}

/// Values of every shape, the planted secret among them.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!(SECRET)),
        Just(json!(format!("{SECRET}\u{0}"))),
        Just(json!(format!("https://{SECRET}@host.example/{SECRET}"))),
        Just(json!("HS256")),
        Just(json!(sample_keys::CERTIFICATE)),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Value::from))
}

/// A request of random members, or the sample with planted secrets and perhaps a random member in it.
fn members(kind: &'static dyn Authenticator) -> impl Strategy<Value = Map<String, Value>> {
    let names: Vec<String> = kind.fields().iter().map(|spec| spec.name.to_owned()).chain(["no.such".into()]).collect();
    let pairs = |most| prop::collection::vec((prop::sample::select(names.clone()), value()), 0..most);
    prop_oneof![
        pairs(12).prop_map(|pairs| with(Map::new(), pairs)),
        pairs(2).prop_map(move |pairs| with(planted(kind), pairs)),
    ]
}

fn planted(kind: &dyn Authenticator) -> Map<String, Value> {
    let sample = kind.sample().as_object().unwrap().clone();
    let secrets = kind.fields().into_iter().filter(|spec| matches!(spec.takes, FieldType::Secret(..)));
    with(sample, secrets.map(|spec| (spec.name.to_owned(), json!(SECRET))).collect())
}

fn with(mut members: Map<String, Value>, pairs: Vec<(String, Value)>) -> Map<String, Value> {
    for (name, value) in pairs {
        match name.split_once('.') {
            Some((group, name)) => {
                let group = members.entry(group).or_insert_with(|| json!({}));
                group.as_object_mut().unwrap().insert(name.to_owned(), value);
            }
            None => {
                members.insert(name, value);
            }
        }
    }
    members
}

fn without_plain(input: &BTreeMap<Field, Option<Input>>) -> BTreeMap<&Field, Option<&Input>> {
    let secret = |value: &&Input| matches!(value, Input::Secret(_));
    input.iter().map(|(field, value)| (field, value.as_ref().filter(secret))).collect()
}

proptest! {
    #[test]
    fn no_request_makes_it_panic_or_tell_a_secret(
        (kind, members) in prop::sample::select(KINDS.to_vec()).prop_flat_map(|kind| (Just(kind), members(kind))),
        audience in prop::sample::select(Audience::ALL.to_vec()),
    ) {
        match read_input(kind, audience, &members, &Fields::default()) {
            Err(faults) => prop_assert!(!format!("{faults:?}").contains("planted"), "{faults:?}"),
            Ok(input) => {
                let shown = format!("{:?}", without_plain(&input));
                prop_assert!(!shown.contains("planted"), "{shown}");
                let plain = input.into_iter().filter_map(|(field, value)| match value? {
                    Input::Plain(plain) => Some((field, Setting::Plain(plain))),
                    Input::Secret(_) => None,
                });
                let fields: Fields = plain.collect();
                let faults = Kinds.incomplete(kind.slug(), audience, &fields);
                prop_assert!(!format!("{faults:?}").contains("planted"), "{faults:?}");
                let _ = (warnings(kind, &fields, Timestamp::from_millis(0)), kind.admits_anyone(&fields));
                // What was read is in its stored form: only rules between fields are left to judge.
                for (field, setting) in fields.iter() {
                    let Setting::Plain(Plain::Text(text)) = setting else { continue };
                    let spec = kind.field(audience, field.as_str()).unwrap();
                    let again = text::plain(&spec.takes, text);
                    prop_assert_eq!(again.as_ref(), Ok(text), "{}", field);
                }
            }
        }
    }
}
