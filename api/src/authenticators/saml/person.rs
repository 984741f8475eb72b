//! From a verified assertion to the person: which attribute is the address, which the name.
//!
//! Spec: product rules R30 (the subject is the name id; an address counts only by `trust_email`) and R32 (claims).
//! Stops: an attribute that calls itself `name_id` and so speaks for the name id in a filter.

use super::assertion::{Assertion, Attribute};
use super::name_id::EMAIL_ADDRESS;
use crate::sign_in::{Denied, Person, Source};
use serde_json::Value;

const EMAIL: &[&str] = &[
    "email",
    "mail",
    "emailAddress",
    "User.email",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "http://schemas.xmlsoap.org/claims/EmailAddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "urn:oid:1.2.840.113549.1.9.1",
];
const NAME: &[&str] = &[
    "displayName",
    "http://schemas.microsoft.com/identity/claims/displayname",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "name",
    "fullName",
    "cn",
    "http://schemas.xmlsoap.org/claims/CommonName",
    "urn:oid:2.5.4.3",
];
const FIRST_NAME: &[&str] = &[
    "firstName",
    "first_name",
    "givenName",
    "User.FirstName",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
    "urn:oid:2.5.4.42",
];
const LAST_NAME: &[&str] = &[
    "lastName",
    "last_name",
    "surname",
    "sn",
    "User.LastName",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
    "urn:oid:2.5.4.4",
];

/// Whom the assertion is about.
pub(super) fn person(source: &Source<'_>, assertion: &Assertion, ours: &str) -> Result<Person, Denied> {
    let subject = assertion.name_id.subject(&assertion.issuer, ours)?;
    let email = address(source, assertion).and_then(|address| source.email_by_trust(address));
    let mut claims = assertion.claims();
    // Ours come last: no attribute takes their places.
    claims.insert("name_id".to_owned(), Value::from(assertion.name_id.value.as_str()));
    claims.insert("name_id_format".to_owned(), assertion.name_id.format.as_deref().map_or(Value::Null, Value::from));
    claims.insert("issuer".to_owned(), Value::from(assertion.issuer.as_str()));
    claims.insert("subject".to_owned(), Value::from(subject.as_str()));
    let name = name(source, &assertion.attributes);
    Ok(Person { issuer: assertion.issuer.clone(), subject, email, name, claims })
}

fn address<'a>(source: &Source<'_>, assertion: &'a Assertion) -> Option<&'a str> {
    if let Some(configured) = source.text("email_attribute") {
        return named(&assertion.attributes, configured);
    }
    let from_name_id = || {
        let name_id = &assertion.name_id;
        (name_id.format.as_deref() == Some(EMAIL_ADDRESS)).then_some(name_id.value.as_str())
    };
    usual(&assertion.attributes, EMAIL).or_else(from_name_id)
}

fn name(source: &Source<'_>, attributes: &[Attribute]) -> Option<String> {
    let configured = |setting: &str| source.text(setting).and_then(|name| named(attributes, name));
    if source.text("name_attribute").is_some() {
        return configured("name_attribute").map(str::to_owned);
    }
    let (first, last) = (source.text("first_name_attribute"), source.text("last_name_attribute"));
    let whole = usual(attributes, NAME).filter(|_| first.is_none() && last.is_none());
    let first = first.map_or_else(|| usual(attributes, FIRST_NAME), |name| named(attributes, name));
    let last = last.map_or_else(|| usual(attributes, LAST_NAME), |name| named(attributes, name));
    whole.map(str::to_owned).or_else(|| {
        let parts: Vec<_> = first.into_iter().chain(last).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    })
}

/// The first value of the attribute that an admin named, by its name or its friendly name.
fn named<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    let by_name = attributes.iter().find(|a| a.name == name);
    value(by_name.or_else(|| attributes.iter().find(|a| a.friendly_name.as_deref() == Some(name)))?)
}

/// The first value under one of the usual names, the likeliest first, whatever the case of its letters.
fn usual<'a>(attributes: &'a [Attribute], names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| attributes.iter().find(|a| a.name.eq_ignore_ascii_case(name)).and_then(value))
}

fn value(attribute: &Attribute) -> Option<&str> {
    attribute.values.iter().map(|value| value.trim()).find(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::document::{Node, parse};
    use super::super::name_id::NameId;
    use super::*;
    use crate::sign_in::ClaimedEmail;
    use crate::sign_in::fixture::Fixture;
    use domain::{Audience, Timestamp};
    use serde_json::json;

    fn of(settings: Value, format: &str, attributes: &[(&str, &str)]) -> Person {
        let xml = format!("<NameID Format='{format}'>jane@example.com</NameID>");
        let document = parse(&xml).unwrap();
        let attributes = attributes.iter().map(|(name, value)| Attribute {
            name: (*name).to_owned(),
            friendly_name: None,
            values: vec![(*value).to_owned()],
        });
        let assertion = Assertion {
            id: "_a".into(),
            issuer: "urn:idp".into(),
            name_id: NameId::read(&Node::root(&document).unwrap()).unwrap(),
            accepted_until: Timestamp::from_millis(0),
            authenticated_at: Timestamp::from_millis(0),
            session: None,
            attributes: attributes.collect(),
        };
        let fixture = Fixture::new("saml", Audience::Agents, settings);
        person(&fixture.source(), &assertion, "urn:us").unwrap()
    }

    fn email(person: &Person) -> Option<String> {
        person.email.as_ref().map(|email| email.email().as_str().to_owned())
    }

    #[test]
    fn the_usual_names_of_the_usual_providers_are_known() {
        let entra = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/";
        for (attributes, name) in [
            (vec![("email", "j@x.example"), ("firstName", "Jane"), ("lastName", "Doe")], "Jane Doe"),
            (vec![("User.email", "j@x.example"), ("User.FirstName", "Jane"), ("User.LastName", "Doe")], "Jane Doe"),
            (vec![("urn:oid:0.9.2342.19200300.100.1.3", "j@x.example"), ("displayName", "Doctor Doe")], "Doctor Doe"),
        ] {
            let person = of(json!({}), "urn:custom", &attributes);
            assert_eq!((email(&person).as_deref(), person.name.as_deref()), (Some("j@x.example"), Some(name)));
        }
        let (address, given) = (format!("{entra}emailaddress"), format!("{entra}givenname"));
        let upn = format!("{entra}name");
        let person = of(json!({}), "urn:custom", &[(&address, "j@x.example"), (&given, "Jane"), (&upn, "jane@tenant")]);
        assert_eq!((email(&person).as_deref(), person.name.as_deref()), (Some("j@x.example"), Some("Jane")));
    }

    #[test]
    fn what_an_admin_names_counts_alone() {
        let attributes = [("email", "a@x.example"), ("work", "b@x.example"), ("cn", "Common"), ("given", "Given")];
        let person =
            of(json!({"email_attribute": "work", "first_name_attribute": "given"}), EMAIL_ADDRESS, &attributes);
        assert_eq!((email(&person).as_deref(), person.name.as_deref()), (Some("b@x.example"), Some("Given")));
        let person = of(json!({"email_attribute": "nowhere", "name_attribute": "nowhere"}), EMAIL_ADDRESS, &attributes);
        assert_eq!((email(&person), person.name), (None, None));
    }

    #[test]
    fn r30_an_address_is_verified_only_by_trust_and_in_named_domains() {
        let trust = json!({"trust_email": true, "email_domains": ["example.com"]});
        let trusted = of(trust.clone(), EMAIL_ADDRESS, &[]);
        assert!(matches!(trusted.email, Some(ClaimedEmail::Verified(_))), "the name id is an address by its format");
        assert!(matches!(of(json!({}), EMAIL_ADDRESS, &[]).email, Some(ClaimedEmail::Unverified(_))));
        assert!(matches!(
            of(trust, "urn:custom", &[("mail", "j@other.example")]).email,
            Some(ClaimedEmail::Unverified(_))
        ));
        assert!(of(json!({}), "urn:custom", &[]).email.is_none(), "only the format says that a name id is an address");
    }

    #[test]
    fn r32_no_attribute_speaks_for_the_name_id() {
        let claims = of(json!({}), "urn:custom", &[("name_id", "admin"), ("issuer", "evil"), ("team", "blue")]).claims;
        assert_eq!(claims["name_id"], "jane@example.com");
        assert_eq!((&claims["issuer"], &claims["team"]), (&json!("urn:idp"), &json!("blue")));
        assert_eq!(claims["subject"], "!urn:custom!jane@example.com");
    }
}
