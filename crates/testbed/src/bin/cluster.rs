//! An empty cluster for whoever follows a page by hand: a real kube-apiserver, without nodes.
//!
//! It prints the path of an administrator's kubeconfig, and ends with its standard input.

use std::io::Read;

use anyhow::Result;
use tokenwright_testbed::control_plane::ControlPlane;
use tokenwright_testbed::tools::Tools;

#[tokio::main]
async fn main() -> Result<()> {
    let control_plane = ControlPlane::start(&Tools::find()?).await?;
    #[expect(clippy::print_stdout, reason = "its result")]
    {
        println!("{}", control_plane.admin_kubeconfig()?.display());
    }
    let mut rest = String::new();
    std::io::stdin().read_to_string(&mut rest)?;
    Ok(())
}
