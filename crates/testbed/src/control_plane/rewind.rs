//! A cluster whose store is set back to an earlier state, as after a restore of etcd: whoever watched it
//! knows versions that do not exist any more.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use xtask::files::copy_folder;

use super::{ControlPlane, etcd};
use crate::component::Component;

/// The store as it was; it goes with the control plane.
#[derive(Debug)]
pub struct Snapshot(PathBuf);

impl ControlPlane {
    /// Keeps a copy of the store. The API server is away meanwhile.
    ///
    /// # Errors
    ///
    /// When a component cannot be ended or started again, or a file cannot be copied.
    pub async fn snapshot(&mut self) -> Result<Snapshot> {
        let copy = self.folder.path().join("snapshot");
        self.stop().await?;
        copy_folder(&self.store(), &copy)?;
        self.resume().await?;
        Ok(Snapshot(copy))
    }

    /// Sets the store back, as somebody does who has nothing but a backup of it.
    ///
    /// # Errors
    ///
    /// As [`snapshot`](Self::snapshot).
    pub async fn rewind(&mut self, to: &Snapshot) -> Result<()> {
        let store = self.store();
        self.stop().await?;
        fs::remove_dir_all(&store).context("cannot clear the store")?;
        copy_folder(&to.0, &store)?;
        self.resume().await
    }

    /// Starts the API server again with more flags.
    ///
    /// # Errors
    ///
    /// As [`snapshot`](Self::snapshot).
    pub async fn with_flags(&mut self, more: &[&str]) -> Result<()> {
        self.stop().await?;
        self.arguments
            .extend(more.iter().map(|&flag| flag.to_owned()));
        self.resume().await
    }

    /// Has the store stand still, as on a disk that hangs, or go on. Whatever is written waits meanwhile.
    ///
    /// # Errors
    ///
    /// When its process takes no signal.
    pub fn hold_store(&self, still: bool) -> Result<()> {
        let signal = if still { "STOP" } else { "CONT" };
        self.etcd.signal(signal)
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("etcd")
    }

    async fn stop(&self) -> Result<()> {
        self.kube_apiserver.kill().await?;
        self.etcd.kill().await
    }

    async fn resume(&mut self) -> Result<()> {
        let folder = self.folder.path();
        self.etcd = etcd(&self.tools, folder, self.etcd_port).await?;
        let program = &self.tools.kube_apiserver;
        self.kube_apiserver = Component::start("kube-apiserver", program, &self.arguments, folder)?;
        self.until_serving().await
    }
}
