//! Secrets out of answers, before any expression sees what is left.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName};
use serde_json::Value as Json;

use super::asking::{Asking, Takes};
use super::file::Decode;
use super::plan::{Piece, Place, SecretPlace, ValuePlan};
use super::read::Unreadable;
use super::shape::Shape;
use crate::secret::{SecretText, SecretValue};
use crate::text::Context;

/// A shorter secret has no digest: it could be guessed.
const SHORTEST_DIGESTED: usize = 16;

/// What was moved out of an answer.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// The parts of a value, where one is minted.
    pub(super) value: Option<TakenValue>,
    /// What a login gave.
    pub(super) login: Option<SecretText>,
    /// The secrets that are shown, by the digests that stand in their places.
    pub(super) shown: BTreeMap<String, SecretText>,
}

impl Taken {
    /// What was made, for whoever shows words of the answer.
    pub(super) fn made(&self) -> impl Iterator<Item = &SecretText> {
        let value = self.value.iter().flat_map(TakenValue::texts);
        value.chain(&self.login)
    }
}

/// Takes all secrets out of an answer. Where the call names a place of one, its digest, keyed with the
/// endpoint, stands there afterwards; everywhere else nothing does.
pub(super) fn take_out(
    asking: &Asking<'_>,
    (shape, headers): (&mut Shape, &mut HeaderMap),
    plans: &[ValuePlan],
    endpoint: &str,
) -> Taken {
    let mut nothing = Json::Null;
    let json = match shape {
        Shape::Json(json) => json,
        Shape::Empty | Shape::Page | Shape::Other | Shape::Trouble(_) => &mut nothing,
    };
    let mut answer = Answer {
        json,
        headers,
        places: &asking.call.secrets,
        endpoint,
        left: Vec::new(),
        shown: BTreeMap::new(),
    };
    let mut taken = Taken::default();
    match asking.takes {
        Takes::Value(plans) => taken.value = Some(TakenValue::out_of(&mut answer, plans)),
        Takes::Login(place) => taken.login = answer.take(place),
        Takes::Shown | Takes::ShownBelow => {}
    }
    answer.digest_all();
    taken.shown = answer.shown;
    match asking.takes {
        Takes::Shown => hide(json, plans, &taken.shown),
        Takes::ShownBelow => match json {
            Json::Array(items) => items
                .iter_mut()
                .for_each(|item| hide(item, plans, &taken.shown)),
            Json::Object(map) => map
                .values_mut()
                .for_each(|value| hide(value, plans, &taken.shown)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        },
        Takes::Value(_) | Takes::Login(_) => {}
    }
    for name in plans.iter().flat_map(headers_of) {
        headers.remove(name);
    }
    taken
}

/// Takes out of what is only shown whatever stands where a mint would answer with a value, at any depth:
/// some systems show secrets in their lists, and none may become an id, an owner or a line on a terminal.
fn hide(answer: &mut Json, plans: &[ValuePlan], digests: &BTreeMap<String, SecretText>) {
    let pointers: Vec<&str> = plans.iter().flat_map(pointers_of).collect();
    let mut nodes = vec![answer];
    while let Some(node) = nodes.pop() {
        for pointer in &pointers {
            if let Some(place) = node.pointer_mut(pointer)
                && let Json::String(text) = &*place
                && !digests.contains_key(text)
            {
                *place = Json::Null;
            }
        }
        match node {
            Json::Array(items) => nodes.extend(items),
            Json::Object(map) => nodes.extend(map.values_mut()),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }
}

fn pointers_of(plan: &ValuePlan) -> Vec<&str> {
    match &plan.place {
        Place::Nowhere | Place::Header(_) | Place::Cookie(_) => Vec::new(),
        Place::At(pointer) => vec![pointer],
        Place::Composed(pieces) => {
            let pieces = pieces.iter().filter_map(|piece| match piece {
                Piece::At(pointer) => Some(pointer.as_str()),
                Piece::Text(_) | Piece::Header(_) => None,
            });
            pieces.collect()
        }
    }
}

fn headers_of(plan: &ValuePlan) -> Vec<&HeaderName> {
    match &plan.place {
        Place::Nowhere | Place::At(_) | Place::Cookie(_) => Vec::new(),
        Place::Header(name) => vec![name],
        Place::Composed(pieces) => {
            let pieces = pieces.iter().filter_map(|piece| match piece {
                Piece::Header(name) => Some(name),
                Piece::Text(_) | Piece::At(_) => None,
            });
            pieces.collect()
        }
    }
}

/// An answer whose secrets are taken out one after the other.
struct Answer<'a> {
    json: &'a mut Json,
    headers: &'a mut HeaderMap,
    /// Where a digest stands afterwards.
    places: &'a [SecretPlace],
    endpoint: &'a str,
    /// The digests that stand where parts of the value stood.
    left: Vec<String>,
    shown: BTreeMap<String, SecretText>,
}

impl Answer<'_> {
    /// Moves one secret out.
    fn take(&mut self, place: &Place) -> Option<SecretText> {
        match place {
            Place::Nowhere | Place::Composed(_) => None,
            Place::At(pointer) => self.take_at(pointer),
            Place::Header(name) => self.take_header(name),
            Place::Cookie(name) => self.take_cookie(name),
        }
    }

    fn take_at(&mut self, pointer: &str) -> Option<SecretText> {
        let digested = self.places.iter().any(|place| place.is(pointer));
        let place = self.json.pointer_mut(pointer)?;
        // Taken, whatever it is: the expressions must not see it.
        let Json::String(text) = place.take() else {
            return None;
        };
        let secret = SecretText::new(text);
        if digested && secret.len() >= SHORTEST_DIGESTED {
            let digest = secret.digest_under(self.endpoint);
            *place = Json::String(digest.clone());
            self.left.push(digest);
        }
        Some(secret)
    }

    fn take_header(&mut self, name: &HeaderName) -> Option<SecretText> {
        let value = self.headers.remove(name)?;
        Some(SecretText::new(value.to_str().ok()?.to_owned()))
    }

    /// All cookies go: what else a session needs of them is secret, too.
    fn take_cookie(&mut self, name: &str) -> Option<SecretText> {
        let cookies = self.headers.get_all(http::header::SET_COOKIE);
        let cookies = cookies.iter().filter_map(|cookie| cookie.to_str().ok());
        let mut found = cookies.filter_map(|cookie| {
            let (key, rest) = cookie.split_once('=')?;
            let value = rest.split(';').next().unwrap_or_default().trim();
            (key.trim() == name).then(|| SecretText::new(value.to_owned()))
        });
        // The last of several is the one that a browser keeps.
        let found = found.next_back();
        self.headers.remove(http::header::SET_COOKIE);
        found
    }

    /// Puts digests in all places that the call names.
    fn digest_all(&mut self) {
        let (endpoint, left, shown) = (self.endpoint, &self.left, &mut self.shown);
        for place in self.places {
            place.each(self.json, &mut |place| {
                let text = match place.take() {
                    Json::String(digest) if left.contains(&digest) => {
                        *place = Json::String(digest);
                        return;
                    }
                    Json::String(text) => text,
                    _ => return,
                };
                let secret = SecretText::new(text);
                if secret.len() >= SHORTEST_DIGESTED {
                    let digest = secret.digest_under(endpoint);
                    *place = Json::String(digest.clone());
                    shown.insert(digest, secret);
                }
            });
        }
    }
}

impl SecretPlace {
    /// Whether it is exactly this pointer.
    fn is(&self, pointer: &str) -> bool {
        pointer == self.pointer
    }

    /// Does something at every place that is meant; `*` is each entry of a list or map.
    fn each(&self, json: &mut Json, act: &mut impl FnMut(&mut Json)) {
        let mut nodes = vec![(json, self.steps.as_slice())];
        while let Some((node, steps)) = nodes.pop() {
            let Some((step, rest)) = steps.split_first() else {
                act(node);
                continue;
            };
            match (node, step.as_str()) {
                (Json::Array(items), "*") => nodes.extend(items.iter_mut().map(|n| (n, rest))),
                (Json::Object(map), "*") => nodes.extend(map.values_mut().map(|n| (n, rest))),
                (Json::Array(items), at) => {
                    let item = at.parse().ok().and_then(|at: usize| items.get_mut(at));
                    nodes.extend(item.map(|n| (n, rest)));
                }
                (Json::Object(map), key) => nodes.extend(map.get_mut(key).map(|n| (n, rest))),
                (Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_), _) => {}
            }
        }
    }
}

/// A part of a value, as far as answers gave it.
#[derive(Debug)]
enum Part {
    Whole(Option<SecretText>),
    Pieces(Vec<Option<SecretText>>),
}

/// All parts of a value, in the order of the plans.
#[derive(Debug, Default)]
pub(super) struct TakenValue(Vec<Part>);

impl TakenValue {
    fn texts(&self) -> impl Iterator<Item = &SecretText> {
        let texts = self.0.iter().flat_map(|part| match part {
            Part::Whole(text) => std::slice::from_ref(text),
            Part::Pieces(texts) => texts.as_slice(),
        });
        texts.flatten()
    }

    /// Takes all parts, also after the first that is missing: no expression must see any of them.
    fn out_of(answer: &mut Answer<'_>, plans: &[ValuePlan]) -> Self {
        let parts = plans.iter().map(|plan| match &plan.place {
            Place::Composed(pieces) => {
                let pieces = pieces.iter().map(|piece| match piece {
                    Piece::Text(_) => None,
                    Piece::At(pointer) => answer.take_at(pointer),
                    Piece::Header(name) => answer.take_header(name),
                });
                Part::Pieces(pieces.collect())
            }
            place => Part::Whole(match plan.decode {
                Some(Decode::Base64) => {
                    let text = answer.take(place);
                    text.and_then(|text| text.base64_decoded(plan.max))
                }
                None => answer.take(place),
            }),
        });
        Self(parts.collect())
    }

    /// With what a further answer gave: what is there already stays.
    pub(super) fn and(self, further: Self) -> Self {
        if self.0.is_empty() {
            return further;
        }
        let pairs = self.0.into_iter().zip(further.0);
        let parts = pairs.map(|pair| match pair {
            (Part::Whole(own), Part::Whole(other)) => Part::Whole(own.or(other)),
            (Part::Pieces(own), Part::Pieces(other)) => {
                let pieces = own.into_iter().zip(other);
                Part::Pieces(pieces.map(|(own, other)| own.or(other)).collect())
            }
            (own, _) => own,
        });
        Self(parts.collect())
    }

    /// The part of this name, where it is no composed one.
    pub(super) fn part(&self, plans: &[ValuePlan], name: &str) -> Option<&SecretText> {
        let at = plans.iter().position(|plan| plan.name == name)?;
        match self.0.get(at)? {
            Part::Whole(text) => text.as_ref(),
            Part::Pieces(_) => None,
        }
    }

    /// Whether the answer gave every secret that it should. One that is too long was given all the same,
    /// and is refused with the value.
    pub(super) fn is_whole(&self, plans: &[ValuePlan]) -> bool {
        let there = |text: &Option<SecretText>| text.as_ref().is_some_and(|t| !t.is_empty());
        let mut parts = self.0.iter().zip(plans);
        !self.0.is_empty()
            && parts.all(|(part, plan)| match (part, &plan.place) {
                (Part::Whole(text), _) => there(text),
                (Part::Pieces(texts), Place::Composed(pieces)) => pieces
                    .iter()
                    .zip(texts)
                    .all(|(piece, text)| matches!(piece, Piece::Text(_)) || there(text)),
                (Part::Pieces(_), _) => false,
            })
    }

    /// The value, its composed parts put together.
    pub(super) fn value(
        self,
        plans: &[ValuePlan],
        context: &Context,
    ) -> Result<SecretValue, Unreadable> {
        let parts = self.0.into_iter().zip(plans).map(|(part, plan)| {
            let text = match (part, &plan.place) {
                (Part::Whole(text), _) => text,
                (Part::Pieces(texts), Place::Composed(pieces)) => {
                    Some(join(texts, pieces, context)?)
                }
                (Part::Pieces(_), _) => None,
            };
            let text = text.filter(|text| !text.is_empty() && text.len() <= plan.max);
            Ok((plan.name.clone(), text.ok_or(Unreadable::NoValue)?))
        });
        let parts: Vec<_> = parts.collect::<Result<_, Unreadable>>()?;
        Ok(SecretValue::new(parts))
    }
}

fn join(
    texts: Vec<Option<SecretText>>,
    pieces: &[Piece],
    context: &Context,
) -> Result<SecretText, Unreadable> {
    let texts = texts
        .into_iter()
        .zip(pieces)
        .map(|(text, piece)| match piece {
            Piece::Text(template) => {
                let text = template.plain(context)?;
                Ok(SecretText::new(text.ok_or(Unreadable::NoValue)?))
            }
            Piece::At(_) | Piece::Header(_) => text.ok_or(Unreadable::NoValue),
        });
    let texts: Vec<_> = texts.collect::<Result<_, _>>()?;
    Ok(SecretText::joined(&texts))
}
