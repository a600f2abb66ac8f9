//! A new token: what is asked for, when it ends, and what its JWT says.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::jwt::{self, Secrets};
use super::kind::Kind;
use super::people::groups;
use super::{body, text};
use crate::asked::Asked;
use crate::random;
use crate::settings::PatSecret;
use crate::store::{StoreError, Token};

/// The width of the columns for description and group, in UTF-16 units.
const COLUMN: usize = 64;
/// The width of the column for e-mails.
const EMAIL: usize = 128;

/// What a create asks for.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) description: Option<String>,
    pub(super) group: Option<String>,
    days: i64,
    hours: i64,
    minutes: i64,
}

impl Wanted {
    pub(super) fn read(kind: Kind, bytes: &[u8]) -> Result<Self, body::Unreadable> {
        let body = body::object(bytes)?;
        let number = |field: &str| body::number(body.get(field));
        let description = body::text(body.get("description"))?;
        let days = number("days")?;
        Ok(match kind {
            // A user token knows neither hours nor minutes nor a group.
            Kind::User => Self {
                description,
                group: None,
                days,
                hours: 0,
                minutes: 0,
            },
            Kind::Team => Self {
                description,
                group: body::text(body.get("group"))?,
                days,
                hours: number("hours")?,
                minutes: number("minutes")?,
            },
        })
    }

    /// Whether the row fits into the database.
    pub(super) fn fits(&self, email: &str) -> bool {
        let column =
            |text: &Option<String>| text.as_ref().is_none_or(|text| text::units(text) <= COLUMN);
        column(&self.description) && column(&self.group) && text::units(email) <= EMAIL
    }

    /// How many seconds it lives: the sum, as soon as one part is positive; otherwise for ever.
    fn life(&self, asked: &Asked<'_>) -> Option<i64> {
        if self.days <= 0 && self.hours <= 0 && self.minutes <= 0 {
            return None;
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "three 32-bit numbers times their units fit a double"
        )]
        let life = {
            let minutes = (self.hours * 60 + self.minutes) as f64;
            let days = self.days as f64 * asked.settings.seconds_per_day;
            // Whole seconds; a shortened day must not end in the second of its beginning.
            (days + minutes * asked.settings.terrakube.seconds_per_minute).ceil() as i64
        };
        Some(life)
    }
}

/// A token that is signed, and not stored yet.
pub(super) fn token(
    asked: &Asked<'_>,
    kind: Kind,
    wanted: &Wanted,
    (caller, secrets): (&Map<String, Value>, &Secrets),
) -> Result<(Token, String), StoreError> {
    let claim = |name: &str| caller.get(name).and_then(Value::as_str);
    let email = claim("email").unwrap_or_default();
    let id = random::uuid()?;
    let issued = asked.now.as_second();
    let expires = wanted.life(asked).map(|life| issued + life);
    let group = wanted.group.clone().unwrap_or_default();
    // The name of a user token is that of its maker, and grows with every generation.
    let (subject, name, groups) = match kind {
        Kind::User => {
            let name = format!("{} (Token)", claim("name").unwrap_or("null"));
            (name.clone(), name, groups(caller))
        }
        Kind::Team => {
            let subject = format!("{group} (Team Token)");
            (
                subject,
                format!("{group} (Token)"),
                Some(vec![group.clone()]),
            )
        }
    };
    let mut claims = vec![
        ("iss", text::quote("Terrakube")),
        ("sub", text::quote(&subject)),
        ("aud", "[\"Terrakube\"]".to_owned()),
        ("jti", text::quote(&id)),
        ("email", text::quote(email)),
    ];
    if let (Kind::Team, Some(description)) = (kind, &wanted.description) {
        claims.push(("description", text::quote(description)));
    }
    claims.push(("email_verified", "true".to_owned()));
    claims.push(("name", text::quote(&name)));
    if let Some(groups) = groups {
        let groups: Vec<String> = groups.iter().map(|group| text::quote(group)).collect();
        claims.push(("groups", format!("[{}]", groups.join(","))));
    }
    claims.push(("iat", issued.to_string()));
    if let Some(expires) = expires {
        claims.push(("exp", expires.to_string()));
    }
    let claims: Vec<String> = claims
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    let length = asked.settings.terrakube.pat_secret;
    let value = jwt::signed(&format!("{{{}}}", claims.join(",")), secrets.pat(), length);
    let mut token = Token::new(asked.system, id, &value, asked.now);
    token.name = wanted.description.clone().unwrap_or_default();
    email.clone_into(&mut token.owner);
    // Years that no calendar of ours has are as good as never.
    token.expires = expires.and_then(|at| Timestamp::from_second(at).ok());
    token.born_dead =
        length != PatSecret::Bytes32 || jwt::Jwt::read(&value).is_none_or(|jwt| !jwt.recognised);
    for (field, value) in [
        ("kind", json!(kind.word())),
        ("description", json!(wanted.description)),
        ("group", json!(wanted.group)),
        ("days", json!(wanted.days)),
        ("hours", json!(wanted.hours)),
        ("minutes", json!(wanted.minutes)),
    ] {
        token.more.insert(field.to_owned(), value);
    }
    Ok((token, value))
}
