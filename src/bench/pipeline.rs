//! The whole job, and where its time goes.

use std::ops::ControlFlow;
use std::time::Instant;

use super::clock::median_seconds;
use super::{BenchError, BenchSettings, PipelineRow};
use crate::bundle::Bundle;
use crate::engine::Engine;
use crate::files::TemporaryFolder;
use crate::intake::{self, ReadSettings};
use crate::network::Compute;
use crate::phantom::{Collection, PhantomSettings, write_collection};
use crate::predict::Predictor;
use crate::preprocess::Processor;

/// Seed of the studies.
const SEED: u64 = 4;

pub(super) fn measure(
    bundle: &Bundle,
    compute: &Compute,
    settings: &BenchSettings,
) -> Result<PipelineRow, BenchError> {
    let folder = TemporaryFolder::private()?;
    let collection =
        Collection { settings: PhantomSettings::default(), seed: SEED, studies: settings.studies };
    write_collection(folder.path(), &collection, |_| ())?;
    let paths = [folder.path().to_path_buf()];
    let items = intake::find(&paths);
    let engine = Engine::new(bundle, compute);
    let mut studies = 0;
    let whole = median_seconds::<BenchError>(settings.runs, || {
        studies = engine.run(&paths, |_| ControlFlow::Continue(()));
        Ok(())
    })?;

    let processor = compute.gpu().map_or(Processor::Cpu, |gpu| Processor::Gpu(gpu.clone()));
    let predictor = Predictor::new(bundle, compute);
    let (mut read, mut preprocess, mut predict, mut slices) = (0.0, 0.0, 0.0, 0);
    for item in &items {
        let mut last = Instant::now();
        let mut lap = |sum: &mut f64| {
            *sum += last.elapsed().as_secs_f64();
            last = Instant::now();
        };
        let Ok(loaded) = item.load(&ReadSettings::default()) else { continue };
        slices += loaded.volume.grid().shape_zyx()[0];
        lap(&mut read);
        let input = bundle.manifest().chain.run(loaded.volume, &processor)?.into_parts().1;
        lap(&mut preprocess);
        // What fails here failed above too and is no timing.
        if predictor.predict(&[&input]).is_ok() {
            lap(&mut predict);
        }
    }
    let sum = (read + preprocess + predict).max(f64::MIN_POSITIVE);
    Ok(PipelineRow {
        studies,
        slices,
        studies_per_s: studies as f64 / whole,
        share_read: read / sum,
        share_preprocess: preprocess / sum,
        share_predict: predict / sum,
    })
}
