"""Java, JARs and settings of local Spark, and a server that never outlives who started it."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pyspark
import pytest

from data_ops.config import project_root
from data_ops.utils.errors import SparkError
from data_ops.utils.local_server import (
    LocalServer,
    check_java,
    class_archive,
    default_root,
    fetch_jars,
    jar_cache,
    local_conf,
)
from tests.integration.commands import command, until

JARS = (
    "delta-spark_4.2_2.13",
    "delta-storage",
    "delta-kernel-api",
    "delta-kernel-defaults",
    "delta-kernel-unitycatalog",
)

# Java


@pytest.fixture
def java(tmp_path, monkeypatch):
    """PATH with nothing on it; calls put a java there that says what they say."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    def install(says: str, status: int = 0, home: Path = tmp_path):
        command = home / "bin" / "java"
        command.parent.mkdir(parents=True, exist_ok=True)
        command.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit {status}\n")
        command.chmod(0o755)

    return install


@pytest.mark.parametrize(
    ("says", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "25-ea"', 25),
        ('Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "17.0.1"', 17),
    ],
)
def test_a_java_from_17_on_will_do(java, says, major):
    java(says)
    assert check_java() == major


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ('java version "1.8.0_392"', "Java 8 is too old"),
        ('openjdk version "11.0.2" 2019-01-15', "Java 11 is too old"),
        ('openjdk version "16.0.2"', "Java 16 is too old"),
    ],
)
def test_an_older_java_is_refused_in_one_line_saying_what_to_install(java, says, told):
    java(says)
    with pytest.raises(SparkError, match=f"{told}.*install a Java 17") as caught:
        check_java()
    assert "\n" not in str(caught.value)


def test_no_java_is_told_in_one_line_saying_what_to_install(java):
    with pytest.raises(SparkError, match="Java was not found.*install a Java 17") as caught:
        check_java()
    assert "\n" not in str(caught.value)


def test_a_java_that_only_fails_is_no_java(java):
    java("Unable to locate a Java Runtime", status=1)
    with pytest.raises(SparkError, match="not found"):
        check_java()


def test_java_home_goes_before_path(java, tmp_path, monkeypatch):
    java('openjdk version "11"')
    java('openjdk version "21"', home=tmp_path / "jdk")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    assert check_java() == 21


def test_a_java_home_without_java_is_told_although_path_has_one(java, tmp_path, monkeypatch):
    java('openjdk version "21"')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(SparkError, match="JAVA_HOME"):
        check_java()


# JARs and settings


def test_the_jar_cache_is_where_the_environment_says(monkeypatch):
    monkeypatch.delenv("DATA_OPS_JARS", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/h")
    assert jar_cache() == Path("/h/.cache/databricks-data-ops/delta-4.4.0")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert jar_cache() == Path("/x/databricks-data-ops/delta-4.4.0")
    monkeypatch.setenv("DATA_OPS_JARS", "/j")
    assert jar_cache() == Path("/j")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache with the five JARs in it."""
    monkeypatch.setenv("DATA_OPS_JARS", str(tmp_path))
    (tmp_path / "jars").mkdir()
    paths = [tmp_path / "jars" / f"io.delta_{name}-4.4.0.jar" for name in JARS]
    for path in paths:
        path.touch()
    return paths


SUBMIT = """#!/bin/sh
echo "$@"
[ "$REACHED" ] && touch {jars}
exit 1
"""


@pytest.fixture
def submit(cache, tmp_path, monkeypatch):
    """A spark-submit that, where the network is REACHED, brings what is missing."""
    command = tmp_path / "pyspark" / "bin" / "spark-submit"
    command.parent.mkdir(parents=True)
    command.write_text(SUBMIT.format(jars=" ".join(f"'{path}'" for path in cache)))
    command.chmod(0o755)
    monkeypatch.setattr(pyspark, "__file__", str(command.parents[1] / "__init__.py"))


def test_cached_jars_are_used_without_looking_at_the_network(submit, cache, tmp_path):
    fetch_jars(tmp_path / "spark.log")
    assert not (tmp_path / "spark.log").exists()
    conf = local_conf(tmp_path)
    assert set(conf["spark.driver.extraClassPath"].split(os.pathsep)) == set(map(str, cache))


@pytest.mark.parametrize("missing", range(len(JARS)))
def test_while_one_jar_is_missing_they_are_fetched_into_the_cache(
    submit, cache, tmp_path, missing, monkeypatch
):
    cache[missing].unlink()
    monkeypatch.setenv("REACHED", "yes")
    fetch_jars(tmp_path / "spark.log")
    assert all(path.exists() for path in cache)
    told = (tmp_path / "spark.log").read_text()
    assert "--packages io.delta:delta-spark_4.2_2.13:4.4.0 " in told
    assert f"spark.jars.ivy={tmp_path} " in told


def test_without_a_network_the_first_start_is_told_in_one_line(submit, cache, tmp_path):
    cache[0].unlink()
    log = tmp_path / "spark.log"
    with pytest.raises(SparkError, match=f"could not be fetched.*network.*see {log}") as caught:
        LocalServer(tmp_path / "lake", log).start()
    assert "\n" not in str(caught.value)


def test_local_spark_is_delta_under_the_root_on_this_machine_alone_in_utc(cache, tmp_path):
    conf = local_conf(tmp_path)
    assert conf["spark.sql.sources.default"] == "delta"
    assert conf["spark.sql.warehouse.dir"] == str(tmp_path / "warehouse")
    assert {conf["spark.driver.bindAddress"], conf["spark.driver.host"]} == {"127.0.0.1"}
    assert (conf["spark.sql.session.timeZone"], conf["spark.ui.enabled"]) == ("UTC", "false")


def test_the_drivers_memory_can_be_set(cache, tmp_path, monkeypatch):
    monkeypatch.delenv("DATA_OPS_DRIVER_MEMORY", raising=False)
    assert local_conf(tmp_path)["spark.driver.memory"] == "4g"
    monkeypatch.setenv("DATA_OPS_DRIVER_MEMORY", "2g")
    assert local_conf(tmp_path)["spark.driver.memory"] == "2g"


def test_the_cores_that_spark_takes_can_be_set(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_OPS_CORES", "3")
    assert local_conf(tmp_path)["spark.master"] == "local[3]"
    monkeypatch.delenv("DATA_OPS_CORES")
    assert local_conf(tmp_path)["spark.master"] == f"local[{os.cpu_count()}]"


@pytest.mark.parametrize("told", ["0", "-1", "two", "1.5"])
def test_what_is_no_number_of_cores_is_told(told, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_OPS_CORES", told)
    with pytest.raises(
        SparkError, match=rf"'{told}' is no number of cores \(DATA_OPS_CORES\): give 1"
    ):
        local_conf(tmp_path)


def test_the_lakehouse_is_where_the_environment_says_else_in_the_project(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_OPS_ROOT", str(tmp_path / "x" / ".." / "lake"))
    assert default_root() == tmp_path / "lake"
    monkeypatch.delenv("DATA_OPS_ROOT")
    assert default_root() == project_root() / ".lakehouse"


# The server


@pytest.fixture
def failing(tmp_path, monkeypatch):
    """A server whose JVM will not start."""
    monkeypatch.setenv("DATA_OPS_DRIVER_MEMORY", "nonsense")
    monkeypatch.delenv("SPARK_CONNECT_MODE_ENABLED", raising=False)  # set by other tests' session
    return LocalServer(tmp_path / "lake", tmp_path / "spark.log")


def test_a_server_that_does_not_start_is_told_in_one_line_naming_its_log(failing, tmp_path):
    before = os.environ.get("SPARK_REMOTE")
    with pytest.raises(SparkError, match="server did not start") as caught:
        failing.start()
    assert "\n" not in str(caught.value) and caught.value.where == str(tmp_path / "spark.log")
    assert "nonsense" in (tmp_path / "spark.log").read_text()
    assert os.environ.get("SPARK_REMOTE") == before


def test_without_a_log_the_error_sends_nobody_to_one(failing):
    failing._log = None
    with pytest.raises(SparkError) as caught:
        failing.start()
    assert "spark.log" not in str(caught.value)


def test_a_server_can_be_started_where_there_was_a_session_before(failing, tmp_path, monkeypatch):
    monkeypatch.setenv("SPARK_CONNECT_MODE_ENABLED", "1")
    with pytest.raises(SparkError):
        failing.start()
    log = (tmp_path / "spark.log").read_text()
    assert "nonsense" in log and "CONTEXT_UNAVAILABLE" not in log


def test_stopping_a_server_twice_or_before_its_start_does_no_harm(tmp_path):
    server = LocalServer(tmp_path)
    server.stop()
    server.stop()
    assert list(tmp_path.iterdir()) == []


PRETEND = """
import os, subprocess, sys, types
import pyspark
from data_ops.utils import local_server

sys.prefix, local_server._ENOUGH = sys.argv[1], float(sys.argv[2])
left = local_server.class_archive().with_suffix(f".{os.getpid()}")
ends = ["sh", "-c", 'cat; echo classes > "$0"', left]  # as a JVM does
jvm = subprocess.Popen(ends, stdin=subprocess.PIPE)
options = "spark.driver.extraJavaOptions"
pyspark.SparkContext = lambda conf: print(jvm.pid, conf.get(options, "none"))
pyspark.SparkContext._gateway = types.SimpleNamespace(proc=jvm)
local_server._port = lambda: 15002
local_server.serve()
"""


@contextmanager
def pretend(
    prefix: Path, enough: float = 0.0
) -> Iterator[tuple[subprocess.Popen, psutil.Process, str]]:
    """A server process with a JVM that does nothing: the process, the JVM, its options."""
    words, pipe = [sys.executable, "-c", PRETEND, str(prefix), str(enough)], subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as server:
        server.stdin.write("{}\n")
        server.stdin.flush()
        pid, options = server.stdout.readline().split(maxsplit=1)
        assert server.stdout.readline().split()[:2] == ["ready", "15002"]
        yield server, psutil.Process(int(pid)), options.strip()
        if not server.stdin.closed:
            end(server)


def end(server: subprocess.Popen) -> None:
    """What an orderly stop does."""
    with suppress(BrokenPipeError):
        server.stdin.write("end\n")
        server.stdin.close()


@pytest.fixture
def pretended(cache, tmp_path):
    """(a server process whose JVM does nothing, that JVM)."""
    with pretend(tmp_path) as (server, jvm, _):
        yield server, jvm
        with suppress(psutil.NoSuchProcess):
            jvm.kill()


def test_the_server_process_ends_with_the_pipe_of_its_parent(pretended):
    server, _ = pretended
    assert server.poll() is None
    server.stdin.close()
    assert server.wait(timeout=10) == 0


def test_the_server_process_ends_with_its_jvm(pretended):
    server, jvm = pretended
    jvm.kill()
    assert server.wait(timeout=10) != 0


# The archive of classes


def test_a_server_that_was_up_for_a_while_leaves_an_archive_and_the_next_one_reads_it(
    cache, tmp_path
):
    with pretend(tmp_path) as (server, _, first):
        own = tmp_path / f"{class_archive().stem}.{server.pid}"
    assert first == f'"-XX:ArchiveClassesAtExit={own}"' and not own.exists()
    (archive,) = tmp_path.glob("*.jsa")
    assert archive.read_text() == "classes\n"
    with pretend(tmp_path) as (_, _, second):
        assert second == f'"-XX:SharedArchiveFile={archive}"'


def test_of_two_servers_the_first_to_end_leaves_the_archive(cache, tmp_path):
    with pretend(tmp_path), pretend(tmp_path) as (server, _, _):
        end(server)
        assert server.wait(timeout=10) != 0  # with its JVM, which ended by itself
        (archive,) = tmp_path.glob("*.jsa")
        left = archive.stat()
    assert archive.stat() == left and not list(tmp_path.glob("spark-*.[0-9]*"))


def test_a_server_that_was_up_briefly_leaves_no_archive(cache, tmp_path):
    with pretend(tmp_path, enough=600) as (server, jvm, _):
        end(server)
        assert server.wait(timeout=10) == 0
        assert until(lambda: not command(jvm), 10)
    assert not list(tmp_path.glob("*.jsa"))


def test_when_its_parent_is_killed_a_server_goes_at_once_and_leaves_no_archive(cache, tmp_path):
    with pretend(tmp_path) as (server, jvm, _):
        server.stdin.close()
        assert server.wait(timeout=10) == 0
        assert until(lambda: not command(jvm), 10)
    assert not list(tmp_path.glob("*.jsa"))


def test_a_jvm_that_was_killed_leaves_no_archive(cache, tmp_path):
    with pretend(tmp_path) as (server, jvm, _):
        jvm.kill()
        assert server.wait(timeout=10) != 0
    assert not list(tmp_path.glob("*.jsa"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_environment_that_cannot_be_written_gets_no_archive(cache, tmp_path):
    (tmp_path / "fixed").mkdir(mode=0o555)
    with pretend(tmp_path / "fixed") as (server, _, _):
        end(server)
        assert server.wait(timeout=10) == 0


def test_another_java_has_another_archive(java, cache):
    java('openjdk version "17.0.15"')
    first = class_archive()
    java('openjdk version "21.0.1"')
    assert class_archive() != first


START = """
from data_ops.utils.spark import _own_server, get_session
get_session().sql("SELECT 1").collect()
print(_own_server()._process.pid, flush=True)
input()
"""


def children(pid: int) -> list[int]:
    """Process ids of the children of `pid`."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
def test_server_and_jvm_go_when_their_runner_is_killed(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_OPS_ROOT", str(tmp_path))
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", START], stdin=pipe, stdout=pipe) as runner:
        server = int(runner.stdout.readline())
        watched = [os.pidfd_open(pid) for pid in (server, *children(server))]
        runner.send_signal(signal.SIGKILL)
    assert len(watched) > 1
    for process in watched:
        assert select.select([process], [], [], 20)[0], "still running"
        os.close(process)


def test_who_does_not_know_the_token_is_turned_away(spark, monkeypatch):
    client = pytest.importorskip("pyspark.sql.connect.client")
    if "SPARK_REMOTE" not in os.environ:
        pytest.skip("classic Spark listens to nobody")
    monkeypatch.delenv("SPARK_CONNECT_AUTHENTICATE_TOKEN")
    stranger = client.SparkConnectClient(os.environ["SPARK_REMOTE"])
    try:
        with pytest.raises(Exception, match="UNAUTHENTICATED"):
            stranger.get_configs("spark.sql.session.timeZone")
    finally:
        stranger.close()  # or the interpreter waits for it at exit
