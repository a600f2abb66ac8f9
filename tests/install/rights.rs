//! What the chart lets the operator do, rule for rule, beside the page that explains it.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use tokenwright_testbed::chart;
use tokenwright_testbed::programs::OWN_NAMESPACE;

use super::packed::root;

/// A verb on a resource of a group, of one object or of all.
type Granted = BTreeSet<(String, String, String, String)>;

/// What the rules of one role give, one by one.
fn given(role: &Value) -> Granted {
    let texts = |rule: &Value, key: &str| -> Vec<String> {
        let all = rule[key].as_array().into_iter().flatten();
        all.map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut all = Granted::new();
    for rule in role["rules"].as_array().unwrap() {
        let names = match texts(rule, "resourceNames") {
            names if names.is_empty() => vec![String::new()],
            names => names,
        };
        for group in texts(rule, "apiGroups") {
            for resource in texts(rule, "resources") {
                for verb in texts(rule, "verbs") {
                    for name in &names {
                        let one = (verb.clone(), group.clone(), resource.clone(), name.clone());
                        assert!(all.insert(one), "given twice: {verb} {resource} {name}");
                    }
                }
            }
        }
    }
    all
}

/// What a table of the page says, below its heading; the objects by the names that they have in this release.
fn explained(page: &str, heading: &str) -> Granted {
    let (_, section) = page.split_once(&format!("## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let mut all = Granted::new();
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [verb, group, resource, of, without] = cells[..] else {
            panic!("{row}");
        };
        assert!(!without.is_empty(), "{row}");
        let kinds = [
            "apitokens",
            "clustertokenissuers",
            "tokenissuers",
            "tokenprofiles",
        ];
        let names = match of {
            "the kinds of Tokenwright" => {
                kinds.map(|kind| format!("{kind}.tokenwright.dev")).into()
            }
            "its Lease" => vec![chart::RELEASE.to_owned()],
            _ if of == "all" || of.starts_with("any: ") => vec![String::new()],
            named => vec![named.trim_matches('`').to_owned()],
        };
        for name in names {
            let bare = |cell: &str| cell.trim_matches('`').to_owned();
            all.insert((bare(verb), bare(group), bare(resource), name));
        }
    }
    assert!(!all.is_empty(), "{heading}");
    all
}

fn explanation(heading: &str) -> Granted {
    let page = fs::read_to_string(root().join("docs/reference/rights.md")).unwrap();
    explained(&page, heading)
}

/// The roles of the operator, by the namespace of each; those of people are bound to nobody.
fn roles(arguments: &[&str]) -> Vec<(String, Granted)> {
    let documents = chart::render(&root(), OWN_NAMESPACE, arguments).unwrap();
    let bound: BTreeSet<String> = documents
        .iter()
        .filter(|d| ["ClusterRoleBinding", "RoleBinding"].contains(&d["kind"].as_str().unwrap()))
        .map(|binding| binding["roleRef"]["name"].as_str().unwrap().to_owned())
        .collect();
    let roles = documents.iter().filter(|d| {
        let kind = d["kind"].as_str().unwrap();
        ["ClusterRole", "Role"].contains(&kind)
            && bound.contains(d["metadata"]["name"].as_str().unwrap())
    });
    let place = |role: &Value| {
        role["metadata"]["namespace"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    roles.map(|role| (place(role), given(role))).collect()
}

#[test]
fn the_chart_gives_the_operator_the_rights_that_the_page_explains_and_no_others() {
    let of_each = explanation("In each namespace that it serves");
    let of_all = explanation("Where it serves all namespaces");
    let of_one = explanation("Of single objects of the cluster");
    let at_home = explanation("In its own namespace");
    let both = |some: &Granted, more: &Granted| some.union(more).cloned().collect::<Granted>();
    let everywhere = both(&both(&of_each, &of_all), &of_one);
    let home = (OWN_NAMESPACE.to_owned(), at_home);
    assert_eq!(roles(&[]), [(String::new(), everywhere), home.clone()]);
    let teams = ["team-a", "team-b"].map(|team| (team.to_owned(), of_each.clone()));
    let mut wanted = vec![(String::new(), of_one.clone())];
    wanted.extend(teams.clone());
    wanted.push(home.clone());
    let watched = ["--set", "watchNamespaces={team-a,team-b}"];
    assert_eq!(roles(&watched), wanted);
    // To end what a namespace holds that took its rights away.
    wanted[0].1 = both(&of_one, &of_each);
    let clean_up = [&watched[..], &["--set", "cleanUp=true"]].concat();
    assert_eq!(roles(&clean_up), wanted);
}

#[test]
fn each_rule_of_the_chart_says_what_it_is_for() {
    for file in ["_helpers.tpl", "rbac.yaml", "teamroles.yaml"] {
        let text =
            fs::read_to_string(root().join("charts/tokenwright/templates").join(file)).unwrap();
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        let rules = lines
            .windows(2)
            .filter(|two| two[1].starts_with("- apiGroups:"));
        let mut count = 0;
        for two in rules {
            assert!(two[0].starts_with("# "), "{file}: {two:?}");
            count += 1;
        }
        assert!(count > 0, "{file}");
    }
}
