//! Whether a password is what a hash in somebody's table was made from.
//!
//! Stops: telling known logins by time (without a hash the same work is done on another); a table that makes this service
//! work or fill its memory without end (each parameter has a bound, and so many hashes are worked at once); hashing on
//! the threads that answer requests.

mod crypt;
mod digest;
mod phc;

#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// No password is longer, in bytes.
const LONGEST: usize = 1024;
/// The longest hash that is looked at, in bytes.
const LONGEST_HASH: usize = 512;
/// The most memory of one hash, in bytes.
const MOST_MEMORY: u64 = 256 * 1024 * 1024;

/// So many hashes of all tables are worked at once: with the most memory each, a gigabyte.
static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Arc::new(Semaphore::new(cores.clamp(1, 4)))
});

/// How a table's passwords are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Argon2,
    Bcrypt,
    Scrypt,
    Pbkdf2,
    Sha512Crypt,
    Phpass,
    Sha256,
    Sha1,
    Md5,
}

/// Why a hash cannot be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It is no hash of this sort.
    Unreadable,
    /// It is, and would take more time or memory than a sign-in may.
    TooCostly,
}

/// A hash from a table, and the salt beside it if there is one.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) hash: Zeroizing<String>,
    pub(super) salt: Salt,
}

/// What is hashed with the password where the hash does not hold it.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Salt {
    Before(String),
    After(String),
}

impl Hash {
    /// The hash that the setting `name` means.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "argon2" => Self::Argon2,
            "bcrypt" => Self::Bcrypt,
            "scrypt" => Self::Scrypt,
            "pbkdf2" => Self::Pbkdf2,
            "sha512-crypt" => Self::Sha512Crypt,
            "phpass" => Self::Phpass,
            "sha256" => Self::Sha256,
            "sha1" => Self::Sha1,
            "md5" => Self::Md5,
            _ => return None,
        })
    }

    /// Whether `password` is what `stored` was made from. Where there is none the answer is no, after the work that
    /// `other`, somebody else's hash in the same table, would take.
    pub(super) async fn verify(
        self,
        stored: Option<Stored>,
        other: Option<Stored>,
        password: Zeroizing<String>,
    ) -> Result<bool, Unusable> {
        let Ok(turn) = Arc::clone(&TURNS).acquire_owned().await else { return Ok(false) };
        let work = move || {
            let result = self.verify_or_work(stored.as_ref(), other.as_ref(), password.as_bytes());
            drop(turn);
            result
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(Ok(false))
    }

    fn verify_or_work(self, stored: Option<&Stored>, other: Option<&Stored>, typed: &[u8]) -> Result<bool, Unusable> {
        let password = typed.get(..LONGEST).unwrap_or(typed);
        let verified = stored.map(|stored| self.matches(stored, password));
        if !matches!(verified, Some(Ok(_))) {
            let worked = other.is_some_and(|other| self.matches(other, password).is_ok());
            if !worked {
                let _ = self.matches(
                    &Stored { hash: Zeroizing::new(self.of_nobody()), salt: Salt::Before(String::new()) },
                    password,
                );
            }
        }
        Ok(verified.unwrap_or(Ok(false))? && typed.len() <= LONGEST)
    }

    fn matches(self, stored: &Stored, password: &[u8]) -> Result<bool, Unusable> {
        let hash = stored.hash.trim();
        if hash.len() > LONGEST_HASH {
            return Err(Unusable::Unreadable);
        }
        match self {
            Self::Argon2 => phc::argon2(hash, password),
            Self::Scrypt => phc::scrypt(hash, password),
            Self::Pbkdf2 => phc::pbkdf2(hash, password),
            Self::Bcrypt => crypt::bcrypt(hash, password),
            Self::Sha512Crypt => crypt::sha512_crypt(hash, password),
            Self::Phpass => crypt::phpass(hash, password),
            Self::Sha256 => digest::sha256(hash, &salted(&stored.salt, password)),
            Self::Sha1 => digest::sha1(hash, &salted(&stored.salt, password)),
            Self::Md5 => digest::md5(hash, &salted(&stored.salt, password)),
        }
    }

    /// A hash with usual parameters that no password has.
    fn of_nobody(self) -> String {
        match self {
            Self::Argon2 => format!("$argon2id$v=19$m=19456,t=2,p=1${}${}", "A".repeat(22), "A".repeat(43)),
            Self::Scrypt => format!("$scrypt$ln=15,r=8,p=1${}${}", "A".repeat(22), "A".repeat(43)),
            Self::Pbkdf2 => format!("pbkdf2_sha256$600000$salt${}=", "A".repeat(43)),
            Self::Bcrypt => format!("$2b$12${}", ".".repeat(53)),
            Self::Sha512Crypt => format!("$6$saltsaltsaltsalt${}", ".".repeat(86)),
            Self::Phpass => format!("$P$B{}", ".".repeat(30)),
            Self::Sha256 => "0".repeat(64),
            Self::Sha1 => "0".repeat(40),
            Self::Md5 => "0".repeat(32),
        }
    }
}

fn salted(salt: &Salt, password: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(match salt {
        Salt::Before(salt) => [salt.as_bytes(), password].concat(),
        Salt::After(salt) => [password, salt.as_bytes()].concat(),
    })
}

/// Whether two hashes are the same, in a time that does not depend on where they differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}
