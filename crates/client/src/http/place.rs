//! Secrets in the path and in the query of a request.

use url::Url;
use zeroize::Zeroizing;

use super::{At, Put};
use crate::text::segment;

/// The URL with the secrets that stand in it; nothing where one cannot stand there.
#[expect(
    clippy::disallowed_methods,
    reason = "the request writer: a value leaves its type to be asked about, or to be ended"
)]
pub(super) fn written(url: Url, put: &[Put<'_>]) -> Option<Url> {
    with_secrets(url, put, |put| match (put.at, put.secret.expose()) {
        // Such a segment would be another path.
        (At::Segment(_), "" | "." | "..") => None,
        (At::Segment(_), text) => Some(Zeroizing::new(segment(text))),
        (At::Body(_) | At::Form(_) | At::Query(_), text) => Some(Zeroizing::new(text.to_owned())),
    })
}

/// The URL with a text for each secret that stands in it, encoded where that is a segment.
pub(crate) fn with_secrets(
    mut url: Url,
    put: &[Put<'_>],
    text: impl Fn(&Put<'_>) -> Option<Zeroizing<String>>,
) -> Option<Url> {
    for put in put {
        match put.at {
            At::Body(_) | At::Form(_) => {}
            At::Query(key) => {
                url.query_pairs_mut().append_pair(key, &text(put)?);
            }
            At::Segment(name) => {
                let text = text(put)?;
                let segments = url.path().split('/').map(|segment| {
                    match segment.strip_prefix(':') == Some(name) {
                        true => text.as_str(),
                        false => segment,
                    }
                });
                let path = Zeroizing::new(segments.collect::<Vec<_>>().join("/"));
                url.set_path(&path);
            }
        }
    }
    Some(url)
}
