//! The operator in a world of its own: what it promises, and at every point at which it can die.

mod crashes;
mod faults;
mod ordinary;
mod world;
