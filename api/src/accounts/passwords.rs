//! Passwords: argon2id on a bounded pool (R64), and the same work whether a login is known or not (R26).
//!
//! Spec: OWASP password storage: argon2id, 19 MiB, two passes, one lane. So many run at once, so many wait, and the
//! rest are told that the service is busy.
//! Stops: a stolen database; telling known logins by time; sign-ins that starve everything else of memory or threads.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::Policy;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// So many may wait for their turn.
const WAITING: usize = 512;

/// No password is longer, in bytes.
const LONGEST: usize = 1024;

/// What an unknown login is verified against: present parameters, and an output that no password has.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The only place where passwords are hashed. Clones share the pool.
#[derive(Debug, Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

/// What a verification found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Whether it is the password.
    pub matches: bool,
    /// Whether it is, and its hash has weaker parameters than new ones have.
    pub rehash_wanted: bool,
}

/// Why no password could be looked at. It says nothing about the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordsError {
    /// Too many are waiting. Try again in a moment: 503.
    #[error("too many sign-ins at once")]
    Busy,
    /// The system gave no memory or no random numbers.
    #[error("a password could not be hashed")]
    Failed,
}

/// Why a new password is refused. Each says what to do instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    /// Shorter than the policy says.
    #[error("use at least {0} characters")]
    TooShort(i64),
    /// Longer than 1,024 bytes.
    #[error("use at most 1024 bytes")]
    TooLong,
    /// The e-mail address or the name.
    #[error("use something else than your name or e-mail address")]
    OwnName,
}

/// Judges a new password for somebody who is called `name` and has the address `email`.
pub fn check_new(password: &str, policy: &Policy, email: &str, name: &str) -> Result<(), PasswordFault> {
    let length = i64::try_from(password.chars().count()).unwrap_or(i64::MAX);
    if length < policy.password_min_length {
        return Err(PasswordFault::TooShort(policy.password_min_length));
    }
    if password.len() > LONGEST {
        return Err(PasswordFault::TooLong);
    }
    let plain = Zeroizing::new(password.trim().to_lowercase());
    if [email, name].iter().any(|own| own.trim().to_lowercase() == *plain) {
        return Err(PasswordFault::OwnName);
    }
    Ok(())
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

/// One who waits; it counts until it is dropped, also when its request was given up.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Passwords {
    /// A pool in which `parallelism` passwords are hashed at once, each in 19 MiB.
    pub fn new(parallelism: usize) -> Self {
        Self { turns: Arc::new(Semaphore::new(parallelism.max(1))), waiting: Arc::new(AtomicUsize::new(0)) }
    }

    /// The hash of a new password, which [`check_new`] has let pass.
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, PasswordsError> {
        self.run(move || {
            let hash: PasswordHash = argon2().hash_password(password.as_bytes()).map_err(|_| PasswordsError::Failed)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether `password` is what `stored` was made from. Without a stored hash, and with one that is unreadable, the
    /// answer is no after the same work.
    pub async fn verify(
        &self,
        stored: Option<String>,
        password: Zeroizing<String>,
    ) -> Result<Verified, PasswordsError> {
        self.run(move || {
            let stored = stored.filter(|_| password.len() <= LONGEST);
            let hash = stored.as_deref().and_then(|stored| PasswordHash::new(stored).ok());
            let known = hash.is_some();
            let hash = match hash {
                Some(hash) => hash,
                None => PasswordHash::new(DUMMY).map_err(|_| PasswordsError::Failed)?,
            };
            let work = password.as_bytes().get(..LONGEST).unwrap_or(password.as_bytes());
            let matches = argon2().verify_password(work, &hash).is_ok() && known;
            Ok(Verified { matches, rehash_wanted: matches && is_weaker(&hash) })
        })
        .await
    }

    /// Waits for a turn and works off the threads that answer requests. A turn lasts as long as its work, even if the
    /// one who asked has gone.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordsError> + Send + 'static,
    ) -> Result<T, PasswordsError> {
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        let waiting = Waiting(&self.waiting);
        if before >= WAITING {
            return Err(PasswordsError::Busy);
        }
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| PasswordsError::Failed)?;
        drop(waiting);
        let worked = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        worked.await.map_err(|_| PasswordsError::Failed)?
    }
}

fn is_weaker(hash: &PasswordHash) -> bool {
    let present = Params::DEFAULT;
    let old = hash.algorithm.as_str() != "argon2id" || hash.version != Some(Version::V0x13.into());
    old || Params::try_from(hash).map_or(true, |params| {
        params.m_cost() < present.m_cost() || params.t_cost() < present.t_cost() || params.p_cost() < present.p_cost()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    const RIGHT: &str = "correct horse battery";

    fn typed(password: &str) -> Zeroizing<String> {
        Zeroizing::new(password.to_owned())
    }

    #[test]
    fn r64_a_new_password_keeps_to_the_policy() {
        let policy = Policy::default();
        let check = |password: &str| check_new(password, &policy, "jane.doe@example.test", "Jane Doe the Third");
        assert_eq!(check("elf zeichen"), Err(PasswordFault::TooShort(12)));
        assert_eq!(check("zwölf Zeichn"), Ok(()));
        assert_eq!(check(&"x".repeat(1025)), Err(PasswordFault::TooLong));
        assert_eq!(check("Jane.Doe@Example.test"), Err(PasswordFault::OwnName));
        assert_eq!(check("jane doe the third "), Err(PasswordFault::OwnName));
    }

    #[tokio::test]
    async fn r64_hashes_are_argon2id_and_weaker_ones_want_a_rehash() {
        let passwords = Passwords::new(2);
        let hash = passwords.hash(typed(RIGHT)).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, passwords.hash(typed(RIGHT)).await.unwrap());
        let verify = async |stored: &str, password| passwords.verify(Some(stored.to_owned()), typed(password)).await;
        assert_eq!(verify(&hash, RIGHT).await, Ok(Verified { matches: true, rehash_wanted: false }));
        assert_eq!(verify(&hash, "wrong").await, Ok(Verified { matches: false, rehash_wanted: false }));
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
        let weak: PasswordHash = weak.hash_password(RIGHT.as_bytes()).unwrap();
        assert_eq!(verify(&weak.to_string(), RIGHT).await, Ok(Verified { matches: true, rehash_wanted: true }));
        for unreadable in ["", "plain", RIGHT, "$argon2id$v=19$m=19456,t=2,p=1"] {
            assert!(!verify(unreadable, RIGHT).await.unwrap().matches);
        }
    }

    #[tokio::test]
    async fn r26_an_unknown_login_costs_the_same_work_as_a_wrong_password() {
        let dummy = PasswordHash::new(DUMMY).unwrap();
        assert_eq!(Params::try_from(&dummy).unwrap(), {
            let real: PasswordHash = argon2().hash_password(b"x").unwrap();
            Params::try_from(&real).unwrap()
        });
        assert!(!is_weaker(&dummy));
        let passwords = Passwords::new(1);
        let hash = passwords.hash(typed(RIGHT)).await.unwrap();
        let mut fastest = [Duration::MAX; 3];
        for _ in 0..7 {
            let stored = [Some(hash.clone()), None, Some("unreadable".to_owned())];
            for (fastest, stored) in fastest.iter_mut().zip(stored) {
                let begun = Instant::now();
                assert!(!passwords.verify(stored, typed("wrong")).await.unwrap().matches);
                *fastest = (*fastest).min(begun.elapsed());
            }
        }
        let [known, unknown, unreadable] = fastest;
        assert!(unknown * 2 > known && known * 2 > unknown, "{known:?} against {unknown:?}");
        assert!(unreadable * 2 > known, "{known:?} against {unreadable:?}");
    }

    #[tokio::test]
    async fn so_many_wait_and_the_rest_are_told_at_once_and_those_who_give_up_make_room() {
        let passwords = Passwords::new(1);
        let turn = Arc::clone(&passwords.turns).acquire_owned().await.unwrap();
        let wait = || {
            let passwords = passwords.clone();
            tokio::spawn(async move { passwords.verify(None, typed("x")).await })
        };
        let waiting: Vec<_> = (0..WAITING).map(|_| wait()).collect();
        while passwords.waiting.load(Ordering::Acquire) < WAITING {
            tokio::task::yield_now().await;
        }
        assert_eq!(passwords.verify(None, typed("x")).await, Err(PasswordsError::Busy));
        for gone in waiting {
            gone.abort();
            let _ = gone.await;
        }
        assert_eq!(passwords.waiting.load(Ordering::Acquire), 0);
        drop(turn);
        assert!(!passwords.verify(None, typed("x")).await.unwrap().matches);
    }
}
