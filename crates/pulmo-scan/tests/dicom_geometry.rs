//! How files become series and stacks: cases 79 to 90, 99 to 101, 103 to 105, 107 and 108 of the
//! reliability plan, by number, on slices written byte by byte.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use pulmo_forge::ct::{self, CtSlice, chest, series};
use pulmo_forge::load::{assembled, expected_hu, folder_of, found, hu, keep, load, load_with, with};
use pulmo_scan::dicom::{
    AssembleSettings, Coverage, GeometrySettings, Partial, Series, Shortfall, Stack, assemble, discover,
};
use pulmo_scan::findings::{Code, Verdict};

#[test]
fn case_079_080_order_of_files_and_instance_numbers_means_nothing() {
    let slices = series(9, 1.5);
    let expected = load(&slices).unwrap();
    for numbers in [["9", "8", "7", "6", "5", "4", "3", "2", "1"], ["1"; 9]] {
        let mut shuffled = slices.clone();
        for (slice, number) in shuffled.iter_mut().zip(numbers) {
            slice.text(ct::INSTANCE_NUMBER, "IS", number);
        }
        shuffled.swap(0, 7);
        shuffled.swap(3, 5);
        shuffled[1].elements.remove(&ct::INSTANCE_NUMBER);
        assert_eq!(load(&shuffled).unwrap(), expected);
    }
}

#[test]
fn case_081_082_missing_slices() {
    for missing in 1..8 {
        let mut slices = series(9, 1.5);
        slices.remove(missing);
        assert_eq!(load(&slices).err(), Some(Code::Gap), "slice {missing}");
    }
    let mut two = series(12, 1.5);
    two.drain(4..6);
    let folder = folder_of(&two);
    let error = assemble(&found(&folder)[0], &keep()).unwrap_err().to_string();
    assert_eq!(error, "2 slice positions are missing at a spacing of 1.500 mm");
    assert_eq!(load(&series(9, 1.5)[1..8]).unwrap().volume.grid().shape_zyx(), [7, 8, 8]);
}

/// What is left at an end still lies on a grid, and may be used where that is allowed; elsewhere there is a hole.
#[test]
fn case_082_slices_that_cannot_be_decoded() {
    let with_broken = |broken: &[usize], partial: Partial| {
        let mut slices = series(9, 2.0);
        let folder = folder_of(&slices);
        let found = found(&folder);
        for index in broken {
            // the header that was seen stays as it was
            slices[*index].text(ct::INTERCEPT, "DS", "-1000");
            slices[*index].write(folder.path(), &format!("{index:03}.dcm"));
        }
        assembled(&found[0], &AssembleSettings { partial, ..keep() })
    };
    for (broken, left) in [(&[0][..], 1..9), (&[8], 0..8), (&[0, 1, 8], 2..8)] {
        assert_eq!(with_broken(broken, Partial::Refuse).err(), Some(Code::Partial));
        let assembled = with_broken(broken, Partial::Allow).unwrap();
        assert_eq!(assembled.warnings, [Code::Partial]);
        assert_eq!(assembled.volume, load(&series(9, 2.0)[left]).unwrap().volume, "{broken:?}");
    }
    assert_eq!(with_broken(&[4], Partial::Allow).err(), Some(Code::Gap));
    assert_eq!(with_broken(&[0, 1, 2, 3, 4, 5, 6], Partial::Allow).err(), Some(Code::FewSlices));
    assert_eq!(with_broken(&[0, 1, 2, 3, 4, 5, 6, 7, 8], Partial::Allow).err(), Some(Code::Changed));
}

#[test]
fn case_083_copies_are_merged() {
    let mut slices = series(5, 2.0);
    slices.push(slices[2].clone());
    slices.push(slices[2].clone());
    let assembled = load(&slices).unwrap();
    assert_eq!(assembled.warnings, [Code::Duplicate]);
    assert_eq!(assembled.volume, load(&series(5, 2.0)).unwrap().volume);
}

#[test]
fn case_084_different_images_at_one_position() {
    let mut slices = series(5, 2.0);
    slices.push(slices[2].clone());
    slices[5].pixels[7] += 1;
    assert_eq!(load(&slices).err(), Some(Code::DuplicatePosition));
    slices[5].pixels[7] -= 1;
    slices[5].text(ct::POSITION, "DS", "-9\\-20\\4");
    assert_eq!(load(&slices).err(), Some(Code::DuplicatePosition));
}

/// Two reconstructions of `count` positions that differ in one element and in each pixel.
fn two_of(count: usize, change: impl Fn(&mut CtSlice, usize)) -> Vec<CtSlice> {
    let one = |which: usize| {
        with(series(count, 2.0), |slice| {
            change(slice, which);
            slice.pixels.iter_mut().for_each(|word| *word += 3 * which as u16);
        })
    };
    [one(0), one(1)].concat()
}

/// The volumes of all series in a folder, which must be sound but for the mark that they were mixed.
fn parts(slices: &[CtSlice]) -> Vec<Vec<f32>> {
    let folder = folder_of(slices);
    let parts = found(&folder);
    let volume = |series: &Series| {
        let assembled = assembled(series, &keep()).unwrap();
        assert_eq!(assembled.warnings, [Code::Mixed]);
        assembled.volume.as_slice().to_vec()
    };
    parts.iter().map(volume).collect()
}

#[test]
fn case_084_reconstructions_are_kept_apart() {
    type Change<'a> = &'a dyn Fn(&mut CtSlice, usize);
    let marks: [Change; 4] = [
        &|slice, which| slice.text(ct::KERNEL, "SH", ["B30f", "B70f"][which]),
        &|slice, which| slice.text(ct::IMAGE_TYPE, "CS", ["ORIGINAL\\PRIMARY", "DERIVED\\SECONDARY"][which]),
        &|slice, which| slice.text(ct::SLICE_THICKNESS, "DS", ["2", "5"][which]),
        &|slice, which| slice.text(ct::ACQUISITION_NUMBER, "IS", ["1", "2"][which]),
    ];
    let plain = hu(&series(5, 2.0));
    let brighter: Vec<f32> = plain.iter().map(|hu| hu + 3.0).collect();
    for mark in marks {
        let slices = two_of(5, mark);
        assert_eq!(parts(&slices), [plain.clone(), brighter.clone()]);
        let interleaved: Vec<CtSlice> =
            (0..5).flat_map(|z| [slices[z + 5].clone(), slices[z].clone()]).collect();
        assert_eq!(parts(&interleaved), [brighter.clone(), plain.clone()]);
    }
    // a mark that differs from slice to slice, where no position is shared, splits nothing
    let mut slices = series(6, 2.0);
    for (index, slice) in slices.iter_mut().enumerate() {
        slice.text(ct::ACQUISITION_NUMBER, "IS", &index.to_string());
        slice.text(ct::KERNEL, "SH", ["B30f", "B70f"][index / 3]);
    }
    assert_eq!(hu(&slices), hu(&series(6, 2.0)));
    // a copy of one slice beside two reconstructions is merged still
    let mut slices = two_of(5, marks[0]);
    slices.push(slices[1].clone());
    let folder = folder_of(&slices);
    let [first, second] = &found(&folder)[..] else { panic!("two parts") };
    assert_eq!(assembled(first, &keep()).unwrap().warnings, [Code::Duplicate, Code::Mixed]);
    assert_eq!(assembled(second, &keep()).unwrap().warnings, [Code::Mixed]);
}

#[test]
fn case_085_series_and_folders() {
    let folder = tempfile::tempdir().unwrap();
    let other = with(series(3, 5.0), |slice| slice.text(ct::SERIES_UID, "UI", "1.2.3.9"));
    for (index, slice) in series(6, 2.0).iter().enumerate() {
        let inside = folder.path().join(["a", "b", "c/d"][index % 3]);
        std::fs::create_dir_all(&inside).unwrap();
        slice.write(&inside, &format!("{index}.dcm"));
        if let Some(slice) = other.get(index) {
            slice.write(&inside, &format!("other{index}"));
        }
    }
    std::fs::write(folder.path().join("notes.txt"), "no dicom").unwrap();
    std::fs::write(folder.path().join(".hidden"), series(1, 1.0)[0].bytes()).unwrap();
    let discovery = discover(&[folder.path().to_path_buf()]);
    let slices: Vec<usize> = discovery.series.iter().map(|series| series.slices.len()).collect();
    assert_eq!(slices, [6, 3]);
    assert_eq!(discovery.others, [folder.path().join("notes.txt")]);
    assert!(discovery.series.iter().all(|series| assembled(series, &keep()).is_ok()));
    // both share the folder, so each is called by its first file
    assert_eq!(discovery.series[0].path, folder.path().join("a/0.dcm"));
    let alone = discover(&[folder.path().join("c")]);
    assert_eq!(alone.series.len(), 2);
    let twice = discover(&[folder.path().to_path_buf(), folder.path().join("a"), folder.path().join("gone")]);
    assert_eq!(twice.series, discovery.series);
    assert_eq!(twice.refused[0].verdict, Verdict::RejectFile(Code::Unreadable.into()));
}

#[test]
fn case_086_localizer_in_the_series() {
    let mut slices = series(5, 2.0);
    slices.push(CtSlice::at(55.0));
    slices[5].text(ct::IMAGE_TYPE, "CS", "ORIGINAL\\PRIMARY\\LOCALIZER");
    let axial = load(&slices).unwrap();
    assert_eq!(axial.warnings, [Code::Localizer]);
    assert_eq!(axial.volume, load(&series(5, 2.0)).unwrap().volume);
    // one that does not say so lies in another plane
    slices[5].text(ct::IMAGE_TYPE, "CS", "ORIGINAL\\PRIMARY");
    slices[5].text(ct::ORIENTATION, "DS", "1\\0\\0\\0\\0\\-1");
    let folder = folder_of(&slices);
    let series = found(&folder);
    assert_eq!(series.iter().map(|series| series.slices.len()).collect::<Vec<_>>(), [5, 1]);
    assert_eq!(assembled(&series[0], &keep()).unwrap().warnings, [Code::Mixed]);
}

#[test]
fn case_087_107_what_is_no_ct_is_set_aside() {
    // secondary capture, enhanced SR, encapsulated PDF, RT structure set, segmentation, MR, PET, mammography
    let classes = ["1.1.7", "1.1.88.22", "1.1.104.1", "1.1.481.3", "1.1.66.4", "1.1.4", "1.1.128", "1.1.1.2"];
    let mut slices = series(13, 2.0);
    for (slice, class) in slices[4..].iter_mut().zip(classes) {
        slice.text(ct::SOP_CLASS, "UI", &format!("1.2.840.10008.5.1.4.{class}"));
    }
    slices[12].text(ct::MODALITY, "CS", "MR");
    let folder = folder_of(&slices);
    let discovery = discover(&[folder.path().to_path_buf()]);
    assert_eq!(discovery.series.len(), 1);
    let volume = assembled(&discovery.series[0], &keep()).unwrap().volume;
    assert_eq!(volume.grid().shape_zyx(), [4, 8, 8]);
    let codes: Vec<_> = discovery.refused.iter().map(|refused| refused.verdict.clone()).collect();
    assert_eq!(codes, vec![Verdict::RejectFile(Code::NotCt.into()); 9]);
}

/// Another modality in the dress of a CT: no value is that of air or lung.
#[test]
fn case_107_values_that_are_no_ct() {
    let slices = with(chest(20, 0.0, 12.0), |slice| {
        slice.text(ct::INTERCEPT, "DS", "0");
        slice.pixels.iter_mut().for_each(|word| *word /= 2);
    });
    assert_eq!(load(&slices).err(), Some(Code::OutOfDomain));
}

#[test]
fn case_088_103_mixed_geometry_is_kept_apart() {
    type Change<'a> = &'a dyn Fn(&mut CtSlice);
    let changes: [Change; 4] = [
        &|slice| slice.text(ct::PIXEL_SPACING, "DS", "0.6\\0.6"),
        &|slice| slice.text(ct::PIXEL_SPACING, "DS", "0.5\\0.5002"),
        &|slice| {
            slice.word(ct::ROWS, 4);
            slice.pixels.truncate(32);
        },
        &|slice| slice.text(ct::FRAME_OF_REFERENCE, "UI", "1.2.3.6"),
    ];
    for change in changes {
        let mut slices = series(8, 2.0);
        slices[4..].iter_mut().for_each(change);
        assert_eq!(parts(&slices).len(), 2);
    }
    // spacings that differ by rounding are one
    let mut slices = series(8, 2.0);
    slices[4..].iter_mut().for_each(|slice| slice.text(ct::PIXEL_SPACING, "DS", "0.50005\\0.5"));
    assert_eq!(load(&slices).err(), None);
}

fn at_positions(along_mm: &[f64]) -> Vec<CtSlice> {
    along_mm.iter().map(|z_mm| CtSlice::at(*z_mm)).collect()
}

#[test]
fn case_089_variable_spacing() {
    let along_mm = [0.0, 1.25, 2.5, 3.75, 5.0, 10.0, 15.0, 20.0, 25.0];
    assert_eq!(load(&at_positions(&along_mm)).err(), Some(Code::Spacing));
}

/// Alternate jitter of +-j is the worst: steps are off by +-2j, and so is their median, so the largest
/// deviation from it is 4j. Up to 2 % of the spacing, and always 0.01 mm, pass.
#[test]
fn case_090_jitter() {
    for (spacing_mm, jitter_mm, expected) in [
        (2.0, 1e-5, None),
        (2.0, 0.005, None),
        (2.0, 0.02, Some(Code::Spacing)),
        (2.0, 0.2, Some(Code::Spacing)),
        (5.0, 0.02, None),
        (5.0, 0.03, Some(Code::Spacing)),
        (0.3, 0.002, None),
        (0.3, 0.003, Some(Code::Spacing)),
    ] {
        let along_mm: Vec<f64> = (0..10)
            .map(|i| f64::from(i) * spacing_mm + if i % 2 == 0 { jitter_mm } else { -jitter_mm })
            .map(|z_mm: f64| (z_mm * 1e6).round() / 1e6)
            .collect();
        assert_eq!(load(&at_positions(&along_mm)).err(), expected, "{spacing_mm} {jitter_mm}");
    }
}

/// Spacing comes from positions, whatever thickness and the distance between slices are said to be.
#[test]
fn case_099_100_thickness_and_spacing_between_slices_mean_nothing() {
    let expected = load(&series(6, 2.0)).unwrap().volume;
    for (thickness, between) in [("5", "-2"), ("0.625", "0"), ("0", "7"), ("2", "nonsense")] {
        let slices = with(series(6, 2.0), |slice| {
            slice.text(ct::SLICE_THICKNESS, "DS", thickness);
            slice.text(ct::SPACING_BETWEEN, "DS", between);
        });
        assert_eq!(load(&slices).unwrap().volume, expected, "{thickness} {between}");
    }
}

#[test]
fn case_101_positions_rounded_to_whole_millimetres() {
    let along_mm: Vec<f64> = (0..40).map(|i| (f64::from(i) * 1.25).round()).collect();
    assert_eq!(load(&at_positions(&along_mm)).err(), Some(Code::Spacing));
    // at 0.625 mm, two slices come to lie at one position
    let along_mm: Vec<f64> = (0..40).map(|i| (f64::from(i) * 0.625).round()).collect();
    let mut slices = at_positions(&along_mm);
    slices.iter_mut().enumerate().for_each(|(index, slice)| slice.pixels[0] = index as u16);
    assert!(matches!(load(&slices).err(), Some(Code::DuplicatePosition | Code::Phases)));
}

#[test]
fn case_104_phases() {
    let phases = |mark: &dyn Fn(&mut CtSlice, usize)| -> Vec<CtSlice> {
        let phase = |which: usize| {
            with(series(5, 2.0), |slice| {
                mark(slice, which);
                slice.pixels.iter_mut().for_each(|word| *word += which as u16);
            })
        };
        (0..4).flat_map(phase).collect()
    };
    let expected = |which: usize| hu(&series(5, 2.0)).iter().map(|hu| hu + which as f32).collect::<Vec<_>>();
    for slices in [
        phases(&|slice, which| slice.text(ct::TEMPORAL_POSITION, "IS", &which.to_string())),
        phases(&|slice, which| slice.text(ct::ACQUISITION_NUMBER, "IS", &which.to_string())),
        phases(&|slice, which| slice.text((0x0008, 0x0032), "TM", &format!("1200{which:02}"))),
        phases(&|slice, which| slice.text((0x0018, 0x1060), "DS", &format!("{}", which * 100))),
    ] {
        assert_eq!(parts(&slices), (0..4).map(expected).collect::<Vec<_>>());
    }
    assert_eq!(load(&phases(&|_, _| {})).err(), Some(Code::Phases));
}

#[test]
fn case_105_number_of_slices() {
    let lung = AssembleSettings::lung();
    for (count, any, of_lung) in
        [(1, Some(Code::FewSlices), Some(Code::FewSlices)), (3, None, Some(Code::FewSlices))]
    {
        assert_eq!(load(&series(count, 2.0)).err(), any, "{count}");
        assert_eq!(load_with(&series(count, 2.0), &lung).err(), of_lung, "{count}");
    }
    assert_eq!(load_with(&series(19, 2.0), &lung).err(), Some(Code::FewSlices));
    let one = GeometrySettings { least_slices: 1, ..GeometrySettings::default() };
    let single = AssembleSettings { geometry: one, ..keep() };
    assert_eq!(load_with(&series(1, 2.0), &single).unwrap().volume.grid().spacing_mm(), [1.0, 0.5, 0.5]);
    let many = series(5000, 0.5);
    let assembled = load(&many).unwrap();
    assert_eq!(assembled.volume.grid().shape_zyx(), [5000, 8, 8]);
    assert_eq!(assembled.volume.as_slice(), expected_hu(&many, |word| f64::from(word) - 1024.0));
    let bounded = AssembleSettings { most_voxels: 5000 * 64 - 1, ..keep() };
    assert_eq!(load_with(&many, &bounded).err(), Some(Code::TooLarge));
}

/// Limits that are those of a purpose, not of what a volume is.
#[test]
fn case_105_limits_of_lung_ct() {
    let lung = |geometry: GeometrySettings| AssembleSettings { geometry, ..keep() };
    let limits = GeometrySettings::lung();
    // 8 mm pixels are no chest CT
    assert_eq!(load_with(&chest(26, -30.0, 12.0), &lung(limits)).err(), Some(Code::PixelSpacing));
    let coarse = GeometrySettings { pixel_spacing_mm: [0.3, 10.0], ..limits };
    assert_eq!(load_with(&chest(26, -30.0, 12.0), &lung(coarse)).err(), Some(Code::Spacing));
    let loose = GeometrySettings { slice_spacing_mm: [0.2, 12.0], ..coarse };
    assert_eq!(load_with(&chest(26, -30.0, 12.0), &lung(loose)).err(), None);
    assert_eq!(load_with(&chest(26, 60.0, 2.0), &lung(loose)).err(), Some(Code::Coverage));
}

#[test]
fn case_108_coverage_of_the_lungs() {
    let covering = AssembleSettings { coverage: Some(Coverage::default()), ..keep() };
    let answer = |slices: &[CtSlice]| load_with(slices, &covering).err();
    // the lungs lie from 0 to 240 mm
    assert_eq!(answer(&chest(60, -30.0, 5.0)), None);
    assert_eq!(answer(&chest(50, 0.0, 5.0)), None);
    // 40 % of them, from either side and from the middle
    assert_eq!(answer(&chest(25, -30.0, 5.0)), Some(Code::Coverage));
    assert_eq!(answer(&chest(25, 145.0, 5.0)), Some(Code::Coverage));
    assert_eq!(answer(&chest(20, 70.0, 5.0)), Some(Code::Coverage));
    // none of them: an abdomen, and a body of half the size that has none
    assert_eq!(answer(&chest(40, -300.0, 5.0)), Some(Code::Coverage));
    let knee = with(chest(60, -330.0, 5.0), |slice| slice.text(ct::PIXEL_SPACING, "DS", "4\\4"));
    assert_eq!(answer(&knee), Some(Code::Coverage));
    // without the check, all of them are volumes
    assert_eq!(load(&chest(25, -30.0, 5.0)).err(), None);
}

/// Coverage may be told instead of refused.
#[test]
fn case_108_coverage_as_a_warning() {
    let coverage = Some(Coverage { shortfall: Shortfall::Warn, ..Coverage::default() });
    let warning = AssembleSettings { coverage, ..keep() };
    let warnings = |slices: &[CtSlice]| load_with(slices, &warning).unwrap().warnings;
    assert!(warnings(&chest(60, -30.0, 5.0)).is_empty());
    assert_eq!(warnings(&chest(25, -30.0, 5.0)), [Code::Coverage]);
    assert_eq!(warnings(&chest(40, -300.0, 5.0)), [Code::Coverage]);
}

/// Positions whose height along the normal is infinite, or no number at all. The fuzz target F9 found, under
/// its sanitizers, that sorting them by heights reckoned anew for each comparison could panic.
#[test]
fn positions_beyond_all_reckoning_are_refused() {
    let folder = folder_of(&series(60, 1.0));
    let mut slices = found(&folder).remove(0).slices;
    let no_number =
        |index: usize| f64::from_bits(0x7FF8_0000_0000_0000 | (index as u64 % 7) << 61 | index as u64);
    let any = [1e308, -1e308, f64::INFINITY, f64::NEG_INFINITY, 0.0, 7.5];
    for round in 0..200 {
        for (index, slice) in slices.iter_mut().enumerate() {
            let at = |axis: usize| match (index * 31 + axis * 17 + round * 7) % 11 {
                place if place < any.len() => any[place],
                place => no_number(place + index),
            };
            slice.header.position_mm = glam::DVec3::new(at(0), at(1), at(2));
            slice.header.row_direction = glam::DVec3::new(0.6, 0.8, 0.0);
            slice.header.column_direction = glam::DVec3::new(-0.48, 0.36, -0.8);
        }
        assert!(Stack::new(&slices, &GeometrySettings::default()).is_err());
    }
}

#[test]
fn a_file_that_changed_since_discovery_is_not_used() {
    let folder = folder_of(&series(3, 2.0));
    let series = found(&folder);
    CtSlice::at(40.0).write(folder.path(), "001.dcm");
    assert_eq!(assembled(&series[0], &keep()).err(), Some(Code::Partial));
    let allowed = AssembleSettings { partial: Partial::Allow, ..keep() };
    assert_eq!(assembled(&series[0], &allowed).err(), Some(Code::FewSlices));
    assert_eq!(series[0].slices[1].pixels().err().map(|error| error.code()), Some(Code::Changed));
}
