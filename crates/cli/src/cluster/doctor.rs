//! `doctor`: whether this machine, its rights and the cluster are fit, one line each.

mod installed;

use http::header::DATE;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, ResourceExt as _};
use serde::Serialize;
use serde_json::Value;
use tokenwright_api::names::GROUP;
use tokenwright_core::reason::more;

use super::trouble::condensed;
use super::{Cluster, Refusal, named};
use crate::arguments::{Doctor, Format};
use crate::clock;
use crate::exit::Exit;
use crate::output::{chain, coloured, give, print, tame};
use crate::reach::runtime;

/// The least version of Kubernetes.
const LEAST_MINOR: u32 = 33;
/// Expiries and deadlines are counted in minutes at the least.
const LARGEST_SKEW: SignedDuration = SignedDuration::from_secs(30);

/// What was found, line by line.
struct Findings {
    output: Format,
    all: Vec<Finding>,
}

/// One line, as programs read it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    looked_at: String,
    is: Mark,
    found: String,
    /// What a person does; null where nothing is to be done.
    next: Option<String>,
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Mark {
    Good,
    Bad,
    Skipped,
}

impl Findings {
    fn good(&mut self, what: &str, found: &str) {
        self.add(what, Mark::Good, found, None);
    }

    fn bad(&mut self, what: &str, found: &str, next: &str) {
        self.add(what, Mark::Bad, found, Some(next));
    }

    fn skipped(&mut self, what: &str, why: &str) {
        self.add(what, Mark::Skipped, why, None);
    }

    /// For people each line is shown once it is known.
    fn add(&mut self, what: &str, is: Mark, found: &str, next: Option<&str>) {
        let finding = Finding {
            looked_at: what.to_owned(),
            is,
            found: found.to_owned(),
            next: next.map(str::to_owned),
        };
        if self.output == Format::Table {
            print(&finding.line());
        }
        self.all.push(finding);
    }

    fn failed(&self) -> bool {
        self.all.iter().any(|finding| finding.is == Mark::Bad)
    }
}

impl Finding {
    fn line(&self) -> String {
        let (mark, code) = match self.is {
            Mark::Good => ('✓', "32"),
            Mark::Bad => ('✗', "31"),
            Mark::Skipped => ('–', "2"),
        };
        let mark = match coloured() {
            true => format!("\u{1b}[{code}m{mark}\u{1b}[0m"),
            false => mark.to_string(),
        };
        let next = self.next.iter().map(|next| format!(". {next}"));
        let found = format!("{}{}", self.found, next.collect::<String>());
        format!("{mark} {:<12} {}\n", self.looked_at, tame(&found))
    }
}

/// Looks at everything, and says of each thing that is not right what a person does next.
pub(crate) fn run(asked: &Doctor) -> anyhow::Result<Exit> {
    runtime()?.block_on(async {
        let cluster = Cluster::reach(&asked.cluster).await?;
        let mut findings = Findings {
            output: asked.output,
            all: Vec::new(),
        };
        proxy(&cluster, &mut findings);
        if server(&cluster, &mut findings).await {
            let written = installed::kinds(&cluster, &mut findings).await;
            rights(&cluster, &mut findings).await;
            installed::operator(&cluster, written.as_deref(), &mut findings).await;
            issuers(&cluster, &mut findings).await;
        }
        // People were told line by line.
        give(asked.output, &findings.all, |_| {})?;
        Ok(match findings.failed() {
            true => Exit::Failed,
            false => Exit::Done,
        })
    })
}

fn proxy(cluster: &Cluster, findings: &mut Findings) {
    match &cluster.proxy {
        // What stands before an @ is a password.
        Some(proxy) => findings.good("proxy", proxy.rsplit('@').next().unwrap_or_default()),
        None => findings.skipped("proxy", "none: the cluster is reached directly"),
    }
}

/// Whether the API server answers, in which version, and by which clock.
async fn server(cluster: &Cluster, findings: &mut Findings) -> bool {
    let what = "API server";
    let request = http::Request::get("/version").body(Vec::new());
    let Ok(request) = request else { return false };
    let answer = cluster.client.send(request.map(Into::into)).await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            findings.bad(
                what,
                &format!("{} does not answer: {}", cluster.server, chain(&error)),
                "See KUBECONFIG and --context, and whether a proxy or firewall is in the way.",
            );
            return false;
        }
    };
    let date = answer
        .headers()
        .get(DATE)
        .and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let date = date.and_then(|date| Timestamp::try_from(date).ok());
    match cluster.client.apiserver_version().await {
        Ok(version) => {
            let minor: String = version
                .minor
                .chars()
                .take_while(char::is_ascii_digit)
                .collect();
            let old =
                version.major == "1" && minor.parse().is_ok_and(|minor: u32| minor < LEAST_MINOR);
            let found = format!("{} is Kubernetes {}", cluster.server, version.git_version);
            match old {
                true => findings.bad(
                    what,
                    &found,
                    &format!("Kubernetes 1.{LEAST_MINOR} or newer is needed."),
                ),
                false => findings.good(what, &found),
            }
        }
        Err(error) => {
            findings.bad(what, &Refusal(error).words(), "Nothing else was looked at.");
            return false;
        }
    }
    skew(date, findings);
    true
}

fn skew(date: Option<Timestamp>, findings: &mut Findings) {
    let what = "clock";
    let Some(date) = date else {
        return findings.skipped(what, "the API server does not say what time it is");
    };
    let skew = clock::now().duration_since(date).abs();
    let found = format!("{} s apart from the API server's", skew.as_secs());
    match skew > LARGEST_SKEW {
        true => findings.bad(
            what,
            &found,
            "Set the clocks: expiries are instants, and a wrong clock rotates too late.",
        ),
        false => findings.good(what, &found),
    }
}

/// What the commands of this program need.
async fn rights(cluster: &Cluster, findings: &mut Findings) {
    let what = "your rights";
    let reviews: Api<SelfSubjectAccessReview> = Api::all(cluster.client.clone());
    let mut missing = Vec::new();
    for (verb, group, resource, needs) in [
        ("list", GROUP, "apitokens", "status"),
        ("list", GROUP, "tokenissuers", "status"),
        ("patch", GROUP, "apitokens", "rotate"),
        ("list", "events.k8s.io", "events", "events"),
        ("get", "", "secrets", "why, of metadata alone"),
    ] {
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    verb: Some(verb.to_owned()),
                    group: Some(group.to_owned()),
                    resource: Some(resource.to_owned()),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        match reviews.create(&PostParams::default(), &review).await {
            Ok(review) if review.status.as_ref().is_some_and(|status| status.allowed) => {}
            Ok(_) => missing.push(format!("{verb} {resource} (for {needs})")),
            Err(error) => return findings.skipped(what, &Refusal(error).words()),
        }
    }
    match missing.is_empty() {
        true => findings.good(what, "all that these commands need, in all namespaces"),
        // Rights in single namespaces are enough for many.
        false => findings.skipped(
            what,
            &format!("not in all namespaces: {}", missing.join(", ")),
        ),
    }
}

async fn issuers(cluster: &Cluster, findings: &mut Findings) {
    let what = "issuers";
    let mut all = match cluster.all("TokenIssuer", None).await {
        Ok(all) => all,
        Err(error) => return findings.skipped(what, &Refusal(error).words()),
    };
    all.extend(
        cluster
            .all("ClusterTokenIssuer", None)
            .await
            .unwrap_or_default(),
    );
    let mut well = 0_usize;
    for issuer in &all {
        let status = issuer.data.get("status").unwrap_or(&Value::Null);
        let shown = named(&issuer.namespace().unwrap_or_default(), &issuer.name_any());
        let trouble = condensed(status, &issuer.metadata, clock::now()).trouble;
        well = well.saturating_add(usize::from(trouble.is_empty()));
        for it in trouble {
            findings.bad(
                what,
                &format!("{shown}, {}: {}", it.reason, it.message),
                &format!("{} {}", it.advice, more(&it.reason)),
            );
        }
    }
    if well > 0 || all.is_empty() {
        findings.good(what, &format!("{well} of {} are well", all.len()));
    }
}
