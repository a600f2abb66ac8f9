//! Everything that needs a real kube-apiserver; nothing outside of this binary may.
//!
//! `cargo xtask test --without-control-plane` leaves it out and lists its tests as not run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy tells test functions from others, but not what they share"
)]

mod container;

mod control_plane {
    mod admission;
    mod adopt;
    mod axes;
    mod chart;
    mod cluster;
    mod conformance;
    mod contested;
    mod crowds;
    mod demo;
    mod disasters;
    mod examples;
    mod full_chart;
    mod gitops;
    mod guide;
    mod helm_test;
    mod image;
    mod installed;
    mod issuers;
    mod kinds;
    mod kstatus;
    mod limits;
    mod network;
    mod older;
    mod operator;
    mod refusals;
    mod reinstalled;
    mod replicas;
    mod rights;
    mod rules;
    mod self_rotating;
    mod shared;
    mod starts;
    mod storm;
    mod traces;
    mod uninstalled;
    mod upgraded;
    mod weapons;
}
