//! `pulmo worker`: scores for `pulmo triage`, in a process that may be killed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use pulmo_system::{WorkerLimits, confine, peak_bytes};
use pulmo_triage::{
    Finding, FoundStudy, Method, Place, Probability, ReadStep, ScoredStudy, SeriesFinding, StudyRequest,
    StudyScorer, WirePath, WorkStage, files_of, of_place, of_places, serve,
};

use super::shared::{open_bundle, open_device_for, read_key};
use crate::bundle::sha256_hex;
use crate::cli::Exit;
use crate::cli::args::WorkerArgs;
use crate::dicom::acquired;
use crate::engine::{Engine, Outside};
use crate::findings::{Code, Observation, Pseudonyms, Verdict};
use crate::intake::{Item, Search};
use crate::key::SecretKey;

pub(super) fn run(args: &WorkerArgs) -> anyhow::Result<Exit> {
    // the text of a panic may hold what was read
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or(String::new(), ToString::to_string);
        crate::cli::printer::say(&format!("panicked at {place}"));
    }));
    let key = read_key(&args.key_file)?;
    let bundle = open_bundle(args.bundle.as_deref())?;
    let compute = open_device_for(&bundle, args.device)?;
    // drivers of GPUs reserve more than they use
    let memory = args.memory_mib.filter(|_| compute.gpu().is_none());
    confine(WorkerLimits { memory_bytes: memory.map(|mib| mib << 20) });
    let outside = args.outside.outside();
    let engine = Engine::new(&bundle, &compute).with_key(key.clone()).with_outside(outside);
    let scorer = BundleScorer { engine, outside, key };
    serve(BufReader::new(std::io::stdin()), std::io::stdout(), &scorer)?;
    Ok(Exit::Done)
}

struct BundleScorer {
    engine: Engine,
    outside: Outside,
    key: SecretKey,
}

/// A series, read and, where the CPU does that, preprocessed.
type ReadSeries = crate::engine::Ready;

impl StudyScorer for BundleScorer {
    type Series = ReadSeries;
    type Seen = Observation;

    fn method(&self) -> Method {
        let (manifest, provenance) = (self.engine.manifest(), self.engine.provenance());
        let hash = |json: serde_json::Result<Vec<u8>>| sha256_hex(&json.unwrap_or_default());
        let map = manifest.calibration.as_ref().map(|calibration| &calibration.map);
        let domain = manifest.domain_sha256().map(|sha256| (sha256, self.outside == Outside::Refuse));
        Method {
            bundle: manifest.name.clone(),
            weights_sha256: manifest.weights_sha256.clone(),
            chain_sha256: hash(serde_json::to_vec(&manifest.chain)),
            decision_sha256: hash(serde_json::to_vec(&(map, manifest.threshold, domain))),
            pulmo: provenance.pulmo.clone(),
            device: provenance.device.clone(),
        }
    }

    fn list(&self, place: &Place) -> Vec<FoundStudy> {
        let mut studies: BTreeMap<String, BTreeSet<PathBuf>> = BTreeMap::new();
        let mut refused = BTreeSet::new();
        for item in Search::of_files(files_of(place)) {
            match self.name(&item, place) {
                Some(name) => studies.entry(name).or_default().extend(names_of(&item)),
                None => refused.extend(names_of(&item)),
            }
        }
        if studies.len() != 1 && !refused.is_empty() {
            studies.insert(self.folder_name(place), refused);
        }
        let is_alone = studies.len() == 1;
        let found = |(study, names): (String, BTreeSet<PathBuf>)| {
            let names = (!is_alone).then(|| names.iter().map(|name| WirePath::of(name)).collect());
            let part = Place { names, ..place.clone() };
            FoundStudy { study, fingerprint: of_place(&part, &self.key), names: part.names }
        };
        studies.into_iter().map(found).collect()
    }

    fn read(&self, request: &StudyRequest, tell: &mut dyn FnMut(ReadStep<ReadSeries>)) -> String {
        tell(ReadStep::Stage(WorkStage::List));
        let fingerprint = of_places(request.places.iter().map(|place| of_place(place, &self.key)).collect());
        for item in Search::of_files(request.places.iter().flat_map(files_of).collect()) {
            if self.is_of(&item, request) {
                tell(ReadStep::Stage(WorkStage::Read));
                let loaded = self.engine.load(&item);
                tell(ReadStep::Stage(WorkStage::Preprocess));
                tell(ReadStep::Series(self.engine.ready(item.path.clone(), loaded)));
            }
        }
        fingerprint
    }

    /// As `pulmo predict` does, step by step.
    fn judge(&self, series: ReadSeries) -> Observation {
        self.engine.judge_one(self.engine.see(series))
    }

    fn sum_up(&self, fingerprint: String, seen: Vec<Observation>) -> ScoredStudy {
        let times = seen.iter().filter_map(|seen| acquired(seen.origin.identity.as_ref()?));
        let acquired = times.min();
        ScoredStudy { fingerprint, finding: self.finding(&seen), acquired, peak_bytes: peak_bytes() }
    }
}

impl BundleScorer {
    /// The name of the study that an item belongs to, or of the item where it is no study's; `None` of a file that
    /// is refused.
    fn name(&self, item: &Item, place: &Place) -> Option<String> {
        let of_series = item.series().and_then(|series| {
            series.slices.iter().find_map(|slice| slice.header.patient_study.study_bytes())
        });
        if let Some([patient, issuer, study]) = of_series {
            return Some(self.key.name("study", &[&patient, &issuer, &study]));
        }
        if item.refusal().is_some() {
            return None;
        }
        let root = place.root.path();
        let inside = item.path.strip_prefix(&root).unwrap_or(&item.path);
        Some(self.key.name("file", &[WirePath::of(inside).as_str().as_bytes()]))
    }

    /// The name of what is refused in a folder.
    fn folder_name(&self, place: &Place) -> String {
        self.key.name("folder", &[place.folder.as_str().as_bytes()])
    }

    fn is_of(&self, item: &Item, request: &StudyRequest) -> bool {
        let names = names_of(item);
        let holds = |place: &&Place| {
            let folder = place.path();
            item.archive()
                .map_or_else(|| item.path.starts_with(&folder), |archive| archive.starts_with(&folder))
        };
        let place = request.places.iter().filter(holds).max_by_key(|place| place.folder.as_str().len());
        let Some(place) = place.or(request.places.first()) else { return false };
        match self.name(item, place) {
            Some(name) => name == request.study,
            None => request.study == self.folder_name(place) || (place.names.is_none() && !names.is_empty()),
        }
    }

    /// What is said of a study, of what is said of its series: the score is that of the most urgent.
    fn finding(&self, observations: &[Observation]) -> Finding {
        let series = observations.iter().map(series_finding).collect();
        let urgency = |observation: &&Observation| {
            observation.prediction.as_ref().map_or(-1.0, |prediction| urgency_of(&prediction.probabilities))
        };
        // of equals the first
        let speaker = observations.iter().rev().max_by(|a, b| urgency(a).total_cmp(&urgency(b)));
        let Some(speaker) = speaker else {
            let verdict = Verdict::RejectFile(Code::Unreadable.into());
            return Finding { advice: advice(&verdict), ..finding_of(&verdict) };
        };
        let finding = finding_of(&speaker.verdict);
        let Some(prediction) = &speaker.prediction else {
            return Finding { series, advice: advice(&speaker.verdict), ..finding };
        };
        let SeriesFinding { class, probabilities, .. } = series_finding(speaker);
        Finding {
            class,
            probabilities,
            threshold: prediction.threshold.map(Probability),
            urgency: Some(Probability(urgency_of(&prediction.probabilities))),
            series,
            ..finding
        }
    }
}

fn finding_of(verdict: &Verdict) -> Finding {
    let (codes, messages) = (codes(verdict), messages(verdict));
    Finding { verdict: verdict.as_str().to_owned(), codes, messages, ..Finding::default() }
}

fn series_finding(observation: &Observation) -> SeriesFinding {
    let prediction = observation.prediction.as_ref();
    let Pseudonyms { subject, study, series, .. } = &observation.pseudonyms;
    let names = [("subject", subject), ("study", study), ("series", series)];
    let named = |prediction: &crate::findings::Prediction| {
        let probabilities = prediction.probabilities.iter().copied().map(Probability);
        prediction.classes.iter().cloned().zip(probabilities).collect()
    };
    SeriesFinding {
        verdict: observation.verdict.as_str().to_owned(),
        codes: codes(&observation.verdict),
        messages: messages(&observation.verdict),
        class: prediction.map(|prediction| prediction.class.clone()),
        probabilities: prediction.map(named).unwrap_or_default(),
        pseudonyms: names
            .into_iter()
            .filter_map(|(kind, name)| Some((kind.to_owned(), name.clone()?)))
            .collect(),
        day: observation.pseudonyms.day,
    }
}

fn codes(verdict: &Verdict) -> Vec<String> {
    verdict.codes().into_iter().map(|code| code.as_str().to_owned()).collect()
}

fn messages(verdict: &Verdict) -> Vec<String> {
    verdict.reasons().iter().map(|reason| reason.message.clone()).collect()
}

fn advice(verdict: &Verdict) -> Vec<String> {
    verdict.codes().into_iter().map(|code| code.advice().to_owned()).collect()
}

/// The probability that it is not the first class.
fn urgency_of(probabilities: &[f32]) -> f32 {
    match probabilities {
        [_, positive] => *positive,
        [first, ..] => 1.0 - first,
        [] => 0.0,
    }
}

/// Names of an item's files in their folders.
fn names_of(item: &Item) -> Vec<PathBuf> {
    let name = |path: &Path| path.file_name().map(PathBuf::from);
    if let Some(archive) = item.archive() {
        return name(archive).into_iter().collect();
    }
    match item.series() {
        Some(series) => {
            let slices = series.slices.iter().map(|slice| slice.path.as_path());
            let refused = series.set_aside.iter().map(|refused| refused.path.as_path());
            slices.chain(refused).filter_map(name).collect()
        }
        None => name(item.file().unwrap_or(&item.path)).into_iter().collect(),
    }
}
