//! The demo, as the README promises it.

use anyhow::{Result, ensure};
use tokenwright_testbed::tools::product_binary;

use super::cluster::root;

#[tokio::test]
async fn the_demo_shows_both_halves_and_leaves_nothing_alive() -> Result<()> {
    let shown = tokio::process::Command::new(product_binary("demo")?)
        .current_dir(root())
        .kill_on_drop(true)
        .output()
        .await?;
    let text = String::from_utf8(shown.stdout)?;
    let last = text.trim_end().lines().last().unwrap_or_default();
    // On a machine that is slow, the first token ends by itself just before its revoke, which is told beside.
    let ended =
        ["", " (1 expired)"].map(|late| format!("minted 6, revoked 6{late}, live 0, orphans 0"));
    ensure!(
        shown.status.success() && ended.iter().any(|ended| ended == last),
        "{text}\n{}",
        String::from_utf8_lossy(&shown.stderr)
    );
    ensure!(text.contains("A real kube-apiserver is up"), "{text}");
    the_picture_of_the_docs_shows_what_the_demo_draws()
}

/// Each run has times of its own; what is drawn is the same.
fn the_picture_of_the_docs_shows_what_the_demo_draws() -> Result<()> {
    let [drawn, shown] = ["target/demo/timeline.svg", "docs/images/demo.svg"];
    let [drawn, shown] = [drawn, shown].map(|path| root().join(path));
    if std::env::var_os("TOKENWRIGHT_UPDATE").is_some() {
        std::fs::copy(&drawn, &shown)?;
    }
    let [drawn, shown] = [
        std::fs::read_to_string(drawn)?,
        std::fs::read_to_string(shown)?,
    ];
    ensure!(
        words(&drawn) == words(&shown),
        "docs/images/demo.svg is stale, TOKENWRIGHT_UPDATE=1 makes it anew: {:?}",
        words(&drawn)
    );
    Ok(())
}

/// The words of a picture, without its seconds.
fn words(picture: &str) -> Vec<&str> {
    let texts = picture.split("<text ").skip(1);
    let words = texts.filter_map(|text| text.split_once('>')?.1.split('<').next());
    words.filter(|words| !words.ends_with(" s")).collect()
}
