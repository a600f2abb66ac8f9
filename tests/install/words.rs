//! What the pages name is there: each command and flag of our programs, and each file of the checkout.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tokenwright_testbed::tools::product_binary;

use super::packed::root;

/// How each program is written, and which binary it is.
const PROGRAMS: [(&str, &str); 5] = [
    ("cargo xtask", "xtask"),
    ("kubectl tokenwright", "tokenwright"),
    ("tokenwright-operator", "tokenwright-operator"),
    ("tokenwright-sandbox", "tokenwright-sandbox"),
    ("tokenwright", "tokenwright"),
];

/// The folders whose files a page names from the root of the checkout.
const FOLDERS: [&str; 7] = [
    "charts/",
    "crates/",
    "deploy/",
    "docs/",
    "examples/",
    "tests/",
    ".ci/",
];

/// The pages that people read.
fn pages() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    let mut open = vec![root().join("docs")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // A decision speaks of its day.
            match path.is_dir() {
                true if path.ends_with("decisions") => {}
                true => open.push(path),
                false if path.extension().is_some_and(|ending| ending == "md") => found.push(path),
                false => {}
            }
        }
    }
    found
}

/// The lines of a page that somebody could type, and what stands in its code spans.
fn code(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut typed, mut spans) = (Vec::new(), Vec::new());
    let mut fence: Option<bool> = None;
    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            fence = match fence {
                Some(_) => None,
                None => Some(["console", "shell", "sh"].contains(&language)),
            };
            continue;
        }
        match fence {
            Some(true) => typed.push(line.trim_start_matches("$ ").to_owned()),
            Some(false) => {}
            None => spans.extend(line.split('`').skip(1).step_by(2).map(str::to_owned)),
        }
    }
    (typed, spans)
}

/// The helps of our programs, each asked for once.
#[derive(Default)]
struct Helps(RefCell<BTreeMap<Vec<String>, String>>);

impl Helps {
    fn of(&self, path: &[String]) -> String {
        let mut known = self.0.borrow_mut();
        let ask = || {
            let mut command = Command::new(product_binary(&path[0]).unwrap());
            let output = command.args(&path[1..]).arg("--help").output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        known.entry(path.to_vec()).or_insert_with(ask).clone()
    }

    /// The commands below one.
    fn commands(&self, path: &[String]) -> BTreeSet<String> {
        let help = self.of(path);
        let lines = help
            .lines()
            .skip_while(|line| *line != "Commands:")
            .skip(1)
            .take_while(|line| !line.is_empty());
        lines
            .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
            .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
            .collect()
    }

    fn has(&self, path: &[String], flag: &str) -> bool {
        let help = self.of(path);
        let flags = help.split(|c: char| !(c.is_alphanumeric() || c == '-'));
        flags.into_iter().any(|word| word == flag)
    }

    /// Whether any command of any of our programs has this flag.
    fn anywhere(&self, flag: &str) -> bool {
        let mut open: Vec<Vec<String>> = PROGRAMS
            .iter()
            .map(|(_, binary)| vec![(*binary).to_owned()])
            .collect();
        while let Some(path) = open.pop() {
            if self.has(&path, flag) {
                return true;
            }
            let below = self.commands(&path).into_iter();
            let below = below.filter(|name| name != "help");
            open.extend(below.map(|name| [&path[..], &[name]].concat()));
        }
        false
    }

    /// What is wrong with one line, if it calls a program of ours.
    fn faults(&self, line: &str) -> Vec<String> {
        let starts = ["", "| ", "$(", "kubectl exec "];
        let mut faults = Vec::new();
        for (written, binary) in PROGRAMS {
            for start in starts {
                let call = format!("{start}{written} ");
                let rest = match start.is_empty() {
                    true => line.strip_prefix(&call),
                    false => line.split_once(&call).map(|(_, rest)| rest),
                };
                if let Some(rest) = rest {
                    faults.extend(self.call(binary, rest));
                    return faults;
                }
            }
        }
        faults
    }

    fn call(&self, binary: &str, rest: &str) -> Vec<String> {
        let mut path = vec![binary.to_owned()];
        let mut faults = Vec::new();
        for word in rest.split_whitespace() {
            // What follows is another program's, or a comment.
            if ["--", "|", ">", "2>", "#", "&", "&&", ";", "…", "/"].contains(&word) {
                break;
            }
            let word = word.trim_end_matches([')', '`', '.', ',', ';', ']', '"']);
            let word = word.trim_start_matches('[');
            if word.starts_with('-') && word.len() > 1 {
                let flag = word.split('=').next().unwrap_or(word);
                if !self.has(&path, flag) && !["--help", "--version"].contains(&flag) {
                    faults.push(format!("`{}` has no {flag}", path.join(" ")));
                }
                continue;
            }
            let commands = self.commands(&path);
            if commands.is_empty() || word.chars().any(|c| c.is_uppercase()) {
                continue;
            }
            match commands.contains(word) {
                true => path.push(word.to_owned()),
                // An operator's own arguments stand before its command.
                false if path.len() > 1 || binary == "tokenwright" || binary == "xtask" => {
                    faults.push(format!("`{}` has no command {word}", path.join(" ")));
                    break;
                }
                false => {}
            }
        }
        faults
    }
}

/// Flags of kubectl and of helm, which ours stand beside.
const OF_OTHERS: [&str; 3] = ["--field-selector", "--server-side", "--take-ownership"];

/// What an inventory says of tokens that `profile try` has left: no command.
const OF_A_MARKER: &str = "tokenwright try";

#[test]
fn each_command_and_flag_that_a_page_names_is_one_that_the_program_has() {
    let helps = Helps::default();
    let mut faults = Vec::new();
    let mut looked = 0;
    for page in pages() {
        let (typed, spans) = code(&fs::read_to_string(&page).unwrap());
        let mut say = |fault: String| faults.push(format!("{}: {fault}", page.display()));
        for line in typed.iter().chain(&spans) {
            if line == OF_A_MARKER {
                continue;
            }
            looked += 1;
            helps.faults(line).into_iter().for_each(&mut say);
        }
        for span in spans.iter().filter(|span| span.starts_with("--")) {
            let flag = span.split(['=', ' ']).next().unwrap_or(span);
            let is_flag = flag.chars().nth(2).is_some_and(char::is_alphabetic);
            if is_flag && !OF_OTHERS.contains(&flag) && !helps.anywhere(flag) {
                say(format!("nothing has {flag}"));
            }
        }
    }
    assert!(looked > 500, "{looked}");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn each_file_that_a_page_names_from_the_root_is_there() {
    let mut faults = Vec::new();
    for page in pages() {
        let (typed, spans) = code(&fs::read_to_string(&page).unwrap());
        let words = typed.iter().chain(&spans);
        let words = words.flat_map(|line| line.split_whitespace());
        for word in words {
            let word = word.trim_end_matches([',', ';', ':', '.', ')']);
            let plain =
                !word.contains(['*', '{', '<', '$', '=', '…']) && word != word.to_uppercase();
            let named = FOLDERS.iter().any(|folder| word.starts_with(folder));
            let placeholder = word.split('/').any(|part| part.starts_with("NAME"));
            if plain && named && !placeholder && !there(word) {
                faults.push(format!("{}: {word}", page.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// From the root, or as Terraform writes modules and Go writes packages.
fn there(path: &str) -> bool {
    let path = path.split(['#', '?']).next().unwrap_or(path);
    Path::new(&root()).join(path).exists()
}

#[test]
fn a_command_a_flag_or_a_file_that_is_not_there_is_found() {
    let helps = Helps::default();
    for fine in [
        "tokenwright token list --profile seeme -o json > x",
        "tokenwright run --profile seeme -- ./publish --fast",
        "kubectl tokenwright status --trouble",
        "cargo xtask dist --platform linux_amd64",
        "tokenwright-operator crd | kubectl apply -f -",
    ] {
        assert_eq!(helps.faults(fine), [""; 0], "{fine}");
    }
    for wrong in [
        "tokenwright token lists",
        "tokenwright token list --profil seeme",
        "cargo xtask dist --all",
        "x | kubectl tokenwright stati",
        "tokenwright-sandbox --systems seeme",
    ] {
        assert_eq!(helps.faults(wrong).len(), 1, "{wrong}");
    }
    assert!(there("docs/cli.md") && !there("docs/cly.md"));
    let (typed, spans) = code("a `b` c\n```console\n$ d\n```\n```yaml\ne\n```\n");
    assert_eq!((typed, spans), (vec!["d".to_owned()], vec!["b".to_owned()]));
}
