"""Which jobs share a thread: those that answer quickly."""

from __future__ import annotations

from agent.sensing.crew import QUICK, Crew, Task
from agent.sensing.lanes import ThreadLane
from tests.sensing.fakes import HandClock


class Handed(Crew):
    """Keeps what it is given; ``take`` does the next one, in so many seconds."""

    def __init__(self) -> None:
        super().__init__(HandClock())
        self.tasks: list[Task] = []

    def give(self, task: Task) -> None:
        self.tasks.append(task)

    def take(self, seconds: float) -> Task:
        task = self.tasks.pop(0)
        task.finished(task.job(), seconds)
        return task


def test_a_device_that_was_slow_is_next_read_alone() -> None:
    crew, done = Handed(), list[int]()
    lane = ThreadLane("sensor-dht", crew)
    for number in range(4):
        lane.submit(lambda n=number: n, done.append)  # type: ignore[misc]
    assert len(crew.tasks) == 1  # one job at a time
    alone = [crew.take(seconds).alone for seconds in (0.0, QUICK * 2, QUICK / 2, 0.0)]
    assert alone == [False, False, True, False]
    assert done == [0, 1, 2, 3]
