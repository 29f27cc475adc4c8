//! Weights that PyTorch saved: `torch.save(model.state_dict(), "weights.pth")`.
//!
//! Such a file is a pickle, a program for a small machine, and raw values. Python runs any such
//! program; here only the few instructions of a list of tensors are known, nothing is ever called,
//! and everything else is refused by name. Both layouts are read: the zip archive of PyTorch 1.6
//! and later, and the stream of pickles before it, in which many published weights still come.
//!
//! The reader of burn-store (`pytorch-reader` 0.22.1) was tried in November 2026 and not taken: it gives the same tensors and
//! never panicked, but a file of 61 KB whose pickle unpacks to 60 MiB of nothing made it take 8.6 GB, it passes over a
//! call of `os.system` beside the weights without a word, and a tensor of a few bytes may become 10 GiB.

mod container;
mod error;
mod pickle;
mod tensors;
mod value;

pub use container::{is_torch, read_torch};
pub use error::TorchError;
pub use tensors::{TorchTensor, bfloat, half};

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of `tests/golden/torch/make_pth.py`.
    fn read(name: &str) -> Vec<u8> {
        std::fs::read(format!("tests/golden/torch/{name}.pth")).unwrap()
    }

    /// What `make_pth.py` put into every list.
    fn expected() -> Vec<(&'static str, Vec<usize>, Vec<f32>)> {
        let counting: Vec<f32> = (0..24_u8).map(|i| f32::from(i) / 8.0 - 1.0).collect();
        let turned = (0..24).map(|i| counting[i % 4 * 6 + i / 4]).collect();
        vec![
            ("bfloat", vec![4], counting[..4].to_vec()),
            ("channels_last", vec![1, 4, 2, 3], counting.clone()),
            ("double", vec![4], counting[..4].to_vec()),
            ("half", vec![4], counting[..4].to_vec()),
            ("parameter", vec![2], counting[..2].to_vec()),
            ("part", vec![4], counting[5..9].to_vec()),
            ("plain", vec![2, 3, 4], counting.clone()),
            ("rest", vec![15], counting[9..].to_vec()),
            ("scalar", vec![], vec![0.5]),
            ("turned", vec![6, 4], turned),
        ]
    }

    #[test]
    fn both_layouts_and_a_nested_list_give_the_same_tensors() {
        for name in ["archive", "nested", "stream"] {
            let bytes = read(name);
            assert!(is_torch(&bytes));
            let found = read_torch(&bytes).unwrap();
            let expected = expected();
            assert_eq!(found.len(), expected.len(), "{name}: {:?}", found.keys());
            for ((found_name, tensor), (wanted, shape, values)) in found.into_iter().zip(expected) {
                assert_eq!((found_name.as_str(), &tensor.shape), (wanted, &shape), "{name}");
                assert_eq!(tensor.values, values, "{name}: {wanted}");
            }
        }
    }

    #[test]
    fn a_modules_weights_are_read_and_a_whole_module_is_refused_by_name() {
        let found = read_torch(&read("module")).unwrap();
        let names = ["0.bias", "0.weight", "1.bias", "1.running_mean", "1.running_var", "1.weight"];
        assert_eq!(found.keys().collect::<Vec<_>>(), names);
        assert_eq!(found["0.weight"].shape, [2, 1, 3, 3]);
        let error = read_torch(&read("object")).unwrap_err();
        assert_eq!(error, TorchError::Object("torch.nn.modules.linear.Linear".into()));
    }

    /// The archive of `make_pth.py` with each entry packed anew, its first storage made longer by `more` zeros.
    fn packed_again(more: usize) -> Vec<u8> {
        use std::io::{Read, Write};
        let mut from = zip::ZipArchive::new(std::io::Cursor::new(read("archive"))).unwrap();
        let mut to = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let mut is_first = true;
        for index in 0..from.len() {
            let mut entry = from.by_index(index).unwrap();
            let name = entry.name().unwrap().into_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            if name.contains("/data/") && std::mem::take(&mut is_first) {
                content.resize(content.len() + more, 0);
            }
            to.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            to.write_all(&content).unwrap();
        }
        to.finish().unwrap().into_inner()
    }

    #[test]
    fn a_packed_entry_stays_within_what_it_declares() {
        assert_eq!(read_torch(&packed_again(0)), read_torch(&read("archive")));
        let grown = read_torch(&packed_again(1 << 20)).unwrap_err();
        assert_eq!(grown, TorchError::Damaged("a part of its archive is longer than it says"));
    }

    /// 60 MiB of instructions in 60 KB.
    #[test]
    fn a_pickle_that_unpacks_to_many_instructions_is_refused() {
        use std::io::Write;
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.start_file("a/data.pkl", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"\x80\x02").unwrap();
        zip.write_all(&vec![b'N'; 60 << 20]).unwrap();
        zip.write_all(b".").unwrap();
        let bytes = zip.finish().unwrap().into_inner();
        assert!(bytes.len() < 100_000);
        assert_eq!(read_torch(&bytes), Err(TorchError::TooLarge("more than 2^21 pickle instructions")));
    }

    #[test]
    fn no_damage_panics() {
        for name in ["stream", "archive"] {
            let whole = read(name);
            for end in 0..whole.len() {
                assert!(name == "archive" || read_torch(&whole[..end]).is_err(), "{name} cut at {end}");
                let mut flipped = whole.clone();
                for bit in [0, 3, 7] {
                    flipped[end] = whole[end] ^ (1 << bit);
                    _ = read_torch(&flipped);
                }
            }
            assert!(read_torch(&whole[..whole.len() / 2]).is_err());
        }
    }

    #[test]
    fn commands_nesting_and_boasting_are_refused() {
        let stream = |body: &[u8]| {
            let start = &read("stream")[..15];
            let pickles = [start, b"\x80\x02K\x01.", b"\x80\x02}.", body].concat();
            read_torch(&pickles).unwrap_err()
        };
        let command = stream(b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R.");
        assert_eq!(command, TorchError::Object("os.system".into()));
        let deep = [b"\x80\x02".as_slice(), &[b')'; 1], &[0x85; 100_000], b"."].concat();
        assert_eq!(stream(&deep), TorchError::TooLarge("it nests too deeply"));
        assert_eq!(stream(b"\x80\x02cbuiltins\neval\n."), TorchError::Object("builtins.eval".into()));
        assert_eq!(stream(b"\x80\x02\x93."), TorchError::Instruction(0x93));
        let tensor = b"\x80\x02}X\x01\0\0\0actorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n\
            FloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuJ\xff\xff\xff\x7fNtQK\0J\xff\xff\xff\x7f\x85K\x01\x85\x89NtRs.";
        assert_eq!(stream(tensor), TorchError::TooLarge("more than 2^29 weights"));
    }
}
