//! Arguments of `onnx`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

/// Shown below the options.
const HELP: &str = "\
The model takes `voxels`, float32 of shape [cases, slices, rows, columns]: what `pulmo preprocess --chain BUNDLE/bundle.toml
--out x.npy` writes, with an axis for several cases in front (one slice each for a bundle of kind `slice`). It gives `logits`
and `probabilities`, [cases, classes], calibrated where the bundle is, and for kind `mil` `attention`, [cases, slices]. Its
metadata `pulmo` is the bundle's capability.json: classes, threshold, preprocessing, limits. Nothing refuses scans that are
unlike the training cases: that is pulmo's part.";

#[derive(Debug, ClapArgs)]
#[command(after_help = HELP)]
pub(in crate::cli) struct OnnxArgs {
    /// Folder of the bundle; the shipped one if left out.
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// File to write, such as model.onnx.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}
