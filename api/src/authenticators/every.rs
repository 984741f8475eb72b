//! Fields that kinds share: what every usersource has, and what several protocols have in common.

use super::field::{FieldSpec, FieldType, Unset};
use domain::{Audience, Fault, Field, Fields, Plain, Setting};

/// What every kind has.
pub(super) const EVERY: &[FieldSpec] = &[
    FieldSpec::new(
        Field::TITLE,
        "Title",
        FieldType::Text(100),
        "What this usersource is called, in the console, in the audit trail and beside its icon.",
    )
    .required(),
    FieldSpec::new(
        Field::FILTER,
        "Filter",
        FieldType::Lines(4000),
        "An expression (CEL) over the claims that the source returns, each a variable and all of them in `claims`. Who \
         does not fulfil it does not get in; an expression that fails lets nobody in.",
    ),
    FieldSpec::new(
        Field::AUTO_AGENT,
        "Auto agent",
        FieldType::Flag,
        "Gives an unknown person an agent's account at the first sign-in. Refused on a source that lets anybody in.",
    )
    .unset_is(Unset::Flag(false))
    .only_for(&[Audience::Agents]),
    FieldSpec::new(
        "provisioning.permission_group",
        "Permission group",
        FieldType::Text(100),
        "The permission group that an agent made by auto agent gets.",
    )
    .only_for(&[Audience::Agents]),
    FieldSpec::new(
        "provisioning.create_accounts",
        "Create accounts",
        FieldType::Flag,
        "Gives an unknown person a user's account at the first sign-in.",
    )
    .unset_is(Unset::Flag(true))
    .only_for(&[Audience::Users]),
    FieldSpec::new(
        "provisioning.grant_group",
        "Usergroup",
        FieldType::Text(100),
        "The usergroup that a user made here is put in.",
    )
    .only_for(&[Audience::Users]),
];

/// What every kind has that can do single sign-on.
pub(super) const BUTTON: &[FieldSpec] = &[FieldSpec::new(
    Field::BUTTON_TEXT,
    "Button text",
    FieldType::Text(60),
    "What the button on the login page says. Without it there is no button, unless single sign-on is in the background.",
)];

/// Full name of the flag that lets URLs be `http`.
pub(super) const ALLOW_INSECURE: &str = "settings.allow_insecure";

/// What every kind has whose other side is reached by URLs.
pub(super) const INSECURE: &[FieldSpec] = &[FieldSpec::new(
    ALLOW_INSECURE,
    "Allow http",
    FieldType::Flag,
    "Lets the URLs here be http. For tests on one machine only.",
)
.unset_is(Unset::Flag(false))
.risky(&[], "http_allowed", "Over http anybody on the way can read and change sign-ins.")];

const TRUST_EMAIL: &str = "settings.trust_email";
/// The domains of addresses.
pub(super) const EMAIL_DOMAINS: &str = "settings.email_domains";

/// What the kinds have whose protocol does not say whether an address was verified (R30).
pub(super) const TRUST: &[FieldSpec] = &[
    FieldSpec::new(
        TRUST_EMAIL,
        "Trust e-mail addresses",
        FieldType::Flag,
        "Takes the addresses that this source returns as verified, so that they find existing accounts. \
         Only for addresses in the domains named below.",
    )
    .unset_is(Unset::Flag(false)),
    FieldSpec::new(
        EMAIL_DOMAINS,
        "E-mail domains",
        FieldType::List(&FieldType::Domain, 50),
        "The domains whose addresses this source may vouch for, such as example.com.",
    )
    .required_if("trust_email is on"),
];

/// Trust in addresses is limited to named domains (R30).
pub(super) fn check_trust(fields: &Fields) -> Vec<Fault> {
    if fields.flag(TRUST_EMAIL) && !has_items(fields, EMAIL_DOMAINS) {
        return vec![required(EMAIL_DOMAINS, "name the domains whose addresses are trusted, or turn trust_email off")];
    }
    Vec::new()
}

/// Whether the list `name` is set and not empty.
pub(super) fn has_items(fields: &Fields, name: &str) -> bool {
    matches!(fields.get(name), Some(Setting::Plain(Plain::List(items))) if !items.is_empty())
}

/// The fault of a field that is not set and must be, for the usersource to be enabled.
pub(super) fn required(name: &str, detail: &str) -> Fault {
    Fault::new(&Field::new(name), REQUIRED, detail)
}

/// The fault of a value that can never be right.
pub(super) fn invalid(name: &str, detail: impl Into<String>) -> Fault {
    Fault::new(&Field::new(name), "invalid", detail)
}

/// The code of what is only missing: it hinders enabling, not installing (R3).
pub(super) const REQUIRED: &str = "required";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r30_trust_in_addresses_needs_named_domains() {
        let fields = |domains: &[&str]| {
            let domains = domains.iter().map(ToString::to_string).collect();
            Fields::from_iter([
                (Field::new(TRUST_EMAIL), Setting::flag(true)),
                (Field::new(EMAIL_DOMAINS), Setting::Plain(Plain::List(domains))),
            ])
        };
        assert_eq!(check_trust(&fields(&[])).len(), 1);
        assert!(check_trust(&fields(&["example.com"])).is_empty());
        assert!(check_trust(&Fields::default()).is_empty());
    }
}
