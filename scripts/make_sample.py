#!/usr/bin/env python3
"""Make the shipped sample: synthetic Medicare claims in CMS RIF layout, from Synthea.

    python scripts/make_sample.py

needs Python 3.12, Maven and Java 17, and takes about five minutes. It gets Synthea with Maven,
lets it invent a population, and writes

    data/sample/rif/*.csv.gz, manifest.xml   the files as CMS would deliver them, compressed
    data/sample/PROVENANCE.txt               what they are and how they were made

The same options give the same bytes: seed and dates are fixed, Synthea runs on one thread, and
what depends on the clock (the manifest's and gzip's time stamps) is set to a constant.
Synthea itself is not part of this project; only its output is.
"""

import argparse
import gzip
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SYNTHEA_VERSION = "3.3.0"
MIN_JAVA = 17
AGES = "65-95"
REFERENCE_DATE = "20250101"  # ages count from here, and the simulation ends here

# Later than every date in the files, because consumers take it as "known as of".
MANIFEST_TIMESTAMP = "2025-01-15T00:00:00Z"

# The RIF feeds that must be present with rows; beneficiary comes as one file a year.
CLAIM_FEEDS = ["carrier", "dme", "hha", "hospice", "inpatient", "outpatient", "pde", "snf"]
EXTRA_FILES = ["export_summary.csv"]

POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId>
  <artifactId>make-sample</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.mitre.synthea</groupId>
      <artifactId>synthea</artifactId>
      <version>{SYNTHEA_VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""

# Everything off but the RIF exporter, which Synthea calls "bfd".
PROPERTIES = """\
exporter.fhir.export = false
exporter.hospital.fhir.export = false
exporter.practitioner.fhir.export = false
exporter.metadata.export = false
exporter.bfd.export = true
exporter.bfd.require_code_maps = true
exporter.bfd.export_missing_codes = false
exporter.bfd.cutoff_date = 20200101
exporter.years_of_history = 5
generate.only_alive_patients = false
generate.thread_pool_size = 1
"""

# Synthea formats dates with the machine's time zone and language: fix both.
JVM_OPTIONS = [
    "-Duser.timezone=UTC",
    "-Duser.language=en",
    "-Duser.country=US",
    "-Dfile.encoding=UTF-8",
]


class SampleError(Exception):
    """Something the user can act on; shown as one line."""


def parse_args() -> argparse.Namespace:
    repository = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(
        description="Make the shipped sample of synthetic CMS RIF files with Synthea.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--persons", type=int, default=300, help="people alive at the end (the dead come on top)"
    )
    parser.add_argument("--seed", type=int, default=20250, help="seed of people and of clinicians")
    parser.add_argument("--state", default="Wisconsin", help="US state to simulate")
    parser.add_argument(
        "--out", type=Path, default=repository / "data" / "sample", help="folder to write to"
    )
    parser.add_argument(
        "--keep-tool",
        type=Path,
        metavar="DIR",
        help="keep Synthea's jars (200 MB) here for the next run; otherwise they are deleted",
    )
    return parser.parse_args()


def check_prerequisites() -> str:
    """Return Java's version; stop early if Maven or a recent enough Java is missing."""
    if shutil.which("mvn") is None:
        raise SampleError("Maven is missing: install it so that `mvn` is on the PATH")
    if shutil.which("java") is None:
        raise SampleError(f"Java is missing: install Java {MIN_JAVA} so that `java` is on the PATH")
    # `java -version` prints to stderr: openjdk version "17.0.15" 2025-04-15
    answer = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr
    version = re.search(r'version "(\d+)', answer)
    if version is None or int(version[1]) < MIN_JAVA:
        found = version[1] if version else "unknown"
        raise SampleError(f"Java {MIN_JAVA} or newer is needed; `java` is version {found}")
    return version[1]


def run(command: list[str], folder: Path) -> None:
    """Run a command in a folder; its own output goes to the terminal."""
    result = subprocess.run(command, cwd=folder)
    if result.returncode != 0:
        raise SampleError(f"`{command[0]}` ended with status {result.returncode} (see above)")


def get_synthea(tool: Path) -> Path:
    """Have Maven copy Synthea and what it depends on to a folder, unless it is there already."""
    lib = tool / f"synthea-{SYNTHEA_VERSION}"
    if lib.exists():
        return lib
    tool.mkdir(parents=True, exist_ok=True)
    (tool / "pom.xml").write_text(POM)
    # Copied under another name first, so that an interrupted copy is never taken for a whole one.
    partial = tool / f"{lib.name}.partial"
    run(["mvn", "-q", "dependency:copy-dependencies", f"-DoutputDirectory={partial.name}"], tool)
    partial.rename(lib)
    return lib


def synthea_command(classpath: str, seed: int, persons: int, state: str) -> list[str]:
    return [
        *["java", *JVM_OPTIONS, "-cp", classpath, "App"],
        *["-s", str(seed), "-cs", str(seed)],
        *["-r", REFERENCE_DATE, "-e", REFERENCE_DATE],
        *["-p", str(persons), "-a", AGES],
        *["-c", "synthea.properties", state],
    ]


def rif_files(bfd: Path) -> list[Path]:
    """The files to ship; every feed has to have at least one row below its header line."""
    beneficiary = sorted(bfd.glob("beneficiary_[0-9]*.csv"))
    if not beneficiary:
        raise SampleError("Synthea wrote no beneficiary file; try more --persons")
    files = beneficiary + [bfd / f"{name}.csv" for name in CLAIM_FEEDS]
    for file in files:
        if not file.exists() or file.read_bytes().count(b"\n") < 2:
            raise SampleError(f"{file.name} has no rows; try another --seed or more --persons")
    return files + [bfd / name for name in EXTRA_FILES]


def write_gzip(source: Path, target: Path) -> None:
    """Compress without file name and time stamp, so that equal contents give equal bytes."""
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=raw, mtime=0) as packed,
    ):
        packed.write(source.read_bytes())


def write_manifest(source: Path, target: Path) -> None:
    """Copy the manifest with a constant instead of the moment of the run."""
    text = source.read_text(encoding="utf-8")
    fixed, count = re.subn(r'timestamp="[^"]*"', f'timestamp="{MANIFEST_TIMESTAMP}"', text)
    if count != 1:
        raise SampleError(f"manifest.xml has {count} time stamps where one was expected")
    target.write_text(fixed, encoding="utf-8")


def provenance(args: argparse.Namespace, java: str) -> str:
    command = shlex.join(synthea_command("lib/*", args.seed, args.persons, args.state))
    properties = "".join(f"  {line}\n" for line in PROPERTIES.splitlines())
    return f"""\
what: the files in rif/ are Medicare enrollment and claims in CMS RIF (CCW) layout: pipe-delimited,
  one header line, dates dd-Mon-yyyy. Each <name>.csv that manifest.xml lists is <name>.csv.gz here.
  export_summary.csv.gz (with commas) counts the claims of each person and feed.
synthetic: wholly. Every person, clinician, enrollment, claim and payment is invented; no real
  person's record went into it. Facilities are placed with the numbers (CCN, NPI, ZIP code)
  of real ones, from the public directories in Synthea: nothing here says anything about them.
tool: Synthea {SYNTHEA_VERSION} (Maven Central org.mitre.synthea:synthea:{SYNTHEA_VERSION}),
  run with Java {java}
licence: Synthea is Apache-2.0. Code values (ICD-10-CM, HCPCS, NDC, MS-DRG, revenue codes) come from
  its own maps. They are bare values without descriptions; some in HCPCS_CD are CPT codes (CPT is
  copyright American Medical Association), and no list of codes is included.
made by: scripts/make_sample.py
seed: {args.seed} (-s people, -cs clinicians)
command: {command}
synthea.properties:
{properties}changed: the time stamp of manifest.xml is set to {MANIFEST_TIMESTAMP} instead of
  the moment of the run, and the files are compressed without name and time stamp; nothing else.
reproducible: yes, byte for byte with the same options (another build of zlib may compress to other
  bytes; the contents stay the same).
"""


def write_sample(bfd: Path, args: argparse.Namespace, java: str) -> None:
    files = rif_files(bfd)  # checked before anything in the target is touched
    rif = args.out / "rif"
    rif.mkdir(parents=True, exist_ok=True)
    for stale in rif.glob("*.csv.gz"):
        stale.unlink()
    for file in files:
        write_gzip(file, rif / f"{file.name}.gz")
    write_manifest(bfd / "manifest.xml", rif / "manifest.xml")
    (args.out / "PROVENANCE.txt").write_text(provenance(args, java), encoding="utf-8")


def main() -> int:
    args = parse_args()
    try:
        java = check_prerequisites()
        with tempfile.TemporaryDirectory(prefix="make_sample_") as temporary:
            work = Path(temporary)
            tool = args.keep_tool.resolve() if args.keep_tool else work / "tool"
            lib = get_synthea(tool)
            (work / "synthea.properties").write_text(PROPERTIES)
            run(synthea_command(f"{lib}/*", args.seed, args.persons, args.state), work)
            write_sample(work / "output" / "bfd", args, java)
    except (SampleError, OSError) as error:
        print(f"make_sample: {error}", file=sys.stderr)
        return 1
    size = sum(file.stat().st_size for file in (args.out / "rif").iterdir())
    print(f"make_sample: wrote {args.out / 'rif'} ({size / 1e6:.2f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
