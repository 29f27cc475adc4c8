//! A device that fails on purpose: coded errors, smaller batches, the CPU, and the same results.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::process::Command;

use ndarray::Array3;
use pulmo::bundle::{SelfTestError, embedded};
use pulmo::engine::Engine;
use pulmo::findings::{Cause, Prediction, Remedy, Setback, Stage};
use pulmo::gpu::{Choice, Chosen, Fault, Gpu, GpuError, Injection, Ladder, Rescued, choose};
use pulmo::intake::find;
use pulmo::network::Compute;
use pulmo::phantom::{PhantomSettings, Study};
use pulmo::predict::{PredictError, Predictor};
use pulmo::preprocess::{Chain, Processor};
use pulmo::random::Random;
use pulmo::report::observation_line;
use pulmo::train::{Event, PretrainJob, TrainError, Trained, pretrain, train};
use serde_json::{Value, json};

use super::bridge::prepared;
use super::opened;
use super::preprocess::random_volume;
use super::training::job;

/// Any adapter, real or software.
pub(super) fn found() -> Option<pulmo::gpu::Found> {
    opened()?;
    [Choice::Gpu, Choice::Software].into_iter().find_map(|choice| match choose(choice) {
        Ok(Chosen::Adapter(found)) => Some(*found),
        _ => None,
    })
}

/// What each setback was at, what was done, and why.
fn told(setbacks: &[Setback]) -> Vec<(Stage, Remedy, Cause)> {
    setbacks.iter().map(|setback| (setback.stage, setback.remedy, setback.cause)).collect()
}

fn cause_of(fault: Fault) -> Cause {
    match fault {
        Fault::OutOfMemory => Cause::OutOfMemory,
        Fault::Lost => Cause::Lost,
        Fault::Wrong => Cause::Failed,
    }
}

const CHAIN: &str = "[[step]]\nkind = 'gaussian'\nsigma_voxels = [0.0, 1.0, 1.0]\n\
                     [[step]]\nkind = 'window'\ncenter_hu = -60.0\nwidth_hu = 700.0\n";

#[test]
fn a_chain_out_of_memory_goes_to_the_cpu_with_the_same_result() {
    let Some(found) = found() else { return };
    let gpu = Gpu::open(found).unwrap();
    let chain: Chain = toml::from_str(CHAIN).unwrap();
    let volume = random_volume(&mut Random::new(1));
    let on_cpu = chain.run(volume.clone(), &Processor::Cpu).unwrap();
    for fault in [Fault::OutOfMemory, Fault::Lost] {
        gpu.inject(Injection { fault, first: 1, last: 1 });
        let processor = Processor::Gpu(gpu.clone());
        let Rescued { value, setbacks } = chain.run_anyway(volume.clone(), &processor).unwrap();
        assert_eq!(value, on_cpu);
        assert_eq!(told(&setbacks), [(Stage::Preprocess, Remedy::Cpu, cause_of(fault))]);
    }
    let error = chain.run(volume, &Processor::Gpu(gpu)).unwrap_err();
    assert_eq!(error.code(), Some(pulmo::findings::Code::Device), "{error}");
}

/// A process of its own, whose device nobody else uses, runs the test `name` of this file.
fn alone(name: &str) {
    if opened().is_none() {
        return;
    }
    let this = std::env::current_exe().unwrap();
    let child =
        Command::new(this).args(["--ignored", "--exact", &format!("safety::{name}")]).output().unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&child.stderr)
    );
}

#[test]
fn a_device_that_computes_a_pass_wrongly_is_found_out() {
    alone("alone_a_device_that_computes_a_pass_wrongly_is_found_out");
}

/// Each run of the passes, computed wrongly, is found before the first study; the driver reports nothing.
#[test]
#[ignore = "makes the process's device compute wrongly; another test runs it in a process of its own"]
fn alone_a_device_that_computes_a_pass_wrongly_is_found_out() {
    let Some(compute) = opened() else { return };
    let gpu = compute.gpu().unwrap();
    let bundle = embedded().unwrap();
    // The chain runs twice on the device: before it looks for the lungs, and after.
    for (first, last, named) in [(1, u64::MAX, 0), (1, 1, 5), (2, 2, 5)] {
        gpu.inject(Injection { fault: Fault::Wrong, first, last });
        let found = bundle.self_test(&compute);
        assert!(
            matches!(found, Err(SelfTestError::Voxels { step, .. }) if step == named),
            "{first}: {found:?}"
        );
    }
    gpu.inject(Injection { fault: Fault::Wrong, first: u64::MAX, last: u64::MAX });
    bundle.self_test(&compute).unwrap();
}

#[test]
fn the_program_refuses_a_device_that_computes_wrongly_by_name() {
    let Some(compute) = opened() else { return };
    let study = tempfile::tempdir().unwrap();
    Study::generate(&PhantomSettings::default(), 1, 0).unwrap().write(study.path()).unwrap();
    let device = if compute.gpu().unwrap().report().is_software() { "software" } else { "gpu" };
    let output = Command::new(program())
        .args(["predict", "--device", device])
        .arg(study.path())
        .env("PULMO_INJECT", "wrong:1..")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let refusal = format!("{} is not used: it preprocesses wrongly", compute.name());
    assert!(said.contains(&refusal) && output.status.success(), "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"device\":\"cpu\""));
}

/// The program under test; where the tests run on another machine than they were built on, `PULMO_PROGRAM` names it.
fn program() -> OsString {
    std::env::var_os("PULMO_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_pulmo").into())
}

fn close(a: &[Prediction], b: &[Prediction]) -> bool {
    let near = |(a, b): (&Prediction, &Prediction)| {
        a.class == b.class && a.probabilities.iter().zip(&b.probabilities).all(|(a, b)| (a - b).abs() < 1e-3)
    };
    a.len() == b.len() && a.iter().zip(b).all(near)
}

/// The rest runs in a process of its own, whose device nobody else uses: burn's can only be lost for good.
#[test]
fn predictions_survive_a_device_that_fails() {
    alone("alone_predictions_survive_a_device_that_fails");
}

#[test]
#[ignore = "destroys the process's device; another test runs it in a process of its own"]
#[expect(clippy::too_many_lines, reason = "one device, which fails step by step and is lost at the end")]
fn alone_predictions_survive_a_device_that_fails() {
    let Some(compute) = opened() else { return };
    let gpu = compute.gpu().unwrap().clone();
    let bundle = embedded().unwrap();
    let predictor = Predictor::new(&bundle, &compute);
    let (hosts, residents) = prepared(&compute, 3);
    let volumes: Vec<_> = hosts.iter().collect();
    let on_cpu = predictor.moved_to_cpu().predict(&volumes).unwrap();
    let oom = Injection { fault: Fault::OutOfMemory, first: 1, last: 1 };
    let fallback = predictor.moved_to_cpu();
    // The setbacks of each volume.
    let run = |injection: Injection| {
        gpu.inject(injection);
        let ladder = Ladder {
            stage: Stage::Predict,
            device: &|batch: &[&Array3<f32>]| predictor.predict(batch),
            cpu: &|batch: &[&Array3<f32>]| fallback.predict(batch),
        };
        let done: Vec<_> = ladder.each(&volumes).into_iter().map(Result::unwrap).collect();
        let predictions: Vec<_> = done.iter().map(|done| done.value.clone()).collect();
        assert!(close(&predictions, &on_cpu), "{injection:?}: {predictions:?} {on_cpu:?}");
        done.iter().map(|done| told(&done.setbacks)).collect::<Vec<_>>()
    };
    let halved = |volumes| (Stage::Predict, Remedy::Halved { volumes }, Cause::OutOfMemory);
    let by_cpu = |cause| (Stage::Predict, Remedy::Cpu, cause);
    assert_eq!(run(oom), [vec![halved(3)], vec![halved(3)], vec![halved(3)]]);
    // The first half, of one volume, fails too; or else the second, of two.
    assert_eq!(
        run(Injection { last: 2, ..oom }),
        [vec![halved(3), by_cpu(Cause::OutOfMemory)], vec![halved(3)], vec![halved(3)]]
    );
    let nothing_fits = Injection { last: u64::MAX, ..oom };
    let of_two = vec![halved(3), halved(2), by_cpu(Cause::OutOfMemory)];
    assert_eq!(run(nothing_fits), [vec![halved(3), by_cpu(Cause::OutOfMemory)], of_two.clone(), of_two]);

    let study = tempfile::tempdir().unwrap();
    Study::generate(&PhantomSettings::default(), 1, 0).unwrap().write(study.path()).unwrap();
    let item = find(&[study.path().to_path_buf()]).remove(0);
    let expected = Engine::new(&bundle, &Compute::cpu()).observe(&item);
    assert_eq!(expected.setbacks, []);
    let engine = Engine::new(&bundle, &compute).with_heat_maps().unwrap();
    let rescued = |causes: [Cause; 3]| {
        let observation = engine.observe(&item);
        assert_eq!(observation.provenance.device, "cpu");
        assert_eq!((&observation.prediction, observation.verdict.codes()), (&expected.prediction, vec![]));
        let stages = [Stage::Preprocess, Stage::Predict, Stage::HeatMap];
        let setbacks = std::iter::zip(stages, causes).map(|(stage, cause)| (stage, Remedy::Cpu, cause));
        assert_eq!(told(&observation.setbacks), setbacks.collect::<Vec<_>>());
        assert!(observation.heat_map.is_some());
        let line: Value = serde_json::from_str(&observation_line(&observation, None)).unwrap();
        assert_eq!(
            (&line["setbacks"][1]["stage"], &line["setbacks"][1]["kind"]),
            (&json!("predict"), &json!("cpu"))
        );
    };
    // The fault of before still holds: nothing fits into the device.
    rescued([Cause::OutOfMemory; 3]);
    // One fault that the device survives: what comes after it is the device's again.
    let at = |first: u64| {
        gpu.inject(Injection { first, last: first, ..oom });
        let observation = engine.observe(&item);
        assert!(observation.prediction.is_some() && observation.heat_map.is_some());
        (told(&observation.setbacks), observation.provenance.device)
    };
    let name = compute.name().to_owned();
    assert_eq!(at(1), (vec![(Stage::Preprocess, Remedy::Cpu, Cause::OutOfMemory)], name.clone()));
    // The chain runs twice on the device, then the network, then the heat map's.
    assert_eq!(at(3), (vec![by_cpu(Cause::OutOfMemory)], "cpu".to_owned()));
    assert_eq!(at(4), (vec![(Stage::HeatMap, Remedy::Cpu, Cause::OutOfMemory)], name));

    let lost = run(Injection { fault: Fault::Lost, ..oom });
    assert_eq!(lost, vec![vec![by_cpu(Cause::Lost)]; 3]);
    let resident: Vec<_> = residents.iter().collect();
    let error = predictor.predict_resident(&resident).unwrap_err();
    assert!(matches!(error, PredictError::Device(GpuError::Lost { .. })), "{error}");
    let Err(error) = gpu.upload(&[1.0; 8]).and_then(|array| gpu.download(&array)) else { panic!("works") };
    assert!(matches!(error, GpuError::Lost { .. }), "{error}");
    assert!(close(&fallback.predict(&volumes).unwrap(), &on_cpu));
    rescued([Cause::Lost; 3]);
    let mut observations = Vec::new();
    engine.run(&[study.path().to_path_buf()], |observation| {
        observations.push(observation);
        ControlFlow::Continue(())
    });
    assert_eq!((observations.len(), &observations[0].prediction), (1, &expected.prediction));
}

#[test]
fn a_training_survives_a_device_that_fails() {
    alone("alone_a_training_survives_a_device_that_fails");
}

#[test]
#[ignore = "destroys the process's device; another test runs it in a process of its own"]
fn alone_a_training_survives_a_device_that_fails() {
    let Some(compute) = opened() else { return };
    let gpu = compute.gpu().unwrap().clone();
    let folder = tempfile::tempdir().unwrap();
    let job = |out: &str, compute: &Compute| job(folder.path(), out, compute, 2);
    let whole = train(&job("whole", &Compute::cpu()), &|_| {}).unwrap();
    // An epoch is twelve changed cases and three steps on four each, then a look at the validation cases.
    let [a_step, the_look] = [10, 16];
    let failing = |out: &str, injection: Injection| {
        let watch = |event: Event| {
            if matches!(event, Event::Epoch { row, .. } if row.epoch == 1) {
                gpu.inject(injection);
            }
        };
        let error = train(&job(out, &compute), &watch).unwrap_err();
        let TrainError::Interrupted { cause, epochs: 1, .. } = &error else {
            panic!("{injection:?}: {error}")
        };
        let expected = match injection.fault {
            Fault::OutOfMemory => matches!(cause, GpuError::OutOfMemory { .. }),
            Fault::Lost => matches!(cause, GpuError::Lost { .. }),
            Fault::Wrong => false,
        };
        assert!(expected, "{injection:?}: {error}");
        assert_eq!(error.code(), Some(pulmo::findings::Code::Device));
        let said = error.to_string();
        assert!(said.starts_with("DEVICE: ") && said.contains("epoch 1 is kept in"), "{said}");
        assert!(said.contains("the same command goes on, also with --device cpu"), "{said}");
        assert!(folder.path().join(out).join("checkpoints/epoch-000001/state.toml").is_file());
    };
    let goes_on = |out: &str, compute: &Compute| {
        let trained = train(&job(out, compute), &|_| {}).unwrap();
        let losses = |trained: &Trained| trained.history.iter().map(|row| row.loss).collect::<Vec<_>>();
        // The tolerance of `three_steps_agree_with_the_cpu`, twice over.
        let near = losses(&trained).iter().zip(losses(&whole)).all(|(a, b)| (a - b).abs() < 2e-2);
        assert!(near && trained.history.len() == 2, "{out}: {:?} {:?}", trained.history, whole.history);
    };
    for (out, place) in [("step", a_step), ("look", the_look)] {
        failing(out, Injection { fault: Fault::OutOfMemory, first: place, last: place });
    }
    goes_on("step", &compute);
    a_pre_training_survives(folder.path(), &compute);
    failing("lost", Injection { fault: Fault::Lost, first: a_step, last: a_step });
    goes_on("lost", &Compute::cpu());
}

/// A pre-training that runs out of memory in its second epoch keeps the first, and goes on.
fn a_pre_training_survives(folder: &std::path::Path, compute: &Compute) {
    let gpu = compute.gpu().unwrap();
    let of = |compute: &Compute, out: &str| {
        let job = job(folder, out, compute, 2);
        PretrainJob {
            recipe: job.recipe,
            cases: job.cases,
            out: job.out,
            compute: compute.clone(),
            partial: job.partial,
        }
    };
    let whole = pretrain(&of(&Compute::cpu(), "views-whole"), &|_| {}).unwrap();
    let watch = |event: Event| {
        if matches!(event, Event::Epoch { row, .. } if row.epoch == 1) {
            gpu.inject(Injection { fault: Fault::OutOfMemory, first: 2, last: 2 });
        }
    };
    let error = pretrain(&of(compute, "views"), &watch).unwrap_err();
    let TrainError::Interrupted { cause: GpuError::OutOfMemory { .. }, epochs: 1, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(error.code(), Some(pulmo::findings::Code::Device));
    let again = pretrain(&of(compute, "views"), &|_| {}).unwrap();
    assert_eq!(again.history.len(), 2);
    // The tolerance of `goes_on`.
    let near = again.history.iter().zip(&whole.history).all(|(a, b)| (a.loss - b.loss).abs() < 2e-2);
    assert!(near, "{:?} {:?}", again.history, whole.history);
}
