//! The fields of usersources as shapes, made from the kinds' own lists of fields.

use super::shape::{Shape, any_of, body, flag, list, named, number_within, or_null, secret, text, word};
use crate::authenticators::{Authenticator, FieldSpec, FieldType, KINDS};
use std::collections::BTreeMap;
use utoipa::openapi::schema::ObjectBuilder;
use utoipa::openapi::{Type, schema::SchemaType};

/// The slugs of all kinds.
pub fn slugs() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.slug())
}

/// The shape of each kind's settings, and of the provisioning that all have.
pub fn shapes() -> Vec<(String, Shape)> {
    let mut shapes: Vec<_> = with_settings().map(|kind| (name(kind), part(&kind.fields(), "settings."))).collect();
    let everything: Vec<_> = KINDS.iter().flat_map(|kind| kind.fields()).collect();
    shapes.push(("Provisioning".to_owned(), part(&everything, "provisioning.")));
    shapes
}

/// The members of a body that sets fields, without kind and audience.
pub fn members() -> Vec<(&'static str, Shape)> {
    let everything: Vec<_> = KINDS.iter().flat_map(|kind| kind.fields()).collect();
    let mut members: Vec<_> = specs(&everything, "").into_iter().map(|(name, spec)| (name, nullable(spec))).collect();
    members.push(("provisioning", named("Provisioning")));
    members.push(("settings", any_of(with_settings().map(|kind| named(&name(kind))))));
    members
}

fn with_settings() -> impl Iterator<Item = &'static dyn Authenticator> {
    KINDS.iter().copied().filter(|kind| kind.settings().iter().copied().flatten().next().is_some())
}

fn name(kind: &dyn Authenticator) -> String {
    format!("settings_of_{}", kind.slug())
}

/// The fields under a prefix by their short names, each once.
fn specs(specs: &[&'static FieldSpec], prefix: &str) -> BTreeMap<&'static str, &'static FieldSpec> {
    let short = |spec: &&'static FieldSpec| {
        let name = spec.name.strip_prefix(prefix)?;
        (!name.contains('.')).then_some((name, *spec))
    };
    specs.iter().filter_map(short).collect()
}

fn part(fields: &[&'static FieldSpec], prefix: &str) -> Shape {
    body([], specs(fields, prefix).into_iter().map(|(name, spec)| (name, nullable(spec))))
}

/// What a field takes; null clears it.
fn nullable(spec: &FieldSpec) -> Shape {
    let told = format!("{}: {}", spec.label, spec.help);
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other type is a text, whose form `help` tells")]
    let shape = match spec.takes {
        FieldType::Flag => flag(&told),
        FieldType::Integer(least, most) => number_within(least, most, &told),
        FieldType::Choice(choices) => word(choices.iter().copied(), &told),
        FieldType::List(items, _) => list(text(&format!("{told} Each a {}.", items.as_str()))),
        FieldType::Text(most) | FieldType::Lines(most) | FieldType::Xml(most) => long(most, &told),
        FieldType::PrivateKey | FieldType::Secret(..) => secret(&told),
        _ => text(&told),
    };
    or_null(shape)
}

fn long(most: usize, description: &str) -> Shape {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .max_length(Some(most))
        .description(Some(description))
        .into()
}
