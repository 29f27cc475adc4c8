"""Prints every scalar of the event files in a folder, as tensorboard reads them.

Run:  python read_run.py FOLDER     (see ORIGIN.md for versions)
"""

import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def main():
    events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
    events.Reload()
    for tag in sorted(events.Tags()["scalars"]):
        print(tag, [(event.step, round(event.value, 6)) for event in events.Scalars(tag)])


if __name__ == "__main__":
    main()
