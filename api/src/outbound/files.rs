//! Which files of the host may be read on behalf of whoever configures a usersource: those that the operator put into
//! one folder for it.
//!
//! Stops: reading any other file of the host, this service's own data among them, by a path, by `..` or by a link.

use super::{AddressPolicy, OutboundError};
use std::path::{Component, Path, PathBuf};

/// The files that may be read.
#[derive(Debug, Clone, Default)]
pub struct Files {
    folder: Option<PathBuf>,
}

impl Files {
    /// Those in `folder`, if the operator allows what is private at all: in a cloud, where admins are strangers, there is
    /// no folder for them.
    pub fn new(folder: Option<PathBuf>, policy: AddressPolicy) -> Self {
        Self { folder: folder.filter(|_| policy == AddressPolicy::PrivateToo) }
    }

    /// The path of the file `name`, which stands in the folder itself.
    pub fn path(&self, name: &str) -> Result<PathBuf, OutboundError> {
        let folder = self.folder.as_ref().ok_or_else(|| {
            OutboundError::Forbidden("files of the host are not read here; the operator has to allow it".to_owned())
        })?;
        let mut parts = Path::new(name).components();
        let (Some(Component::Normal(only)), None) = (parts.next(), parts.next()) else {
            return Err(OutboundError::Forbidden("give the name of a file, no path".to_owned()));
        };
        let missing = |_| OutboundError::Forbidden(format!("there is no file {name} in {}", folder.display()));
        let (folder, file) =
            (folder.canonicalize().map_err(missing)?, folder.join(only).canonicalize().map_err(missing)?);
        if file.parent() != Some(&folder) || !file.is_file() {
            return Err(OutboundError::Forbidden(format!("{name} is a link to somewhere else, or no file")));
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use uuid::Uuid;

    #[test]
    fn only_a_file_in_the_folder_itself_is_read_and_only_where_the_operator_allows_it() {
        let room = std::env::temp_dir().join(format!("gateledger-{}", Uuid::new_v4().simple()));
        let folder = room.join("sources");
        fs::create_dir_all(folder.join("inner")).unwrap();
        fs::write(folder.join("shop.db"), "x").unwrap();
        fs::write(folder.join("inner/other.db"), "x").unwrap();
        fs::write(room.join("events.db"), "x").unwrap();
        std::os::unix::fs::symlink("../events.db", folder.join("link.db")).unwrap();
        std::os::unix::fs::symlink("shop.db", folder.join("near.db")).unwrap();
        let files = Files::new(Some(folder.clone()), AddressPolicy::PrivateToo);
        assert!(files.path("shop.db").unwrap().ends_with("sources/shop.db"));
        assert!(files.path("near.db").unwrap().ends_with("sources/shop.db"));
        let own = room.join("events.db").display().to_string();
        for name in ["../events.db", "inner/other.db", "inner", "link.db", "absent.db", "", ".", "..", "./..", &own] {
            assert!(matches!(files.path(name), Err(OutboundError::Forbidden(_))), "{name}");
        }
        for files in [Files::new(Some(folder), AddressPolicy::PublicOnly), Files::new(None, AddressPolicy::PrivateToo)]
        {
            assert!(matches!(files.path("shop.db"), Err(OutboundError::Forbidden(_))));
        }
        fs::remove_dir_all(room).unwrap();
    }
}
