//! The text engine of `$(…)`: how requests are written, answers are read and values are delivered.
//!
//! `expression` is minijinja without its statements, bounded in length, work and result, with the few
//! `functions` and every form of `time`; `usable` refuses what would only fail when it runs, by their
//! `syntax`. `template`
//! is a text with expressions in it, `tree` a JSON document of such texts. `texts` are those that carry a
//! value, which stands in slots and is seen by no expression.
//!
//! Every bound of the engine stands in this file.

mod expression;
mod functions;
mod missing;
mod null;
mod slot;
mod syntax;
mod template;
mod texts;
mod time;
mod tree;
mod usable;

pub(crate) use expression::{
    Compiled, Context, EvaluationFailed, InvalidExpression, Names, Scope, of_json, out_of_json,
};
pub(crate) use functions::FUNCTIONS;
pub(crate) use null::ExplicitNull;
pub(crate) use template::{Template, segment};
pub use texts::{InvalidText, Texts};
pub(crate) use time::{NoTime, Notation, instant_of};
pub(crate) use tree::Tree;

/// The longest expression, in characters: enough for any reading of an answer, too short to nest deep.
const MAX_LEN: usize = 512;
/// The most steps of one evaluation; making and visiting data are steps, too.
const FUEL: u64 = 20_000;
/// The most steps of one expression of a text that carries a value: together with the number of these,
/// the bound on the work of a whole rendering.
const TEXT_FUEL: u64 = 5_000;
/// The most expressions and slots of one rendering.
const MAX_EXPRESSIONS: usize = 200;
/// The most bytes of one rendering: no Secret of Kubernetes holds more, and no request needs it.
const MAX_RENDERED: usize = 1024 * 1024;
/// The most bytes of a list that is joined.
const MAX_JOINED: usize = 64 * 1024;

#[cfg(test)]
mod tests;
