//! A few words in which the shapes of bodies and answers are written down.

use utoipa::openapi::schema::{AdditionalProperties, AnyOfBuilder, SchemaType};
use utoipa::openapi::{ArrayBuilder, KnownFormat, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat, Type};

/// A schema, or the name of one.
pub type Shape = RefOr<Schema>;

fn of(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(kind)
}

/// A text.
pub fn text(description: &str) -> Shape {
    of(Type::String).description(Some(description)).into()
}

/// A text, or null.
pub fn text_or_null(description: &str) -> Shape {
    ObjectBuilder::new()
        .schema_type(SchemaType::Array(vec![Type::String, Type::Null]))
        .description(Some(description))
        .into()
}

/// One of a few words.
pub fn word<'a>(words: impl IntoIterator<Item = &'a str>, description: &str) -> Shape {
    of(Type::String).enum_values(Some(words)).description(Some(description)).into()
}

/// A moment.
pub fn time(description: &str) -> Shape {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    of(Type::String).format(Some(format)).description(Some(description)).into()
}

/// A secret: it is sent, and never told again.
pub fn secret(description: &str) -> Shape {
    let format = SchemaFormat::KnownFormat(KnownFormat::Password);
    of(Type::String).format(Some(format)).description(Some(description)).into()
}

/// A whole number.
pub fn number(description: &str) -> Shape {
    of(Type::Integer).minimum(Some(0)).description(Some(description)).into()
}

/// A whole number within bounds.
pub fn number_within(least: i64, most: i64, description: &str) -> Shape {
    // The bounds of this program's numbers fit a pointer's width on every system that it is built for.
    let bound = |number: i64| isize::try_from(number).unwrap_or(isize::MAX);
    of(Type::Integer).minimum(Some(bound(least))).maximum(Some(bound(most))).description(Some(description)).into()
}

/// Yes or no.
pub fn flag(description: &str) -> Shape {
    of(Type::Boolean).description(Some(description)).into()
}

/// Any JSON value.
pub fn anything(description: &str) -> Shape {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some(description)).into()
}

/// Many of the same.
pub fn list(items: Shape) -> Shape {
    ArrayBuilder::new().items(items).into()
}

/// The shape with this name among the document's components.
pub fn named(name: &str) -> Shape {
    Ref::from_schema_name(name).into()
}

/// Any of these.
pub fn any_of(shapes: impl IntoIterator<Item = Shape>) -> Shape {
    shapes.into_iter().fold(AnyOfBuilder::new(), AnyOfBuilder::item).into()
}

/// The same, or null.
pub fn or_null(shape: Shape) -> Shape {
    any_of([shape, of(Type::Null).into()])
}

/// An object whose members all have the same shape.
pub fn map(values: Shape, description: &str) -> Shape {
    of(Type::Object).additional_properties(Some(values)).description(Some(description)).into()
}

/// An object. What is not said to be optional is always there.
pub fn object<'a>(members: impl IntoIterator<Item = (&'a str, Shape)>) -> Shape {
    object_with(members, [])
}

/// An object some members of which may be absent.
pub fn object_with<'a>(
    always: impl IntoIterator<Item = (&'a str, Shape)>,
    perhaps: impl IntoIterator<Item = (&'a str, Shape)>,
) -> Shape {
    members(always, perhaps).into()
}

/// An object that is sent: a member that is not known is refused.
pub fn body<'a>(
    always: impl IntoIterator<Item = (&'a str, Shape)>,
    perhaps: impl IntoIterator<Item = (&'a str, Shape)>,
) -> Shape {
    members(always, perhaps).additional_properties(Some(AdditionalProperties::FreeForm(false))).into()
}

fn members<'a>(
    always: impl IntoIterator<Item = (&'a str, Shape)>,
    perhaps: impl IntoIterator<Item = (&'a str, Shape)>,
) -> ObjectBuilder {
    let required =
        always.into_iter().fold(of(Type::Object), |object, (name, shape)| object.property(name, shape).required(name));
    perhaps.into_iter().fold(required, |object, (name, shape)| object.property(name, shape))
}
