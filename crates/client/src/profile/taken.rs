//! Secrets out of answers, before any expression sees what is left.

use serde_json::Value as Json;

use super::file::Decode;
use super::judge::Answered;
use super::plan::{Piece, Place, ValuePlan};
use super::read::Unreadable;
use crate::secret::{SecretText, SecretValue};
use crate::text::Context;

/// Takes out of what is only shown whatever stands where a mint would answer with a value, at any depth:
/// some systems show secrets in their lists, and none may become an id, an owner or a line on a terminal.
pub(super) fn hide(answer: &mut Json, plans: &[ValuePlan]) {
    let pointers: Vec<&str> = plans.iter().flat_map(pointers).collect();
    let mut nodes = vec![answer];
    while let Some(node) = nodes.pop() {
        for pointer in &pointers {
            if let Some(secret @ Json::String(_)) = node.pointer_mut(pointer) {
                *secret = Json::Null;
            }
        }
        match node {
            Json::Array(items) => nodes.extend(items),
            Json::Object(map) => nodes.extend(map.values_mut()),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }
}

/// The same of a page of a list, whose own keys are no token's: a cursor may be called token, too.
pub(super) fn hide_below(page: &mut Json, plans: &[ValuePlan]) {
    match page {
        Json::Array(items) => items.iter_mut().for_each(|item| hide(item, plans)),
        Json::Object(map) => map.values_mut().for_each(|value| hide(value, plans)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn pointers(plan: &ValuePlan) -> Vec<&str> {
    match &plan.place {
        Place::Nowhere | Place::Header(_) => Vec::new(),
        Place::At(pointer) => vec![pointer],
        Place::Composed(pieces) => pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::At(pointer) => Some(pointer.as_str()),
                Piece::Text(_) | Piece::Header(_) => None,
            })
            .collect(),
    }
}

/// A part of a value, as far as the answer itself gives it.
enum Taken<'a> {
    Whole(Option<SecretText>),
    Pieces(Vec<(Option<SecretText>, &'a Piece)>),
}

/// All parts of a value, taken out of one answer.
pub(super) struct TakenValue<'a>(Vec<(&'a ValuePlan, Taken<'a>)>);

impl<'a> TakenValue<'a> {
    /// Takes all parts, also after the first that is missing: no expression must see any of them.
    pub(super) fn out_of(answer: &mut Answered, plans: &'a [ValuePlan]) -> Self {
        let parts = plans.iter().map(|plan| {
            let taken = match &plan.place {
                Place::Composed(pieces) => {
                    let pieces = pieces.iter();
                    Taken::Pieces(pieces.map(|p| (take_piece(p, answer), p)).collect())
                }
                place => Taken::Whole(match plan.decode {
                    Some(Decode::Base64) => {
                        take(place, answer).and_then(|text| text.base64_decoded(plan.max))
                    }
                    None => take(place, answer),
                }),
            };
            (plan, taken)
        });
        Self(parts.collect())
    }

    /// The part of this name, where it is no composed one.
    pub(super) fn part(&self, name: &str) -> Option<&SecretText> {
        let (_, taken) = self.0.iter().find(|(plan, _)| plan.name == name)?;
        match taken {
            Taken::Whole(text) => text.as_ref(),
            Taken::Pieces(_) => None,
        }
    }

    /// Whether the answer gave every secret that it should. One that is too long was given all the same,
    /// and is refused with the value.
    pub(super) fn is_whole(&self) -> bool {
        let there = |text: &Option<SecretText>| text.as_ref().is_some_and(|t| !t.is_empty());
        self.0.iter().all(|(_, taken)| match taken {
            Taken::Whole(text) => there(text),
            Taken::Pieces(pieces) => pieces
                .iter()
                .all(|(text, piece)| matches!(piece, Piece::Text(_)) || there(text)),
        })
    }

    /// The value, its composed parts put together.
    pub(super) fn value(self, context: &Context) -> Result<SecretValue, Unreadable> {
        let parts = self.0.into_iter().map(|(plan, taken)| {
            let text = match taken {
                Taken::Whole(text) => text,
                Taken::Pieces(pieces) => Some(join(pieces, context)?),
            };
            let text = text.filter(|text| !text.is_empty() && text.len() <= plan.max);
            Ok((plan.name.clone(), text.ok_or(Unreadable::NoValue)?))
        });
        let parts: Vec<_> = parts.collect::<Result<_, Unreadable>>()?;
        Ok(SecretValue::new(parts))
    }
}

fn join(
    pieces: Vec<(Option<SecretText>, &Piece)>,
    context: &Context,
) -> Result<SecretText, Unreadable> {
    let texts = pieces.into_iter().map(|(text, piece)| match piece {
        Piece::Text(template) => {
            let text = template.plain(context)?;
            Ok(SecretText::new(text.ok_or(Unreadable::NoValue)?))
        }
        Piece::At(_) | Piece::Header(_) => text.ok_or(Unreadable::NoValue),
    });
    let texts: Vec<_> = texts.collect::<Result<_, _>>()?;
    Ok(SecretText::joined(&texts))
}

fn take_piece(piece: &Piece, answer: &mut Answered) -> Option<SecretText> {
    match piece {
        Piece::Text(_) => None,
        Piece::At(pointer) => at(pointer, answer),
        Piece::Header(name) => header(name, answer),
    }
}

/// Moves one secret out of an answer.
pub(super) fn take(place: &Place, answer: &mut Answered) -> Option<SecretText> {
    match place {
        Place::Nowhere | Place::Composed(_) => None,
        Place::At(pointer) => at(pointer, answer),
        Place::Header(name) => header(name, answer),
    }
}

fn at(pointer: &str, answer: &mut Answered) -> Option<SecretText> {
    // Taken, whatever it is: the expressions must not see it.
    match answer.json.pointer_mut(pointer)?.take() {
        Json::String(text) => Some(SecretText::new(text)),
        _ => None,
    }
}

fn header(name: &http::HeaderName, answer: &mut Answered) -> Option<SecretText> {
    let value = answer.headers.remove(name)?;
    Some(SecretText::new(value.to_str().ok()?.to_owned()))
}
