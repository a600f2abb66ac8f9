//! PostgreSQL, for servers that keep nothing without it; it must be installed.

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Command, ENV, Ready, Running, output, start};

/// Whom it runs as where we are root, which it refuses to be.
const NOBODY: u32 = 65534;

/// A running PostgreSQL that takes whoever comes from this machine at their word.
#[derive(Debug)]
pub(super) struct Postgres {
    running: Running,
}

impl Postgres {
    /// Starts it with one empty database of this name.
    pub(super) async fn start(database: &str) -> Result<Self> {
        let server = server()?;
        let running = start(async |folder, port| {
            let data = folder.join("data");
            fs::create_dir(&data).context("cannot make PostgreSQL's folder")?;
            let mut before = Vec::new();
            if is_root(folder)? {
                let open = fs::Permissions::from_mode(0o755);
                fs::set_permissions(folder, open).context("cannot open a folder")?;
                chown(&data, Some(NOBODY), Some(NOBODY)).context("cannot give a folder away")?;
                let nobody = [
                    "setpriv",
                    "--reuid=65534",
                    "--regid=65534",
                    "--clear-groups",
                ];
                before.extend(nobody.map(str::to_owned));
            }
            let place = data.display().to_string();
            let init = server.with_file_name("initdb").display().to_string();
            let made = [
                &init,
                "-D",
                &place,
                "-A",
                "trust",
                "-U",
                "tokenwright",
                "-E",
                "UTF8",
                "--no-sync",
                "--locale=C",
            ];
            let before_init: Vec<_> = before.iter().map(String::as_str).chain(made).collect();
            output(Path::new(ENV), &before_init).await?;
            let mut arguments = before;
            arguments.push(server.display().to_string());
            arguments.extend(
                [
                    "-D",
                    &place,
                    "-p",
                    &port.to_string(),
                    "-c",
                    "listen_addresses=127.0.0.1",
                    "-c",
                    "unix_socket_directories=",
                    "-c",
                    "fsync=off",
                ]
                .map(str::to_owned),
            );
            Ok(Command {
                name: "postgres",
                program: ENV.into(),
                arguments,
                ready: Ready::Says {
                    program: server.with_file_name("pg_isready"),
                    arguments: ["-q", "-h", "127.0.0.1", "-p"]
                        .map(str::to_owned)
                        .into_iter()
                        .chain([port.to_string()])
                        .collect(),
                },
            })
        })
        .await?;
        let postgres = Self { running };
        let address = postgres.address("postgres");
        let create = format!("create database {database}");
        let psql = server.with_file_name("psql");
        output(&psql, &[&address, "-q", "-c", &create]).await?;
        Ok(postgres)
    }

    /// The address of a database, as its clients write it.
    pub(super) fn address(&self, database: &str) -> String {
        let at = self.running.address.trim_start_matches("http://");
        format!("postgresql://tokenwright@{at}/{database}")
    }
}

/// Whether files that we make are root's.
fn is_root(ours: &Path) -> Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let about = || format!("cannot look at {}", ours.display());
    Ok(fs::metadata(ours).with_context(about)?.uid() == 0)
}

/// The real place of the server, beside which its other programs are.
fn server() -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = debian.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    env::split_paths(&path)
        .chain(debian)
        .map(|folder| folder.join("postgres"))
        .find_map(|program| fs::canonicalize(program).ok())
        .context("postgres was not found: install it (Debian: apt-get install postgresql)")
}
