//! The page of a user's security credentials.

use super::names::USER;
use crate::asked::Asked;
use crate::desk::{Desk, Form, Life, Maker};
use crate::http::Request;
use crate::store::StoreError;

pub(super) static DESK: Desk = Desk {
    vendor: "AWS",
    place: &["IAM", "Users", "ci", "Security credentials"],
    tokens: "Access keys",
    generate: "Create access key",
    name: "Description tag value",
    once: "This is the only time that the secret access key can be viewed. You cannot recover it later.",
    choice: None,
    scopes: &[],
    life: Life::Unsaid,
    edit: None,
    delete: "Delete",
    maker: Maker::Api(
        ask,
        &[
            (
                "Access key",
                "/CreateAccessKeyResponse/CreateAccessKeyResult/AccessKey/AccessKeyId",
            ),
            (
                "Secret access key",
                "/CreateAccessKeyResponse/CreateAccessKeyResult/AccessKey/SecretAccessKey",
            ),
        ],
    ),
};

fn ask(_form: &Form, _asked: &Asked<'_>) -> Result<Request, StoreError> {
    let form = format!("Action=CreateAccessKey&Version=2010-05-08&UserName={USER}");
    Ok(Request::form("/", form))
}
