//! The real kube-controller-manager, for tests that need one of its controllers.

use std::path::PathBuf;

use anyhow::Result;

use super::ControlPlane;
use crate::component::Component;
use crate::tools;

/// Running controllers; they end when this is dropped.
#[derive(Debug)]
pub struct Controllers {
    _process: Component,
}

impl ControlPlane {
    /// Starts the kube-controller-manager with these controllers and no others, such as
    /// `namespace-controller`.
    ///
    /// # Errors
    ///
    /// When the program is missing or cannot be started.
    pub fn controllers(&self, names: &[&str]) -> Result<Controllers> {
        let folder: PathBuf = tempfile::Builder::new()
            .prefix("tokenwright-controllers-")
            .tempdir()?
            .keep();
        let arguments = [
            format!("--kubeconfig={}", self.admin_kubeconfig()?.display()),
            format!("--controllers={}", names.join(",")),
            "--leader-elect=false".to_owned(),
            // It serves nothing to anybody.
            "--secure-port=0".to_owned(),
            // The collector asks for the kinds anew this often at most.
            "--concurrent-gc-syncs=4".to_owned(),
        ];
        let program = tools::kube_controller_manager()?;
        let process = Component::start("kube-controller-manager", &program, &arguments, &folder)?;
        Ok(Controllers { _process: process })
    }
}
