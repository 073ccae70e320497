"""Requests that want a tool, the tools beside it, and the call: `<tool_call>` around one line of JSON."""

import json
import random
from dataclasses import dataclass

from models.starter import plant_words as w

OPEN, CLOSE = "<tool_call>", "</tool_call>"
HEAD = "You may call one of these tools."


@dataclass(frozen=True, slots=True)
class Tool:
    """`names` are spellings of one tool, so that the name is copied from the list and not known by heart."""

    names: tuple[str, ...]
    about: str
    argument: str
    requests: tuple[str, ...]
    draw: str


TOOLS = (
    Tool(("get_asset", "asset_details", "asset.show"), "Show a machine by its tag", "tag",
         ("Show me {x}", "What do we know of machine {x}?", "Open the page of {x}"), "tag"),
    Tool(("alarm_help", "explain_alarm", "alarms.lookup"), "Say what an alarm means", "code",
         ("What does alarm {x} mean?", "{x} is on the display, help", "Look up the alarm {x}"), "code"),
    Tool(("search_documents", "documents.search", "find_text"), "Search the documents", "query",
         ("Search for {x}", "Find documents about {x}", "Look for {x} in the manuals"), "words"),
    Tool(("stock_level", "spares.stock", "get_stock"), "Tell how many of a spare part are in stock", "part",
         ("How many of {x} are in stock?", "Is there a {x} left in the store?", "Stock of {x}?"), "part"),
    Tool(("work_orders", "orders.of_asset", "list_orders"), "List the open work orders of a machine", "asset",
         ("Which work orders are open for {x}?", "Open orders on {x}", "Is anything planned at {x}?"), "tag"),
    Tool(("trend", "sensor_trend", "history.read"), "Draw the trend of a sensor", "sensor",
         ("Draw the trend of {x}", "How did {x} run today?", "Show the history of {x}"), "tag"),
)  # fmt: skip


def drawn(chance: random.Random, what: str) -> str:
    if what == "tag":
        return w.tag(chance)[0]
    if what == "code":
        return f"{chance.choice(('E', 'F', 'AL', 'A'))}-{chance.randint(100, 9999)}"
    if what == "words":
        return f"{chance.choice(w.QUANTITIES)} of the {w.tag(chance)[1]}"
    return chance.choice(("shaft seal", "V-belt", "O-ring set", "filter cartridge", "wear ring", "gripper pad",
                          "proximity switch", "fuse 16 A", "bearing 6205", "hose DN 25"))  # fmt: skip


def described(name: str, tool: Tool) -> dict[str, object]:
    """The tool as OpenAI's API describes a function."""
    parameters = {
        "type": "object",
        "properties": {tool.argument: {"type": "string"}},
        "required": [tool.argument],
    }
    return {"name": name, "description": tool.about, "parameters": parameters}


def listed(tools: list[dict[str, object]]) -> str:
    """The system text for these tools; the chat template writes the same from a request's `tools`."""
    return "\n".join((HEAD, *(json.dumps(tool) for tool in tools)))


def call(chance: random.Random) -> tuple[str, str, str]:
    """A system text with one to three tools, a request, and the call that it wants."""
    tools = chance.sample(TOOLS, chance.randint(1, 3))
    names = [chance.choice(tool.names) for tool in tools]
    wanted = chance.randrange(len(tools))
    value = drawn(chance, tools[wanted].draw)
    request = chance.choice(tools[wanted].requests).replace("{x}", value)
    made = json.dumps({"name": names[wanted], "arguments": {tools[wanted].argument: value}}, ensure_ascii=False)
    system = listed([described(name, tool) for name, tool in zip(names, tools, strict=True)])
    return system, request, f"{OPEN}\n{made}\n{CLOSE}"
