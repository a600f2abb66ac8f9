//! A folder that Terraform and OpenTofu take the provider from as users do, with `init`.

use super::World;

/// Writes the mirror, and `mirror.rc`, which names it.
pub(crate) fn mirror(world: &World) {
    let goos = match std::env::consts::OS {
        "macos" => "darwin",
        os => os,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    for registry in ["registry.terraform.io", "registry.opentofu.org"] {
        let of = format!("mirror/{registry}/tokenwright/tokenwright/0.1.0/{goos}_{arch}");
        let folder = world.path(&of);
        std::fs::create_dir_all(&folder).unwrap();
        let name = folder.join("terraform-provider-tokenwright_v0.1.0");
        std::os::unix::fs::symlink(world.record.provider(), name).unwrap();
    }
    let path = world.path("mirror");
    let rc = format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = {path:?}\n  }}\n}}\n"
    );
    std::fs::write(world.path("mirror.rc"), rc).unwrap();
}
