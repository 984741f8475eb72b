//! The provider's metadata: what it fills in when it is pasted, and what has changed at its URL.
//!
//! Spec: SAML Metadata 2.3 and 2.4.3 (IDPSSODescriptor).
//! Stops: metadata of another provider that changes the keys of this one; a document type; metadata past its end. Its
//! signature is not looked at: who pastes it vouches for it, and at its URL the TLS certificate does.

use super::super::every::invalid;
use super::super::field::FieldType;
use super::super::input::Input;
use super::super::{pem, text};
use super::document::{self, DSIG, METADATA, Node, PROTOCOL, Unusable};
use crate::sign_in::{Denied, Reason, Source};
use domain::{Fault, Field, Plain, Setting, Timestamp};
use std::collections::BTreeMap;

const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const METADATA_FIELD: &str = "settings.metadata";
const ENTITY_ID: &str = "settings.idp_entity_id";

/// What one provider publishes of itself, in the stored form of the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProviderMetadata {
    entity_id: String,
    sso_url: String,
    slo_url: Option<String>,
    certificates: String,
    valid_until: Option<Timestamp>,
}

impl ProviderMetadata {
    /// The fields that it fills in.
    fn fields(&self) -> impl Iterator<Item = (Field, &str)> {
        let slo_url = self.slo_url.as_deref().map(|url| ("settings.slo_url", url));
        let others = [
            (ENTITY_ID, self.entity_id.as_str()),
            ("settings.sso_url", &self.sso_url),
            ("settings.certificates", &self.certificates),
        ];
        others.into_iter().chain(slo_url).map(|(name, value)| (Field::new(name), value))
    }
}

/// All providers in a metadata document.
pub(super) fn providers(xml: &str) -> Result<Vec<ProviderMetadata>, Unusable> {
    let document = document::parse(xml)?;
    let root = Node::root(&document)?;
    let within = root.descendants().filter(|node| node.is(METADATA, "EntityDescriptor"));
    let entities: Vec<_> = root.is(METADATA, "EntityDescriptor").then_some(root).into_iter().chain(within).collect();
    let described = |entity: &Node<'_>| {
        let mut descriptors = entity.all(METADATA, "IDPSSODescriptor");
        let saml2 = |node: &Node<'_>| {
            let protocols = node.attribute("protocolSupportEnumeration").unwrap_or_default();
            protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL)
        };
        descriptors.find(saml2).map(|descriptor| provider(entity, &descriptor))
    };
    let found = entities.iter().filter_map(described).collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() {
        return Err(Unusable::new("this is no metadata of a SAML 2.0 identity provider"));
    }
    Ok(found)
}

fn provider(entity: &Node<'_>, descriptor: &Node<'_>) -> Result<ProviderMetadata, Unusable> {
    let url = |service| redirected(descriptor, service);
    let entity_id = stored(&FieldType::Text(1024), entity.needed("entityID")?)?;
    let sso_url = url("SingleSignOnService")?;
    Ok(ProviderMetadata {
        entity_id,
        sso_url: sso_url.ok_or_else(|| Unusable::new("this provider takes no requests by redirect"))?,
        slo_url: url("SingleLogoutService")?,
        certificates: certificates(descriptor)?,
        valid_until: entity.moment("validUntil")?,
    })
}

/// The address of a service that takes messages by redirect.
fn redirected(descriptor: &Node<'_>, service: &'static str) -> Result<Option<String>, Unusable> {
    let mut services = descriptor.all(METADATA, service);
    let found = services.find(|service| service.attribute("Binding") == Some(REDIRECT));
    found.map(|service| stored(&FieldType::Url, service.needed("Location")?)).transpose()
}

/// The certificates with which this provider signs, as PEM.
fn certificates(descriptor: &Node<'_>) -> Result<String, Unusable> {
    let signs = |key: &Node<'_>| matches!(key.attribute("use"), None | Some("signing"));
    let mut blocks = String::new();
    for key in descriptor.all(METADATA, "KeyDescriptor").filter(signs) {
        for certificate in key.descendants().filter(|node| node.is(DSIG, "X509Certificate")) {
            let base64 = certificate.text()?;
            blocks.push_str(&format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n"));
        }
    }
    if blocks.is_empty() {
        return Err(Unusable::new("this provider's metadata names no certificate to sign with"));
    }
    pem::certificates(&blocks).map_err(|problem| Unusable(problem.detail))
}

fn stored(takes: &FieldType, value: &str) -> Result<String, Unusable> {
    text::plain(takes, value).map_err(|problem| Unusable(problem.detail))
}

/// The provider called `entity_id`, or the only one.
fn choose<'a>(found: &'a [ProviderMetadata], entity_id: Option<&str>) -> Result<&'a ProviderMetadata, Unusable> {
    match (entity_id, found) {
        (Some(wanted), found) => found
            .iter()
            .find(|provider| provider.entity_id == wanted)
            .ok_or_else(|| Unusable::new("the metadata does not speak of the provider in idp_entity_id")),
        (None, [only]) => Ok(only),
        (None, _) => Err(Unusable::new("the metadata speaks of several providers; name one in idp_entity_id")),
    }
}

/// Fills in what the pasted metadata says and the request does not.
pub(super) fn complete(input: &mut BTreeMap<Field, Option<Input>>) -> Vec<Fault> {
    let given = |name: &str| match input.get(&Field::new(name)) {
        Some(Some(Input::Plain(Plain::Text(text)))) => Some(text.clone()),
        _ => None,
    };
    let Some(xml) = given(METADATA_FIELD) else { return Vec::new() };
    let read = providers(&xml).and_then(|found| choose(&found, given(ENTITY_ID).as_deref()).cloned());
    match read {
        Ok(provider) => {
            for (field, value) in provider.fields() {
                input.entry(field).or_insert_with(|| Some(Input::Plain(Plain::from(value))));
            }
            Vec::new()
        }
        Err(unusable) => vec![invalid(METADATA_FIELD, unusable.0)],
    }
}

/// What is different at `metadata_url` from what is set: the fields with their new values, none if nothing is. Metadata
/// that no longer speaks of the provider changes nothing and is an error.
pub async fn changed_metadata(source: &Source<'_>) -> Result<BTreeMap<Field, Option<Setting>>, Denied> {
    let Some(url) = source.text("metadata_url") else { return Ok(BTreeMap::new()) };
    let read = |bytes: &[u8]| {
        let xml = std::str::from_utf8(bytes).map_err(|_| "the metadata is no UTF-8".to_owned())?;
        providers(xml).map_err(|unusable| unusable.0)
    };
    let found = source.outbound.document(url, source.schemes(), read).await?;
    let misfit = |unusable: Unusable| Denied::new(Reason::Misconfigured, unusable.0);
    let provider = choose(&found, source.text("idp_entity_id")).map_err(misfit)?;
    if provider.valid_until.is_some_and(|until| until <= source.now) {
        return Err(Denied::new(Reason::Misconfigured, "the provider's metadata is past its end"));
    }
    let set = &source.usersource.fields;
    let changed = provider.fields().filter(|(field, value)| set.text(field.as_str()) != Some(value));
    Ok(changed.map(|(field, value)| (field, Some(Setting::text(value)))).collect())
}
