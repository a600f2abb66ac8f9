//! What must be known before anything is done: whose markers are ours, and the key of the digests.

use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use tokenwright_client::Clock;
use tokenwright_core::Origin;

use super::error::{DIGEST_KEY, DIGEST_KEY_FIELD, RunError};
use crate::cluster::calls::{CallError, Calls};
use crate::cluster::cause;
use crate::cluster::troubles::Troubles;
use crate::options::Options;
use crate::secret::parts::DigestKey;

/// What is tried again is told for longer than the next try takes.
const TOLD_FOR: Duration = Duration::from_secs(60);

/// Reads what must be known before anything is done, for as long as it takes.
pub(super) async fn begin(
    calls: &Calls,
    options: &Options,
    (clock, troubles): (&Clock, &Troubles),
) -> Result<(Origin, DigestKey), RunError> {
    let about = "the operator cannot begin yet";
    let mut wait = Duration::from_millis(250);
    loop {
        match try_begin(calls, options).await {
            Ok(begun) => {
                troubles.over(about);
                return begun;
            }
            Err(error) => {
                let error = cause::chain(&error);
                tracing::warn!(error, at = %clock.now(), "{about}");
                troubles.begin_for(about, format!("{about}: {error}"), TOLD_FOR);
            }
        }
        tokio::time::sleep(wait).await;
        wait = wait.saturating_mul(2).min(Duration::from_secs(15));
    }
}

async fn try_begin(
    calls: &Calls,
    options: &Options,
) -> Result<Result<(Origin, DigestKey), RunError>, CallError> {
    let uid = calls.cluster_uid().await?.unwrap_or_default();
    let secret = match calls.secret(&options.namespace, DIGEST_KEY).await? {
        Some(secret) => secret,
        None => {
            let mut random = vec![0; 32];
            if let Err(error) = getrandom::fill(&mut random) {
                return Ok(Err(RunError::Random(error)));
            }
            let secret = key_secret(options, random);
            match options.observe_only {
                // Nothing is compared with what another key has sealed.
                true => secret,
                false => calls.deliver(&secret, false).await?,
            }
        }
    };
    let key = key_in(&secret, &options.namespace);
    Ok(key.map(|key| (Origin::of(&uid), key)))
}

pub(super) fn key_in(secret: &Secret, namespace: &str) -> Result<DigestKey, RunError> {
    let data = secret.data.as_ref();
    let key = data.and_then(|data| data.get(DIGEST_KEY_FIELD).map(|bytes| bytes.0.clone()));
    DigestKey::new(key.unwrap_or_default()).map_err(|source| RunError::DigestKey {
        namespace: namespace.to_owned(),
        source,
    })
}

fn key_secret(options: &Options, random: Vec<u8>) -> Secret {
    Secret {
        metadata: kube::api::ObjectMeta {
            name: Some(DIGEST_KEY.to_owned()),
            namespace: Some(options.namespace.clone()),
            ..kube::api::ObjectMeta::default()
        },
        data: Some([(DIGEST_KEY_FIELD.to_owned(), ByteString(random))].into()),
        ..Secret::default()
    }
}
