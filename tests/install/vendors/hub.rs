//! Somebody's own system, as the guide that leads away from `restapi_object` describes it.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::NOTHING;
use crate::install::vendor::{Answer, Asked, CREDENTIAL, ended, fresh, now, one, without};

pub(crate) fn hub(asked: &Asked, tokens: &mut Vec<Value>) -> Answer {
    let bearer = asked.header("authorization", "Bearer ");
    let refused = |status: u16| (status, json!({ "message": "refused" }));
    let (method, path) = asked.call();
    match (method, &path[..]) {
        ("GET", ["api", "user"])
            if bearer == CREDENTIAL || one(tokens, "token", bearer).is_some() =>
        {
            (200, json!({ "login": "ci" }))
        }
        _ if bearer != CREDENTIAL => refused(401),
        ("GET", ["api", "tokens"]) => {
            let shown = tokens.iter().map(|token| without(token, "token"));
            (200, shown.collect())
        }
        ("POST", ["api", "tokens"]) => {
            let lasts = asked.body["expires_in"]
                .as_i64()
                .map(SignedDuration::from_secs);
            let made = json!({
                "id": fresh("id", tokens), "token": fresh("token", tokens), "note": asked.body["note"],
                "expires_at": lasts.map(|lasts| (now() + lasts).to_string()),
            });
            tokens.push(made.clone());
            (201, made)
        }
        ("DELETE", ["api", "tokens", id]) if ended(tokens, "id", id) => (204, NOTHING),
        _ => refused(404),
    }
}
