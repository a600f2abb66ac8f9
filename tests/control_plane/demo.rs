//! The demo, as the README promises it.

use anyhow::{Result, ensure};
use tokenwright_testbed::tools::product_binary;

use super::operator::root;

#[tokio::test]
async fn the_demo_shows_both_halves_and_leaves_nothing_alive() -> Result<()> {
    let shown = tokio::process::Command::new(product_binary("demo")?)
        .current_dir(root())
        .kill_on_drop(true)
        .output()
        .await?;
    let text = String::from_utf8(shown.stdout)?;
    let last = text.trim_end().lines().last().unwrap_or_default();
    ensure!(
        shown.status.success() && last == "minted 6, revoked 6, live 0, orphans 0",
        "{text}\n{}",
        String::from_utf8_lossy(&shown.stderr)
    );
    ensure!(text.contains("A real kube-apiserver is up"), "{text}");
    Ok(())
}
