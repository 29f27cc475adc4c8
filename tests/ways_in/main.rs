//! One CT through every way in gives one volume, one grid and one result of the chain.
//!
//! The object is asymmetric in all three axes: a dense rod at the patient's right, front and feet
//! end, so that no flip goes unseen.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

mod score;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use glam::{DAffine3, DMat3, DVec3};
use pulmo::dicom::{CtSeriesDescription, DisplayWindow, PatientPosition, PixelLayout, write_ct_series};
use pulmo::files::{
    Container, Gzip, read_volume, recognise_container, write_metaimage, write_nifti, write_npy,
};
use pulmo::findings::{Code, Verdict};
use pulmo::geometry::Grid;
use pulmo::intake::{Depth, Item, ItemKind, Loaded, ReadSettings, find, inspect};
use pulmo::preprocess::{Chain, Processor};
use pulmo::volume::Volume;
use zip::write::{SimpleFileOptions, ZipWriter};

const SHAPE: [usize; 3] = [6, 10, 12];

/// A phantom on a grid of the given axes: soft tissue in air, and a rod of 700 HU near the corner of
/// the patient's right, front and feet.
fn phantom(axes: DMat3, origin: DVec3) -> Volume {
    let grid = Grid::new(SHAPE, DAffine3::from_mat3_translation(axes, origin)).unwrap();
    let centre = grid.patient_point(DVec3::new(5.5, 4.5, 2.5));
    Volume::from_fn(grid, |[z, y, x]| {
        let at = grid.patient_point(DVec3::new(x as f64, y as f64, z as f64)) - centre;
        let is_rod = at.x < -1.5 && at.y < -0.9 && at.z < -2.0;
        let is_tissue = at.x.abs() < 3.5 && at.y.abs() < 3.0;
        match (is_rod, is_tissue) {
            (true, _) => 700.0,
            (_, true) => 40.0 + (x % 3) as f32,
            _ => -1000.0,
        }
    })
}

fn axial() -> Volume {
    phantom(DMat3::from_diagonal(DVec3::new(0.703125, 0.75, 2.5)), DVec3::new(-160.25, -171.5, -437.75))
}

fn write_dicom(folder: &Path, volume: &Volume) -> Vec<PathBuf> {
    let slices = volume.grid().shape_zyx()[0];
    let description = CtSeriesDescription {
        patient_id: "CANARY".into(),
        is_synthetic: true,
        image_type: "ORIGINAL\\PRIMARY\\AXIAL".into(),
        manufacturer: "pulmo".into(),
        body_part: "CHEST".into(),
        series_description: "ways in".into(),
        uid_seed: 7,
        patient_position: PatientPosition::Hfs,
        slice_thickness_mm: 2.5,
        kvp: 120.0,
        convolution_kernel: "B30f".into(),
        layout: PixelLayout::Signed16,
        window: DisplayWindow { centre_hu: -600.0, width_hu: 1500.0 },
        padding_stored: None,
        file_names: (0..slices).map(|z| format!("{:02}.dcm", slices - z)).collect(),
        instances_descend: false,
    };
    write_ct_series(folder, volume, &description).unwrap()
}

fn zip_files(archive: &Path, entries: &[(String, PathBuf)]) {
    let mut zip = ZipWriter::new(File::create(archive).unwrap());
    for (name, path) in entries {
        zip.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        zip.write_all(&fs::read(path).unwrap()).unwrap();
    }
    zip.finish().unwrap();
}

/// A `.mhd` header whose values lie in `values.raw`, big endian, from a little-endian `.mha`.
fn split_metaimage(mha: &Path, folder: &Path) -> PathBuf {
    let bytes = fs::read(mha).unwrap();
    let end = b"ElementDataFile = LOCAL\n";
    let at = bytes.windows(end.len()).position(|window| window == end).unwrap();
    let header = String::from_utf8(bytes[..at].to_vec()).unwrap();
    let header = header.replace("ByteOrderMSB = False", "ByteOrderMSB = True");
    let values: Vec<u8> = bytes[at + end.len()..].chunks_exact(2).flat_map(|b| [b[1], b[0]]).collect();
    fs::write(folder.join("values.raw"), values).unwrap();
    let path = folder.join("a.mhd");
    fs::write(&path, format!("{header}ElementDataFile = values.raw\n")).unwrap();
    path
}

/// The values of a little-endian `.mha` behind an NRRD header, in the axes of 3D Slicer's own space.
fn nrrd_of(mha: &Path, volume: &Volume) -> Vec<u8> {
    let bytes = fs::read(mha).unwrap();
    let end = b"ElementDataFile = LOCAL\n";
    let at = bytes.windows(end.len()).position(|window| window == end).unwrap() + end.len();
    let [z, y, x] = volume.grid().shape_zyx();
    let place = volume.grid().patient_from_voxel();
    let ras = |v: DVec3| format!("({},{},{})", -v.x, -v.y, v.z);
    let directions = [0, 1, 2].map(|axis| ras(place.matrix3.col(axis))).join(" ");
    let header = format!(
        "NRRD0005\ntype: short\ndimension: 3\nspace: right-anterior-superior\nsizes: {x} {y} {z}\n\
         space directions: {directions}\nendian: little\nencoding: raw\nspace origin: {}\n\n",
        ras(place.translation)
    );
    [header.into_bytes(), bytes[at..].to_vec()].concat()
}

fn only(path: &Path) -> Item {
    let mut items = find(&[path.to_path_buf()]);
    assert_eq!(items.len(), 1, "{items:?}");
    items.remove(0)
}

fn load(path: &Path) -> Loaded {
    only(path).load(&ReadSettings::default()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn chain(volume: Volume) -> Volume {
    let chain: Chain = toml::from_str(
        "[[step]]\nkind = \"orient\"\n[[step]]\nkind = \"window\"\ncenter_hu = -200.0\nwidth_hu = 1800.0\n",
    )
    .unwrap();
    chain.run(volume, &Processor::Cpu).unwrap()
}

fn assert_same(name: &str, found: &Volume, expected: &Volume) {
    assert_eq!(found.voxels(), expected.voxels(), "{name}");
    let [a, b] = [found, expected].map(|volume| volume.grid().patient_from_voxel());
    let [z, y, x] = SHAPE.map(|side| side as f64);
    for corner in [DVec3::ZERO, DVec3::new(x, y, z)] {
        let apart = a.transform_point3(corner).distance(b.transform_point3(corner));
        assert!(apart < 1e-4, "{name}: {apart} mm apart");
    }
}

/// Every way in, by name.
fn ways(root: &Path, volume: &Volume) -> Vec<(&'static str, PathBuf)> {
    let at = |name: &str| {
        let folder = root.join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    };
    let dicom = at("dicom");
    let slices = write_dicom(&dicom, volume);
    let named = |prefix: &str| -> Vec<(String, PathBuf)> {
        let name = |path: &PathBuf| format!("{prefix}{}", path.file_name().unwrap().to_string_lossy());
        slices.iter().map(|path| (name(path), path.clone())).collect()
    };
    let (flat, deep) = (at("zip").join("flat.zip"), at("zip").join("no-ending"));
    zip_files(&flat, &named(""));
    zip_files(&deep, &named("DICOM/PAT\\SE0/"));
    let tree = at("tree");
    for (index, slice) in slices.iter().enumerate() {
        let folder = tree.join(format!("part{}", index % 3));
        fs::create_dir_all(&folder).unwrap();
        fs::copy(slice, folder.join(format!("{index}"))).unwrap();
    }
    let files = at("files");
    let file = |name: &str| files.join(name);
    write_nifti(&file("a.nii"), volume, Gzip::No).unwrap();
    write_nifti(&file("lies.png"), volume, Gzip::Yes).unwrap();
    write_metaimage(&file("a.mha"), volume).unwrap();
    fs::write(file("a.nrrd"), nrrd_of(&file("a.mha"), volume)).unwrap();
    let mhd = split_metaimage(&file("a.mha"), &at("mhd"));
    let medium = at("medium");
    write_dicom(&medium.join("IMAGES"), volume);
    fs::write(medium.join("DICOMDIR"), dicomdir(&["IMAGES\\00.dcm"])).unwrap();
    let zipped_nifti = file("nifti.zip");
    zip_files(&zipped_nifti, &[("sub/a.nii.gz".into(), file("lies.png"))]);
    vec![
        ("folder", dicom),
        ("tree", tree),
        ("DICOMDIR", medium.join("DICOMDIR")),
        ("zip", flat),
        ("zip with folders", deep),
        ("nii", file("a.nii")),
        ("nii.gz", file("lies.png")),
        ("mha", file("a.mha")),
        ("mhd", mhd),
        ("nrrd", file("a.nrrd")),
        ("nii.gz in zip", zipped_nifti),
    ]
}

#[test]
fn every_way_in_gives_one_volume() {
    let root = tempfile::tempdir().unwrap();
    let expected = axial();
    let processed = chain(expected.clone());
    for (name, path) in ways(root.path(), &expected) {
        let loaded = load(&path);
        assert!(loaded.warnings.is_empty(), "{name}");
        assert_same(name, &loaded.volume, &expected);
        assert_same(name, &chain(loaded.volume), &processed);
    }
    // all files of the series by name, in any order
    let mut files: Vec<PathBuf> =
        fs::read_dir(root.path().join("dicom")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.reverse();
    let items = find(&files);
    assert_eq!(items.len(), 1);
    assert_same("files", &items[0].load(&ReadSettings::default()).unwrap().volume, &expected);
}

/// NumPy's files say nothing of the place: same voxels and spacing, origin and axes of the patient.
#[test]
fn arrays_give_the_voxels_and_the_spacing() {
    let root = tempfile::tempdir().unwrap();
    let expected = axial();
    let [npy, spacing, npz] = ["a.npy", "spacing.npy", "a.npz"].map(|name| root.path().join(name));
    write_npy(&npy, &SHAPE, expected.as_slice()).unwrap();
    let spacing_mm = expected.grid().spacing_mm();
    write_npy(&spacing, &[3], &spacing_mm.map(|mm| mm as f32)).unwrap();
    zip_files(&npz, &[("arr_0.npy".into(), npy.clone()), ("spacing.npy".into(), spacing)]);
    let settings = ReadSettings { npy_spacing_mm: Some(spacing_mm), ..ReadSettings::default() };
    let aligned = Grid::aligned(SHAPE, spacing_mm).unwrap();
    let expected = Volume::new(aligned, expected.into_parts().1).unwrap();
    assert_same("npy", &only(&npy).load(&settings).unwrap().volume, &expected);
    assert_same("npz", &load(&npz).volume, &expected);
    assert_same("npz", &chain(load(&npz).volume), &chain(expected));
}

/// Whatever the stored order of axes, the rod is at the right, the front and the feet.
#[test]
fn case_106_laterality_survives_every_way_in() {
    let root = tempfile::tempdir().unwrap();
    let scale = DMat3::from_diagonal(DVec3::new(0.703125, 0.75, 2.5));
    let prone = DMat3::from_cols(DVec3::NEG_X, DVec3::NEG_Y, DVec3::Z) * scale;
    let descending = DMat3::from_cols(DVec3::X, DVec3::NEG_Y, DVec3::NEG_Z) * scale;
    for (index, axes) in [scale, prone, descending].into_iter().enumerate() {
        let stored = phantom(axes, DVec3::new(12.5, -30.0, 100.0));
        for (name, path) in ways(&root.path().join(index.to_string()), &stored) {
            let oriented = chain(load(&path).volume);
            let [_, rows, columns] = oriented.grid().shape_zyx();
            let brightest = oriented.as_slice().iter().copied().fold(f32::MIN, f32::max);
            let (mut rod, mut all) = (DVec3::ZERO, 0.0);
            for (at, value) in oriented.as_slice().iter().enumerate() {
                if *value == brightest {
                    let (z, y, x) = (at / (rows * columns), at / columns % rows, at % columns);
                    rod += DVec3::new(x as f64, y as f64, z as f64);
                    all += 1.0;
                }
            }
            let [z, y, x] = oriented.grid().shape_zyx().map(|side| (side - 1) as f64 / 2.0);
            let rod = rod / all - DVec3::new(x, y, z);
            assert!(rod.x < -1.0 && rod.y < -0.5 && rod.z < -0.5, "{name} {index}: {rod}");
        }
    }
}

#[test]
fn inspection_tells_the_same_of_every_way_in() {
    let root = tempfile::tempdir().unwrap();
    let mut digests = Vec::new();
    for (name, path) in ways(root.path(), &axial()) {
        let found = inspect(&only(&path), Depth::Digest);
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0].verdict, Some(Verdict::Ok), "{name}");
        assert_eq!(found[0].slices, Some(SHAPE[0]), "{name}");
        let summary = found[0].hounsfield.clone().unwrap();
        assert_eq!((summary.min, summary.max), (-1000.0, 700.0), "{name}");
        digests.push(summary.sha256.unwrap());
        let is_series = only(&path).kind() == ItemKind::Series;
        assert_eq!(found[0].description.is_some(), is_series, "{name}");
        let kernel = found[0].description.as_ref().and_then(|d| d.kernel.as_deref());
        assert_eq!(kernel, is_series.then_some("B30f"), "{name}");
    }
    digests.dedup();
    assert_eq!(digests.len(), 1);
}

/// ORIGIN: nibabel 5.4.2 (NumPy 2.4.6): values `100 * (6 i + 2 j + k) - 1000` of shape (2, 3, 2), axes Rz(-35
/// degrees) Rx(20 degrees) diag(0.7, 0.8, 2.5), offset (-90.5, -126.25, -72.75) in RAS; gzip, hexadecimal.
/// NIfTI-1, int16, little endian, sform only.
const NIFTI_1_SFORM: &str = "1f8b08000000000002038b6164200a30333081312314a20216060130dd606f6c6c6c7ff68c8f3d03838203888f8a\
    373843683060621870c0c8f067aaa65dd3c3d0bd41f3a7ef6360d87a88a1e10f104f3c74e49490fdee2377ecdaa4\
    7e83c5ef4d3cbb4f71a9ac7db59ff17eb01a20c814efb13b1f29e600528f6e729eb6219896f853f0efc11f8bff2b\
    fe3230d4fcb9f2cfe5ef9cff3cff521800a5a55c5f78010000";
/// The same, first axis negated (left-handed), float32, big endian, qform only.
const NIFTI_1_QFORM: &str = "1f8b08000000000002036360608c61200630333081312314a2020106050686fd0d0c0cf6c6c6c6f63e67ce3a00f9\
    f60da8d8790384860226868106405fd84d9f1f645f506863a739f5cfa1ad0c0c87fe34301c9ad8c0b05fe8d411bb\
    3b4776effb2dd50612b73b3bf19ebdec52c5fdc67ed520352060d7239ee92016791ea41e1de4691b82e923550c0c\
    874f00690f200dc447c420f2471281fc69405a1f682750fef02f060627200d003b153de790010000";
/// NIfTI-2, float64, big endian, sform only.
const NIFTI_2_SFORM: &str = "1f8b080000000000020363606092c9d33662e0e592e262700042086086d24c38f88c04680c60ff014a3f4b0303fb\
    9733c1c08105a20f2e8f83865aaf80ca1ff480c9fea8d1feb6dad60bfb57ed31b0dfd099b0ffd2e7575e5fa7041c\
    085b005670207e02840e3280f8f751644461bfe053fbdb33a627d65b2fdd7f3f39e0c87f353698fafd3737591f72\
    9fc567ff78cb12c926e69cfdcf32cf87c5b3fc8399030fef8b4d6fb53838273a309db67c591c6304331f2d1e0982\
    03fd902471a012caef84d29950bae900aafa1e05085d04113fd0fa00424742e5eb21e63940f90066a30d85800200\
    00";

/// The same values and axes as SimpleITK 2.5.7 writes them, compressed; its axes are LPS.
const METAIMAGE: &str = "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n\
    CompressedData = True\nCompressedDataSize = 33\nTransformMatrix = 0.8191520442889918 \
    -0.57357643635104605 0 0.53898554469575621 0.76975113132005724 0.34202014332566871 -0.19617469496901108 \
    -0.28016649959323547 0.93969262078590843\nOffset = 90.5 126.25 -72.75\nCenterOfRotation = 0 0 0\n\
    AnatomicalOrientation = RAI\nElementSpacing = 0.69999999999999996 0.80000000000000004 2.5\n\
    DimSize = 2 3 2\nElementType = MET_SHORT\nElementDataFile = LOCAL\n";
const METAIMAGE_VALUES: &str = "785e93f853f0efc11f8bff2bfe3230d4fcb9f2cfe5ef9cff3cff521800c1520ecf";

fn bytes_of(hexadecimal: &str) -> Vec<u8> {
    let digits: Vec<u8> = hexadecimal.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks_exact(2).map(|pair| 16 * pair[0] + pair[1]).collect()
}

/// Files of other tools land where those tools say: nibabel's affine (negated to LPS) and
/// SimpleITK's `TransformIndexToPhysicalPoint` of the index (1, 2, 1). Tolerance 1e-5 mm: NIfTI-1
/// holds 24 bits.
#[test]
fn files_of_other_tools_land_where_they_say() {
    let root = tempfile::tempdir().unwrap();
    let metaimage = [METAIMAGE.as_bytes(), &bytes_of(METAIMAGE_VALUES)].concat();
    for (name, bytes, point) in [
        ("NIfTI-1, sform", bytes_of(NIFTI_1_SFORM), [89.55465341, 126.12031794, -69.85353631]),
        ("NIfTI-1, qform", bytes_of(NIFTI_1_QFORM), [90.70146921, 125.31730992, -69.85353674]),
        ("NIfTI-2, sform", bytes_of(NIFTI_2_SFORM), [89.55465343, 126.12031794, -69.85353622]),
        ("MetaImage", metaimage, [91.44534657, 126.37968206, -69.85353622]),
    ] {
        let path = root.path().join("file");
        fs::write(&path, bytes).unwrap();
        let Some(Container::Volume(format)) = recognise_container(&path) else { panic!("{name}") };
        let volume = read_volume(&path, format, None).unwrap().volume;
        let expected = |[z, y, x]: [usize; 3]| (100 * (6 * x + 2 * y + z)) as f32 - 1000.0;
        assert_eq!(volume, Volume::from_fn(*volume.grid(), expected), "{name}");
        assert_eq!(volume.grid().shape_zyx(), [2, 3, 2], "{name}");
        let apart = volume.grid().patient_point(DVec3::new(1.0, 2.0, 1.0)).distance(point.into());
        assert!(apart < 1e-5, "{name}: {apart} mm apart");
        assert!(volume.grid().origin_mm().distance(DVec3::new(90.5, 126.25, -72.75)) < 1e-9, "{name}");
    }
}

/// Real series, written as volume files and read back.
#[test]
fn real_series_survive_conversion() {
    let Some(data) = pulmo_forge::data_folder() else { return };
    let root = tempfile::tempdir().unwrap();
    for series in ["hazards/three_slices", "hazards/siemens_j2k_partial_lung", "hazards/sagittal_reformat"] {
        let items = find(&[data.join(series)]);
        let volumes: Vec<Volume> =
            items.iter().filter_map(|item| Some(item.load(&ReadSettings::default()).ok()?.volume)).collect();
        assert!(!volumes.is_empty(), "{series}");
        for volume in volumes {
            let [nifti, metaimage] = ["a.nii.gz", "a.mha"].map(|name| root.path().join(name));
            write_nifti(&nifti, &volume, Gzip::Yes).unwrap();
            write_metaimage(&metaimage, &volume).unwrap();
            for path in [nifti, metaimage] {
                let back = load(&path).volume;
                assert!(back.voxels() == volume.voxels(), "{series}");
                let [z, y, x] = volume.grid().shape_zyx().map(|side| side as f64);
                let far = DVec3::new(x, y, z);
                let apart = back.grid().patient_point(far).distance(volume.grid().patient_point(far));
                assert!(apart < 1e-4, "{series}: {apart} mm apart");
            }
        }
    }
}

/// What an archive must not do.
#[test]
fn archives_stay_inside_and_do_not_nest() {
    let root = tempfile::tempdir().unwrap();
    let nifti = root.path().join("a.nii");
    write_nifti(&nifti, &axial(), Gzip::No).unwrap();
    let inner = root.path().join("inner.zip");
    zip_files(&inner, &[("a.nii".into(), nifti.clone())]);
    let outer = root.path().join("outer.zip");
    zip_files(
        &outer,
        &[("../up.nii".into(), nifti.clone()), ("b/inner".into(), inner), ("ok.nii".into(), nifti)],
    );
    let items = find(std::slice::from_ref(&outer));
    let found: Vec<_> = items.iter().map(|item| (item.path.clone(), item.refusal().cloned())).collect();
    let refused = Some(Verdict::RejectFile(Code::Archive.into()));
    let expected =
        [(outer.join("#0"), refused.clone()), (outer.join("b/inner"), refused), (outer.join("ok.nii"), None)];
    assert_eq!(found, expected);
    assert!(!root.path().join("up.nii").exists());
    // the private folder lasts as long as its items, and no longer
    let loaded = items[2].load(&ReadSettings::default()).unwrap();
    assert_eq!(loaded.warnings, [Code::Archive]);
}

/// No flip of a byte makes a reader panic, hang, or answer with another shape than it read.
#[test]
fn flipped_bytes_are_read_or_refused() {
    let root = tempfile::tempdir().unwrap();
    let expected = axial();
    let mut refused = 0;
    for (name, path) in ways(root.path(), &expected).into_iter().filter(|(_, path)| path.is_file()) {
        let bytes = fs::read(&path).unwrap();
        // an archive takes a folder of files for each try
        let step = if name.contains("zip") { 13 } else { 1 };
        for at in (0..bytes.len().min(420)).step_by(step) {
            for flip in [0x01, 0x80, 0xFF] {
                let mut flipped = bytes.clone();
                flipped[at] ^= flip;
                fs::write(&path, &flipped).unwrap();
                for item in find(std::slice::from_ref(&path)) {
                    match item.load(&ReadSettings::default()) {
                        // slices of a damaged archive may be missing, which is told
                        Ok(loaded) => assert!(
                            loaded.volume.as_slice().len() == expected.grid().len()
                                || loaded.warnings.iter().any(|reason| *reason == Code::Archive),
                            "{name}"
                        ),
                        Err(_) => refused += 1,
                    }
                }
            }
        }
    }
    assert!(refused > 300, "{refused}");
}

/// A scan that was registered to another is read by its sform, and that is told.
#[test]
fn a_registered_scan_carries_a_warning() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a.nii");
    write_nifti(&path, &axial(), Gzip::No).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    // the first coordinate of the sform's offset
    bytes[292..296].copy_from_slice(&100.0_f32.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    let loaded = load(&path);
    assert_eq!(loaded.warnings, [Code::Transforms]);
    assert_eq!(loaded.volume.grid().origin_mm().x, -100.0);
    // the first axis of the sform reversed: left is right
    bytes[280..284].copy_from_slice(&0.703125_f32.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    let error = only(&path).load(&ReadSettings::default()).unwrap_err();
    assert_eq!(error.code(), Code::Transforms);
    assert!(error.to_string().contains("RPS by the sform, LPS by the qform"), "{error}");
}

/// Padding that a volume file does not declare becomes air, as DICOM's declared padding does.
#[test]
fn padding_becomes_air_in_every_way() {
    let root = tempfile::tempdir().unwrap();
    let corner = |value: f32| {
        let volume = axial();
        let grid = *volume.grid();
        Volume::from_fn(grid, |[z, y, x]| if x + y < 3 { value } else { volume.voxels()[[z, y, x]] })
    };
    let path = root.path().join("a.mha");
    write_metaimage(&path, &corner(-3024.0)).unwrap();
    let loaded = load(&path);
    assert_eq!(loaded.warnings, [Code::Padding]);
    assert_same("mha", &loaded.volume, &corner(-1024.0));
    let summary = inspect(&only(&path), Depth::Values)[0].hounsfield.clone().unwrap();
    assert_eq!(summary.min, -3024.0);
}

/// Case 61: names with control characters, of 255 bytes, like an option or of no encoding at all.
#[cfg(unix)]
#[test]
fn case_061_strange_names_are_names() {
    use std::os::unix::ffi::OsStrExt;
    let root = tempfile::tempdir().unwrap();
    let plain = root.path().join("plain");
    let folder = root.path().join("strange");
    fs::create_dir(&folder).unwrap();
    let long = vec![b'x'; 255];
    let names: [&[u8]; 6] = [b"a\nb", b"\x1b[2Jc", b"-rf", &long, b"\xff\xfe", b"CON"];
    for (slice, name) in write_dicom(&plain, &axial()).iter().zip(names) {
        fs::copy(slice, folder.join(std::ffi::OsStr::from_bytes(name))).unwrap();
    }
    assert_same("folder", &load(&folder).volume, &axial());
    let archive = root.path().join("a.zip");
    let entries: Vec<(String, PathBuf)> = ["a\nb", "\u{1b}[2Jc", "-rf", &"x".repeat(255), "\u{fffd}", "CON"]
        .iter()
        .zip(write_dicom(&plain, &axial()))
        .map(|(name, path)| ((*name).to_owned(), path))
        .collect();
    zip_files(&archive, &entries);
    assert_same("zip", &load(&archive).volume, &axial());
}

#[test]
fn damaged_and_truncated_files_are_refused() {
    let root = tempfile::tempdir().unwrap();
    for (name, path) in ways(root.path(), &axial()).into_iter().filter(|(_, path)| path.is_file()) {
        let bytes = fs::read(&path).unwrap();
        for keep in [bytes.len() - 1, bytes.len() / 2, bytes.len() / 8] {
            fs::write(&path, &bytes[..keep]).unwrap();
            let codes: Vec<_> = find(std::slice::from_ref(&path))
                .iter()
                .map(|item| item.load(&ReadSettings::default()).err().map(|error| error.code()))
                .collect();
            let is_header = ["mhd", "DICOMDIR"].contains(&name);
            assert!(is_header || codes.iter().all(Option::is_some), "{name}, {keep} bytes: {codes:?}");
            assert!(!codes.is_empty(), "{name}, {keep} bytes");
        }
    }
}

/// Case 60: what a DICOMDIR lists is never looked for, wherever it points.
#[test]
fn case_060_a_dicomdir_is_its_folder_and_no_more() {
    let root = tempfile::tempdir().unwrap();
    let medium = root.path().join("medium");
    write_dicom(&medium.join("IMAGES"), &axial());
    let outside = root.path().join("outside");
    fs::create_dir_all(&outside).unwrap();
    pulmo_forge::ct::write_all(&pulmo_forge::ct::series(4, 1.0), &outside);
    let index = medium.join("DICOMDIR");
    fs::write(&index, dicomdir(&["..\\OUTSIDE\\000.dcm", "..\\..\\etc\\passwd", "C:\\A", "/etc/passwd"]))
        .unwrap();
    let named = only(&index);
    assert_eq!((named.kind(), named.path.as_path()), (ItemKind::Series, medium.join("IMAGES").as_path()));
    assert_same("DICOMDIR", &named.load(&ReadSettings::default()).unwrap().volume, &axial());
    let by_folder = only(&medium);
    assert_eq!(by_folder.path, named.path);
}

/// A DICOMDIR, Explicit VR Little Endian, with one IMAGE record for each Referenced File ID.
fn dicomdir(references: &[&str]) -> Vec<u8> {
    let element = |group: u16, number: u16, vr: &str, value: &[u8]| {
        let mut bytes = [group.to_le_bytes(), number.to_le_bytes()].concat();
        bytes.extend(vr.as_bytes());
        if vr == "SQ" {
            bytes.extend([0, 0]);
            bytes.extend((value.len() as u32).to_le_bytes());
        } else {
            bytes.extend((value.len().next_multiple_of(2) as u16).to_le_bytes());
        }
        bytes.extend(value);
        if value.len() % 2 == 1 {
            bytes.push(if vr == "UI" { 0 } else { b' ' });
        }
        bytes
    };
    let class = element(0x0002, 0x0002, "UI", b"1.2.840.10008.1.3.10");
    let syntax = element(0x0002, 0x0010, "UI", b"1.2.840.10008.1.2.1");
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    bytes.extend(element(0x0002, 0x0000, "UL", &((class.len() + syntax.len()) as u32).to_le_bytes()));
    bytes.extend([class, syntax].concat());
    let items: Vec<u8> = references
        .iter()
        .flat_map(|reference| {
            let record = [
                element(0x0004, 0x1430, "CS", b"IMAGE"),
                element(0x0004, 0x1500, "CS", reference.as_bytes()),
            ]
            .concat();
            let mut item = vec![0xFE, 0xFF, 0x00, 0xE0];
            item.extend((record.len() as u32).to_le_bytes());
            item.extend(record);
            item
        })
        .collect();
    bytes.extend(element(0x0004, 0x1220, "SQ", &items));
    bytes
}
