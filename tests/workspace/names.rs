//! What the pages name and quote is there: each word of a code span stands in what is shipped, or is the name
//! of a test, and each message in a page is one that some program says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::links::prose;

/// Words of other programs, and what stands for a word of the reader's own.
const OF_OTHERS: [&str; 46] = [
    "IAMApplicationManager",
    "TF_VAR_okta_token",
    "application_keys",
    "dashboards_read",
    "early_renewal_hours",
    "tls_locally_signed_cert",
    "validity_period_hours",
    "aws_ssm_parameter",
    "azurerm_key_vault_secret",
    "cloudflare_api_token",
    "create_before_destroy",
    "create_response",
    "datadog_application_key",
    "datadog_service_account_application_key",
    "destroy_path",
    "end_date",
    "id_attribute",
    "include_reference_token",
    "remote_config_read_enabled",
    "ready_for_rotation",
    "renew_min_lease",
    "restapi_object",
    "rotate_when_changed",
    "rotation_configuration",
    "serviceAccountKeyAdmin",
    "ses_smtp_password_v4",
    "creationPolicy",
    "deletionPolicy",
    "pgp_key",
    "okta_app_token",
    "private_key_jwt",
    "tfe_agent_token",
    "tfe_organization_token",
    "time_rotating",
    "after_create",
    "read_search",
    "replace_triggered_by",
    "pcl_",
    "PROJECT",
    "ROLE",
    "SHELL",
    "SUMMARY",
    "TOKENWRIGHT_SCHEDULES",
    "TOKENWRIGHT_SEED",
    "VERSION",
    "OS_ARCH",
];
/// What the resources of other providers are called, as the guides that lead here from them are followed.
const STAND_IN: &str = "crates/tfplugin/tests/go/peers/main.go";
/// What a sample of an output names, in whose place other words stand elsewhere.
const SAMPLES: [&str; 7] = ["scaleway", "seeme", "ci", "old", "team", "acme", "scopes"];
/// Sentences of other programs, and those that are put together from parts, which tests of their own hold.
const SAID_OTHERWISE: [&str; 5] = [
    "Saved plan is stale",
    "Failed to query available provider packages",
    "x if y else z",
    "It would mint revision 2.",
    "  Sends part key in the header Authorization, behind \"Bearer \" to https://api.seeme.ai/api/v1 and nowhere else.",
];
/// So many words in a row are a sentence.
const SENTENCE: usize = 4;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with("target") && name != "node_modules" && name != "decisions" {
                files(&path, endings, found);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
}

/// The pages that people read; a decision speaks of its day.
pub(crate) fn pages() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    files(&root().join("docs"), &[".md"], &mut found);
    for name in ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"] {
        found.push(root().join(name));
    }
    let read = |path: PathBuf| (path.clone(), fs::read_to_string(path).unwrap());
    found.into_iter().map(read).collect()
}

/// What is shipped, and what tests it.
struct Sources {
    shipped: String,
    tests: String,
}

impl Sources {
    fn read() -> Self {
        let endings = [
            ".rs",
            ".yaml",
            ".yml",
            ".json",
            ".tf",
            ".hcl",
            ".toml",
            ".tpl",
            ".html",
            ".sh",
            ".lua",
            ".rb",
            ".nix",
            ".txt",
            "run",
            "Cargo.lock",
        ];
        let mut found = Vec::new();
        for folder in ["crates", "charts", "deploy", "examples", "tests", ".ci"] {
            files(&root().join(folder), &endings, &mut found);
        }
        found.push(root().join("Cargo.toml"));
        found.push(root().join("Cargo.lock"));
        found.push(root().join(STAND_IN));
        let (mut shipped, mut tests) = (String::new(), String::new());
        for path in found {
            let own = path.strip_prefix(root()).unwrap_or(&path);
            let mut parts = own
                .components()
                .map(|part| part.as_os_str().to_string_lossy());
            let tested = parts.any(|part| part == "tests" || part == "tests.rs");
            let into = if tested && !own.ends_with(STAND_IN) {
                &mut tests
            } else {
                &mut shipped
            };
            into.push_str(&String::from_utf8_lossy(&fs::read(&path).unwrap()));
            into.push('\n');
        }
        Self { shipped, tests }
    }

    /// Every word that a page may name.
    fn words(&self) -> BTreeSet<&str> {
        let tests = self.tests.split("fn ").skip(1);
        let tests = tests.filter_map(|rest| words(rest).next());
        let modules = self.tests.split("mod ").skip(1);
        let modules = modules.filter_map(|rest| words(rest).next());
        words(&self.shipped).chain(tests).chain(modules).collect()
    }

    /// Every run of words that a program may say: what breaks a line of the source breaks no sentence.
    fn sentences(&self) -> BTreeSet<String> {
        let unbroken: Vec<&str> = self
            .shipped
            .lines()
            .map(|line| line.trim().trim_end_matches('\\'))
            .map(|line| line.trim_start_matches(['/', '!']))
            .collect();
        let unbroken = unbroken.join(" ");
        let all: Vec<&str> = plain_words(&unbroken).collect();
        all.windows(SENTENCE).map(|run| run.join(" ")).collect()
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
}

/// Words without figures and signs.
fn plain_words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ' ' || is_sign(c))
        .filter(|word| !word.is_empty())
}

fn is_sign(c: char) -> bool {
    !(c.is_ascii_alphabetic() || c == '\'' || c == ' ')
}

/// Whether a word is a name, and no word of every day.
fn is_name(word: &str) -> bool {
    let bytes = word.as_bytes();
    let humped = bytes
        .windows(2)
        .any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    let shouted = word.len() > 3 && !word.contains(|c: char| c.is_ascii_lowercase());
    let shouted = shouted && word.starts_with(|c: char| c.is_ascii_uppercase());
    word.contains('_') || humped || shouted
}

fn spans(page: &str) -> Vec<String> {
    let lines = prose(page);
    let spans = lines
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    spans.map(str::to_owned).collect()
}

/// The names of a span that are nowhere.
fn unknown<'a>(span: &'a str, known: &BTreeSet<&str>) -> Vec<&'a str> {
    // A name of a file holds a version or a place for one.
    if span.contains("VERSION") || span.contains("0.1.0") {
        return Vec::new();
    }
    words(span)
        .filter(|word| is_name(word) && !known.contains(word) && !OF_OTHERS.contains(word))
        .collect()
}

/// What a page quotes: code spans of several words, and what commands print in its blocks.
fn quotes(page: &str) -> Vec<String> {
    let mut quoted: Vec<String> = spans(page);
    quoted.retain(|span| span.split(' ').count() >= SENTENCE && !is_code(span));
    for block in page.split("\n```console\n").skip(1) {
        let block = block.split("\n```").next().unwrap_or_default();
        if block.lines().any(|line| line.starts_with("$ ")) {
            let printed = block.lines().filter(|line| !line.starts_with("$ "));
            quoted.extend(printed.map(str::to_owned));
        }
    }
    quoted
}

/// Whether somebody types it, or a program reads it.
fn is_code(span: &str) -> bool {
    let programs = [
        "tokenwright",
        "kubectl",
        "cargo",
        "terraform",
        "helm",
        "git ",
        "apt-get",
        "p, ",
    ];
    programs.iter().any(|program| span.starts_with(program))
        || span.contains(['{', '}', '=', '|', '<', '$', '(', '['])
        || span.contains(" -")
}

/// The runs of words in a quote that no program says.
fn unsaid(quote: &str, said: &BTreeSet<String>) -> Vec<String> {
    if SAID_OTHERWISE.contains(&quote) {
        return Vec::new();
    }
    // Columns, figures, signs and what a sample names stand between sentences.
    let columns = quote.split("  ");
    let mut missing = Vec::new();
    for column in columns {
        let all: Vec<&str> = column.split_whitespace().collect();
        for sentence in all.split(|word| stands_between(word)) {
            let sentence = sentence.join(" ");
            for piece in sentence.split(is_sign) {
                let plain: Vec<&str> = plain_words(piece).collect();
                let runs = plain.windows(SENTENCE).map(|run| run.join(" "));
                missing.extend(runs.filter(|run| !said.contains(run)));
            }
        }
    }
    missing
}

/// Whether a word is another one each time.
fn stands_between(word: &str) -> bool {
    let plain: Vec<&str> = plain_words(word).collect();
    let figure = word.contains(|c: char| c.is_ascii_digit());
    figure || plain.iter().any(|word| SAMPLES.contains(word)) || word == word.to_uppercase()
}

#[test]
fn each_name_in_a_code_span_is_one_of_what_is_shipped_or_of_a_test() {
    let sources = Sources::read();
    let known = sources.words();
    let mut faults = Vec::new();
    let mut looked = 0;
    for (page, text) in pages() {
        for span in spans(&text) {
            looked += 1;
            for word in unknown(&span, &known) {
                faults.push(format!("{}: {word} in `{span}`", page.display()));
            }
        }
    }
    assert!(looked > 2000, "{looked}");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn each_message_that_a_page_quotes_is_said_by_a_program() {
    let said = Sources::read().sentences();
    let mut faults = Vec::new();
    let mut looked = 0;
    for (page, text) in pages() {
        for quote in quotes(&text) {
            looked += 1;
            for run in unsaid(&quote, &said) {
                faults.push(format!("{}: {run:?} in {quote:?}", page.display()));
            }
        }
    }
    assert!(looked > 60, "{looked}");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_name_and_a_message_that_are_nowhere_are_found() {
    let sources = Sources {
        shipped: "renewBefore SEEME_API_KEY \"the issuer does not \\\n    accept it\"".to_owned(),
        tests: "fn a_test_of_it() {}\nmod adopted;\nlet only_in_a_test = 1;".to_owned(),
    };
    let known = sources.words();
    for fine in [
        "spec.renewBefore: 3d",
        "$SEEME_API_KEY",
        "adopted::a_test_of_it",
        "plain words",
    ] {
        assert_eq!(unknown(fine, &known), [""; 0], "{fine}");
    }
    for wrong in ["renewBefor", "SEEME_KEY", "only_in_a_test"] {
        let found = unknown(wrong, &known).len();
        assert_eq!(found, usize::from(is_name(wrong)), "{wrong}");
    }
    let said = sources.sentences();
    assert_eq!(
        unsaid("error: the issuer does not accept it", &said),
        [""; 0]
    );
    assert_eq!(unsaid("the issuer refuses to accept it", &said).len(), 3);
    let page = "a `b c d e` f\n\n```console\n$ x\nwhat it says\n```\n\n`tokenwright a b c d`\n";
    assert_eq!(quotes(page), ["b c d e", "what it says"]);
}
