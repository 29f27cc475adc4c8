//! From a scan to the nodules on it.

use ndarray::{Array2, Array3, Axis};
use rayon::prelude::*;

use super::engine::reading;
use super::ready::{contained, verdict_of};
use crate::bundle::Bundle;
use crate::dicom::Partial;
use crate::findings::{
    Code, NoduleFinding, Observation, Provenance, Pseudonyms, Reason, ScanOrigin, Verdict,
};
use crate::geometry::Grid;
use crate::intake::{Item, Loaded};
use crate::lungs::{Lungs, LungsError};
use crate::network::Compute;
use crate::nodule::{
    Candidate, CandidateSettings, LungSides, NoduleError, PlaneSettings, Segmentation, candidates, measure,
    planes,
};
use crate::predict::{PredictError, Predictor};
use crate::preprocess::{Chain, Processor};
use crate::units::{Hounsfield, Millimetres};
use crate::volume::{Mask, Volume};

/// What the pictures of LUNA16's patches hold as 0 and 255.
const PICTURE_HU: [Hounsfield; 2] = [-1000.0, 400.0];
/// Planes in one batch.
const BATCH: usize = 96;
/// The class of a bundle that is asked for; the last where none has this name.
const NODULE: &str = "nodule";

/// Which nodules are told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoduleSettings {
    /// Least mean diameter; default 3 mm.
    pub minimum_mm: Millimetres,
    /// Most nodules of a scan; default 20.
    pub at_most: usize,
    /// Least probability, where there is a bundle; default `None`: the bundle's threshold, or one half without.
    pub least_probability: Option<f32>,
    /// Where is sought.
    pub candidates: CandidateSettings,
    /// What a network looks at.
    pub planes: PlaneSettings,
}

impl Default for NoduleSettings {
    fn default() -> Self {
        Self {
            minimum_mm: 3.0,
            at_most: 20,
            least_probability: None,
            candidates: CandidateSettings::default(),
            planes: PlaneSettings::default(),
        }
    }
}

/// A nodule and where it lies.
#[derive(Debug, Clone)]
pub struct SeenNodule {
    /// What is told of it.
    pub finding: NoduleFinding,
    /// Its voxels on a window of the volume's grid; `None` where it covers the middle of none of them.
    pub mask: Option<Mask>,
}

/// A scan as the finder saw it.
#[derive(Debug, Clone, Copy)]
pub struct SeenNodules<'a> {
    /// The scan, in Hounsfield units.
    pub volume: &'a Volume,
    /// Where it comes from.
    pub origin: &'a ScanOrigin,
    /// Its lungs.
    pub lungs: &'a Lungs,
    /// The nodules that are told, in their order.
    pub nodules: &'a [SeenNodule],
    /// With what they were found.
    pub provenance: &'a Provenance,
}

/// Finds, scores and measures nodules.
#[derive(Debug)]
pub struct NoduleFinder {
    settings: NoduleSettings,
    scorer: Option<Scorer>,
    partial: Partial,
    provenance: Provenance,
}

impl NoduleFinder {
    /// A finder without a network: candidates are ranked by their shape alone, most of them vessels.
    pub fn new(settings: NoduleSettings) -> Self {
        let provenance = Provenance {
            bundle: String::new(),
            weights_sha256: String::new(),
            domain_sha256: None,
            pulmo: env!("CARGO_PKG_VERSION").to_owned(),
            device: "cpu".to_owned(),
            views: 1,
        };
        Self { settings, scorer: None, partial: Partial::default(), provenance }
    }

    /// The same finder, which asks a bundle of pictures about three planes of each candidate.
    #[must_use]
    pub fn with_bundle(self, bundle: &Bundle, compute: &Compute) -> Self {
        let manifest = bundle.manifest();
        let provenance = Provenance {
            bundle: manifest.name.clone(),
            weights_sha256: manifest.weights_sha256.clone(),
            domain_sha256: manifest.domain_sha256(),
            device: compute.name().to_owned(),
            ..self.provenance
        };
        let named = manifest.classes.iter().position(|class| class == NODULE);
        let scorer = Scorer {
            predictor: Predictor::new(bundle, compute),
            chain: manifest.chain.clone(),
            class: named.unwrap_or(manifest.classes.len().saturating_sub(1)),
            least: self.settings.least_probability.or(manifest.threshold).unwrap_or(0.5),
        };
        Self { scorer: Some(scorer), provenance, ..self }
    }

    /// The same finder, which does this with a series of which files cannot be used; by default it refuses it.
    #[must_use]
    pub fn with_partial(self, partial: Partial) -> Self {
        Self { partial, ..self }
    }

    /// Returns what is to be said about one item: its nodules, or the verdict by which it has none. Where they lie is
    /// shown to `see` before.
    pub fn observe(&self, item: &Item, see: impl FnOnce(&SeenNodules<'_>)) -> Observation {
        let loaded = match item.refusal() {
            Some(verdict) => Err(verdict.clone()),
            None => contained(|| item.load(&reading(self.partial)).map_err(|error| error.verdict())),
        };
        let (origin, found) = match loaded {
            Ok(Loaded { volume, warnings, origin, .. }) => {
                let found = contained(|| self.nodules(&volume));
                let found = found.map(|(lungs, nodules)| {
                    let provenance = &self.provenance;
                    see(&SeenNodules {
                        volume: &volume,
                        origin: &origin,
                        lungs: &lungs,
                        nodules: &nodules,
                        provenance,
                    });
                    (Verdict::from_warnings(warnings), nodules)
                });
                (origin, found)
            }
            Err(verdict) => (ScanOrigin::default(), Err(verdict)),
        };
        let (verdict, nodules) = match found {
            Ok((verdict, nodules)) => {
                (verdict, Some(nodules.into_iter().map(|nodule| nodule.finding).collect()))
            }
            Err(verdict) => (verdict, None),
        };
        Observation {
            path: item.path.clone(),
            pseudonyms: Pseudonyms::default(),
            origin,
            verdict,
            prediction: None,
            grids: None,
            heat_map: None,
            nodules,
            setbacks: Vec::new(),
            provenance: self.provenance.clone(),
        }
    }

    /// The lungs of a volume and the nodules in them, the most probable first.
    fn nodules(&self, volume: &Volume) -> Result<(Lungs, Vec<SeenNodule>), Verdict> {
        let lungs = Lungs::of(volume).map_err(|error| no_lungs(&error))?;
        let both = lungs.both().ok_or_else(|| Verdict::NotEvaluable(Code::NoAnatomy.into()))?;
        let found = candidates(volume, &both, &self.settings.candidates).map_err(|error| refused(&error))?;
        let scored = match &self.scorer {
            Some(scorer) => scorer.probable(volume, &found, &self.settings.planes)?,
            None => found.into_iter().map(|candidate| Scored { candidate, probability: None }).collect(),
        };
        let [right, left] = [&lungs.right, &lungs.left].map(|lung| lung.as_ref().map(|lung| &lung.mask));
        let place = Surroundings { both: &both, masks: LungSides { right, left } };
        // Several candidates may be one nodule, and some are too small: more are measured than are told.
        let measured: Vec<Option<SeenNodule>> = scored
            .par_iter()
            .take(2 * self.settings.at_most)
            .map(|one| one.measured(volume, &place))
            .collect();
        let told = self.told(measured.into_iter().flatten());
        Ok((lungs, told))
    }

    /// Each nodule once, those of the least size, as many as are wanted.
    fn told(&self, measured: impl Iterator<Item = SeenNodule>) -> Vec<SeenNodule> {
        let mut told: Vec<SeenNodule> = Vec::new();
        for nodule in measured.filter(|nodule| nodule.finding.mean_diameter_mm >= self.settings.minimum_mm) {
            let is_same = |other: &SeenNodule| {
                let [a, b] = [&nodule.finding, &other.finding];
                let apart = |axis: usize| (a.centre_mm[axis] - b.centre_mm[axis]).powi(2);
                let apart_mm = (0..3).map(apart).sum::<f64>().sqrt();
                apart_mm < a.effective_diameter_mm.max(b.effective_diameter_mm) / 2.0
            };
            if told.len() < self.settings.at_most && !told.iter().any(is_same) {
                told.push(nodule);
            }
        }
        told
    }
}

/// Both lungs, and each by itself.
struct Surroundings<'a> {
    both: &'a Mask,
    masks: LungSides<'a>,
}

/// A candidate and what a network gives it.
struct Scored {
    candidate: Candidate,
    probability: Option<f32>,
}

impl Scored {
    fn measured(&self, volume: &Volume, lungs: &Surroundings<'_>) -> Option<SeenNodule> {
        let nodule = Segmentation::at(volume, self.candidate.centre_mm, Some(lungs.both)).ok()?;
        let finding = measure(&nodule, &lungs.masks)?;
        let finding =
            NoduleFinding { blobness: self.candidate.blobness, probability: self.probability, ..finding };
        Some(SeenNodule { finding, mask: nodule.mask_on(volume.grid()) })
    }
}

/// A bundle of pictures that tells nodules from what looks like them.
#[derive(Debug)]
struct Scorer {
    predictor: Predictor,
    chain: Chain,
    /// Which class is a nodule.
    class: usize,
    /// Least probability.
    least: f32,
}

impl Scorer {
    /// The candidates that are probable enough, the most probable first: the mean over their three planes.
    fn probable(
        &self,
        volume: &Volume,
        found: &[Candidate],
        settings: &PlaneSettings,
    ) -> Result<Vec<Scored>, Verdict> {
        let seen = |candidate: &Candidate| -> Result<Vec<Array3<f32>>, Verdict> {
            let planes = planes(volume, candidate.centre_mm, settings).map_err(|error| refused(&error))?;
            planes.into_iter().map(|plane| self.input(plane)).collect()
        };
        let inputs = found.par_iter().map(seen).collect::<Result<Vec<_>, _>>()?.concat();
        let mut probabilities = Vec::new();
        for batch in inputs.chunks(BATCH) {
            let batch: Vec<&Array3<f32>> = batch.iter().collect();
            let predictions = self.predictor.predict(&batch).map_err(|error| failed(&error))?;
            probabilities.extend(predictions.iter().map(|one| one.probabilities[self.class]));
        }
        let of_planes = found.iter().zip(probabilities.chunks(3));
        let mut scored: Vec<Scored> = of_planes
            .map(|(candidate, planes)| Scored {
                candidate: *candidate,
                probability: Some(planes.iter().sum::<f32>() / planes.len() as f32),
            })
            .filter(|one| one.probability.is_some_and(|probability| probability >= self.least))
            .collect();
        scored.sort_by(|a, b| b.probability.unwrap_or(0.0).total_cmp(&a.probability.unwrap_or(0.0)));
        Ok(scored)
    }

    /// A plane as the network sees it: a picture of 8 bits, as it learned from, through the bundle's chain.
    fn input(&self, plane: Array2<f32>) -> Result<Array3<f32>, Verdict> {
        let (rows, columns) = plane.dim();
        let [black, white] = PICTURE_HU;
        let gray = plane.mapv(|hu| ((hu - black) / (white - black) * 255.0).clamp(0.0, 255.0).floor());
        let picture = Grid::of_picture(rows, columns)
            .map_err(NoduleError::from)
            .and_then(|grid| Ok(Volume::new(grid, gray.insert_axis(Axis(0)))?))
            .map_err(|error| refused(&error))?;
        let seen = self.chain.run(picture, &Processor::Cpu).map_err(|error| verdict_of(&error))?;
        Ok(seen.into_parts().1)
    }
}

fn no_lungs(error: &LungsError) -> Verdict {
    Verdict::NotEvaluable(Reason::new(Code::NoAnatomy, error.to_string()))
}

fn refused(error: &NoduleError) -> Verdict {
    Verdict::NotEvaluable(Reason::new(Code::NoAnatomy, error.to_string()))
}

fn failed(error: &PredictError) -> Verdict {
    Verdict::NotEvaluable(Reason::new(Code::Device, error.to_string()))
}
