//! What an audience's passwords, lockouts and sessions must keep to (R64).

use crate::catalogue::Fault;
use crate::config::AuthConfig;
use crate::event::Event;
use crate::rejection::Rejection;
use crate::values::{Audience, Field, Policy};
use std::collections::BTreeMap;

/// Changes the values named. Out of range is refused, with the range.
pub(crate) fn change(
    state: &AuthConfig,
    audience: Audience,
    values: &BTreeMap<String, i64>,
) -> Result<Vec<Event>, Rejection> {
    let faults: Vec<Fault> = values
        .iter()
        .filter_map(|(name, value)| match Policy::RANGES.iter().find(|(known, ..)| known == name) {
            None => Some(Fault::new(&Field::new(name), "unknown_field", "no policy has this value")),
            Some((_, low, high)) if !(low..=high).contains(&value) => {
                Some(Fault::new(&Field::new(name), "invalid", format!("a whole number from {low} to {high}")))
            }
            Some(_) => None,
        })
        .collect();
    if !faults.is_empty() {
        return Err(Rejection::InvalidSetting(faults));
    }
    let policy = state.policy(audience);
    let changes: Vec<_> = values.iter().filter_map(|(name, value)| policy.change(name, *value)).collect();
    if changes.is_empty() {
        return Err(Rejection::NothingToChange);
    }
    Ok(vec![Event::PolicyChanged { audience, changes }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::rules::given::Given;

    fn set(name: &str, value: i64) -> Command {
        Command::ChangePolicy { audience: Audience::Users, values: [(name.to_owned(), value)].into() }
    }

    #[test]
    fn r64_a_policy_stays_in_its_range_and_to_its_audience() {
        for (name, low, high) in Policy::RANGES {
            let mut given = Given::helpdesk();
            assert_eq!(given.when(set(name, low - 1)).unwrap_err().code(), "invalid_setting", "{name}");
            assert_eq!(given.when(set(name, high + 1)).unwrap_err().code(), "invalid_setting", "{name}");
            given.done(set(name, high));
            assert_eq!(given.state.policy(Audience::Users).value(name), Some(high));
            assert_eq!(given.state.policy(Audience::Agents), Policy::default());
            assert_eq!(given.when(set(name, high)), Err(Rejection::NothingToChange));
        }
        assert_eq!(Given::helpdesk().when(set("colour", 1)).unwrap_err().code(), "invalid_setting");
    }
}
