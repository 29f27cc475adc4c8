//! The shipped network on the CPU: images one by one and in a batch, on noise.
//!
//! `cargo bench --bench forward`

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

mod common;

use std::hint::black_box;

use common::{compare, work};
use ndarray::Array3;
use pulmo::predict::Predictor;
use pulmo::random::Random;

const IMAGES: usize = 8;
const SIDE: usize = 224;

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is meant")]
fn main() {
    let bundle = pulmo::bundle::embedded().unwrap();
    let predictor = Predictor::on_cpu(&bundle);
    let mut random = Random::new(1);
    let mut noise =
        |slices| Array3::from_shape_simple_fn((slices, SIDE, SIDE), || random.uniform(0.0, 1.0) as f32);
    let singles: Vec<Array3<f32>> = (0..IMAGES).map(|_| noise(1)).collect();
    let study = noise(IMAGES);
    let batch: Vec<&Array3<f32>> = singles.iter().collect();
    compare(
        &format!("forward, {}, {IMAGES} images of {SIDE} x {SIDE}", bundle.manifest().name),
        (IMAGES as f64, "images"),
        vec![
            work("one by one", || {
                singles.iter().for_each(|image| drop(black_box(predictor.predict(&[image]).unwrap())));
            }),
            work("in one batch", || drop(black_box(predictor.predict(&batch).unwrap()))),
            work("as one study", || drop(black_box(predictor.predict(&[&study]).unwrap()))),
        ],
    );
}
