//! Who calls: the people that every account begins with, and what their tokens say.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Name, e-mail, groups.
pub(super) type Person = (&'static str, &'static str, &'static [&'static str]);

/// The callers that every account begins with.
pub(super) const PEOPLE: [Person; 3] = [
    ("Bob", "bob@example.com", &["DEVS", "QA"]),
    ("Admin User", "admin@example.com", &["TERRAKUBE_ADMIN"]),
    ("Carol", "carol@example.com", &["QA"]),
];

/// What a person's own token says.
pub(super) fn claims((name, email, groups): Person, now: Timestamp) -> Map<String, Value> {
    let claims = [
        ("iss", json!("Terrakube")),
        ("sub", json!(name)),
        ("aud", json!(["Terrakube"])),
        ("email", json!(email)),
        ("email_verified", json!(true)),
        ("name", json!(name)),
        ("groups", json!(groups)),
        ("iat", json!(now.as_second())),
    ];
    claims
        .map(|(claim, value)| (claim.to_owned(), value))
        .into_iter()
        .collect()
}

/// The groups of a caller; none where the claim is missing or no list, which the server cannot bear.
pub(super) fn groups(caller: &Map<String, Value>) -> Option<Vec<String>> {
    let groups = caller.get("groups")?.as_array()?.iter();
    Some(
        groups
            .filter_map(|group| Some(group.as_str()?.to_owned()))
            .collect(),
    )
}
