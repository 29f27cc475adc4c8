//! Every step on the CPU, on a phantom: on one thread and on all, beside a plain copy of the volume, which
//! each step must at least make (and which is in the times of all).
//!
//! `cargo bench --bench preprocess`

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

mod common;

use std::hint::black_box;

use common::{compare, phantom, pool, work};
use pulmo::preprocess::{Chain, Processor};
use pulmo::volume::Volume;

const STEPS: [(&str, &str); 12] = [
    ("window", "kind = 'window'\ncenter_hu = -600.0\nwidth_hu = 1500.0"),
    ("crop, lungs", "kind = 'crop'\nto = { lungs = { margin_mm = 5.0 } }"),
    ("crop, center", "kind = 'crop'\nto = { center = { shape = [0, 160, 160] } }"),
    ("resample to 1 mm", "kind = 'resample'\nspacing_mm = [1.0, 1.0, 1.0]"),
    ("resample to 3 mm", "kind = 'resample'\nspacing_mm = [3.0, 3.0, 3.0]"),
    ("resample to 1 mm, cubic", "kind = 'resample'\nspacing_mm = [1.0, 1.0, 1.0]\ninterpolation = 'cubic'"),
    ("gaussian, 1 mm", "kind = 'gaussian'\nsigma_mm = [1.0, 1.0, 1.0]"),
    ("rotate about z", "kind = 'rotate'\ndegrees = 7.0\nfill = -1000.0"),
    ("rotate about x", "kind = 'rotate'\ndegrees = 7.0\nfill = -1000.0\naxis = 'x'"),
    ("rotate about z, cubic", "kind = 'rotate'\ndegrees = 7.0\nfill = -1000.0\ninterpolation = 'cubic'"),
    ("median, 3 x 3", "kind = 'median'\nsize = 3"),
    ("median, 3 x 3 x 3", "kind = 'median'\nsize = 3\nneighbourhood = 'volume'"),
];

fn chain(step: &str) -> Chain {
    toml::from_str(&format!("[[step]]\n{step}")).unwrap()
}

fn run(chain: &Chain, volume: &Volume) {
    black_box(chain.run(volume.clone(), &Processor::Cpu).unwrap());
}

fn main() {
    let study = phantom(0);
    let volume = study.volume();
    let (one, all) = (pool(1), pool(0));
    let gigabytes = volume.grid().len() as f64 * 4e-9;
    for (name, step) in STEPS {
        let chain = chain(step);
        compare(
            &format!("{name}, {:?}", volume.grid().shape_zyx()),
            (gigabytes, "GB"),
            vec![
                work("1 thread", || one.install(|| run(&chain, volume))),
                work("all threads", || all.install(|| run(&chain, volume))),
                work("copy", || drop(black_box(volume.clone()))),
            ],
        );
    }
}
