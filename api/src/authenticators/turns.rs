//! How many sign-ins ask one usersource's source at once.
//!
//! Stops: a rush at the login form that becomes a rush at somebody's directory or database.

use crate::sign_in::{Denied, Reason, Source};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So long a sign-in waits for its turn.
const PATIENCE: Duration = Duration::from_secs(3);
/// Beyond so many usersources, those that nobody waits for are forgotten.
const REMEMBERED: usize = 1024;

type Queues = HashMap<(String, usize), Arc<Semaphore>>;
static QUEUES: LazyLock<Mutex<Queues>> = LazyLock::new(Mutex::default);

/// A turn at the source, until it is dropped; `most` have one at the same time.
pub(super) async fn turn(source: &Source<'_>, most: usize) -> Result<OwnedSemaphorePermit, Denied> {
    let busy = || Denied::new(Reason::Unreachable, format!("{most} sign-ins ask this source already"));
    let queue = queue(format!("{}/{}", source.helpdesk, source.usersource.id), most);
    let turn = tokio::time::timeout(PATIENCE, queue.acquire_owned()).await;
    turn.map_err(|_| busy())?.map_err(|_| busy())
}

fn queue(whose: String, most: usize) -> Arc<Semaphore> {
    let mut queues = QUEUES.lock().unwrap_or_else(PoisonError::into_inner);
    if queues.len() >= REMEMBERED {
        // Whoever waits or has a turn holds the queue too.
        queues.retain(|_, queue| Arc::strong_count(queue) > 1);
    }
    Arc::clone(queues.entry((whose, most)).or_insert_with(|| Arc::new(Semaphore::new(most.max(1)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn so_many_have_a_turn_and_a_usersource_is_not_forgotten_while_somebody_has_one() {
        let queue_of = |whose: &str| queue(whose.to_owned(), 2);
        let first = queue_of("default/us_turns").acquire_owned().await.unwrap();
        let second = queue_of("default/us_turns").acquire_owned().await.unwrap();
        for other in 0..2 * REMEMBERED {
            assert!(queue_of(&format!("default/us_{other}")).try_acquire_owned().is_ok());
        }
        assert!(QUEUES.lock().unwrap().len() <= REMEMBERED);
        assert!(queue_of("default/us_turns").try_acquire_owned().is_err());
        drop((first, second));
        assert!(queue_of("default/us_turns").try_acquire_owned().is_ok());
    }
}
