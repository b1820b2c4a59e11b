"""The log writer: lines in order, none lost, and no job waits for or fails by the output."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time

import pytest
from preloaded import PreloadedProgram

from support import PYTHONPATH, eventually
from worker_payment.kit.config.log_writer import LineWriter


class Slow(io.StringIO):
    """An output that takes its time."""

    def write(self, text):
        time.sleep(0.2)
        return super().write(text)


def test_lines_of_one_thread_keep_their_order():
    output = io.StringIO()
    writer = LineWriter(output)
    for number in range(5_000):
        writer.write(f"{number}\n")
    writer.flush()
    assert output.getvalue().split() == [str(number) for number in range(5_000)]


def test_a_line_that_cannot_be_made_costs_no_other():
    output = io.StringIO()
    writer = LineWriter(output)
    writer.add(lambda: str(1 // 0))
    writer.add(lambda: "a line")
    writer.flush()
    assert output.getvalue() == "a line\n"


def test_lines_are_written_without_anybody_flushing():
    output = io.StringIO()
    LineWriter(output).write("a line\n")
    eventually(lambda: output.getvalue() == "a line\n")


def test_no_line_of_many_threads_is_lost_or_broken():
    output = io.StringIO()
    writer = LineWriter(output)

    def write(name):
        for number in range(500):
            writer.write(f"{name}-{number}\n")

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.flush()
    assert len(set(output.getvalue().split())) == 8 * 500


def test_a_slow_output_holds_nobody_up():
    writer = LineWriter(Slow())
    started = threading.Event()
    writer.write("a line\n")
    threading.Thread(target=lambda: (writer.write("another\n"), started.set())).start()
    assert started.wait(5)


def test_a_closed_output_is_no_error():
    output = io.StringIO()
    writer = LineWriter(output)
    output.close()
    writer.write("into the void\n")
    writer.flush()


def test_a_process_that_ends_writes_its_last_lines():
    code = (
        "import sys; from worker_payment.kit.config.log_writer import LineWriter; "
        "w = LineWriter(sys.stdout); [w.write(f'{n}\\n') for n in range(1000)]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(done.stdout.split()) == 1000


def test_a_forked_child_writes_its_own_lines_once():
    code = (
        "import os, sys; from worker_payment.kit.config.log_writer import LineWriter; "
        "w = LineWriter(sys.stdout); w.write('before\\n'); pid = os.fork(); "
        "w.write('child\\n' if pid == 0 else 'parent\\n'); "
        "os._exit(0) if pid == 0 else os.waitpid(pid, 0)"
    )
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert sorted(done.stdout.split()) == ["before", "child", "parent"]


PIPED = """
import os, sys
from worker_payment.kit.config.log_writer import LineWriter
writer = LineWriter(sys.stdout)
name, size, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for number in range(count):
    writer.write(f"{name}{number:06}" + name * (size - 7) + "\\n")
    if number % 20 == 0:
        writer.flush()
"""


SIZES = [(200, 300), (3_000, 300), (20_000, 100), (100_000, 60)]  # of lines, and how many


@pytest.mark.parametrize(("size", "count"), SIZES)
def test_lines_of_several_processes_in_one_pipe_are_never_torn(size, count):
    reading, writing = os.pipe()
    environment = os.environ | {"PYTHONPATH": PYTHONPATH}
    programs = [
        PreloadedProgram(
            ["-c", PIPED, name, str(size), str(count)], stdout=writing, env=environment
        )
        for name in "abcd"
    ]
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        lines = pipe.read().decode().splitlines()
    assert [program.wait(30) for program in programs] == [0] * 4
    assert len(lines) == 4 * count
    for name in "abcd":
        own = [line for line in lines if line[0] == name]
        assert own == [f"{name}{number:06}" + name * (size - 7) for number in range(count)]


def test_a_pipe_that_another_program_made_non_blocking_loses_no_line():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with os.fdopen(reading, "rb") as pipe, os.fdopen(writing, "w") as output:
        writer = LineWriter(output)
        for number in range(100):
            writer.write(f"{number:06}" + "x" * 5_000 + "\n")
        taken = [pipe.readline() for _ in range(100)]
    assert [int(line[:6]) for line in taken] == list(range(100))


def test_what_a_job_prints_keeps_its_place():
    code = (
        "import sys; from worker_payment.kit.config.log_writer import LineWriter; "
        "w = LineWriter(sys.stdout); print('printed'); w.write('logged\\n'); w.flush()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["printed", "logged"]
