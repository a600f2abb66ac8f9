//! The shared libraries of a program that was linked with those of this machine.
//!
//! What is shipped is linked with musl and needs none; a build for this machine alone brings its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use object::Endianness;
use object::elf::{FileHeader64, PT_INTERP};
use object::read::elf::{FileHeader as _, ProgramHeader as _};

use crate::archive::{Contents, Item};
use crate::dist::Platform;

/// Whether a program was linked with shared libraries, and so needs those and their loader to run.
///
/// # Errors
///
/// When it is no program.
pub fn needs_loader(program: &Path) -> Result<bool> {
    let bytes = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    has_loader(&bytes).with_context(|| format!("{} is no program", program.display()))
}

/// Everything that the system's loader would load with a program, and the loader, where they are here.
pub(super) fn needed(program: &Path, bytes: &[u8], platform: Platform) -> Result<Contents> {
    let mut contents = Contents::default();
    if !has_loader(bytes).with_context(|| format!("{} is no program", program.display()))? {
        return Ok(contents);
    }
    if Platform::host() != Some(platform) {
        bail!(
            "{} needs shared libraries of {platform}, which are not on this machine: link it with musl",
            program.display()
        );
    }
    // The loader's own answer; a list of our own would have to know all that it knows.
    let output = Command::new("ldd")
        .arg(program)
        .output()
        .context("cannot start ldd")?;
    let listed = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || listed.contains("not found") {
        bail!("ldd does not find all libraries: {listed}");
    }
    for path in listed.lines().filter_map(library) {
        let bytes = fs::read(path).with_context(|| format!("cannot read {path}"))?;
        contents.put(path.trim_start_matches('/'), Item::Program(bytes));
    }
    Ok(contents)
}

/// The path in one of ldd's lines: `libc.so.6 => /lib/libc.so.6 (0x7f…)`, or the path alone.
fn library(line: &str) -> Option<&str> {
    let path = line.split_once(" => ").map_or(line, |(_, path)| path);
    let path = path.trim().split(' ').next()?;
    path.starts_with('/').then_some(path)
}

fn has_loader(bytes: &[u8]) -> Result<bool> {
    let header = FileHeader64::<Endianness>::parse(bytes)?;
    let endian = header.endian()?;
    let parts = header.program_headers(endian, bytes)?;
    Ok(parts.iter().any(|part| part.p_type(endian) == PT_INTERP))
}

#[cfg(test)]
mod tests {
    use super::library;

    #[test]
    fn a_library_is_known_from_each_kind_of_line() {
        let lines = [
            ("\tlinux-vdso.so.1 (0x00007ffd)", None),
            (
                "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)",
                Some("/lib/x86_64-linux-gnu/libc.so.6"),
            ),
            (
                "\t/lib64/ld-linux-x86-64.so.2 (0x00007f)",
                Some("/lib64/ld-linux-x86-64.so.2"),
            ),
            ("\tstatically linked", None),
        ];
        for (line, expected) in lines {
            assert_eq!(library(line), expected, "{line}");
        }
    }
}
