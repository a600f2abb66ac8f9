//! The guide to each system, followed to the letter with Terraform and with OpenTofu, where the sandbox plays it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokenwright_client::profile;
use tokenwright_sandbox::{Options, Played, Sandbox, SystemName};
use tokenwright_testbed::newcomer::Newcomer;
use tokenwright_testbed::tools::product_binary;

use super::packed::{VERSION, holds, platform, root};

/// What a page shows of a file is taken from there.
const FROM: &str = "<!-- from ";

/// Whoever follows a guide, and the system that he has an account at.
pub(crate) struct Follower {
    pub(crate) newcomer: Newcomer,
    pub(crate) sandbox: Sandbox,
    pub(crate) mirror: TempDir,
}

impl Follower {
    /// Both cores, one after the other.
    pub(crate) async fn of_both(system: SystemName) -> Result<[Self; 2]> {
        tokenwright_testbed::crypto();
        let with_terraform = Self::of(system, Newcomer::new(&root())?).await?;
        let with_tofu = Self::of(system, Newcomer::new(&root())?.with_tofu()?).await?;
        Ok([with_terraform, with_tofu])
    }

    async fn of(system: SystemName, newcomer: Newcomer) -> Result<Self> {
        let sandbox = Sandbox::start(Options::new([system])).await?;
        let mirror = tempfile::tempdir()?;
        let provider = product_binary("terraform-provider-tokenwright")?;
        provides(mirror.path(), "tokenwright/tokenwright", VERSION, &provider)?;
        newcomer.mirror(mirror.path())?;
        let name = system.to_string();
        let profile = profile::builtin(&name).context("there is no such profile")?;
        let mut follower = Self {
            newcomer,
            sandbox,
            mirror,
        };
        let played = follower.played().clone();
        for part in profile.credential().values() {
            let variable = part.env.as_deref().unwrap_or_default();
            follower = follower.with(variable, &played.credential);
        }
        for command in ["init", "plan", "apply", "destroy"] {
            follower = follower.with(&format!("TF_CLI_ARGS_{command}"), "-no-color");
        }
        let told = |flag: &str| format!("{flag} {name} --endpoint {}", played.endpoint);
        // The sandbox plays the vendor: what needs no endpoint there needs one here.
        if !profile.endpoint().is_empty() {
            follower = follower
                .with("TF_VAR_endpoint", &played.endpoint)
                .where_stands(&format!("--profile {name}"), &told("--profile"))
                .where_stands(&format!("profile try {name}"), &told("profile try"));
        }
        Ok(follower)
    }

    pub(crate) fn played(&self) -> &Played {
        &self.sandbox.played()[0]
    }

    pub(crate) fn parameter(&self, name: &str) -> Result<String> {
        let parameter = self.played().parameter(name);
        Ok(parameter
            .with_context(|| format!("the sandbox has no {name}"))?
            .to_owned())
    }

    pub(crate) fn with(mut self, variable: &str, value: &str) -> Self {
        self.newcomer = self.newcomer.with_account(variable, value);
        self
    }

    pub(crate) fn where_stands(mut self, theirs: &str, ours: &str) -> Self {
        self.newcomer = self.newcomer.where_stands(theirs, ours);
        self
    }

    /// The mirror has this provider, too.
    pub(crate) fn with_provider(self, source: &str, program: &Path) -> Result<Self> {
        provides(self.mirror.path(), source, "9.9.9", program)?;
        Ok(self)
    }

    /// Follows a page; tells how many tokens were made at the system, and how many of them live.
    pub(crate) fn follow(&self, page: &str) -> Result<(usize, usize)> {
        // The sandbox goes on answering.
        tokio::task::block_in_place(|| self.newcomer.follow(page))?;
        let ledger = self.sandbox.ledger(None)?;
        let live = ledger.tokens.iter().filter(|life| life.ended_at.is_none());
        Ok((ledger.tokens.len(), live.count()))
    }

    /// The id of the token that was made last.
    pub(crate) fn last(&self) -> Result<String> {
        let made = self.sandbox.ledger(None)?.tokens;
        Ok(made.last().context("nothing was made")?.id.clone())
    }

    /// A person makes a token in the console: its value, or the last part of it.
    pub(crate) async fn made(&self, form: &[(&str, &str)]) -> Result<String> {
        let console = &self.played().console;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let sent = http.post(format!("{console}/new")).form(form).send();
        let page = sent.await?.error_for_status()?.text().await?;
        let (_, field) = page.rsplit_once("id=\"value").context("nothing was made")?;
        let (_, value) = field.split_once("value=\"").context("no value")?;
        let (value, _) = value.split_once('"').context("no end")?;
        Ok(value.to_owned())
    }
}

/// Puts a program into a mirror folder of both cores.
fn provides(mirror: &Path, source: &str, version: &str, program: &Path) -> Result<()> {
    let (_, name) = source.split_once('/').context("no source")?;
    for registry in ["registry.terraform.io", "registry.opentofu.org"] {
        let folder = format!("mirror/{registry}/{source}/{version}/{}", platform());
        let folder = mirror.join(folder);
        fs::create_dir_all(&folder)?;
        let named = format!("terraform-provider-{name}_v{version}");
        symlink(program, folder.join(named))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_to_scaleway_can_be_followed_to_the_letter_with_both_cores() -> Result<()> {
    for follower in Follower::of_both(SystemName::Scaleway).await? {
        let application = follower.parameter("application_id")?;
        let ended = follower
            .where_stands("7f3c0a52-0000-0000-0000-000000000000", &application)
            .follow("docs/guides/scaleway.md");
        ensure!(ended? == (3, 0));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_to_seeme_can_be_followed_to_the_letter_with_both_cores() -> Result<()> {
    for follower in Follower::of_both(SystemName::Seeme).await? {
        ensure!(follower.follow("docs/guides/seeme.md")? == (3, 0));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_to_terrakube_can_be_followed_to_the_letter_with_both_cores() -> Result<()> {
    for follower in Follower::of_both(SystemName::TerrakubeTeam).await? {
        let (endpoint, team) = (
            follower.played().endpoint.clone(),
            follower.parameter("team")?,
        );
        let ended = follower
            .where_stands("https://terrakube-api.example.com", &endpoint)
            .where_stands("TF_VAR_team=DEVS", &format!("TF_VAR_team={team}"))
            .follow("docs/guides/terrakube.md");
        ensure!(ended? == (3, 0));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_to_seenode_can_be_followed_to_the_letter_with_both_cores() -> Result<()> {
    for follower in Follower::of_both(SystemName::Seenode).await? {
        let first = follower.made(&[("name", "first")]).await?;
        let next = follower.made(&[("name", "next")]).await?;
        let ended = follower
            .where_stands("NEXT_KEY_FROM_THE_DASHBOARD", &next)
            .where_stands("KEY_FROM_THE_DASHBOARD", &first)
            .follow("docs/guides/seenode.md");
        ensure!(ended? == (2, 2), "a person's key was ended");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_to_transiyzi_can_be_followed_to_the_letter_with_both_cores() -> Result<()> {
    for follower in Follower::of_both(SystemName::Transiyzi).await? {
        let form = [("name", "ci"), ("scope", "read")];
        let (first, next) = (follower.made(&form).await?, follower.made(&form).await?);
        let project = follower.parameter("project_id")?;
        let ended = follower
            .where_stands("NEXT_TOKEN_FROM_THE_SETTINGS", &next)
            .where_stands("TOKEN_FROM_THE_SETTINGS", &first)
            .where_stands("3d5c9f10-0000-0000-0000-000000000000", &project)
            .follow("docs/guides/transiyzi.md");
        ensure!(ended? == (2, 2), "a person's token was ended");
    }
    Ok(())
}

/// A page with its files as they are now: a block below a comment that names one has its text after its head.
fn fresh(page: &str) -> Result<String> {
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once(FROM) {
        let (name, after) = after.split_once(" -->\n").context("no end of a comment")?;
        let (head, after) = after.split_once('\n').context("no block")?;
        let (named, after) = after.split_once('\n').context("no name of a file")?;
        let (_, after) = after.split_once("```\n").context("no end of a block")?;
        let file = fs::read_to_string(root().join(name))?;
        // What its comment tells, the page tells.
        let (_, file) = file.split_once("\n\n").context("no comment")?;
        text += &format!("{before}{FROM}{name} -->\n{head}\n{named}\n{file}```\n");
        rest = after;
    }
    Ok(text + rest)
}

#[test]
fn what_a_guide_shows_of_a_file_is_what_the_file_says() -> Result<()> {
    let mut shown = 0;
    for entry in fs::read_dir(root().join("docs/guides"))? {
        let path = entry?.path();
        let page = fs::read_to_string(&path)?;
        shown += page.matches(FROM).count();
        let name = path.file_name().context("no name")?.to_string_lossy();
        holds(&format!("docs/guides/{name}"), &fresh(&page)?);
    }
    ensure!(shown >= 5, "{shown}");
    Ok(())
}
