//! The suite that the in-memory API passes in `testbed`'s own tests, on a real kube-apiserver:
//! where the two disagree, the in-memory API is wrong.

use anyhow::Result;
use tokenwright_testbed::conformance;
use tokenwright_testbed::control_plane::ControlPlane;
use tokenwright_testbed::tools::Tools;

#[tokio::test]
async fn a_real_api_server_conforms() -> Result<()> {
    let control_plane = ControlPlane::shared(&Tools::find()?).await?;
    let checked = conformance::run(control_plane.admin().await?).await?;
    assert_eq!(checked, conformance::all().len());
    Ok(())
}
