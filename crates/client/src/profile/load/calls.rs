//! The operations, compiled.

use std::collections::BTreeMap;

use http::Method;

use super::{Loader, Problem};
use crate::profile::file::{self, Parts, Scopes};
use crate::profile::further::ORDINALS;
use crate::profile::plan::{
    CallPlan, CheckPlan, ErrorsPlan, IdentityPlan, ListPlan, LookPlan, MintPlan, Plan, RevokePlan,
    TokenPlan,
};
use crate::profile::signed::JWT;
use crate::text::{Names, Template, Tree};

/// What expressions over an answer see.
pub(super) const ANSWER: [&str; 3] = ["answer", "status", "headers"];
/// What tells the system's own answers from those of others.
const OWN: [&str; 4] = ["answer", "status", "headers", "empty"];

impl<'a> Loader<'a> {
    pub(super) fn plan(&self) -> Result<Plan, Problem> {
        let file = self.file;
        let item = self.names(&["item"]);
        let about = |key: &str, call: &Option<file::Call>, names: &[&'static str]| {
            let call = call.as_ref();
            call.map(|call| self.within(key).about_one(call.parts(), names))
                .transpose()
        };
        let lifetime = file.lifetime.as_ref();
        let mut token = self.within("token").token(file.token.as_ref(), &item)?;
        if let Some(file::Never::Word(word)) = lifetime.map(|l| &l.never) {
            token.never = Some(word.clone());
        }
        token.separator = self.separator()?;
        let update = file.update.as_ref().map(|update| {
            let names = ["id", "name", "scopes", "lifetime", "item"];
            self.within("update").about_one(update.parts(), &names)
        });
        let public = file.public.iter().map(|(name, text)| {
            let place = self.within("public").within(name);
            let compiled = place.compiled(text, &self.minted_names(&["id"]))?;
            Ok((name.clone(), compiled))
        });
        Ok(Plan {
            unit: lifetime.map_or(file::Unit::None, |l| l.unit),
            never: lifetime.map(|l| l.never.clone()).unwrap_or_default(),
            ways: self.ways()?,
            token,
            value: self.value()?,
            public: public.collect::<Result<_, Problem>>()?,
            check: file
                .check
                .as_ref()
                .map(|c| self.within("check").check(c))
                .transpose()?,
            identity: file
                .identity
                .as_ref()
                .map(|i| self.within("identity").identity(i))
                .transpose()?,
            mint: file
                .mint
                .as_ref()
                .map(|m| self.within("mint").mint(m))
                .transpose()?,
            get: file
                .get
                .as_ref()
                .map(|g| self.within("get").get(g))
                .transpose()?,
            list: file
                .list
                .as_ref()
                .map(|l| self.within("list").list(l))
                .transpose()?,
            update: update.transpose()?,
            toggle: about("toggle", &file.toggle, &["id"])?,
            enable: about("enable", &file.enable, &["id", "item"])?,
            disable: about("disable", &file.disable, &["id", "item"])?,
            revoke: file
                .revoke
                .as_ref()
                .map(|r| self.within("revoke").revoke(r))
                .transpose()?,
            own: match &file.answers {
                None => None,
                Some(answers) => {
                    self.within("answers")
                        .read("own", answers.own.as_ref(), &OWN.into())?
                }
            },
            format: self.format()?,
            errors: match &file.errors {
                None => None,
                Some(errors) => Some(self.within("errors").errors(errors)?),
            },
        })
    }

    fn errors(&self, errors: &file::Errors) -> Result<ErrorsPlan, Problem> {
        let read = |key: &str, text: &Option<String>| self.read(key, text.as_ref(), &ANSWER.into());
        match (&errors.kind, &errors.map) {
            (Some(_), None) => {
                return Err(self.field("kind", "needs map, which says what its words mean"));
            }
            (None, Some(_)) => {
                return Err(self.field("map", "needs kind, which reads the words that it explains"));
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        let map = errors.map.iter().flatten();
        Ok(ErrorsPlan {
            kind: read("kind", &errors.kind)?,
            map: map
                .map(|(word, kind)| (word.clone(), kind.kind()))
                .collect(),
            message: read("message", &errors.message)?,
            when: read("when", &errors.when)?,
        })
    }

    fn token(
        &self,
        token: Option<&file::TokenOf>,
        names: &Names<'_>,
    ) -> Result<TokenPlan, Problem> {
        let Some(token) = token else {
            return Ok(TokenPlan::default());
        };
        let read = |key: &str, text: &Option<String>| self.read(key, text.as_ref(), names);
        Ok(TokenPlan {
            id: read("id", &token.id)?,
            name: read("name", &token.name)?,
            scopes: match self.file.scopes {
                // They would differ from what was asked, for ever.
                Some(Scopes::Expanded) => read("scopes", &token.scopes)?.and(None),
                Some(Scopes::None | Scopes::Required | Scopes::Optional) | None => {
                    read("scopes", &token.scopes)?
                }
            },
            owner: read("owner", &token.owner)?,
            created: read("created", &token.created)?,
            expires: read("expires", &token.expires)?,
            used: read("used", &token.used)?,
            enabled: read("enabled", &token.enabled)?,
            never: None,
            separator: None,
            times: token.times,
        })
    }

    fn mint(&self, mint: &file::MintCall) -> Result<MintPlan, Problem> {
        let mut call = self.call(mint.parts(), &self.names(&["name", "scopes", "lifetime"]))?;
        call.unsure.clone_from(&mint.unsure);
        call.secrets = self.secrets(&mint.secrets)?;
        let composed = |part: &String| {
            let part = self.file.value.get(part);
            part.is_none_or(|part| part.compose.is_some())
        };
        if let Some(part) = mint.claims.as_ref().filter(|part| composed(part)) {
            return Err(self.field("claims", format!("{part} is no simple part of the value")));
        }
        let header = mint.idempotency_header.as_ref();
        let mut read = Names::from(ANSWER);
        read.extend(ORDINALS.iter().take(mint.then.len()));
        let refuse = self.read("refuse", mint.refuse.as_ref(), &self.minted_names(&[]))?;
        if refuse.is_some() && self.file.revoke.is_none() {
            let problem = "needs revoke, which ends the token that is of no use";
            return Err(self.field("refuse", problem));
        }
        Ok(MintPlan {
            then: self.then(&mint.then)?,
            refuse,
            call,
            idempotency_header: header
                .map(|name| self.header("idempotencyHeader", name))
                .transpose()?,
            item: self.read("item", mint.item.as_ref(), &read)?,
            claims: mint.claims.clone(),
            token: self
                .within("token")
                .token(mint.token.as_ref(), &self.minted_names(&[]))?,
        })
    }

    /// The further calls of a mint, each of which sees the answers before it.
    fn then(&self, then: &[file::ThenCall]) -> Result<Vec<CallPlan>, Problem> {
        let here = self.within("then");
        if then.len() > ORDINALS.len() {
            let problem = format!("has more than {} further calls", ORDINALS.len());
            return Err(self.field("then", problem));
        }
        let calls = then.iter().enumerate().map(|(nth, call)| {
            let place = here.entry(nth);
            let mut names = self.names(&["name", "scopes", "lifetime"]);
            names.extend(ORDINALS.iter().take(nth.saturating_add(1)));
            let mut plan = place.call(call.parts(), &names)?;
            plan.secrets = place.secrets(&call.secrets)?;
            Ok(plan)
        });
        calls.collect()
    }

    fn get(&self, get: &file::GetCall) -> Result<LookPlan, Problem> {
        let mut call = self.call(get.parts(), &self.names(&["id"]))?;
        call.secrets = self.secrets(&get.secrets)?;
        Ok(LookPlan {
            call,
            item: self.read("item", get.item.as_ref(), &ANSWER.into())?,
            skip: self.read("skip", get.skip.as_ref(), &self.names(&["item", "now"]))?,
            token: self
                .within("token")
                .token(get.token.as_ref(), &self.names(&["item", "id"]))?,
        })
    }

    fn list(&self, list: &file::ListCall) -> Result<ListPlan, Problem> {
        let each = list.each.as_ref().map(|each| {
            let place = self.within("each");
            let mut call = place.call(each.parts(), &self.names(&["id"]))?;
            call.secrets = place.secrets(&each.secrets)?;
            Ok::<_, Problem>((
                call,
                place.read("item", each.item.as_ref(), &ANSWER.into())?,
            ))
        });
        let mut call = self.call(list.parts(), &self.names(&[]))?;
        call.secrets = self.secrets(&list.secrets)?;
        Ok(ListPlan {
            call,
            items: self.read("items", list.items.as_ref(), &ANSWER.into())?,
            skip: self.read("skip", list.skip.as_ref(), &self.names(&["item", "now"]))?,
            pages: list
                .pages
                .as_ref()
                .map(|pages| {
                    let here = self.within("pages");
                    here.pages_in_body(list, pages)?;
                    here.pages(pages)
                })
                .transpose()?,
            each: each.transpose()?,
            token: self
                .within("token")
                .token(list.token.as_ref(), &self.names(&["item"]))?,
        })
    }

    fn check(&self, check: &file::Check) -> Result<CheckPlan, Problem> {
        // A public part is known of every token that was delivered.
        let mut names = self.names(&["id"]);
        let public = self.file.public.keys().map(String::as_str);
        let public: Vec<_> = public.filter(|name| !names.contains(name)).collect();
        names.extend(&public);
        let mut call = self.call(check.parts(), &names)?;
        let public = public.into_iter().filter(|name| call.uses(name));
        let public = public.map(str::to_owned).collect();
        call.endpoint = self.endpoint_of(check.endpoint.as_ref())?;
        // Where the credential asks, it signs for itself.
        call.put = self.put(&check.put, check.parts(), |part| {
            self.is_of_value(part) && !(part == JWT && check.with_credential)
        })?;
        Ok(CheckPlan {
            call,
            prover: self.prover(check)?,
            public,
            with_certificate: self.with_certificate(check)?,
            login: self.check_login(check)?,
            alive: check.alive.clone(),
            dead: check.dead.clone(),
            unknown: check.unknown.clone(),
            alive_when: self.read("aliveWhen", check.alive_when.as_ref(), &ANSWER.into())?,
        })
    }

    fn revoke(&self, revoke: &file::RevokeCall) -> Result<RevokePlan, Problem> {
        let known = |part: &str| self.file.value.contains_key(part);
        let mut call = self.about_one(revoke.parts(), &["id"])?;
        call.put = self.put(&revoke.put, revoke.parts(), known)?;
        let auth = (revoke.header.as_ref(), revoke.basic.as_ref());
        let auth = self.auth_of("revoke", auth, known)?;
        if revoke.disable_first && self.file.disable.is_none() {
            return Err(self.field("disableFirst", "needs disable, which is sent first"));
        }
        Ok(RevokePlan {
            call,
            auth,
            disable_first: revoke.disable_first,
        })
    }

    fn identity(&self, identity: &file::IdentityCall) -> Result<IdentityPlan, Problem> {
        let header = self.credential.and_then(|c| c.header.as_ref());
        let login = self.credential.and_then(|c| c.login.as_ref());
        match (&identity.send, &identity.read, &identity.claim, header) {
            (None, Some(read), None, _) if login.is_some() => Ok(IdentityPlan::Login(
                self.within("read").compiled(read, &ANSWER.into())?,
            )),
            (Some(send), Some(read), None, _) => Ok(IdentityPlan::Call(Box::new((
                self.call(Parts::of(send), &self.known_names())?,
                self.within("read").compiled(read, &ANSWER.into())?,
            )))),
            (None, None, Some(claim), Some(header)) => Ok(IdentityPlan::Claim {
                part: header.part.clone(),
                claim: claim.clone(),
            }),
            (None, None, Some(_), None) => {
                Err(self.field("claim", "needs credential.header, whose part is the JWT"))
            }
            _ => Err(self.field(
                "identity",
                "needs send and read, or claim, or, where there is a login, read alone",
            )),
        }
    }

    /// A call about one token, which may repeat parts of it.
    fn about_one(&self, parts: Parts<'_>, names: &[&'static str]) -> Result<CallPlan, Problem> {
        let plan = self.call(parts, &self.names(names))?;
        if plan.uses_item && self.file.get.is_none() {
            let problem = format!("{:?} uses item, which needs get", parts.send);
            return Err(self.field("send", problem));
        }
        Ok(plan)
    }

    pub(super) fn names(self, more: &[&'static str]) -> Names<'a> {
        let parameters = self.file.parameters.keys().map(String::as_str);
        let known = self.known_names();
        parameters
            .chain(known)
            .chain(more.iter().copied())
            .collect()
    }

    /// What may be read in the answer of a mint.
    pub(super) fn minted_names(self, more: &[&'static str]) -> Names<'a> {
        let mut names = self.names(&["item", "name", "scopes", "lifetime", "at"]);
        names.extend(more);
        if self
            .file
            .mint
            .as_ref()
            .is_some_and(|mint| mint.claims.is_some())
        {
            names.insert("claims");
        }
        let mut parts = self.file.value.values();
        if parts.any(|part| part.public_before.is_some()) {
            names.insert("prefix");
        }
        let then = self.file.mint.as_ref().map_or(0, |mint| mint.then.len());
        names.extend(ORDINALS.iter().take(then));
        names
    }

    pub(super) fn call(&self, parts: Parts<'_>, names: &Names<'_>) -> Result<CallPlan, Problem> {
        let (method, path) = self.send(parts.send)?;
        let path = Template::new(path, names).map_err(|e| self.within("send").at(e))?;
        let query = self.within("query").trees(parts.query, names)?;
        let headers = self.headers(parts.headers, names)?;
        let body = parts.body.map(|body| Tree::new(body, names)).transpose();
        let body = body.map_err(|e| self.within("body").at(e))?;
        let form = parts
            .form
            .map(|form| self.within("form").trees(form, names))
            .transpose()?;
        if body.is_some() && form.is_some() {
            let problem = format!("{:?} has a body and a form", parts.send);
            return Err(self.field("send", problem));
        }
        let trees = query
            .iter()
            .chain(form.iter().flatten())
            .map(|(_, tree)| tree);
        let uses_item = trees.chain(&body).any(|tree| tree.uses("item")) || path.uses("item");
        Ok(CallPlan {
            method,
            endpoint: None,
            path,
            query,
            headers,
            body,
            form,
            success: parts.success.to_vec(),
            gone: parts.gone.to_vec(),
            unsure: Vec::new(),
            ignore_body: parts.ignore_body,
            put: Vec::new(),
            secrets: Vec::new(),
            uses_item,
        })
    }

    fn send<'s>(&self, send: &'s str) -> Result<(Method, &'s str), Problem> {
        let invalid = |problem: &str| Err(self.field("send", format!("{send:?} {problem}")));
        let Some((method, path)) = send.split_once(' ') else {
            return invalid("must be a method, a space and a path");
        };
        // LIST is no method of HTTP itself, but that of a well-known kind of API.
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "LIST"];
        let method = match Method::from_bytes(method.as_bytes()) {
            Ok(known_method) if known.contains(&method) => known_method,
            Ok(_) | Err(_) => {
                return invalid("must begin with GET, HEAD, POST, PUT, PATCH, DELETE or LIST");
            }
        };
        if !path.starts_with('/') || path.contains(['?', '#']) {
            return invalid("must have a path that begins with / and has no query");
        }
        Ok((method, path))
    }

    fn trees(
        &self,
        trees: &BTreeMap<String, serde_json::Value>,
        names: &Names<'_>,
    ) -> Result<Vec<(String, Tree)>, Problem> {
        let pairs = trees.iter().map(|(key, value)| {
            let tree = Tree::new(value, names).map_err(|e| self.within(key).at(e))?;
            Ok((key.clone(), tree))
        });
        pairs.collect()
    }
}
