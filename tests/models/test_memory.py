"""Memory goes back when work has ended, not between two questions."""

import asyncio

from models.memory import Quiet, give_back, one_arena


async def test_memory_is_given_back_once_after_the_last_of_a_row_of_requests() -> None:
    done, given = asyncio.Event(), []

    def then() -> None:
        given.append("back")
        done.set()

    quiet = Quiet(asyncio.get_running_loop(), then, seconds=0.05)
    for _ in range(5):
        await asyncio.to_thread(quiet.worked)

    await asyncio.wait_for(done.wait(), 10)
    assert given == ["back"]


def test_giving_back_is_harmless() -> None:
    one_arena()
    give_back()
