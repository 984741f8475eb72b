//! What a directory sends is judged message by message before the LDAP library reads it.
//!
//! Spec: RFC 4511, 4.1.1 (messages), 4.1.9 (results), 4.5.2 (entries), 5.1 (definite lengths alone).
//! Stops: a directory that ends this service with one message. The library reads nested values by recursion, so that a
//! few thousand levels overflow the stack; it panics on answers of another shape, and on those to something that was not
//! asked; it reads messages of any length. So only the shapes below pass, and none has room for a value that could nest.

use crate::authenticators::judged::Unfit;

/// The longest message, in bytes: an entry with a picture or two.
pub(super) const LONGEST: usize = 1_048_576;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const BIND_RESULT: u8 = 0x61;
const ENTRY: u8 = 0x64;
const SEARCH_RESULT: u8 = 0x65;
const REFERENCE: u8 = 0x73;
const EXTENDED_RESULT: u8 = 0x78;
const CONTROLS: u8 = 0xa0;
/// Where Active Directory puts the name of a notice, beside the operation instead of in it.
const MISPLACED_NAME: u8 = 0x8a;

/// What was asked, and so what may be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// A bind.
    Bind,
    /// A search.
    Search,
    /// An extended operation.
    Extended,
}

impl Asked {
    /// A result of another operation would end the library's task.
    fn admits(self, id: &[u8], operation: u8) -> bool {
        let notice = operation == EXTENDED_RESULT && id.iter().all(|octet| *octet == 0);
        notice
            || match self {
                Self::Bind => operation == BIND_RESULT,
                Self::Search => matches!(operation, ENTRY | SEARCH_RESULT | REFERENCE),
                Self::Extended => operation == EXTENDED_RESULT,
            }
    }
}

/// The length of the message that `buffer` begins with; `None` while its end has not come yet.
pub(super) fn message(buffer: &[u8], asked: Asked) -> Result<Option<usize>, Unfit> {
    let Some((tag, begin, length)) = header(buffer)? else { return Ok(None) };
    let end = begin.checked_add(length).filter(|end| *end <= LONGEST).ok_or(Unfit)?;
    if tag != SEQUENCE {
        return Err(Unfit);
    }
    let Some(content) = buffer.get(begin..end) else { return Ok(None) };
    let parts = children(content)?;
    let [(INTEGER, id), operation, others @ ..] = parts.as_slice() else { return Err(Unfit) };
    if !asked.admits(id, operation.0) {
        return Err(Unfit);
    }
    whole_operation(*operation)?;
    match *others {
        [] | [(MISPLACED_NAME, _)] => {}
        [(CONTROLS, controls)] => children(controls)?.into_iter().try_for_each(whole_control)?,
        _ => return Err(Unfit),
    }
    Ok(Some(end))
}

/// The result code of an extended operation, from a whole message.
pub(super) fn extended_result(message: &[u8]) -> Option<u8> {
    let content = children(message).ok()?.first()?.1;
    let (EXTENDED_RESULT, result) = *children(content).ok()?.get(1)? else { return None };
    match *children(result).ok()?.first()? {
        (ENUMERATED, [code]) => Some(*code),
        _ => None,
    }
}

/// Tag, begin and length of the value that `bytes` begin with.
fn header(bytes: &[u8]) -> Result<Option<(u8, usize, usize)>, Unfit> {
    let (Some(&tag), Some(&first)) = (bytes.first(), bytes.get(1)) else { return Ok(None) };
    if first < 0x80 {
        return Ok(Some((tag, 2, usize::from(first))));
    }
    let more = usize::from(first & 0x7f);
    if !(1..=4).contains(&more) {
        return Err(Unfit);
    }
    let Some(octets) = bytes.get(2..2 + more) else { return Ok(None) };
    let length = octets.iter().fold(0_usize, |length, octet| length << 8 | usize::from(*octet));
    Ok(Some((tag, 2 + more, length)))
}

/// The values that `content` consists of.
fn children(mut content: &[u8]) -> Result<Vec<(u8, &[u8])>, Unfit> {
    let mut found = Vec::new();
    while !content.is_empty() {
        let (tag, begin, length) = header(content)?.ok_or(Unfit)?;
        let end = begin.checked_add(length).ok_or(Unfit)?;
        found.push((tag, content.get(begin..end).ok_or(Unfit)?));
        content = content.get(end..).unwrap_or_default();
    }
    Ok(found)
}

fn whole_operation((tag, content): (u8, &[u8])) -> Result<(), Unfit> {
    match tag {
        BIND_RESULT | SEARCH_RESULT | EXTENDED_RESULT => whole_result(content),
        ENTRY => whole_entry(content),
        REFERENCE => children(content)?.into_iter().try_for_each(text),
        _ => Err(Unfit),
    }
}

fn whole_result(content: &[u8]) -> Result<(), Unfit> {
    let parts = children(content)?;
    let [(ENUMERATED, code), matched, told, others @ ..] = parts.as_slice() else { return Err(Unfit) };
    if !(1..=4).contains(&code.len()) {
        return Err(Unfit);
    }
    text(*matched)?;
    text(*told)?;
    let constructed = |tag: &u8| tag & 0x20 != 0;
    others.iter().try_for_each(|(tag, content)| match tag & 0x1f {
        3 if constructed(tag) => children(content)?.into_iter().try_for_each(text),
        10 => text((tag & 0x20 | OCTETS, content)),
        _ if constructed(tag) => Err(Unfit),
        _ => Ok(()),
    })
}

fn whole_entry(content: &[u8]) -> Result<(), Unfit> {
    let [name, (SEQUENCE, attributes)] = *children(content)?.as_slice() else { return Err(Unfit) };
    text(name)?;
    children(attributes)?.into_iter().try_for_each(|attribute| {
        let (SEQUENCE, attribute) = attribute else { return Err(Unfit) };
        let [name, (SET, values)] = *children(attribute)?.as_slice() else { return Err(Unfit) };
        text(name)?;
        if children(values)?.iter().all(|(tag, _)| *tag == OCTETS) { Ok(()) } else { Err(Unfit) }
    })
}

fn whole_control((tag, content): (u8, &[u8])) -> Result<(), Unfit> {
    let parts = children(content)?;
    let (true, Some((name, others))) = (tag == SEQUENCE, parts.split_first()) else { return Err(Unfit) };
    text(*name)?;
    match *others {
        [] | [(OCTETS, _)] | [(0x01, [_, ..])] | [(0x01, [_, ..]), (OCTETS, _)] => Ok(()),
        _ => Err(Unfit),
    }
}

fn text((tag, content): (u8, &[u8])) -> Result<(), Unfit> {
    if tag == OCTETS && std::str::from_utf8(content).is_ok() { Ok(()) } else { Err(Unfit) }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
