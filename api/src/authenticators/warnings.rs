//! What works and should still be looked at: certificates that end (R6) and choices that weaken a sign-in.

use super::field::FieldType;
use super::{Authenticator, pem};
use domain::{Field, Fields, Timestamp};
use serde::Serialize;

/// From so many seconds before its end, a certificate earns a warning: 30 days.
const SOON: i64 = 30 * 24 * 60 * 60;

/// One warning badge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// A stable code: `certificate_expires_soon`, `certificate_expired`, or the risk's own.
    pub code: String,
    /// Which field earns it.
    pub field: Field,
    /// What may happen, or when.
    pub detail: String,
}

/// When the first certificate of the usersource ends.
pub fn certificate_expiry(kind: &dyn Authenticator, fields: &Fields) -> Option<Timestamp> {
    certificate_ends(kind, fields).into_iter().map(|(_, end)| end).min()
}

/// Everything about the usersource that is allowed and risky, or will be wrong soon.
pub fn warnings(kind: &dyn Authenticator, fields: &Fields, now: Timestamp) -> Vec<Warning> {
    let mut found: Vec<Warning> = certificate_ends(kind, fields)
        .into_iter()
        .filter_map(|(field, end)| {
            let (code, verb) = match end {
                end if end <= now => ("certificate_expired", "ended"),
                end if end <= now.plus_seconds(SOON) => ("certificate_expires_soon", "ends"),
                _ => return None,
            };
            Some(Warning { code: code.to_owned(), field, detail: format!("a certificate {verb} at {end}") })
        })
        .collect();
    for spec in kind.fields() {
        if let Some(risk) = spec.risk.filter(|_| spec.is_risky(fields)) {
            found.push(Warning { code: risk.code.to_owned(), field: spec.field(), detail: risk.detail.to_owned() });
        }
    }
    found
}

fn certificate_ends(kind: &dyn Authenticator, fields: &Fields) -> Vec<(Field, Timestamp)> {
    let specs = kind.fields().into_iter().filter(|spec| spec.takes == FieldType::Certificates);
    specs
        .filter_map(|spec| fields.text(spec.name).map(|stored| (spec, pem::expiries(stored))))
        .flat_map(|(spec, ends)| ends.into_iter().map(move |end| (spec.field(), end)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticators::kind;
    use crate::authenticators::sample_keys::{CERTIFICATE, CERTIFICATE_2031};
    use domain::Setting;

    fn codes(slug: &str, values: &[(&str, Setting)], now: &str) -> Vec<String> {
        let fields = values.iter().map(|(name, value)| (Field::new(*name), value.clone())).collect();
        let now = Timestamp::parse(now).unwrap();
        warnings(kind(slug).unwrap(), &fields, now).into_iter().map(|warning| warning.code).collect()
    }

    #[test]
    fn r6_the_first_of_several_certificates_to_end_is_the_expiry() {
        let both = Setting::text(format!("{CERTIFICATE}{CERTIFICATE_2031}"));
        let fields = Fields::from_iter([(Field::setting("certificates"), both)]);
        let expiry = certificate_expiry(kind("saml").unwrap(), &fields);
        assert_eq!(expiry, Timestamp::parse("2031-01-01T06:02:21Z"));
        assert_eq!(certificate_expiry(kind("saml").unwrap(), &Fields::default()), None);
    }

    #[test]
    fn r6_a_certificate_warns_from_thirty_days_before_its_end() {
        let values = [("settings.certificate", Setting::text(CERTIFICATE_2031))];
        assert!(codes("onelogin", &values, "2030-12-02T06:02:20Z").is_empty());
        assert_eq!(codes("onelogin", &values, "2030-12-02T06:02:21Z"), ["certificate_expires_soon"]);
        assert_eq!(codes("onelogin", &values, "2031-01-01T06:02:20.999Z"), ["certificate_expires_soon"]);
        assert_eq!(codes("onelogin", &values, "2031-01-01T06:02:21Z"), ["certificate_expired"]);
    }

    #[test]
    fn insecure_choices_warn() {
        let now = "2026-11-23T00:00:00Z";
        let on = Setting::flag(true);
        for (slug, field, value, code) in [
            ("ldap", "settings.security", Setting::text("none"), "ldap_not_encrypted"),
            ("ldap", "settings.skip_certificate_check", on.clone(), "tls_not_verified"),
            ("saml", "settings.allow_sha1", on.clone(), "sha1_allowed"),
            ("saml", "settings.allow_idp_initiated", on.clone(), "idp_initiated_allowed"),
            ("database", "settings.tls", Setting::text("off"), "tls_not_verified"),
            ("database", "settings.hash", Setting::text("md5"), "weak_hash"),
            ("oidc", "settings.allow_insecure", on, "http_allowed"),
        ] {
            assert_eq!(codes(slug, &[(field, value)], now), [code]);
        }
        assert!(codes("ldap", &[("settings.security", Setting::text("ldaps"))], now).is_empty());
    }
}
