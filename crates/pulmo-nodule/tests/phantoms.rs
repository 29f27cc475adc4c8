//! Nodules of phantoms, whose place, size and kind are known, are found and measured.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, prints figures, and its values are small"
)]

use pulmo_metrics::{FROC_RATES, Froc, Mark, MarkedScan, Target};
use pulmo_nodule::{Candidate, CandidateSettings, LungSides, Segmentation, candidates, measure};
use pulmo_scan::lungs::Lungs;
use pulmo_scan::phantom::{Attachment, NoduleEdge, NoduleTruth, PhantomSettings, Study};
use pulmo_scan::volume::Mask;

/// A phantom with its lungs and the candidates on it.
struct Searched {
    study: Study,
    lungs: Mask,
    found: Vec<Candidate>,
}

/// The first phantoms of a seed that have nodules.
fn searched(count: usize) -> impl Iterator<Item = Searched> {
    let studies = (0..).map(|index| Study::generate(&PhantomSettings::default(), 15, index).unwrap());
    let with_nodules = studies.filter(|study| !study.truth().nodules.is_empty()).take(count);
    with_nodules.map(|study| {
        let lungs = Lungs::of(study.volume()).unwrap().both().unwrap();
        let found = candidates(study.volume(), &lungs, &CandidateSettings::default()).unwrap();
        Searched { study, lungs, found }
    })
}

fn apart(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f64>().sqrt()
}

fn marked(searched: &Searched) -> MarkedScan {
    let target =
        |nodule: &NoduleTruth| Target { centre_mm: nodule.centre_mm, radius_mm: nodule.diameter_mm / 2.0 };
    let mark = |one: &Candidate| Mark { centre_mm: one.centre_mm, score: one.blobness.into() };
    MarkedScan {
        targets: searched.study.truth().nodules.iter().map(target).collect(),
        marks: searched.found.iter().map(mark).collect(),
    }
}

fn tell(froc: &Froc) {
    for rate in FROC_RATES {
        println!("{rate:6.3} false positives a scan: sensitivity {:.3}", froc.sensitivity_at(rate));
    }
    println!("CPM {:.3}, all candidates {:.3}", froc.cpm(), froc.sensitivity_at(f64::INFINITY));
}

/// Volume of what was measured at a nodule's own place, as a multiple of the truth's.
fn volume_ratio(searched: &Searched, nodule: &NoduleTruth) -> f64 {
    let found = Segmentation::at(searched.study.volume(), nodule.centre_mm, Some(&searched.lungs)).unwrap();
    found.volume_mm3() / (std::f64::consts::PI / 6.0 * nodule.diameter_mm.powi(3))
}

/// Spicules and vessels are no part of the truth's volume, nor what lies beyond the pleura.
fn is_plain(nodule: &NoduleTruth) -> bool {
    nodule.edge != NoduleEdge::Spiculated && nodule.attachment == Attachment::Isolated
}

#[test]
fn nodules_are_found_and_measured() {
    let all: Vec<Searched> = searched(5).collect();
    let froc = Froc::compute(&all.iter().map(marked).collect::<Vec<_>>()).unwrap();
    tell(&froc);
    assert!(froc.sensitivity_at(f64::INFINITY) >= 0.9 && froc.sensitivity_at(4.0) >= 0.7);
    let mut plain = 0;
    for searched in &all {
        for nodule in
            searched.study.truth().nodules.iter().filter(|one| is_plain(one) && one.diameter_mm >= 6.0)
        {
            let found =
                Segmentation::at(searched.study.volume(), nodule.centre_mm, Some(&searched.lungs)).unwrap();
            let lungs = LungSides { right: Some(&searched.lungs), left: None };
            let told = measure(&found, &lungs).unwrap();
            let ratio = volume_ratio(searched, nodule);
            assert!((ratio - 1.0).abs() <= 0.10, "volume {ratio:.3} for {nodule:?}");
            assert!(
                apart(told.centre_mm, nodule.centre_mm) < 1.0 + 0.15 * nodule.diameter_mm,
                "{told:?} {nodule:?}"
            );
            assert_eq!(told.kind, nodule.kind, "{told:?} {nodule:?}");
            plain += 1;
        }
    }
    assert!(plain >= 3, "{plain} plain nodules");
}

#[test]
#[ignore = "minutes: prints figures of many phantoms"]
fn figures() {
    let (mut scans, mut plain, mut other) = (Vec::new(), Vec::new(), Vec::new());
    let mut kinds = [0, 0];
    for searched in searched(20) {
        scans.push(marked(&searched));
        for nodule in searched.study.truth().nodules.iter().filter(|one| one.diameter_mm >= 6.0) {
            let ratio = volume_ratio(&searched, nodule);
            let found =
                Segmentation::at(searched.study.volume(), nodule.centre_mm, Some(&searched.lungs)).unwrap();
            let told = measure(&found, &LungSides::default()).unwrap();
            kinds[0] += usize::from(told.kind == nodule.kind);
            kinds[1] += 1;
            println!(
                "{ratio:.3} {:.1} mm {:?} {:?} {:?}, told {:.1} mm {:?}",
                nodule.diameter_mm,
                nodule.kind,
                nodule.edge,
                nodule.attachment,
                told.mean_diameter_mm,
                told.kind
            );
            if is_plain(nodule) { plain.push(ratio) } else { other.push(ratio) }
        }
    }
    tell(&Froc::compute(&scans).unwrap());
    for (name, mut ratios) in [("isolated, not spiculated", plain), ("others", other)] {
        ratios.sort_by(f64::total_cmp);
        let within = ratios.iter().filter(|ratio| (**ratio - 1.0).abs() <= 0.10).count();
        println!(
            "{name}: volume median {:.3}, within 10 % {within} of {}",
            ratios[ratios.len() / 2],
            ratios.len()
        );
    }
    println!("kind right: {} of {}", kinds[0], kinds[1]);
}
