"""Judges DICOM results: dciodvfy, dcsrdump and dsrdump find no error, and highdicom reads what was written.

Each case is a folder with truth.json (what must be found, see tests/support), source (the scan) and results in
binary and labelmap. Positions are compared in patient millimetres, by way of what highdicom says of them alone.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
from pydicom.sr.codedict import codes

# What tools of 2022 say of what is right: where, and by which words.
KNOWN = [
    # label maps are of 2024: dicom3tools 1.00 and dcmtk 3.6.7 know neither their SOP class nor segment 0, the background
    (r"labelmap/segmentation$", r"Information Object Not found"),
    (r"labelmap/segmentation$", r"SegmentNumber not monotonically increasing .* with SegmentNumber of 0$"),
    (r"labelmap/report$", r"Shall not be present for Referenced SOP Class that is not segmentation"),
    (r"labelmap/report$", r"Invalid or unknown image SOP class referenced from IMAGE content item"),
    (r"labelmap/report$", r"Reading invalid/incomplete content item IMAGE"),
    # Synthetic Data is younger than dicom3tools 1.00
    (r"", r"not a recognized standard attribute - \(0x0008,0x001c\)"),
    # dcmtk says so of every text in UTF-8
    (r"", r"The VR checker does not support this Specific Character Set: ISO_IR 192"),
]


def is_known(line, label):
    return any(re.search(where, label) and re.search(what, line) for where, what in KNOWN)


def unknown(said, label):
    """The lines that say more than what is known."""
    return [line for line in said.splitlines() if line.strip() and not is_known(line, label)]


problems = []
warnings = {}


def fail(text):
    problems.append(text)


def check(condition, text):
    if not condition:
        fail(text)


def run(*command):
    done = subprocess.run(command, capture_output=True, check=False)
    return done.returncode, done.stdout.decode("utf8", "replace"), done.stderr.decode("utf8", "replace")


def judge_file(path, label):
    """What programs that read every attribute say."""
    _, out, err = run("dciodvfy", str(path))
    for line in (out + err).splitlines():
        if line.startswith("Error") and not is_known(line, label):
            fail(f"{label}: dciodvfy: {line}")
        elif line.startswith(("Warning", "Error")):
            warnings.setdefault(re.sub(r"[0-9.]{12,}|<[^>]*>", "*", line), set()).add(label)
    code, _, err = run("dcmdump", "-q", str(path))
    check(code == 0 and not unknown(err, label), f"{label}: dcmdump: {err.strip()}")


def judge_report_text(path, label, truth):
    lenient = ["-Ev"] if "labelmap" in label else []
    code, out, err = run("dsrdump", *lenient, str(path))
    check(code == 0 and not unknown(err, label), f"{label}: dsrdump: {err.strip()}")
    check("Imaging Measurement Report" in out, f"{label}: dsrdump shows no title")
    groups = len(truth["nodules"]) + 2 * truth["lungs"]
    check(groups or "No nodule was found." in out, f"{label}: dsrdump does not show that nothing was found")
    found = len(re.findall(r"Measurement Group", out))
    check(found == groups, f"{label}: dsrdump shows {found} groups, not {groups}")
    code, out, err = run("dcsrdump", str(path))
    text = out + err
    check(code == 0 and "Error" not in text, f"{label}: dcsrdump: {text[-300:]}")
    found = len(re.findall(r'"Measurement Group"', text))
    check(found == groups, f"{label}: dcsrdump shows {found} groups, not {groups}")


class Space:
    """The scan's volume, as the truth tells it."""

    def __init__(self, truth):
        x, y, z, origin = (np.array(axis) for axis in truth["axes_xyz_and_origin_mm"])
        self.matrix = np.column_stack([z, y, x])
        self.origin = origin
        self.half_voxel = 0.5 * min(np.linalg.norm(axis) for axis in (x, y, z))

    def mm(self, voxels):
        return np.asarray(voxels, float) @ self.matrix.T + self.origin

    def voxels(self, points_mm):
        return (np.asarray(points_mm, float) - self.origin) @ np.linalg.inv(self.matrix).T


def voxels_of(segmentation, number, space):
    """The voxels of a segment, by the frames' own positions: one frame after the other, no order assumed."""
    positions, pixels = [], segmentation.pixel_array
    pixels = pixels.reshape((-1,) + pixels.shape[-2:])
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    orientation = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    along, down = orientation[:3], orientation[3:]
    between_rows, between_columns = map(float, shared.PixelMeasuresSequence[0].PixelSpacing)
    for frame, groups in zip(pixels, segmentation.PerFrameFunctionalGroupsSequence):
        if segmentation.SegmentationType == "BINARY":
            if groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber != number:
                continue
            rows, columns = np.nonzero(frame)
        else:
            rows, columns = np.nonzero(frame == number)
        corner = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, float)
        steps = np.outer(columns * between_columns, along) + np.outer(rows * between_rows, down)
        positions.append(corner + steps)
    points = np.concatenate(positions) if positions else np.zeros((0, 3))
    return points


def as_set(voxels):
    return set(map(tuple, np.rint(voxels).astype(int)))


def expected_segments(truth, form):
    expected = [as_set(np.array(places)) for places in truth["segments"]]
    if form == "labelmap":
        covered = set()
        for index in reversed(range(len(expected))):
            expected[index] = expected[index] - covered
            covered |= expected[index]
    return expected


def judge_segmentation(path, label, truth, form, sources):
    segmentation = hd.seg.segread(path)
    space = Space(truth)
    expected = expected_segments(truth, form)
    numbers = list(segmentation.segment_numbers)
    check(numbers == list(range(1, len(expected) + 1)), f"{label}: segments {numbers}")
    check(segmentation.pixel_array.reshape(-1, segmentation.Rows * segmentation.Columns).any(axis=1).all(),
          f"{label}: a frame is empty")
    for number, voxels in enumerate(expected, 1):
        points = voxels_of(segmentation, number, space)
        found = space.voxels(points)
        off = np.abs(found - np.rint(found)).max() if len(found) else 0
        check(off < 1e-3, f"{label}: segment {number} lies {off} voxels off the grid")
        check(as_set(found) == voxels, f"{label}: segment {number} has other voxels")
        description = segmentation.get_segment_description(number)
        check(description.algorithm_type.value == "AUTOMATIC", f"{label}: algorithm type")
        check(description.algorithm_identification[0].AlgorithmName == "pulmo", f"{label}: algorithm name")
    judge_volume(segmentation, label, truth, expected, space)
    judge_nodule_centres(segmentation, label, truth, space)
    judge_sources(segmentation, label, sources)
    return segmentation


def judge_volume(segmentation, label, truth, expected, space):
    """highdicom's own way from frames to a volume gives the same voxels and positions."""
    volume = segmentation.get_volume(combine_segments=False, dtype=np.uint16)
    for number, voxels in enumerate(expected, 1):
        if len(expected) > 10 and number % 37:
            continue
        inside = np.argwhere(volume.array[..., number - 1])
        points = inside @ volume.affine[:3, :3].T + volume.affine[:3, 3]
        check(as_set(space.voxels(points)) == voxels, f"{label}: get_volume gives other voxels of segment {number}")


def judge_nodule_centres(segmentation, label, truth, space):
    number = 2 if truth["lungs"] else 0
    for nodule in truth["nodules"]:
        if not nodule["has_mask"]:
            continue
        number += 1
        if segmentation.SegmentationType == "LABELMAP" and len(truth["nodules"]) > 10:
            continue
        centroid = voxels_of(segmentation, number, space).mean(axis=0)
        off = np.abs(space.voxels(centroid) - space.voxels(nodule["centre_mm"])).max()
        check(off <= 0.5, f"{label}: segment {number} lies {off:.2f} voxels from the nodule")


def judge_sources(segmentation, label, sources):
    """Each frame that names a source lies where that source lies."""
    named = 0
    for groups in segmentation.PerFrameFunctionalGroupsSequence:
        position = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, float)
        for derivation in groups.get("DerivationImageSequence", []):
            for image in derivation.SourceImageSequence:
                named += 1
                source = sources.get((image.ReferencedSOPInstanceUID, int(image.get("ReferencedFrameNumber", 0))))
                check(source is not None, f"{label}: a source is not there")
                if source is None:
                    continue
                normal = np.cross(source["orientation"][:3], source["orientation"][3:])
                off = abs(np.dot(position - source["position"], normal))
                check(off < 0.05, f"{label}: a source lies {off} mm from its frame")
                check(image.ReferencedSOPClassUID == source["class"], f"{label}: class of a source")
    return named


def places_of(folder):
    """Every image below a folder by UID and frame number (0 where it has no frames)."""
    found = {}
    for path in sorted(folder.rglob("*.dcm")):
        data = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        frames = data.get("PerFrameFunctionalGroupsSequence")
        entry = {"class": data.SOPClassUID, "data": data}
        if frames is None:
            place = {"position": np.array(data.ImagePositionPatient, float),
                     "orientation": np.array(data.ImageOrientationPatient, float)}
            found[(data.SOPInstanceUID, 0)] = entry | place
            continue
        for number, groups in enumerate(frames, 1):
            place = {"position": np.array(groups.PlanePositionSequence[0].ImagePositionPatient, float),
                     "orientation": np.array(groups.PlaneOrientationSequence[0].ImageOrientationPatient, float)}
            found[(data.SOPInstanceUID, number)] = entry | place
    return found


COPIED = ["PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime",
          "AccessionNumber", "StudyID", "ReferringPhysicianName", "FrameOfReferenceUID", "SyntheticData"]
ALWAYS = ["PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber",
          "StudyID", "ReferringPhysicianName"]


def judge_study(data, label, source):
    for name in COPIED:
        if name == "FrameOfReferenceUID" and data.Modality != "SEG":
            continue
        theirs, ours = source.get(name), data.get(name)
        check(str(theirs or "") == str(ours or ""), f"{label}: {name} is not that of the scan")
    for name in ALWAYS:
        check(name in data, f"{label}: {name} is missing")
    check(data.SeriesInstanceUID != source.SeriesInstanceUID, f"{label}: it is no series of its own")
    check(data.get("TimezoneOffsetFromUTC") == source.get("TimezoneOffsetFromUTC"), f"{label}: time zone")
    if "PixelData" in data:
        lossy = source.get("LossyImageCompression", "00")
        check(data.LossyImageCompression == lossy, f"{label}: Lossy Image Compression")
        ratios = [str(image.get("LossyImageCompressionRatio")) for image in (data, source)]
        check(ratios[0] == ratios[1], f"{label}: ratios of compression {ratios}")


NUMBERS = [
    ("volume_mm3", codes.SCT.Volume, "mm3", 1), ("long_axis_mm", codes.SCT.LongAxis, "mm", 1),
    ("short_axis_mm", codes.SCT.ShortAxis, "mm", 1), ("mean_diameter_mm", codes.SCT.Diameter, "mm", 1),
    ("mean_hu", codes.DCM.AttenuationCoefficient, "[hnsf'U]", 1),
    ("probability", codes.DCM.CertaintyOfFinding, "%", 100),
]
SIDES = {"Left": codes.SCT.Left, "Right": codes.SCT.Right}
ZONES = {"Upper": codes.SCT.UpperZoneOfLung, "Middle": codes.SCT.MiddleZoneOfLung, "Lower": codes.SCT.LowerZoneOfLung}
DENSITIES = {"Solid": "RID50151", "PartSolid": "RID50152", "GroundGlass": "RID50153"}


def judge_report(path, label, truth, segmentation, sources):
    report = hd.sr.srread(path)
    content = report.content
    space = Space(truth)
    device = content.get_observer_contexts()[0]
    check(device.observer_identifying_attributes.manufacturer_name == "pulmo", f"{label}: observer")
    volumetric = content.get_volumetric_roi_measurement_groups()
    planar = content.get_planar_roi_measurement_groups()
    nodules = [group for group in volumetric if group.finding_type == codes.SCT.Nodule]
    lungs = [group for group in volumetric if group.finding_type == codes.SCT.Lung]
    with_mask = [nodule for nodule in truth["nodules"] if nodule["has_mask"]]
    check(len(nodules) == len(with_mask), f"{label}: {len(nodules)} volumes")
    check(len(planar) == len(truth["nodules"]) - len(with_mask), f"{label}: {len(planar)} points")
    check(len(lungs) == 2 * truth["lungs"], f"{label}: {len(lungs)} lungs")
    identifiers = [group.tracking_identifier for group in volumetric + planar]
    check(len(set(group.tracking_uid for group in volumetric + planar)) == len(identifiers), f"{label}: tracking UIDs")
    first = 3 if truth["lungs"] else 1
    for number, (group, nodule) in enumerate(zip(nodules, with_mask), first):
        judge_group(group, f"{label} {group.tracking_identifier}", nodule)
        segment = group.referenced_segment
        check(segment.referenced_sop_instance_uid == segmentation.SOPInstanceUID, f"{label}: other segmentation")
        check(segment.referenced_segment_numbers == [number] or segment.referenced_segment_numbers == number,
              f"{label}: segment {segment.referenced_segment_numbers}, not {number}")
        described = segmentation.get_segment_description(number)
        check(described.tracking_uid == group.tracking_uid, f"{label}: tracking UID of segment {number}")
        centre = [item for item in group[0].ContentSequence if item.name == codes.DCM.Center][0]
        judge_point(centre.value, nodule, label, space)
        check(centre.frame_of_reference_uid == segmentation.FrameOfReferenceUID, f"{label}: frame of reference")
        if segment.has_source_images():
            for image in segment.source_images_for_segmentation:
                key = (image.referenced_sop_instance_uid, (image.referenced_frame_numbers or [0])[0])
                check(key in sources, f"{label}: a source image is not there")
        else:
            check(segment.source_series_for_segmentation is not None, f"{label}: no source series")
    points = [nodule for nodule in truth["nodules"] if not nodule["has_mask"]]
    for group, nodule in zip(planar, points):
        judge_group(group, f"{label} {group.tracking_identifier}", nodule)
        judge_point(group.roi.value, nodule, label, space)
    for group, side in zip(lungs, ("Left", "Right")):
        check(group.finding_sites[0].laterality == SIDES[side], f"{label}: side of a lung")
        voxel_mm3 = abs(np.linalg.det(space.matrix))
        expected = len(truth["segments"][0 if side == "Left" else 1]) * voxel_mm3
        found = group.get_measurements(codes.SCT.Volume)[0].value
        check(abs(found - expected) < 1e-6 * expected, f"{label}: volume of a lung")
    library = content[0].ContentSequence
    images = [item for item in walk(library) if item.ValueType == "IMAGE"]
    named = {image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for image in images}
    check({uid for uid, _ in sources} <= named, f"{label}: the image library lacks images")
    evidence = report.CurrentRequestedProcedureEvidenceSequence[0]
    listed = {image.ReferencedSOPInstanceUID for series in evidence.ReferencedSeriesSequence
              for image in series.ReferencedSOPSequence}
    check(named == listed, f"{label}: evidence and content name other images")


def walk(items):
    for item in items:
        yield item
        yield from walk(item.get("ContentSequence", []))


def judge_point(value, nodule, label, space):
    off = np.abs(space.voxels(np.ravel(value)) - space.voxels(nodule["centre_mm"])).max()
    check(off <= 1e-3, f"{label}: a point lies {off} voxels from its nodule")


def judge_group(group, label, nodule):
    for name, concept, unit, factor in NUMBERS:
        found = group.get_measurements(concept)
        if nodule[name] is None:
            check(not found, f"{label}: {name} is told")
            continue
        check(len(found) == 1, f"{label}: {len(found)} times {name}")
        check(abs(found[0].value - factor * nodule[name]) < 1e-6 * abs(factor * nodule[name]), f"{label}: {name}")
        check(found[0].unit.value == unit, f"{label}: unit of {name}")
        wants_mean = name in ("mean_diameter_mm", "mean_hu")
        check((found[0].derivation is not None and found[0].derivation == codes.SCT.Mean) == wants_mean, f"{label}: derivation of {name}")
    sites = group.finding_sites
    check(sites[0].value == codes.SCT.Lung, f"{label}: finding site")
    if nodule["side"]:
        check(sites[0].laterality == SIDES[nodule["side"]], f"{label}: side")
    if nodule["zone"]:
        check(sites[1].value == ZONES[nodule["zone"]], f"{label}: zone")
    found = [evaluation.value.value for evaluation in group.get_qualitative_evaluations()
             if evaluation.name.value == "C41144"]
    check(found == ([DENSITIES[nodule["density"]]] if nodule["density"] else []), f"{label}: density {found}")


def judge_picture(data, label):
    pixels = data.pixel_array
    check(pixels.ndim == 3 and pixels.shape[2] == 3, f"{label}: no colours")
    check(data.BurnedInAnnotation == "YES", f"{label}: Burned In Annotation")
    check((pixels[..., 0] != pixels[..., 2]).any(), f"{label}: nothing is drawn")
    check((pixels[-20:] == 255).all(axis=2).sum() > 50, f"{label}: no warning is burnt in")


def judge_case(folder):
    truth = json.loads((folder / "truth.json").read_text())
    sources = places_of(folder / "source")
    source = next(iter(sources.values()))["data"]
    frames = {}
    for form in ("binary", "labelmap"):
        results, label = folder / form, f"{folder.name}/{form}"
        for path in sorted(results.glob("*.dcm"), reverse=True)[:5]:
            judge_file(path, f"{label}/{path.stem}")
            judge_study(pydicom.dcmread(path), f"{label}/{path.stem}", source)
        segmentation, path = None, results / "segmentation.dcm"
        check(path.exists() == bool(truth["segments"]), f"{label}: segmentation")
        if path.exists():
            segmentation = judge_segmentation(path, f"{label}/segmentation", truth, form, sources)
            frames[form] = (segmentation.NumberOfFrames, judge_sources(segmentation, label, sources))
        judge_report_text(results / "report.dcm", f"{label}/report", truth)
        judge_report(results / "report.dcm", f"{label}/report", truth, segmentation, sources)
        for path in sorted(results.glob("key-slice-*.dcm"))[:5]:
            judge_picture(pydicom.dcmread(path), f"{label}/{path.stem}")
    print(f"{folder.name}: frames, and those that name a source: {frames}")


def main():
    cases = sorted(path.parent for path in Path(sys.argv[1]).glob("*/truth.json"))
    check(cases, "no case")
    for case in cases:
        judge_case(case)
    print(f"{len(cases)} cases; warnings of dciodvfy, and in how many objects:")
    for line, labels in sorted(warnings.items()):
        print(f"  {len(labels):4d}  {line}   ({sorted(labels)[0]})")
    for problem in problems[:60]:
        print(f"ERROR {problem}")
    print(f"{len(problems)} errors")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
