//! `ldap`: LDAP v3 and Active Directory. A service account finds the person, then the person binds.
//!
//! In the claims an attribute with one value is a text and one with several a list; `memberOf` and `objectClass` are
//! always lists.

mod ask;
mod directory;
mod login;
mod person;
mod pipe;
mod reach;
mod servers;
mod wire;

#[cfg(test)]
mod answers;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod forged;

use super::every::{TRUST, check_trust, invalid};
use super::{Authenticator, FieldSpec, FieldType, SignIn, Unset};
use domain::{Capabilities, Display, Fault, Fields, Plain, Setting, Silent};

/// The kind.
pub(super) struct Ldap;

const SERVERS: &str = "settings.servers";
const SECURITY: &str = "settings.security";
const LOGIN_FILTER: &str = "settings.login_filter";

const SETTINGS: &[FieldSpec] = &[
    FieldSpec::new(
        SERVERS,
        "Servers",
        FieldType::List(&FieldType::LdapUrl, 10),
        "The URLs of the servers, in the order in which they are tried, such as ldaps://dc1.example.com.",
    )
    .required(),
    FieldSpec::new(
        SECURITY,
        "Security",
        FieldType::Choice(&["ldaps", "starttls", "none"]),
        "How the connection is encrypted: from the start (ldaps://) or by StartTLS (ldap://).",
    )
    .required()
    .risky(&["none"], "ldap_not_encrypted", "Everybody's password crosses the network readable."),
    FieldSpec::new(
        "settings.ca_certificates",
        "Certificates of the authority",
        FieldType::Certificates,
        "The certificates that the server's own is checked against, as PEM. Leave it out for the system's authorities.",
    ),
    FieldSpec::new(
        "settings.skip_certificate_check",
        "Skip the certificate check",
        FieldType::Flag,
        "Takes any certificate of the server. Giving the authority's certificate is better.",
    )
    .unset_is(Unset::Flag(false))
    .risky(&[], "tls_not_verified", "Anybody on the way can stand in for the server and read passwords."),
    FieldSpec::new(
        "settings.base_dn",
        "Base DN",
        FieldType::Dn,
        "Where people are searched for, such as ou=people,dc=example,dc=com.",
    )
    .required(),
    FieldSpec::new(
        "settings.bind_dn",
        "Bind DN",
        FieldType::Text(1000),
        "The service account that searches; for Active Directory also NAME@DOMAIN.",
    )
    .required(),
    FieldSpec::new(
        "settings.bind_password",
        "Bind password",
        FieldType::Secret(1, 1024),
        "The service account's password.",
    )
    .goes_to(&["settings.servers"])
    .required(),
    FieldSpec::new(
        LOGIN_FILTER,
        "Login filter",
        FieldType::LoginFilter,
        "Finds the person; {login} stands for what was typed, escaped. DOMAIN\\name counts as name where DOMAIN is the \
         first part of the base DN's domain.",
    )
    .unset_is(Unset::Text(login::USUAL_FILTER)),
    FieldSpec::new(
        "settings.subject_attribute",
        "Attribute for the subject",
        FieldType::Attribute,
        "What identifies a person for good, whatever else changes.",
    )
    .unset_is(Unset::Told("entryUUID, or objectGUID on Active Directory")),
    FieldSpec::new(
        "settings.email_attribute",
        "Attribute for the e-mail address",
        FieldType::Attribute,
        "Where the directory keeps the address.",
    )
    .unset_is(Unset::Text("mail")),
    FieldSpec::new(
        "settings.name_attribute",
        "Attribute for the name",
        FieldType::Attribute,
        "Where the directory keeps the name to show.",
    )
    .unset_is(Unset::Told("displayName, else cn")),
];

impl Authenticator for Ldap {
    fn slug(&self) -> &'static str {
        "ldap"
    }

    fn label(&self) -> &'static str {
        "LDAP / Active Directory"
    }

    fn summary(&self) -> &'static str {
        "The login form checks a directory: LDAP v3 or Active Directory."
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { display: Display::Form, sso: false, silent: Silent::Never, built_in: false }
    }

    fn settings(&self) -> &'static [&'static [FieldSpec]] {
        &[SETTINGS, TRUST]
    }

    fn check(&self, fields: &Fields) -> Vec<Fault> {
        let mut faults = check_trust(fields);
        if let (Some(security), Some(Setting::Plain(Plain::List(servers)))) =
            (fields.text(SECURITY), fields.get(SERVERS))
        {
            let scheme = if security == "ldaps" { "ldaps" } else { "ldap" };
            let fits = |url: &String| url.split_once(':').is_some_and(|(given, _)| given.eq_ignore_ascii_case(scheme));
            if !servers.iter().all(fits) {
                faults.push(invalid(SERVERS, format!("with security {security}, each URL begins with {scheme}://")));
            }
        }
        if fields.text(LOGIN_FILTER).is_some_and(|filter| !login::is_readable(filter)) {
            faults.push(invalid(LOGIN_FILTER, "this filter cannot be read, or has {login} where no value stands"));
        }
        faults
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Form(&Self)
    }

    #[cfg(test)]
    fn sample(&self) -> serde_json::Value {
        serde_json::json!({"title": "Directory", "settings": {
            "servers": ["ldap://dc1.example.com", "ldap://dc2.example.com:389"], "security": "starttls",
            "ca_certificates": super::sample_keys::CERTIFICATE, "base_dn": "dc=example,dc=com",
            "bind_dn": "cn=helpdesk,dc=example,dc=com", "bind_password": "sample-secret",
            "login_filter": "(uid={login})", "subject_attribute": "entryUUID",
        }})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Field;

    #[test]
    fn the_scheme_of_each_server_fits_the_security() {
        for (security, url, fits) in [
            ("ldaps", "ldaps://dc", true),
            ("ldaps", "ldap://dc", false),
            ("starttls", "ldap://dc", true),
            ("starttls", "ldaps://dc", false),
            ("none", "LDAP://dc", true),
            ("none", "ldaps://dc", false),
        ] {
            let fields = Fields::from_iter([
                (Field::new(SECURITY), Setting::text(security)),
                (Field::new(SERVERS), Setting::Plain(Plain::List(vec![url.to_owned()]))),
            ]);
            assert_eq!(Ldap.check(&fields).is_empty(), fits, "{security} {url}");
        }
    }

    #[test]
    fn a_login_filter_that_no_server_could_read_is_refused() {
        let fields = |filter| Fields::from_iter([(Field::new(LOGIN_FILTER), Setting::text(filter))]);
        assert!(Ldap.check(&fields("(uid={login})")).is_empty());
        assert_eq!(Ldap.check(&fields("(|({login}=*)(uid={login}))")).len(), 1);
    }
}
