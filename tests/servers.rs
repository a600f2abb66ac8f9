//! What is not ours, run for real: token systems, what their own APIs answer and that the profiles hold
//! on them; and a vendor's own client, on the sandbox.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy tells test functions from others, but not what they share"
)]

mod servers {
    mod api;
    mod client;
    mod devpi;
    mod gitea;
    mod jupyterhub;
    mod seeme_client;
    mod trial;
    mod verdaccio;
}
