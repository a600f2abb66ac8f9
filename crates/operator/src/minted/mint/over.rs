//! What a write of the Secret goes over, and whether it would work.

use k8s_openapi::api::core::v1::Secret;
use tokenwright_core::{Destination, Held, Intact};

use crate::cluster::calls::CallError;
use crate::cluster::copies::without_writers;
use crate::minted::managed::Managed;
use crate::secret::delivery::{BuildError, Delivery, Token, previous};
use crate::secret::on_the_way;
use crate::secret::parts::Parts;

/// Why a publish would not work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unrehearsed {
    /// The Secret cannot be made.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The API server would not take it.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// What a write goes over: the metadata of a Secret, and the value in it that is to be kept beside the next one.
/// All else its tenant chooses, as well as how long its issuer takes.
#[derive(Debug, Default)]
pub(crate) struct Over {
    pub(super) secret: Option<Secret>,
    pub(super) kept: Parts,
}

impl Over {
    /// What is needed of a Secret that was read.
    pub(crate) fn of(managed: &Managed, secret: Option<Secret>) -> Self {
        let kept = kept(managed, secret.as_ref()).within(&managed.handle.parts());
        let metadata = |secret: Secret| Secret {
            metadata: without_writers(secret).metadata,
            ..Secret::default()
        };
        let secret = secret.map(metadata);
        Self { secret, kept }
    }
}

/// The write of a token like this one, with a placeholder of the largest size, as a dry run. Where it `repairs`
/// something, consumers have nothing that works, and wait for nothing that its delivery does not need.
pub(crate) async fn rehearsed(
    managed: &Managed,
    over: &Over,
    held: &Held,
    repairs: bool,
) -> Result<(), Unrehearsed> {
    let handle = &managed.handle;
    let parts = Parts::placeholder(handle.issuer.value_parts(), &handle.public_parts);
    let retiring = &managed.record.retiring;
    let mut seals = managed.seals(retiring.iter().map(|old| &old.token));
    if !managed.lists() {
        seals.push(managed.key.seal(&held.token));
    }
    let delivery = Delivery {
        manager: &managed.manager,
        template: &managed.object.spec.secret,
        token: Token::Minted {
            current: held,
            retiring,
            seals: &seals,
        },
        parts: &parts,
        previous: &over.kept,
        key: &managed.key,
    };
    let secret = delivery.build(over.secret.as_ref()).await?;
    let answered = managed.context.calls.deliver(&secret, true).await?;
    on_the_way::intact(&secret, &answered)?;
    if !repairs && !managed.presses() {
        on_the_way::marked(&secret, &answered)?;
    }
    Ok(())
}

/// The value that is to be kept beside the next one. What somebody else wrote over it is no value of ours: what
/// was kept before stays then.
fn kept(managed: &Managed, existing: Option<&Secret>) -> Parts {
    let Some(secret) = existing.filter(|_| managed.object.spec.secret.keep_previous) else {
        return Parts::default();
    };
    match managed.judge(Some(secret)) {
        Destination::Present {
            intact: Intact::No, ..
        } => Parts::previous_in(secret),
        _ => previous(existing, &managed.manager),
    }
}
