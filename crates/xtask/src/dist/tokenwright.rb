# The command line. Made by `cargo xtask dist`.
class Tokenwright < Formula
  desc "API tokens as code: minted, proven, rotated, revoked"
  homepage "@repository@"
  version "@version@"
  license "Apache-2.0"

  on_macos do
    url "@repository@.git", tag: "v@version@"
    depends_on "rust" => :build
  end

  on_linux do
@archives@
  end

  def install
    if OS.mac?
      system "cargo", "install", *std_cargo_args(path: "crates/cli")
      bin.install_symlink "tokenwright" => "kubectl-tokenwright"
      generate_completions_from_executable(bin/"tokenwright", "completion")
      system bin/"tokenwright", "man", man1
    else
      bin.install Dir["bin/*"]
      bash_completion.install "share/bash-completion/completions/tokenwright"
      zsh_completion.install "share/zsh/site-functions/_tokenwright"
      fish_completion.install "share/fish/vendor_completions.d/tokenwright.fish"
      man1.install Dir["share/man/man1/*"]
    end
  end

  test do
    assert_equal "tokenwright @version@\n", shell_output("#{bin}/tokenwright --version")
    assert_match "scaleway", shell_output("#{bin}/tokenwright profile list")
  end
end
