//! Judging one typed text: trims it, brings it into its stored form, or says what is wrong with it.
//!
//! Stops: characters that hide in a text or turn it round; URLs that a browser reads otherwise than we do; a private
//! file named as a database. What was typed is never part of the answer: it might be a secret in the wrong field.

use super::field::FieldType;
use super::pem;
use domain::values::unseen;
use url::Url;
use zeroize::Zeroizing;

/// What is wrong with a value: a stable code, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `invalid` or `too_long`.
    pub code: &'static str,
    /// A sentence.
    pub detail: String,
}

impl Problem {
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self { code: "invalid", detail: detail.into() }
    }
}

/// Longest URL, host or name, in characters.
const LONGEST: usize = 2000;
/// Longest pasted PEM, in characters.
const LONGEST_PEM: usize = 65_536;

/// The stored form of a plain text that was typed for `takes`.
pub(super) fn plain(takes: &FieldType, typed: &str) -> Result<String, Problem> {
    let line = |max| clean(within(filled(typed)?, max)?, false);
    let lines = |max| clean(within(filled(typed)?, max)?, true);
    match takes {
        FieldType::Text(max) => line(*max).map(str::to_owned),
        FieldType::Lines(max) => lines(*max).map(|text| text.replace("\r\n", "\n")),
        FieldType::Xml(max) => xml(lines(*max)?),
        FieldType::Url => web_url(line(LONGEST)?),
        FieldType::LdapUrl => ldap_url(line(LONGEST)?),
        FieldType::Choice(choices) => {
            let word = line(100)?;
            let known = choices.iter().find(|choice| **choice == word);
            known.map(|choice| (*choice).to_owned()).ok_or_else(|| Problem::invalid(one_of(choices)))
        }
        FieldType::Host => {
            let host = line(253)?;
            let parsed = url::Host::parse(host).or_else(|_| url::Host::parse(&format!("[{host}]")));
            match parsed {
                Ok(_) if !host.contains('%') => Ok(host.to_owned()),
                _ => Err(Problem::invalid("give the name or the address of the server, without scheme or port")),
            }
        }
        FieldType::Domain => domain(line(253)?),
        FieldType::Identifier => identifier(line(128)?, 1),
        FieldType::Table => identifier(line(256)?, 3),
        FieldType::Attribute => {
            let name = line(256)?;
            let allowed = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.;_".contains(&b));
            if allowed { Ok(name.to_owned()) } else { Err(Problem::invalid("give one LDAP attribute, such as mail")) }
        }
        FieldType::Dn => {
            let dn = line(LONGEST)?;
            let shaped = dn.split_once('=').is_some_and(|(name, value)| !name.is_empty() && !value.is_empty());
            if shaped { Ok(dn.to_owned()) } else { Err(Problem::invalid("give a name such as dc=example,dc=com")) }
        }
        FieldType::LoginFilter => login_filter(line(LONGEST)?),
        FieldType::Certificates => pem::certificates(lines(LONGEST_PEM)?),
        FieldType::PublicKey => pem::public_key(lines(LONGEST_PEM)?),
        FieldType::Flag | FieldType::Integer(..) | FieldType::List(..) => Err(Problem::invalid("this takes no text")),
        FieldType::PrivateKey | FieldType::Secret(..) => {
            Err(Problem::invalid("this is a secret and must be sealed before it is stored"))
        }
    }
}

/// The form in which a secret is sealed. A secret is never trimmed: a space may be part of it.
pub(super) fn secret(takes: &FieldType, typed: &str) -> Result<Zeroizing<String>, Problem> {
    if typed.is_empty() {
        return Err(Problem::invalid("a secret is never empty; send null to clear it, or leave it out to keep it"));
    }
    let FieldType::Secret(min, max) = takes else {
        return pem::private_key(clean(within(typed, LONGEST_PEM)?, true)?);
    };
    let text = clean(within(typed, *max)?, false)?;
    if text.chars().count() < *min {
        return Err(Problem::invalid(format!("this secret needs at least {min} characters")));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// The words of a choice, for a sentence.
pub(super) fn one_of(choices: &[&str]) -> String {
    format!("give one of: {}", choices.join(", "))
}

fn within(typed: &str, max: usize) -> Result<&str, Problem> {
    if typed.chars().nth(max).is_some() {
        return Err(Problem { code: "too_long", detail: format!("give at most {max} characters") });
    }
    Ok(typed)
}

fn filled(text: &str) -> Result<&str, Problem> {
    match text.trim() {
        "" => Err(Problem::invalid("this is empty; send null to clear it")),
        text => Ok(text),
    }
}

/// Refuses characters that cannot be seen and change what is read.
fn clean(text: &str, several_lines: bool) -> Result<&str, Problem> {
    for character in text.chars() {
        if character.is_control() && !(several_lines && matches!(character, '\r' | '\n' | '\t')) {
            return Err(Problem::invalid(format!(
                "there is a control character (U+{:04X}) in it; type it anew instead of pasting it",
                u32::from(character)
            )));
        }
        if !character.is_control() && unseen(character.encode_utf8(&mut [0; 4])).is_some() {
            return Err(Problem::invalid(format!(
                "there is a character that nobody sees (U+{:04X}) in it; remove it",
                u32::from(character)
            )));
        }
    }
    Ok(text)
}

fn web_url(text: &str) -> Result<String, Problem> {
    let url = parsed_url(text)?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(Problem::invalid("give a URL that begins with https://"));
    }
    Ok(text.to_owned())
}

fn ldap_url(text: &str) -> Result<String, Problem> {
    let url = parsed_url(text)?;
    let bare = matches!(url.path(), "" | "/") && url.query().is_none();
    if !matches!(url.scheme(), "ldap" | "ldaps") || !bare {
        return Err(Problem::invalid("give ldap://SERVER or ldaps://SERVER, with :PORT if it is not the usual one"));
    }
    Ok(text.to_owned())
}

fn parsed_url(text: &str) -> Result<Url, Problem> {
    let hidden = text.chars().any(|c| c.is_whitespace() || c == '\\');
    let url = Url::parse(text).ok().filter(|url| !hidden && url.has_host() && url.host_str() != Some(""));
    let url = url.ok_or_else(|| Problem::invalid("give a whole URL, with scheme and host"))?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(Problem::invalid("give the URL without a user, a password or a part after #"));
    }
    // `https:/host` and `https:host` are read as `https://host` by a browser; written so, they are a mistake.
    if !text.get(url.scheme().len()..).is_some_and(|rest| rest.starts_with("://")) {
        return Err(Problem::invalid("give a whole URL, with :// after the scheme"));
    }
    Ok(url)
}

fn domain(text: &str) -> Result<String, Problem> {
    let problem = || Problem::invalid("give a domain such as example.com, without @ and without *");
    match url::Host::parse(text.trim_end_matches('.')) {
        Ok(url::Host::Domain(name)) if name.contains('.') && !name.contains(['*', '_']) => Ok(name),
        _ => Err(problem()),
    }
}

fn identifier(text: &str, most_parts: usize) -> Result<String, Problem> {
    let part =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '-'));
    if text.split('.').count() <= most_parts && text.split('.').all(part) {
        return Ok(text.to_owned());
    }
    Err(Problem::invalid("give a name of letters, digits, _, $ and -, without quotes"))
}

fn login_filter(text: &str) -> Result<String, Problem> {
    let mut depth = 0_i32;
    let mut balanced = text.starts_with('(') && text.ends_with(')');
    for byte in text.bytes() {
        depth += i32::from(byte == b'(') - i32::from(byte == b')');
        balanced &= depth >= 0;
    }
    if !balanced || depth != 0 || !text.contains("={login})") {
        return Err(Problem::invalid(
            "give an LDAP filter in brackets with {login} for the login, such as (uid={login})",
        ));
    }
    Ok(text.to_owned())
}

fn xml(text: &str) -> Result<String, Problem> {
    let upper = text.to_ascii_uppercase();
    if upper.contains("<!DOCTYPE") || upper.contains("<!ENTITY") {
        return Err(Problem::invalid("an XML document with a document type is not taken; remove <!DOCTYPE …>"));
    }
    if !text.starts_with('<') || !text.ends_with('>') {
        return Err(Problem::invalid("paste the whole XML document"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(takes: &FieldType, typed: &str) -> String {
        match plain(takes, typed) {
            Ok(text) => panic!("{takes:?} took {text:?}"),
            Err(problem) => problem.detail,
        }
    }

    #[test]
    fn texts_and_urls_are_trimmed_whole() {
        assert_eq!(plain(&FieldType::Text(5), " a b \n").unwrap(), "a b");
        assert_eq!(
            plain(&FieldType::Url, "\u{a0}https://idp.example/sso?x=1\r\n").unwrap(),
            "https://idp.example/sso?x=1"
        );
        assert_eq!(plain(&FieldType::Text(3), "four").unwrap_err().code, "too_long");
        assert!(refused(&FieldType::Text(3), "  ").contains("empty"));
    }

    #[test]
    fn control_and_turning_characters_are_refused_wherever_they_stand() {
        for hidden in ['\0', '\u{7}', '\u{7f}', '\u{85}', '\u{200e}', '\u{202e}', '\u{2066}', '\u{2069}'] {
            let typed = format!("a{hidden}b");
            for takes in
                [FieldType::Text(9), FieldType::Lines(9), FieldType::Url, FieldType::Host, FieldType::Certificates]
            {
                let detail = refused(&takes, &typed);
                assert!(detail.contains("control character") || detail.contains("nobody sees"), "{detail}");
            }
            assert!(secret(&FieldType::Secret(1, 9), &typed).is_err(), "{hidden:?}");
        }
        assert!(refused(&FieldType::Text(9), "a\nb").contains("U+000A"));
        assert_eq!(plain(&FieldType::Lines(9), "a\r\nb").unwrap(), "a\nb");
    }

    #[test]
    fn urls_that_a_browser_reads_otherwise_are_refused() {
        for url in [
            "idp.example",
            "javascript:alert(1)",
            "ftp://idp.example",
            "https:idp.example",
            "https:/idp.example",
            "https://",
            "https://user@idp.example",
            "https://u:p@idp.example",
            "https://idp.example/#x",
            "https://idp.example\\x",
            "https://idp.example/a b",
            "//idp.example",
            "https://idp.example:99999",
        ] {
            refused(&FieldType::Url, url);
        }
        plain(&FieldType::LdapUrl, "ldaps://dc1.example:636").unwrap();
        for url in ["ldap://", "https://dc1.example", "ldap://dc1.example/dc=x", "ldap://dc1.example?x"] {
            refused(&FieldType::LdapUrl, url);
        }
    }

    #[test]
    fn names_are_what_they_say() {
        assert_eq!(plain(&FieldType::Domain, "Example.COM.").unwrap(), "example.com");
        assert_eq!(plain(&FieldType::Domain, "bücher.example").unwrap(), "xn--bcher-kva.example");
        for domain in ["@example.com", "*.example.com", "com", "192.0.2.1", "a b.example"] {
            refused(&FieldType::Domain, domain);
        }
        for host in ["db", "db.example", "192.0.2.1", "2001:db8::1"] {
            assert_eq!(plain(&FieldType::Host, host).unwrap(), host);
        }
        refused(&FieldType::Host, "db.example:5432");
        refused(&FieldType::Host, "db%2eexample");
        assert_eq!(plain(&FieldType::Table, "public.users").unwrap(), "public.users");
        for name in ["users; drop", "\"users\"", "a.b", "`a`", "a'b"] {
            refused(&FieldType::Identifier, name);
        }
        plain(&FieldType::LoginFilter, "(&(objectClass=person)(|(uid={login})(mail={login})))").unwrap();
        for filter in ["uid={login}", "(uid=*)", "(uid={login}))(", "((uid={login})"] {
            refused(&FieldType::LoginFilter, filter);
        }
        refused(&FieldType::Dn, "example.com");
    }

    #[test]
    fn xml_with_a_document_type_is_refused() {
        plain(&FieldType::Xml(99), "<?xml version='1.0'?>\n<EntityDescriptor/>").unwrap();
        for document in ["<!DOCTYPE x><x/>", "<!doctype x><x/>", "<x><!ENTITY y></x>", "no xml"] {
            refused(&FieldType::Xml(99), document);
        }
    }

    #[test]
    fn a_secret_is_never_empty_never_trimmed_and_never_quoted() {
        let takes = FieldType::Secret(8, 12);
        assert!(secret(&takes, "").unwrap_err().detail.contains("null"));
        assert_eq!(*secret(&takes, " spaces ").unwrap(), " spaces ");
        for typed in ["hunter2", "hunter2hunter2", "hunter2\0hunter"] {
            let problem = secret(&takes, typed).unwrap_err();
            assert!(!format!("{problem:?}").contains("hunter"), "{problem:?}");
        }
    }
}
