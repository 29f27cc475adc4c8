//! One chest through every way in gives one tensor and one score of the shipped bundle.

use std::ops::ControlFlow;
use std::path::Path;

use glam::{DAffine3, DMat3, DVec3};
use ndarray::Array3;
use pulmo::bundle::{self, Bundle};
use pulmo::engine::Engine;
use pulmo::findings::{Prediction, Verdict};
use pulmo::geometry::Grid;
use pulmo::gpu::Choice;
use pulmo::intake::ReadSettings;
use pulmo::network::Compute;
use pulmo::phantom::{PhantomSettings, Study};
use pulmo::predict::Predictor;
use pulmo::preprocess::Processor;
use pulmo::volume::Volume;

use super::{only, ways, write_npy, zip_files};

/// Both tensors and probabilities agree within this.
const WITHIN: f32 = 1e-6;

/// A phantom with nodules, on axes and spacings that every format holds exactly: multiples of 1/64 mm.
fn chest() -> Volume {
    let settings =
        PhantomSettings { matrix: Some(128), slice_spacing_mm: Some(5.0), ..PhantomSettings::default() };
    let (grid, voxels) = Study::generate(&settings, 20_261, 1).unwrap().volume().clone().into_parts();
    let [z, y, x] = grid.spacing_mm().map(|mm| (mm * 64.0).round() / 64.0);
    let axes = DMat3::from_diagonal(DVec3::new(x, y, z));
    let patient_from_voxel = DAffine3::from_mat3_translation(axes, DVec3::new(-160.25, -171.5, -437.75));
    Volume::new(Grid::new(grid.shape_zyx(), patient_from_voxel).unwrap(), voxels).unwrap()
}

/// The tensor that the network sees, and what it says.
fn judged(bundle: &Bundle, predictor: &Predictor, volume: Volume) -> (Array3<f32>, Prediction) {
    let tensor = bundle.manifest().chain.run(volume, &Processor::Cpu).unwrap().into_parts().1;
    let prediction = predictor.predict(&[&tensor]).unwrap().remove(0);
    (tensor, prediction)
}

fn apart<'a>(a: impl IntoIterator<Item = &'a f32>, b: impl IntoIterator<Item = &'a f32>) -> f32 {
    std::iter::zip(a, b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// The same voxels and spacing as `.npy`, whose spacing is set, and as `.npz`, which holds it.
fn arrays(root: &Path, volume: &Volume) -> [(&'static str, Volume); 2] {
    let [npy, spacing, npz] = ["a.npy", "spacing.npy", "a.npz"].map(|name| root.join(name));
    let spacing_mm = volume.grid().spacing_mm();
    write_npy(&npy, &volume.grid().shape_zyx(), volume.as_slice()).unwrap();
    write_npy(&spacing, &[3], &spacing_mm.map(|mm| mm as f32)).unwrap();
    zip_files(&npz, &[("arr_0.npy".into(), npy.clone()), ("spacing.npy".into(), spacing)]);
    let settings = ReadSettings { npy_spacing_mm: Some(spacing_mm), ..ReadSettings::default() };
    [("npy", npy), ("npz", npz)].map(|(name, path)| (name, only(&path).load(&settings).unwrap().volume))
}

#[test]
fn every_way_in_gives_one_tensor_and_one_score() {
    let root = tempfile::tempdir().unwrap();
    // The forged chest is unlike the phantoms that the shipped bundle knows.
    let bundle = bundle::embedded().unwrap().with_domain(None).unwrap();
    let compute = Compute::open(Choice::Cpu).unwrap();
    let (engine, predictor) = (Engine::new(&bundle, &compute), Predictor::new(&bundle, &compute));
    let volume = chest();
    let (tensor, expected) = judged(&bundle, &predictor, volume.clone());
    let assert_same = |name: &str, found: Volume| {
        assert_eq!(found.voxels(), volume.voxels(), "{name}");
        let (found, prediction) = judged(&bundle, &predictor, found);
        assert_eq!(found.dim(), tensor.dim(), "{name}");
        assert!(apart(&found, &tensor) <= WITHIN, "{name}: tensors {} apart", apart(&found, &tensor));
        let scores = apart(&prediction.probabilities, &expected.probabilities);
        assert!(scores <= WITHIN, "{name}: scores {scores} apart");
    };
    for (name, path) in ways(root.path(), &volume) {
        assert_same(name, only(&path).load(&ReadSettings::default()).unwrap().volume);
        let mut observations = Vec::new();
        engine.run(std::slice::from_ref(&path), |observation| {
            observations.push(observation);
            ControlFlow::Continue(())
        });
        let observation = observations.pop().unwrap();
        assert_eq!((observation.verdict, observations.len()), (Verdict::Ok, 0), "{name}");
        let scores = apart(&observation.prediction.unwrap().probabilities, &expected.probabilities);
        assert!(scores <= WITHIN, "{name}: scores {scores} apart");
    }
    for (name, found) in arrays(root.path(), &volume) {
        assert_same(name, found);
    }
}
