"""Running text of plants: limits, procedures, shift reports, sister machines, revisions. Each layer returns a caption.

All layers take the machine's tag and kind, whether they name them or not: `plant` picks one by lot.
"""

import random

from models.starter import plant_words as w
from models.starter.plant_sheet import Sheet


def limits(chance: random.Random, sheet: Sheet, asset: str, machine: str) -> str:
    names = chance.sample(w.QUANTITIES, 4)
    subject = chance.choice((asset, f"the {machine}", f"{machine} {asset}", "the machine"))
    for name in names[:3]:
        normal, trip = w.measure(chance), w.measure(chance)
        shape = chance.randrange(5)
        if shape == 0:
            sheet.tell(
                f"The normal {name} of {subject} is ",
                normal,
                "",
                f"What is the normal {name}{{of}}?",
                f"What {name} is normal{{of}}?",
            )
            sheet.tell(
                "; it trips at ",
                trip,
                ". ",
                f"At what {name} does it trip{{of}}?",
                f"Which {name} stops the {machine}{{of}}?",
            )
        elif shape == 1:
            sheet.tell(
                f"Do not run {subject} with a {name} above ",
                trip,
                ". ",
                f"What is the maximum {name}{{of}}?",
                f"How high may the {name} be{{of}}?",
            )
            sheet.absent.append(f"What is the minimum {name}{{of}}?")
        elif shape == 2:
            sheet.tell(
                f"Set the {name} to ",
                normal,
                " before starting. ",
                f"To what value is the {name} set{{of}}?",
                f"What {name} must be set before starting{{of}}?",
            )
        elif shape == 3:
            sheet.tell(
                f"A warning is given when the {name} falls below ",
                normal,
                "",
                f"Below which {name} is a warning given{{of}}?",
                f"When does the low {name} warning come{{of}}?",
            )
            sheet.tell(
                f", and {subject} stops after ",
                w.duration(chance),
                ". ",
                f"After what time does the {machine} stop on low {name}{{of}}?",
            )
        else:
            sheet.tell(
                f"{name.capitalize()} should be kept between ",
                f"{normal} and {trip}",
                ". ",
                f"In what range must the {name} be{{of}}?",
                f"What {name} is allowed{{of}}?",
            )
    sheet.absent += [f"What is the {names[3]}{{of}}?", f"At what {names[3]} does it trip{{of}}?"]
    return chance.choice(("Operating limits", "Normal operation", "Limits", "Technical data"))  # fmt: skip


def steps(chance: random.Random, sheet: Sheet, asset: str, machine: str) -> str:  # noqa: ARG001
    valves = [w.valve(chance) for _ in range(3)]
    wait, who, part, guard = (
        w.duration(chance),
        chance.choice(w.PEOPLE),
        chance.choice(w.PARTS),
        chance.choice(w.PROTECTION),
    )
    job = chance.choice((f"replacing the {part}", "starting up", "shutting down", "lock-out", f"cleaning the {part}"))
    lines = [
        ("Inform the ", who, ".", (f"Who must be informed before {job}{{of}}?", f"Who is told first when {job}{{of}}?")),
        ("Put on ", guard, ".", (f"What protection is worn when {job}{{of}}?", f"Which PPE is needed for {job}{{of}}?")),
        ("Close ", valves[0], " on the suction side.", ("Which valve on the suction side is closed{of}?",)),
        ("Close the discharge valve ", valves[1], ".", (f"Which discharge valve is closed for {job}{{of}}?",)),
        ("Wait ", wait, f" until the {part} has stopped.",
         (f"How long must one wait until the {part} has stopped{{of}}?", f"How long to wait when {job}{{of}}?")),
        ("Switch off the main isolator ", w.valve(chance), " and lock it.",
         ("Which main isolator is switched off{of}?", f"Which isolator is locked for {job}{{of}}?")),
        ("Open the drain ", valves[2], " and let the pressure fall to zero.",
         ("Which drain is opened{of}?", f"Which valve drains the {machine}{{of}}?")),
        ("Verify zero energy: ", chance.choice(("press start once", "read the gauge", "measure the voltage")), ".",
         ("How is zero energy verified{of}?",)),
        (f"Tighten the {part} with ", w.torque(chance), ".",
         (f"What torque is used for the {part}{{of}}?", f"How tight is the {part} fastened{{of}}?")),
        ("Run without load for ", w.duration(chance), ".", ("How long is it run without load{of}?",)),
        ("Record the work on form ", f"F-{chance.randint(11, 480)}", ".", ("On which form is the work recorded{of}?",)),
    ]  # fmt: skip
    kept = sorted(chance.sample(range(len(lines)), chance.randint(4, 8)))
    for number, index in enumerate(kept, 1):
        before, value, after, asks = lines[index]
        sheet.tell(f"{number}. {before}", value, f"{after}\n", *asks)
    for index in set(range(len(lines))) - set(kept):
        sheet.absent += lines[index][3]
    return chance.choice((f"Procedure: {job}", f"{job.capitalize()}", f"Steps for {job}"))


def shift(chance: random.Random, sheet: Sheet, asset: str, machine: str) -> str:  # noqa: ARG001
    day, other = w.date(chance), w.tag(chance)[0]
    people = chance.sample(("Novotny", "Keller", "Marsh", "Ibarra", "Lindqvist", "Okoye", "Duarte", "Petrov"), 2)
    if chance.random() < 0.7:
        sheet.tell("Shift report of ", day, ", ", "What date is the shift report of?")
        sheet.tell("shift leader ", people[0], ".\n", "Who was shift leader?", f"Who led the shift on {day}?")
    at, stopped, reason = w.clock(chance), w.duration(chance), chance.choice(w.REASONS)
    sheet.say(f"{at} ")
    sheet.tell(f"{asset} stopped for ", stopped, "", "How long was the stop{of}?", "How long did it stand still{of}?")
    sheet.tell(" because of ", reason, ". ", "Why did it stop{of}?", "What was the reason for the stop{of}?")
    sheet.tell("Cleared by ", people[1], ". ", "Who cleared the stop{of}?", f"Who fixed {reason}{{of}}?")
    if other != asset:
        sheet.say(f"{w.clock(chance)} {other} ran without a stop. ")
    count, scrap = chance.randint(800, 48000), chance.randint(3, 400)
    sheet.tell("Output ", f"{count} units", ", ", "How many units were made?", "What was the output of the shift?")
    sheet.tell("scrap ", f"{scrap} units", ". ", "How much scrap was there?", "How many units were scrapped?")
    if chance.random() < 0.6:
        sheet.tell(
            "Next shift: ",
            chance.choice(w.REMEDIES),
            ". ",
            "What must the next shift do?",
            "What was handed over to the next shift?",
        )
    else:
        sheet.absent.append("What must the next shift do?")
    sheet.absent += [
        "What did the repair cost{of}?",
        "Which spare part was used{of}?",
        "When is the next inspection{of}?",
    ]
    return chance.choice(("Shift report", "Handover", "Log book", "Events"))  # fmt: skip


def sisters(chance: random.Random, sheet: Sheet, asset: str, machine: str) -> str:  # noqa: ARG001
    """Two or three machines side by side: only the value beside the right name answers."""
    names = list(dict.fromkeys([asset, w.sister(chance, asset), w.sister(chance, asset)]))[: chance.choice((2, 2, 3))]
    quantities = chance.sample(w.QUANTITIES, chance.randint(2, 5))
    style = chance.randrange(3)
    for quantity in quantities:
        values = [w.measure(chance) for _ in names]
        sheet.say((f"Parameter: {quantity}", f"{quantity.capitalize()}: ", f"The {quantity} is ")[style])
        for index, (name, value) in enumerate(zip(names, values, strict=True)):
            asks = (f"What is the {quantity} of {name}?", f"{name} {quantity}", f"Which {quantity} applies to {name}?")
            if style == 0:
                sheet.tell(f" | {name}: ", value, "", *asks)
            elif style == 1:
                sheet.tell(f"{', ' if index else ''}{name} ", value, "", *asks)
            else:
                sheet.tell(" and " if index else "", value, f" for {name}", *asks)
        sheet.say("\n" if style == 0 else ".\n")
    for quantity in quantities:
        other = w.sister(chance, asset)
        if other not in names:
            sheet.absent += [f"What is the {quantity} of {other}?", f"{other} {quantity}"]
    spare = chance.choice([q for q in w.QUANTITIES if q not in quantities])
    sheet.absent.append(f"What is the {spare} of {chance.choice(names)}?")
    return chance.choice((f"Comparison of {' and '.join(names)}", "Differences", "Sister machines", "Data"))


def revised(chance: random.Random, sheet: Sheet, asset: str, machine: str) -> str:  # noqa: ARG001
    """A value that replaced another; where only the old one stands, nothing answers."""
    part = chance.choice(w.PARTS)
    what = chance.choice(
        (f"torque of the {part}", chance.choice(w.QUANTITIES), f"interval of the {chance.choice(w.TASKS)}")
    )
    draw = w.torque if what.startswith("torque") else w.interval if what.startswith("interval") else w.measure
    old, new, revision = draw(chance), draw(chance), chance.randint(2, 9)
    now = (f"What is the {what}{{of}}?", f"What is the current {what}{{of}}?", f"Which {what} applies now{{of}}?")
    shape = chance.randrange(4)
    if shape == 0:
        sheet.say(f"Up to revision {revision} the {what} was {old}. ")
        sheet.tell(f"Since revision {revision + 1} it is ", new, ". ", *now)
    elif shape == 1:
        sheet.tell(f"The {what} of {asset} is now ", new, f" (formerly {old}). ", *now)
    elif shape == 2:
        sheet.say(f"The former {what} of {old} is no longer valid. See the newest data sheet. ")
        sheet.absent += now
        sheet.absent += [f"Which {what} must be used{{of}}?"]
        sheet.tell("The change was approved by ", chance.choice(w.PEOPLE), ". ", "Who approved the change{of}?")
    else:
        sheet.tell(f"Change of {w.date(chance)}: the {what} was altered from {old} to ", new, ". ", *now)
        sheet.tell("Reason: ", chance.choice(w.CAUSES), ". ", "Why was it changed{of}?", f"Why was the {what} altered?")
    sheet.absent.append(f"What is the {chance.choice(w.TASKS)} interval{{of}}?")
    return chance.choice(("Change history", "Revisions", "Changes", "Amendment"))


def rules(chance: random.Random, sheet: Sheet, asset: str, machine: str) -> str:  # noqa: ARG001
    part, guard, who = chance.choice(w.PARTS), chance.choice(w.PROTECTION), chance.choice(w.PEOPLE)
    pieces = [
        ("Only the ", who, f" may open the {part}. ", (f"Who may open the {part}{{of}}?", f"Who is allowed to open the {part}?")),
        ("Wear ", guard, f" when working near the {part}. ",
         (f"What must be worn near the {part}{{of}}?", f"What protection is needed at the {part}{{of}}?")),
        ("Use only ", chance.choice(w.FLUIDS), f" for the {part}. ",
         (f"Which lubricant goes into the {part}{{of}}?", f"What oil is used for the {part}{{of}}?")),
        (f"The {chance.choice(w.TASKS)} is done ", w.interval(chance), ". ", ("How often is it done{of}?",)),
        ("The emergency stop is on the ", chance.choice(w.PLACES), ". ",
         ("Where is the emergency stop{of}?", "Where do I find the emergency stop{of}?")),
        ("Spills are taken up with ", chance.choice(("sawdust", "oil binder", "absorbent mats", "sand")), ". ",
         ("What are spills taken up with?", "How is a spill removed{of}?")),
        ("Call ", f"extension {chance.randint(100, 9999)}", " in an emergency. ",
         ("Which number is called in an emergency?", "Whom do I call in an emergency?")),
        (f"The {machine} must not be restarted before ", chance.choice(w.CAUSES) + " has been excluded", ". ",
         ("What must be excluded before restarting{of}?",)),
        ("The noise level is ", f"{chance.randint(68, 104)} dB(A)", ". ", ("How loud is it{of}?", "What is the noise level{of}?")),
        ("The weight is ", f"{chance.randint(40, 9000)} kg", ". ", ("How heavy is it{of}?", "What is the weight{of}?")),
    ]  # fmt: skip
    kept = chance.sample(range(len(pieces)), chance.randint(3, 6))
    for index in kept:
        before, value, after, asks = pieces[index]
        sheet.tell(before, value, after, *asks)
    for index in set(range(len(pieces))) - set(kept):
        sheet.absent += [ask for ask in pieces[index][3] if "it" not in ask.split()]
    return chance.choice(("Safety", "General rules", "Notes", "Safety instructions"))


LAYERS = (limits, steps, steps, shift, sisters, sisters, revised, rules)
