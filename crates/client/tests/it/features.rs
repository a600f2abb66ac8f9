//! What a profile can say, each on a system of a few lines.

mod credentials;
mod gate;
mod listings;
mod readings;
mod refusals;
mod requests;
mod vendor;
