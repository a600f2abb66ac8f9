//! The page about installing, followed to the letter.

use std::env;
use std::fs;

use tokenwright_testbed::tools;
use xtask::guide::{Folder, Page, When, follow};

use super::packed::{Packed, root};

#[test]
fn the_page_about_installing_can_be_followed_to_the_letter() {
    let packed = Packed::new();
    let home = tempfile::tempdir().unwrap();
    // The checkout after `cargo xtask dist`, as far as the page needs it.
    let start = home.path().join("tokenwright");
    fs::create_dir_all(start.join("target")).unwrap();
    std::os::unix::fs::symlink(packed.folder(), start.join("target/packages")).unwrap();

    // The page writes for one platform; on another its archive has another name.
    let platform = super::packed::platform().to_string();
    let path = env::var("PATH").unwrap_or_default();
    let beside = |program: std::path::PathBuf| program.parent().unwrap().display().to_string();
    let folders = [
        home.path().join(".local/bin").display().to_string(),
        beside(tools::kubectl().unwrap()),
        beside(tools::terraform().unwrap()),
        path,
    ];
    let text = fs::read_to_string(root().join("docs/install.md")).unwrap();
    let page = Page::read(&text);
    let took = follow(
        &page,
        &Folder {
            home: home.path().to_owned(),
            start,
            variables: vec![
                ("PATH".to_owned(), folders.join(":")),
                ("CHECKPOINT_DISABLE".to_owned(), "1".to_owned()),
                // Whatever the person who runs the tests has set.
                (
                    "TF_CLI_CONFIG_FILE".to_owned(),
                    home.path().join(".terraformrc").display().to_string(),
                ),
            ],
            stands_for: vec![
                (
                    "/opt/tokenwright".to_owned(),
                    packed.folder().display().to_string(),
                ),
                ("linux_amd64".to_owned(), platform),
            ],
            long: false,
        },
    );
    let took = took.unwrap_or_else(|error| panic!("{error:#}"));
    let run = took.iter().filter(|took| took.time.is_some()).count();
    assert!(run >= 6, "only {run} steps of the page were acted on");
    for took in took {
        if let When::Elsewhere(why) = &took.block.when {
            assert!(!why.is_empty(), "line {}: no reason", took.block.line);
        }
    }
}
