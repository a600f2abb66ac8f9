//! The layout: blobs by their digests, and from the index down to the layers who names whom.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::archive::{Contents, Effort, Item, gzip, sha256};
use crate::dist::Platform;

/// Who the program runs as: nobody who has a name on the node.
pub const USER: u32 = 65_532;

/// When all that is in an image was made, as the archives inside say.
const CREATED: &str = "1980-01-01T00:00:00Z";

/// What an image is made of.
#[derive(Debug)]
pub struct Image<'a> {
    /// Its repository, such as `ghcr.io/acme/operator`.
    pub repository: &'a str,
    /// Its version, which is its tag.
    pub version: &'a str,
    /// The program that it runs, as a path in it.
    pub program: &'a str,
    /// The file system of each platform.
    pub platforms: Vec<(Platform, Contents)>,
    /// How hard to compress.
    pub effort: Effort,
}

/// The image as one archive.
///
/// # Errors
///
/// When a path of a file system cannot stand in an archive.
pub fn archive(image: &Image<'_>) -> Result<Vec<u8>> {
    let mut blobs = Blobs::default();
    let (mut manifests, mut for_docker) = (Vec::new(), Value::Null);
    for (platform, contents) in &image.platforms {
        let (mut manifest, parts) = blobs.manifest(image, *platform, contents)?;
        if for_docker.is_null() || Platform::host() == Some(*platform) {
            for_docker = parts;
        }
        if let Some(descriptor) = manifest.as_object_mut() {
            let architecture = platform.architecture();
            let of = json!({ "architecture": architecture, "os": "linux" });
            descriptor.insert("platform".to_owned(), of);
        }
        manifests.push(manifest);
    }
    let index = json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": manifests,
    });
    let mut named = blobs.json(INDEX, &index)?;
    if let Some(descriptor) = named.as_object_mut() {
        let names = json!({
            "org.opencontainers.image.ref.name": image.version,
            // The same for Docker and containerd, which take the whole name from here.
            "io.containerd.image.name": format!("{}:{}", image.repository, image.version),
        });
        descriptor.insert("annotations".to_owned(), names);
    }
    let top = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [named] });
    let mut files = blobs.0;
    files.put(
        "oci-layout",
        text(&json!({ "imageLayoutVersion": "1.0.0" }))?,
    );
    files.put("index.json", text(&top)?);
    // Docker's own image store reads no layout: it takes one platform, by what it finds here.
    files.put("manifest.json", text(&json!([for_docker]))?);
    files.tar()
}

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

fn text(value: &Value) -> Result<Item> {
    let bytes = serde_json::to_vec(value).context("cannot write JSON")?;
    Ok(Item::File(bytes))
}

/// What is named by its digest.
#[derive(Debug, Default)]
struct Blobs(Contents);

impl Blobs {
    /// Keeps a blob, and gives what names it.
    fn put(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let digest = sha256(&bytes);
        let size = bytes.len();
        self.0
            .put(format!("blobs/sha256/{digest}"), Item::File(bytes));
        json!({
            "mediaType": media_type,
            "digest": format!("sha256:{digest}"),
            "size": size,
        })
    }

    fn json(&mut self, media_type: &str, value: &Value) -> Result<Value> {
        let bytes = serde_json::to_vec(value).context("cannot write JSON")?;
        Ok(self.put(media_type, bytes))
    }

    /// Keeps what one platform is made of; gives what names it, and the same in Docker's words.
    fn manifest(
        &mut self,
        image: &Image<'_>,
        platform: Platform,
        contents: &Contents,
    ) -> Result<(Value, Value)> {
        let layer = contents.tar()?;
        let config = json!({
            "architecture": platform.architecture(),
            "os": "linux",
            "created": CREATED,
            "config": {
                "User": format!("{USER}:{USER}"),
                "Entrypoint": [format!("/{}", image.program)],
                "WorkingDir": "/",
                "Labels": {
                    "org.opencontainers.image.title": image.program,
                    "org.opencontainers.image.version": image.version,
                    "org.opencontainers.image.source": env!("CARGO_PKG_REPOSITORY"),
                    "org.opencontainers.image.licenses": env!("CARGO_PKG_LICENSE"),
                },
            },
            "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", sha256(&layer))] },
            "history": [{ "created": CREATED, "created_by": "cargo xtask image" }],
        });
        let config = self.json(CONFIG, &config)?;
        let layer = self.put(LAYER, gzip(&layer, image.effort)?);
        let for_docker = json!({
            "Config": path(&config),
            "RepoTags": [format!("{}:{}", image.repository, image.version)],
            "Layers": [path(&layer)],
        });
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config,
            "layers": [layer],
        });
        Ok((self.json(MANIFEST, &manifest)?, for_docker))
    }
}

/// Where a blob lies in the archive.
fn path(named: &Value) -> String {
    let digest = named["digest"].as_str().unwrap_or_default();
    format!("blobs/{}", digest.replace(':', "/"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read as _;

    use anyhow::{Context, Result, ensure};
    use flate2::read::GzDecoder;
    use serde_json::Value;

    use super::{Image, archive};
    use crate::archive::{Contents, Effort, Item, sha256};
    use crate::dist::Platform;

    fn image() -> Image<'static> {
        let of = |platform: Platform| {
            let mut contents = Contents::default();
            let program = Item::Program(platform.target().into());
            contents.put("program", program);
            (platform, contents)
        };
        Image {
            repository: "registry.example/acme/program",
            version: "1.2.3",
            program: "program",
            platforms: Platform::ALL.map(of).into(),
            effort: Effort::Quick,
        }
    }

    fn files(archive: &[u8]) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(archive).entries()? {
            let mut entry = entry?;
            let (path, mut bytes) = (entry.path()?.display().to_string(), Vec::new());
            entry.read_to_end(&mut bytes)?;
            files.insert(path, bytes);
        }
        Ok(files)
    }

    /// What a descriptor names, if its digest and size are those of the blob.
    fn blob<'a>(files: &'a BTreeMap<String, Vec<u8>>, named: &Value) -> Result<&'a [u8]> {
        let digest = named["digest"].as_str().context("no digest")?;
        let digest = digest.strip_prefix("sha256:").context("another digest")?;
        let bytes = files.get(&format!("blobs/sha256/{digest}"));
        let bytes = bytes.with_context(|| format!("{digest} is missing"))?;
        ensure!(sha256(bytes) == digest, "{digest} is another's digest");
        ensure!(named["size"] == bytes.len(), "{digest} has another size");
        Ok(bytes)
    }

    #[test]
    fn an_index_leads_to_the_file_system_of_every_platform_and_each_digest_is_right() -> Result<()>
    {
        let files = files(&archive(&image())?)?;
        let layout: Value = serde_json::from_slice(&files["oci-layout"])?;
        assert_eq!(layout["imageLayoutVersion"], "1.0.0");
        let top: Value = serde_json::from_slice(&files["index.json"])?;
        let named = &top["manifests"][0];
        let annotations = &named["annotations"];
        assert_eq!(annotations["org.opencontainers.image.ref.name"], "1.2.3");
        let name = "registry.example/acme/program:1.2.3";
        assert_eq!(annotations["io.containerd.image.name"], name);

        let index: Value = serde_json::from_slice(blob(&files, named)?)?;
        let mut seen = Vec::new();
        for named in index["manifests"].as_array().context("no manifests")? {
            let manifest: Value = serde_json::from_slice(blob(&files, named)?)?;
            let config: Value = serde_json::from_slice(blob(&files, &manifest["config"])?)?;
            assert_eq!(config["architecture"], named["platform"]["architecture"]);
            assert_eq!(config["config"]["User"], "65532:65532");
            assert_eq!(config["config"]["Entrypoint"][0], "/program");
            let mut layer = Vec::new();
            let packed = blob(&files, &manifest["layers"][0])?;
            GzDecoder::new(packed).read_to_end(&mut layer)?;
            let unpacked = format!("sha256:{}", sha256(&layer));
            assert_eq!(config["rootfs"]["diff_ids"][0], *unpacked);
            let program = &self::files(&layer)?["program"];
            seen.push((
                config["architecture"].to_string(),
                String::from_utf8(program.clone())?,
            ));
        }
        let expected = Platform::ALL.map(|platform| {
            let architecture = format!("{:?}", platform.architecture());
            (architecture, platform.target().to_owned())
        });
        assert_eq!(seen, expected);
        // Two descriptors for each platform, and the index; nothing lies about that nobody names.
        let blobs = files
            .keys()
            .filter(|path| path.contains("sha256/") && !path.ends_with('/'));
        assert_eq!(blobs.count(), 3 * Platform::ALL.len() + 1);
        Ok(())
    }

    /// As `docker load` reads it, where Docker keeps images in its own store.
    #[test]
    fn docker_finds_the_image_of_this_machine_by_its_name() -> Result<()> {
        let files = files(&archive(&image())?)?;
        let all: Value = serde_json::from_slice(&files["manifest.json"])?;
        let [one] = all.as_array().context("no list")?.as_slice() else {
            anyhow::bail!("{all}");
        };
        assert_eq!(one["RepoTags"][0], "registry.example/acme/program:1.2.3");
        let file = |path: &Value| -> Result<&Vec<u8>> {
            let path = path.as_str().context("no path")?;
            files
                .get(path)
                .with_context(|| format!("{path} is missing"))
        };
        let config: Value = serde_json::from_slice(file(&one["Config"])?)?;
        let here = Platform::host().unwrap_or(Platform::ALL[0]);
        assert_eq!(config["architecture"], here.architecture());
        let mut layer = Vec::new();
        GzDecoder::new(file(&one["Layers"][0])?.as_slice()).read_to_end(&mut layer)?;
        let unpacked = format!("sha256:{}", sha256(&layer));
        assert_eq!(config["rootfs"]["diff_ids"], serde_json::json!([unpacked]));
        Ok(())
    }

    #[test]
    fn the_same_file_systems_make_the_same_image() -> Result<()> {
        assert_eq!(archive(&image())?, archive(&image())?);
        Ok(())
    }
}
