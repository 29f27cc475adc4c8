//! What preprocessing leaves on the device becomes the network's batch without passing the host: the
//! same tensor, bit for bit, as by way of the host.

use burn::tensor::Tensor;
use ndarray::Array3;
use pulmo::bundle::Axis;
use pulmo::gpu::GpuError;
use pulmo::network::Compute;
use pulmo::network::{Bags, EncoderConfig, NetworkConfig, NetworkKind, ResidualConfig, read_tensor};
use pulmo::predict::Predictor;
use pulmo::preprocess::{Chain, Processor, Resident};
use pulmo::random::Random;
use pulmo::volume::Volume;

use super::opened;
use super::preprocess::random_volume;

/// Volumes preprocessed to one height and width, by way of the host and left on the device.
pub(super) fn prepared(compute: &Compute, count: usize) -> (Vec<Array3<f32>>, Vec<Resident>) {
    let steps = "[[step]]\nkind = 'window'\ncenter_hu = -60.0\nwidth_hu = 700.0\n\
                 [[step]]\nkind = 'resize'\nshape = [0, 18, 14]\n";
    let chain: Chain = toml::from_str(steps).unwrap();
    let gpu = compute.gpu().unwrap();
    let mut random = Random::new(count as u64);
    let volumes: Vec<Volume> = (0..count).map(|_| random_volume(&mut random)).collect();
    let by_host =
        |volume: &Volume| chain.run(volume.clone(), &Processor::Gpu(gpu.clone())).unwrap().into_parts().1;
    let resident = |volume: &Volume| chain.run_resident(volume, gpu).unwrap();
    (volumes.iter().map(by_host).collect(), volumes.iter().map(resident).collect())
}

fn config(neighbours: usize) -> NetworkConfig {
    NetworkConfig {
        kind: NetworkKind::Mil,
        encoder: EncoderConfig::Residual(ResidualConfig {
            widths: vec![4],
            depths: vec![1],
            stem_kernel: 3,
            stem_stride: 1,
            ..ResidualConfig::default()
        }),
        neighbours,
        attention_units: 4,
        dropout: 0.0,
    }
}

/// Both batches of the same volumes, as bits.
fn batches(compute: &Compute, neighbours: usize) -> [(Vec<u32>, Vec<usize>, [usize; 4]); 2] {
    let (hosts, residents) = prepared(compute, 3);
    let arrays: Vec<_> = residents.iter().map(|r| (&r.values, r.grid.shape_zyx())).collect();
    let config = config(neighbours);
    let by_host = Bags::new(&hosts.iter().collect::<Vec<_>>(), &config, compute.device()).unwrap();
    let resident = Bags::resident(&arrays, &config, compute).unwrap();
    [by_host, resident].map(|bags| {
        let shape = bags.images.dims();
        let values = read_tensor(bags.images).unwrap();
        (values.into_iter().map(f32::to_bits).collect(), bags.counts, shape)
    })
}

#[test]
fn a_resident_batch_is_the_batch_by_way_of_the_host_bit_for_bit() {
    let Some(compute) = opened() else { return };
    for neighbours in [0, 1, 2] {
        let [by_host, resident] = batches(&compute, neighbours);
        assert!(by_host == resident, "{neighbours} neighbours");
    }
}

#[test]
fn tensors_keep_their_values_among_other_work_of_burn_on_several_threads() {
    let Some(compute) = opened() else { return };
    let work = |seed: u64| {
        let gpu = compute.gpu().unwrap();
        let mut random = Random::new(seed);
        for round in 0..6 {
            let values: Vec<f32> = (0..3_001).map(|_| random.uniform(-9.0, 9.0) as f32).collect();
            // Work recorded and dropped unread, so that burn hands its memory to the next tensor.
            let busy = Tensor::<1>::full([3_001], round as f32, compute.device()) * 3.0 + 1.0;
            let kept = busy.clone() * 2.0;
            drop(busy);
            let (first, rest) = values.split_at(1_000);
            let (first, rest) = (gpu.upload(first).unwrap(), gpu.upload(rest).unwrap());
            let tensor = compute.tensor_of(&[&first, &rest], [3_001]).unwrap();
            assert_eq!(read_tensor(tensor.clone()).unwrap(), values);
            let sum: Vec<f32> = values.iter().map(|value| value + (round as f32 * 3.0 + 1.0) * 2.0).collect();
            assert_eq!(read_tensor(tensor + kept).unwrap(), sum);
        }
    };
    std::thread::scope(|scope| (0..3).for_each(|seed| _ = scope.spawn(move || work(seed))));
}

#[test]
fn shapes_that_do_not_fit_and_the_cpu_are_refused() {
    let Some(compute) = opened() else { return };
    let array = compute.gpu().unwrap().upload(&[1.0, 2.0]).unwrap();
    for (compute, shape) in [(&compute, [3]), (&compute, [0]), (&Compute::cpu(), [2])] {
        let refused = compute.tensor_of(&[&array], shape);
        assert!(matches!(refused, Err(GpuError::Failed { .. })), "{refused:?}");
    }
}

#[test]
fn resident_volumes_are_classified_as_those_by_way_of_the_host() {
    let Some(compute) = opened() else { return };
    let predictor = Predictor::new(&pulmo::bundle::embedded().unwrap(), &compute);
    let (hosts, residents) = prepared(&compute, 2);
    let by_host = predictor.predict(&hosts.iter().collect::<Vec<_>>()).unwrap();
    let resident = predictor.predict_resident(&residents.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(by_host, resident);
}

#[test]
fn mirror_images_are_made_on_the_device() {
    let Some(compute) = opened() else { return };
    let axes = [Axis::X, Axis::Z];
    let predictor = Predictor::new(&pulmo::bundle::embedded().unwrap(), &compute).with_mirrors(&axes);
    let (hosts, residents) = prepared(&compute, 2);
    let resident = predictor.predict_resident(&residents.iter().collect::<Vec<_>>()).unwrap();
    let hosts: Vec<_> = hosts.iter().collect();
    assert_eq!(predictor.predict(&hosts).unwrap(), resident);
    let on_cpu = predictor.moved_to_cpu().predict(&hosts).unwrap();
    for (cpu, gpu) in on_cpu.iter().zip(&resident) {
        assert!((cpu.probabilities[1] - gpu.probabilities[1]).abs() < 1e-3, "{cpu:?} {gpu:?}");
    }
}
