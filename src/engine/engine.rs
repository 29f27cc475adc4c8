//! A bundle on a device, and how it is asked.

use std::sync::OnceLock;

use crate::bundle::{Axis, Bundle, Manifest};
use crate::dicom::{AssembleSettings, Coverage, Partial, Shortfall, pseudonyms};
use crate::domain::Domain;
use crate::findings::{Provenance, Pseudonyms, ScanOrigin};
use crate::gpu::Compute;
use crate::intake::ReadSettings;
use crate::key::SecretKey;
use crate::predict::Predictor;
use crate::preprocess::Processor;

/// A bundle on a device, ready to look at files.
#[derive(Debug)]
pub struct Engine {
    pub(super) manifest: Manifest,
    pub(super) predictor: Predictor,
    pub(super) processor: Processor,
    /// What goes on where the device fails; made when it is first needed.
    on_cpu: OnceLock<Predictor>,
    pub(super) provenance: Provenance,
    /// Whether heat maps are made.
    pub(super) shows: bool,
    pub(super) domain: Option<Domain>,
    pub(super) outside: Outside,
    partial: Partial,
    key: Option<SecretKey>,
}

/// What becomes of a scan that is unlike what the bundle was trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outside {
    /// It gets the verdict `OUT_OF_DISTRIBUTION` and no prediction.
    #[default]
    Refuse,
    /// It is classified, and the reasons are warnings.
    Warn,
}

/// Why an engine makes no heat maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// What the chain turned lies no longer where its grid says.
    #[error("the bundle's preprocessing has a `rotate` step, so that no heat map can be laid on the scan")]
    Rotated,
}

impl Engine {
    /// Puts `bundle` on the device of `compute`.
    pub fn new(bundle: &Bundle, compute: &Compute) -> Self {
        let manifest = bundle.manifest().clone();
        Self {
            predictor: Predictor::new(bundle, compute),
            processor: compute.gpu().map_or(Processor::Cpu, |gpu| Processor::Gpu(gpu.clone())),
            on_cpu: OnceLock::new(),
            provenance: Provenance {
                bundle: manifest.name.clone(),
                weights_sha256: manifest.weights_sha256.clone(),
                pulmo: env!("CARGO_PKG_VERSION").to_owned(),
                domain_sha256: manifest.domain_sha256(),
                device: compute.name().to_owned(),
                views: 1,
            },
            shows: false,
            domain: bundle.domain().cloned(),
            outside: Outside::default(),
            partial: Partial::default(),
            key: None,
            manifest,
        }
    }

    /// The same engine, which does this with a series of which files cannot be used; by default it refuses it.
    #[must_use]
    pub fn with_partial(self, partial: Partial) -> Self {
        Self { partial, ..self }
    }

    /// The same engine, which does this with scans unlike what the bundle was trained on; by default it refuses them.
    #[must_use]
    pub fn with_outside(self, outside: Outside) -> Self {
        Self { outside, ..self }
    }

    /// The same engine, which also names patient, study and series of each scan by this key.
    #[must_use]
    pub fn with_key(self, key: SecretKey) -> Self {
        Self { key: Some(key), ..self }
    }

    /// The same engine, which averages over mirror images along every combination of `axes`.
    #[must_use]
    pub fn with_mirrors(self, axes: &[Axis]) -> Self {
        let predictor = self.predictor.with_mirrors(axes);
        let provenance = Provenance { views: predictor.views(), ..self.provenance };
        Self { predictor, provenance, ..self }
    }

    /// The same engine, which also tells where each scan speaks for the positive class of two, or for the
    /// class given of more. This takes about as long again.
    ///
    /// # Errors
    /// [`EngineError::Rotated`] where the bundle's chain turns what it is given.
    pub fn with_heat_maps(self) -> Result<Self, EngineError> {
        if !self.manifest.chain.keeps_place() {
            return Err(EngineError::Rotated);
        }
        Ok(Self { shows: true, ..self })
    }

    /// What surrounds the bundle's network: classes, threshold, preprocessing, axes to mirror along.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What produces this engine's predictions, as long as its device does not fail.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// How scans are read. What does not hold the lungs as a whole is classified too, but never without
    /// the warning `COVERAGE`.
    pub(super) fn settings(&self) -> ReadSettings {
        reading(self.partial)
    }

    /// Names for the patient, study and series of a scan, where there is a key.
    pub(super) fn pseudonyms(&self, origin: &ScanOrigin) -> Pseudonyms {
        let key = self.key.as_ref().zip(origin.identity.as_ref());
        key.map(|(key, identity)| pseudonyms(key, identity)).unwrap_or_default()
    }

    /// The predictor for what the device failed at.
    pub(super) fn on_cpu(&self) -> &Predictor {
        self.on_cpu.get_or_init(|| self.predictor.moved_to_cpu())
    }
}

/// How scans are read, by whatever looks at them.
pub(super) fn reading(partial: Partial) -> ReadSettings {
    let coverage = Coverage { shortfall: Shortfall::Warn, ..Coverage::default() };
    let assemble = AssembleSettings { coverage: Some(coverage), ..AssembleSettings::default() };
    ReadSettings { assemble, ..ReadSettings::default() }.with_partial(partial)
}
