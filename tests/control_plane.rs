//! Everything that needs a real kube-apiserver; nothing outside of this binary may.
//!
//! `cargo xtask test --without-control-plane` leaves it out and lists its tests as not run.

mod control_plane {
    mod starts;
}
