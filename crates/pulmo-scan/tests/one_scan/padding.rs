//! Padding, declared rightly, wrongly or not at all; and what stays `HU_RANGE`.

use pulmo_scan::dicom::AssembleSettings;
use pulmo_scan::findings::Code;

use pulmo_forge::ct::{self, CHEST_SIDE, CtSlice, Value, chest};
use pulmo_forge::load::{keep, load_with};

/// Whether a pixel of a chest slice lies outside the circle inscribed in it.
fn is_outside(index: usize) -> bool {
    let side = usize::from(CHEST_SIDE);
    let off = |place: usize| place as f64 - (side as f64 - 1.0) / 2.0;
    off(index % side).hypot(off(index / side)) > side as f64 / 2.0
}

/// Chest slices of signed samples whose value is HU, with `stored` outside the circle of slice `z`.
fn padded(stored: impl Fn(usize, usize) -> i16) -> Vec<CtSlice> {
    let mut slices = chest(24, 0.0, 10.0);
    for (z, slice) in slices.iter_mut().enumerate() {
        slice.format(16, 1);
        slice.text(ct::INTERCEPT, "DS", "0");
        for (index, word) in slice.pixels.iter_mut().enumerate() {
            let hu = if is_outside(index) { stored(z, index) } else { word.cast_signed() - 1024 };
            *word = hu.cast_unsigned();
        }
    }
    slices
}

fn declared(mut slices: Vec<CtSlice>, value: &Value) -> Vec<CtSlice> {
    slices.iter_mut().for_each(|slice| drop(slice.elements.insert(ct::PADDING, value.clone())));
    slices
}

/// The chest with air outside the circle.
fn expected() -> Vec<f32> {
    let voxels = |slice: &CtSlice| {
        let air = |(index, word): (usize, &u16)| {
            if is_outside(index) { -1024.0 } else { f32::from(*word) - 1024.0 }
        };
        slice.pixels.iter().enumerate().map(air).collect::<Vec<_>>()
    };
    chest(24, 0.0, 10.0).iter().flat_map(voxels).collect()
}

fn words(vr: &'static str, values: &[i16]) -> Value {
    Value::Words(vr, values.iter().map(|value| value.cast_unsigned()).collect())
}

fn check(name: &str, slices: &[CtSlice], warnings: &[Code]) {
    let assembled = load_with(slices, &AssembleSettings::default());
    let assembled = assembled.unwrap_or_else(|code| panic!("{name}: {code}"));
    assert_eq!(assembled.warnings, warnings, "{name}");
    assert!(assembled.volume.as_slice() == expected(), "{name}");
}

#[test]
fn padding_becomes_air_however_it_is_declared() {
    let plain = || padded(|_, _| -2000);
    check("declared", &declared(plain(), &words("SS", &[-2000])), &[]);
    check("declared as US", &declared(plain(), &words("US", &[-2000])), &[]);
    check(
        "declared with 32 bits",
        &declared(plain(), &Value::Longs("SL", vec![(-2000_i32).cast_unsigned()])),
        &[],
    );
    check("declared as text", &declared(plain(), &Value::Text("DS", "-2000".into())), &[Code::Padding]);
    check("declared empty", &declared(plain(), &words("SS", &[])), &[Code::Padding]);
    check("declared without its sign", &declared(plain(), &words("SS", &[2000])), &[Code::Padding]);
    check("declared as another value", &declared(plain(), &words("SS", &[-1500])), &[Code::Padding]);
    check("not declared", &plain(), &[Code::Padding]);
    check("not declared, far out", &padded(|_, _| i16::MIN), &[Code::Padding]);
    let two = |z: usize, index: usize| if (index + z).is_multiple_of(3) { -2000 } else { -2048 };
    check("two values, one declared", &declared(padded(two), &words("SS", &[-2000])), &[Code::Padding]);
    check("another value in each slice", &padded(|z, _| -1500 - z as i16), &[Code::Padding]);
    let mut each_its_own = padded(|z, _| -1500 - z as i16);
    for (z, slice) in each_its_own.iter_mut().enumerate() {
        slice.elements.insert(ct::PADDING, words("SS", &[-1500 - z as i16]));
    }
    check("another value declared in each slice", &each_its_own, &[]);
    let mut range = declared(padded(two), &words("SS", &[-2048]));
    range.iter_mut().for_each(|slice| drop(slice.elements.insert(ct::PADDING_LIMIT, words("SS", &[-2000]))));
    check("a range", &range, &[]);
    let mut swapped = declared(padded(two), &words("SS", &[-2000]));
    swapped
        .iter_mut()
        .for_each(|slice| drop(slice.elements.insert(ct::PADDING_LIMIT, words("US", &[-2048]))));
    check("a range from above", &swapped, &[]);
}

#[test]
fn a_declared_value_of_tissue_makes_no_hole() {
    // 0 HU is declared, lies at the corners, and is padding; at no corner it is water
    check("water at the corners", &declared(padded(|_, _| 0), &words("SS", &[0])), &[]);
    let sound = padded(|_, _| -1024);
    check("water declared", &declared(sound.clone(), &words("SS", &[0])), &[Code::Padding]);
    // a range from far below air up to water would swallow the lungs
    let mut range = declared(sound, &words("SS", &[-2000]));
    range.iter_mut().for_each(|slice| drop(slice.elements.insert(ct::PADDING_LIMIT, words("SS", &[0]))));
    check("a range up to water", &range, &[Code::Padding]);
}

#[test]
fn negative_padding_in_unsigned_samples_is_padding() {
    let mut slices = chest(24, 0.0, 10.0);
    for slice in &mut slices {
        slice.format(16, 0);
        let outside = slice.pixels.iter_mut().enumerate().filter(|(index, _)| is_outside(*index));
        outside.for_each(|(_, word)| *word = (-2000_i16).cast_unsigned());
    }
    check("63536, not declared", &slices, &[Code::Padding]);
    check("63536, declared", &declared(slices, &words("US", &[-2000])), &[]);
}

#[test]
fn padding_is_told_and_kept_where_that_is_asked_for() {
    let assembled = load_with(&padded(|_, _| -2048), &keep()).unwrap();
    assert_eq!(assembled.warnings, [Code::Padding]);
    let sentence = &assembled.warnings[0].message;
    assert!(sentence.starts_with("pixels of -2048 HU in 24 of 24 slices"), "{sentence}");
    assert!(assembled.volume.as_slice().contains(&-2048.0));
}

#[test]
fn a_wrong_rescale_stays_refused() {
    let changed = |tag, text: &str| {
        let mut slices = chest(24, 0.0, 10.0);
        slices.iter_mut().for_each(|slice| slice.text(tag, "DS", text));
        load_with(&slices, &AssembleSettings::default()).err()
    };
    assert_eq!(changed(ct::INTERCEPT, "-2048"), Some(Code::HuRange));
    assert_eq!(changed(ct::INTERCEPT, "-1324"), Some(Code::HuRange));
    assert_eq!(changed(ct::SLOPE, "5"), Some(Code::HuRange));
    // padding does not hide it: air spreads over many values beside it
    let mut slices = padded(|_, _| -2000);
    slices.iter_mut().for_each(|slice| slice.text(ct::INTERCEPT, "DS", "-1024"));
    assert_eq!(load_with(&slices, &AssembleSettings::default()).err(), Some(Code::HuRange));
    // two values outside the circle that no header declares are a spread too
    let two = padded(|_, index| if index.is_multiple_of(2) { -2000 } else { -2048 });
    assert_eq!(load_with(&two, &AssembleSettings::default()).err(), Some(Code::HuRange));
}
