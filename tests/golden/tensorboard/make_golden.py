"""Makes golden.tfevents with the tensorboard package.

Run:  python make_golden.py     (in this folder; see ORIGIN.md for versions)
"""

from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.tensorflow_stub import dtypes  # noqa: F401  (registers what the writer needs)
from tensorboard.summary.writer.record_writer import RecordWriter


def scalars(wall_time, step, values):
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values])
    return Event(wall_time=wall_time, step=step, summary=summary)


def main():
    events = [
        Event(wall_time=1_700_000_000.25, file_version="brain.Event:2"),
        scalars(1_700_000_001.5, 1, [("train/loss", 0.675)]),
        scalars(1_700_000_002.0, 300, [("validation/loss", 0.5), ("validation/roc_auc", 0.875)]),
    ]
    with Path("golden.tfevents").open("wb") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString())
        writer.flush()


if __name__ == "__main__":
    main()
