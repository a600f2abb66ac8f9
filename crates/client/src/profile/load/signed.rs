//! Credentials that sign, parts that are documents, and what of a credential is no secret, checked.

use jiff::SignedDuration;
use tokenwright_core::bounds::Bounds;
use url::Url;

use super::{Loader, Problem};
use crate::http::endpoint;
use crate::http::jwt::Algorithm;
use crate::profile::file::{self, Credential, DigestAuth};
use crate::profile::plan::{AuthPlan, FieldPlan, HeaderPlan, User};
use crate::profile::secrets::LOGIN;
use crate::profile::signed::{JWT, JwtPlan, Sigv4Plan};
use crate::text::{Names, Template, Tree};

/// A minute of it is gone when it is made; what is good for days is a token, and no assertion.
const JWT_LIFETIME: Bounds = Bounds {
    least: SignedDuration::from_mins(2),
    greatest: SignedDuration::from_hours(24),
};

impl<'a> Loader<'a> {
    /// Whether the credential has this part: given, read out of one that is a document, or made.
    pub(super) fn is_part(&self, part: &str) -> bool {
        let Some(credential) = self.credential else {
            return false;
        };
        match part {
            LOGIN => credential.login.is_some(),
            JWT => credential.jwt.is_some(),
            part => {
                let mut parts = credential.parts.iter();
                parts.any(|(name, own)| name == part || own.json.contains_key(part))
            }
        }
    }

    /// The given parts that a part is made of.
    pub(super) fn made_of(&self, part: &str) -> Vec<String> {
        let credential = self.credential;
        let jwt = credential.and_then(|credential| credential.jwt.as_ref());
        let part = match (part, jwt) {
            (JWT, Some(jwt)) => jwt.key.as_str(),
            (part, _) => part,
        };
        let mut parts = credential.iter().flat_map(|credential| &credential.parts);
        let document = parts.find(|(_, own)| own.json.contains_key(part));
        vec![document.map_or(part, |(name, _)| name).to_owned()]
    }

    /// Whether a value has this part: minted, or a JWT that the value signs as the credential does.
    pub(super) fn is_of_value(&self, part: &str) -> bool {
        let minted = |part: &str| self.file.value.contains_key(part);
        match part {
            JWT if self.is_part(JWT) => self.made_of(JWT).iter().all(|part| minted(part)),
            part => minted(part),
        }
    }

    /// The names of what is no secret.
    pub(super) fn known_names(self) -> Names<'a> {
        let Some(credential) = self.credential else {
            // Of several ways, whichever is used: what all of them know.
            let ways = self.each_way().into_iter();
            let known = ways.filter(|way| way.credential.is_some());
            let known = known.map(Self::known_names);
            return known
                .reduce(|all, own| all.intersection(&own).copied().collect())
                .unwrap_or_default();
        };
        let names = credential.parts.iter().flat_map(|(name, part)| {
            let own = part.public.then_some(name.as_str());
            let fields = part.json.iter().filter(|(_, field)| field.public);
            own.into_iter().chain(fields.map(|(name, _)| name.as_str()))
        });
        names.collect()
    }

    pub(super) fn fields(&self) -> Result<Vec<FieldPlan>, Problem> {
        let mut fields = Vec::new();
        let parts = self.credential.iter().flat_map(|c| &c.parts);
        for (part, own) in parts {
            for (name, field) in &own.json {
                let here = self.at_credential().within("parts").within(part);
                let here = here.within("json");
                if !field.at.starts_with('/') {
                    let problem = "must be a JSON pointer, such as /private_key";
                    return Err(here.within(name).field("at", problem));
                }
                let mut others = self.credential.iter().flat_map(|c| &c.parts);
                if others.any(|(other, of)| {
                    other == name || (other != part && of.json.contains_key(name))
                }) {
                    return Err(here.field(name, "is the name of another part, too"));
                }
                fields.push(FieldPlan {
                    part: part.clone(),
                    at: field.at.clone(),
                    name: name.clone(),
                });
            }
        }
        Ok(fields)
    }

    /// Several headers, or a signature over the request; at most one of them.
    pub(super) fn headers_or_signature(
        &self,
        credential: &Credential,
    ) -> Result<Option<AuthPlan>, Problem> {
        let unknown = |here: &Self, key: &str, part: &str| {
            let problem = format!("{part} is no part of it: name one of those that it has");
            here.field(key, problem)
        };
        if let Some(digest) = &credential.digest {
            return self.within("digest").digest(credential, digest).map(Some);
        }
        if let Some(plan) = &credential.sigv4 {
            let here = self.within("sigv4");
            for (key, part) in [("keyId", &plan.key_id), ("secret", &plan.secret)] {
                if !self.is_part(part) {
                    return Err(unknown(&here, key, part));
                }
            }
            if !credential.headers.is_empty() {
                return Err(self.field("headers", "does not go together with sigv4"));
            }
            return Ok(Some(AuthPlan::Sigv4(Sigv4Plan {
                key_id: plan.key_id.clone(),
                secret: plan.secret.clone(),
                region: plan.region.clone(),
                service: plan.service.clone(),
            })));
        }
        let here = self.within("headers");
        let headers = credential.headers.iter().map(|header| {
            if !self.is_part(&header.part) {
                return Err(unknown(&here, &header.part, &header.part));
            }
            Ok(HeaderPlan {
                name: here.auth_header(header)?,
                prefix: header.prefix.clone(),
                part: header.part.clone(),
            })
        });
        let headers: Vec<_> = headers.collect::<Result<_, _>>()?;
        Ok((!headers.is_empty()).then_some(AuthPlan::Headers(headers)))
    }

    fn digest(&self, credential: &Credential, digest: &DigestAuth) -> Result<AuthPlan, Problem> {
        if credential.sigv4.is_some() || !credential.headers.is_empty() {
            return Err(self.field("digest", "does not go together with headers and sigv4"));
        }
        let known = |key: &str, part: &String| match self.is_part(part) && part != JWT {
            true => Ok(part.clone()),
            false => {
                let problem = format!("{part} is no part of it: name one of those that it has");
                Err(self.field(key, problem))
            }
        };
        Ok(AuthPlan::Digest {
            user: match digest.user.contains("$(") {
                true => {
                    let user = Template::new(&digest.user, &self.names(&[]));
                    User::Text(user.map_err(|e| self.within("user").at(e))?)
                }
                false => User::Part(known("user", &digest.user)?),
            },
            password: known("password", &digest.password)?,
        })
    }

    pub(super) fn jwt(&self) -> Result<Option<JwtPlan>, Problem> {
        let Some(credential) = self.credential else {
            return Ok(None);
        };
        let Some(jwt) = &credential.jwt else {
            return Ok(None);
        };
        let here = self.at_credential().within("jwt");
        if [LOGIN, JWT].contains(&jwt.key.as_str()) || !self.is_part(&jwt.key) {
            let problem = format!("{} is no part that could be a key", jwt.key);
            return Err(here.field("key", problem));
        }
        let names = self.known_names();
        if names.contains(jwt.key.as_str()) {
            return Err(here.field("key", format!("{} is public: a key is a secret", jwt.key)));
        }
        for claim in ["iat", "exp"] {
            if jwt.claims.contains_key(claim) {
                return Err(here.within("claims").field(claim, "follows from lifetime"));
            }
        }
        if !self.uses_jwt(credential) {
            let problem =
                "is used by nothing: header, headers, basic or login.put must name part jwt";
            return Err(self.at_credential().field("jwt", problem));
        }
        let lifetime = here.duration("lifetime", &jwt.lifetime)?;
        let checked = JWT_LIFETIME.check("lifetime", lifetime);
        checked.map_err(|e| here.field("lifetime", e.message))?;
        let claims = jwt.claims.iter().map(|(name, claim)| {
            let here = here.within("claims").within(name);
            Ok((
                name.clone(),
                Tree::new(claim, &names).map_err(|e| here.at(e))?,
            ))
        });
        let key_id = jwt.key_id.as_ref().map(|text| {
            let template = Template::new(text, &names);
            template.map_err(|e| here.within("keyId").at(e))
        });
        Ok(Some(JwtPlan {
            algorithm: match jwt.algorithm {
                file::Algorithm::RS256 => Algorithm::Rs256,
                file::Algorithm::ES256 => Algorithm::Es256,
                file::Algorithm::HS256 => Algorithm::Hs256,
            },
            key: jwt.key.clone(),
            key_id: key_id.transpose()?,
            claims: claims.collect::<Result<_, Problem>>()?,
            lifetime,
        }))
    }

    fn uses_jwt(&self, credential: &Credential) -> bool {
        let Credential {
            login,
            header,
            headers,
            basic,
            ..
        } = credential;
        let login_header = login.iter().flat_map(|login| &login.header);
        let headers = header.iter().chain(headers).chain(login_header);
        let basics = basic
            .iter()
            .chain(login.iter().flat_map(|login| &login.basic));
        let put = login.iter().flat_map(|login| login.put.values());
        headers.map(|header| &header.part).any(|part| part == JWT)
            || basics.map(|basic| &basic.password).any(|part| part == JWT)
            || put.into_iter().any(|part| part == JWT)
    }

    /// The endpoint of one call that is sent elsewhere.
    pub(super) fn endpoint_of(&self, text: Option<&String>) -> Result<Option<Url>, Problem> {
        if text.is_some() && self.file.endpoint.is_none() {
            let problem = "needs an endpoint of the profile, beside which it stands";
            return Err(self.field("endpoint", problem));
        }
        let url =
            text.map(|text| endpoint(text).map_err(|e| self.field("endpoint", e.to_string())));
        url.transpose()
    }

    pub(super) fn decode_of(
        &self,
        part: &file::ValuePart,
    ) -> Result<Option<file::Decode>, Problem> {
        if part.decode.is_some() && (part.compose.is_some() || self.file.mint.is_none()) {
            return Err(self.field("decode", "is for a part that stands in an answer"));
        }
        Ok(part.decode)
    }
}
