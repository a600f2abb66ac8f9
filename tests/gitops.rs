//! Flux and Argo CD themselves, on a real kube-apiserver with the operator at work: run by
//! `cargo xtask test --gitops` alone, which builds both.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy tells test functions from others, but not what they share"
)]

#[allow(
    dead_code,
    reason = "most of it is for the tests of the operator alone"
)]
#[path = "control_plane/cluster.rs"]
mod cluster;

mod gitops {
    mod argo_cd;
    mod flux;
    mod world;
}
