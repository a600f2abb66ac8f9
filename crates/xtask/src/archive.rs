//! Archives whose bytes follow from what is in them: sorted, of one owner, with one fixed time.
//!
//! Pure: it reads no file and asks no clock.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// What every file says of its time: midnight of 1 January 1980, the first that a ZIP archive can say.
const TIME: u64 = 315_532_800;

/// How hard a packer tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// As small as it gets: what is shipped.
    Small,
    /// Soon done: what is unpacked again at once.
    Quick,
}

impl Effort {
    const fn level(self) -> u32 {
        match self {
            Self::Small => 9,
            Self::Quick => 1,
        }
    }
}

/// One file, folder or link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A folder.
    Folder,
    /// What is read.
    File(Vec<u8>),
    /// What is run.
    Program(Vec<u8>),
    /// Another name for what stands elsewhere.
    Link(String),
}

impl Item {
    const fn mode(&self) -> u32 {
        match self {
            Self::Folder | Self::Program(_) => 0o755,
            Self::File(_) => 0o644,
            Self::Link(_) => 0o777,
        }
    }
}

/// What goes into an archive, by path. A path is relative and has no dots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents(BTreeMap<String, Item>);

impl Contents {
    /// Adds an item, and the folders that lead to it.
    pub fn put(&mut self, path: impl Into<String>, item: Item) {
        let path = path.into();
        for (slash, _) in path.match_indices('/') {
            let parent = path.get(..slash).unwrap_or_default().to_owned();
            self.0.entry(parent).or_insert(Item::Folder);
        }
        self.0.insert(path, item);
    }

    /// The same items below a folder.
    pub fn below(self, folder: &str) -> Self {
        let mut moved = Self::default();
        for (path, item) in self.0 {
            moved.put(format!("{folder}/{path}"), item);
        }
        moved
    }

    /// Adds all items of another.
    pub fn merge(&mut self, other: Self) {
        for (path, item) in other.0 {
            self.put(path, item);
        }
    }

    /// Every path and what is there, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Item)> {
        self.0.iter().map(|(path, item)| (path.as_str(), item))
    }

    /// A tar archive.
    ///
    /// # Errors
    ///
    /// When a path cannot stand in one.
    pub fn tar(&self) -> Result<Vec<u8>> {
        let mut builder = Builder::new(Vec::new());
        for (path, item) in self.iter() {
            let mut header = Header::new_gnu();
            header.set_mode(item.mode());
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(TIME);
            let added = match item {
                Item::Folder => {
                    header.set_entry_type(EntryType::Directory);
                    header.set_size(0);
                    builder.append_data(&mut header, format!("{path}/"), &[][..])
                }
                Item::File(bytes) | Item::Program(bytes) => {
                    header.set_entry_type(EntryType::Regular);
                    header.set_size(bytes.len() as u64);
                    builder.append_data(&mut header, path, bytes.as_slice())
                }
                Item::Link(target) => {
                    header.set_entry_type(EntryType::Symlink);
                    header.set_size(0);
                    builder.append_link(&mut header, path, target)
                }
            };
            added.with_context(|| format!("cannot pack {path}"))?;
        }
        builder.into_inner().context("cannot end a tar archive")
    }

    /// A tar archive, compressed with gzip.
    ///
    /// # Errors
    ///
    /// When a path cannot stand in one.
    pub fn tar_gz(&self, effort: Effort) -> Result<Vec<u8>> {
        gzip(&self.tar()?, effort)
    }

    /// A ZIP archive.
    ///
    /// # Errors
    ///
    /// When a path cannot stand in one.
    pub fn zip(&self, effort: Effort) -> Result<Vec<u8>> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, item) in self.iter() {
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .compression_level(Some(effort.level().into()))
                .last_modified_time(DateTime::default())
                .unix_permissions(item.mode());
            let failed = || format!("cannot pack {path}");
            match item {
                Item::Folder => writer.add_directory(path, options).with_context(failed)?,
                Item::Link(target) => writer
                    .add_symlink(path, target, options)
                    .with_context(failed)?,
                Item::File(bytes) | Item::Program(bytes) => {
                    writer.start_file(path, options).with_context(failed)?;
                    writer.write_all(bytes).with_context(failed)?;
                }
            }
        }
        let archive = writer.finish().context("cannot end a ZIP archive")?;
        Ok(archive.into_inner())
    }
}

/// Bytes compressed with gzip, which names neither file nor time nor system.
///
/// # Errors
///
/// Never in practice: memory does not refuse to be written to.
pub fn gzip(bytes: &[u8], effort: Effort) -> Result<Vec<u8>> {
    let mut writer = GzBuilder::new().write(Vec::new(), Compression::new(effort.level()));
    writer.write_all(bytes).context("cannot compress")?;
    writer.finish().context("cannot compress")
}

/// The SHA-256 of bytes in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Contents, Effort, Item};

    fn contents(paths: &[&str]) -> Contents {
        let mut contents = Contents::default();
        for path in paths {
            contents.put(*path, Item::File(path.as_bytes().to_vec()));
        }
        contents.put("bin/program", Item::Program(b"#!".to_vec()));
        contents.put("bin/other", Item::Link("program".to_owned()));
        contents
    }

    #[test]
    fn an_archive_has_the_same_bytes_whatever_order_its_files_came_in() -> anyhow::Result<()> {
        let (one, other) = (contents(&["b", "a/c"]), contents(&["a/c", "b"]));
        assert_eq!(one.tar()?, other.tar()?);
        assert_eq!(one.tar_gz(Effort::Small)?, other.tar_gz(Effort::Small)?);
        assert_eq!(one.zip(Effort::Small)?, other.zip(Effort::Small)?);
        Ok(())
    }

    #[test]
    fn every_entry_of_an_archive_has_one_owner_one_time_and_a_plain_mode() -> anyhow::Result<()> {
        let bytes = contents(&["a/c"]).tar()?;
        let mut seen = Vec::new();
        for entry in tar::Archive::new(bytes.as_slice()).entries()? {
            let entry = entry?;
            let header = entry.header();
            let owner = (header.uid()?, header.gid()?);
            assert_eq!((owner, header.mtime()?), ((0, 0), super::TIME));
            seen.push((entry.path()?.display().to_string(), header.mode()?));
        }
        let expected = [
            ("a/", 0o755),
            ("a/c", 0o644),
            ("bin/", 0o755),
            ("bin/other", 0o777),
            ("bin/program", 0o755),
        ];
        assert_eq!(seen, expected.map(|(path, mode)| (path.to_owned(), mode)));
        Ok(())
    }
}
