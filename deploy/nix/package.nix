# One of the programs, from source.
{
  lib,
  rustPlatform,
  program ? "tokenwright",
}:
rustPlatform.buildRustPackage {
  pname = program;
  version = (lib.importTOML ../../Cargo.toml).workspace.package.version;
  src = lib.cleanSource ../..;
  # The sums of all dependencies stand there.
  cargoLock.lockFile = ../../Cargo.lock;
  cargoBuildFlags = [ "--package=${program}" ];
  # They want a Kubernetes API server, Terraform and a browser: `cargo xtask test` runs them.
  doCheck = false;

  postInstall = lib.optionalString (program == "tokenwright") ''
    ln -s tokenwright $out/bin/kubectl-tokenwright
    mkdir -p $out/share/bash-completion/completions $out/share/zsh/site-functions \
      $out/share/fish/vendor_completions.d
    $out/bin/tokenwright completion bash > $out/share/bash-completion/completions/tokenwright
    $out/bin/tokenwright completion zsh > $out/share/zsh/site-functions/_tokenwright
    $out/bin/tokenwright completion fish > $out/share/fish/vendor_completions.d/tokenwright.fish
    $out/bin/tokenwright man $out/share/man/man1
  '';

  meta = {
    description = "API tokens as code: minted, proven, rotated, revoked";
    homepage = "https://github.com/tokenwright/tokenwright";
    license = lib.licenses.asl20;
    mainProgram = program;
  };
}
