//! Connected components.

use ndarray::Array3;

/// The connected parts of a structure, largest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Components {
    /// 0 outside, else the component's number from 1; component 1 is the largest. `[z, y, x]`.
    pub labels: Array3<u32>,
    /// Voxels of component 1, 2, ...
    pub sizes: Vec<usize>,
}

impl Components {
    /// Whether each voxel belongs to one of the components of which `keep(number, size)` is true.
    pub fn select(&self, keep: impl Fn(usize, usize) -> bool) -> Array3<bool> {
        let kept: Vec<bool> =
            self.sizes.iter().enumerate().map(|(index, size)| keep(index + 1, *size)).collect();
        self.labels.mapv(|label| label > 0 && kept[label as usize - 1])
    }
}

/// Returns the parts of `inside` that hang together through faces (6-connectivity).
///
/// Two passes with union-find over provisional labels, as Rosenfeld and Pfaltz 1966
/// (doi:10.1145/321356.321357).
pub fn label(inside: &Array3<bool>) -> Components {
    let mut sets = Sets { parent: vec![0] };
    let mut labels: Array3<u32> = Array3::zeros(inside.dim());
    for ((z, y, x), _) in inside.indexed_iter().filter(|(_, inside)| **inside) {
        let before = [
            if z > 0 { labels[[z - 1, y, x]] } else { 0 },
            if y > 0 { labels[[z, y - 1, x]] } else { 0 },
            if x > 0 { labels[[z, y, x - 1]] } else { 0 },
        ];
        let joined = before.into_iter().filter(|label| *label > 0).reduce(|a, b| sets.join(a, b));
        labels[[z, y, x]] = joined.unwrap_or_else(|| sets.add());
    }
    numbered_by_size(labels, sets)
}

/// Provisional labels replaced by numbers in the order of size; equal sizes in the order of voxels.
fn numbered_by_size(mut labels: Array3<u32>, mut sets: Sets) -> Components {
    let mut voxels = vec![0usize; sets.parent.len()];
    labels.mapv_inplace(|label| sets.root(label));
    labels.iter().for_each(|label| voxels[*label as usize] += 1);
    let mut roots: Vec<usize> = (1..voxels.len()).filter(|root| voxels[*root] > 0).collect();
    roots.sort_by_key(|root| std::cmp::Reverse(voxels[*root]));
    let mut number = vec![0u32; voxels.len()];
    (1..).zip(&roots).for_each(|(place, root)| number[*root] = place);
    labels.mapv_inplace(|label| number[label as usize]);
    Components { labels, sizes: roots.into_iter().map(|root| voxels[root]).collect() }
}

/// Disjoint sets of labels; label 0 stays alone.
struct Sets {
    parent: Vec<u32>,
}

impl Sets {
    /// A new set. Labels fit `u32`: more would need more memory than the volume.
    fn add(&mut self) -> u32 {
        let label = u32::try_from(self.parent.len()).unwrap_or(u32::MAX);
        self.parent.push(label);
        label
    }

    fn root(&mut self, mut label: u32) -> u32 {
        while self.parent[label as usize] != label {
            let above = self.parent[label as usize];
            self.parent[label as usize] = self.parent[above as usize];
            label = above;
        }
        label
    }

    fn join(&mut self, a: u32, b: u32) -> u32 {
        let (a, b) = (self.root(a), self.root(b));
        let (low, high) = (a.min(b), a.max(b));
        self.parent[high as usize] = low;
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(rows: &[&str]) -> Array3<bool> {
        let columns = rows[0].len();
        Array3::from_shape_fn((1, rows.len(), columns), |(_, y, x)| rows[y].as_bytes()[x] == b'#')
    }

    #[test]
    fn parts_are_numbered_by_size() {
        let parts = label(&drawn(&["#..##", "...##", "#.#.."]));
        assert_eq!(parts.sizes, [4, 1, 1, 1]);
        assert_eq!(parts.labels[[0, 0, 3]], 1);
        assert_eq!(parts.labels[[0, 0, 0]], 2);
    }

    #[test]
    fn branches_that_meet_late_are_one_part() {
        assert_eq!(label(&drawn(&["#.#.#", "#.#.#", "#####"])).sizes, [11]);
        assert_eq!(label(&drawn(&["#.", ".#"])).sizes, [1, 1]);
    }

    #[test]
    fn slices_hang_together_through_faces() {
        let mut inside = Array3::from_elem((3, 2, 2), false);
        inside[[0, 0, 0]] = true;
        inside[[1, 0, 0]] = true;
        inside[[2, 1, 1]] = true;
        assert_eq!(label(&inside).sizes, [2, 1]);
        assert_eq!(label(&Array3::from_elem((2, 2, 2), false)).sizes, [] as [usize; 0]);
    }
}
