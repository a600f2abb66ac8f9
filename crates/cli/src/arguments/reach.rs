//! Which account at which issuer.

use std::path::PathBuf;

use clap::Args;
use jiff::SignedDuration;
use tokenwright_core::duration;

use super::pair;

#[derive(Debug, Args)]
#[command(next_help_heading = "Issuer")]
pub(crate) struct Reach {
    /// The token system: the name of a built-in profile, or a file
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) profile: String,
    /// A folder with profiles of your own, each in `NAME.yaml`
    #[arg(long, value_name = "DIR", env = "TOKENWRIGHT_PROFILES")]
    pub(crate) profiles: Option<PathBuf>,
    /// Where the issuer is, if not where the profile says: the credential is sent there and nowhere else
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// A parameter of the system; may be repeated
    #[arg(long = "parameter", visible_alias = "param", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) parameters: Vec<(String, String)>,
    /// Read a part of the credential from a file; may be repeated [default: the profile's
    /// environment variables]
    #[arg(long = "credential-file", value_name = "PART=PATH", value_parser = pair)]
    pub(crate) credential_files: Vec<(String, String)>,
    /// No request takes longer
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    pub(crate) request_timeout: SignedDuration,
}
