//! A delivered Secret that an issuer authenticates with.

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use tokenwright_api::names::reason;

use crate::cluster::conditions::Trouble;
use crate::cluster::finalizers::is_credential;

/// Why a Secret is not removed yet: an issuer would lose its credential. It goes when that has got another
/// one; the change of its label wakes whoever waits.
pub(crate) fn still_credential(secret: &Secret) -> Option<Trouble> {
    let name = secret.name_any();
    let message = format!(
        "The Secret {name} is not removed yet, and its token not revoked: it is the credential of an issuer. Name another Secret in the spec.credential.secretRef of that issuer."
    );
    is_credential(secret).then(|| Trouble::new(reason::STILL_CREDENTIAL, message))
}
