//! The switches: what the facts leave open, and how long a day lasts.
//!
//! Switches live in memory; a restart begins with those of its options.

mod aws_iam;
mod by_hand;
mod online_net;
mod scaleway;
mod seeme;
mod seenode;
mod terrakube;
mod transiyzi;

use serde::{Deserialize, Serialize};

pub use self::aws_iam::AwsIamSettings;
pub use self::by_hand::DeadAs;
pub use self::online_net::OnlineNetSettings;
pub use self::scaleway::{ApplicationRights, DescriptionFilter, ExpiryUpdate, ScalewaySettings};
pub use self::seeme::{
    CreatePath, DaysBelowOne, DeleteAnswer, EmptyScopes, Header, Names, NeverAs, SeemeSettings,
};
pub use self::seenode::SeenodeSettings;
pub use self::terrakube::{Dex, PatSecret, TerrakubeSettings};
pub use self::transiyzi::{AuthorizationForm, ExportParameters, TransiyziSettings};

/// The length of a day on the wall.
const REAL_DAY: f64 = 86_400.0;

/// All switches of a sandbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How many seconds a day of a whole-day system lasts.
    pub seconds_per_day: f64,
    /// The switches of `aws-iam`.
    pub aws_iam: AwsIamSettings,
    /// The switches of `online-net`.
    pub online_net: OnlineNetSettings,
    /// The switches of `scaleway`.
    pub scaleway: ScalewaySettings,
    /// The switches of `seeme`.
    pub seeme: SeemeSettings,
    /// The switches of `seenode`.
    pub seenode: SeenodeSettings,
    /// The switches of `terrakube-team` and `terrakube-user`.
    pub terrakube: TerrakubeSettings,
    /// The switches of `transiyzi`.
    pub transiyzi: TransiyziSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seconds_per_day: REAL_DAY,
            aws_iam: AwsIamSettings::default(),
            online_net: OnlineNetSettings::default(),
            scaleway: ScalewaySettings::default(),
            seeme: SeemeSettings::default(),
            seenode: SeenodeSettings::default(),
            terrakube: TerrakubeSettings::default(),
            transiyzi: TransiyziSettings::default(),
        }
    }
}

impl Settings {
    /// These settings with the fields of `changes` (JSON objects merge, all else replaces).
    ///
    /// # Errors
    ///
    /// An unknown switch, a value it does not take, or a day that does not last.
    pub fn changed(&self, changes: serde_json::Value) -> Result<Self, InvalidSettings> {
        let mut whole = serde_json::to_value(self).map_err(InvalidSettings::Unreadable)?;
        merge(&mut whole, changes);
        let settings: Self = serde_json::from_value(whole).map_err(InvalidSettings::Unreadable)?;
        settings.check()?;
        Ok(settings)
    }

    pub(crate) fn check(&self) -> Result<(), InvalidSettings> {
        let lasts = |seconds: f64| seconds.is_finite() && seconds > 0.0;
        if !lasts(self.seconds_per_day) {
            return Err(InvalidSettings::Day);
        }
        if !lasts(self.terrakube.seconds_per_minute) {
            return Err(InvalidSettings::Minute);
        }
        Ok(())
    }
}

/// Switches that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSettings {
    /// An unknown field or a value of the wrong kind.
    #[error("cannot read the settings")]
    Unreadable(#[source] serde_json::Error),
    /// A day of no or negative length.
    #[error("seconds_per_day must be a positive number")]
    Day,
    /// A minute of no or negative length.
    #[error("terrakube.seconds_per_minute must be a positive number")]
    Minute,
}

fn merge(into: &mut serde_json::Value, changes: serde_json::Value) {
    match (into, changes) {
        (serde_json::Value::Object(into), serde_json::Value::Object(changes)) => {
            for (key, value) in changes {
                merge(into.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (into, changes) => *into = changes,
    }
}
