//! What the engine will do for each operation of a profile, in sentences: for whoever writes one, and for
//! whoever wants to know what a credential will be used for.

use std::collections::BTreeMap;

use tokenwright_core::{LostAnswer, duration};

use super::Profile;
use super::file::{self, Credential, File};
use super::load::InvalidProfile;
use super::yaml::from_yaml;

mod requests;

use requests::{authenticates, logs_in, lower, pages, sends};

/// What is done for one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The operation, such as `mint`.
    pub what: &'static str,
    /// What is done, in order.
    pub sentences: Vec<String>,
}

/// Explains a profile.
///
/// # Errors
/// It is none.
pub fn explain(text: &str) -> Result<Vec<Explained>, InvalidProfile> {
    let profile = Profile::parse(text)?;
    // What loads is read in the same way again.
    let Ok(file) = from_yaml::<File>(text) else {
        return Ok(Vec::new());
    };
    let all = [
        ("credential", credential(&file, &profile)),
        ("identity", identity(&file)),
        ("mint", mint(&file, &profile)),
        ("lost answer", lost(&profile)),
        ("check", check(&file)),
        ("list", list(&file)),
        ("get", get(&file, &profile)),
        ("update", update(&file)),
        ("disable", disable(&file)),
        ("revoke", revoke(&file, &profile)),
        ("refusals", refusals(&file)),
    ];
    let told = all
        .into_iter()
        .map(|(what, sentences)| Explained { what, sentences });
    Ok(told.filter(|one| !one.sentences.is_empty()).collect())
}

fn by_hand(file: &File) -> String {
    let manual = file
        .manual
        .as_deref()
        .unwrap_or("ask whoever runs the system");
    format!("A person must do it: {manual}.")
}

fn credential(file: &File, profile: &Profile) -> Vec<String> {
    let endpoint = profile.default_endpoint();
    let there = endpoint.unwrap_or("the endpoint that the issuer names");
    let Some(credential) = &file.credential else {
        return Vec::new();
    };
    if credential.ways.is_empty() {
        return way(credential, there);
    }
    let ways = credential.ways.iter().flat_map(|(name, credential)| {
        let sentences = way(credential, there).into_iter();
        [format!("Or, as {name}:")].into_iter().chain(sentences)
    });
    let first = "Authenticates in one of several ways, by the parts that are given.";
    [first.to_owned()].into_iter().chain(ways).collect()
}

/// One way to authenticate.
fn way(credential: &Credential, there: &str) -> Vec<String> {
    let Credential {
        parts,
        login,
        header,
        headers,
        basic,
        digest,
        sigv4,
        jwt,
        client_certificate,
        ways: _,
    } = credential;
    let named = parts.iter().map(|(name, part)| match &part.env {
        Some(env) => format!("{name} ({env})"),
        None => name.clone(),
    });
    let named: Vec<_> = named.collect();
    let mut told = vec![format!("Needs {}.", named.join(" and "))];
    if let Some(jwt) = jwt {
        told.push(format!(
            "Signs a JWT with part {} for {}: the part jwt.",
            jwt.key, jwt.lifetime
        ));
    }
    if let Some(shown) = client_certificate {
        told.push(format!(
            "Every connection shows the certificate in part {}.",
            shown.certificate
        ));
    }
    if let Some(login) = login {
        told.extend(logs_in(login, "the credential"));
        told.push("Keeps it in memory until it is refused.".to_owned());
    }
    let several: Vec<_> = headers
        .iter()
        .filter_map(|header| authenticates(Some(header), None))
        .collect();
    let way = authenticates(header.as_ref(), basic.as_ref())
        .or_else(|| (!several.is_empty()).then(|| several.join(" and ")))
        .or_else(|| {
            let sigv4 = sigv4.as_ref()?;
            let (service, region) = (&sigv4.service, &sigv4.region);
            Some(format!(
                "a signature as AWS wants it, for {service} in {region}"
            ))
        })
        .or_else(|| {
            let password = &digest.as_ref()?.password;
            Some(format!(
                "an answer to the challenge of HTTP Digest, which proves part {password} without sending it,"
            ))
        })
        .unwrap_or_else(|| match login {
            Some(_) => "the cookie of the login".to_owned(),
            None => "nothing else".to_owned(),
        });
    told.push(format!("Sends {way} to {there} and nowhere else."));
    told
}

fn identity(file: &File) -> Vec<String> {
    if file.mint.is_none() {
        return Vec::new();
    }
    let Some(identity) = &file.identity else {
        return vec![
            "The system does not say whose the credential is: a digest of it stands for the account."
                .to_owned(),
        ];
    };
    vec![match (&identity.send, &identity.read, &identity.claim) {
        (Some(send), Some(read), _) => format!("Sends {send}, and reads {read}."),
        (None, Some(read), _) => format!("Reads {read} in the answer of the login."),
        (_, _, Some(claim)) => format!("Reads the claim {claim} of the credential; sends nothing."),
        _ => return Vec::new(),
    }]
}

fn mint(file: &File, profile: &Profile) -> Vec<String> {
    let Some(mint) = &file.mint else {
        return vec![by_hand(file)];
    };
    let none = BTreeMap::new();
    let mut told = vec![sends(mint.parts(), &none)];
    let calls = mint.then.iter();
    told.extend(calls.map(|call| format!("Then {}", lower(&sends(call.parts(), &none)))));
    if let Some(name) = &file.name {
        let separator = name.separator.as_deref().unwrap_or(" ");
        told.push(format!(
            "The name is the wanted one, {separator:?} and a marker of at most 40 characters; {} fit in all.",
            name.max
        ));
    }
    let limits = profile.limits();
    told.push(match (limits.expiry, limits.allows_never()) {
        (false, _) => "Tokens never expire.".to_owned(),
        (true, never) => format!(
            "Lifetimes are rounded down to {}{}; a token without end is {}.",
            duration::format(limits.lifetime_unit),
            limits
                .lifetime_max
                .map(|max| format!(", at most {}", duration::format(max)))
                .unwrap_or_default(),
            if never {
                "possible"
            } else {
                "refused before anything is sent"
            }
        ),
    });
    for (name, part) in &file.value {
        let place = match (&part.at, &part.header) {
            (Some(at), _) => format!("at {at}"),
            (None, Some(header)) => format!("in the header {header}"),
            (None, None) => "in pieces".to_owned(),
        };
        told.push(format!(
            "Part {name} of the value stands {place} of the answer, and is moved out before anything else reads it."
        ));
    }
    if let Some(refuse) = &mint.refuse {
        told.push(format!(
            "Where {refuse} is true, the new token is revoked and the mint was refused."
        ));
    }
    told
}

fn lost(profile: &Profile) -> Vec<String> {
    if !profile.mints() {
        return Vec::new();
    }
    let settle = duration::format(profile.capabilities().settle);
    let one = "There is room for one token: a rotation ends the old one first, where a person allows that gap.";
    let one = profile.capabilities().one.then(|| one.to_owned());
    let healed = match profile.capabilities().lost_answer {
        LostAnswer::Replay => "Sends the same request again with the same key.".to_owned(),
        LostAnswer::FindByMarker => format!(
            "Waits {settle}, lists, and revokes what carries the marker of that attempt before it tries again."
        ),
        LostAnswer::CannotAttribute => {
            "Lists show no names: a person must look whether a token was made.".to_owned()
        }
        LostAnswer::CannotList => {
            "Nothing can be listed: a person must look whether a token was made.".to_owned()
        }
    };
    [healed].into_iter().chain(one).collect()
}

fn check(file: &File) -> Vec<String> {
    let Some(check) = &file.check else {
        return vec!["Values cannot be proven: they are delivered as they come.".to_owned()];
    };
    let mut told = Vec::new();
    if let Some(login) = &check.login {
        told.extend(logs_in(login, "the value"));
    }
    told.push(sends(check.parts(), &check.put));
    let own = authenticates(check.header.as_ref(), check.basic.as_ref());
    told.push(match (own, check.with_credential, check.put.is_empty()) {
        (_, true, _) => "The credential authenticates and asks about the value.".to_owned(),
        (Some(own), _, _) => format!("Carries {own}, of the value."),
        (None, _, false) => "Nothing else authenticates.".to_owned(),
        (None, _, true) => "The value authenticates as the credential does.".to_owned(),
    });
    let statuses = |statuses: &[u16], means: &str| {
        let all: Vec<_> = statuses.iter().map(ToString::to_string).collect();
        (!all.is_empty()).then(|| format!("{} {means}.", all.join(", ")))
    };
    told.push(match check.with_credential {
        true => "Only a success says something about the value.".to_owned(),
        false => "A success and 403 prove it alive, 401 proves it dead, all else proves nothing."
            .to_owned(),
    });
    told.extend(statuses(&check.alive, "prove it alive"));
    told.extend(statuses(&check.dead, "prove it dead"));
    told.extend(statuses(&check.unknown, "prove nothing"));
    if let Some(when) = &check.alive_when {
        told.push(format!("In a success, {when} says which of both."));
    }
    told
}

fn list(file: &File) -> Vec<String> {
    let Some(list) = &file.list else {
        return Vec::new();
    };
    let none = BTreeMap::new();
    let mut told = vec![sends(list.parts(), &none)];
    told.extend(list.pages.as_ref().map(pages));
    if let Some(skip) = &list.skip {
        told.push(format!("Leaves out entries for which {skip} is true."));
    }
    if let Some(each) = &list.each {
        told.push(format!(
            "For each id, {}",
            lower(&sends(each.parts(), &none))
        ));
    }
    if !list.secrets.is_empty() {
        told.push(format!(
            "The secrets at {} are moved out first; a digest stands in the place of each.",
            list.secrets.join(", ")
        ));
    }
    told
}

fn get(file: &File, profile: &Profile) -> Vec<String> {
    match &file.get {
        Some(get) => {
            let skip = get.skip.iter();
            let skip = skip.map(|skip| format!("It is gone where {skip} is true."));
            let sends = sends(get.parts(), &BTreeMap::new());
            [sends].into_iter().chain(skip).collect()
        }
        None if file.list.is_some() => vec!["Looks for the token in a whole listing.".to_owned()],
        None if profile.mints() => vec!["No token can be looked at.".to_owned()],
        None => Vec::new(),
    }
}

fn update(file: &File) -> Vec<String> {
    let Some(update) = &file.update else {
        return Vec::new();
    };
    let can = update.can.iter().map(|can| match can {
        file::Can::Name => "the name",
        file::Can::Scopes => "the scopes",
        file::Can::AddExpiry => "an expiry where there is none",
        file::Can::ShortenExpiry => "an earlier expiry",
        file::Can::ExtendExpiry => "a later expiry",
    });
    let can: Vec<_> = can.collect();
    vec![
        sends(update.parts(), &BTreeMap::new()),
        format!(
            "Changes {} on the living token, and reads back what came of it; anything else is a new token.",
            can.join(", ")
        ),
    ]
}

fn disable(file: &File) -> Vec<String> {
    let none = BTreeMap::new();
    if let Some(toggle) = &file.toggle {
        let flip = lower(&sends(toggle.parts(), &none));
        return vec![format!(
            "Looks at the token, {flip} Never twice, and looks again."
        )];
    }
    let both = file.enable.as_ref().zip(file.disable.as_ref());
    let both = both.map(|(enable, disable)| {
        vec![
            sends(disable.parts(), &none),
            format!("To enable it, {}", lower(&sends(enable.parts(), &none))),
        ]
    });
    both.unwrap_or_default()
}

fn revoke(file: &File, profile: &Profile) -> Vec<String> {
    let Some(revoke) = &file.revoke else {
        return match profile.mints() {
            true => vec![by_hand(file)],
            false => Vec::new(),
        };
    };
    let mut told = vec!["Only after the issuer showed our whole marker on that token.".to_owned()];
    if revoke.disable_first {
        told.push("Disables it first, since only such a token can be ended.".to_owned());
    }
    told.push(sends(revoke.parts(), &revoke.put));
    let own = authenticates(revoke.header.as_ref(), revoke.basic.as_ref());
    if let Some(own) = &own {
        told.push(format!("Carries {own}, of the value."));
    }
    if own.is_some() || !revoke.put.is_empty() {
        let shows = file
            .list
            .as_ref()
            .is_some_and(|list| !list.secrets.is_empty());
        told.push(match shows {
            true => "The value is found by listing, where it is not at hand.".to_owned(),
            false => {
                "The value must be at hand: without it, the token is left to a person.".to_owned()
            }
        });
    }
    told.push("404 and 410 mean that it is gone.".to_owned());
    told.push(match (&file.get, &file.list, &file.check) {
        (None, None, None) => "Nothing can look whether that worked.".to_owned(),
        (None, None, Some(_)) => "It counts once the value is dead.".to_owned(),
        _ => "It counts once the token is shown no more.".to_owned(),
    });
    told
}

fn refusals(file: &File) -> Vec<String> {
    let mut told = Vec::new();
    let errors = file.errors.as_ref();
    if let Some((kind, map)) = errors.and_then(|e| e.kind.as_ref().zip(e.map.as_ref())) {
        let words: Vec<_> = map
            .iter()
            .map(|(word, kind)| format!("{word} is {kind:?}"))
            .collect();
        told.push(format!(
            "Reads {kind} in a refusal: {}. All else goes by the status.",
            words.join(", ")
        ));
    }
    if let Some(when) = errors.and_then(|errors| errors.when.as_ref()) {
        told.push(format!("A success for which {when} is true is a refusal."));
    }
    if let Some(message) = errors.and_then(|errors| errors.message.as_ref()) {
        told.push(format!(
            "Shows {message} to the person who asked, cut and without secrets."
        ));
    }
    told.push(match file.answers.as_ref().and_then(|a| a.own.as_ref()) {
        Some(own) => format!("Only an answer for which {own} is true is the system's own; what anybody else says proves nothing."),
        None => "Only an answer in the system's own format is its own; what anybody else says proves nothing.".to_owned(),
    });
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{builtin_files, builtins};

    #[test]
    fn every_call_of_every_profile_is_explained() {
        for name in builtins() {
            let (text, _) = builtin_files(name).unwrap();
            let told = explain(text).unwrap();
            let all: Vec<_> = told
                .iter()
                .flat_map(|one| &one.sentences)
                .cloned()
                .collect();
            let all = all.join("\n");
            for line in text.lines() {
                let send = line.trim_start().strip_prefix("send: ");
                let Some(send) = send.map(|send| send.split(" #").next().unwrap().trim()) else {
                    continue;
                };
                let send = send.trim_matches(['"', '\'']).to_lowercase();
                let told = all.to_lowercase().contains(&send);
                assert!(told, "{name} says nothing of {send}:\n{all}");
            }
        }
    }

    #[test]
    fn secrets_in_requests_and_answers_are_told_by_their_places() {
        let text = "profile: bare\ntitle: t\ncredential: { parts: { k: { env: K } }, login: { send: POST /in, put: { /p: k }, cookie: sid } }\n\
            name: { max: 64, separator: '-' }\nscopes: none\nlifetime: { unit: none }\ntoken: { id: item.s, name: item.n }\n\
            value: { v: { at: /s } }\nmint: { send: POST /t, form: { n: $(name) }, then: [{ send: PUT /u }], refuse: item.bad }\n\
            list: { send: GET /t, secrets: ['/*/s'] }\ncheck: { send: GET /me, put: { '?v': v } }\n\
            revoke: { send: 'DELETE /t/:v', put: { ':v': v } }\nerrors: { message: answer.m }\n";
        let told = explain(text).unwrap();
        let of = |what: &str| {
            let one = told.iter().find(|one| one.what == what).unwrap();
            one.sentences.join(" ")
        };
        for (what, says) in [
            (
                "credential",
                "First turns the credential into a token: Sends POST /in, and part k at /p of the body.",
            ),
            ("credential", "the cookie of the login"),
            ("mint", "Then sends PUT /u."),
            ("mint", "Where item.bad is true, the new token is revoked"),
            ("mint", "\"-\" and a marker"),
            (
                "check",
                "part v under v in the query. Nothing else authenticates.",
            ),
            ("list", "The secrets at /*/s are moved out first"),
            ("revoke", "part v as :v in the path"),
            ("revoke", "found by listing"),
            ("refusals", "Shows answer.m"),
        ] {
            assert!(of(what).contains(says), "{what}: {}", of(what));
        }
    }
}
