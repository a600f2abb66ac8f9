//! The pages that are written by the programs themselves: commands with their options, and kinds with
//! their fields.

use std::process::Command;

use serde_json::Value;
use tokenwright_testbed::tools::product_binary;

use super::packed::{holds, run};

fn help(path: &[String]) -> String {
    let program = product_binary("tokenwright").unwrap();
    let mut command = Command::new(program);
    // As wide as it is without a terminal.
    run(command.args(path).arg("--help").env_remove("COLUMNS"))
}

/// The commands below one, in the order of its help.
fn below(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    let names = names.filter(|name| *name != "help");
    names.map(str::to_owned).collect()
}

fn commands(path: &[String], page: &mut String) {
    let help = help(path);
    let name = [&["tokenwright".to_owned()], path].concat().join(" ");
    page.push_str(&format!(
        "\n## `{name}`\n\n```text\n{}\n```\n",
        help.trim_end()
    ));
    for name in below(&help) {
        commands(&[path, &[name]].concat(), page);
    }
}

#[test]
fn the_page_of_commands_is_what_the_command_line_says_of_itself() {
    let mut page = "# Commands and options\n\n\
                    What `--help` says, command by command; written by `cargo xtask generate`.\n\
                    [The command line](../cli.md) shows each at work.\n"
        .to_owned();
    commands(&[], &mut page);
    holds("docs/reference/commands.md", &page);
}

/// One row for each field, the deeper ones below.
fn fields(schema: &Value, path: &str, page: &mut String) {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = match path.is_empty() {
            true => name.clone(),
            false => format!("{path}.{name}"),
        };
        let mark = match required.contains(&name.as_str()) {
            true => ", required",
            false => "",
        };
        let said = field["description"].as_str().unwrap_or_default();
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = said.replace('|', "\\|").replace('<', "&lt;");
        page.push_str(&format!("| `{path}` | {}{mark} | {said} |\n", sort(field)));
        fields(field, &path, page);
        fields(&field["items"], &format!("{path}[]"), page);
        fields(
            &field["additionalProperties"],
            &format!("{path}.NAME"),
            page,
        );
    }
}

fn sort(field: &Value) -> String {
    let kind = field["type"].as_str().unwrap_or("any");
    match kind {
        "array" => format!("list of {}", sort(&field["items"])),
        "object" if field["additionalProperties"].is_object() => {
            format!("map of {}", sort(&field["additionalProperties"]))
        }
        _ => match field["enum"].as_array() {
            Some(words) => {
                let words = words.iter().filter_map(Value::as_str);
                let words: Vec<_> = words.map(|word| format!("`{word}`")).collect();
                words.join(" or ")
            }
            None => kind.to_owned(),
        },
    }
}

#[test]
fn the_page_of_kinds_has_every_field_of_the_definitions() {
    let mut page = "# Kinds\n\n\
                    Every field of the kinds of `tokenwright.dev/v1alpha1`; written by `cargo xtask generate`.\n\
                    [From an empty cluster to a rotated Secret](../guides/kubernetes.md) shows them at work.\n"
        .to_owned();
    for kind in tokenwright_api::crds() {
        let kind = serde_json::to_value(kind).unwrap();
        let name = kind["spec"]["names"]["kind"].as_str().unwrap();
        let schema = &kind["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let said = schema["description"].as_str().unwrap_or_default();
        page.push_str(&format!("\n## {name}\n\n{said}\n"));
        for part in ["spec", "status"] {
            let part_of = &schema["properties"][part];
            if !part_of.is_object() {
                continue;
            }
            page.push_str(&format!(
                "\n### {name}: {part}\n\n| field | is | meaning |\n|---|---|---|\n"
            ));
            fields(part_of, part, &mut page);
        }
    }
    holds("docs/reference/kinds.md", &page);
}
