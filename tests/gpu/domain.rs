//! What is like a bundle's training does not depend on what computes: the same verdicts, with the same figures.

use std::path::Path;

use pulmo::bundle::embedded;
use pulmo::engine::{Engine, Outside};
use pulmo::findings::Observation;
use pulmo::network::Compute;
use pulmo::phantom::{PhantomSettings, Study};
use pulmo::predict::Predictor;
use pulmo::preprocess::Processor;
use pulmo::volume::Volume;

use super::opened;

/// A thin study, and the same with its lungs filled, so that it is unlike.
fn studies() -> [Volume; 2] {
    let settings =
        PhantomSettings { matrix: Some(128), slice_spacing_mm: Some(10.0), ..PhantomSettings::default() };
    let like = Study::generate(&settings, 5, 0).unwrap().volume().clone();
    let filled = like.clone().map(|hu| if hu < -700.0 { -400.0 } else { hu });
    [like, filled]
}

/// What is said of each study, and why it is outside; refused or not, the reasons are the same.
fn verdicts(compute: &Compute) -> Vec<Observation> {
    let engine = Engine::new(&embedded().unwrap(), compute).with_outside(Outside::Warn);
    studies().map(|study| engine.observe_volume(Path::new("a"), study)).to_vec()
}

#[test]
fn verdicts_are_those_of_the_cpu() {
    let Some(compute) = opened() else { return };
    let told = |seen: &Observation| -> Vec<String> {
        seen.verdict.reasons().iter().map(ToString::to_string).collect()
    };
    for (cpu, device) in verdicts(&Compute::cpu()).iter().zip(&verdicts(&compute)) {
        assert_eq!(cpu.verdict.as_str(), device.verdict.as_str());
        assert_eq!(told(cpu), told(device));
    }
}

/// Sums of 32 bits in another order: far below what lies between a limit and the cases it is made of.
#[test]
fn distances_are_those_of_the_cpu() {
    let Some(compute) = opened() else { return };
    let bundle = embedded().unwrap();
    let space = &bundle.domain().unwrap().spaces()[0];
    let [study, _] = studies();
    let seen = bundle.manifest().chain.run(study, &Processor::Cpu).unwrap().into_parts().1;
    let [cpu, device] = [&Compute::cpu(), &compute].map(|compute| {
        let answer = Predictor::new(&bundle, compute).answer(&[&seen]).unwrap().remove(0);
        space.distance(&answer.features[0])
    });
    assert!((cpu - device).abs() < 1e-3 * cpu, "{cpu} {device}");
}
