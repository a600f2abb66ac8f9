//! From the file to the profile: everything that can be wrong with one is found here, with its place.

use std::collections::BTreeMap;

use http::{HeaderName, Method};
use jiff::SignedDuration;
use tokenwright_core::{Capabilities, Disable, LostAnswer, UpdateKind, duration, schedule};

use super::expression::{Compiled, InvalidExpression, Names, Template, Tree};
use super::file::{self, File};
use super::plan::{AuthPlan, CallPlan, CheckPlan, ListPlan, MintPlan, PagesPlan, Plan, TokenPlan};
use super::{CredentialPart, Parameter, Profile};
use crate::http::{InvalidEndpoint, endpoint};
use crate::limits::{Limits, NameUnit, ParameterRule, ScopesRule};

/// The most bytes of a secret part, unless the profile says less.
const PART_MAX: usize = 8 * 1024;
/// Words that requests already use.
const REQUEST_NAMES: [&str; 4] = ["name", "scopes", "lifetime", "id"];
/// The most bytes of a profile: the longest so far has 3 KiB.
const FILE_MAX: usize = 256 * 1024;

/// A profile that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("profile: {0}")]
pub struct InvalidProfile(#[from] Problem);

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{0}")]
    Yaml(Box<serde_saphyr::Error>),
    #[error("line {line} column {column}: {problem}")]
    Expression {
        line: usize,
        column: usize,
        problem: InvalidExpression,
    },
    #[error("line {line}: {field}: {problem}")]
    Field {
        line: usize,
        field: String,
        problem: String,
    },
    #[error(transparent)]
    Endpoint(#[from] InvalidEndpoint),
    #[error("is longer than {FILE_MAX} bytes")]
    TooLong,
}

impl Profile {
    /// Reads, checks and compiles a profile.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn parse(text: &str) -> Result<Self, InvalidProfile> {
        if text.len() > FILE_MAX {
            return Err(Problem::TooLong.into());
        }
        let file: File = file::from_yaml(text).map_err(Problem::Yaml)?;
        Ok(Loader { text, file: &file }.load()?)
    }
}

struct Loader<'a> {
    text: &'a str,
    file: &'a File,
}

impl Loader<'_> {
    fn load(&self) -> Result<Profile, Problem> {
        let file = self.file;
        self.words()?;
        let capabilities = self.capabilities()?;
        let limits = self.limits(capabilities.lost_answer)?;
        let value_parts: BTreeMap<_, _> = file
            .value
            .iter()
            .map(|(name, part)| (name.clone(), part.max.unwrap_or(PART_MAX)))
            .collect();
        Ok(Profile {
            name: file.profile.clone(),
            title: file.title.clone(),
            docs: file.docs.clone(),
            endpoint: endpoint(&file.endpoint)?,
            manual: file.manual.clone(),
            credential: file
                .credential
                .parts
                .iter()
                .map(|(name, part)| {
                    let env = part.env.clone();
                    (name.clone(), CredentialPart { env })
                })
                .collect(),
            parameters: file
                .parameters
                .iter()
                .map(|(name, part)| {
                    let parameter = Parameter {
                        required: part.required,
                        help: part.help.clone(),
                    };
                    (name.clone(), parameter)
                })
                .collect(),
            exactly_one: file.exactly_one.clone(),
            plan: self.plan()?,
            limits,
            capabilities,
            value_parts,
        })
    }

    /// What the names and the presence of parts must keep to.
    fn words(&self) -> Result<(), Problem> {
        let file = self.file;
        let word = |text: &str| {
            let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
            text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(ok)
        };
        if !word(&file.profile) {
            return Err(self.field("profile", "must be lower-case letters, digits and hyphens"));
        }
        for name in file.parameters.keys() {
            if !word(name) || name.contains('-') {
                return Err(self.field(name, "is no name for a parameter"));
            }
            if REQUEST_NAMES.contains(&name.as_str()) || ["item", "answer"].contains(&name.as_str())
            {
                return Err(self.field(name, "is a word of the profile language"));
            }
        }
        if let Some(name) = file
            .exactly_one
            .iter()
            .find(|name| !file.parameters.contains_key(*name))
        {
            return Err(self.field("exactlyOne", format!("{name} is no parameter")));
        }
        if file.value.is_empty() {
            return Err(self.field("value", "must have at least one part"));
        }
        if file.toggle.is_some() && (file.enable.is_some() || file.disable.is_some()) {
            return Err(self.field("toggle", "excludes enable and disable"));
        }
        if file.enable.is_some() != file.disable.is_some() {
            return Err(self.field("enable", "and disable belong together"));
        }
        if file.toggle.is_some() && (file.token.enabled.is_none() || !self.can_look()) {
            let problem = "needs token.enabled, and get or list, to look before and after";
            return Err(self.field("toggle", problem));
        }
        if file.update.is_some() && !self.can_look() {
            return Err(self.field("update", "needs get or list, to read back what came of it"));
        }
        Ok(())
    }

    fn can_look(&self) -> bool {
        self.file.get.is_some() || self.file.list.is_some()
    }

    fn capabilities(&self) -> Result<Capabilities, Problem> {
        let file = self.file;
        Ok(Capabilities {
            lost_answer: match (&file.mint.idempotency_header, &file.list, &file.token.name) {
                (Some(_), _, _) => LostAnswer::Replay,
                (None, Some(_), Some(_)) => LostAnswer::FindByMarker,
                (None, Some(_), None) => LostAnswer::CannotAttribute,
                (None, None, _) => LostAnswer::CannotList,
            },
            check: file.check.is_some(),
            revoke: file.revoke.is_some(),
            disable: match (&file.toggle, &file.enable) {
                (Some(_), _) => Disable::BlindToggle,
                (None, Some(_)) => Disable::SetState,
                (None, None) => Disable::Unsupported,
            },
            update: file
                .update
                .iter()
                .flat_map(|update| &update.can)
                .map(|can| match can {
                    file::Can::Name => UpdateKind::Name,
                    file::Can::Scopes => UpdateKind::Scopes,
                    file::Can::AddExpiry => UpdateKind::AddExpiry,
                    file::Can::ShortenExpiry => UpdateKind::ShortenExpiry,
                    file::Can::ExtendExpiry => UpdateKind::ExtendExpiry,
                })
                .collect(),
            settle: match &file.settle {
                Some(settle) => self.duration("settle", settle)?,
                None => schedule::SETTLE,
            },
        })
    }

    fn limits(&self, lost_answer: LostAnswer) -> Result<Limits, Problem> {
        let file = self.file;
        let rule = |parameter: &file::Parameter| match parameter.required {
            true => ParameterRule::Required,
            false => ParameterRule::Optional,
        };
        Ok(Limits {
            name_max: file.name.max,
            name_unit: match file.name.unit {
                file::NameUnit::Characters => NameUnit::Characters,
                file::NameUnit::Bytes => NameUnit::Bytes,
            },
            name_forbidden: file.name.without.clone(),
            scopes: match file.scopes {
                file::Scopes::None => ScopesRule::None,
                file::Scopes::Required => ScopesRule::Required,
                file::Scopes::Optional => ScopesRule::Optional,
            },
            parameters: Some(
                file.parameters
                    .iter()
                    .map(|(name, parameter)| (name.clone(), rule(parameter)))
                    .collect(),
            ),
            exactly_one: file.exactly_one.clone(),
            lifetime_unit: file.lifetime.unit.length(),
            lifetime_max: match &file.lifetime.max {
                Some(max) => Some(self.duration("max", max)?),
                None => None,
            },
            never: file.lifetime.never != file::Never::Impossible,
            lost_answer,
        })
    }

    fn plan(&self) -> Result<Plan, Problem> {
        let file = self.file;
        let item = self.names(&["item"]);
        let answer: Names<'_> = ["answer"].into();
        let about_one = self.names(&["id"]);
        let mint = self.names(&["name", "scopes", "lifetime"]);
        let update = self.names(&["id", "name", "scopes", "lifetime"]);
        let one = |call: &Option<file::Call>| {
            let call = call.as_ref();
            call.map(|call| self.call(call, &about_one)).transpose()
        };
        let read = |text: &Option<String>| {
            let text = text.as_ref();
            text.map(|text| self.compiled(text, &item)).transpose()
        };
        Ok(Plan {
            unit: file.lifetime.unit,
            never: file.lifetime.never,
            auth: self.auth()?,
            token: TokenPlan {
                id: self.compiled(&file.token.id, &item)?,
                name: read(&file.token.name)?,
                scopes: read(&file.token.scopes)?,
                owner: read(&file.token.owner)?,
                created: read(&file.token.created)?,
                expires: read(&file.token.expires)?,
                used: read(&file.token.used)?,
                enabled: read(&file.token.enabled)?,
            },
            value: self.value()?,
            public: file
                .public
                .iter()
                .map(|(name, text)| {
                    let compiled = self.compiled(text, &["item", "id"].into())?;
                    Ok((name.clone(), compiled))
                })
                .collect::<Result<_, Problem>>()?,
            check: file.check.as_ref().map(|c| self.check(c)).transpose()?,
            identity: match &file.identity {
                Some(identity) => Some((
                    self.send(&identity.send, &Names::new())?,
                    self.compiled(&identity.read, &answer)?,
                )),
                None => None,
            },
            mint: self.mint(&mint, &answer)?,
            get: one(&file.get)?,
            list: file
                .list
                .as_ref()
                .map(|l| self.list(l, &answer))
                .transpose()?,
            update: match &file.update {
                Some(call) => {
                    let mut plan = self.send(&call.send, &update)?;
                    plan.body = self.body(call.body.as_ref(), &update)?;
                    Some(plan)
                }
                None => None,
            },
            toggle: one(&file.toggle)?,
            enable: one(&file.enable)?,
            disable: one(&file.disable)?,
            revoke: one(&file.revoke)?,
            errors: match &file.errors {
                Some(errors) => Some((
                    self.compiled(&errors.kind, &answer)?,
                    errors
                        .map
                        .iter()
                        .map(|(k, v)| (k.clone(), v.kind()))
                        .collect(),
                )),
                None => None,
            },
        })
    }

    fn mint(&self, names: &Names<'_>, answer: &Names<'_>) -> Result<MintPlan, Problem> {
        let mint = &self.file.mint;
        let mut call = self.send(&mint.send, names)?;
        call.query = self.query(&mint.query, names)?;
        call.body = self.body(mint.body.as_ref(), names)?;
        call.unsure.clone_from(&mint.unsure);
        Ok(MintPlan {
            call,
            idempotency_header: match &mint.idempotency_header {
                Some(name) => Some(self.header("idempotencyHeader", name)?),
                None => None,
            },
            item: match &mint.item {
                Some(item) => Some(self.compiled(item, answer)?),
                None => None,
            },
        })
    }

    fn list(&self, list: &file::ListCall, answer: &Names<'_>) -> Result<ListPlan, Problem> {
        let names = self.names(&[]);
        let mut call = self.send(&list.send, &names)?;
        call.query = self.query(&list.query, &names)?;
        let pages = list.pages.as_ref().map(|pages| {
            Ok::<_, Problem>(PagesPlan {
                page: pages.page.clone(),
                size: pages.size.clone(),
                max: pages.max.max(1),
                total: self.compiled(&pages.total, answer)?,
            })
        });
        let items = list.items.as_ref();
        Ok(ListPlan {
            call,
            items: items
                .map(|items| self.compiled(items, answer))
                .transpose()?,
            pages: pages.transpose()?,
        })
    }

    fn check(&self, check: &file::Check) -> Result<CheckPlan, Problem> {
        let names = Names::new();
        let mut call = self.send(&check.send, &names)?;
        call.query = self.query(&check.query, &names)?;
        let parts = match self.auth()? {
            AuthPlan::Header { part, .. } => vec![part],
            AuthPlan::Basic { user, password } => vec![user, password],
        };
        if let Some(part) = parts.iter().find(|p| !self.file.value.contains_key(*p)) {
            let problem = format!("cannot prove a value without part {part}");
            return Err(self.field("check", problem));
        }
        Ok(CheckPlan {
            call,
            alive: check.alive.clone(),
            dead: check.dead.clone(),
        })
    }

    fn auth(&self) -> Result<AuthPlan, Problem> {
        let credential = &self.file.credential;
        let known = |part: &str| match credential.parts.contains_key(part) {
            true => Ok(part.to_owned()),
            false => Err(self.field("credential", format!("{part} is no part of it"))),
        };
        match (&credential.header, &credential.basic) {
            (Some(header), None) => Ok(AuthPlan::Header {
                name: self.header("header", &header.name)?,
                prefix: header.prefix.clone(),
                part: known(&header.part)?,
            }),
            (None, Some(basic)) => Ok(AuthPlan::Basic {
                user: known(&basic.user)?,
                password: known(&basic.password)?,
            }),
            (Some(_), Some(_)) | (None, None) => {
                Err(self.field("credential", "needs header or basic, and not both"))
            }
        }
    }

    fn value(&self) -> Result<Vec<(String, String, usize)>, Problem> {
        let parts = self.file.value.iter().map(|(name, part)| {
            if !part.at.starts_with('/') {
                return Err(self.field(name, "at must be a JSON pointer, such as /token"));
            }
            let max = part.max.unwrap_or(PART_MAX);
            Ok((name.clone(), part.at.clone(), max))
        });
        parts.collect()
    }

    fn names<'n>(&'n self, more: &[&'static str]) -> Names<'n> {
        let parameters = self.file.parameters.keys().map(String::as_str);
        parameters.chain(more.iter().copied()).collect()
    }

    fn call(&self, call: &file::Call, names: &Names<'_>) -> Result<CallPlan, Problem> {
        let mut plan = self.send(&call.send, names)?;
        plan.query = self.query(&call.query, names)?;
        plan.body = self.body(call.body.as_ref(), names)?;
        plan.gone.clone_from(&call.gone);
        Ok(plan)
    }

    fn send(&self, send: &str, names: &Names<'_>) -> Result<CallPlan, Problem> {
        let invalid = |problem: &str| Err(self.field("send", format!("{send:?} {problem}")));
        let Some((method, path)) = send.split_once(' ') else {
            return invalid("must be a method, a space and a path");
        };
        let method = match method {
            "GET" => Method::GET,
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "PATCH" => Method::PATCH,
            "DELETE" => Method::DELETE,
            _ => return invalid("must begin with GET, POST, PUT, PATCH or DELETE"),
        };
        if !path.starts_with('/') || path.contains(['?', '#']) {
            return invalid("must have a path that begins with / and has no query");
        }
        Ok(CallPlan {
            method,
            path: Template::new(path, names).map_err(|e| self.at(e))?,
            query: Vec::new(),
            body: None,
            gone: Vec::new(),
            unsure: Vec::new(),
        })
    }

    fn query(
        &self,
        query: &BTreeMap<String, serde_json::Value>,
        names: &Names<'_>,
    ) -> Result<Vec<(String, Tree)>, Problem> {
        let pairs = query.iter().map(|(key, value)| {
            let tree = Tree::new(value, names).map_err(|e| self.at(e))?;
            Ok((key.clone(), tree))
        });
        pairs.collect()
    }

    fn body(
        &self,
        body: Option<&serde_json::Value>,
        names: &Names<'_>,
    ) -> Result<Option<Tree>, Problem> {
        let tree = body.map(|body| Tree::new(body, names));
        tree.transpose().map_err(|e| self.at(e))
    }

    fn compiled(&self, text: &str, names: &Names<'_>) -> Result<Compiled, Problem> {
        Compiled::new(text, names).map_err(|e| self.at(e))
    }

    fn header(&self, field: &str, name: &str) -> Result<HeaderName, Problem> {
        let name = name.parse();
        name.map_err(|_| self.field(field, "is no name of a header"))
    }

    fn duration(&self, field: &str, text: &str) -> Result<SignedDuration, Problem> {
        duration::parse(text).map_err(|e| self.field(field, e.to_string()))
    }

    /// The place of an expression: where its text stands first.
    fn at(&self, problem: InvalidExpression) -> Problem {
        let text = problem.source_text();
        let at = self.text.find(text).unwrap_or(0);
        let before = self.text.get(..at).unwrap_or_default();
        Problem::Expression {
            line: before.matches('\n').count() + 1,
            column: before.chars().rev().take_while(|c| *c != '\n').count() + 1,
            problem,
        }
    }

    /// The place of a field: the first line with its key.
    fn field(&self, field: &str, problem: impl Into<String>) -> Problem {
        let key = format!("{field}:");
        let mut lines = self.text.lines();
        let line = lines.position(|line| line.contains(&key)).unwrap_or(0) + 1;
        Problem::Field {
            line,
            field: field.to_owned(),
            problem: problem.into(),
        }
    }
}
