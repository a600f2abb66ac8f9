//! What the names and the presence of parts must keep to.

use super::{Loader, Problem};
use crate::profile::file;
use crate::profile::secrets::LOGIN;
use crate::profile::signed::JWT;
use crate::text::FUNCTIONS;

/// Each part is looked for in every entry of an answer; no system has so many.
const MOST_PARTS: usize = 16;

/// Words that requests and answers already use.
const WORDS: [&str; 12] = [
    "name", "scopes", "lifetime", "id", "at", "item", "answer", "claims", "headers", "first",
    "second", "third",
];

fn is_word(text: &str) -> bool {
    let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(ok)
}

fn may_be(parameter: &file::Parameter, value: &String) -> bool {
    let values = parameter.values.as_ref();
    values.is_none_or(|values| values.contains(value))
}

fn is_taken(name: &str) -> bool {
    WORDS.contains(&name) || name == "status" || FUNCTIONS.contains(&name)
}

impl Loader<'_> {
    pub(super) fn words(&self) -> Result<(), Problem> {
        let file = self.file;
        if !is_word(&file.profile) || file.profile.contains('_') {
            return Err(self.field("profile", "must be lower-case letters, digits and hyphens"));
        }
        for name in file.parameters.keys() {
            let name = name.as_str();
            if !is_word(name) || name.contains('-') {
                let problem =
                    "is no name for a parameter: those are lower-case letters, digits and _";
                return Err(self.within("parameters").field(name, problem));
            }
            // A word where a value has a prefix alone: what was a good name stays one.
            let mut parts = file.value.values();
            let prefix = name == "prefix" && parts.any(|part| part.public_before.is_some());
            if is_taken(name) || prefix {
                let problem = "is a word of the profile language: give the parameter another name";
                return Err(self.within("parameters").field(name, problem));
            }
        }
        for (name, parameter) in &file.parameters {
            let Some(default) = &parameter.default else {
                continue;
            };
            let problem = match () {
                () if default.is_empty() => "is empty: leave it out",
                () if parameter.required => "is never used, since the parameter is required",
                () if !may_be(parameter, default) => "is none of its values",
                () if file.exactly_one.contains(name) => {
                    "would always be given, and exactlyOne wants one that is"
                }
                () => continue,
            };
            let here = self.within("parameters").within(name);
            return Err(here.field("default", problem));
        }
        let required = |name: &&String| file.parameters.get(*name).is_some_and(|p| p.required);
        if let Some(name) = file.exactly_one.iter().find(required) {
            let problem = format!("{name} is required, so that no other could be given");
            return Err(self.field("exactlyOne", problem));
        }
        let unknown = |name: &&String| !file.parameters.contains_key(*name);
        if let Some(name) = file.exactly_one.iter().find(unknown) {
            return Err(self.field("exactlyOne", format!("{name} is no parameter")));
        }
        if file.value.is_empty() {
            return Err(self.field("value", "must have at least one part"));
        }
        if file.value.len() > MOST_PARTS {
            return Err(self.field("value", format!("has more than {MOST_PARTS} parts")));
        }
        self.several_ways()?;
        let mut ways = self.each_way().into_iter();
        ways.try_for_each(|way| way.parts_of_credential())
    }

    /// What parts of a credential may be called: those that are no secret are names in requests.
    fn parts_of_credential(&self) -> Result<(), Problem> {
        let here = self.at_credential().within("parts");
        let parts = self.credential.iter().flat_map(|c| &c.parts);
        let names = parts.flat_map(|(name, part)| {
            let fields = part.json.iter().map(|(name, field)| (name, field.public));
            fields.chain([(name, part.public)])
        });
        for (name, public) in names {
            if name == LOGIN || name == JWT {
                let problem = "is a part that is made: give this one another name";
                return Err(here.field(name, problem));
            }
            if !public {
                continue;
            }
            if !is_word(name) || name.contains('-') {
                let problem =
                    "is public and so a name in requests: lower-case letters, digits and _";
                return Err(here.field(name, problem));
            }
            if is_taken(name) || self.file.parameters.contains_key(name) {
                let problem = "is public and so a name in requests, where another thing has it";
                return Err(here.field(name, problem));
            }
        }
        Ok(())
    }

    pub(super) fn parts(&self) -> Result<(), Problem> {
        let file = self.file;
        match file.mint {
            Some(_) => self.minting()?,
            None => self.by_hand()?,
        }
        if file.toggle.is_some() && (file.enable.is_some() || file.disable.is_some()) {
            return Err(self.field("toggle", "excludes enable and disable"));
        }
        if file.enable.is_some() != file.disable.is_some() {
            let alone = if file.enable.is_some() {
                "enable"
            } else {
                "disable"
            };
            return Err(self.field(alone, "enable and disable belong together"));
        }
        let shows = file.token.as_ref().is_some_and(|t| t.enabled.is_some());
        let looks = file.get.is_some() || file.list.is_some();
        if file.toggle.is_some() && !(shows && looks) {
            let problem = "needs token.enabled, and get or list, to look before and after";
            return Err(self.field("toggle", problem));
        }
        if file.update.is_some() && !looks {
            return Err(self.field("update", "needs get or list, to read back what came of it"));
        }
        Ok(())
    }

    /// What a mint cannot do without.
    fn minting(&self) -> Result<(), Problem> {
        let file = self.file;
        for (there, missing) in [
            (file.credential.is_some(), "credential"),
            (file.name.is_some(), "name"),
            (file.scopes.is_some(), "scopes"),
            (file.lifetime.is_some(), "lifetime"),
            (file.token.is_some(), "token"),
        ] {
            if !there {
                return Err(self.field("mint", format!("needs {missing}")));
            }
        }
        if file.revoke.is_none() && self.nothing_by_hand() {
            let problem = "makes tokens that nothing could end: give revoke, or say in manual what a person must do";
            return Err(self.field("mint", problem));
        }
        let own = file.token.as_ref().and_then(|token| token.id.as_ref());
        let special = file.mint.as_ref().and_then(|mint| mint.token.as_ref());
        let special = special.and_then(|token| token.id.as_ref());
        match (own, special) {
            (None, None) => Err(self.field("token", "needs id")),
            (None, Some(_)) | (Some(_), _) => Ok(()),
        }
    }

    /// Whether nobody is told what to do where there is no API.
    pub(super) fn nothing_by_hand(&self) -> bool {
        let manual = self.file.manual.as_ref();
        manual.is_none_or(|manual| manual.trim().is_empty())
    }

    /// Where nothing can be minted, only the check is left: nothing else could be proven or undone.
    fn by_hand(&self) -> Result<(), Problem> {
        let file = self.file;
        if self.nothing_by_hand() {
            return Err(self.field(
                "profile",
                "needs mint, or manual to say what a person must do",
            ));
        }
        for (there, part) in [
            (file.credential.is_some(), "credential"),
            (file.name.is_some(), "name"),
            (file.scopes.is_some(), "scopes"),
            (file.lifetime.is_some(), "lifetime"),
            (file.token.is_some(), "token"),
            (!file.public.is_empty(), "public"),
            (file.identity.is_some(), "identity"),
            (file.get.is_some(), "get"),
            (file.list.is_some(), "list"),
            (file.update.is_some(), "update"),
            (file.toggle.is_some(), "toggle"),
            (file.enable.is_some(), "enable"),
            (file.disable.is_some(), "disable"),
            (file.revoke.is_some(), "revoke"),
        ] {
            if there {
                return Err(self.field(part, "is only for systems with mint"));
            }
        }
        let placed = |part: &file::ValuePart| {
            part.at.is_some() || part.header.is_some() || part.compose.is_some()
        };
        match file.value.iter().find(|(_, part)| placed(part)) {
            Some((name, _)) => {
                let problem = "is brought by a person, since nothing is minted: leave out at, header and compose";
                Err(self.within("value").field(name, problem))
            }
            None => Ok(()),
        }
    }
}
