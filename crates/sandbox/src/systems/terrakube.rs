//! Terrakube's user tokens (PATs) and team tokens: signed JWTs, soft deletes, statuses of its own.
//!
//! One server speaks both paths, as the vendor's does; it is played under two names because the two
//! kinds of token are two token systems. What it answers was recorded from the real server. Of the
//! JSON:API beside the tokens nothing is played: no organization and no team exists here, which
//! neither mint nor check needs.

mod bearer;
mod body;
mod desk;
mod jwt;
mod kind;
mod make;
mod negotiate;
mod people;
mod refuse;
mod server;
mod text;
mod tokens;

use std::collections::BTreeMap;

use http::{HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use self::bearer::Presented;
pub(crate) use self::kind::Kind;
use self::people::{PEOPLE, claims, groups};
pub(crate) use self::server::Terrakube;
use crate::asked::{Asked, Route};
use crate::desk::Desk;
use crate::faults::Operation;
use crate::http::{Answer, Content, Framing, Request};
use crate::random;
use crate::settings::{PatSecret, Settings};
use crate::store::{Db, Standing, StoreError, Token};
use crate::system::{Account, System};

/// What every answer of the application carries, in this order, after the `Vary` lines.
const ALWAYS: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("x-xss-protection", "0"),
    (
        "cache-control",
        "no-cache, no-store, max-age=0, must-revalidate",
    ),
    ("pragma", "no-cache"),
    ("expires", "0"),
    ("x-frame-options", "DENY"),
];

impl System for Terrakube {
    fn name(&self) -> &'static str {
        match self.kind {
            Kind::User => "terrakube-user",
            Kind::Team => "terrakube-team",
        }
    }

    fn base_path(&self) -> &'static str {
        ""
    }

    fn open(&self, db: &Db<'_>, now: Timestamp) -> Result<Account, StoreError> {
        let secrets = self.secrets()?;
        let mut credentials = Vec::new();
        for person in PEOPLE {
            let id = random::uuid()?;
            let mut claims = claims(person, now);
            claims.insert("jti".to_owned(), json!(id));
            let claims = Value::Object(claims).to_string();
            let value = jwt::signed(&claims, secrets.pat(), PatSecret::Bytes32);
            let mut token = Token::new(self.name(), id, &value, now);
            "management".clone_into(&mut token.name);
            person.1.clone_into(&mut token.owner);
            db.insert(&mut token)?;
            credentials.push(value);
        }
        let mut parameters = BTreeMap::from(
            [
                ("email", PEOPLE[0].1),
                ("team", "DEVS"),
                ("other_team", "QA"),
                ("registry_path", "/registry"),
                ("pat_secret", secrets.pat()),
                ("internal_secret", secrets.internal()),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let mut credentials = credentials.into_iter();
        let credential = credentials.next().unwrap_or_default();
        for (name, value) in ["admin_credential", "other_credential"]
            .into_iter()
            .zip(credentials)
        {
            parameters.insert(name.to_owned(), value);
        }
        Ok(Account {
            credential,
            parameters,
        })
    }

    fn route(&self, request: &Request) -> Route {
        let mut route = Route {
            operation: Operation::Other,
            id: None,
            name: None,
        };
        let path = segments(request);
        match (Kind::of(&path), &request.method) {
            (Some((_, [])), &Method::GET) => route.operation = Operation::List,
            (Some((_, [])), &Method::POST) => {
                route.operation = Operation::Mint;
                let name = body::object(&request.body)
                    .and_then(|body| body::text(body.get("description")));
                route.name = name.ok().flatten();
            }
            (Some((_, [id])), &Method::DELETE) => {
                route.operation = Operation::Revoke;
                route.id = text::uuid(id);
            }
            _ => {}
        }
        route
    }

    fn presented(&self, request: &Request, _settings: &Settings) -> Option<String> {
        match bearer::presented(request) {
            Presented::Token(token) => Some(token),
            Presented::Nothing | Presented::Malformed => None,
        }
    }

    fn standing(&self, token: &Token, now: Timestamp, settings: &Settings) -> Standing {
        let born_expired = token
            .expires
            .is_some_and(|expires| expires.as_second() <= token.created.as_second());
        let grace = settings.terrakube.grace();
        let earlier = now.checked_sub(grace).unwrap_or(Timestamp::MIN);
        token.standing(if born_expired { now } else { earlier })
    }

    fn answer(&self, asked: &Asked<'_>) -> Result<Answer, StoreError> {
        if let Some(refusal) = refuse::unreadable(asked) {
            return Ok(refusal);
        }
        let path = segments(asked.request);
        // The registry has no look at the deletions.
        let registry = path.first() == Some(&"registry");
        // A person in the console has signed in; all others show a bearer.
        let caller = if asked.by_hand {
            claims(PEOPLE[0], asked.now)
        } else {
            match bearer::judge(asked, self.name(), self.secrets()?, !registry)? {
                Ok(claims) => claims,
                Err(refusal) => return Ok(refusal),
            }
        };
        let reads = matches!(asked.request.method, Method::GET | Method::HEAD);
        let wrong_method = |allowed| {
            Ok(refuse::error(asked, StatusCode::METHOD_NOT_ALLOWED).with(header::ALLOW, allowed))
        };
        match (Kind::of(&path), &asked.request.method) {
            // A slash at the end is another path.
            (Some((_, [.., ""])), _) => Ok(refuse::error(asked, StatusCode::NOT_FOUND)),
            (Some((kind, [])), _) if reads => self.list(asked, kind, &caller),
            (Some((kind, [])), &Method::POST) => self.create(asked, kind, &caller),
            (Some((_, [])), _) => wrong_method("GET, POST"),
            (Some((Kind::Team, ["current-teams"])), _) if reads => {
                Ok(current_teams(asked, &caller))
            }
            (Some((Kind::Team, ["permissions", "organization", rest @ ..])), _) if reads => {
                Ok(permissions(asked, &caller, rest))
            }
            (Some((kind, [id])), &Method::DELETE) => self.delete(asked, kind, id),
            (Some((_, [_])), _) => wrong_method("DELETE"),
            _ if registry && reads => Ok(Answer::json(StatusCode::OK, json!({ "versions": [] }))),
            _ => Ok(refuse::error(asked, StatusCode::NOT_FOUND)),
        }
    }

    fn desk(&self) -> &'static Desk {
        desk::desk(self.kind)
    }

    fn items<'a>(&self, _body: &'a mut Value) -> Option<&'a mut Vec<Value>> {
        // Lists are rows that are written already, in the recorded order of keys.
        None
    }

    fn finish(&self, mut answer: Answer) -> Answer {
        let html =
            matches!(&answer.content, Content::Raw { kind, .. } if kind.starts_with("text/html"));
        let mut own = std::mem::take(&mut answer.headers);
        answer.framing = Framing::Chunked;
        // Pages of HTML come from before the application.
        if !html {
            for origin in [
                "Origin",
                "Access-Control-Request-Method",
                "Access-Control-Request-Headers",
            ] {
                answer
                    .headers
                    .append(header::VARY, HeaderValue::from_static(origin));
            }
            if let Some(challenge) = own.remove(header::WWW_AUTHENTICATE) {
                answer.headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            for (name, value) in ALWAYS {
                answer.headers.insert(name, HeaderValue::from_static(value));
            }
        }
        if matches!(answer.status.as_u16(), 400 | 500) {
            own.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        answer.headers.extend(own);
        answer
    }
}

/// The path's segments as they were sent, so that a slash too many shows.
fn segments(request: &Request) -> Vec<&str> {
    let path = request.raw_path.as_str();
    path.strip_prefix('/').unwrap_or(path).split('/').collect()
}

fn current_teams(asked: &Asked<'_>, caller: &Map<String, Value>) -> Answer {
    let Some(groups) = groups(caller) else {
        return refuse::error(asked, StatusCode::INTERNAL_SERVER_ERROR);
    };
    let row = vec![("groups", text::Field::Texts(groups))];
    negotiate::answer(
        asked.request,
        StatusCode::ACCEPTED,
        negotiate::Shown::One(row),
    )
}

/// No team exists here, so that nobody may do anything.
fn permissions(asked: &Asked<'_>, caller: &Map<String, Value>, rest: &[&str]) -> Answer {
    let organization = match rest {
        [organization] | [organization, "workspace", _] => organization,
        _ => return refuse::error(asked, StatusCode::NOT_FOUND),
    };
    if groups(caller).is_none() || text::uuid(organization).is_none() {
        return refuse::error(asked, StatusCode::INTERNAL_SERVER_ERROR);
    }
    let row = [
        "manageState",
        "manageWorkspace",
        "manageModule",
        "manageProvider",
        "manageVcs",
        "manageTemplate",
        "manageCollection",
        "manageJob",
    ]
    .map(|right| (right, text::Field::Flag(false)));
    negotiate::answer(
        asked.request,
        StatusCode::ACCEPTED,
        negotiate::Shown::One(row.to_vec()),
    )
}
