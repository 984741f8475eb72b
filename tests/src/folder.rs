//! A folder that is there for one test.

use std::path::{Path, PathBuf};

/// A fresh folder under the system's temporary one; gone when this is dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes one. The name says what for, for whoever finds a left-over.
    pub fn new(purpose: &str) -> Self {
        let path = std::env::temp_dir().join(format!("gateledger-{purpose}-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&path).unwrap_or_else(|e| panic!("cannot make {}: {e}", path.display()));
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Every file in it and below, with its bytes.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        files_below(&self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A left-over in the temporary folder is no reason to fail, nor to hide why a test failed.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Every file below `folder`, with its bytes. Files that vanish meanwhile are passed over.
fn files_below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path, bytes));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_lists_what_is_below_it_and_is_gone_when_dropped() {
        let folder = Folder::new("folder");
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        std::fs::write(folder.path().join("deep/file"), b"here").unwrap();
        assert_eq!(folder.files(), [(folder.path().join("deep/file"), b"here".to_vec())]);
        let path = folder.path().to_owned();
        drop(folder);
        assert!(!path.exists());
    }
}
