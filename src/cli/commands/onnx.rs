//! `pulmo onnx`.

use super::shared::open_bundle;
use crate::cli::args::OnnxArgs;
use crate::cli::{Exit, output, printer};
use crate::onnx::OPSET;

pub(super) fn run(args: &OnnxArgs) -> anyhow::Result<Exit> {
    let model = open_bundle(args.bundle.as_deref())?.to_onnx()?;
    output::write_file(&args.out, &model)?;
    printer::say(&format!("model: {} (ONNX opset {OPSET}, {} bytes)", args.out.display(), model.len()));
    Ok(Exit::Done)
}
