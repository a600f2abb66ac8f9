//! Somebody who follows a page of the documentation to the letter, with the programs of this build.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use xtask::guide::{Folder, Page, Took, When, follow};

use crate::component::free_port;
use crate::tools::{helm, kubectl, product_binary, terraform, tofu};

/// An empty home folder with a checkout in it, and with what a newcomer has installed.
#[derive(Debug)]
pub struct Newcomer {
    home: TempDir,
    sources: PathBuf,
    kubeconfig: Option<PathBuf>,
    stands_for: Vec<(String, String)>,
    account: Vec<(String, String)>,
}

impl Newcomer {
    /// Somebody whose checkout is `sources`.
    ///
    /// # Errors
    ///
    /// When no folder can be made.
    pub fn new(sources: &Path) -> Result<Self> {
        let home = tempfile::tempdir().context("cannot make a home folder")?;
        let checkout = home.path().join("tokenwright");
        fs::create_dir_all(checkout.join("target")).context("cannot make a checkout")?;
        for name in ["charts", "deploy", "docs", "examples"] {
            symlink(sources.join(name), checkout.join(name)).context("cannot make a link")?;
        }
        Ok(Self {
            home,
            sources: sources.to_owned(),
            kubeconfig: None,
            stands_for: Vec::new(),
            account: Vec::new(),
        })
    }

    /// The same with a cluster.
    #[must_use]
    pub fn with_cluster(mut self, kubeconfig: PathBuf) -> Self {
        self.kubeconfig = Some(kubeconfig);
        self
    }

    /// The same with a credential, or what else belongs to an account, in a variable.
    #[must_use]
    pub fn with_account(mut self, variable: &str, credential: &str) -> Self {
        self.account
            .push((variable.to_owned(), credential.to_owned()));
        self
    }

    /// The same where `terraform` is OpenTofu, as for somebody who types `tofu`.
    ///
    /// # Errors
    ///
    /// When OpenTofu is missing, or no link can be made.
    pub fn with_tofu(self) -> Result<Self> {
        let bin = self.home.path().join(".local/bin");
        fs::create_dir_all(&bin).context("cannot make a folder")?;
        symlink(tofu()?, bin.join("terraform")).context("cannot make a link")?;
        Ok(self)
    }

    /// The same where one text of the page is another one here.
    #[must_use]
    pub fn where_stands(mut self, theirs: &str, ours: impl Into<String>) -> Self {
        self.stands_for.push((theirs.to_owned(), ours.into()));
        self
    }

    /// The checkout: the folder that the terminal opens in.
    #[must_use]
    pub fn checkout(&self) -> PathBuf {
        self.home.path().join("tokenwright")
    }

    /// Names a mirror folder in `~/.terraformrc`.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn mirror(&self, packages: &Path) -> Result<()> {
        let path = packages.join("mirror");
        let named =
            format!("provider_installation {{\n  filesystem_mirror {{ path = {path:?} }}\n}}\n");
        fs::write(self.home.path().join(".terraformrc"), named).context("cannot write a file")
    }

    /// Follows a page, whose name is told from the root of the checkout.
    ///
    /// # Errors
    ///
    /// At the first block that fails; the error has its line and what was printed.
    pub fn follow(&self, name: &str) -> Result<Vec<Took>> {
        let text = fs::read_to_string(self.sources.join(name));
        let text = text.with_context(|| format!("cannot read {name}"))?;
        self.follow_text(name, &text)
    }

    /// Follows what stands on a page below one of its headings, up to the next one.
    ///
    /// # Errors
    ///
    /// As [`Self::follow`], and when there is no such heading.
    pub fn follow_below(&self, name: &str, heading: &str) -> Result<Vec<Took>> {
        let text = fs::read_to_string(self.sources.join(name));
        let text = text.with_context(|| format!("cannot read {name}"))?;
        let below = text.split_once(&format!("\n{heading}\n"));
        let (_, below) = below.with_context(|| format!("{name} has no {heading:?}"))?;
        let end = below.find("\n#").unwrap_or(below.len());
        self.follow_text(name, &below[..end])
    }

    fn follow_text(&self, name: &str, text: &str) -> Result<Vec<Took>> {
        let mut stands_for = self.stands_for.clone();
        stands_for.extend(free_addresses(text)?);
        let followed = follow(
            &Page::read(text),
            &Folder {
                home: self.home.path().to_owned(),
                start: self.checkout(),
                variables: self.variables()?,
                stands_for,
                long: false,
                cluster: self.kubeconfig.is_some(),
            },
            |_| {},
        );
        let took = followed.with_context(|| format!("cannot follow {name}"))?;
        for took in &took {
            if let When::Elsewhere(why) = &took.block.when {
                ensure!(!why.is_empty(), "{name}:{}: no reason", took.block.line);
            }
        }
        Ok(took)
    }

    fn variables(&self) -> Result<Vec<(String, String)>> {
        let home = self.home.path();
        let beside = |program: &Path| program.parent().map(Path::to_owned).unwrap_or_default();
        let mut folders = vec![
            home.join(".local/bin"),
            beside(&product_binary("tokenwright")?),
            beside(&kubectl()?),
            beside(&helm()?),
            beside(&terraform()?),
        ];
        folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        let text = |path: &Path| path.display().to_string();
        let mut variables = vec![
            (
                "PATH".to_owned(),
                env::join_paths(folders)?.to_string_lossy().into_owned(),
            ),
            ("CHECKPOINT_DISABLE".to_owned(), "1".to_owned()),
            // Whatever the person who runs the tests has set.
            (
                "TF_CLI_CONFIG_FILE".to_owned(),
                text(&home.join(".terraformrc")),
            ),
        ];
        variables.extend(self.account.clone());
        if let Some(kubeconfig) = &self.kubeconfig {
            variables.push(("KUBECONFIG".to_owned(), text(kubeconfig)));
        }
        Ok(variables)
    }
}

/// Every address of this machine that a page names, and one that is free.
fn free_addresses(page: &str) -> Result<Vec<(String, String)>> {
    let named: BTreeSet<String> = page
        .split("127.0.0.1:")
        .skip(1)
        .filter_map(|rest| {
            let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
            // Port 0 is any that is free.
            (port.len() > 1).then(|| format!("127.0.0.1:{port}"))
        })
        .collect();
    let free = |address| Ok((address, format!("127.0.0.1:{}", free_port()?)));
    named.into_iter().map(free).collect()
}
