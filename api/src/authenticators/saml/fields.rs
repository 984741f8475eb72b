//! The fields of `saml`, and those that its presets have too.

use super::super::field::{FieldSpec, FieldType, Unset};
use super::signing_keys::{CERTIFICATE, PRIVATE_KEY};

/// What only `saml` itself has.
pub(super) const SETTINGS: &[FieldSpec] = &[
    FieldSpec::new(
        "settings.sso_url",
        "Single sign-on URL",
        FieldType::Url,
        "Where the browser is sent to sign in: the provider's SAML 2.0 endpoint.",
    )
    .required()
    .elsewhere("Zendesk: SAML SSO URL"),
    FieldSpec::new(
        "settings.slo_url",
        "Single log-out URL",
        FieldType::Url,
        "Where the browser is sent to sign out at the provider too.",
    )
    .elsewhere("Zendesk: Remote logout URL"),
    FieldSpec::new(
        "settings.idp_entity_id",
        "Provider's entity id",
        FieldType::Text(1024),
        "The provider's own name. A response from any other issuer is refused.",
    )
    .required(),
    FieldSpec::new(
        "settings.metadata",
        "Provider's metadata",
        FieldType::Xml(200_000),
        "The provider's metadata document. It fills in the URLs, the entity id and the certificates.",
    ),
    FieldSpec::new(
        "settings.metadata_url",
        "Provider's metadata URL",
        FieldType::Url,
        "Where the provider publishes its metadata. It is read again every day, so that a new certificate arrives by itself.",
    ),
    FieldSpec::new(
        "settings.certificates",
        "Signing certificates",
        FieldType::Certificates,
        "The certificates that the provider signs with, as PEM. Give the old and the new one during a roll-over. \
         A fingerprint is not enough.",
    )
    .required()
    .elsewhere("Zendesk: Certificate fingerprint (there only a fingerprint; here the whole certificate)"),
];

/// What `saml` and its presets have in common.
pub(in crate::authenticators) const COMMON: &[FieldSpec] = &[
    FieldSpec::new(
        "settings.want",
        "What must be signed",
        FieldType::Choice(&["assertion", "response", "either"]),
        "The part of the answer that the provider has to sign.",
    )
    .unset_is(Unset::Text("assertion")),
    FieldSpec::new(
        "settings.sign_requests",
        "Sign requests",
        FieldType::Flag,
        "Signs what we send to the provider, with a key pair of this usersource.",
    )
    .unset_is(Unset::Flag(false)),
    FieldSpec::new(
        CERTIFICATE,
        "Our certificate",
        FieldType::Certificates,
        "Made at install, with its private key. The provider finds it in our metadata.",
    ),
    FieldSpec::new(
        PRIVATE_KEY,
        "Our private key",
        FieldType::PrivateKey,
        "Made at install. It signs what we send and opens what is encrypted for us. To replace it, give an RSA key and \
         its certificate together.",
    ),
    FieldSpec::new(
        "settings.allow_sha1",
        "Allow SHA-1",
        FieldType::Flag,
        "Takes signatures made with SHA-1, for old providers.",
    )
    .unset_is(Unset::Flag(false))
    .risky(&[], "sha1_allowed", "A signature over SHA-1 can be forged with effort; ask the provider for SHA-256."),
    FieldSpec::new(
        "settings.passive",
        "Silent attempts",
        FieldType::Flag,
        "Under background single sign-on, asks the provider once whether the visitor is signed in there already (IsPassive).",
    )
    .unset_is(Unset::Flag(false)),
    FieldSpec::new(
        "settings.allow_idp_initiated",
        "Allow sign-ins that the provider begins",
        FieldType::Flag,
        "Takes answers to which we sent no request, such as a click on a tile in the provider's portal.",
    )
    .unset_is(Unset::Flag(false))
    .risky(&[], "idp_initiated_allowed", "An answer without a request can be slipped to another person's browser."),
    FieldSpec::new(
        "settings.name_id_format",
        "Form of the name id",
        FieldType::Choice(&["unspecified", "persistent", "email_address"]),
        "What we ask the provider to identify a person by. A transient name id identifies nobody and is refused.",
    )
    .unset_is(Unset::Text("unspecified")),
    FieldSpec::new(
        "settings.email_attribute",
        "Attribute for the e-mail address",
        FieldType::Text(256),
        "Leave it out for the names that Okta, Entra, AD FS and Google Workspace use.",
    ),
    FieldSpec::new(
        "settings.name_attribute",
        "Attribute for the name",
        FieldType::Text(256),
        "Leave it out for the usual names, or where first and last name come apart.",
    ),
    FieldSpec::new(
        "settings.first_name_attribute",
        "Attribute for the first name",
        FieldType::Text(256),
        "Leave it out for the usual names.",
    ),
    FieldSpec::new(
        "settings.last_name_attribute",
        "Attribute for the last name",
        FieldType::Text(256),
        "Leave it out for the usual names.",
    ),
];
