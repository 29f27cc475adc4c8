//! Training keeps its promises: the same seed gives the same weights, an interrupted run ends as an
//! uninterrupted one, what cannot be trained is refused with a reason.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use std::ops::ControlFlow;
use std::path::Path;

use image::{GrayImage, ImageBuffer, Luma};
use pulmo::cohort::{Split, read_manifest, read_unlabelled};
use pulmo::dicom::Partial;
use pulmo::engine::Engine;
use pulmo::files::write_npy;
use pulmo::metrics::best_threshold_youden;
use pulmo::network::Compute;
use pulmo::random::Random;
use pulmo::train::{
    Event, Job, LeakPolicy, PretrainJob, Pretrained, Recipe, TrainError, Trained, evaluate, pretrain, train,
};
use pulmo_forge::discs::{RECIPE, discs};

fn recipe(text: &str, folder: &Path) -> Result<Recipe, TrainError> {
    std::fs::create_dir_all(folder).unwrap();
    let path = folder.join("recipe.toml");
    std::fs::write(&path, text).unwrap();
    Recipe::read(&path)
}

fn run(folder: &Path, out: &str, seed: u64) -> Trained {
    let manifest = discs(&folder.join("data"), 60);
    let recipe = Recipe { seed, ..recipe(RECIPE, folder).unwrap() };
    let cases = read_manifest(&manifest).unwrap();
    train(
        &Job {
            recipe,
            cases,
            init: None,
            out: folder.join(out),
            compute: Compute::cpu(),
            leaks: LeakPolicy::Refuse,
            partial: Partial::Refuse,
        },
        &|_| {},
    )
    .unwrap()
}

fn weights(out: &Path) -> Vec<u8> {
    std::fs::read(out.join("weights.safetensors")).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_weights_and_another_seed_others() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second, other] =
        [("a", 7), ("b", 7), ("c", 8)].map(|(out, seed)| run(folder.path(), out, seed));
    assert_eq!(first.bundle.manifest().weights_sha256, second.bundle.manifest().weights_sha256);
    assert_ne!(first.bundle.manifest().weights_sha256, other.bundle.manifest().weights_sha256);
    assert!(weights(&folder.path().join("a")) == weights(&folder.path().join("b")));
}

#[test]
fn a_network_learns_what_is_there_to_learn() {
    let folder = tempfile::tempdir().unwrap();
    let trained = run(folder.path(), "out", 7);
    let (first, last) = (&trained.history[0], trained.history.last().unwrap());
    assert!(last.loss < 0.7 * first.loss, "{} -> {}", first.loss, last.loss);
    let unseen = discs(&folder.path().join("unseen"), 100);
    let cases: Vec<_> = read_manifest(&unseen).unwrap().into_iter().skip(60).collect();
    let evaluated = evaluate(&Engine::new(&trained.bundle, &Compute::cpu()), &cases, &|_| {}).unwrap();
    let auc = evaluated.evaluation.metric("roc_auc").unwrap().value.unwrap();
    assert!(auc > 0.95, "{auc}");
}

/// Pictures of 8 bits are trained on; one of them, stored with 16, gets the score that it had.
#[test]
fn a_picture_of_sixteen_bits_scores_as_the_one_of_eight() {
    let folder = tempfile::tempdir().unwrap();
    let mut manifest = "path,label\n".to_owned();
    for index in 0..40 {
        let mut random = Random::keyed(3, &[index]);
        let bright = if index % 2 == 1 { 120.0 } else { 0.0 };
        let picture = GrayImage::from_fn(24, 24, |x, y| {
            let inside = (8..16).contains(&x) && (8..16).contains(&y);
            Luma([(60.0 + 10.0 * random.normal() + if inside { bright } else { 0.0 }) as u8])
        });
        picture.save(folder.path().join(format!("{index}.png"))).unwrap();
        manifest += &format!("{index}.png,{}\n", ["empty", "disc"][index as usize % 2]);
    }
    let path = folder.path().join("manifest.csv");
    std::fs::write(&path, manifest).unwrap();
    let text = RECIPE
        .replace("low = 0.0, high = 1.0", "low = 0.0, high = 255.0")
        .replace("step = [", "step = [{ kind = \"scale\", from = [0.0, 255.0], to = [0.0, 1.0] }, ");
    let job = Job {
        recipe: recipe(&text, folder.path()).unwrap(),
        cases: read_manifest(&path).unwrap(),
        init: None,
        out: folder.path().join("out"),
        compute: Compute::cpu(),
        leaks: LeakPolicy::Refuse,
        partial: Partial::Refuse,
    };
    let engine = Engine::new(&train(&job, &|_| {}).unwrap().bundle, &Compute::cpu());
    let mut spread = 0.0_f32;
    for index in 0..6 {
        let eight = folder.path().join(format!("{index}.png"));
        let sixteen = folder.path().join(format!("{index}-16.png"));
        let pixels = image::open(&eight).unwrap().to_luma8();
        let wide = ImageBuffer::<Luma<u16>, _>::from_fn(24, 24, |x, y| {
            Luma([u16::from(pixels.get_pixel(x, y).0[0]) * 257])
        });
        wide.save(&sixteen).unwrap();
        let mut scores = Vec::new();
        engine.run(&[eight, sixteen], |observation| {
            scores.push(observation.prediction.unwrap().probabilities[1]);
            ControlFlow::Continue(())
        });
        assert!((scores[0] - scores[1]).abs() < 1e-3, "{scores:?}");
        spread = spread.max((scores[0] - 0.5).abs());
    }
    // A network that says the same of everything would pass.
    assert!(spread > 0.2, "{spread}");
}

/// The bundle decides from a score on that it gives itself, not one that differs from it by a rounding.
#[test]
fn the_threshold_is_a_probability_that_the_bundle_gives() {
    let folder = tempfile::tempdir().unwrap();
    for seed in [7, 8, 9] {
        let trained = run(folder.path(), &format!("out-{seed}"), seed);
        let cases = read_manifest(&folder.path().join("data/manifest.csv")).unwrap();
        let validated = cases.iter().zip(&trained.splits).filter(|(_, split)| **split == Split::Validation);
        let validated: Vec<_> = validated.map(|(case, _)| case.clone()).collect();
        let engine = Engine::new(&trained.bundle, &Compute::cpu());
        let evaluated = evaluate(&engine, &validated, &|_| {}).unwrap();
        let ranking = evaluated.samples.ranking(1).unwrap();
        let threshold = trained.bundle.manifest().threshold.map(f64::from);
        assert_eq!(threshold, best_threshold_youden(&ranking), "seed {seed}");
        let auc = evaluated.evaluation.metric("roc_auc").unwrap().value;
        assert_eq!(trained.bundle.manifest().origin.validation_roc_auc, auc);
    }
}

#[test]
fn cases_beyond_the_memory_bound_are_kept_on_disk_with_the_same_result() {
    let folder = tempfile::tempdir().unwrap();
    let in_memory = run(folder.path(), "memory", 7);
    let mut recipe = recipe(RECIPE, folder.path()).unwrap();
    recipe.course.cache_mib = 0;
    let cases = read_manifest(&folder.path().join("data/manifest.csv")).unwrap();
    let out = folder.path().join("disk");
    let on_disk = train(
        &Job {
            recipe,
            cases,
            init: None,
            out: out.clone(),
            compute: Compute::cpu(),
            leaks: LeakPolicy::Refuse,
            partial: Partial::Refuse,
        },
        &|_| {},
    )
    .unwrap();
    // what was kept there goes with the run
    let left = std::fs::read_dir(&out).unwrap().flatten().map(|entry| entry.file_name());
    assert!(!left.into_iter().any(|name| name.to_string_lossy().contains("cache")));
    assert_eq!(in_memory.bundle.manifest().weights_sha256, on_disk.bundle.manifest().weights_sha256);
}

#[test]
fn a_folder_with_another_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "out", 7);
    let recipe = Recipe { seed: 8, ..recipe(RECIPE, folder.path()).unwrap() };
    let cases = read_manifest(&folder.path().join("data/manifest.csv")).unwrap();
    let job = Job {
        recipe,
        cases,
        init: None,
        out: folder.path().join("out"),
        compute: Compute::cpu(),
        leaks: LeakPolicy::Refuse,
        partial: Partial::Refuse,
    };
    let error = train(&job, &|_| {}).unwrap_err();
    assert!(matches!(error, TrainError::OtherRun { .. }), "{error}");
}

#[test]
fn wrong_recipes_say_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let message = |from: &str, to: &str| {
        let text = RECIPE.replace(from, to);
        assert_ne!(text, RECIPE);
        recipe(&text, folder.path()).unwrap_err().to_string()
    };
    assert!(message("batch_size = 8", "batch_size = 0").contains("batch_size"));
    assert!(message("kind = \"clip\"", "kind = \"sharpen\"").contains("sharpen"));
    assert!(message("learning_rate = 0.01", "learning_rate = -1.0").contains("learning_rate"));
    assert!(message("widths = [8, 16]", "widths = [8]").contains("widths"));
    assert!(message("dropout = 0.1", "dropuot = 0.1").contains("dropuot"));
}

/// Mixing, the focal loss, balanced sampling, several batches a step and a rate that falls at plateaus.
#[test]
fn the_other_ways_to_train_learn_too_and_repeat() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = discs(&folder.path().join("data"), 60);
    let text = RECIPE.replace("clip_norm = 5.0", "clip_norm = 5.0\nsampling = \"balanced\"\naccumulate = 2\nloss = { focal = { gamma = 1.0 } }\nmix = { mixup = 0.2, cutmix = 0.5 }")
        .replace("epochs = 6", "epochs = 10")
        .replace("batch_size = 8", "batch_size = 4")
        + "\n[schedule]\ndecay = \"plateau\"\nplateau_epochs = 4\n";
    let [first, second] = ["a", "b"].map(|out| {
        let recipe = recipe(&text, folder.path()).unwrap();
        let cases = read_manifest(&manifest).unwrap();
        let out = folder.path().join(out);
        let leaks = LeakPolicy::default();
        train(
            &Job { recipe, cases, init: None, out, compute: Compute::cpu(), leaks, partial: Partial::Refuse },
            &|_| {},
        )
        .unwrap()
    });
    assert_eq!(first.bundle.manifest().weights_sha256, second.bundle.manifest().weights_sha256);
    let auc = first.history.iter().filter_map(|row| row.validation_roc_auc).fold(0.0, f64::max);
    assert!(auc > 0.9, "{auc}");
}

#[test]
fn a_run_that_diverges_goes_back_three_times_and_then_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = discs(&folder.path().join("data"), 24);
    let text = RECIPE.replace("learning_rate = 0.01", "learning_rate = 1e38").replace("clip_norm = 5.0", "");
    let job = Job {
        recipe: recipe(&text, folder.path()).unwrap(),
        cases: read_manifest(&manifest).unwrap(),
        init: None,
        out: folder.path().join("out"),
        compute: Compute::cpu(),
        leaks: LeakPolicy::default(),
        partial: Partial::Refuse,
    };
    let setbacks = std::sync::Mutex::new(Vec::new());
    let ended = train(&job, &|event| {
        if let Event::RolledBack { setbacks: count, .. } = event {
            setbacks.lock().unwrap().push(count);
        }
    });
    assert!(matches!(ended, Err(TrainError::Diverged { .. })), "{ended:?}");
    assert_eq!(*setbacks.lock().unwrap(), [1, 2, 3]);
}

/// Pre-trains on the discs of a manifest, labels aside, for three epochs by the contrastive loss.
fn pretrained(manifest: &Path, out: &Path, observe: &(dyn Fn(Event) + Sync)) -> Pretrained {
    let course = "epochs = 3\nloss = { contrastive = { temperature = 0.2 } }";
    let text = RECIPE.replace("epochs = 6", course).replace("shift = 0.1", "shift = 0.3");
    let recipe = recipe(&text, manifest.parent().unwrap()).unwrap();
    let cases = read_unlabelled(manifest).unwrap();
    let (out, compute) = (out.to_owned(), Compute::cpu());
    pretrain(&PretrainJob { recipe, cases, out, compute, partial: Partial::Refuse }, observe).unwrap()
}

#[test]
fn pre_training_learns_repeats_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = discs(&folder.path().join("data"), 60);
    let [first, second] = ["a", "b"].map(|out| pretrained(&manifest, &folder.path().join(out), &|_| {}));
    let losses: Vec<f64> = first.history.iter().map(|row| row.loss).collect();
    assert!(losses[2] < losses[0] - 0.1, "{losses:?}");
    let weights = |run: &Pretrained| std::fs::read(&run.weights).unwrap();
    assert!(weights(&first) == weights(&second));

    let newest = folder.path().join("b/checkpoints/epoch-000003");
    std::fs::remove_dir_all(newest).unwrap();
    std::fs::remove_file(&second.weights).unwrap();
    let resumed = std::sync::atomic::AtomicUsize::new(0);
    let again = pretrained(&manifest, &folder.path().join("b"), &|event| {
        if let Event::Resumed { epochs } = event {
            resumed.store(epochs, std::sync::atomic::Ordering::Relaxed);
        }
    });
    assert_eq!(resumed.into_inner(), 2);
    assert!(weights(&first) == weights(&again));
}

#[test]
fn a_network_learns_to_tell_single_images() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = discs(&folder.path().join("data"), 30);
    let text = RECIPE.replace("epochs = 6", "epochs = 30").replace("shift = 0.1", "shift = 0.02");
    let job = PretrainJob {
        recipe: recipe(&text, folder.path()).unwrap(),
        cases: read_unlabelled(&manifest).unwrap(),
        out: folder.path().join("out"),
        compute: Compute::cpu(),
        partial: Partial::Refuse,
    };
    let history = pretrain(&job, &|_| {}).unwrap().history;
    // 24 images are trained on, each its own class: ln 24 is chance.
    assert!((history[0].loss - 24f64.ln()).abs() < 0.3, "{}", history[0].loss);
    assert!(history[29].loss < 0.75 * 24f64.ln(), "{}", history[29].loss);
}

#[test]
fn a_training_starts_from_a_pre_trained_encoder() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = discs(&folder.path().join("data"), 40);
    let Pretrained { weights, .. } = pretrained(&manifest, &folder.path().join("views"), &|_| {});
    let job = Job {
        recipe: recipe(RECIPE, folder.path()).unwrap(),
        cases: read_manifest(&manifest).unwrap(),
        init: Some(std::fs::read(weights).unwrap()),
        out: folder.path().join("out"),
        compute: Compute::cpu(),
        leaks: LeakPolicy::Refuse,
        partial: Partial::Refuse,
    };
    let report = std::sync::Mutex::new(None);
    train(&job, &|event| {
        if let Event::Transferred(transfer) = event {
            *report.lock().unwrap() = Some(transfer.clone());
        }
    })
    .unwrap();
    let report = report.into_inner().unwrap().unwrap();
    assert!(report.set > 8, "{report}");
    assert_eq!(report.missing, ["head", "head_bias"]);
}

#[test]
fn pre_training_takes_every_slice_and_nothing_that_is_kept_for_validation() {
    let folder = tempfile::tempdir().unwrap();
    let stack: Vec<f32> = (0..3 * 24 * 24).map(|voxel| (voxel % 7) as f32 / 7.0).collect();
    for name in ["a.npy", "b.npy"] {
        write_npy(&folder.path().join(name), &[3, 24, 24], &stack).unwrap();
    }
    let manifest = folder.path().join("stacks.csv");
    std::fs::write(&manifest, "path,split\na.npy,train\nb.npy,train\nmissing.npy,val\n").unwrap();
    let seen = std::sync::Mutex::new((0, 0));
    let text = RECIPE.replace("batch_size = 8", "batch_size = 1") + "\n[split]\nvalidation = 0.5\n";
    let job = PretrainJob {
        recipe: recipe(&text, folder.path()).unwrap(),
        cases: read_unlabelled(&manifest).unwrap(),
        out: folder.path().join("out"),
        compute: Compute::cpu(),
        partial: Partial::Refuse,
    };
    pretrain(&job, &|event| match event {
        Event::Step { steps, .. } => seen.lock().unwrap().0 = steps,
        Event::Failed(_) => seen.lock().unwrap().1 += 1,
        _ => {}
    })
    .unwrap();
    assert_eq!(*seen.lock().unwrap(), (3, 0), "three slices of one patient, the other held out");
}

#[test]
fn the_contrastive_loss_is_refused_where_there_are_labels() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = discs(&folder.path().join("data"), 8);
    let text = RECIPE.replace("epochs = 6", "epochs = 6\nloss = { contrastive = { temperature = 0.2 } }");
    let job = Job {
        recipe: recipe(&text, folder.path()).unwrap(),
        cases: read_manifest(&manifest).unwrap(),
        init: None,
        out: folder.path().join("out"),
        compute: Compute::cpu(),
        leaks: LeakPolicy::Refuse,
        partial: Partial::Refuse,
    };
    assert!(train(&job, &|_| {}).unwrap_err().to_string().contains("pulmo pretrain"));
}
