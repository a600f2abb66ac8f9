//! The table of scripts names tests that are there.

/// The sources of this suite, one after the other.
fn sources(folder: &std::path::Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all += &sources(&path),
            false if path.extension().is_some_and(|name| name == "rs") => {
                all += &std::fs::read_to_string(&path).unwrap();
            }
            false => {}
        }
    }
    all
}

#[test]
fn the_table_of_scripts_names_each_of_them_and_tests_that_are_there() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/terraform");
    let table = std::fs::read_to_string(folder.join("scripts/README.md")).unwrap();
    let all = sources(&folder);
    let named: Vec<_> = table.split('`').skip(1).step_by(2).collect();
    let tests = named.iter().filter(|name| name.matches('_').count() > 4);
    let mut count = 0;
    for test in tests {
        assert!(all.contains(&format!("fn {test}(")), "there is no {test}");
        count += 1;
    }
    assert!(count > 30, "{count}");
    let scripts = sources(&folder.join("scripts"));
    let there = scripts.split("\nasync fn ").skip(1);
    let there = there.filter_map(|rest| rest.split_once("() {").map(|(name, _)| name));
    for test in there.filter(|name| name.matches('_').count() > 4) {
        assert!(named.contains(&test.trim()), "the table lacks {test}");
    }
}

/// A first create that was killed or interrupted: what it left comes into the state with the next refresh.
const UNSETTLED: usize = 2;

#[test]
fn after_each_apply_of_a_script_plan_and_refresh_are_quiet() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/terraform/scripts");
    let bare = concat!("world", ".apply()");
    assert_eq!(sources(&folder).matches(bare).count(), UNSETTLED);
}
