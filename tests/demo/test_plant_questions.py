"""The questions are fair: each right answer stands in its document in force, each wrong one stands elsewhere."""

import re
from collections import Counter

import pypdfium2
import pytest

from tests.demo.plant import SOURCES, Question, file_path, has, pieces, questions, source, words

GOLDEN = questions("golden")
TUNING = questions("tuning")
UNSEEN = questions("unseen")
ALL = GOLDEN + TUNING + UNSEEN
QUOTED = [question for question in ALL if question.expect == "quoted"]
NONE = [question for question in ALL if question.expect == "none"]

# What a document of the tenant would have to say to answer the question; no piece of one matches.
WOULD_ANSWER = {
    "What does alarm E-0471 mean?": r"e-0471",
    "What is the purchase price of a KF-7731-A seal kit?": r"price|kf-7731-a.*eur",
    "What is the password of panel CP-30?": r"password",
    "How long is the warranty of capper CP-210?": r"warrant|guarantee period",
    "How many grams does the preform of the 0.5 L bottle weigh?": r"preform",
    "At what speed does palletiser PA-240 run?": r"palletiser|pa-240",
    "How often is the checkweigher calibrated?": r"checkweigher.*calibrat|calibrat.*checkweigher",
    "Which firmware version runs on the PLC of the filler?": r"firmware|software version",
    "What purity must the nitrogen for line 1 have?": r"nitrogen|purity",
    "How many fire extinguishers hang in hall A?": r"extinguisher",
    "How loud is the boiler house?": r"boiler.*db|db.*boiler",
    "What torque do the bolts of the burner flange need?": r"burner.* nm",
    "How many kilocalories does a bottle of lemon soda have?": r"calorie|kcal|energy value",
    "How many cavities does the bottle blower have?": r"cavity|cavities",
    "When does the canteen open?": r"canteen",
    "How fast may fork-lift trucks drive inside the halls?": r"fork-lift.*km/h|km/h.*fork-lift",
    "What temperature does the water of the cooling tower have?": r"cooling tower.*°c",
    "Chain pitch of conveyor CV-235": r"cv-235",
    "How many millilitres a minute does a spray gun deliver?": r"(ml|l|g)/min",
    "How long do the parts stay in the oven?": r"oven.*(min|hour)|curing time|baked",
    "What does U-0611 mean?": r"u-0611",
    "Which company insures the boiler?": r"insur",
    "How long is the belt of cap elevator EL-212?": r"el-212.* m\b|elevator.*belt",
    "How much does one cap weigh?": r"\bcaps? weigh|weight of (a|the|one) cap",
    "How many kWh does line 1 use in a shift?": r"kwh",
    "What is the barcode number of the cola pack?": r"barcode|gtin|\bean\b",
    "What is the freezing point of Glykol F?": r"freez|frost",
    "To what torque are the screws of the laser head tightened?": r"laser.* nm",
    "When is the next fire drill?": r"drill",
    "Who represents the workers in the works council?": r"works council|represent",
    "Which nozzle size do the spray guns have?": r"nozzle",
    "Which company built labeller LB-220?": r"(labeller|lb-220).*(manufactur|made by|built by)",
    "What is the serial number of the capper?": r"(capper|cp-210).*serial|serial.*(capper|cp-210)",
    "How many litres does caustic tank T-301 hold?": r"t-301.*\d l\b|volume of t-301",
    "How deep is the pit under the carousel?": r"\bpit\b.*( m\b|deep)|depth",
    "How many bottles are in one pack?": r"bottles (in a|per|a) pack|pack of \d",
    "Which oil goes into vacuum pump VP-211?": r"vp-211.*\boil\b|\boil\b.*vp-211",
    "How long does a bottle of tonic keep in the shop?": r"shelf life of (a |the )?(bottle|drink)|months after "
    r"(filling|bottling)",
    "How many cubic metres of gas does the boiler burn in an hour?": r"gas consumption|m³ of gas|gas.*m³/h",
    "When was CA-500 last overhauled?": r"ca-500.*overhaul|overhaul.*ca-500",
    "What is the flash point of the compressor oil?": r"flash point",
    "Telephone number of the porter's lodge": r"porter.*(dial|phone|extension|\d{3})",
    "Which cleaner is used for the floor of hall B?": r"floor.*clean|clean.*floor",
    "What diameter has the suction pipe of P-205?": r"p-205.*\bdn\b|suction.*p-205",
    "How many litres go into the underground tank ST-1?": r"st-1\b.*\d l\b|holds.*st-1\b",
    "What is the boiling point of xylene?": r"boil",
    "How fast does the chain of the spray line run?": r"m/min|chain speed|speed of the chain",
    "Which brand of ear plugs is bought?": r"ear (plug|protection).*(brand|made by|type)|\bbrand\b(?! at|\.)",
    "Where can visitors leave their bicycles?": r"bicycle|bike",
    "How much does the defibrillator cost?": r"defibrillator.*eur|eur.*defibrillator",
    "Who calibrates the ultrasonic detector?": r"ud-2.*calibrat|calibrat.*(ud-2|ultrasonic)",
    "How many leaks were found last year?": r"\d+ leaks|leaks (were )?found",
    "What is the salary of a taster?": r"salar|wage|\bpaid\b",
    "Which laboratory tests the yeasts outside the plant?": r"(outside|external|accredited) laborator|yeast.*laborator",
    "How much oil does the dryer DR-510 hold?": r"dr-510.*\boil\b|dr-510 holds \d+ l\b",
    "What is the weight of CA-501?": r"ca-501.* kg\b|compressor.*(weighs|weight)",
    "Which paint is used on the separator?": r"\bpaint|lacquer",
    "What colour is the glove box for butyl gloves?": r"glove box|box.*gloves",
    "What is the boiling point of Nitra 53?": r"boiling point|nitra 53.*boil",
    "Which insurance pays for burns?": r"insur",
    "What is the IP address of MC-505?": r"mc-505.*10\.20|10\.20.*mc-505",
    "At what oil temperature does the main gear of the filler trip?": r"main gear.*°c|gear.*temperature",
    "At what pressure does the safety valve of receiver AR-520 open?": r"(ar-520|receiver).*(safety valve|opens)|safety valve.*(ar-520|receiver)",
    "screws of the anti-rotation knives torque": r"kni(fe|ves).* nm\b",
    "How often is gas detector QI-218 calibrated?": r"calibrat.*(qi-218|detector)|(qi-218|detector).*calibrat",
    "After how many hours is the sorter belt of the capper changed?": r"sorter belt.*( h\b|hours)|belt of the sorter",
    "How many litres an hour does dosing pump DP-415 deliver?": r"dp-415.*(l/h|m³/h|an hour)",
    "flow of pump P-315": r"p-315.*m³/h",
    "What mesh does strainer ST-304 have?": r"st-304.*(mesh| mm\b)|mesh.*st-304",
    "How many litres fit into drain tank T-130?": r"t-130.*(volume|holds)|(volume of|holds).*t-130",
    "How many watts does the UV lamp have?": r"\buv\b.* k?w\b|\bwatt",
    "What does the labeller weigh?": r"(labeller|lb-220).*( kg\b|weigh)",
    "How much lubricant does tank LT-230 hold when it is full?": r"lt-230.*(holds|volume|full)|(holds|volume).*lt-230",
    "delivery time of a level probe for the filler": r"level probe.*(weeks|days)",
    "What does E-0427 mean?": r"e-0427",
    "How much wash solvent fits into waste tank ST-9?": r"st-9\b.*\d l\b|holds.*st-9\b",
    "How often is oxygen meter QI-12 calibrated?": r"qi-12.*calibrat|calibrat.*qi-12",
    "Which of the two softener columns is the bigger one?": r"(column|softener).*(bigger|larger|smaller|\d l\b)",
    "Which gas valve of the boiler has the position switch, GV-401 or GV-402?": r"gv-40.*switch|position switch|limit switch",
    "Which extinguisher do I grab when sugar dust burns?": r"extinguisher",
    "How many grams of CO2 per litre does the cola have?": r"cola.*(g/l|co2)|co2.*cola",
    "what brix is the finished cola drink supposed to have, not the syrup": r"cola.*°bx",
    "At what temperature does the pasteuriser in hall B run?": r"hall b.*pasteuri|pasteuriser.*°c",
    "After how many steamings is the sterile air filter changed?": r"steamings|sterile (air )?filter.*(changed|steam)",
    "max throughput blender BL-120": r"bl-120.*(m³/h|l/h)|blender.*m³/h",
    "torque for an M24 bolt, 8.8?": r"m24\b.*nm",
    "who sells us the Causta 50?": r"causta 50.*(supplier|sold by|from )|supplier.*causta",
    "Phone number of the gas fitter?": r"gas fitter.*\b\d{4}\b",
    "What does U-0409 mean?": r"u-0409",
    "E-0439 came up, what is it?": r"e-0439",
    "how many filter sheets are in SF-104": r"sf-104.*\d+ sheets|\d+ (filter )?sheets",
    "How high may we stack pallets in the warehouse?": r"stack.*(pallets?|high)|pallets.*stack",
    "wifi password for visitors": r"wi-?fi|password",
    "How thick is the label film in micrometres?": r"µm.*film|film.*µm|micromet",
    "How many kW of cooling does CH-600 have?": r"ch-600.*kw\b|chiller.*kw\b",
    "How many packs a minute does the packer do?": r"packs (a|per) minute|packs/min",
    "how hot do we bake the parts in the oven?": r"bak(e|ed|ing).*°c|oven.*(set to|bakes)",
    "How many kilos of resin go into a batch of BC-4?": r"resin.* kg\b|kg of resin",
    "Fire alarm! Where is the assembly point?": r"assembly point",
    "how long is return hose H-7": r"h-7.* m\b|h-7.*long",
}


def by_id(question: Question) -> str:
    return question.id


def test_the_golden_questions_are_sixty_answerable_and_sixty_near_misses() -> None:
    counts = Counter((question.kind, question.category) for question in GOLDEN)

    assert sum(count for (kind, _), count in counts.items() if kind == "answerable") == 60
    assert {category for kind, category in counts if kind == "answerable"} == {
        "fact",
        "number",
        "identifier",
        "steps",
        "paraphrase",
    }
    assert counts["near_miss", "wrong_asset"] == 20
    assert counts["near_miss", "superseded"] == 20
    assert counts["near_miss", "absent"] == 20


def test_there_are_twice_as_many_tuning_questions_as_golden_ones_and_many_in_other_words_than_the_documents() -> None:
    assert len(TUNING) >= 2 * len(GOLDEN)
    assert sum(question.category == "paraphrase" for question in TUNING) >= 100


def test_no_question_is_asked_twice() -> None:
    assert len({question.id for question in ALL}) == len(ALL)
    assert len({(question.tenant, words(question.question)) for question in ALL}) == len(ALL)


def test_golden_unseen_and_tuning_questions_ask_for_different_facts() -> None:
    def facts(asked: list[Question]) -> set[tuple[str | None, str]]:
        return {(question.document, words(answer)) for question in asked for answer in question.answer_any}

    def temptations(asked: list[Question]) -> set[str]:
        return {
            words(value)
            for question in asked
            if question.expect == "none" and question.category in {"wrong_asset", "superseded"}
            for value in question.must_not
        }

    assert (facts(GOLDEN) | facts(UNSEEN)) & facts(TUNING) == set()
    assert facts(GOLDEN) & facts(UNSEEN) == set()
    assert temptations(GOLDEN) & temptations(TUNING) <= {"7,300 l"}


@pytest.mark.parametrize("question", QUOTED, ids=by_id)
def test_each_answer_stands_in_one_piece_of_its_document_in_force(question: Question) -> None:
    assert question.document is not None
    document = source(question.tenant, question.document)

    assert not document.superseded
    assert document.classification != "CONFIDENTIAL"
    for answer in question.answer_any:
        assert has(document.body, answer), answer
    assert any(has(piece, answer) for piece in pieces(document) for answer in question.answer_any)


@pytest.mark.parametrize("question", QUOTED, ids=by_id)
def test_the_page_of_an_answer_is_right_and_given_for_pdf_only(question: Question) -> None:
    assert question.document is not None
    if not question.document.endswith(".pdf"):
        assert question.page is None
        return

    assert question.page is not None
    pdf = pypdfium2.PdfDocument(file_path(question.tenant, question.document))
    # pdfium marks a hyphen at a line's end with U+FFFE.
    text = pdf[question.page - 1].get_textpage().get_text_range().replace("\ufffe", "-")
    assert any(has(text, answer) for answer in question.answer_any)


@pytest.mark.parametrize("question", [asked for asked in ALL if asked.must_not], ids=by_id)
def test_each_wrong_value_really_stands_somewhere_but_never_beside_the_right_one(question: Question) -> None:
    for value in question.must_not:
        assert any(has(document.body, value) for document in SOURCES), value
        if question.document:
            for piece in pieces(source(question.tenant, question.document)):
                if any(has(piece, answer) for answer in question.answer_any):
                    assert not (has(piece, value) and question.category in {"number", "identifier", "superseded"}), (
                        piece
                    )


@pytest.mark.parametrize("question", [asked for asked in ALL if asked.category == "superseded"], ids=by_id)
def test_what_a_superseded_question_must_not_say_stands_in_an_old_revision(question: Question) -> None:
    assert question.must_not
    old = [document for document in SOURCES if document.superseded]
    if question.document:
        new = source(question.tenant, question.document)
        old = [document for document in old if document.file == new.supersedes]
        assert not any(has(new.body, value) for value in question.must_not)

    assert any(has(document.body, value) for document in old for value in question.must_not)


@pytest.mark.parametrize("question", NONE, ids=by_id)
def test_a_question_without_an_answer_names_no_document(question: Question) -> None:
    assert question.kind == "near_miss"
    assert question.answer_any == []
    assert question.document is None
    assert question.page is None


@pytest.mark.parametrize("question", [asked for asked in ALL if asked.category == "absent"], ids=by_id)
def test_an_absent_fact_stands_in_no_document_of_its_tenant(question: Question) -> None:
    pattern = WOULD_ANSWER[question.question]

    found = [
        (document.file, piece)
        for document in SOURCES
        if document.tenant == question.tenant
        for piece in pieces(document)
        if re.search(pattern, piece)
    ]
    assert found == []


def test_the_tenants_share_a_pump_name_but_no_value_of_it() -> None:
    torques = {
        document.tenant: set(re.findall(r"\d+ Nm", document.body))
        for document in SOURCES
        if document.doc_type == "manual" and document.assets == ("P-101A",)
    }

    assert set(torques) == {"alder", "birch"}
    assert torques["alder"] & torques["birch"] == set()
