//! Who an entry of a directory is.
//!
//! Spec: RFC 4530 (entryUUID); MS-ADTS, 3.1.1.1.4 (objectGUID); product rules R30 and R32.
//! Stops: a person who is known by something that changes hands; passwords and keys of the directory among the claims.

use crate::sign_in::{Denied, Person, Reason, Source};
use ldap3::SearchEntry;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What identifies a person where nothing else was set, the first that there is.
const SUBJECTS: [&str; 2] = ["entryUUID", "objectGUID"];
const NAMES: [&str; 2] = ["displayName", "cn"];
/// Lists even with one value, so that a filter can look for it in them.
const LISTS: [&str; 2] = ["memberOf", "objectClass"];
/// The longest subject, in bytes.
const LONGEST_SUBJECT: usize = 255;

/// Attributes with a part of these in their name are never read: each is a password, a hash or a key somewhere.
const SECRETS: [&str; 12] = [
    "password",
    "passwd",
    "pwd",
    "secret",
    "credential",
    "privatekey",
    "hash",
    "otpkey",
    "rootpw",
    "krb",
    "pkcs12",
    "admpwd",
];

/// What is asked for: everything that people may know, what is told by name alone, and what the settings name.
pub(super) fn attributes<'a>(source: &'a Source<'_>) -> Vec<&'a str> {
    let set = ["subject_attribute", "email_attribute", "name_attribute"].iter().filter_map(|name| source.text(name));
    ["*", "memberOf"].into_iter().chain(SUBJECTS).chain(set).collect()
}

/// The person of an entry that the login found and the password fitted.
pub(super) fn person(source: &Source<'_>, entry: &SearchEntry) -> Result<Person, Denied> {
    let named = |setting: &str, usual: &[&str]| match source.text(setting) {
        Some(attribute) => text(entry, attribute),
        None => usual.iter().find_map(|attribute| text(entry, attribute)),
    };
    Ok(Person {
        issuer: source.usersource.id.to_string(),
        subject: subject(source, entry)?,
        email: named("email_attribute", &["mail"]).and_then(|address| source.email_by_trust(address)),
        name: named("name_attribute", &NAMES).map(str::to_owned),
        claims: claims(entry),
    })
}

fn subject(source: &Source<'_>, entry: &SearchEntry) -> Result<String, Denied> {
    let set = source.text("subject_attribute");
    let attributes = set.as_slice().iter().chain(SUBJECTS.as_slice().iter().filter(|_| set.is_none()));
    for attribute in attributes {
        match values(entry, attribute).as_slice() {
            [] => {}
            [value] => {
                let text = if attribute.eq_ignore_ascii_case("objectGUID") { guid(value) } else { readable(value) };
                return text.ok_or_else(|| misconfigured(attribute, "is no text that could identify somebody"));
            }
            _ => return Err(misconfigured(attribute, "has several values")),
        }
    }
    Err(misconfigured(
        set.unwrap_or("entryUUID and objectGUID"),
        "cannot be read: the service account may not, or there is none",
    ))
}

fn misconfigured(attribute: &str, why: &str) -> Denied {
    Denied::new(Reason::Misconfigured, format!("the attribute for the subject, {attribute}, {why}"))
}

/// As Active Directory's own tools write it: the first three groups are stored with their bytes turned round.
fn guid(bytes: &[u8]) -> Option<String> {
    bytes.try_into().ok().map(|bytes| Uuid::from_bytes_le(bytes).hyphenated().to_string())
}

fn readable(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let usable = !text.is_empty() && text.len() <= LONGEST_SUBJECT && !text.chars().any(char::is_control);
    usable.then(|| text.to_owned())
}

/// An attribute's values; names of attributes have no case.
fn values<'a>(entry: &'a SearchEntry, attribute: &str) -> Vec<&'a [u8]> {
    let texts = entry.attrs.iter().filter(|(name, _)| name.eq_ignore_ascii_case(attribute));
    let octets = entry.bin_attrs.iter().filter(|(name, _)| name.eq_ignore_ascii_case(attribute));
    texts
        .flat_map(|(_, values)| values.iter().map(String::as_bytes))
        .chain(octets.flat_map(|(_, values)| values.iter().map(Vec::as_slice)))
        .collect()
}

fn text<'a>(entry: &'a SearchEntry, attribute: &str) -> Option<&'a str> {
    let values = entry.attrs.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute)).map(|(_, values)| values);
    values?.first().map(|value| value.trim()).filter(|value| !value.is_empty())
}

/// One value is a text, several are a list; what is no text is left out, objectGUID apart.
fn claims(entry: &SearchEntry) -> Map<String, Value> {
    let mut claims = Map::from_iter([("dn".to_owned(), json!(entry.dn))]);
    for (name, values) in entry.attrs.iter().filter(|(name, _)| may_be_told(name)) {
        let list = LISTS.iter().any(|list| list.eq_ignore_ascii_case(name));
        let value = match values.as_slice() {
            [] => continue,
            [only] if !list => json!(only),
            several => json!(several),
        };
        claims.insert(name.clone(), value);
    }
    if let [bytes] = values(entry, "objectGUID").as_slice()
        && let Some(guid) = guid(bytes)
    {
        claims.insert("objectGUID".to_owned(), json!(guid));
    }
    claims
}

fn may_be_told(attribute: &str) -> bool {
    let attribute = attribute.to_ascii_lowercase();
    !SECRETS.iter().any(|secret| attribute.contains(secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign_in::fixture::Fixture;
    use domain::Audience;

    fn entry(attributes: &[(&str, &[&str])]) -> SearchEntry {
        let attrs = attributes
            .iter()
            .map(|(name, values)| (name.to_string(), values.iter().map(ToString::to_string).collect()));
        SearchEntry { dn: "uid=jane".to_owned(), attrs: attrs.collect(), bin_attrs: [].into() }
    }

    fn read(settings: Value, entry: &SearchEntry) -> Result<Person, Denied> {
        person(&Fixture::new("ldap", Audience::Users, settings).source(), entry)
    }

    #[test]
    fn r30_the_subject_is_what_never_changes() {
        let both = entry(&[("entryUUID", &["11111111-2222-4333-8444-555555555555"]), ("uid", &["jane"])]);
        assert_eq!(read(json!({}), &both).unwrap().subject, "11111111-2222-4333-8444-555555555555");
        assert_eq!(read(json!({"subject_attribute": "UID"}), &both).unwrap().subject, "jane");
        assert_eq!(read(json!({}), &both).unwrap().issuer, "us_1");
        for (settings, wrong) in [
            (json!({}), entry(&[("uid", &["jane"])])),
            (json!({"subject_attribute": "employeeNumber"}), both.clone()),
            (json!({"subject_attribute": "mail"}), entry(&[("mail", &["a@x.test", "b@x.test"])])),
            (json!({"subject_attribute": "uid"}), entry(&[("uid", &[" "])])),
            (json!({"subject_attribute": "uid"}), entry(&[("uid", &["a\0b"])])),
        ] {
            assert_eq!(read(settings, &wrong).unwrap_err().reason, Reason::Misconfigured, "{wrong:?}");
        }
    }

    #[test]
    fn r30_an_object_guid_is_written_as_active_directory_writes_it() {
        let bytes: Vec<u8> = (0..16).collect();
        let mut ada = entry(&[]);
        ada.bin_attrs.insert("objectGUID".to_owned(), vec![bytes.clone()]);
        let expected = "03020100-0504-0706-0809-0a0b0c0d0e0f";
        assert_eq!(read(json!({}), &ada).unwrap().subject, expected);
        // These sixteen bytes happen to be a text, too.
        let text = String::from_utf8(bytes).unwrap();
        let as_text = entry(&[("objectGUID", &[&text])]);
        let person = read(json!({}), &as_text).unwrap();
        assert_eq!((person.subject.as_str(), &person.claims["objectGUID"]), (expected, &json!(expected)));
        ada.bin_attrs.insert("objectGUID".to_owned(), vec![vec![0xff; 15]]);
        assert!(read(json!({}), &ada).is_err());
    }

    #[test]
    fn r30_an_address_is_verified_in_trusted_domains_alone() {
        let jane = entry(&[("entryUUID", &["u"]), ("mail", &["jane@example.test"])]);
        let trusting = |domain: &str| json!({"trust_email": true, "email_domains": [domain]});
        let email = |settings| read(settings, &jane).unwrap().email.unwrap();
        assert!(email(json!({})).verified().is_none());
        assert!(email(trusting("other.test")).verified().is_none());
        assert_eq!(email(trusting("example.test")).verified().unwrap().as_str(), "jane@example.test");
        assert!(read(json!({"email_attribute": "absent"}), &jane).unwrap().email.is_none());
    }

    #[test]
    fn a_name_is_what_is_shown_else_the_common_one() {
        let jane = entry(&[("entryUUID", &["u"]), ("cn", &["Jane Doe"]), ("displayname", &["Jane"]), ("sn", &["Doe"])]);
        assert_eq!(read(json!({}), &jane).unwrap().name.unwrap(), "Jane");
        assert_eq!(read(json!({"name_attribute": "sn"}), &jane).unwrap().name.unwrap(), "Doe");
        let plain = entry(&[("entryUUID", &["u"]), ("cn", &["Jane Doe"])]);
        assert_eq!(read(json!({}), &plain).unwrap().name.unwrap(), "Jane Doe");
    }

    #[test]
    fn r32_claims_are_the_attributes_without_what_is_secret() {
        let mut jane = entry(&[
            ("entryUUID", &["u"]),
            ("mail", &["a@x.test"]),
            ("telephoneNumber", &["1", "2"]),
            ("memberOf", &["cn=agents"]),
            ("userPassword", &["planted"]),
            ("userPassword;x", &["planted"]),
            ("unicodePwd", &["planted"]),
            ("sambaNTPassword", &["planted"]),
            ("ms-Mcs-AdmPwd", &["planted"]),
            ("krbPrincipalKey", &["planted"]),
            ("ipaNTHash", &["planted"]),
            ("supplementalCredentials", &["planted"]),
            ("oathSecret", &["planted"]),
        ]);
        jane.bin_attrs.insert("jpegPhoto".to_owned(), vec![vec![0xff]]);
        let claims = Value::Object(read(json!({}), &jane).unwrap().claims);
        assert_eq!(
            claims,
            json!({"dn": "uid=jane", "entryUUID": "u", "mail": "a@x.test", "telephoneNumber": ["1", "2"], "memberOf": ["cn=agents"]})
        );
    }
}
