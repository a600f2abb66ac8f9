//! What a profile can say, each on a system of a few lines.

mod by_value;
mod credentials;
mod digest;
mod formats;
mod gate;
mod headers;
mod listings;
mod logins;
mod mints;
mod odd;
mod readings;
mod refusals;
mod requests;
mod secrets;
mod signed;
mod truth;
mod vendor;
mod ways;
