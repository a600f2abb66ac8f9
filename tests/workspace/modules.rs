//! The direction of the files inside a crate: who may know whom, read from their `use` lines.
//!
//! A call of a method needs no `use`, so a circle can hide behind one; what is found here is what a
//! reader follows from the top of a file. A file that shows to others what its own children hold does not
//! build upon them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The folders of the operator that each folder of it may know, beside itself. Those that are missing
/// from a line lie above it, or beside it.
const LAYERS: &[(&str, &[&str])] = &[
    (
        "watch",
        &["minted", "adopted", "issuer", "secret", "cluster"],
    ),
    // These two do not know each other: what both need stands below them.
    ("minted", &["issuer", "secret", "cluster"]),
    ("adopted", &["issuer", "secret", "cluster"]),
    ("issuer", &["secret", "cluster"]),
    ("secret", &["cluster"]),
    ("cluster", &[]),
];

/// A file, as its modules are named.
type Module = Vec<String>;

/// The files of a crate, and what each of them imports of the others.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

fn sources(crate_name: &str) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    workspace.join("crates").join(crate_name).join("src")
}

/// All files below `at`, with the names of their modules. Tests may know everything.
fn files(at: &Path, inside: &[String], found: &mut BTreeMap<Module, String>) {
    for entry in std::fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut module = inside.to_vec();
        if name != "mod" {
            module.push(name.clone());
        }
        if path.is_dir() {
            files(&path, &module, found);
        } else if path.extension().is_some_and(|end| end == "rs") && name != "tests" {
            found.insert(module, std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// The paths that a tree such as `a::{b, c::d}` names.
fn paths(tree: &str, before: &[String], all: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    if let Some(branches) = tree.strip_prefix('{') {
        let (mut depth, mut branch) = (0, String::new());
        for letter in branches.chars() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth < 0 || (depth == 0 && letter == ',') {
                if !branch.trim().is_empty() {
                    paths(&std::mem::take(&mut branch), before, all);
                }
                branch.clear();
            } else {
                branch.push(letter);
            }
        }
        return;
    }
    let (name, rest) = match tree.split_once("::") {
        Some((name, rest)) => (name, Some(rest)),
        None => (tree.split_whitespace().next().unwrap_or_default(), None),
    };
    let mut path = before.to_vec();
    path.push(name.trim().to_owned());
    match rest {
        Some(rest) => paths(rest, &path, all),
        None => all.push(path),
    }
}

/// The file that a path of `module` leads to.
fn target(module: &Module, path: &[String], files: &BTreeMap<Module, String>) -> Option<Module> {
    let mut target = Vec::new();
    let mut rest = path;
    match path.first().map(String::as_str) {
        Some("crate") => rest = &path[1..],
        Some("self" | "super") => {
            target.clone_from(module);
            while let Some(first @ ("self" | "super")) = rest.first().map(String::as_str) {
                if first == "super" {
                    target.pop();
                }
                rest = &rest[1..];
            }
        }
        // A child of its own is named without more.
        Some(child) if files.contains_key(&[module.as_slice(), &[child.to_owned()]].concat()) => {
            target.clone_from(module);
        }
        _ => return None,
    }
    target.extend(rest.iter().filter(|name| *name != "self").cloned());
    while !target.is_empty() && !files.contains_key(&target) {
        target.pop();
    }
    (!target.is_empty() && target != *module).then_some(target)
}

/// Whether a line imports something, and whether only to show it to others.
fn import(line: &str) -> Option<bool> {
    let line = line.trim_start();
    let shown = line.starts_with("pub") && line.contains(" use ");
    (shown || line.starts_with("use ")).then_some(shown)
}

/// The files that the imports of one file lead to.
fn known(module: &Module, text: &str, files: &BTreeMap<Module, String>) -> BTreeSet<Module> {
    let product = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut known = BTreeSet::new();
    // A tree of imports has no semicolon inside.
    for statement in product.split(';') {
        let found = statement
            .lines()
            .find_map(|line| Some((line, import(line)?)));
        let Some((line, shown)) = found else {
            continue;
        };
        let Some((_, tree)) = statement[statement.find(line).unwrap()..].split_once("use ") else {
            continue;
        };
        let mut all = Vec::new();
        paths(tree, &[], &mut all);
        let others = all.iter().filter_map(|path| target(module, path, files));
        known.extend(others.filter(|other| !(shown && other[..other.len() - 1] == module[..])));
    }
    known
}

fn imports(crate_name: &str) -> Imports {
    let mut found = BTreeMap::new();
    files(&sources(crate_name), &[], &mut found);
    let each = found.iter();
    each.map(|(module, text)| (module.clone(), known(module, text, &found)))
        .collect()
}

#[test]
fn the_layers_of_the_operator_know_only_those_below() {
    let imports = imports("operator");
    let layers: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    let mut seen = BTreeSet::new();
    for (module, known) in &imports {
        let Some(may_know) = layers.get(module[0].as_str()) else {
            continue;
        };
        seen.insert(module[0].as_str());
        for other in known {
            let (from, to) = (module[0].as_str(), other[0].as_str());
            assert!(
                from == to || may_know.contains(&to),
                "{} must not know {}",
                module.join("::"),
                other.join("::")
            );
        }
    }
    assert_eq!(seen.len(), LAYERS.len(), "every layer is a folder");
}

/// A way from a file to itself, if there is one.
fn circle(imports: &Imports) -> Option<Vec<String>> {
    // What imports nothing that is left is in no circle.
    let mut left = imports.clone();
    while let Some(done) = left
        .iter()
        .find(|(_, known)| known.iter().all(|other| !left.contains_key(other)))
        .map(|(module, _)| module.clone())
    {
        left.remove(&done);
    }
    let mut way = vec![left.keys().next()?.clone()];
    loop {
        let next = left[way.last()?]
            .iter()
            .find(|other| left.contains_key(*other))?;
        let met = way.iter().position(|module| module == next);
        way.push(next.clone());
        if let Some(met) = met {
            return Some(way[met..].iter().map(|module| module.join("::")).collect());
        }
    }
}

/// The crates whose files stand in one direction.
const WITHOUT_CIRCLES: &[&str] = &[
    "core", "client", "api", "operator", "provider", "tfplugin", "cli", "sandbox", "testbed",
    "xtask",
];

#[test]
fn no_file_of_a_product_leads_back_to_itself() {
    for name in WITHOUT_CIRCLES {
        assert_eq!(circle(&imports(name)), None, "{name}");
    }
}

#[test]
fn imports_are_found_in_trees_and_across_folders() {
    let imports = imports("operator");
    let path = |text: &str| -> Module { text.split("::").map(str::to_owned).collect() };
    let known = &imports[&path("watch::dispatch")];
    for other in ["cluster::pace", "cluster::calls", "minted", "secret::parts"] {
        assert!(known.contains(&path(other)), "{other} in {known:?}");
    }
    let (a, b) = (path("a"), path("b"));
    let two = Imports::from([
        (a.clone(), BTreeSet::from([b.clone()])),
        (b, BTreeSet::from([a])),
    ]);
    assert_eq!(circle(&two).unwrap(), ["a", "b", "a"]);
}
