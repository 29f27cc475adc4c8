//! Tests that need an adapter, in one program: a software one will do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

mod augment;
mod bridge;
mod domain;
mod heat;
mod large;
mod passes;
mod preprocess;
mod safety;
mod training;

use pulmo::gpu::Choice;
use pulmo::network::Compute;

/// A GPU, real or software. `None`, said loudly, where there is none and none is required.
fn opened() -> Option<Compute> {
    let found = [Choice::Gpu, Choice::Software].into_iter().find_map(|choice| Compute::open(choice).ok());
    if found.is_none() {
        assert!(std::env::var_os("PULMO_REQUIRE_GPU").is_none_or(|value| value != "1"), "no adapter");
        eprintln!("SKIPPED: no adapter, neither a GPU nor a software one");
    }
    found
}
