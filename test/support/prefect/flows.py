"""Real flows. Usage: flows.py history | flows.py families COUNT | flows.py report RUN_NAME KEY"""

import sys

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact


@task
def add(a: int, b: int) -> int:
    get_run_logger().info("adding %s and %s", a, b)
    return a + b


@flow
def report(key: str) -> int:
    get_run_logger().info("reporting under %s", key)
    total = add(1, 2)
    create_markdown_artifact(f"total {total}", key=key)
    return total


@flow
def parent(name: str) -> None:
    add(1, 1)
    named(child, f"{name}-child")(name)


# A result that is kept gives the server an artifact for the subflow and one for the task run that stands for it.
@flow(persist_result=True)
def child(name: str) -> int:
    return add(2, 2) + named(grandchild, f"{name}-grandchild")()


@flow(persist_result=True)
def grandchild() -> int:
    return add(3, 3)


@flow
def failing() -> None:
    add(4, 4)
    raise ValueError("as meant")


def named(a_flow, name: str):
    return a_flow.with_options(flow_run_name=name)


def history() -> None:
    # First, since a task run outside of flows is recorded under a flow run that the same process ran before it.
    add(0, 0)
    for name, key in (
        ("daily-oldest", "daily"),
        ("daily-old", "daily"),
        ("daily-young", "daily"),
        ("weekly-revived", "weekly"),
        ("weekly-old", "weekly"),
        ("monthly-old", "monthly"),
    ):
        named(report, name)(key)
    for name in ("family", "split"):
        named(parent, name)(name)
    try:
        named(failing, "failed")()
    except ValueError:
        pass


if __name__ == "__main__":
    if sys.argv[1] == "history":
        history()
    elif sys.argv[1] == "families":
        for n in range(int(sys.argv[2])):
            named(parent, f"living-{n}")(f"living-{n}")
    else:
        named(report, sys.argv[2])(sys.argv[3])
