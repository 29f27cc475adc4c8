//! Phantom series to observations with the shipped bundle: on one thread and on all, and beside the sum of
//! its stages, each run by itself.
//!
//! `cargo bench --bench pipeline`

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

mod common;

use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::PathBuf;

use common::{compare, phantom, pool, work};
use pulmo::bundle::embedded;
use pulmo::engine::Engine;
use pulmo::findings::Observation;
use pulmo::intake::{Item, ReadSettings, find};
use pulmo::network::Compute;
use pulmo::predict::Predictor;
use pulmo::preprocess::Processor;
use pulmo::volume::Volume;

const STUDIES: usize = 4;

fn loaded(item: &Item) -> Volume {
    item.load(&ReadSettings::default()).unwrap().volume
}

fn observed(observation: Observation) -> ControlFlow<()> {
    black_box(observation);
    ControlFlow::Continue(())
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    for index in 0..STUDIES {
        phantom(index).write(&folder.path().join(format!("{index}"))).unwrap();
    }
    let bundle = embedded().unwrap();
    let compute = Compute::cpu();
    let paths: Vec<PathBuf> = vec![folder.path().to_path_buf()];
    let engine = Engine::new(&bundle, &compute);
    let predictor = Predictor::new(&bundle, &compute);
    let chain = &bundle.manifest().chain;
    let items = find(&paths);
    let volumes: Vec<Volume> = items.iter().map(loaded).collect();
    let ready: Vec<Volume> =
        volumes.iter().map(|volume| chain.run(volume.clone(), &Processor::Cpu).unwrap()).collect();
    let (one, all) = (pool(1), pool(0));
    let whole = || assert_eq!(engine.run(&paths, observed), STUDIES);
    compare(
        &format!("pipeline, {STUDIES} studies like {:?}", volumes[0].grid().shape_zyx()),
        (STUDIES as f64, "studies"),
        vec![
            work("path to observation, 1 thread", || one.install(whole)),
            work("path to observation, all threads", || all.install(whole)),
            work("stage: find", || drop(black_box(find(&paths)))),
            work("stage: load", || items.iter().for_each(|item| drop(black_box(loaded(item))))),
            work("stage: preprocess", || {
                volumes.iter().for_each(|volume| {
                    drop(black_box(chain.run(volume.clone(), &Processor::Cpu).unwrap()));
                });
            }),
            work("stage: forward", || {
                ready
                    .iter()
                    .for_each(|volume| drop(black_box(predictor.predict(&[volume.voxels()]).unwrap())));
            }),
        ],
    );
}
