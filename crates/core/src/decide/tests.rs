//! Rules one by one: a manager in the middle of its life, one thing changed, one decision.

mod accounts;
mod clocks;
mod deletion;
mod doubts;
mod lifetimes;
mod losses;
mod lost_answers;
mod overlaps;
mod reasons;
mod revokes;
mod room;
mod switches;
