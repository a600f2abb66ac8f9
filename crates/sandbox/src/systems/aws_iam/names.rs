//! The names of the account that is played.

pub(super) const NAME: &str = "aws-iam";
/// The user whose keys are minted.
pub(super) const USER: &str = "ci";
pub(super) const ACCOUNT: &str = "123456789012";
