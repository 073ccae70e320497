"""What the gate may overlook, relaxation by relaxation: sentences that it is for, and false ones that abuse it."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.answers.sources import Passage


@dataclass(frozen=True, slots=True)
class Relaxed:
    """A relaxation over one passage: what it is for, and what must not pass through it; (question, sentence) each."""

    name: str
    passage: Passage
    true: tuple[tuple[str, str], ...]
    false: tuple[tuple[str, str], ...]


ALARMS = Passage(
    "Table 2: Alarms\n"
    "Code: E-0601 | Message: Bowl level high | Cause: Level above 68 % for 10 s | Action: Close LCV-206 by hand | Class: B\n"
    "Code: E-0602 | Message: Bowl level low | Cause: Level below 35 % for 10 s | Action: Check syrup supply | Class: B\n"
    "Code: E-0603 | Message: Earthing lost | Cause: Resistance above 100 ohm | Action: Stop pump P-101A, fix the clip | Class: A\n"
    "Code: U-0604 | Message: Network pressure very low | Cause: Pressure below 5.2 bar | Action: Hall B is cut off; look for a burst hose | Class: A",
    ("FL-200", "P-101A"),
)
PLAN = Passage(
    "Table 1: Control plan\n"
    "Stage: Blender | Characteristic: Brix | Limit: 10.2 to 10.5 °Bx | Frequency: every hour | Method: TM-1\n"
    "Stage: Filler | Characteristic: Fill volume | Limit: at least 497 mL | Frequency: every 2 h | Method: TM-2",
    ("FL-200",),
)
SPEEDS = Passage(
    "Table 1: Settings for both bottles\n"
    "Setting: Line speed | 0.5 L: 24,000 bottles/h | 1.0 L: 15,600 bottles/h\n"
    "Setting: Bottle diameter | 0.5 L: 65 mm | 1.0 L: 82 mm",
    ("FL-200",),
)
COSTS = Passage(
    "Item: Overhaul of the slewing bearing | Amount: 285,000 EUR | Quarter: 3\n"
    "Item: New boiler feed pump | Amount: 41,000 EUR | Quarter: 1",
    ("FL-200",),
)
PUMP = Passage(
    "Table 1: Data\n"
    "Quantity: Torque of the casing clamp | Value: 20 Nm\n"
    "Quantity: Torque of the impeller screw M10 | Value: 36 Nm\n"
    "Quantity: Gap between impeller and casing | Value: 0.5 mm\n"
    "Quantity: Discharge pressure | Value: 4 bar",
    ("P-205",),
)
LIMITS = Passage(
    "Table 3: Water\n"
    "Water: Boiler water | Value: Phosphate | Limit: 10 to 20 mg/L | Measured: daily\n"
    "Water: Make-up | Value: Hardness | Limit: below 0.1 °dH | Measured: each shift",
    ("BO-400",),
)
TRIPS = Passage(
    "Code: U-0701 | Text: Bearing hot | Limit: above 85 °C | First action: Stop the fan\n"
    "Code: U-0702 | Text: Bearing very hot | Limit: above 95 °C | First action: Call the electrician",
    ("FA-30",),
)
VALVES = Passage(
    "The inlet valve XV-303 is opened by the operator. Valve XV-416 sends dirty condensate to drain by itself. "
    "Caustic comes from T-301, acid from T-302; P-205 pumps both.",
    ("P-205",),
)
KEPT = Passage(
    "For a stop of up to two weeks keep the boiler full to the top. Let the tank stand for 30 minutes with the agitator off. "
    "Hardener is kept at 5 to 25 °C and is used within 6 months of opening. "
    "The pump is stopped and the drain is opened. Keep the vent closed. Discard the first 400 L. "
    "The cover is taken off by the fitter. Empty cans are not used for anything else.",
    ("BO-400",),
)
BOTH = Passage(
    "Sugar dust can explode. Bags are emptied only with the extraction running. The filter is cleaned weekly. "
    "It is replaced every 2 years. The bearing is greased with G1. The seal is changed by the fitter. "
    "The shaft sleeve, of bronze, holds the ring. The seal is changed by the fitter.",
    ("SD-103",),
)
GEAR = Passage(
    "Chemical: Hydrotreat P-70 | Gloves: nitrile 0.2 mm | Eyes: goggles | Breathing: dust mask P2\n"
    "Chemical: Nitra 53 | Gloves: butyl 0.7 mm | Eyes: goggles and face shield | Breathing: filter E2",
    ("CIP-300",),
)
PLATES = Passage(
    "The transfer plates are of steel. The gap of the guide rail is 2 mm. The plates are changed every 500 h. "
    "The feed screw and the drain screw are oiled. The screw is tightened to 5 Nm.",
    ("CV-231",),
)
DONE = Passage(
    "Quantity: Rated current | Value: 20.4 A | Remark: overload relay F101A set to this value\n"
    "Quantity: Star wheel shafts, 3 | Value: 8 g each | Remark: grease G1",
    ("P-101A",),
)
GAP = Passage(
    "Above 1.0 mm the pump no longer primes. Below 3 bar the valve closes. Stop the pump below 5 °C.", ("P-205",)
)
AFTER = Passage("After two failed repeats call Quality. Before the first start fill the casing.", ("P-205",))
STEPS = Passage(
    "1. Close the suction valve HV-1.\n2. Open the drain.\n3. Discard the first 400 L to the drain tank. "
    "Only then open the valve to the filler.",
    ("P-205",),
)

WITH = Passage(
    "The oil level is checked with the compressor running. Belts are changed with the machine stopped. "
    "The probe is read with the red lamp. Empty the drain while the pump is running.",
    ("CA-500",),
)
FILTERS = Passage(
    "Floor filters are changed every 60 h or at 180 Pa, ceiling filters every 1,200 h or at 450 Pa. "
    "The inlet valve is opened by the fitter, the outlet valve by the operator.",
    ("SL-300",),
)
PREDICATES = Passage(
    "On CV-231 the plates are chilled by water and may only be adjusted while wet. "
    "Visitors are briefed by the porter and must not be left alone. The tank is filled and then is heated.",
    ("CV-231",),
)
SETTINGS = Passage(
    "Setting: Blow air at the chute | Value: 1.8 bar | Limit: 2.0 bar\n"
    "Setting: Blow air at the nozzle | Value: 2.5 bar | Limit: 3.0 bar",
    ("CP-210",),
)
ONCE = Passage(
    "Wait at least 5 minutes after gauge PI-207 has reached zero. The vacuum pump VP-211 must reach 0.12 bar. "
    "Badges are for contractors who have had the briefing.",
    ("FL-200",),
)

WORDS = Passage(
    "Switch off the heater. Turn the wheel by hand. The test is carried out by the laboratory. The probe LT-12 is connected to HV-30. "
    "The seal prevents leaks. At least two persons hold the ladder. A fault is verified by the fitter before the line is started.",
    ("FL-200",),
)

ASKED = Passage(
    "If no pressure builds up within 20 seconds stop the pump. Codes that are not in this list are reported to Automation.",
    ("P-205",),
)

RELAXED: list[Relaxed] = [
    Relaxed(
        "what the question says already, but for not",
        ASKED,
        (("What if no pressure builds up?", "If no pressure builds up within 20 seconds, stop the pump."),),
        (
            ("What if no pressure builds up?", "If pressure builds up within 20 seconds, stop the pump."),
            (
                "What if no pressure builds up within 20 seconds?",
                "Pressure builds up within 20 seconds, stop the pump.",
            ),
            ("Codes that are not in this list?", "Codes that are in this list are reported to Automation."),
            ("Which codes are not in this list?", "Only codes that are in this list are reported to Automation."),
            ("What if not in this list?", "Codes that are in this list are not reported to Automation."),
        ),
    ),
    Relaxed(
        "words in pairs, several words that are one",
        WORDS,
        (
            ("Heater?", "Turn off the heater."),
            ("Test?", "The test is performed by the laboratory."),
            ("Wheel?", "The wheel is turned manually."),
            ("Ladder?", "At least two people hold the ladder."),
            ("Probe?", "The probe LT-12 is connected to valve HV-30."),
        ),
        (
            ("Heater?", "Turn on the heater."),
            ("Heater?", "Turn the heater."),
            ("Heater?", "The heater is turned by hand."),
            ("Test?", "The test is performed by the fitter."),
            ("Test?", "The laboratory is carried out by the test."),
            ("Test?", "The test is not performed by the laboratory."),
            ("Wheel?", "The wheel is switched off by hand."),
            ("Wheel?", "The wheel is turned automatically."),
            ("Ladder?", "At least two people drop the ladder."),
            ("Ladder?", "At most two people hold the ladder."),
            ("Seal?", "The seal causes leaks."),
            ("Probe?", "The probe LT-12 is connected to pump HV-30."),
            ("Probe?", "The probe LT-12 is connected to fault HV-30."),
            ("Probe?", "The valve LT-12 is connected to HV-30."),
            ("Fault?", "A fault is corrected by the fitter before the line is started."),
            ("Fault?", "A fault is verified by the fitter after the line is started."),
        ),
    ),
    Relaxed(
        "while for with",
        WITH,
        (
            ("Oil level?", "The oil level is checked while the compressor is running."),
            ("Belts?", "Belts are changed while the machine is stopped."),
            ("Drain?", "Empty the drain with the pump running."),
        ),
        (
            ("Oil level?", "The oil level is checked while the compressor is stopped."),
            ("Belts?", "Belts are changed while the machine is running."),
            ("Probe?", "The probe is read while the red lamp is on."),
            ("Oil level?", "The oil level is checked after the compressor is running."),
            ("Oil level?", "The compressor is checked while the oil level is running."),
            ("Drain?", "Empty the drain with the pump."),
            ("Drain?", "Empty the pump with the drain running."),
            ("Drain?", "The pump is running with the drain empty."),
        ),
    ),
    Relaxed(
        "a verb that the statement before has lent",
        FILTERS,
        (
            ("Ceiling filters?", "The ceiling filters are changed every 1,200 h or at 450 Pa."),
            ("Outlet?", "The outlet valve is opened by the operator."),
        ),
        (
            ("Ceiling filters?", "The ceiling filters are changed every 60 h or at 180 Pa."),
            ("Ceiling filters?", "The ceiling filters are changed every 1,200 h."),
            ("Ceiling filters?", "The ceiling filters are changed every 1,200 h or at 180 Pa."),
            ("Floor filters?", "The floor filters are changed every 1,200 h or at 450 Pa."),
            ("Ceiling filters?", "The ceiling filters are changed every 1,200 h and at 450 Pa."),
            ("Ceiling filters?", "Filters are changed every 1,200 h or at 450 Pa."),
            ("Outlet?", "The outlet valve is opened by the fitter."),
            ("Inlet?", "The inlet valve is opened by the operator."),
            ("Valves?", "Valves are opened by the operator."),
        ),
    ),
    Relaxed(
        "a second predicate",
        PREDICATES,
        (("Plates?", "On CV-231 the plates may only be adjusted while wet."),),
        (
            ("Plates?", "On CV-231 the plates may be adjusted while wet."),
            ("Plates?", "On CV-231 the plates may only be adjusted."),
            ("Plates?", "On CV-231 the plates may only be chilled while wet."),
            ("Visitors?", "Visitors must be left alone."),
            ("Visitors?", "The porter must not be left alone."),
            ("Plates?", "On CV-231 water may only be adjusted while wet."),
            ("Plates?", "On CV-230 the plates may only be adjusted while wet."),
        ),
    ),
    Relaxed(
        "set, for a setting",
        SETTINGS,
        (("Blow air?", "The blow air at the chute is set to 1.8 bar."),),
        (
            ("Blow air?", "The blow air at the chute is set to 2.0 bar."),
            ("Blow air?", "The blow air at the chute is set to 2.5 bar."),
            ("Blow air?", "The blow air at the nozzle is set to 1.8 bar."),
            ("Blow air?", "The blow air is set to 1.8 bar."),
            ("Blow air?", "The blow air at the chute is set to a limit of 1.8 bar."),
            ("Blow air?", "The blow air at the chute is set to at most 1.8 bar."),
        ),
    ),
    Relaxed(
        "once, reach, have received",
        ONCE,
        (
            ("PI-207?", "Wait at least 5 minutes once PI-207 has reached zero."),
            ("VP-211?", "VP-211 must get down to 0.12 bar."),
            ("Badges?", "Badges are for contractors who have received the briefing."),
        ),
        (
            ("PI-207?", "Wait at least 5 minutes before PI-207 has reached zero."),
            ("PI-207?", "Wait at least 5 minutes once PI-208 has reached zero."),
            ("PI-207?", "Wait once for 5 minutes, PI-207 has reached zero."),
            ("PI-207?", "Once you wait at least 5 minutes PI-207 has reached zero."),
            ("VP-211?", "VP-211 may get down to 0.12 bar."),
            ("VP-211?", "VP-211 must get down to 0.21 bar."),
            ("VP-211?", "VP-211 must get down by 0.12 bar."),
            ("Badges?", "Badges are for contractors who have given the briefing."),
            ("Badges?", "Badges are for visitors who have received the briefing."),
        ),
    ),
    Relaxed(
        "verbs beside a bound",
        ALARMS,
        (
            ("When does E-0601 come?", "E-0601 comes when the bowl level stays above 68 % for 10 seconds."),
            ("When does E-0602 come?", "E-0602 comes when the level drops below 35 % for 10 s."),
            ("When does E-0603 come?", "Alarm E-0603 is raised when the resistance rises above 100 ohm."),
        ),
        (
            ("E-0601?", "E-0601 comes when the bowl level stays below 68 % for 10 seconds."),
            ("E-0601?", "E-0601 comes when the bowl level drops above 68 % for 10 s."),
            ("E-0602?", "E-0602 comes when the level rises below 35 % for 10 s."),
            ("E-0601?", "E-0601 comes when the bowl level stays above 35 % for 10 s."),
            ("E-0601?", "E-0601 comes when the level stays at 68 % for 10 s."),
            ("E-0601?", "E-0602 comes when the bowl level stays above 68 % for 10 s."),
            ("E-0603?", "E-0603 is raised when the resistance stays above 100 ohm for 10 s."),
            ("E-0601?", "E-0601 is not raised when the level is above 68 % for 10 s."),
        ),
    ),
    Relaxed(
        "verbs of an alarm",
        ALARMS,
        (("What is E-0602?", "Alarm E-0602 is issued when the level is below 35 % for 10 s."),),
        (
            ("E-0601?", "At E-0601 LCV-206 is raised by hand."),
            ("E-0602?", "At E-0602 the syrup supply is raised."),
            ("E-0601?", "E-0601 is raised by LCV-206."),
            ("E-0601?", "The bowl level is raised above 68 % for 10 s at E-0601."),
            ("E-0603?", "P-101A is raised at E-0603."),
        ),
    ),
    Relaxed(
        "half the title of a coded row",
        ALARMS,
        (("When is hall B cut off?", "Hall B is cut off when the network pressure is below 5.2 bar (U-0604)."),),
        (
            ("Hall B?", "Hall B is cut off when the network pressure is below 5.2 bar (E-0603)."),
            ("Bowl?", "The bowl level is above 68 %."),
            ("Bowl?", "At E-0602 the bowl level is high."),
            ("Bowl?", "E-0601 means that the bowl level is low: above 68 % for 10 s."),
            ("Bowl?", "E-0602 is the bowl level above 68 % for 10 s."),
            ("Hall B?", "Hall B is not cut off when the network pressure is below 5.2 bar (U-0604)."),
        ),
    ),
    Relaxed(
        "verbs of a frequency",
        PLAN,
        (
            ("How often is Brix checked?", "The Brix is checked every hour with method TM-1."),
            ("How often is the fill volume checked?", "The fill volume is measured every 2 h."),
        ),
        (
            ("Brix?", "The Brix is checked every 2 h."),
            ("Brix?", "The Brix is corrected every hour."),
            ("Brix?", "The blender is cleaned every hour."),
            ("Fill volume?", "The fill volume is measured every hour."),
            ("Brix?", "The Brix is checked daily."),
            ("Brix?", "The Brix is checked by TM-2 every hour."),
            ("Brix?", "The Brix is checked to 10.2 °Bx every hour."),
        ),
    ),
    Relaxed(
        "verbs of a speed",
        SPEEDS,
        (("Line speed for 0.5 L?", "With the 0.5 L bottle the line runs at 24,000 bottles/h."),),
        (
            ("Line speed for 1.0 L?", "With the 1.0 L bottle the line runs at 24,000 bottles/h."),
            ("Line speed?", "The line runs at 24,000 bottles/h."),
            ("Line speed for 0.5 L?", "With the 0.5 L bottle the line runs at 65 mm."),
            ("Line speed for 0.5 L?", "With the 0.5 L bottle the line runs at most 24,000 bottles/h."),
            ("Line speed for 0.5 L?", "With the 0.5 L bottle the filler runs at 24,000 bottles/min."),
        ),
    ),
    Relaxed(
        "verbs of money",
        COSTS,
        (("How much?", "The overhaul of the slewing bearing is budgeted at 285,000 EUR in quarter 3."),),
        (
            ("How much?", "The overhaul of the slewing bearing is budgeted at 41,000 EUR."),
            ("How much?", "The overhaul of the slewing bearing is budgeted at 285,000 EUR in quarter 1."),
            ("How much?", "The slewing bearing is budgeted at 285,000 EUR."),
            ("How much?", "The overhaul of the slewing bearing is budgeted at most 285,000 EUR."),
            ("How much?", "The overhaul of the slewing bearing is planned in quarter 1."),
        ),
    ),
    Relaxed(
        "the measure that the unit says; two rows, each with its label",
        PUMP,
        (
            ("Torques of P-205?", "The casing clamp of P-205 is tightened to 20 Nm, the M10 impeller screw to 36 Nm."),
            ("Clamp?", "The torque of the casing clamp is 20 Nm and the gap between impeller and casing is 0.5 mm."),
        ),
        (
            ("Torques?", "The casing clamp of P-205 is tightened to 36 Nm, the M10 impeller screw to 20 Nm."),
            ("Torques?", "The casing clamp is tightened to 20 Nm and to 36 Nm."),
            ("Torques?", "The casing clamp of P-101A is tightened to 20 Nm, the M10 impeller screw to 36 Nm."),
            ("Torques?", "The casing clamp of P-205 is tightened to 20 Nm, the M10 impeller screw of P-206 to 36 Nm."),
            ("Torques?", "The torque of the casing clamp and the torque of the M10 impeller screw is 36 Nm."),
            ("Torques?", "The discharge pressure and the torque of the casing clamp are 20 Nm."),
            ("Torques?", "The casing is tightened to 20 Nm, the M10 impeller screw to 36 Nm."),
            ("Pressure?", "The discharge is 20 Nm and the impeller screw M10 36 Nm."),
            ("Torques?", "The casing clamp is never tightened to 20 Nm, the M10 impeller screw to 36 Nm."),
            ("Torques?", "If the gap between impeller and casing is 0.5 mm, the casing clamp is tightened to 20 Nm."),
            (
                "Torques?",
                "The casing clamp is tightened to 20 Nm because the gap between impeller and casing is 0.5 mm.",
            ),
        ),
    ),
    Relaxed(
        "must for a limit",
        LIMITS,
        (
            ("Phosphate?", "The phosphate in the boiler water must lie between 10 and 20 mg/L and is measured daily."),
            ("Hardness of make-up?", "The hardness of the make-up water has to be below 0.1 °dH."),
        ),
        (
            ("Phosphate?", "The phosphate in the boiler water must lie above 20 mg/L."),
            ("Phosphate?", "The phosphate in the boiler water must not lie between 10 and 20 mg/L."),
            ("Hardness?", "The hardness of the make-up water may be above 0.1 °dH."),
            ("Hardness?", "The hardness of the make-up water must be 0.1 °dH."),
            ("Phosphate?", "The phosphate in the make-up water must lie between 10 and 20 mg/L."),
            ("Hardness?", "The hardness of the boiler water has to be below 0.1 °dH."),
        ),
    ),
    Relaxed(
        "must for a limit that is a trigger",
        TRIPS,
        (("When does U-0701 come?", "U-0701 comes when the bearing is above 85 °C."),),
        (
            ("U-0701?", "At U-0701 the bearing must be above 85 °C."),
            ("U-0701?", "The bearing must be above 85 °C (U-0701)."),
            ("U-0702?", "For U-0702 the bearing should be above 95 °C."),
            ("U-0702?", "U-0702 comes when the bearing is above 85 °C."),
            ("U-0701?", "At U-0701 call the electrician."),
            ("U-0701?", "The bearing may be above 85 °C (U-0701)."),
        ),
    ),
    Relaxed(
        "the kind of a tag",
        VALVES,
        (
            ("Where does dirty condensate go?", "XV-416 routes dirty condensate to drain on its own."),
            ("Where is acid?", "Caustic comes from tank T-301, acid from tank T-302."),
        ),
        (
            ("Acid?", "Caustic comes from tank T-302, acid from tank T-301."),
            ("Acid?", "Caustic comes from pump T-301, acid from T-302."),
            ("Condensate?", "Tank XV-416 sends dirty condensate to drain by itself."),
            ("Condensate?", "Valve XV-303 sends dirty condensate to drain by itself."),
            ("Condensate?", "XV-416 sends dirty condensate to drain by hand."),
            ("Condensate?", "XV-416 sends clean condensate to drain on its own."),
            ("Inlet?", "The outlet valve XV-303 is opened by the operator."),
            ("Inlet?", "The inlet valve XV-303 is closed by the operator."),
        ),
    ),
    Relaxed(
        "keep, let, states in either order, pairs of words",
        KEPT,
        (
            ("Two weeks?", "For a stop of up to two weeks the boiler stays full to the top."),
            ("Tank?", "The tank has to stand for 30 minutes with its agitator off."),
            ("Hardener?", "Hardener is used within 6 months of opening and kept at 5 to 25 °C."),
            ("Vent?", "The vent stays closed."),
            ("First 400 L?", "Throw away the first 400 L."),
            ("Cover?", "The cover is removed by the fitter."),
            ("Empty cans?", "Empty cans must not be used for anything else."),
        ),
        (
            ("Two weeks?", "For a stop of more than two weeks the boiler stays full to the top."),
            ("Two weeks?", "For a stop of up to two weeks the boiler stays empty to the top."),
            ("Two weeks?", "For a stop of up to two weeks the boiler stays full."),
            ("Tank?", "The tank has to stand for 30 minutes with its agitator on."),
            ("Tank?", "The tank must not stand for 30 minutes with the agitator off."),
            ("Tank?", "The agitator has to stand for 30 minutes with the tank off."),
            ("Hardener?", "Hardener is used within 6 months and kept at 5 to 25 °C of opening."),
            ("Hardener?", "Hardener is kept within 6 months of opening and used at 5 to 25 °C."),
            ("Stop?", "The drain is opened and the pump is stopped."),
            ("Vent?", "The vent stays open."),
            ("Vent?", "Keep the vent stored."),
            ("First?", "Keep the first 400 L."),
            ("Cover?", "The cover is put on by the fitter."),
            ("Cover?", "The cover is removed by the operator."),
            ("Cans?", "Empty cans must be used for anything else."),
            ("Cans?", "Full cans must not be used for anything else."),
            ("Cover?", "The cover may be removed by the fitter."),
        ),
    ),
    Relaxed(
        "several statements in one sentence",
        BOTH,
        (
            ("Sugar dust?", "Sugar dust can explode. Bags are emptied only with the extraction running."),
            ("Bearing?", "The bearing is greased with G1, and the seal is changed by the fitter."),
        ),
        (
            ("Sugar dust?", "Sugar dust can explode and bags are emptied with the extraction running."),
            ("Bearing?", "The bearing is greased with G1. It is replaced every 2 years."),
            ("Bearing?", "The seal is changed by the fitter and the bearing is greased with G1."),
            ("Bearing?", "The bearing is greased with G1 and changed by the fitter."),
            ("Bearing?", "The filter is cleaned weekly and the bearing is greased with G1."),
            ("Bearing?", "The bearing is not greased with G1 and the seal is changed by the fitter."),
            ("Bearing?", "The bearing is greased with G1 before the seal is changed by the fitter."),
            ("Bearing?", "The bearing is greased with G1, so the seal is changed by the fitter."),
            ("Bearing?", "Only the bearing is greased with G1, and the seal is changed by the fitter."),
            ("Bearing?", "The bearing is greased with G1, then the seal is changed by the fitter."),
            ("Bearing?", "If the bearing is greased with G1, the seal is changed by the fitter."),
            ("Dust?", "Sugar dust and bags are emptied only with the extraction running."),
            ("Shaft?", "The shaft sleeve and the ring are changed by the fitter."),
            ("Shaft?", "The shaft sleeve and the seal are changed by the fitter."),
            ("Filter?", "Bags are emptied weekly. It is replaced every 2 years."),
        ),
    ),
    Relaxed(
        "a name of a cell in any order",
        GEAR,
        (("Hydrotreat?", "Hydrotreat P-70 needs a P2 dust mask, goggles and 0.2 mm nitrile gloves."),),
        (
            ("Hydrotreat?", "Hydrotreat P-70 needs a P3 dust mask, goggles and 0.2 mm nitrile gloves."),
            ("Hydrotreat?", "Hydrotreat P-70 needs a P2 dust mask, glasses and 0.2 mm nitrile gloves."),
            ("Hydrotreat?", "Hydrotreat P-70 needs a P2 dust mask, goggles and 0.7 mm nitrile gloves."),
            ("Hydrotreat?", "Hydrotreat P-70 needs a P2 dust mask, goggles or 0.2 mm nitrile gloves."),
            ("Nitra?", "Nitra 53 needs a P2 dust mask and goggles."),
            ("Nitra?", "Nitra 53 needs 0.7 mm butyl gloves and no face shield."),
            ("Nitra?", "Nitra 53 needs 0.7 mm nitrile gloves."),
        ),
    ),
    Relaxed(
        "the rest of a name",
        PLATES,
        (("Plates?", "The transfer plates are changed every 500 h."),),
        (
            ("Plates?", "The guide plates are changed every 500 h."),
            ("Screw?", "The feed screw is tightened to 5 Nm."),
            ("Screw?", "The drain screw is tightened to 5 Nm."),
            ("Plates?", "The steel plates are changed every 500 h."),
            ("Plates?", "The transfer rail is changed every 500 h."),
            ("Plates?", "The transfer screw is tightened to 5 Nm."),
        ),
    ),
    Relaxed(
        "done without is; each of so many",
        DONE,
        (
            ("Current?", "The rated current of P-101A is 20.4 A, and the overload relay F101A is set to this value."),
            ("Grease?", "Each of the 3 star wheel shafts gets 8 g."),
        ),
        (
            ("Current?", "The overload relay F101A sets the rated current of P-101A to 20.4 A."),
            (
                "Current?",
                "The rated current of P-101A is 20.4 A, and the overload relay F101A is not set to this value.",
            ),
            ("Current?", "The rated current of P-101B is 20.4 A, and the overload relay F101B is set to this value."),
            ("Grease?", "All star wheel shafts together get 8 g."),
            ("Grease?", "The 3 star wheel shafts get 8 g."),
            ("Grease?", "Each of the 8 star wheel shafts gets 3 g."),
            ("Grease?", "Each of the 3 star wheel shafts gets 20.4 A."),
        ),
    ),
    Relaxed(
        "if for a bound that opens",
        GAP,
        (("Gap of P-205?", "P-205 no longer primes if the gap is above 1.0 mm."),),
        (
            ("Gap of P-205?", "P-205 no longer primes if the gap is below 1.0 mm."),
            ("Gap of P-205?", "P-205 primes if the gap is above 1.0 mm."),
            ("Pressure?", "The valve closes if the pressure is above 3 bar."),
            ("Pressure?", "The valve opens if the pressure is below 3 bar."),
            ("Pressure?", "The valve closes unless the pressure is below 3 bar."),
            ("Pressure?", "The pump no longer primes if the pressure is below 3 bar."),
            ("Pressure?", "Only if the pressure is below 3 bar the valve closes."),
        ),
    ),
    Relaxed(
        "what comes after is told first",
        AFTER,
        (
            ("Repeats?", "Call Quality after two failed repeats."),
            ("Start?", "Fill the casing before the first start."),
        ),
        (
            ("Repeats?", "Call Quality before two failed repeats."),
            ("Repeats?", "After calling Quality there are two failed repeats."),
            ("Repeats?", "Call Quality after failed repeats."),
            ("Start?", "Fill the casing after the first start."),
            ("Start?", "Before filling the casing start first."),
            ("Repeats?", "Two failed repeats after call Quality."),
        ),
    ),
    Relaxed(
        "only then",
        STEPS,
        (("Start?", "Discard the first 400 L to the drain tank, and only then open the valve to the filler."),),
        (
            ("Start?", "Open the valve to the filler, and only then discard the first 400 L to the drain tank."),
            ("Start?", "Open the drain, and only then open the valve to the filler."),
            ("Start?", "Close the suction valve HV-1 and open the valve to the filler."),
            ("Start?", "Discard the first 400 L to the filler, and only then open the valve to the drain tank."),
            ("Start?", "Open the drain and close the suction valve HV-1."),
            ("Start?", "Discard the first 400 L to the drain tank, and only open the valve to the filler."),
            ("Start?", "Close the suction valve HV-1; discard the first 400 L to the drain tank."),
        ),
    ),
]
