//! Who authenticates, and where secrets stand.

use super::{Loader, PART_GREATEST, PART_MAX, Problem};
use crate::profile::file::{self, BasicAuth, HeaderAuth};
use crate::profile::plan::{AuthPlan, LoginPlan, Piece, Place, Prover, User, ValuePlan};
use crate::profile::secrets::LOGIN;
use crate::text::Template;

/// How some secrets authenticate, as the file says it.
type Auth<'a> = (Option<&'a HeaderAuth>, Option<&'a BasicAuth>);

impl Loader<'_> {
    /// How the credential authenticates.
    pub(super) fn auth(&self) -> Result<Option<AuthPlan>, Problem> {
        let Some(credential) = self.credential else {
            return Ok(None);
        };
        let here = self.at_credential();
        let auth = (credential.header.as_ref(), credential.basic.as_ref());
        let known = |part: &str| self.is_part(part);
        let simple = here.auth_of("credential", auth, known)?;
        let special = here.headers_or_signature(credential)?;
        match (simple, special) {
            (Some(auth), None) | (None, Some(auth)) => Ok(Some(auth)),
            (None, None) if by_cookie(credential.login.as_ref()).is_some() => {
                Ok(by_cookie(credential.login.as_ref()))
            }
            (None, None) if credential.client_certificate.is_some() => Ok(None),
            (None, None) | (Some(_), Some(_)) => {
                let problem = "needs exactly one of header, headers, basic, digest, sigv4 and clientCertificate";
                let field = self.way.unwrap_or("credential");
                Err(self.above_credential().field(field, problem))
            }
        }
    }

    /// Who authenticates a check, and how.
    pub(super) fn prover(&self, check: &file::Check) -> Result<Prover, Problem> {
        let known = |part: &str| self.is_of_value(part) || (part == LOGIN && check.login.is_some());
        let auth = (check.header.as_ref(), check.basic.as_ref());
        let own = self.auth_of("check", auth, known)?;
        if check.with_credential {
            if own.is_some() || check.login.is_some() {
                let problem =
                    "excludes header, basic and login, with which the value authenticates";
                return Err(self.field("withCredential", problem));
            }
            if check.put.is_empty() {
                let problem = "needs put, since nothing else of the request is about the value";
                return Err(self.field("withCredential", problem));
            }
            return match self.file.credential {
                Some(_) => Ok(Prover::Credential),
                None => Err(self.field("withCredential", "needs credential")),
            };
        }
        if let Some(auth) = own.or(by_cookie(check.login.as_ref())) {
            return Ok(Prover::Own(auth));
        }
        if !check.put.is_empty() {
            return Ok(Prover::Nobody);
        }
        let several = self.each_way().len() > 1;
        let Some(auth) = self.auth()? else {
            let problem = match several {
                true => {
                    "cannot prove a value as the credential does, which has several ways: say in header, basic or put how it authenticates"
                }
                false => "needs header, basic or put",
            };
            return Err(self.field("check", problem));
        };
        let parts = auth.parts().into_iter().flat_map(|part| self.made_of(part));
        match parts.into_iter().find(|part| !known(part)) {
            Some(part) => {
                let problem = format!(
                    "cannot prove a value, which has no part {part}: say in header, basic or put how it authenticates"
                );
                Err(self.field("check", problem))
            }
            None => Ok(Prover::Alike),
        }
    }

    /// Whether a value is asked about over connections that show a certificate.
    pub(super) fn with_certificate(&self, check: &file::Check) -> Result<bool, Problem> {
        let mut ways = self.each_way().into_iter();
        let shown = ways.any(|way| {
            way.credential
                .is_some_and(|c| c.client_certificate.is_some())
        });
        match check.with_certificate && !shown {
            true => {
                let problem = "needs clientCertificate in credential";
                Err(self.field("withCertificate", problem))
            }
            false => Ok(check.with_certificate),
        }
    }

    /// What a value is exchanged by.
    pub(super) fn check_login(&self, check: &file::Check) -> Result<Option<LoginPlan>, Problem> {
        let known = |part: &str| self.is_of_value(part);
        let login = check.login.as_ref();
        let here = self.within("login");
        login.map(|login| here.login_of(login, known)).transpose()
    }

    pub(super) fn auth_of(
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
                name: self.within("header").auth_header(header)?,
                prefix: header.prefix.clone(),
                part: known("header", "part", &header.part)?,
            })),
            (None, Some(basic)) => Ok(Some(AuthPlan::Basic {
                user: match basic.user.is_empty() || basic.user.contains("$(") {
                    true => {
                        // Of a token, and not of whoever asks, the id is known.
                        let about_one = ["check", "revoke"].contains(&field);
                        let names = self.names(if about_one { &["id"] } else { &[] });
                        let user = Template::new(&basic.user, &names);
                        User::Text(user.map_err(|e| self.within("basic").within("user").at(e))?)
                    }
                    false => User::Part(known("basic", "user", &basic.user)?),
                },
                password: match basic.password.as_str() {
                    "" if basic.user.is_empty() => {
                        let problem = "is empty, and so is the user: one of them is a part";
                        return Err(self.within("basic").field("password", problem));
                    }
                    "" => None,
                    part => Some(known("basic", "password", part)?),
                },
                header: match &basic.header {
                    Some(name) => Some(self.within("basic").header("header", name)?),
                    None => None,
                },
            })),
        }
    }

    pub(super) fn login(&self) -> Result<Option<LoginPlan>, Problem> {
        let Some(login) = self.credential.and_then(|c| c.login.as_ref()) else {
            return Ok(None);
        };
        let known = |part: &str| part != LOGIN && self.is_part(part);
        let here = self.at_credential().within("login");
        let plan = here.login_of(login, known)?;
        let asked = self.file.identity.as_ref();
        let asks = asked.is_some_and(|identity| identity.claim.is_none());
        match plan.uses.first() {
            Some(parameter) if asks => {
                let problem = format!(
                    "uses the parameter {parameter}, which nobody gives when identity asks: leave out identity"
                );
                Err(self.at_credential().field("login", problem))
            }
            Some(_) | None => Ok(Some(plan)),
        }
    }

    fn login_of(
        &self,
        login: &file::LoginCall,
        known: impl Fn(&str) -> bool,
    ) -> Result<LoginPlan, Problem> {
        let auth = (login.header.as_ref(), login.basic.as_ref());
        let place = match (&login.at, &login.at_header, &login.cookie) {
            (Some(at), None, None) => Place::At(self.pointer("login", at)?),
            (None, Some(name), None) => Place::Header(self.header("atHeader", name)?),
            (None, None, Some(name)) => Place::Cookie(self.cookie(name)?),
            _ => {
                let problem = "needs exactly one of at, atHeader and cookie: where the token stands in its answer";
                return Err(self.field("login", problem));
            }
        };
        let mut call = self.call(login.parts(), &self.names(&[]))?;
        call.endpoint = self.endpoint_of(login.endpoint.as_ref())?;
        call.put = self.put(&login.put, login.parts(), &known)?;
        let auth = self.auth_of("login", auth, known)?;
        let stands =
            |name: &str| call.uses(name) || auth.as_ref().is_some_and(|auth| auth.uses(name));
        let names = self.file.parameters.keys();
        let uses = names.filter(|name| stands(name)).cloned().collect();
        Ok(LoginPlan {
            call,
            auth,
            uses,
            place,
        })
    }

    fn cookie(&self, name: &str) -> Result<String, Problem> {
        let in_name = |c: char| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?={}".contains(c);
        match !name.is_empty() && name.chars().all(in_name) {
            true => Ok(name.to_owned()),
            false => Err(self.field("cookie", "is no name of a cookie")),
        }
    }

    pub(super) fn value(&self) -> Result<Vec<ValuePlan>, Problem> {
        let parts = self.file.value.iter().map(|(name, part)| {
            if part
                .max
                .is_some_and(|max| !(1..=PART_GREATEST).contains(&max))
            {
                let problem = format!("must be between 1 and {PART_GREATEST} bytes");
                return Err(self.within("value").within(name).field("max", problem));
            }
            Ok(ValuePlan {
                name: name.clone(),
                place: self.within("value").place_of(name, part)?,
                decode: self.within("value").within(name).decode_of(part)?,
                public_before: self.within("value").within(name).public_before(part)?,
                max: part.max.unwrap_or(PART_MAX),
            })
        });
        parts.collect()
    }

    /// One part that an answer gives as it is may begin with what is no secret.
    fn public_before(&self, part: &file::ValuePart) -> Result<Option<String>, Problem> {
        let Some(end) = &part.public_before else {
            return Ok(None);
        };
        let begun = self.file.value.values();
        let several = begun.filter(|part| part.public_before.is_some()).count() > 1;
        let problem = match () {
            () if end.is_empty() => "must be a text that stands in every value",
            () if self.file.mint.is_none() => "needs mint, whose answer gives the value",
            () if part.compose.is_some() || part.decode.is_some() => {
                "is for a part that an answer gives as it is"
            }
            () if several => "stands at another part, too: one of them is the prefix",
            () => return Ok(Some(end.clone())),
        };
        Err(self.field("publicBefore", problem))
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

/// What a login gives in a cookie is sent as one, unless the file says otherwise.
fn by_cookie(login: Option<&file::LoginCall>) -> Option<AuthPlan> {
    let name = login?.cookie.as_ref()?;
    Some(AuthPlan::Header {
        name: http::header::COOKIE,
        prefix: format!("{name}="),
        part: LOGIN.to_owned(),
    })
}
