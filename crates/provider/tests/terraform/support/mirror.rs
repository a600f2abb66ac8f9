//! A folder that Terraform and OpenTofu take the provider from as users do, with `init`.

use std::path::Path;

use super::World;

/// Writes the mirror, and `mirror.rc`, which names it.
pub(crate) fn mirror(world: &World) {
    provides(world, "tokenwright/tokenwright", world.record.provider());
    let path = world.path("mirror");
    let rc = format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = {path:?}\n  }}\n}}\n"
    );
    std::fs::write(world.path("mirror.rc"), rc).unwrap();
}

/// The mirror has this program as the provider of that source.
pub(crate) fn provides(world: &World, source: &str, program: &Path) {
    let goos = match std::env::consts::OS {
        "macos" => "darwin",
        os => os,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let (_, name) = source.split_once('/').unwrap();
    for registry in ["registry.terraform.io", "registry.opentofu.org"] {
        let of = format!("mirror/{registry}/{source}/0.1.0/{goos}_{arch}");
        let folder = world.path(&of);
        std::fs::create_dir_all(&folder).unwrap();
        let named = folder.join(format!("terraform-provider-{name}_v0.1.0"));
        std::os::unix::fs::symlink(program, named).unwrap();
    }
}
