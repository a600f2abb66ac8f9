//! Bad input, and what it gets: a clear error at the earliest moment, and nothing minted.

mod credentials;
mod refusals;
mod rows;
mod sheet;
