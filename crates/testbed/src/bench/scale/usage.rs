//! What a phase took, asked and cost, as one line of the table.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::control_plane::Request;

/// The state of things when a phase begins.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) at: Instant,
    pub(super) cpu: f64,
    pub(super) minted: usize,
}

/// What a phase came to.
#[derive(Debug)]
pub(super) struct Usage {
    pub(super) wall: f64,
    pub(super) cpu: f64,
    pub(super) minted: usize,
    pub(super) kibibytes: f64,
    pub(super) requests: Vec<Request>,
}

impl Usage {
    /// The seconds that it took for each thousand of so many objects.
    pub(super) fn seconds_for_a_thousand(&self, of: usize) -> f64 {
        self.wall * 1e3 / of.max(1) as f64
    }

    /// The milliseconds that the operator worked for each.
    pub(super) fn milliseconds(&self, each: usize) -> f64 {
        self.cpu * 1e3 / each.max(1) as f64
    }

    /// What it asked of the API server for each.
    pub(super) fn asked(&self, each: usize) -> f64 {
        self.requests.len() as f64 / each.max(1) as f64
    }

    /// The same to the tenth, as the budgets are: what each issuer needs once is of no token.
    pub(super) fn asked_for_each(&self, each: usize) -> f64 {
        self.asked_beside(0.0, each)
    }

    /// The same without the looks at the store that all share who end something in the same second: at one
    /// `ApiToken`, or at the list where that one is gone.
    pub(super) fn asked_beside_looks(&self, each: usize) -> f64 {
        self.asked_beside(2.0 * self.wall.ceil(), each)
    }

    /// The same without the look at the store that is due once in five minutes, when the watch of `ApiToken`s ends.
    pub(super) fn asked_at_rest(&self) -> f64 {
        self.asked_beside(1.0, 1)
    }

    fn asked_beside(&self, most: f64, each: usize) -> f64 {
        let is_look = |request: &&Request| {
            request.resource == "apitokens" && ["get", "list"].contains(&request.verb.as_str())
        };
        let looks = self.requests.iter().filter(is_look).count() as f64;
        let asked = self.asked(each) - looks.min(most) / each.max(1) as f64;
        (asked * 10.0).round() / 10.0
    }

    pub(super) fn minted(&self, each: usize) -> f64 {
        self.minted as f64 / each.max(1) as f64
    }

    pub(super) fn mebibytes(&self) -> f64 {
        self.kibibytes / 1024.0
    }

    /// Its line in the table; `each` is how many objects shared it.
    pub(super) fn line(&self, phase: &str, each: usize) -> String {
        format!(
            "| {phase} | {:.1} s | {:.2} s | {:.2} ms | {} | {:.2} | {} | {:.1} MiB | {} |",
            self.wall,
            self.cpu,
            self.milliseconds(each),
            self.requests.len(),
            self.asked(each),
            self.minted,
            self.mebibytes(),
            self.by_verb(each.max(1) as f64),
        )
    }

    /// How often each sort of request was made, and for each object where that says more.
    fn by_verb(&self, each: f64) -> String {
        let mut sorts: BTreeMap<String, usize> = BTreeMap::new();
        for request in &self.requests {
            *sorts.entry(sort(request)).or_default() += 1;
        }
        let mut sorts: Vec<_> = sorts.into_iter().collect();
        sorts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let told =
            sorts
                .into_iter()
                .map(|(sort, count)| match count as f64 >= each && each > 1.0 {
                    true => format!("{:.2} {sort}", count as f64 / each),
                    false => format!("{count}⨯ {sort}"),
                });
        told.collect::<Vec<_>>().join(", ")
    }
}

fn sort(request: &Request) -> String {
    let mut sort = format!("{} {}", request.verb, request.resource);
    if !request.subresource.is_empty() {
        sort = format!("{sort}/{}", request.subresource);
    }
    if request.uri.contains("dryRun") {
        sort.push_str(" (dry run)");
    }
    if request.code >= 400 {
        sort = format!("{sort} ({})", request.code);
    }
    sort
}
