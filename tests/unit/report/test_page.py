"""A report is one page: complete, self-contained, and safe whatever the columns are called."""

import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from tests.unit.report.conftest import NASTY_SERIES, NASTY_TARGET, records, table

import whorl
from whorl.errors import DataError, MissingExtraError, ModelFileError, ResourceError
from whorl.report.page import write_report

FORECAST = ["Scores", "Findings", "Split", "Training", "Forecasts", "Error by step", "Coverage by step", "Hidden state"]
REGRESSION = ["Scores", "Findings", "Split", "Training", "Predicted and true", "Hidden state"]
NETWORK = "Network, unrolled"


class Page(HTMLParser):
    """What a browser would find."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.headings, self.sources, self.alts, self.ids, self.targets = [], [], [], [], [], []
        self.text = ""
        self._in_heading = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.ids += [given["id"]] if "id" in given else []
        self.sources += [given[name] for name in ("src", "href") if name in given]
        if tag == "img":
            self.alts.append(given.get("alt", ""))
        self._in_heading = tag == "h2"
        assert not [name for name in given if name.startswith("on")]

    def handle_data(self, data):
        self.text += data
        if self._in_heading:
            self.headings.append(data)
            self._in_heading = False


def page_of(estimator, folder, data=None):
    path = folder / "report.html"
    estimator.report(path, data)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def text(model, tmp_path_factory):
    return page_of(model, tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="session", params=["forecaster", "carried", "regressor"])
def model(request):
    return request.getfixturevalue(request.param)


def test_a_page_needs_nothing_but_itself(text):
    page = Page(text)
    assert page.tags.count("script") == 2  # the explorer's data and what draws them, both in the page
    assert not {"link", "iframe", "object", "embed"} & set(page.tags)
    assert all(source.startswith(("data:image/svg+xml;base64,", "#")) for source in page.sources)
    assert not re.search(r"https?://", text)
    assert "@import" not in text
    assert "url(" not in text
    assert len(text) < 3_000_000


def test_all_sections_are_there_and_the_links_lead_to_them(model, text):
    page = Page(text)
    sections = REGRESSION if isinstance(model, whorl.Regressor) else FORECAST
    assert page.headings == [*sections, "Memory", NETWORK]
    assert {source[1:] for source in page.sources if source.startswith("#")} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert "Not shown" not in page.text


def test_every_picture_says_what_it_shows(text):
    page = Page(text)
    assert page.alts
    assert all(page.alts)
    assert text.count("<svg") == len(re.findall(r'<svg viewBox="[^"]+" role="img" aria-label="[^"]+"', text)) == 2


def test_names_are_escaped(forecaster, tmp_path):
    text = page_of(forecaster, tmp_path)
    page = Page(text)
    assert page.tags.count("script") == 2
    assert "<script>alert" not in text
    assert "<b onload" not in text
    assert NASTY_TARGET in page.text
    assert NASTY_SERIES in page.text


def test_a_loaded_model_without_data_shows_what_its_card_knows(model, tmp_path):
    model.save(tmp_path / "it.whorl")
    page = Page(page_of(whorl.load(tmp_path / "it.whorl"), tmp_path))
    sections = REGRESSION if isinstance(model, whorl.Regressor) else FORECAST
    assert page.headings == [*sections, NETWORK]
    assert page.text.count("Not shown") == 2  # the answers, and the hidden state
    assert "the validation part that fit held out" in page.text


def test_data_replace_the_part_that_was_held_out(forecaster, tmp_path):
    rows = records(table(60, 1))
    page = Page(page_of(forecaster, tmp_path, rows))
    count = 60 - 16 - 5 + 1
    assert f"the data given to this report, {count} answers" in page.text
    assert "calibrated on this part" not in page.text
    result = forecaster.evaluate(rows)
    assert f"{result.metrics['mae']:.4g}"[:4] in page.text


def test_data_without_a_scorable_row_are_refused(forecaster, tmp_path):
    with pytest.raises(DataError, match="a context of 16 and a horizon of 5 rows"):
        forecaster.report(tmp_path / "it.html", records(table(18, 1)))
    assert not (tmp_path / "it.html").exists()


def test_a_regressor_that_answers_every_step_has_a_page(tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 6, 1))
    model = whorl.Regressor(
        every_step=True,
        network=whorl.Recurrent("gru", hidden_size=4, bidirectional=True),
        training=whorl.Training(epochs=1, device="cpu"),
    ).fit((X, X[:, ::-1].copy()))
    page = Page(page_of(model, tmp_path))
    assert "reading both ways" in page.text
    assert "Not shown" not in page.text


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_a_missing_package_is_named(package, regressor, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=package):
        regressor.report(tmp_path / "it.html")


def test_a_place_that_cannot_be_written_is_named(regressor, tmp_path):
    with pytest.raises(ResourceError, match="nowhere"):
        regressor.report(tmp_path / "nowhere" / "it.html")


def test_a_damaged_card_is_refused(regressor, tmp_path):
    from dataclasses import replace

    damaged = replace(regressor.model_, card={"history": {"epochs": "many"}})
    with pytest.raises(ModelFileError, match="card"):
        write_report(tmp_path / "it.html", damaged, None)


def test_an_empty_card_still_makes_a_page(regressor, tmp_path):
    from dataclasses import replace

    write_report(tmp_path / "it.html", replace(regressor.model_, card={}), None)
    page = Page((tmp_path / "it.html").read_text())
    assert page.headings == [*REGRESSION, NETWORK]
    assert "nothing could be scored" in page.text
