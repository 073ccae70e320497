"""Words and quantities that plant documents are made of. Everything here is invented; no real plant or demo stands in it."""

import random
from collections.abc import Callable

Draw = Callable[[random.Random], str]

MACHINES = {
    "P": ("pump", "feed pump", "transfer pump", "dosing pump"),
    "FL": ("filler", "bottle filler", "can filler"),
    "CV": ("conveyor", "belt conveyor", "infeed conveyor"),
    "K": ("compressor", "air compressor", "screw compressor"),
    "MX": ("mixer", "blender", "agitator"),
    "LB": ("labeller", "labelling machine"),
    "RB": ("robot cell", "palletiser", "pick-and-place robot"),
    "PR": ("press", "hydraulic press"),
    "OV": ("oven", "curing oven", "tunnel oven"),
    "B": ("boiler", "steam boiler"),
    "CH": ("chiller", "cooling unit"),
    "SP": ("separator", "centrifuge"),
    "CP": ("capper", "capping machine"),
    "FN": ("fan", "extraction fan", "blower"),
    "HX": ("heat exchanger", "plate heat exchanger"),
    "DR": ("dryer", "spray dryer"),
}
PARTS = (
    "bearing cover", "casing", "motor foot", "coupling guard", "gearbox flange", "drive shaft", "mechanical seal",
    "impeller", "inlet valve", "outlet valve", "filter housing", "guide rail", "belt tensioner", "chain wheel",
    "suction flange", "discharge flange", "oil sump", "terminal box", "cylinder head", "nozzle plate", "star wheel",
    "gripper jaw", "light curtain", "hose clamp", "pressure gauge", "base frame", "tie rod", "knife block",
    "heating element", "burner head", "vacuum pump", "drip tray", "wear ring", "thrust bearing", "roller bearing",
    "shaft sleeve", "lip seal", "V-belt", "toothed belt", "proximity sensor", "encoder", "safety relay", "fan wheel",
    "solenoid valve", "check valve", "relief valve", "suction strainer", "lantern ring", "gland packing", "O-ring set",
)  # fmt: skip
QUANTITIES = (
    "discharge pressure", "suction pressure", "bearing temperature", "oil temperature", "motor current", "flow rate",
    "vibration velocity", "oil level", "belt tension", "supply voltage", "air pressure", "cooling water flow",
    "outlet temperature", "spindle speed", "filling volume", "vacuum level", "differential pressure", "tank level",
    "conductivity", "humidity", "winding temperature", "seal water pressure", "product temperature", "line speed",
)  # fmt: skip
PEOPLE = (
    "shift leader", "maintenance fitter", "electrician", "operator", "line technician", "process engineer",
    "safety officer", "quality inspector", "lubrication technician", "instrument technician", "contractor",
)  # fmt: skip
TASKS = (
    "oil change", "filter replacement", "belt inspection", "bearing lubrication", "seal inspection", "calibration",
    "alignment check", "emergency stop test", "cleaning of the strainer", "vibration measurement", "leak test",
    "chain tensioning", "replacement of the gaskets", "sensor cleaning", "backup of the controller", "grease renewal",
    "coolant check", "brake test", "torque check", "relief valve test", "insulation test", "descaling",
)  # fmt: skip
MEANINGS = (
    "motor overload", "low suction pressure", "high bearing temperature", "guard door open", "oil level low",
    "drive communication lost", "encoder fault", "air supply missing", "belt slipping", "seal water flow low",
    "emergency stop pressed", "product jam at the infeed", "filter blocked", "phase failure", "tank level too high",
    "gripper not closed", "label roll empty", "cap missing", "flame failure", "vacuum not reached", "light curtain cut",
    "temperature sensor broken", "hydraulic pressure low", "servo following error", "cooling water too warm",
)  # fmt: skip
CAUSES = (
    "worn bearing", "clogged strainer", "loose terminal", "damaged cable", "wrong parameter set", "dirty sensor",
    "leaking hose", "blocked outlet", "misaligned guide", "broken belt", "air in the pipe", "defective relay",
    "dry running", "foreign object in the chute", "empty supply tank", "stuck valve", "too little grease",
)  # fmt: skip
REMEDIES = (
    "check the suction strainer and clean it", "replace the drive belt", "close the guard and acknowledge",
    "top up the oil to the upper mark", "tighten the terminals", "reset the drive and restart",
    "remove the jam by hand after lock-out", "open the air supply valve", "replace the sensor",
    "let the motor cool for 20 minutes", "call the electrician", "vent the casing", "bleed the hydraulic circuit",
    "insert a new label roll", "clean the lens of the light curtain", "reduce the line speed", "check the cable",
)  # fmt: skip
FLUIDS = (
    "ISO VG 68 mineral oil", "ISO VG 220 gear oil", "food-grade grease NLGI 2", "lithium grease", "synthetic oil PAO 46",
    "silicone grease", "HLP 46 hydraulic oil", "glycol mixture", "ISO VG 32 turbine oil", "white oil", "PTFE spray",
)  # fmt: skip
PLACES = (
    "north wall of hall 2", "pump room", "control cabinet A3", "electrical room E1", "mezzanine", "behind the filler",
    "utility corridor", "boiler house", "left side panel", "rear of the machine", "field box 7", "packing hall",
    "basement, row 4", "roof platform", "substation 2", "motor control centre, field 12", "pipe rack above bay 6",
)  # fmt: skip
ENERGIES = ("electrical supply", "compressed air", "steam", "hydraulic pressure", "product line", "cooling water",
            "stored spring force", "natural gas", "nitrogen", "raised load")  # fmt: skip
REASONS = (
    "a jam at the capper", "a torn belt", "missing pallets", "a leak at the seal", "label change", "a sensor fault",
    "no compressed air", "a tripped motor", "late material", "cleaning of the nozzles", "a failed test of the scales",
    "a broken gripper", "overheated gearbox oil", "a blocked chute", "product change", "a voltage dip",
)  # fmt: skip
PROTECTION = ("safety goggles", "cut-resistant gloves", "hearing protection", "a face shield", "acid-proof gloves",
              "a dust mask FFP2", "safety shoes S3", "a full-body harness", "heat-resistant gloves")  # fmt: skip
PRODUCTS = ("orange juice 1 l", "still water 0.5 l", "tomato sauce 350 g", "shampoo 250 ml", "cleaner 5 l",
            "milk 1 l", "paint base white", "tablet coating B", "lager 0.33 l", "yoghurt 150 g")  # fmt: skip
AGENTS = ("caustic soda", "peracetic acid", "nitric acid", "hot water", "alkaline foam", "citric acid", "steam")


def one(*choices: str) -> Draw:
    return lambda chance: chance.choice(choices)


def decimal(chance: random.Random, low: float, high: float, digits: int = 1) -> str:
    value = f"{chance.uniform(low, high):.{digits}f}"
    return value.replace(".", ",") if chance.random() < 0.1 else value


def size(chance: random.Random) -> str:
    pitch = ("", "", "", "x1", "x1.25", "x1.5", "x1.75", "x2")
    return f"M{chance.choice((4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 27, 30))}{chance.choice(pitch)}"


def torque(chance: random.Random) -> str:
    return f"{decimal(chance, 2, 18)} Nm" if chance.random() < 0.3 else f"{chance.randint(8, 420)} Nm"


def measure(chance: random.Random) -> str:
    unit = chance.choice(("bar", "°C", "A", "m³/h", "mm/s", "%", "mbar", "kPa", "rpm", "l/min", "V", "mm", "K", "kW"))
    value = decimal(chance, 0.5, 30) if chance.random() < 0.5 else str(chance.randint(2, 1500))
    return f"{value} {unit}"


def duration(chance: random.Random) -> str:
    return f"{chance.randint(2, 90)} {chance.choice(('minutes', 'seconds', 'min', 'hours'))}"


def interval(chance: random.Random) -> str:
    thousands = chance.choice(("500", "1,000", "2,000", "4,000", "250", "8000", "125", "3,000", "750", "16,000"))
    return chance.choice(
        (f"every {thousands} operating hours", f"{thousands} h", "daily", "weekly", "monthly", "every 6 months",
         "once a year", "every shift", "quarterly", f"every {chance.randint(2, 9)} weeks", "every 2 years")
    )  # fmt: skip


def code(chance: random.Random) -> str:
    head = chance.choice(("E-", "E", "A", "F", "AL-", "W", "ERR ", "F-", "S-"))
    return f"{head}{chance.randint(1, 9999):04d}" if chance.random() < 0.5 else f"{head}{chance.randint(1, 899)}"


def part_number(chance: random.Random) -> str:
    return chance.choice(
        (f"{chance.randint(10, 99)}-{chance.randint(1000, 9999)}", f"{chance.randint(100000, 9999999)}",
         f"{chance.choice('ABCDEHKST')}{chance.choice('ABCDEHKST')}-{chance.randint(100, 9999)}-{chance.randint(1, 99):02d}",
         f"SP{chance.randint(1000, 99999)}")
    )  # fmt: skip


def valve(chance: random.Random) -> str:
    return f"{chance.choice(('XV', 'HV', 'V', 'Q', 'S', 'BV', 'MV'))}-{chance.randint(1, 480)}"


def date(chance: random.Random) -> str:
    months = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October")
    return f"{chance.randint(1, 28)} {chance.choice(months)} {chance.randint(2019, 2027)}"


def clock(chance: random.Random) -> str:
    return f"{chance.randint(0, 23):02d}:{chance.choice(range(0, 60, 5)):02d}"


def tag(chance: random.Random) -> tuple[str, str]:
    """An invented asset tag such as `P-204B`, and what kind of machine bears it."""
    head = chance.choice(tuple(MACHINES))
    name = f"{head}{chance.choice(('-', '-', '-', ' ', ''))}{chance.randint(2, 989)}"
    return name + chance.choice(("", "", "A", "B", "C", "D")), chance.choice(MACHINES[head])


def sister(chance: random.Random, name: str) -> str:
    """A tag that a hurried reader takes for `name`: another letter, or one digit changed."""
    if name[-1].isalpha() and chance.random() < 0.6:
        return name[:-1] + chance.choice([c for c in "ABCD" if c != name[-1]])
    places = [i for i, c in enumerate(name) if c.isdigit()]
    at = chance.choice(places)
    return name[:at] + chance.choice([d for d in "123456789" if d != name[at]]) + name[at + 1 :]
