"""Kinds of plant tables: what their rows are keyed by, their columns, and how people ask for a cell."""

import random
from dataclasses import dataclass

from models.starter import plant_words as w


@dataclass(frozen=True, slots=True)
class Column:
    """`asks` are questions with `{key}` for the row and `{of}` for the machine; `back` asks for the row by the value."""

    headers: tuple[str, ...]
    draw: w.Draw
    asks: tuple[str, ...]
    back: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    captions: tuple[str, ...]
    keys: tuple[str, ...]
    draw: w.Draw
    columns: tuple[Column, ...]


def _count(chance: random.Random) -> str:
    return (chance.choice(("", "", "", " pcs")) and f"{chance.randint(1, 24)} pcs") or str(chance.randint(1, 24))


def _percent(chance: random.Random) -> str:
    return f"{w.decimal(chance, 0.5, 4)} %"


def _temperature(chance: random.Random) -> str:
    return f"{chance.randint(30, 145)} °C"


TORQUES = Kind(
    ("Tightening torques", "Torque table", "Bolts and torques", "Fasteners"),
    ("Fastener", "Bolt", "Screw", "Thread", "Size"),
    w.size,
    (
        Column(("Torque", "Tightening torque", "Torque (dry)", "Nm"), w.torque,
               ("What torque do the {key} bolts{of} need?", "What is the tightening torque for {key}{of}?",
                "How tight must {key} be{of}?", "torque {key}{of}", "To what torque are the {key} screws tightened{of}?",
                "How many Nm for the {key} fasteners{of}?"),
               ("Which fastener is tightened to {value}{of}?",)),
        Column(("Position", "Location", "Used at", "Where"), w.one(*w.PARTS),
               ("Where are the {key} bolts used{of}?", "Which part is held by {key}{of}?"),
               ("Which bolts hold the {value}{of}?", "What size are the bolts of the {value}{of}?")),
        Column(("Grade", "Class", "Material"), w.one("8.8", "10.9", "12.9", "A2-70", "A4-80"),
               ("What strength class are the {key} bolts{of}?", "Which grade has {key}{of}?")),
        Column(("Quantity", "Qty", "Pieces"), _count, ("How many {key} bolts are there{of}?",)),
        Column(("Thread lock", "Locking"), w.one("none", "medium strength", "high strength", "spring washer"),
               ("How is {key} secured{of}?", "Which thread lock goes on {key}{of}?")),
        Column(("Length", "Length mm"), lambda chance: f"{chance.choice(range(16, 140, 2))} mm",
               ("How long are the {key} bolts{of}?", "length of {key}{of}")),
    ),
)  # fmt: skip

PART_TORQUES = Kind(
    ("Tightening torques by position", "Torques"),
    ("Position", "Joint", "Component", "Where"),
    w.one(*w.PARTS),
    (
        Column(("Torque", "Tightening torque", "Final torque"), w.torque,
               ("What torque for the {key}{of}?", "How tight are the bolts of the {key}{of}?", "{key} torque{of}",
                "What is the tightening torque at the {key}{of}?", "With how many Nm is the {key} fastened{of}?")),
        Column(("Thread", "Bolt", "Size"), w.size,
               ("Which thread has the {key}{of}?", "What bolt size is used on the {key}{of}?")),
        Column(("Tool", "Key"), lambda chance: f"{chance.randint(8, 46)} mm socket",
               ("Which tool is needed for the {key}{of}?",)),
        Column(("Sequence", "Order"), w.one("crosswise", "clockwise", "from the centre outwards", "in two passes"),
               ("In which order is the {key} tightened{of}?",)),
    ),
)  # fmt: skip

ALARMS = Kind(
    ("Alarm list", "Faults and remedies", "Messages", "Alarm codes", "Troubleshooting"),
    ("Code", "Alarm", "Fault", "Message", "No."),
    w.code,
    (
        Column(("Meaning", "Text", "Description", "Message text"), w.one(*w.MEANINGS),
               ("What does alarm {key} mean{of}?", "What is {key}{of}?", "The display shows {key}. What is wrong{of}?",
                "Meaning of fault {key}{of}", "What does code {key} stand for{of}?"),
               ("Which alarm code means {value}{of}?", "Which code is shown for {value}{of}?")),
        Column(("Cause", "Possible cause"), w.one(*w.CAUSES),
               ("What causes alarm {key}{of}?", "Why does {key} appear{of}?", "Possible cause of {key}{of}?")),
        Column(("Remedy", "Action", "What to do", "Measure"), w.one(*w.REMEDIES),
               ("What should I do when {key} appears{of}?", "How is {key} cleared{of}?", "Remedy for {key}{of}",
                "What is the action on alarm {key}{of}?")),
        Column(("Reaction", "Effect"), w.one("stop", "warning only", "stop after cycle", "reduced speed", "trip"),
               ("How does the machine react to {key}{of}?", "Does {key} stop the machine{of}?")),
        Column(("Reset", "Acknowledge"), w.one("automatic", "by the operator", "key switch", "supervisor only"),
               ("Who may reset {key}{of}?", "How is {key} acknowledged{of}?")),
        Column(("Delay",), lambda chance: f"{chance.randint(1, 30)} s", ("After what delay does {key} come{of}?",)),
    ),
)  # fmt: skip

SPARES = Kind(
    ("Spare parts", "Spare-part list", "Recommended spares", "Wear parts"),
    ("Part", "Description", "Item", "Designation"),
    w.one(*w.PARTS),
    (
        Column(("Part number", "Part no.", "Order no.", "Article", "Material number"), w.part_number,
               ("What is the part number of the {key}{of}?", "Which order number has the {key}{of}?",
                "part number {key}{of}", "Under what number do I order the {key}{of}?"),
               ("What is part {value}{of}?", "Which part has the number {value}?")),
        Column(("Quantity", "Qty", "Stock", "Min. stock"), _count,
               ("How many of the {key} are kept{of}?", "How many pieces of {key} are listed{of}?")),
        Column(("Position", "Pos.", "Item no."), lambda chance: str(chance.randint(1, 96)),
               ("At which position of the drawing is the {key}{of}?",)),
        Column(("Store", "Bin", "Shelf"), lambda chance: f"{chance.choice('ABCDEF')}{chance.randint(1, 40):02d}",
               ("Where is the {key} stored?", "In which bin is the {key}{of}?")),
        Column(("Lead time", "Delivery"), lambda chance: f"{chance.randint(1, 20)} {chance.choice(('weeks', 'days'))}",
               ("How long does delivery of the {key} take?", "What is the lead time of the {key}{of}?")),
        Column(("Supplier", "Make"), w.one("Halvorsen", "Brixtec", "Novatech", "Kestrel Seals", "Dorn & Pohl", "Mareko"),
               ("Who supplies the {key}{of}?", "What make is the {key}{of}?")),
        Column(("Life", "Service life"), w.interval, ("How long does the {key} last{of}?",)),
    ),
)  # fmt: skip

LIMITS = Kind(
    ("Operating limits", "Alarm and trip values", "Settings", "Technical data", "Parameters"),
    ("Parameter", "Quantity", "Value", "Measurement"),
    w.one(*w.QUANTITIES),
    (
        Column(("Normal", "Set point", "Nominal", "Operating value"), w.measure,
               ("What is the normal {key}{of}?", "What is the set point of the {key}{of}?", "{key} set point{of}")),
        Column(("Warning", "Alarm", "Pre-alarm"), w.measure,
               ("At what {key} is there a warning{of}?", "When does the {key} alarm come{of}?")),
        Column(("Trip", "Shutdown", "Stop"), w.measure,
               ("At what {key} does it trip{of}?", "Which {key} leads to shutdown{of}?", "{key} trip value{of}?")),
        Column(("Maximum", "Max.", "Upper limit"), w.measure,
               ("What is the maximum {key}{of}?", "How high may the {key} be{of}?", "max {key}{of}")),
        Column(("Minimum", "Min.", "Lower limit"), w.measure,
               ("What is the lowest permitted {key}{of}?", "What is the minimum {key}{of}?")),
        Column(("Sensor", "Instrument", "Tag"), w.valve, ("Which instrument measures the {key}{of}?",)),
    ),
)  # fmt: skip

INTERVALS = Kind(
    ("Maintenance plan", "Maintenance intervals", "Lubrication plan", "Inspection schedule"),
    ("Task", "Work", "Activity", "Job"),
    w.one(*w.TASKS),
    (
        Column(("Interval", "Frequency", "When", "Due"), w.interval,
               ("How often is the {key} due{of}?", "What is the interval for the {key}{of}?",
                "When must the {key} be done{of}?", "{key} interval{of}")),
        Column(("By", "Who", "Responsible", "Done by"), w.one(*(f"{p}" for p in w.PEOPLE)),
               ("Who does the {key}{of}?", "Who is responsible for the {key}{of}?")),
        Column(("Lubricant", "Material", "Consumable"), w.one(*w.FLUIDS),
               ("Which lubricant is used for the {key}{of}?", "What is needed for the {key}{of}?")),
        Column(("Amount", "Quantity"), lambda chance: f"{w.decimal(chance, 0.2, 60)} {chance.choice(('l', 'g', 'ml'))}",
               ("How much is needed for the {key}{of}?",)),
        Column(("Duration", "Time"), w.duration, ("How long does the {key} take{of}?",)),
        Column(("Form", "Record", "Checklist"), lambda chance: f"F-{chance.randint(10, 480)}",
               ("On which form is the {key} recorded{of}?",)),
    ),
)  # fmt: skip

ISOLATION = Kind(
    ("Isolation points", "Energy sources", "Lock-out points", "Points to lock"),
    ("Energy", "Source", "Energy source"),
    w.one(*w.ENERGIES),
    (
        Column(("Isolation point", "Isolator", "Device", "Valve"), w.valve,
               ("Where is the {key} isolated{of}?", "Which device isolates the {key}{of}?",
                "What must be locked to cut the {key}{of}?")),
        Column(("Location", "Place", "Where"), w.one(*w.PLACES),
               ("Where is the isolation point of the {key}{of}?", "Where do I find the isolator for the {key}{of}?")),
        Column(("Lock", "Means"), w.one("padlock", "valve cover", "chain and lock", "plug box", "breaker clip"),
               ("Which lock is used for the {key}{of}?", "How is the {key} locked{of}?")),
        Column(("Verify", "Proof", "Check"),
               w.one("try to start", "gauge reads zero", "measure voltage", "open the drain", "look at the position mark"),
               ("How is it verified that the {key} is isolated{of}?", "How do I check the {key} is off{of}?")),
    ),
)  # fmt: skip

RECIPES = Kind(
    ("Settings by product", "Changeover settings", "Recipes", "Format table"),
    ("Product", "Recipe", "Format"),
    w.one(*w.PRODUCTS),
    (
        Column(("Temperature", "Filling temperature"), _temperature,
               ("At what temperature is {key} run{of}?", "What temperature is set for {key}{of}?")),
        Column(("Speed", "Line speed", "Output"), lambda chance: f"{chance.randint(20, 900)} {chance.choice(('/min', 'units/h'))}",
               ("What speed is set for {key}{of}?", "How fast does {key} run{of}?")),
        Column(("Weight", "Target weight"), lambda chance: f"{chance.randint(100, 2000)} g",
               ("What is the target weight of {key}{of}?",)),
        Column(("Tolerance",), lambda chance: f"± {w.decimal(chance, 0.2, 5)} g", ("What tolerance applies to {key}{of}?",)),
        Column(("Change part", "Format part set"), lambda chance: f"set {chance.randint(1, 30)}",
               ("Which change parts are needed for {key}{of}?",)),
    ),
)  # fmt: skip

CLEANING = Kind(
    ("Cleaning programme", "CIP steps", "Cleaning agents"),
    ("Agent", "Phase", "Medium"),
    w.one(*w.AGENTS),
    (
        Column(("Concentration", "Strength"), _percent,
               ("At what concentration is {key} used{of}?", "How strong is the {key}{of}?")),
        Column(("Temperature",), _temperature, ("How hot is the {key} phase{of}?", "Temperature of {key}{of}?")),
        Column(("Time", "Duration", "Contact time"), w.duration,
               ("How long does {key} circulate{of}?", "What is the contact time of {key}{of}?")),
        Column(("Protection", "PPE"), w.one(*w.PROTECTION), ("What must be worn when handling {key}{of}?",)),
    ),
)  # fmt: skip

KINDS = (TORQUES, PART_TORQUES, ALARMS, SPARES, LIMITS, INTERVALS, ISOLATION, RECIPES, CLEANING)
