//! What the operator says of itself at its start: what it watches, which kinds it found, what it may do,
//! and what is missing, with what to do about it.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use crate::cluster::calls::{CallError, Calls};
use crate::cluster::cause;
use crate::cluster::kinds::{Found, Kind, compare};
use crate::cluster::rights::{Right, missing};
use crate::cluster::troubles::Troubles;
use futures::future::join_all;

/// What is missing is looked for again this often.
const LOOKED_AT: Duration = Duration::from_secs(300);

/// A namespace that tells what is allowed in all: nobody gives the operator a Role there.
const ANY_NAMESPACE: &str = "kube-system";

/// What a person does about a right that is missing.
const GIVE: &str = "give its ServiceAccount the Role and RoleBinding of the chart";

/// The same about one that is given of single objects.
const GIVE_ITS_OWN: &str = "give its ServiceAccount the ClusterRoleBinding of the chart";

/// Who looks.
#[derive(Debug)]
pub(crate) struct Startup {
    calls: Calls,
    troubles: Troubles,
    /// The namespaces that are watched; the empty one is all of them.
    namespaces: Vec<String>,
    /// The definitions of this version, as text: what they mean takes memory, and is asked for at a start.
    written: &'static [&'static str],
}

/// What is there, in sentences.
#[derive(Debug, Default)]
struct Report {
    /// As it should be.
    good: Vec<String>,
    /// Not known.
    unknown: Vec<String>,
    /// To be mended; the rest works.
    missing: BTreeSet<String>,
    /// Nothing works without it.
    vital: BTreeSet<String>,
}

impl Startup {
    pub(crate) fn new(
        calls: Calls,
        troubles: Troubles,
        namespaces: &[String],
        written: &'static [&'static str],
    ) -> Self {
        let namespaces = match namespaces {
            [] => vec![String::new()],
            some => some.to_vec(),
        };
        Self {
            calls,
            troubles,
            namespaces,
            written,
        }
    }

    /// Says it all once. What nothing works without is the error.
    pub(crate) async fn tell(&self) -> Result<(), String> {
        let watches = match self.namespaces.as_slice() {
            [all] if all.is_empty() => "all namespaces".to_owned(),
            some => format!("the namespaces {}", some.join(", ")),
        };
        let version = env!("CARGO_PKG_VERSION");
        tracing::info!(version, "the operator begins and watches {watches}");
        let report = self.look().await;
        for sentence in report.good.iter().chain(&report.unknown) {
            tracing::info!("{sentence}");
        }
        for sentence in &report.missing {
            tracing::warn!("{sentence}");
            self.troubles.begin(sentence, sentence.clone());
        }
        match report.vital.is_empty() {
            true => Ok(()),
            false => {
                let sentences: Vec<_> = report.vital.into_iter().collect();
                Err(sentences.join("; "))
            }
        }
    }

    /// Looks again for as long as something is missing, and says when it is not any more.
    pub(crate) async fn look_again(&self) -> Infallible {
        let mut told: BTreeSet<_> = self.troubles.lasting();
        while !told.is_empty() {
            tokio::time::sleep(LOOKED_AT).await;
            let report = self.look().await;
            if !report.unknown.is_empty() {
                continue;
            }
            let missing: BTreeSet<_> = report.missing.union(&report.vital).cloned().collect();
            for sentence in told.difference(&missing) {
                self.troubles.over(sentence);
                tracing::info!("this is so no more: {sentence}");
            }
            for sentence in missing.difference(&told) {
                tracing::warn!("{sentence}");
                self.troubles.begin(sentence, sentence.clone());
            }
            told = missing;
        }
        std::future::pending().await
    }

    async fn look(&self) -> Report {
        let mut report = Report::default();
        // What belongs to no namespace is left to others by whoever watches some.
        let all = self.namespaces.iter().any(String::is_empty);
        // One after the other: a definition takes much memory for as long as it is looked at.
        let written = self.written.iter().filter_map(|yaml| Kind::written(yaml));
        for ours in written.filter(|ours| all || ours.is_namespaced) {
            let found = self.calls.definition(&ours.name).await;
            let silent = matches!(found, Err(CallError::Unclear { .. }));
            report.kind(&ours, found.map(|found| compare(&ours, found.as_ref())));
            if silent {
                break;
            }
        }
        let rights = self.namespaces.iter().map(|namespace| async move {
            let asked = match namespace.as_str() {
                "" => ANY_NAMESPACE,
                namespace => namespace,
            };
            (namespace, self.calls.rules(asked).await)
        });
        let mut blind = Vec::new();
        for (namespace, rules) in join_all(rights).await {
            if report.namespace(
                namespace,
                rules.map(|rules| rules.map(|r| missing(&r, namespace.is_empty()))),
            ) {
                blind.push(place(namespace));
            }
        }
        if blind.len() == self.namespaces.len() {
            let places = blind.join(" and ");
            report.vital.insert(format!(
                "the operator may not list and watch ApiTokens {places}: {GIVE}"
            ));
        }
        report
    }
}

impl Report {
    fn kind(&mut self, ours: &Kind, found: Result<Found, CallError>) {
        match found {
            Ok(Found::Same(kind)) => self.good.push(format!("found {kind}")),
            Ok(Found::Differs(sentence)) => {
                self.missing.insert(sentence);
            }
            Ok(Found::Unserved(sentence)) if ours.is_namespaced => {
                self.vital.insert(sentence);
            }
            // The others are served without it.
            Ok(Found::Unserved(sentence)) => {
                self.missing.insert(sentence);
            }
            Err(CallError::Refused { message, .. }) => {
                let (name, without) = (&ours.name, "whether it is of this version is not known");
                self.missing.insert(format!(
                    "the operator may not read the CRD {name}, and {without} ({message}): {GIVE_ITS_OWN}"
                ));
            }
            Err(error) => {
                let why = cause::chain(&error);
                let name = &ours.name;
                self.unknown.push(format!(
                    "whether the CRD {name} is that of this version is not known: {why}"
                ));
            }
        }
    }

    /// Whether nothing at all is seen of this namespace.
    fn namespace(&mut self, namespace: &str, lacks: Result<Option<Vec<Right>>, CallError>) -> bool {
        let place = place(namespace);
        let lacks = match lacks {
            Ok(Some(lacks)) => lacks,
            Ok(None) => {
                let why = "the API server cannot tell it in full";
                self.unknown.push(format!(
                    "what the operator may do {place} is not known: {why}"
                ));
                return false;
            }
            Err(error) => {
                let why = cause::chain(&error);
                self.unknown.push(format!(
                    "what the operator may do {place} is not known: {why}"
                ));
                return false;
            }
        };
        if lacks.is_empty() {
            self.good
                .push(format!("the operator may do all that it needs {place}"));
        }
        self.missing.extend(lacks.iter().map(|right| {
            let without = right.without();
            format!("the operator may not {right} {place}, and {without}: {GIVE}")
        }));
        lacks.iter().any(|right| right.is_vital())
    }
}

fn place(namespace: &str) -> String {
    match namespace {
        "" => "in all namespaces".to_owned(),
        namespace => format!("in the namespace {namespace}"),
    }
}
