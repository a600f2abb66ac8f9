# The programs from source: `nix build github:tokenwright/tokenwright`, `nix profile install …`.
{
  description = "API tokens as code: minted, proven, rotated, revoked";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      each = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
      source = pkgs: program: pkgs.callPackage ./deploy/nix/package.nix { inherit program; };
    in
    {
      packages = each (pkgs: rec {
        default = tokenwright;
        tokenwright = source pkgs "tokenwright";
        terraform-provider-tokenwright = source pkgs "terraform-provider-tokenwright";
      });
    };
}
