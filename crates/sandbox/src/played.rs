//! One played system, as those are told who use it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::systems::SystemName;

/// Parameters that authenticate, and are therefore never shown again.
const SECRET_PARAMETERS: [&str; 5] = [
    "admin_credential",
    "internal_secret",
    "other_credential",
    "password",
    "pat_secret",
];

/// One played system, as a client needs to know it; serialises to the line that the program prints.
#[derive(Clone, Serialize)]
pub struct Played {
    /// The system.
    pub system: SystemName,
    /// What stands in place of the vendor's base URL.
    pub endpoint: String,
    /// The value of a first management credential.
    pub credential: String,
    /// The URL of the admin API, the same for all systems of one sandbox.
    pub admin: String,
    /// Where a person makes and deletes tokens.
    pub console: String,
    /// What else a caller needs, such as the owner of new tokens.
    pub parameters: BTreeMap<String, String>,
}

impl Played {
    /// A parameter by its name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// The parameters without what authenticates.
    pub(crate) fn shown_parameters(&self) -> BTreeMap<&String, &String> {
        self.parameters
            .iter()
            .filter(|(name, _)| !SECRET_PARAMETERS.contains(&name.as_str()))
            .collect()
    }
}

impl fmt::Debug for Played {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Played")
            .field("system", &self.system)
            .field("endpoint", &self.endpoint)
            .field("admin", &self.admin)
            .field("console", &self.console)
            .field("parameters", &self.shown_parameters())
            .finish_non_exhaustive()
    }
}
