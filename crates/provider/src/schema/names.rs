//! The names of all attributes, each once, with the type of its values: whatever reads, writes or speaks of an
//! attribute names it by these. Who decides it, and what it means there, stands in the schemas.

use std::collections::{BTreeMap, BTreeSet};

use tfplugin::{AnyName, Name, Object};

type Text = Name<String>;
type Texts = Name<BTreeMap<String, String>>;
type TextSet = Name<BTreeSet<String>>;
type Flag = Name<bool>;
type Count = Name<i64>;

// The provider block.
pub(crate) const MANAGER: Text = Name::new("manager");
pub(crate) const ISSUERS: Name<BTreeMap<String, Object>> = Name::new("issuers");
pub(crate) const PROFILE: Text = Name::new("profile");
pub(crate) const CREDENTIAL: Text = Name::new("credential");
pub(crate) const CREDENTIAL_PARTS: Texts = Name::new("credential_parts");
pub(crate) const REQUEST_TIMEOUT: Text = Name::new("request_timeout");

// What is wanted of a token.
pub(crate) const ISSUER: Text = Name::new("issuer");
pub(crate) const NAME: Text = Name::new("name");
pub(crate) const SCOPES: TextSet = Name::new("scopes");
pub(crate) const PARAMETERS: Texts = Name::new("parameters");
pub(crate) const LIFETIME: Text = Name::new("lifetime");
pub(crate) const EXPIRES_AT: Text = Name::new("expires_at");
pub(crate) const ROTATION: Name<Object> = Name::new("rotation");
pub(crate) const ENABLED: Flag = Name::new("enabled");
pub(crate) const ON_LOSS: Text = Name::new("on_loss");
pub(crate) const ON_MISSING_VALUE: Text = Name::new("on_missing_value");
pub(crate) const ON_DESTROY: Text = Name::new("on_destroy");
pub(crate) const SECRET_OUTPUT: Text = Name::new("secret_output");
pub(crate) const RECIPIENTS: TextSet = Name::new("recipients");

// In `rotation`.
pub(crate) const RENEW_BEFORE: Text = Name::new("renew_before");
pub(crate) const EVERY: Text = Name::new("every");
pub(crate) const OVERLAP: Text = Name::new("overlap");
pub(crate) const ALLOW_GAP: Flag = Name::new("allow_gap");
pub(crate) const TRIGGERS: Texts = Name::new("triggers");
pub(crate) const IN_ROTATION: [AnyName; 5] =
    [&RENEW_BEFORE, &EVERY, &OVERLAP, &ALLOW_GAP, &TRIGGERS];

// `timeouts`, and what is in it.
pub(crate) use tfplugin::timeouts::{CREATE, DELETE, READ, TIMEOUTS, UPDATE};

// What is known of a token.
pub(crate) const VALUE: Text = Name::new("value");
pub(crate) const ENCRYPTED_VALUE: Text = Name::new("encrypted_value");
pub(crate) const PUBLIC_PARTS: Texts = Name::new("public_parts");
pub(crate) const VALUE_VERSION: Count = Name::new("value_version");
pub(crate) const TOKEN_ID: Text = Name::new("token_id");
pub(crate) const REMOTE_NAME: Text = Name::new("remote_name");
pub(crate) const REVISION: Count = Name::new("revision");
pub(crate) const STATUS: Text = Name::new("status");
pub(crate) const CREATED_AT: Text = Name::new("created_at");
pub(crate) const ROTATED_AT: Text = Name::new("rotated_at");
pub(crate) const ROTATION_REASON: Text = Name::new("rotation_reason");
pub(crate) const RENEW_AT: Text = Name::new("renew_at");
pub(crate) const GRANTED_SCOPES: TextSet = Name::new("granted_scopes");
pub(crate) const OWNER: Text = Name::new("owner");
pub(crate) const ENDPOINT: Text = Name::new("endpoint");
pub(crate) const IDENTITY: Text = Name::new("identity");
pub(crate) const RETIRING: Name<Vec<Object>> = Name::new("retiring");
pub(crate) const REVOKE_AFTER: Text = Name::new("revoke_after");
pub(crate) const ORPHANS: Name<Vec<Object>> = Name::new("orphans");
pub(crate) const RECORD: Text = Name::new("record");

/// In the identity of a resource, whose attributes are no maps.
pub(crate) const PARAMETER_LIST: Name<Vec<String>> = Name::new("parameters");

// Of a token that a person made.
pub(crate) const VALUE_WO: Text = Name::new("value_wo");
pub(crate) const VALUES_WO: Texts = Name::new("values_wo");
pub(crate) const VALUE_WO_VERSION: Count = Name::new("value_wo_version");
pub(crate) const WARN_BEFORE: Text = Name::new("warn_before");
pub(crate) const FINGERPRINT: Text = Name::new("fingerprint");
pub(crate) const VERIFIED_AT: Text = Name::new("verified_at");

// Of a retirement.
pub(crate) const REVOKED_TOKEN_ID: Text = Name::new("revoked_token_id");
pub(crate) const REVOKED_AT: Text = Name::new("revoked_at");

// Which tokens are wanted of an inventory, and what is read of them.
pub(crate) const NAME_PREFIX: Text = Name::new("name_prefix");
pub(crate) const MANAGED: Flag = Name::new("managed");
pub(crate) const OURS: Flag = Name::new("ours");
pub(crate) const EXPIRES_WITHIN: Text = Name::new("expires_within");
pub(crate) const UNUSED_FOR: Text = Name::new("unused_for");
pub(crate) const TOKENS: Name<Vec<Object>> = Name::new("tokens");
pub(crate) const TOKEN_IDS: Name<Vec<String>> = Name::new("token_ids");
pub(crate) const LAST_USED_AT: Text = Name::new("last_used_at");

// Of an issuer.
pub(crate) const ORIGIN: Text = Name::new("origin");
pub(crate) const MANUAL: Text = Name::new("manual");
pub(crate) const CAN_CHECK: Flag = Name::new("can_check");
pub(crate) const CAN_LIST: Flag = Name::new("can_list");
pub(crate) const CAN_DISABLE: Flag = Name::new("can_disable");
pub(crate) const CAN_REVOKE: Flag = Name::new("can_revoke");

/// What holds a secret in a configuration or a state, and the identity that `decrypt` is given: no log line has
/// values under these.
pub(crate) const SECRETS: [AnyName; 6] = [
    &CREDENTIAL,
    &CREDENTIAL_PARTS,
    &VALUE,
    &VALUE_WO,
    &VALUES_WO,
    &IDENTITY,
];
