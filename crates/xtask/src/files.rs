//! Folders, copied as they are.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Copies a folder with all that it holds, and lets its owner write to the copy: what may not be written to,
/// as in the module cache of Go, could never be deleted where it is copied as it is.
///
/// # Errors
///
/// When something cannot be read or written.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let about = || format!("cannot copy {}", from.display());
    fs::create_dir_all(to).with_context(about)?;
    for entry in fs::read_dir(from).with_context(about)? {
        let entry = entry.with_context(about)?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_folder(&path, &copy)?;
        } else {
            let bytes = fs::read(&path).with_context(about)?;
            fs::write(&copy, bytes).with_context(about)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_what_nobody_may_write_to_can_be_deleted() {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (root.path().join("module"), root.path().join("copy"));
        fs::create_dir_all(from.join("locale")).unwrap();
        let file = from.join("locale").join("en.json");
        fs::write(&file, "{}").unwrap();
        let mut only_read = fs::metadata(&file).unwrap().permissions();
        only_read.set_readonly(true);
        fs::set_permissions(&file, only_read).unwrap();
        copy_folder(&from, &to).unwrap();
        let copied = to.join("locale").join("en.json");
        assert_eq!(fs::read_to_string(&copied).unwrap(), "{}");
        assert!(!fs::metadata(&copied).unwrap().permissions().readonly());
    }
}
