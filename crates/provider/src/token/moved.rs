//! Tokens of other providers' resources, which a `moved` block names: their state is read, and nobody is asked.
//!
//! A core moves states before it configures the provider, so the first refresh tells the endpoint.
//! Such a token was minted without a marker, so nothing proves that it is ours: it is kept, checked and
//! followed, and the first rotation mints one that has a marker. Its own end is left to a person.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use tfplugin::{Diagnostics, Imported, Move, Value};
use tokenwright_core::instant::before;
use tokenwright_core::{Held, Marker, Origin, Proven, TokenId, TokenRef, TokenStatus, duration};

use super::apply::{draw, draw_instance};
use super::import::blank;
use super::state::Stored;
use super::wanted::Wanted;
use super::{ApiToken, Private};
use crate::private_state::PrivateState as _;
use crate::schema::names::*;
use crate::value_version;

/// Where the state of another resource has what is needed, by the names of its attributes.
struct Source {
    of: &'static str,
    value: &'static str,
    name: &'static str,
    ends: &'static str,
    /// Parameters of the profile, and the attributes that they stand in.
    parameters: &'static [(&'static str, &'static str)],
    public_parts: &'static [&'static str],
    schedule: Option<Schedule>,
}

/// Where a resource that rotates its token says when.
struct Schedule {
    /// Pointers to how long a token lives, and to how long before its end the next follows.
    lifetime: &'static str,
    renew_before: &'static str,
    /// The unit of what is a bare number there.
    unit: char,
}

const SOURCES: [Source; 12] = [
    Source {
        of: "scaleway_iam_api_key",
        value: "secret_key",
        name: "description",
        ends: "expires_at",
        parameters: &[("application_id", "application_id"), ("user_id", "user_id")],
        public_parts: &["access_key"],
        schedule: None,
    },
    Source {
        of: "terrakube_team_token",
        value: "value",
        name: "description",
        ends: "",
        parameters: &[("team", "team_name")],
        public_parts: &[],
        schedule: None,
    },
    Source {
        of: "gitlab_personal_access_token",
        parameters: &[("user_id", "user_id")],
        ..GITLAB
    },
    Source {
        of: "gitlab_project_access_token",
        parameters: &[("project", "project"), ("access_level", "access_level")],
        ..GITLAB
    },
    Source {
        of: "gitlab_group_access_token",
        parameters: &[("group", "group"), ("access_level", "access_level")],
        ..GITLAB
    },
    Source {
        of: "gitlab_group_service_account_access_token",
        parameters: &[("user_id", "user_id")],
        ..GITLAB
    },
    GRAFANA,
    Source {
        of: "grafana_service_account_rotating_token",
        name: "name_prefix",
        schedule: SECONDS,
        ..GRAFANA
    },
    Source {
        of: "grafana_cloud_stack_service_account_token",
        ..GRAFANA
    },
    Source {
        of: "grafana_cloud_stack_service_account_rotating_token",
        name: "name_prefix",
        schedule: SECONDS,
        ..GRAFANA
    },
    GRAFANA_CLOUD,
    Source {
        of: "grafana_cloud_access_policy_rotating_token",
        name: "name_prefix",
        schedule: Some(Schedule {
            lifetime: "/expire_after",
            renew_before: "/early_rotation_window",
            unit: 's',
        }),
        ..GRAFANA_CLOUD
    },
];

const GITLAB: Source = Source {
    of: "",
    value: "token",
    name: "name",
    ends: "expires_at",
    parameters: &[],
    public_parts: &[],
    schedule: Some(Schedule {
        lifetime: "/rotation_configuration/expiration_days",
        renew_before: "/rotation_configuration/rotate_before_days",
        unit: 'd',
    }),
};

const GRAFANA: Source = Source {
    of: "grafana_service_account_token",
    value: "key",
    name: "name",
    ends: "expiration",
    parameters: &[("service_account_id", "service_account_id")],
    public_parts: &[],
    schedule: None,
};

const GRAFANA_CLOUD: Source = Source {
    of: "grafana_cloud_access_policy_token",
    value: "token",
    ends: "expires_at",
    parameters: &[
        ("region", "region"),
        ("access_policy_id", "access_policy_id"),
    ],
    ..GRAFANA
};

const SECONDS: Option<Schedule> = Some(Schedule {
    lifetime: "/seconds_to_live",
    renew_before: "/early_rotation_window_seconds",
    unit: 's',
});

impl ApiToken {
    /// The state of a token of ours, from that of another provider's resource.
    pub(super) fn moved(&self, request: &Move, diags: &mut Diagnostics) -> Option<Imported> {
        let Some(source) = SOURCES.iter().find(|one| one.of == request.type_name) else {
            let known = SOURCES.map(|one| one.of).join(", ");
            let detail = format!("It takes over {known}, and not {}.", request.type_name);
            diags.error("This resource cannot be moved", detail);
            return None;
        };
        let state = source.state(request.state.json(), diags)?;
        let named = state.read(TOKEN_ID).unwrap_or_default();
        diags.warning(
            format!("Token {named} carries no marker"),
            format!(
                "It was made by {}, so nothing will prove that it is ours. It is followed as it is; the first rotation mints one with a marker, \
                 and this one is then left to a person: revoke it at the issuer.",
                request.type_name
            ),
        );
        Some(Imported {
            state,
            private: Private::default().write(),
        })
    }
}

impl Source {
    fn state(&self, from: &Json, diags: &mut Diagnostics) -> Option<Value> {
        let Some(id) = text(from, "id") else {
            diags.error(
                "The moved state has no id",
                "There is no token in it to take over.",
            );
            return None;
        };
        let mut state = self.wanted(from);
        let wanted = Wanted::read(&state, SignedDuration::ZERO);
        let ends = instant(from, self.ends);
        let created_at = instant(from, "created_at").or_else(|| {
            let (lifetime, _) = self.schedule(from)?;
            Some(before(ends?, lifetime))
        });
        let mut stored = Stored {
            instance: draw_instance(diags)?,
            next_nonce: draw(diags),
            status: Some(TokenStatus::Active),
            value_version: created_at.map(|at| value_version::after(None, at)),
            until: wanted.until.clone(),
            ..Stored::default()
        };
        // The one that its first rotation begins after; the issuer shows the token without it.
        let marker = Marker {
            origin: Origin::of(&stored.instance),
            manager: stored.manager(),
            revision: 1,
            nonce: draw(diags)?,
        };
        let inputs = wanted.spec.inputs.clone();
        stored.remote_name = Some(marker.remote_name(&inputs.name));
        stored.record.current = Some(Held {
            token: TokenRef {
                id: TokenId::new(last(&id)),
                marker,
                parameters: inputs.parameters.clone(),
                endpoint: String::new(),
                identity: None,
            },
            inputs,
            created_at: created_at.unwrap_or_default(),
            expires_at: ends,
            proven: Proven::NotYet,
            wished_end: None,
            disabled_by_us: false,
        });
        stored.write(&mut state, &wanted.spec);
        state.set(VALUE, text(from, self.value));
        let public = self.public_parts.iter();
        let public = public.filter_map(|name| Some(((*name).to_owned(), text(from, name)?)));
        state.set(PUBLIC_PARTS, public.collect::<BTreeMap<_, _>>());
        Some(state)
    }

    /// What would be configured to get such a token.
    fn wanted(&self, from: &Json) -> Value {
        let mut state = blank();
        let parameters = self.parameters.iter().filter_map(|(name, attribute)| {
            let text = text(from, attribute).filter(|text| !text.is_empty())?;
            Some(((*name).to_owned(), last(&text).to_owned()))
        });
        let scopes = from["scopes"].as_array().into_iter().flatten();
        let scopes = scopes.filter_map(Json::as_str).map(str::to_owned);
        let scopes: BTreeSet<_> = scopes.collect();
        let ends = instant(from, self.ends).map(|at| at.to_string());
        let (ends, lifetime) = match (self.schedule(from), ends) {
            (Some((lifetime, renew_before)), _) => {
                let renew_before = duration::format(renew_before);
                let rotation = Value::empty().with(RENEW_BEFORE, renew_before);
                state.set(ROTATION, rotation);
                (None, Some(duration::format(lifetime)))
            }
            (None, None) => (None, Some(lifetime(from))),
            (None, ends) => (ends, None),
        };
        let name = text(from, self.name).filter(|name| !name.is_empty());
        state.set(NAME, name.unwrap_or_else(|| "moved".to_owned()));
        state.set(PARAMETERS, parameters.collect::<BTreeMap<_, _>>());
        state.set(LIFETIME, lifetime);
        state.set(EXPIRES_AT, ends);
        if !scopes.is_empty() {
            state.set(SCOPES, scopes);
        }
        state
    }

    /// How long each of its tokens lives, and how long before its end the next follows.
    fn schedule(&self, from: &Json) -> Option<(SignedDuration, SignedDuration)> {
        let schedule = self.schedule.as_ref()?;
        let span = |pointer| duration::parse_in(schedule.unit, &plain(from.pointer(pointer)?)?);
        Some((span(schedule.lifetime)?, span(schedule.renew_before)?))
    }
}

/// What Terrakube's resource asks for; all three absent, or zero, is never.
fn lifetime(from: &Json) -> String {
    let of = |name: &str, minutes: i64| from[name].as_i64().unwrap_or(0).saturating_mul(minutes);
    let minutes = of("days", 24 * 60)
        .saturating_add(of("hours", 60))
        .saturating_add(of("minutes", 1));
    match minutes {
        0 => "never".to_owned(),
        minutes => tokenwright_core::Lifetime::For(SignedDuration::from_mins(minutes)).to_string(),
    }
}

fn text(from: &Json, name: &str) -> Option<String> {
    plain(&from[name])
}

fn plain(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The id of a composite one, such as `25:42`.
fn last(id: &str) -> &str {
    id.rsplit(':').next().unwrap_or(id)
}

/// An instant, or the midnight of a date.
fn instant(from: &Json, name: &str) -> Option<Timestamp> {
    let text = text(from, name)?;
    let midnight = || format!("{text}T00:00:00Z").parse();
    text.parse().or_else(|_| midnight()).ok()
}
