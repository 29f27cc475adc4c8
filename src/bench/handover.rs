//! From preprocessing to the network on a GPU: left on the device, or through the host.

use burn::tensor::Tensor;

use super::clock::median_seconds;
use super::steps::volume;
use super::{BenchError, BenchSettings, HandoverRow};
use crate::bundle::Bundle;
use crate::network::Compute;
use crate::network::{Bags, read_tensor};
use crate::preprocess::{Chain, PreprocessError, Processor};

/// A chain that leaves the network a 224 x 224 image of each slice.
const CHAIN: &str = "[[step]]\nkind = \"window\"\ncenter_hu = -600.0\nwidth_hu = 1500.0\n\n\
                     [[step]]\nkind = \"resize\"\nshape = [0, 224, 224]\n";

/// Measures both ways; `None` on the CPU, where there is nothing to hand over.
pub(super) fn measure(
    bundle: &Bundle,
    compute: &Compute,
    settings: &BenchSettings,
) -> Result<Option<HandoverRow>, BenchError> {
    let Some(gpu) = compute.gpu() else { return Ok(None) };
    let chain: Chain = toml::from_str(CHAIN)?;
    let volume =
        volume(settings.volume_zyx).map_err(|problem| PreprocessError { step: 0, kind: "bench", problem })?;
    let config = bundle.network_config();
    // The sum makes both wait for the network's input without reading it back.
    let done = |images: Tensor<4>| -> Result<(), BenchError> {
        read_tensor(images.sum())?;
        Ok(())
    };
    let on_device = median_seconds(settings.runs, || {
        let resident = chain.run_resident(&volume, gpu)?;
        let arrays = [(&resident.values, resident.grid.shape_zyx())];
        done(Bags::resident(&arrays, config, compute)?.images)
    })?;
    let processor = Processor::Gpu(gpu.clone());
    let through_host = median_seconds(settings.runs, || {
        let array = chain.run(volume.clone(), &processor)?.into_parts().1;
        done(Bags::new(&[&array], config, compute.device())?.images)
    })?;
    Ok(Some(HandoverRow { on_device_ms: 1000.0 * on_device, through_host_ms: 1000.0 * through_host }))
}
