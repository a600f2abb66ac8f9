//! The pages of a newcomer, followed to the letter as far as no cluster is needed.

use anyhow::{Result, ensure};
use tokenwright_testbed::newcomer::Newcomer;
use tokenwright_testbed::programs::Sandbox;
use xtask::guide::Took;

use super::packed::{Packed, platform, root};

/// How many blocks were acted on.
fn acted(took: &[Took]) -> usize {
    took.iter().filter(|took| took.time.is_some()).count()
}

#[test]
fn the_page_about_installing_can_be_followed_to_the_letter() -> Result<()> {
    let packed = Packed::new();
    let newcomer = Newcomer::new(&root())?
        .where_stands("/opt/tokenwright", packed.folder().display().to_string())
        // The page writes for one platform; on another its archive has another name.
        .where_stands("linux_amd64", platform().to_string());
    // The checkout after `cargo xtask dist`.
    let packages = newcomer.checkout().join("target/packages");
    std::os::unix::fs::symlink(packed.folder(), packages)?;
    let took = newcomer.follow("docs/install.md")?;
    ensure!(acted(&took) >= 5, "{took:#?}");
    Ok(())
}

#[test]
fn the_quick_start_with_terraform_can_be_followed_to_the_letter() -> Result<()> {
    let took = Newcomer::new(&root())?.follow("README.md")?;
    ensure!(acted(&took) >= 5, "{took:#?}");
    Ok(())
}

#[tokio::test]
async fn the_guide_to_a_first_token_with_terraform_can_be_followed_to_the_letter() -> Result<()> {
    tokenwright_testbed::crypto();
    let packed = Packed::new();
    let sandbox = Sandbox::start(&["seeme"]).await?;
    let seeme = sandbox.system("seeme")?;
    let at = format!("profile = \"seeme\", endpoint = {:?}", seeme.endpoint);
    let list = format!("--profile seeme --endpoint {}", seeme.endpoint);
    let newcomer = Newcomer::new(&root())?
        .with_account("SEEME_API_KEY", &seeme.credential)
        // The sandbox plays the vendor. A day of it lasts a second.
        .where_stands("profile = \"seeme\"", at)
        .where_stands("--profile seeme", list)
        .where_stands("\"90d\"", "\"9000d\"")
        .where_stands("\"14d\"", "\"10%\"");
    // What the page about installing has left in the home folder.
    newcomer.mirror(packed.folder())?;
    let page = "docs/guides/first-token-terraform.md";
    let followed = tokio::task::spawn_blocking(move || newcomer.follow(page)).await?;
    ensure!(acted(&followed?) >= 5);
    let ledger = sandbox.ledger().await?;
    ensure!(ledger.minted("seeme") == 1 && ledger.live("seeme").is_empty());
    Ok(())
}

#[test]
fn what_a_message_means_is_found_as_the_guide_to_troubleshooting_says() -> Result<()> {
    let took = Newcomer::new(&root())?.follow("docs/guides/troubleshooting.md")?;
    ensure!(acted(&took) == 1, "{took:#?}");
    Ok(())
}
