//! The names of the project that is played.

pub(super) const NAME: &str = "google-service-account";
pub(super) const PROJECT: &str = "my-project";
/// The account whose keys are minted.
pub(super) const ACCOUNT: &str = "ci@my-project.iam.gserviceaccount.com";
pub(super) const ADMIN: &str = "admin@my-project.iam.gserviceaccount.com";
