//! Plain HTTP, as a person with curl would speak it: nothing of the client's readings is in it.

use serde_json::Value;

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum As<'a> {
    Nobody,
    /// The whole `Authorization` header.
    Header(&'a str),
    /// Basic, name and password.
    Basic(&'a str, &'a str),
}

/// Asks, and returns the status and the body; one that is no JSON is a string.
pub(crate) async fn ask(
    who: As<'_>,
    method: &str,
    address: &str,
    body: Option<Value>,
) -> (u16, Value) {
    tokenwright_testbed::crypto();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.request(method.parse().unwrap(), address);
    request = match who {
        As::Nobody => request,
        As::Header(header) => request.header("authorization", header),
        As::Basic(name, password) => request.basic_auth(name, Some(password)),
    };
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    (status, body)
}

/// How many processes have the text in their arguments.
pub(crate) fn processes_with(text: &str) -> usize {
    let output = std::process::Command::new("ps")
        .args(["-eo", "args"])
        .output()
        .unwrap();
    let all = String::from_utf8_lossy(&output.stdout);
    all.lines().filter(|line| line.contains(text)).count()
}
