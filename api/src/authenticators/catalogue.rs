//! The kinds as the rules see them (R4, R12, R31).

use super::every::{ALLOW_INSECURE, REQUIRED, invalid, required};
use super::field::{FieldSpec, FieldType, Presence};
use super::{Authenticator, kind, text};
use crate::sign_in::filter;
use domain::{Audience, Capabilities, Catalogue, Fault, Field, Fields, Plain, Setting};
use std::collections::BTreeSet;

/// The catalogue of all kinds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kinds;

impl Catalogue for Kinds {
    fn capabilities(&self, slug: &str) -> Option<Capabilities> {
        kind(slug).map(Authenticator::capabilities)
    }

    fn invalid(&self, slug: &str, audience: Audience, fields: &Fields) -> Vec<Fault> {
        let Some(kind) = kind(slug) else { return unknown_kind() };
        let mut faults = values_at_fault(kind, audience, fields);
        faults.extend(kind.check(fields).into_iter().filter(|fault| fault.code != REQUIRED));
        // A title is never missing: every event names the usersource by it.
        faults.extend(missing(kind, audience, fields).into_iter().filter(|fault| fault.field.as_str() == Field::TITLE));
        each_field_once(faults)
    }

    fn incomplete(&self, slug: &str, audience: Audience, fields: &Fields) -> Vec<Fault> {
        let Some(kind) = kind(slug) else { return unknown_kind() };
        let mut faults = missing(kind, audience, fields);
        faults.extend(values_at_fault(kind, audience, fields));
        faults.extend(kind.check(fields));
        each_field_once(faults)
    }

    fn admits_anyone(&self, slug: &str, fields: &Fields) -> bool {
        kind(slug).is_none_or(|kind| kind.admits_anyone(fields))
    }
}

fn unknown_kind() -> Vec<Fault> {
    vec![invalid("kind", "this program has no such kind; the catalogue of kinds lists those that there are")]
}

fn missing(kind: &dyn Authenticator, audience: Audience, fields: &Fields) -> Vec<Fault> {
    let specs = kind.fields().into_iter();
    let needed = specs.filter(|spec| spec.presence == Presence::Required && spec.audiences.contains(&audience));
    let absent = needed.filter(|spec| match fields.get(spec.name) {
        Some(Setting::Plain(Plain::List(items))) => items.is_empty(),
        other => other.is_none(),
    });
    absent.map(|spec| required(spec.name, &format!("{} is needed", spec.label))).collect()
}

fn values_at_fault(kind: &dyn Authenticator, audience: Audience, fields: &Fields) -> Vec<Fault> {
    let judged = fields.iter().map(|(field, setting)| match kind.field(audience, field.as_str()) {
        Some(spec) => value_at_fault(spec, setting, fields),
        None => Some(unknown_field(kind, audience, field)),
    });
    judged.flatten().collect()
}

pub(super) fn unknown_field(kind: &dyn Authenticator, audience: Audience, field: &Field) -> Fault {
    let detail = format!("{} for {audience} has no such field; leave it out", kind.label());
    Fault::new(field, "unknown_field", detail)
}

fn value_at_fault(spec: &FieldSpec, setting: &Setting, fields: &Fields) -> Option<Fault> {
    let fault = |problem: text::Problem| Fault::new(&spec.field(), problem.code, problem.detail);
    let wrong = |detail: &str| Some(invalid(spec.name, detail));
    match (&spec.takes, setting) {
        (takes, Setting::Sealed(_)) if takes.is_secret() => None,
        (_, Setting::Sealed(_)) => wrong("this is no secret and must not be sealed"),
        (FieldType::Flag, Setting::Plain(Plain::Flag(_))) => None,
        (FieldType::Integer(min, max), Setting::Plain(Plain::Number(number))) => {
            if (min..=max).contains(&number) {
                None
            } else {
                wrong(&format!("give a number from {min} to {max}"))
            }
        }
        (FieldType::List(items, max), Setting::Plain(Plain::List(values))) => {
            if values.len() > *max {
                return Some(Fault::new(&spec.field(), "too_long", format!("give at most {max}")));
            }
            let problem = values.iter().find_map(|value| text::plain(items, value).err());
            problem.map(fault)
        }
        (FieldType::Url, Setting::Plain(Plain::Text(url))) if is_http(url) && !fields.flag(ALLOW_INSECURE) => {
            wrong("give an https URL; http is for tests and needs allow_insecure")
        }
        (takes, Setting::Plain(Plain::Text(value))) => match text::plain(takes, value) {
            Err(problem) => Some(fault(problem)),
            // What lets nobody in because it cannot be read is told when it is set, not at the first sign-in (R32).
            Ok(_) if spec.name == Field::FILTER => filter::check(value).err().map(|detail| invalid(spec.name, detail)),
            Ok(_) => None,
        },
        (takes, Setting::Plain(Plain::Flag(_) | Plain::Number(_) | Plain::List(_))) => {
            wrong(&format!("this takes a {}", takes.as_str()))
        }
    }
}

/// A scheme is read without regard to case.
fn is_http(url: &str) -> bool {
    url.split_once(':').is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("http"))
}

pub(super) fn each_field_once(faults: Vec<Fault>) -> Vec<Fault> {
    let mut seen = BTreeSet::new();
    faults.into_iter().filter(|fault| seen.insert(fault.field.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(values: &[(&str, Setting)]) -> Fields {
        values.iter().map(|(name, value)| (Field::new(*name), value.clone())).collect()
    }

    #[test]
    fn r4_every_missing_and_every_invalid_field_is_listed_once() {
        let fields = fields(&[
            ("settings.sso_url", Setting::text("http://idp.example")),
            ("settings.trust_email", Setting::flag(true)),
            ("settings.colour", Setting::text("red")),
            ("provisioning.auto_agent", Setting::flag(true)),
        ]);
        let faults = Kinds.incomplete("saml", Audience::Users, &fields);
        let told: BTreeSet<_> = faults.iter().map(|fault| (fault.field.as_str(), fault.code.as_str())).collect();
        let expected = [
            ("title", "required"),
            ("settings.idp_entity_id", "required"),
            ("settings.certificates", "required"),
            ("settings.sso_url", "invalid"),
            ("settings.email_domains", "required"),
            ("settings.colour", "unknown_field"),
            ("provisioning.auto_agent", "unknown_field"),
        ];
        assert_eq!(told, BTreeSet::from(expected));
        assert_eq!(faults.len(), told.len());
    }

    #[test]
    fn r3_what_is_missing_hinders_no_install_except_a_title() {
        let title = fields(&[("title", Setting::text("Staff"))]);
        assert_eq!(Kinds.invalid("saml", Audience::Users, &title), []);
        let faults = Kinds.invalid("saml", Audience::Users, &Fields::default());
        assert_eq!(faults.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(), ["title"]);
    }

    #[test]
    fn r32_a_filter_that_does_not_compile_is_at_fault() {
        let with = |filter: &str| fields(&[("title", Setting::text("x")), (Field::FILTER, Setting::text(filter))]);
        for kind in ["saml", "deskpro", "database"] {
            assert_eq!(Kinds.invalid(kind, Audience::Users, &with("'staff' in groups")), [], "{kind}");
            let faults = Kinds.invalid(kind, Audience::Users, &with("'staff' in"));
            assert_eq!(faults.len(), 1, "{kind}");
            assert_eq!((faults[0].field.as_str(), faults[0].code.as_str()), ("filter", "invalid"));
            assert!(faults[0].detail.contains("line 1, column"), "{}", faults[0].detail);
        }
    }

    #[test]
    fn an_unknown_kind_is_at_fault_and_open_to_anybody() {
        assert_eq!(Kinds.capabilities("pigeon"), None);
        assert_eq!(Kinds.invalid("pigeon", Audience::Users, &Fields::default()).len(), 1);
        assert_eq!(Kinds.incomplete("pigeon", Audience::Users, &Fields::default()).len(), 1);
        assert!(Kinds.admits_anyone("pigeon", &Fields::default()));
    }

    #[test]
    fn http_needs_allow_insecure_whatever_the_case_of_its_letters() {
        for url in ["http://idp.example/", "HTTP://idp.example/"] {
            let mut given = fields(&[("title", Setting::text("x")), ("settings.sso_url", Setting::text(url))]);
            assert_eq!(Kinds.invalid("saml", Audience::Users, &given).len(), 1, "{url}");
            given.set(Field::new(ALLOW_INSECURE), Some(Setting::flag(true)));
            assert_eq!(Kinds.invalid("saml", Audience::Users, &given), [], "{url}");
        }
    }
}
