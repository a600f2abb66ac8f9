//! The API server and what every object there needs, whatever it is: calls, events, conditions,
//! finalizers, and when to look again. Knows nothing of issuers, nor of what a Secret holds.

pub(crate) mod alarms;
pub(crate) mod calls;
pub(crate) mod cause;
pub(crate) mod clock_set;
pub(crate) mod complaint;
pub(crate) mod conditions;
pub(crate) mod contest;
pub(crate) mod context;
pub(crate) mod copies;
pub(crate) mod deletion;
pub(crate) mod events;
pub(crate) mod finalizers;
pub(crate) mod history;
pub(crate) mod kinds;
pub(crate) mod lease;
pub(crate) mod logs;
pub(crate) mod marks;
pub(crate) mod memory;
pub(crate) mod metrics;
pub(crate) mod name;
pub(crate) mod pace;
pub(crate) mod packed;
pub mod rights;
pub(crate) mod shared;
pub(crate) mod startup;
pub(crate) mod texts;
pub(crate) mod token;
pub(crate) mod told;
pub mod traces;
pub(crate) mod troubles;
pub(crate) mod uid;
mod unread;
pub(crate) mod unreadable;
