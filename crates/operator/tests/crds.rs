//! The definitions that the chart installs are those of this program.

use std::path::Path;

use tokenwright_operator::crds::manifests;

#[test]
fn the_chart_holds_the_definitions_of_this_version() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/tokenwright/files/crds");
    let manifests = manifests().unwrap();
    if std::env::var_os("TOKENWRIGHT_UPDATE").is_some() {
        for manifest in &manifests {
            std::fs::write(folder.join(&manifest.file), &manifest.yaml).unwrap();
        }
    }
    let mut found: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let mut wanted: Vec<_> = manifests
        .iter()
        .map(|manifest| manifest.file.clone())
        .collect();
    wanted.sort();
    assert_eq!(found, wanted);
    for manifest in manifests {
        let chart = std::fs::read_to_string(folder.join(&manifest.file)).unwrap();
        assert_eq!(
            chart, manifest.yaml,
            "{} is stale: run this test with TOKENWRIGHT_UPDATE=1",
            manifest.file
        );
    }
}
