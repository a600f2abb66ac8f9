//! The operator in a world of its own: what it promises, and at every point at which it can die.

mod ordinary;
mod world;
