from __future__ import annotations

import copy

from glasscade.config import Margins, parse
from glasscade.report.kinds import KINDS, Kind, description, kind_of
from glasscade.report.parameters import of_model, of_section, shown
from report_data import GLASS
from studies import FIELD, study


def test_every_key_of_a_model_is_listed_once_with_its_meaning() -> None:
    rows = of_model(parse(study()).models["smooth"])
    names = [row.name for row in rows]
    assert len(names) == len(set(names))
    assert {"system", "system.potential", "system.potential.strength", "sweep.ell"} <= set(names)
    assert {"window", "spacing", "system.duration", "sweep.realisations"} <= set(names)
    assert all(row.text for row in rows)


def test_the_kind_of_a_section_stands_for_it_and_comes_first() -> None:
    first = of_model(parse(study()).models["smooth"])[0]
    assert (first.name, first.value) == ("system", "field")
    assert first.text.startswith("A density that evolves")


def test_a_side_that_follows_from_other_keys_is_listed() -> None:
    model = parse(study(glass=copy.deepcopy(GLASS))).models["glass"]
    values = {row.name: row.value for row in of_model(model)}
    assert float(values["length"]) == round(model.system.length, 3)  # four digits, 8 < L < 10
    assert "length" not in {row.name for row in of_model(parse(study()).models["smooth"])}


def test_margins_are_listed() -> None:
    rows = {row.name: row for row in of_section(Margins())}
    assert set(rows) == set(Margins.model_fields)
    assert rows["delta"].value == "0.05"


def test_values_in_words() -> None:
    assert shown((0.0, (0.1, 0.2), 1e-5)) == "0, [0.1, 0.2], 1 × 10⁻⁵"
    assert shown(()) == "none"
    assert shown(True) == "true"
    assert shown(1_000_000) == "1000000"


def test_every_kind_of_system_is_described() -> None:
    for model in parse(study(glass=copy.deepcopy(GLASS), smooth=FIELD)).models.values():
        assert description(model.system) == KINDS[model.system.kind].text


def test_a_kind_without_a_text_is_described_by_its_class(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    system = parse(study()).models["smooth"].system
    monkeypatch.delitem(KINDS, "field")
    assert kind_of(system) == Kind()
    assert description(system).startswith("A density that evolves by the noiseless")
