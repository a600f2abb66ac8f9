//! AWS IAM's access keys, after its public API reference: a query API that answers in XML.
//!
//! Requests are signed, and the signature is verified here (`sigv4`). A user has two keys at most, which
//! have no name and no end; a key of that user may manage no keys.

mod desk;
mod names;
mod sigv4;
mod xml;

use std::sync::Arc;

use http::{HeaderName, Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use self::names::{ACCOUNT, NAME, USER};
use self::sigv4::Unsigned;
use crate::asked::{Asked, Route};
use crate::clock;
use crate::desk::Desk;
use crate::faults::Operation;
use crate::http::{Answer, Content, Request};
use crate::ledger::What;
use crate::random::{self, NoRandomness};
use crate::settings::Settings;
use crate::store::{Db, Standing, StoreError, Token};
use crate::system::{Account, System};

/// What only this system knows of a key: it must be known to verify what it signed.
const SECRET: &str = "secret";

#[derive(Debug)]
pub(crate) struct AwsIam;

impl AwsIam {
    pub(crate) fn played() -> Arc<dyn System> {
        Arc::new(Self)
    }
}

/// A new key pair, not yet stored.
fn drawn(now: Timestamp) -> Result<(Token, String), NoRandomness> {
    let id = random::text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)?;
    let secret = random::text(
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        40,
    )?;
    let mut token = Token::new(NAME, format!("AKIA{id}"), &secret, now);
    let known = Value::String(secret.clone());
    token.more.insert(SECRET.to_owned(), known);
    Ok((token, secret))
}

impl System for AwsIam {
    fn name(&self) -> &'static str {
        NAME
    }

    fn base_path(&self) -> &'static str {
        ""
    }

    fn open(&self, db: &Db<'_>, now: Timestamp) -> Result<Account, StoreError> {
        let (mut token, credential) = drawn(now)?;
        "admin".clone_into(&mut token.owner);
        let parameters = [
            ("access_key_id", token.id.clone()),
            ("user_name", USER.to_owned()),
        ];
        Account::of(db, token, credential, parameters)
    }

    fn route(&self, request: &Request) -> Route {
        let call = Call::read(request);
        let operation = match call.get("Action") {
            Some("CreateAccessKey") => Operation::Mint,
            Some("ListAccessKeys") => Operation::List,
            Some("UpdateAccessKey") => Operation::Toggle,
            Some("DeleteAccessKey") => Operation::Revoke,
            _ => Operation::Other,
        };
        Route {
            operation,
            id: call.get("AccessKeyId").map(str::to_owned),
            name: None,
        }
    }

    fn caller(
        &self,
        db: &Db<'_>,
        request: &Request,
        _settings: &Settings,
    ) -> Result<Option<Token>, StoreError> {
        Ok(signer(db, request)?.ok())
    }

    fn answer(&self, asked: &Asked<'_>) -> Result<Answer, StoreError> {
        let caller = match &asked.caller {
            Some((caller, Standing::Live)) => caller,
            // A key that is inactive or gone is not known any more.
            Some(_) => return Ok(refuse(&NO_SUCH_KEY)),
            None => {
                let why = signer(asked.db, asked.request)?.err();
                return Ok(refuse(&why.unwrap_or(NO_SUCH_KEY)));
            }
        };
        let call = Call::read(asked.request);
        if call.get("Version") != Some("2010-05-08") {
            let message = "Could not find operation for version".to_owned();
            return Ok(error(400, "InvalidAction", message));
        }
        // Users have no policies but the administrator's.
        if caller.owner != "admin" {
            return Ok(denied(
                &caller.owner,
                call.get("Action").unwrap_or_default(),
            ));
        }
        match call.get("Action") {
            Some("GetUser") => Ok(told("GetUser", user("admin"))),
            Some("CreateAccessKey") => of_user(&call, || create(asked)),
            Some("ListAccessKeys") => of_user(&call, || list(asked)),
            Some("UpdateAccessKey") => of_user(&call, || update(asked, &call)),
            Some("DeleteAccessKey") => of_user(&call, || delete(asked, &call)),
            other => {
                let message = format!("Could not find operation {}", other.unwrap_or_default());
                Ok(error(400, "InvalidAction", message))
            }
        }
    }

    fn desk(&self) -> &'static Desk {
        &desk::DESK
    }

    fn items<'a>(&self, _body: &'a mut Value) -> Option<&'a mut Vec<Value>> {
        None
    }

    fn finish(&self, mut answer: Answer) -> Answer {
        if let Content::Json(body) = &answer.content {
            answer.content = Content::Raw {
                kind: "text/xml".into(),
                bytes: xml::written(body).into(),
            };
        }
        let id = random::uuid().unwrap_or_default();
        answer.with(HeaderName::from_static("x-amzn-requestid"), &id)
    }
}

/// The parameters of a call: in the query of a GET, in the form of a POST.
struct Call(Vec<(String, String)>);

impl Call {
    fn read(request: &Request) -> Self {
        Self(match request.method {
            Method::POST => url::form_urlencoded::parse(&request.body)
                .into_owned()
                .collect(),
            _ => request.query.clone(),
        })
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

const NO_SUCH_KEY: Unsigned = Unsigned {
    status: 403,
    code: "InvalidClientTokenId",
    message: String::new(),
};

/// Whose key has signed the request, or why it is nobody's.
fn signer(db: &Db<'_>, request: &Request) -> Result<Result<Token, Unsigned>, StoreError> {
    let signed = match sigv4::read(request, clock::now()) {
        Ok(signed) => signed,
        Err(why) => return Ok(Err(why)),
    };
    let Some(token) = db.by_id(NAME, &signed.key_id)? else {
        return Ok(Err(NO_SUCH_KEY));
    };
    let secret = token.more.get(SECRET).and_then(Value::as_str);
    let verified = signed.verify(request, secret.unwrap_or_default());
    Ok(verified.map(|()| token))
}

fn refuse(why: &Unsigned) -> Answer {
    let message = match why.message.as_str() {
        "" => "The security token included in the request is invalid.",
        message => message,
    };
    error(why.status, why.code, message.to_owned())
}

fn denied(user: &str, action: &str) -> Answer {
    let user = format!("arn:aws:iam::{ACCOUNT}:user/{user}");
    let message = format!(
        "User: {user} is not authorized to perform: iam:{action} on resource: {user} because no identity-based policy allows the iam:{action} action"
    );
    error(403, "AccessDenied", message)
}

fn of_user(
    call: &Call,
    work: impl FnOnce() -> Result<Answer, StoreError>,
) -> Result<Answer, StoreError> {
    match call.get("UserName") {
        Some(USER) => work(),
        user => {
            let user = user.unwrap_or_default();
            let message = format!("The user with name {user} cannot be found.");
            Ok(error(404, "NoSuchEntity", message))
        }
    }
}

fn user(name: &str) -> Value {
    json!({ "User": {
        "Path": "/",
        "UserName": name,
        "UserId": "AIDACKCEVSQ6C2EXAMPLE",
        "Arn": format!("arn:aws:iam::{ACCOUNT}:user/{name}"),
        "CreateDate": "2026-01-01T00:00:00Z",
    } })
}

fn create(asked: &Asked<'_>) -> Result<Answer, StoreError> {
    let standing = asked.db.standing(NAME)?;
    let keys = standing.iter().filter(|token| token.counts()).count();
    let most = asked.mint.quota.unwrap_or(asked.settings.aws_iam.keys_max);
    if keys >= most {
        let message = format!("Cannot exceed quota for AccessKeysPerUser: {most}");
        return Ok(error(409, "LimitExceeded", message));
    }
    let (mut token, secret) = drawn(asked.now)?;
    USER.clone_into(&mut token.owner);
    asked.minted(&mut token)?;
    let mut key = shown(&token);
    key["SecretAccessKey"] = Value::String(secret);
    Ok(told("CreateAccessKey", json!({ "AccessKey": key })))
}

fn list(asked: &Asked<'_>) -> Result<Answer, StoreError> {
    let standing = asked.db.standing(NAME)?;
    let keys = standing
        .iter()
        .filter(|token| token.counts() && token.listed(asked.now));
    let keys: Vec<Value> = keys.map(shown).collect();
    Ok(told(
        "ListAccessKeys",
        json!({ "IsTruncated": "false", "UserName": USER, "AccessKeyMetadata": keys }),
    ))
}

fn update(asked: &Asked<'_>, call: &Call) -> Result<Answer, StoreError> {
    let disabled = match call.get("Status") {
        Some("Active") => false,
        Some("Inactive") => true,
        _ => {
            let message = "1 validation error detected: Value at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]";
            return Ok(error(400, "ValidationError", message.to_owned()));
        }
    };
    let Some(mut token) = key(asked, call)? else {
        return Ok(no_key(call));
    };
    token.disabled = disabled;
    token.updated = asked.now;
    asked.db.update(&token)?;
    let what = match disabled {
        true => What::Disable,
        false => What::Enable,
    };
    asked.record(&token, what)?;
    Ok(told("UpdateAccessKey", Value::Null))
}

fn delete(asked: &Asked<'_>, call: &Call) -> Result<Answer, StoreError> {
    let Some(mut token) = key(asked, call)? else {
        return Ok(no_key(call));
    };
    asked.revoked(&mut token)?;
    Ok(told("DeleteAccessKey", Value::Null))
}

/// The living key that a call names.
fn key(asked: &Asked<'_>, call: &Call) -> Result<Option<Token>, StoreError> {
    let id = call.get("AccessKeyId").unwrap_or_default();
    let token = asked.db.by_id(NAME, id)?;
    Ok(token.filter(|token| token.counts() && token.deleted.is_none()))
}

fn no_key(call: &Call) -> Answer {
    let id = call.get("AccessKeyId").unwrap_or_default();
    let message = format!("The Access Key with id {id} cannot be found.");
    error(404, "NoSuchEntity", message)
}

fn shown(token: &Token) -> Value {
    let created = token.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({
        "UserName": token.owner,
        "AccessKeyId": token.id,
        "Status": if token.disabled { "Inactive" } else { "Active" },
        "CreateDate": created,
    })
}

/// `<ActionResponse><ActionResult>…`, the second only where there is something to say.
fn told(action: &str, result: Value) -> Answer {
    let mut response = json!({});
    if !result.is_null() {
        response[format!("{action}Result")] = result;
    }
    let id = random::uuid().unwrap_or_default();
    response["ResponseMetadata"] = json!({ "RequestId": id });
    Answer::json(
        StatusCode::OK,
        json!({ format!("{action}Response"): response }),
    )
}

fn error(status: u16, code: &str, message: String) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let body = json!({ "ErrorResponse": {
        "Error": { "Type": "Sender", "Code": code, "Message": message },
        "RequestId": random::uuid().unwrap_or_default(),
    } });
    Answer::json(status, body)
}
