//! Heat maps are the same on the adapter.

use burn::module::Module;
use ndarray::Array3;
use pulmo::network::Compute;
use pulmo::network::{Bags, EncoderConfig, Network, NetworkConfig, NetworkKind, Pooling, ResidualConfig};
use pulmo::random::Random;

use super::opened;

#[test]
fn evidence_is_that_of_the_cpu() {
    let Some(compute) = opened() else { return };
    let encoder = EncoderConfig::Residual(ResidualConfig {
        widths: vec![4, 8],
        depths: vec![1, 1],
        pooling: Pooling::AverageMax,
        ..ResidualConfig::default()
    });
    let config =
        NetworkConfig { kind: NetworkKind::Mil, encoder, neighbours: 0, attention_units: 4, dropout: 0.0 };
    let network = Network::new(&config, 2, 3).unwrap();
    let mut random = Random::new(5);
    let volume = Array3::from_shape_fn((3, 16, 16), |_| random.normal() as f32);
    let on = |compute: &Compute| {
        let bag = Bags::new(&[&volume], &config, compute.device()).unwrap();
        network.clone().to_device(compute.device()).evidence(bag, 1, 2).unwrap()
    };
    let (cpu, gpu) = (on(&Compute::cpu()), on(&compute));
    assert_eq!(cpu.placement, gpu.placement);
    let size = cpu.cells.iter().fold(0.0, |most: f32, cell| most.max(cell.abs()));
    assert!(size > 1e-3);
    for (cpu, gpu) in cpu.cells.iter().zip(&gpu.cells) {
        // f32 convolutions summed in another order; the maxima lie clearly apart.
        assert!((cpu - gpu).abs() < 1e-4 * size, "{cpu} {gpu} of {size}");
    }
}
