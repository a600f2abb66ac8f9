# The command line, as it was released. Made by `cargo xtask dist`; `pkgs.callPackage ./tokenwright.nix { }`.
{
  lib,
  stdenvNoCC,
  fetchurl,
}:
let
  version = "@version@";
  archives = {
@archives@
  };
  system = stdenvNoCC.hostPlatform.system;
  archive = archives.${system} or (throw "no archive of tokenwright is made for ${system}");
in
stdenvNoCC.mkDerivation {
  pname = "tokenwright";
  inherit version;
  src = fetchurl {
    url = "@repository@/releases/download/v${version}/${archive.name}";
    inherit (archive) sha256;
  };
  dontConfigure = true;
  dontBuild = true;
  # It links nothing, so that nothing is to be patched either.
  dontFixup = true;
  installPhase = ''
    mkdir -p $out
    cp -a bin share $out/
  '';
  meta = {
    description = "API tokens as code: minted, proven, rotated, revoked";
    homepage = "@repository@";
    license = lib.licenses.asl20;
    mainProgram = "tokenwright";
    platforms = builtins.attrNames archives;
  };
}
