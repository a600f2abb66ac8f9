//! Finds the built-in profiles: each `profiles/NAME.yaml` with its `NAME.examples.yaml` is one, and no
//! other file says so.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder =
        Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("profiles");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names = Vec::new();
    for file in fs::read_dir(&folder)? {
        let name = file?.file_name().into_string().unwrap_or_default();
        let name = name
            .strip_suffix(".yaml")
            .filter(|name| !name.contains('.'));
        names.extend(name.map(str::to_owned));
    }
    names.sort_unstable();
    let mut list = format!("static BUILTINS: [Builtin; {}] = [\n", names.len());
    for name in names {
        let path = |suffix: &str| folder.join(format!("{name}.{suffix}"));
        let (text, examples) = (path("yaml"), path("examples.yaml"));
        writeln!(
            list,
            "    Builtin::new({name:?}, include_str!({text:?}), include_str!({examples:?})),"
        )
        .map_err(io::Error::other)?;
    }
    list.push_str("];\n");
    let out: PathBuf = env::var("OUT_DIR").map_err(io::Error::other)?.into();
    fs::write(out.join("builtins.rs"), list)
}
