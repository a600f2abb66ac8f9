//! The console: what a person sees and does in a vendor's web page, in that vendor's own words.
//!
//! Rendered on the server, without sessions and without scripts but for the copy button. It asks for
//! no login and no faults meet it: it stands for a person at the sandbox's own machine. A value is in
//! the one page that answers its making, and nowhere else.

mod make;
mod page;
mod visit;

use http::{Method, StatusCode, header};

use self::page::Page;
use self::visit::Visit;
use crate::asked::{Asked, MintFaults, Route};
use crate::clock;
use crate::desk::Form;
use crate::faults::Operation;
use crate::http::{Answer, Request};
use crate::ledger::What;
use crate::shared::Shared;
use crate::store::{Db, StoreError, Token};
use crate::system::System;

/// How the ledger names the person.
const ACTOR: &str = "console";

/// Longer names help nobody.
const NAME_MAX: usize = 200;

/// Whether a request is a person's.
pub(crate) fn concerns(request: &Request) -> bool {
    request.path.first().is_some_and(|first| first == "console")
}

/// Answers a person at the desk of `system`.
pub(crate) fn answer(
    system: &dyn System,
    shared: &Shared,
    request: &Request,
) -> Result<Answer, StoreError> {
    if let Err(reason) = from_here(request) {
        return Ok(page::plain(StatusCode::FORBIDDEN, reason));
    }
    let settings = shared.settings();
    shared.store.with(|db| {
        let visit = Visit {
            desk: system.desk(),
            system,
            asked: Asked {
                system: system.name(),
                request,
                route: &Route::other(),
                db,
                now: clock::now(),
                settings: &settings,
                caller: None,
                actor: ACTOR.to_owned(),
                by_hand: true,
                mint: MintFaults::default(),
            },
        };
        visit.answer(db)
    })
}

/// Another site's page must not press our buttons, and a name that leads here is another site.
fn from_here(request: &Request) -> Result<(), &'static str> {
    let host = request.header("host").unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if !["127.0.0.1", "[::1]", "localhost"].contains(&name) {
        return Err("The console answers on a loopback address alone.");
    }
    if request.method == Method::POST {
        let origin = request.headers.get(header::ORIGIN);
        let own = format!("http://{host}");
        let foreign = origin.is_some_and(|origin| origin.as_bytes() != own.as_bytes());
        let site = request.header("sec-fetch-site").unwrap_or("same-origin");
        if foreign || !["same-origin", "none"].contains(&site) {
            return Err("The console takes no form from another site.");
        }
    }
    Ok(())
}

impl Visit<'_> {
    fn answer(&self, db: &Db<'_>) -> Result<Answer, StoreError> {
        let request = self.asked.request;
        let page = Page::new(self.desk);
        match (&request.method, request.segments().as_slice()) {
            (&Method::GET, ["console"]) => {
                let tokens = db.standing(self.asked.system)?;
                let tokens: Vec<&Token> = tokens.iter().filter(|token| token.counts()).collect();
                Ok(page.list(&tokens, self.asked.now))
            }
            (&Method::GET, ["console", "style.css"]) => Ok(page::style()),
            (&Method::GET, ["console", "copy.js"]) => Ok(page::script()),
            (&Method::GET, ["console", "new"]) => Ok(page.new_form(&Form::default(), None)),
            (&Method::POST, ["console", "new"]) => self.make(&page),
            (method, ["console", id, action @ ("edit" | "delete")]) => {
                let token = db.by_id(self.asked.system, id)?;
                match token.filter(|token| token.counts() && token.deleted.is_none()) {
                    None => Ok(page::plain(
                        StatusCode::NOT_FOUND,
                        "There is no such token.",
                    )),
                    Some(token) if *action == "delete" => self.delete(&page, method, token),
                    Some(token) => self.edit(&page, method, token),
                }
            }
            _ => Ok(page::plain(StatusCode::NOT_FOUND, "There is no such page.")),
        }
    }

    fn make(&self, page: &Page) -> Result<Answer, StoreError> {
        let form = Form::read(self.asked.request);
        if let Some(reason) = self.wrong(&form) {
            return Ok(page.new_form(&form, Some(&reason)));
        }
        Ok(match self.made(&form)? {
            Ok(parts) => page.once(&form.name, &parts),
            Err(reason) => page.new_form(&form, Some(&reason)),
        })
    }

    fn edit(&self, page: &Page, method: &Method, mut token: Token) -> Result<Answer, StoreError> {
        let Some(word) = self.desk.edit else {
            return Ok(page::plain(StatusCode::NOT_FOUND, "There is no such page."));
        };
        if method != Method::POST {
            let form = Form {
                name: token.name.clone(),
                scopes: token.scopes.clone().unwrap_or_default(),
                ..Form::default()
            };
            return Ok(page.edit_form(word, &token, (&form, None)));
        }
        let form = Form::read(self.asked.request);
        if let Some(reason) = self.wrong(&form) {
            return Ok(page.edit_form(word, &token, (&form, Some(&reason))));
        }
        token.name = form.name;
        token.scopes = token.scopes.is_some().then_some(form.scopes);
        token.updated = self.asked.now;
        self.asked.db.update(&token)?;
        self.record(&token, What::Update)?;
        Ok(page::back())
    }

    fn delete(&self, page: &Page, method: &Method, mut token: Token) -> Result<Answer, StoreError> {
        if method != Method::POST {
            return Ok(page.confirm(&token));
        }
        token.deleted = Some(self.asked.now);
        self.asked.db.update(&token)?;
        self.record(&token, What::Revoke)?;
        Ok(page::back())
    }

    fn record(&self, token: &Token, what: What) -> Result<(), StoreError> {
        let operation = match what {
            What::Revoke => Operation::Revoke,
            _ => Operation::Update,
        };
        let db = self.asked.db;
        db.event(token, what.name(), self.asked.now, ACTOR, operation.name())
    }

    /// What is missing or wrong, in a sentence for the person.
    fn wrong(&self, form: &Form) -> Option<String> {
        let label = self.desk.name;
        if form.name.trim().is_empty() {
            return Some(format!("{label} is missing."));
        }
        if form.name.chars().count() > NAME_MAX {
            return Some(format!(
                "{label} must be at most {NAME_MAX} characters long."
            ));
        }
        let known = |scope: &String| self.desk.scopes.iter().any(|(known, _)| known == scope);
        if !self.desk.scopes.is_empty()
            && (form.scopes.is_empty() || !form.scopes.iter().all(known))
        {
            return Some("Choose at least one scope.".to_owned());
        }
        let chosen = |(_, choices): (_, &[&str])| choices.contains(&form.choice.as_str());
        if self.making() && !self.desk.choice.is_none_or(chosen) {
            return Some("Choose one of those that are offered.".to_owned());
        }
        if form.odd_days.is_some() {
            return Some("The days must be a whole number, or empty.".to_owned());
        }
        None
    }

    /// Whether the form is that of a new token, which asks for more.
    fn making(&self) -> bool {
        self.asked
            .request
            .path
            .last()
            .is_some_and(|last| last == "new")
    }
}
