//! Every WGSL kernel parses and validates, and agrees with the Rust side on its parameters, bindings
//! and workgroup.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

use naga::{AddressSpace, StorageAccess, TypeInner};
use pulmo_preprocess::gpu::{
    AffineParams, Chunk, GatherParams, HounsfieldParams, IntensityParams, Kernel, KernelParams, Layout,
    MedianParams, Ramp, SHARED_VALUES, SeparableParams, ToneParams, WORKGROUP_XYZ, WarpParams,
};

fn parsed(kernel: Kernel) -> naga::Module {
    let source = kernel.source();
    let module = naga::front::wgsl::parse_str(&source)
        .unwrap_or_else(|error| panic!("{}: {}", kernel.name(), error.emit_to_string(&source)));
    naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::default())
        .validate(&module)
        .unwrap_or_else(|error| panic!("{}: {error:?}", kernel.name()));
    module
}

/// Names and offsets of a struct's members, and its size.
fn fields(module: &naga::Module, ty: naga::Handle<naga::Type>) -> (Vec<(&str, usize)>, usize) {
    let TypeInner::Struct { members, span } = &module.types[ty].inner else { panic!("not a struct") };
    let field = |member: &'_ naga::StructMember| member.offset as usize;
    let named = members.iter().map(|member| (member.name.as_deref().unwrap(), field(member)));
    (named.collect(), *span as usize)
}

/// The `Params` struct and the tables of a kernel agree with its Rust struct.
fn check_params<P: KernelParams>(tables: usize) {
    let name = P::KERNEL.name();
    let module = parsed(P::KERNEL);
    let binding = |number: u32| {
        let found = module.global_variables.iter().find(|(_, variable)| {
            variable.binding.as_ref().is_some_and(|place| place.group == 0 && place.binding == number)
        });
        found.unwrap_or_else(|| panic!("{name}: no binding {number}")).1
    };
    let params = binding(0);
    assert_eq!(params.space, AddressSpace::Uniform, "{name}");
    let common = size_of::<Chunk>() + size_of::<Ramp>();
    let mut expected = vec![("chunk", 0), ("ramp", size_of::<Chunk>())];
    expected.extend(P::FIELDS.iter().map(|(field, offset)| (*field, offset + common)));
    assert_eq!(fields(&module, params.ty), (expected, size_of::<P>() + common), "{name}: fields and size");
    for (field, expected, size) in
        [("Chunk", Chunk::FIELDS, size_of::<Chunk>()), ("Ramp", Ramp::FIELDS, size_of::<Ramp>())]
    {
        let (ty, _) = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(field)).unwrap();
        assert_eq!(fields(&module, ty), (expected.to_vec(), size), "{name}: {field}");
    }

    let last = u32::try_from(tables).unwrap() + 2;
    for number in 1..=last {
        let AddressSpace::Storage { access } = binding(number).space else {
            panic!("{name}: binding {number} is not storage");
        };
        assert_eq!(access.contains(StorageAccess::STORE), number == last, "{name}: binding {number}");
    }
    let bound = module.global_variables.iter().filter(|(_, variable)| variable.binding.is_some()).count();
    assert_eq!(bound, last as usize + 1, "{name}: bindings");
}

#[test]
fn params_and_bindings_agree_with_rust() {
    check_params::<IntensityParams>(0);
    check_params::<SeparableParams>(2);
    check_params::<HounsfieldParams>(1);
    check_params::<GatherParams>(0);
    check_params::<AffineParams>(0);
    check_params::<MedianParams>(0);
    check_params::<WarpParams>(1);
    check_params::<ToneParams>(0);
}

#[test]
fn a_workgroup_shares_as_many_values_as_rust_says() {
    let module = parsed(Kernel::Separable);
    let shared = module.global_variables.iter().find(|(_, v)| v.space == AddressSpace::WorkGroup).unwrap().1;
    let TypeInner::Array { size: naga::ArraySize::Constant(values), .. } = module.types[shared.ty].inner
    else {
        panic!("not an array of fixed size")
    };
    assert_eq!(values.get() as usize, SHARED_VALUES);
}

#[test]
fn every_kernel_has_one_main_of_the_common_workgroup() {
    for kernel in Kernel::ALL {
        let module = parsed(kernel);
        let [entry] = module.entry_points.as_slice() else { panic!("{}: one entry point", kernel.name()) };
        assert_eq!(entry.name, "main");
        assert_eq!(entry.workgroup_size, WORKGROUP_XYZ, "{}", kernel.name());
    }
}

#[test]
fn files_are_short_and_start_with_what_they_do() {
    let folder = std::path::Path::new("../../shaders");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.lines().count() <= 150, "{}", path.display());
        assert!(text.starts_with("// ") && text.contains("// Space:"), "{}", path.display());
        names.push(path.file_stem().unwrap().to_str().unwrap().to_owned());
    }
    names.sort_unstable();
    let mut known = Kernel::ALL.map(Kernel::name);
    known.sort_unstable();
    assert_eq!(names, known);
}
