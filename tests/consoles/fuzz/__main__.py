"""One fuzzed reader in a process of its own: `python -m tests.consoles.fuzz READER SECONDS SEED FOLDER`.

Ends with 0 when the time is over, with another code at the first input that breaks what must hold; the input is then a
file of the folder.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["consoles"]):
    from tests.consoles.fuzz import seeds
    from tests.consoles.fuzz.joints import JOINTS
    from tests.consoles.fuzz.readers import READERS

MOST_INPUT_BYTES = 2048
MOST_MEMORY_MIB = 512


def main(reader: str, seconds: str, seed: str, folder: Path) -> None:
    """Never returns: the engine ends the process."""
    words = seeds.write(reader, folder)
    options = {
        "max_total_time": seconds, "seed": seed, "max_len": MOST_INPUT_BYTES, "rss_limit_mb": MOST_MEMORY_MIB,
        "timeout": 5, "dict": words, "print_final_stats": 1, "artifact_prefix": f"{folder}/broken-",
    }  # fmt: skip
    check = (READERS | JOINTS)[reader]
    atheris.Setup([sys.argv[0], *(f"-{name}={value}" for name, value in options.items()), str(folder / reader)], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
