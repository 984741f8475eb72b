//! The order in which an audience's usersources are shown and asked (R23, R26).

use crate::config::AuthConfig;
use crate::event::Event;
use crate::rejection::Rejection;
use crate::values::{Audience, UsersourceId};
use std::collections::BTreeSet;

/// Puts them in this order, which must name each of them once: a partial order would leave the rest to chance.
pub(crate) fn set(state: &AuthConfig, audience: Audience, wanted: &[UsersourceId]) -> Result<Vec<Event>, Rejection> {
    let before: Vec<UsersourceId> = state.of(audience).map(|u| u.id.clone()).collect();
    let same_set = before.iter().collect::<BTreeSet<_>>() == wanted.iter().collect::<BTreeSet<_>>();
    if !same_set || wanted.len() != before.len() {
        return Err(Rejection::NotAnOrder);
    }
    if wanted == before {
        return Err(Rejection::NothingToChange);
    }
    Ok(vec![Event::OrderChanged { audience, before, after: wanted.to_vec() }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::rules::given::{Given, installed};

    #[test]
    fn r23_an_order_names_each_usersource_of_the_audience_once_and_moves_no_other() {
        let mut given = Given::helpdesk();
        given.done(installed("us_1", "saml", Audience::Users, &[]));
        given.done(installed("us_2", "saml", Audience::Agents, &[]));
        let order = |ids: &[&str]| Command::SetOrder {
            audience: Audience::Users,
            usersources: ids.iter().map(|id| UsersourceId::new(*id)).collect(),
        };
        for wrong in [&["us_1"][..], &["us_1", "us_1"], &["us_1", "dp_users", "us_2"], &["us_1", "us_2"]] {
            assert_eq!(given.when(order(wrong)), Err(Rejection::NotAnOrder), "{wrong:?}");
        }
        assert_eq!(given.when(order(&["dp_users", "us_1"])), Err(Rejection::NothingToChange));
        assert_eq!(given.when(order(&["dp_users", "gone"])), Err(Rejection::NotAnOrder));
        given.done(order(&["us_1", "dp_users"]));
        let ids = |audience| given.state.of(audience).map(|u| u.id.as_str()).collect::<Vec<_>>();
        assert_eq!(ids(Audience::Users), ["us_1", "dp_users"]);
        assert_eq!(ids(Audience::Agents), ["dp_agents", "us_2"]);
    }
}
