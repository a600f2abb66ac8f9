//! An OCI image archive, made without a container engine: a tar archive in the image layout, which
//! `docker load`, `podman load`, `skopeo`, `crane` and `ctr` read.
//!
//! It compiles nothing: what goes into the image is given.

mod filesystem;
mod layout;
mod libraries;

pub use filesystem::{Machine, filesystem};
pub use layout::{Image, USER, archive};
pub use libraries::needs_loader;
