//! Who authenticates, and where secrets stand.

use super::{Loader, PART_MAX, Problem};
use crate::profile::file::{self, BasicAuth, HeaderAuth};
use crate::profile::login::LOGIN;
use crate::profile::plan::{AuthPlan, CallPlan, LoginPlan, Piece, Place, User, ValuePlan};
use crate::text::Template;

/// How some secrets authenticate, as the file says it.
type Auth<'a> = (Option<&'a HeaderAuth>, Option<&'a BasicAuth>);

impl Loader<'_> {
    /// How the credential authenticates.
    pub(super) fn auth(&self) -> Result<Option<AuthPlan>, Problem> {
        let Some(credential) = &self.file.credential else {
            return Ok(None);
        };
        let here = self.within("credential");
        let auth = (credential.header.as_ref(), credential.basic.as_ref());
        let known = |part: &str| self.is_part(part);
        let simple = here.auth_of("credential", auth, known)?;
        let special = here.headers_or_signature(credential)?;
        match (simple, special) {
            (Some(auth), None) | (None, Some(auth)) => Ok(Some(auth)),
            (None, None) | (Some(_), Some(_)) => {
                let problem = "needs exactly one of header, headers, basic and sigv4";
                Err(self.field("credential", problem))
            }
        }
    }

    /// How a value authenticates in its check; nothing where it does as the credential.
    pub(super) fn value_auth(&self, check: &file::Check) -> Result<Option<AuthPlan>, Problem> {
        let known = |part: &str| self.file.value.contains_key(part);
        let auth = (check.header.as_ref(), check.basic.as_ref());
        if let Some(auth) = self.auth_of("check", auth, known)? {
            return Ok(Some(auth));
        }
        let Some(auth) = Loader {
            scope: self.root,
            ..*self
        }
        .auth()?
        else {
            return Err(self.field("check", "needs header or basic"));
        };
        let parts = auth.parts().into_iter().flat_map(|part| self.made_of(part));
        match parts.into_iter().find(|part| !known(part)) {
            Some(part) => {
                let problem = format!("cannot prove a value without part {part}");
                Err(self.field("check", problem))
            }
            None => Ok(None),
        }
    }

    fn auth_of(
        &self,
        field: &str,
        auth: Auth<'_>,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<Option<AuthPlan>, Problem> {
        let known = |here: &str, key: &str, part: &str| match is_known(part) {
            true => Ok(part.to_owned()),
            false => {
                let problem = format!("{part} is no part of it: name one of those that it has");
                Err(self.within(here).field(key, problem))
            }
        };
        match auth {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(self.field(field, "needs header or basic, and not both")),
            (Some(header), None) => Ok(Some(AuthPlan::Header {
                name: self.within("header").header("name", &header.name)?,
                prefix: header.prefix.clone(),
                part: known("header", "part", &header.part)?,
            })),
            (None, Some(basic)) => Ok(Some(AuthPlan::Basic {
                user: match basic.user.contains("$(") {
                    true => {
                        let names = self.names(&[]);
                        let user = Template::new(&basic.user, &names);
                        User::Text(user.map_err(|e| self.within("basic").within("user").at(e))?)
                    }
                    false => User::Part(known("basic", "user", &basic.user)?),
                },
                password: known("basic", "password", &basic.password)?,
                header: match &basic.header {
                    Some(name) => Some(self.within("basic").header("header", name)?),
                    None => None,
                },
            })),
        }
    }

    pub(super) fn login(&self) -> Result<Option<LoginPlan>, Problem> {
        self.within("credential").within("login").login_here()
    }

    fn login_here(&self) -> Result<Option<LoginPlan>, Problem> {
        let Some(credential) = &self.file.credential else {
            return Ok(None);
        };
        let Some(login) = &credential.login else {
            return Ok(None);
        };
        let known = |part: &str| part != LOGIN && self.is_part(part);
        let auth = (login.header.as_ref(), login.basic.as_ref());
        if let Some(part) = login.put.values().find(|part| !known(part)) {
            return Err(self.field("put", format!("{part} is no part of the credential")));
        }
        let pointers = login.form.is_none();
        if let Some(at) = login.put.keys().find(|at| pointers && !at.starts_with('/')) {
            return Err(self.field("put", format!("{at} is no JSON pointer, such as /password")));
        }
        let place = match (&login.at, &login.at_header) {
            (Some(at), None) => Place::At(self.pointer("login", at)?),
            (None, Some(name)) => Place::Header(self.header("atHeader", name)?),
            (Some(_), Some(_)) | (None, None) => {
                return Err(self.field("login", "needs at or atHeader, and not both"));
            }
        };
        Ok(Some(LoginPlan {
            call: CallPlan {
                endpoint: self.endpoint_of(login.endpoint.as_ref())?,
                ..self.call(login.parts(), &self.known_names())?
            },
            auth: self.auth_of("login", auth, known)?,
            put: login
                .put
                .iter()
                .map(|(at, part)| (at.clone(), part.clone()))
                .collect(),
            place,
        }))
    }

    pub(super) fn value(&self) -> Result<Vec<ValuePlan>, Problem> {
        let parts = self.file.value.iter().map(|(name, part)| {
            Ok(ValuePlan {
                name: name.clone(),
                place: self.within("value").place_of(name, part)?,
                decode: self.within("value").within(name).decode_of(part)?,
                max: part.max.unwrap_or(PART_MAX),
            })
        });
        parts.collect()
    }

    fn place_of(&self, name: &str, part: &file::ValuePart) -> Result<Place, Problem> {
        match (&part.at, &part.header, &part.compose) {
            (None, None, None) if self.file.mint.is_none() => Ok(Place::Nowhere),
            (Some(at), None, None) => Ok(Place::At(self.pointer(name, at)?)),
            (None, Some(header), None) => {
                Ok(Place::Header(self.within(name).header("header", header)?))
            }
            (None, None, Some(pieces)) if !pieces.is_empty() => {
                let pieces = pieces.iter().map(|piece| self.piece(name, piece));
                Ok(Place::Composed(pieces.collect::<Result<_, _>>()?))
            }
            _ => Err(self.field(name, "needs exactly one of at, header and compose")),
        }
    }

    fn piece(&self, name: &str, piece: &file::ValuePiece) -> Result<Piece, Problem> {
        Ok(match piece {
            file::ValuePiece::Text(text) => {
                let template = Template::new(text, &self.minted_names(&["id"]));
                Piece::Text(template.map_err(|e| self.within(name).at(e))?)
            }
            file::ValuePiece::At(at) => Piece::At(self.pointer(name, at)?),
            file::ValuePiece::Header(header) => {
                Piece::Header(self.within(name).header("header", header)?)
            }
        })
    }

    fn pointer(&self, field: &str, pointer: &str) -> Result<String, Problem> {
        match pointer.starts_with('/') {
            true => Ok(pointer.to_owned()),
            false => Err(self.field(field, "at must be a JSON pointer, such as /token")),
        }
    }
}
