//! Nodules of phantoms, whose place, size and kind are known, are found and measured.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, prints figures, and its values are small"
)]

use pulmo_nodule::{CandidateSettings, LungMasks, Segmentation, candidates, measure};
use pulmo_scan::phantom::{PhantomSettings, Study};
use pulmo_scan::volume::anatomy::lung_mask;

fn studies(count: usize) -> impl Iterator<Item = Study> {
    let settings = PhantomSettings::default();
    (0..)
        .map(move |index| Study::generate(&settings, 15, index).unwrap())
        .filter(|study| !study.truth().nodules.is_empty())
        .take(count)
}

#[test]
#[ignore = "prints figures"]
fn figures() {
    let count = std::env::var("COUNT").ok().and_then(|c| c.parse().ok()).unwrap_or(8);
    for study in studies(count) {
        let truth = study.truth();
        let lungs = lung_mask(study.volume()).unwrap();
        let start = cpu();
        let found = candidates(study.volume(), &lungs, &CandidateSettings::default()).unwrap();
        println!(
            "study {} {:?} {:?} thick {:.1} noise {:.0} {}: {} candidates in {:.2}",
            truth.path,
            truth.shape_zyx,
            truth.spacing_mm_zyx,
            truth.slice_thickness_mm,
            truth.noise_hu,
            truth.convolution_kernel,
            found.len(),
            cpu() - start
        );
        for nodule in &truth.nodules {
            let apart =
                |c: &[f64; 3]| (0..3).map(|a| (c[a] - nodule.centre_mm[a]).powi(2)).sum::<f64>().sqrt();
            let rank = found.iter().position(|one| apart(&one.centre_mm) <= nodule.diameter_mm / 2.0);
            print!(
                "  d {:.1} {:?} {:?} {:?} hu {:.0} core {:?}: rank {rank:?}",
                nodule.diameter_mm,
                nodule.kind,
                nodule.edge,
                nodule.attachment,
                nodule.centre_hu,
                nodule.core_diameter_mm.map(|c| (c * 10.0).round() / 10.0)
            );
            if let Some(rank) = rank {
                print!(
                    " blob {:.0} d {:.1} off {:.1}",
                    found[rank].blobness,
                    found[rank].diameter_mm,
                    apart(&found[rank].centre_mm)
                );
            }
            let place = rank.map_or(nodule.centre_mm, |rank| found[rank].centre_mm);
            let start = cpu();
            match Segmentation::at(study.volume(), place) {
                Err(error) => println!(" {error}"),
                Ok(segmentation) => {
                    let ball = std::f64::consts::PI / 6.0 * nodule.diameter_mm.powi(3);
                    let m = measure(&segmentation, &LungMasks { right: Some(&lungs), left: None });
                    print!(
                        " | volume {:.2} mask {:.2} hu {:.0}/{:.0}",
                        segmentation.volume_mm3() / ball,
                        segmentation.mask.volume_mm3() / ball,
                        segmentation.nodule_hu,
                        segmentation.lung_hu
                    );
                    if let Some(m) = m {
                        print!(
                            " axes {:.1} {:.1} mean {:.1} {:?} meanhu {:.0} {:?} {:?} pleura {:.1?} off {:.2}",
                            m.long_axis_mm,
                            m.short_axis_mm,
                            m.mean_diameter_mm,
                            m.kind,
                            m.mean_hu,
                            m.side,
                            m.third,
                            m.pleura_distance_mm,
                            apart(&m.centre_mm)
                        );
                    }
                    println!(" in {:.2}", cpu() - start);
                }
            }
        }
    }
}

/// Seconds that the processors have worked for this program.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}
