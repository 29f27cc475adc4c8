//! Items found under paths.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use tempfile::TempDir;

use super::dicomdir::folder_named;
use super::item::{Item, Source, Unpacked};
use crate::dicom::{Discovery, Refused, discover};
use crate::files::{ArchiveError, Container, is_picture, recognise_container, unpack};
use crate::findings::{Code, Verdict};

/// Names that promise a format: a file so named that is something else is told, not passed over.
const PROMISING_EXTENSIONS: [&str; 19] = [
    "dcm", "dicom", "ima", "png", "jpg", "jpeg", "jfif", "tif", "tiff", "bmp", "npy", "dc3", "npz", "nii",
    "mha", "mhd", "nrrd", "nhdr", "zip",
];

/// Finds all items in files, folders and zip archives, in the order of their paths.
///
/// In a folder, files of other formats are passed over silently, unless their name promises one
/// that pulmo reads; a file that is named itself is always told. A DICOMDIR that is named means its
/// folder. Archives are unpacked into private folders, which last as long as their items; archives
/// within archives are refused, and where entries are damaged, what is left loads with a warning.
pub fn find(paths: &[PathBuf]) -> Vec<Item> {
    let paths: Vec<PathBuf> = paths.iter().map(|path| folder_named(path)).collect();
    let (mut items, archives) = find_files(&paths);
    items.extend(archives.iter().flat_map(|archive| find_in_archive(archive)));
    items.sort_by(|a, b| a.path.cmp(&b.path));
    items
}

/// The items of files and folders, and the archives among them.
fn find_files(paths: &[PathBuf]) -> (Vec<Item>, Vec<PathBuf>) {
    let Discovery { series, refused, others, .. } = discover(paths);
    let of_series =
        series.into_iter().map(|series| Item::new(series.path.clone(), Source::Series(Box::new(series))));
    let of_refused =
        refused.into_iter().map(|Refused { path, verdict, .. }| Item::new(path, Source::Refused(verdict)));
    let mut items: Vec<Item> = of_series.chain(of_refused).collect();
    let mut archives = Vec::new();
    let recognised: Vec<Recognised> =
        others.par_iter().map(|path| recognise(path, paths.contains(path))).collect();
    for (path, recognised) in others.into_iter().zip(recognised) {
        match recognised {
            Recognised::Item(source) => items.push(Item::new(path, *source)),
            Recognised::Archive => archives.push(path),
            Recognised::Nothing => {}
        }
    }
    (items, archives)
}

enum Recognised {
    Item(Box<Source>),
    Archive,
    Nothing,
}

fn recognise(path: &Path, is_named: bool) -> Recognised {
    let source = match recognise_container(path) {
        _ if is_picture(path) => Source::Picture(path.to_path_buf()),
        Some(Container::Volume(format)) => Source::VolumeFile(format, path.to_path_buf()),
        Some(Container::Archive) => return Recognised::Archive,
        None => {
            let extension =
                path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
            let is_promised =
                extension.is_some_and(|extension| PROMISING_EXTENSIONS.contains(&extension.as_str()));
            if !is_named && !is_promised {
                return Recognised::Nothing;
            }
            Source::Refused(Verdict::RejectFile(Code::NotDicom.into()))
        }
    };
    Recognised::Item(Box::new(source))
}

/// The items of an archive, or the archive itself as one that is refused.
fn find_in_archive(path: &Path) -> Vec<Item> {
    let refused =
        |path: PathBuf, code: Code| Item::new(path, Source::Refused(Verdict::RejectFile(code.into())));
    let (folder, left_out) = match unpack_privately(path) {
        Ok(unpacked) => unpacked,
        Err(error) => return vec![refused(path.to_path_buf(), error.code())],
    };
    let root = folder.path().to_path_buf();
    let unpacked = Unpacked {
        archive: path.to_path_buf(),
        folder: Arc::new(folder),
        is_incomplete: !left_out.is_empty(),
    };
    let (items, archives) = find_files(&[root]);
    let nested = archives.into_iter().map(|archive| refused(archive, Code::Archive));
    let found = items.into_iter().chain(nested).map(|item| Item {
        path: unpacked.told(&item.path),
        unpacked: Some(unpacked.clone()),
        ..item
    });
    found.chain(left_out.into_iter().map(|name| refused(path.join(name), Code::Archive))).collect()
}

/// Unpacks an archive into a new folder that only this user can read.
fn unpack_privately(path: &Path) -> Result<(TempDir, Vec<PathBuf>), ArchiveError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("pulmo-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let folder = builder.tempdir()?;
    let left_out = unpack(path, folder.path())?;
    Ok((folder, left_out))
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, Settings};
    use super::*;
    use crate::files::write_npy;

    /// A BMP of one pixel, 24 bits (whatever its name says).
    fn black_pixel() -> Vec<u8> {
        let mut bytes = b"BM".to_vec();
        bytes.extend([58u32, 0, 54, 40, 1, 1].iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend([1, 0, 24, 0]);
        bytes.resize(58, 0);
        bytes
    }

    #[test]
    fn a_folder_gives_one_item_a_thing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("b.png"), black_pixel()).unwrap();
        write_npy(&at("c.npy"), &[2, 2], &[0.0; 4]).unwrap();
        std::fs::write(at("a.dcm"), b"not dicom at all").unwrap();
        std::fs::write(at("labels.csv"), b"path,label").unwrap();
        std::fs::write(at(".hidden.png"), b"").unwrap();
        let items = find(&[folder.path().to_path_buf()]);
        let found: Vec<_> = items.iter().map(|item| (item.path.clone(), item.kind())).collect();
        let expected =
            [(at("a.dcm"), Kind::Refused), (at("b.png"), Kind::Picture), (at("c.npy"), Kind::VolumeFile)];
        assert_eq!(found, expected);
        let codes: Vec<_> =
            items.iter().map(|item| item.load(&Settings::default()).err().map(|e| e.code())).collect();
        assert_eq!(codes, [Some(Code::NotDicom), None, None]);
        assert_eq!(find(&[at("labels.csv")])[0].kind(), Kind::Refused);
        assert_eq!(find(&[at("gone.png")])[0].refusal(), Some(&Verdict::RejectFile(Code::Unreadable.into())));
    }
}
