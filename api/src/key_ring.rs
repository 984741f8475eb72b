//! The keys that seal secrets: from a file in the data folder, or from the environment.
//!
//! Spec: the file is made once with fresh random keys, complete or not at all, and only its owner may read it.
//! Stops: a key that another user of the host can read; a crash or a second process that leaves half a file or
//! replaces keys which have sealed something already; a key that shows in `Debug` or in an error.

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// One key of 256 bits.
pub(crate) type Key = Zeroizing<[u8; 32]>;

/// Why there are no keys. The service must not start without them.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The file could not be read or written.
    #[error("the key ring {path} could not be read or made: {source}")]
    File {
        /// Where it is or should be.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read the file; its keys may be known to them.
    #[error("the key ring {path} can be read by others (mode {mode:o}); run: chmod 600 {path}")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// What is there is no key ring. The sentence names the part, never its value.
    #[error("{origin} is not a key ring: {why}")]
    Malformed {
        /// The file, or the environment variable.
        origin: String,
        /// What is wrong.
        why: String,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoChance,
}

/// All keys. The current one seals; every one opens what it has sealed.
pub struct KeyRing {
    pub(crate) current: String,
    pub(crate) keys: BTreeMap<String, Key>,
    pub(crate) fingerprint: Key,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing(current {}, {} keys)", self.current, self.keys.len())
    }
}

/// A key as the file has it.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
struct Encoded(String);

impl Encoded {
    fn of(key: &Key) -> Self {
        Self(STANDARD.encode(key.as_slice()))
    }

    fn key(&self) -> Option<Key> {
        let mut key = Key::default();
        let bytes = Zeroizing::new(STANDARD.decode(&self.0).ok()?);
        (bytes.len() == key.len()).then(|| key.copy_from_slice(&bytes))?;
        Some(key)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    current: String,
    keys: BTreeMap<String, Encoded>,
    fingerprint: Encoded,
}

impl KeyRing {
    /// The environment variable that may hold the key ring instead of the file, as the same JSON.
    pub const ENVIRONMENT: &'static str = "GATELEDGER_KEYS";
    /// The file's name in the data folder.
    pub const FILE: &'static str = "keys.json";

    /// The key ring given by the environment, else the one in `data_folder`, which is made if there is none.
    /// The caller passes what [`Self::ENVIRONMENT`] holds.
    pub fn load(data_folder: &Path, environment: Option<Zeroizing<String>>) -> Result<Self, KeyRingError> {
        if let Some(json) = environment {
            return Self::from_json(&json, &format!("the environment variable {}", Self::ENVIRONMENT));
        }
        let path = data_folder.join(Self::FILE);
        let failed = |source| KeyRingError::File { path: path.clone(), source };
        match File::open(&path) {
            Ok(file) => Self::read(file, &path),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                DirBuilder::new().recursive(true).mode(0o700).create(data_folder).map_err(failed)?;
                Self::fresh()?.write_once(data_folder, &path).map_err(failed)?;
                // Read back: another process may have been first, and then its keys are the keys.
                Self::read(File::open(&path).map_err(failed)?, &path)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Fresh random keys. The key's id is random too: a lost file shows as a missing key, not as a broken secret.
    pub fn fresh() -> Result<Self, KeyRingError> {
        let id = format!("k_{}", domain::chain::hex(random()?.get(..4).unwrap_or_default()));
        Ok(Self { current: id.clone(), keys: BTreeMap::from([(id, random()?)]), fingerprint: random()? })
    }

    /// Reads the JSON form; `origin` is named in the error.
    pub fn from_json(json: &str, origin: &str) -> Result<Self, KeyRingError> {
        let malformed = |why: String| KeyRingError::Malformed { origin: origin.to_owned(), why };
        // The parser's own words could quote a key.
        let stored: Stored = serde_json::from_str(json).map_err(|error| {
            malformed(format!(
                "line {}, column {} is not as in {{\"current\": ID, \"keys\": {{ID: KEY}}, \"fingerprint\": KEY}}",
                error.line(),
                error.column()
            ))
        })?;
        let no_key = |name: &str| malformed(format!("{name} is not 32 bytes in base64"));
        let fingerprint = stored.fingerprint.key().ok_or_else(|| no_key("fingerprint"))?;
        let mut keys = BTreeMap::new();
        for (id, encoded) in &stored.keys {
            if id.is_empty() || id.len() > 32 || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)) {
                return Err(malformed("a key's id has other than 1 to 32 letters, digits, _ and -".to_owned()));
            }
            keys.insert(id.clone(), encoded.key().ok_or_else(|| no_key(id))?);
        }
        if !keys.contains_key(&stored.current) {
            return Err(malformed("the current key is not among its keys".to_owned()));
        }
        Ok(Self { current: stored.current, keys, fingerprint })
    }

    /// The JSON form, for the file and for moving the keys into the environment.
    pub fn to_json(&self) -> Zeroizing<String> {
        let stored = Stored {
            current: self.current.clone(),
            keys: self.keys.iter().map(|(id, key)| (id.clone(), Encoded::of(key))).collect(),
            fingerprint: Encoded::of(&self.fingerprint),
        };
        Zeroizing::new(serde_json::to_string(&stored).unwrap_or_default())
    }

    fn read(mut file: File, path: &Path) -> Result<Self, KeyRingError> {
        let failed = |source| KeyRingError::File { path: path.to_owned(), source };
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyRingError::Exposed { path: path.to_owned(), mode });
        }
        let mut json = Zeroizing::new(String::new());
        file.read_to_string(&mut json).map_err(failed)?;
        Self::from_json(&json, &path.display().to_string())
    }

    /// Writes the whole file aside and links it into place, which fails if there is one already.
    fn write_once(&self, folder: &Path, path: &Path) -> io::Result<()> {
        let aside = folder.join(format!("{}.{}", Self::FILE, uuid::Uuid::new_v4()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
        let linked = file
            .write_all(self.to_json().as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::hard_link(&aside, path))
            .or_else(|error| if error.kind() == ErrorKind::AlreadyExists { Ok(()) } else { Err(error) });
        fs::remove_file(&aside)?;
        linked?;
        File::open(folder)?.sync_all()
    }
}

fn random() -> Result<Key, KeyRingError> {
    let mut key = Key::default();
    rand::fill(key.as_mut_slice()).map_err(|_| KeyRingError::NoChance)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> PathBuf {
        std::env::temp_dir().join(format!("gateledger-keys-{}", uuid::Uuid::new_v4()))
    }

    #[test]
    fn the_first_start_makes_keys_that_only_the_owner_may_read_and_the_next_start_finds_them() {
        let folder = folder();
        let made = KeyRing::load(&folder, None).unwrap();
        let path = folder.join(KeyRing::FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left aside");
        let found = KeyRing::load(&folder, None).unwrap();
        assert_eq!(*found.to_json(), *made.to_json());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn keys_that_are_there_are_never_replaced() {
        let folder = folder();
        let first = KeyRing::load(&folder, None).unwrap();
        KeyRing::fresh().unwrap().write_once(&folder, &folder.join(KeyRing::FILE)).unwrap();
        assert_eq!(*KeyRing::load(&folder, None).unwrap().to_json(), *first.to_json());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
        let folder = folder();
        KeyRing::load(&folder, None).unwrap();
        let path = folder.join(KeyRing::FILE);
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = KeyRing::load(&folder, None).unwrap_err().to_string();
            assert!(error.contains("chmod 600"), "{error}");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_environment_comes_first_and_leaves_no_file() {
        let folder = folder();
        let given = KeyRing::fresh().unwrap();
        let loaded = KeyRing::load(&folder, Some(given.to_json())).unwrap();
        assert_eq!(loaded.current, given.current);
        assert!(!folder.exists());
    }

    #[test]
    fn a_malformed_key_ring_is_told_without_its_keys() {
        let key = STANDARD.encode([7; 32]);
        let cases = [
            format!(r#"{{"current":"k1","keys":"{key}","fingerprint":"{key}"}}"#),
            format!(r#"{{"current":"k2","keys":{{"k1":"{key}"}},"fingerprint":"{key}"}}"#),
            format!(r#"{{"current":"k1","keys":{{"k1":"{key}AAAA"}},"fingerprint":"{key}"}}"#),
            format!(r#"{{"current":"k 1","keys":{{"k 1":"{key}"}},"fingerprint":"{key}"}}"#),
            format!(r#"{{"current":"k1","keys":{{"k1":"{key}"}},"fingerprint":"{key}","more":"{key}"}}"#),
        ];
        for json in cases {
            let error = KeyRing::from_json(&json, "the test").unwrap_err();
            assert!(error.to_string().starts_with("the test is not a key ring"), "{error}");
            assert!(!format!("{error:?}{error}").contains(&key), "{error}");
        }
        let ring = KeyRing::from_json(
            &format!(r#"{{"current":"k1","keys":{{"k1":"{key}"}},"fingerprint":"{key}"}}"#),
            "the test",
        );
        assert_eq!(format!("{:?}", ring.unwrap()), "KeyRing(current k1, 1 keys)");
    }
}
