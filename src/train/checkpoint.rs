//! Checkpoints: everything a run needs to go on as if it had never stopped.
//!
//! A checkpoint is a folder written beside its final name and renamed when it is whole; its
//! `state.toml` holds the hash of every other file, and its last line its own. The newest whole one is taken, older ones are removed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use pulmo_system::sync_folder;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use super::TrainError;
use super::event::EpochRow;
use super::optimizer::{Optimizer, OptimizerConfig};
use super::recipe::Recipe;
use crate::bundle::{load_weights, save_weights, sha256_hex};
use crate::network::{Network, read_tensor};

/// Checkpoints kept: the newest and the one before.
const KEPT: usize = 2;

/// The state of a run between two epochs.
#[derive(Debug, Clone)]
pub(super) struct Checkpoint {
    /// The weights in training.
    pub network: Network,
    /// Their running average, where one is kept.
    pub average: Option<Network>,
    /// The best weights so far, as safetensors bytes.
    pub best: Option<Vec<u8>>,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// The epochs done.
    pub history: Vec<EpochRow>,
    /// How often the run diverged and went back; each time halves the learning rate.
    pub setbacks: u32,
}

/// `state.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    run: RunIdentity,
    steps: u64,
    #[serde(default)]
    setbacks: u32,
    history: Vec<EpochRow>,
    sha256: BTreeMap<String, String>,
}

/// What a run is decided by; a checkpoint of another run is never gone on from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunIdentity {
    /// SHA-256 of the recipe.
    pub recipe: String,
    /// SHA-256 of the weights it started from, where they were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<String>,
    /// SHA-256 of the manifest's rows.
    pub data: String,
}

impl RunIdentity {
    /// The identity of a run by this recipe, from these weights, on these rows of a manifest.
    pub(super) fn of(recipe: &Recipe, init: Option<&[u8]>, rows_sha256: &str) -> Result<Self, TrainError> {
        Ok(Self {
            recipe: sha256_hex(recipe.text()?.as_bytes()),
            init: init.map(sha256_hex),
            data: rows_sha256.to_owned(),
        })
    }
}

/// What the last line of `state.toml` begins with, a comment to TOML; the hash of all before it follows.
const SEAL: &str = "# SHA-256 of the lines above: ";

/// The text before its seal; `None` where they do not belong together.
fn unsealed(text: &str) -> Option<&str> {
    let (state, hash) = text.rsplit_once(SEAL)?;
    (hash.trim_end() == sha256_hex(state.as_bytes())).then_some(state)
}

fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> TrainError + '_ {
    move |source| TrainError::File { path: path.to_owned(), source }
}

fn damaged(path: &Path, what: impl std::fmt::Display) -> TrainError {
    TrainError::Checkpoint { path: path.to_owned(), what: what.to_string() }
}

impl Checkpoint {
    /// Writes the checkpoint as `folder/epoch-NNNNNN` and removes all but the newest two.
    pub(super) fn write(&self, folder: &Path, run: &RunIdentity) -> Result<(), TrainError> {
        let name = format!("epoch-{:06}", self.history.len());
        let (partial, whole) = (folder.join(format!("{name}.tmp")), folder.join(name));
        let weights = |network: &Network| save_weights(network).map_err(|error| damaged(&partial, error));
        let mut files = vec![("weights.safetensors", weights(&self.network)?)];
        if let Some(average) = &self.average {
            files.push(("average.safetensors", weights(average)?));
        }
        if let Some(best) = &self.best {
            files.push(("best.safetensors", best.clone()));
        }
        files.push(("optimizer.safetensors", moments_to_bytes(&self.optimizer, &partial)?));
        let sha256 = files.iter().map(|(name, bytes)| ((*name).to_owned(), sha256_hex(bytes))).collect();
        let state = State {
            run: run.clone(),
            steps: self.optimizer.steps(),
            setbacks: self.setbacks,
            history: self.history.clone(),
            sha256,
        };
        // TOML gives floating-point numbers back exactly, serde_json by default does not.
        let state = toml::to_string_pretty(&state).map_err(|error| damaged(&partial, error))?;
        let sealed = format!("{state}{SEAL}{}\n", sha256_hex(state.as_bytes()));
        files.push(("state.toml", sealed.into_bytes()));
        if partial.exists() {
            std::fs::remove_dir_all(&partial).map_err(file_error(&partial))?;
        }
        std::fs::create_dir_all(&partial).map_err(file_error(&partial))?;
        for (name, bytes) in &files {
            let path = partial.join(name);
            write_synced(&path, bytes).map_err(file_error(&path))?;
        }
        if whole.exists() {
            std::fs::remove_dir_all(&whole).map_err(file_error(&whole))?;
        }
        std::fs::rename(&partial, &whole).map_err(file_error(&whole))?;
        sync_folder(folder).map_err(file_error(folder))?;
        for old in list(folder).into_iter().skip(KEPT) {
            std::fs::remove_dir_all(&old).map_err(file_error(&old))?;
        }
        Ok(())
    }

    /// Reads the newest whole checkpoint in `folder` for a network shaped like `fresh`; `None`
    /// where there is none yet.
    pub(super) fn read_newest(
        folder: &Path,
        run: &RunIdentity,
        fresh: &Network,
        optimizer: OptimizerConfig,
    ) -> Result<Option<Self>, TrainError> {
        let mut first_error = None;
        for path in list(folder) {
            match Self::read(&path, run, fresh, optimizer) {
                Ok(checkpoint) => return Ok(Some(checkpoint)),
                Err(error @ TrainError::OtherRun { .. }) => return Err(error),
                Err(error) => _ = first_error.get_or_insert(error),
            }
        }
        first_error.map_or(Ok(None), Err)
    }

    fn read(
        path: &Path,
        run: &RunIdentity,
        fresh: &Network,
        optimizer: OptimizerConfig,
    ) -> Result<Self, TrainError> {
        let read = |name: &str| std::fs::read(path.join(name)).map_err(|error| damaged(path, error));
        let sealed = String::from_utf8(read("state.toml")?).map_err(|error| damaged(path, error))?;
        let state = unsealed(&sealed).ok_or_else(|| damaged(path, "state.toml is damaged"))?;
        let state: State = toml::from_str(state).map_err(|error| damaged(path, error))?;
        let other = |what| TrainError::OtherRun { path: path.to_owned(), what };
        if state.run.recipe != run.recipe {
            return Err(other("recipe or seed"));
        }
        if state.run.init != run.init {
            return Err(other("start (--init)"));
        }
        if state.run.data != run.data {
            return Err(other("data"));
        }
        let mut files = BTreeMap::new();
        for (name, expected) in &state.sha256 {
            let bytes = read(name)?;
            if sha256_hex(&bytes) != *expected {
                return Err(damaged(path, format!("{name} is damaged")));
            }
            files.insert(name.as_str(), bytes);
        }
        let network = |name: &str| {
            let load = |bytes| load_weights(fresh.clone(), bytes).map_err(|error| damaged(path, error));
            files.get(name).map(|bytes| load(bytes)).transpose()
        };
        let missing = || damaged(path, "a file is missing");
        let moments = files.get("optimizer.safetensors").ok_or_else(missing)?;
        Ok(Self {
            network: network("weights.safetensors")?.ok_or_else(missing)?,
            average: network("average.safetensors")?,
            optimizer: Optimizer::resumed(optimizer, state.steps, moments_from_bytes(moments, path)?),
            best: files.remove("best.safetensors"),
            history: state.history,
            setbacks: state.setbacks,
        })
    }

    /// Puts network and optimizer on `device`.
    pub(super) fn onto(self, device: &Device) -> Self {
        Self {
            network: self.network.to_device(device),
            average: self.average.map(|average| average.to_device(device)),
            optimizer: self.optimizer.onto(device),
            ..self
        }
    }
}

/// Whole checkpoints in `folder`, newest first.
fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_whole = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        name.starts_with("epoch-") && path.extension().is_none()
    };
    let mut paths: Vec<PathBuf> = entries.filter(is_whole).collect();
    paths.sort_unstable_by(|a, b| b.cmp(a));
    paths
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn moments_to_bytes(optimizer: &Optimizer, path: &Path) -> Result<Vec<u8>, TrainError> {
    let mut arrays: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (parameter, moments) in optimizer.moments().iter().enumerate() {
        for (order, moment) in moments.iter().enumerate() {
            let values = read_tensor(moment.clone())?;
            let bytes = values.into_iter().flat_map(f32::to_le_bytes).collect();
            arrays.insert(format!("{parameter:05}.{order}"), bytes);
        }
    }
    let views = arrays
        .iter()
        .map(|(name, bytes)| Ok((name, TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
    views.and_then(|views| safetensors::serialize(views, None)).map_err(|error| damaged(path, error))
}

fn moments_from_bytes(bytes: &[u8], path: &Path) -> Result<Vec<Vec<Tensor<1>>>, TrainError> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| damaged(path, error))?;
    let mut named: Vec<_> = tensors.iter().collect();
    named.sort_unstable_by_key(|(name, _)| *name);
    let mut moments: Vec<Vec<Tensor<1>>> = Vec::new();
    for (name, tensor) in named {
        let parameter: usize = name
            .split('.')
            .next()
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| damaged(path, "optimizer.safetensors has an unknown name"))?;
        let values: Vec<f32> = tensor
            .data()
            .chunks_exact(4)
            .filter_map(|value| value.try_into().ok().map(f32::from_le_bytes))
            .collect();
        let count = values.len();
        let moment = Tensor::from_data(TensorData::new(values, [count]), &Device::flex());
        moments.resize_with(moments.len().max(parameter + 1), Vec::new);
        moments[parameter].push(moment);
    }
    Ok(moments)
}
