//! What was typed, as a search: the login filter with the login in its place.
//!
//! Spec: RFC 4515, 3 (a value in a filter is escaped); MS-ADTS, 5.1.1.1.1 (`DOMAIN\name`, `name@domain`).
//! Stops: a login that is read as a part of the filter; one person under many spellings, each with a lockout counter of
//! its own, such as a domain that was made up, or letters that a directory takes for others.

use ldap3::{SearchEntry, ldap_escape};

/// What finds the person where no filter was set.
pub(super) const USUAL_FILTER: &str =
    "(|(uid={login})(mail={login})(sAMAccountName={login})(userPrincipalName={login}))";
/// The place of the login in a filter.
const PLACE: &str = "{login}";
/// A domain's short name is cut off here.
const LONGEST_SHORT_NAME: usize = 15;

/// Whether the library reads `filter`, and the login stands nowhere but where a value may stand.
pub(super) fn is_readable(filter: &str) -> bool {
    // A bracket, escaped, is a value's character and nothing else's.
    filter.matches('(').count() <= 50 && ldap3::parse_filter(filter.replace(PLACE, "\\28")).is_ok()
}

/// The filter that finds `name`.
pub(super) fn filter(template: &str, name: &str) -> String {
    template.replace(PLACE, &ldap_escape(name))
}

/// The name in what was typed: without `DOMAIN\` if that is the domain of `base_dn`, by its first part.
pub(super) fn name<'a>(typed: &'a str, base_dn: &str) -> &'a str {
    let typed = typed.trim();
    let Some((domain, name)) = typed.split_once('\\') else { return typed };
    let short: Option<String> = first_domain(base_dn).map(|first| first.chars().take(LONGEST_SHORT_NAME).collect());
    if short.is_some_and(|short| short.eq_ignore_ascii_case(domain)) && !name.is_empty() { name } else { typed }
}

/// `example` of `ou=people,dc=example,dc=com`.
fn first_domain(dn: &str) -> Option<&str> {
    dn.split(',').find_map(|part| {
        let (attribute, value) = part.split_once('=')?;
        attribute.trim().eq_ignore_ascii_case("dc").then(|| value.trim())
    })
}

/// Whether `name` is written in the entry as it was typed, letter case apart.
pub(super) fn is_spelled_so(entry: &SearchEntry, name: &str) -> bool {
    let name = name.to_lowercase();
    entry.attrs.values().flatten().any(|value| value.to_lowercase().contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ldap3::asn1::{OctetString, Sequence, Tag, TagClass};
    use ldap3::parse_filter;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn octets(bytes: &[u8]) -> Tag {
        Tag::OctetString(OctetString { inner: bytes.to_vec(), ..OctetString::default() })
    }

    proptest! {
        /// The server gets exactly what was typed, as one value of one comparison.
        #[test]
        fn a_login_is_a_value_whatever_it_is(login in any::<String>(), nasty in "[*()\\\\\0=&|!a]{0,12}") {
            for login in [login, nasty] {
                let equals = Sequence {
                    class: TagClass::Context,
                    id: 3,
                    inner: vec![octets(b"uid"), octets(login.as_bytes())],
                };
                prop_assert_eq!(
                    format!("{:?}", parse_filter(filter("(uid={login})", &login)).unwrap()),
                    format!("{:?}", Tag::Sequence(equals))
                );
            }
        }
    }

    #[test]
    fn a_filter_is_readable_and_compares_with_the_login_alone() {
        for filter in [USUAL_FILTER, "(&(objectClass=person)(uid={login}))", "(userPrincipalName={login}@corp.example)"]
        {
            assert!(is_readable(filter), "{filter}");
        }
        let deep = format!("{}(uid={{login}}){}", "(!".repeat(600), ")".repeat(600));
        for filter in
            ["({login}=*)(uid={login})", "(|({login}=*)(uid={login}))", "(uid:{login}:={login})", "(uid=a**b)", &deep]
        {
            assert!(!is_readable(filter), "{filter}");
        }
    }

    #[test]
    fn a_domain_in_front_counts_if_it_is_the_directorys() {
        for (typed, expected) in [
            ("jane", "jane"),
            (" jane ", "jane"),
            ("EXAMPLE\\jane", "jane"),
            ("example\\jane", "jane"),
            ("OTHER\\jane", "OTHER\\jane"),
            ("EXAMPLE\\", "EXAMPLE\\"),
            ("jane@example.com", "jane@example.com"),
        ] {
            assert_eq!(name(typed, "ou=people, DC=example,dc=com"), expected, "{typed}");
        }
        assert_eq!(name("VERYLONGDOMAINN\\jane", "dc=verylongdomainname,dc=com"), "jane");
        assert_eq!(name("X\\jane", "o=no domain"), "X\\jane");
    }

    #[test]
    fn a_directory_that_takes_letters_for_others_does_not_make_them_one_login() {
        let attrs = HashMap::from([("uid".to_owned(), vec!["Jane".to_owned()])]);
        let entry = SearchEntry { dn: "uid=Jane".to_owned(), attrs, bin_attrs: HashMap::new() };
        assert!(is_spelled_so(&entry, "jANE"));
        for other in ["\u{ff4a}ane", "ja ne", "jan\u{e9}"] {
            assert!(!is_spelled_so(&entry, other), "{other}");
        }
    }
}
